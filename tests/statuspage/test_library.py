"""Months that went by, as readers see them: each tells what happened in it, and costs the same however many there are."""

import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection, update

from incidents.corrected import Corrected
from incidents.importing import Page, take_over
from incidents.levels.availability import percent
from incidents.model import Situation, Status, Topology
from incidents.times.spans import Span
from statuspage.ledgers import ledger_of
from statuspage.picture.archive import paths
from statuspage.store.errors import StoreUnavailable
from statuspage.store.tables import updates
from statuspage.web.public_routes import Surface, surface_of
from tests.incidents.test_importing import INCIDENT
from tests.statuspage.libraries import Reading, reading
from tests.statuspage.years import DAY, HOUR, changed, lived, outage, work
from tests.stores import Place

T = TypeVar("T")
BORN = datetime(2023, 11, 20, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 16, 0, tzinfo=UTC)


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(url="sqlite:///past.db", data_dir=tmp_path)


@pytest.fixture
async def years(place: Place) -> AsyncIterator[Reading]:
    """Three years with an incident each fortnight."""
    async with reading(place, *lived(BORN, NOW, incidents_a_month=2), born=BORN, now=NOW) as read:
        yield read


async def test_the_newest_months_are_told_and_all_others_lead_on(years: Reading) -> None:
    told = await years.page("/history")
    assert told.index("Nov 2026") < told.index("Oct 2026") < told.index("Sep 2026") < told.index("All months")
    found = await years.library.find("/history")
    assert found is not None
    body = found.body.decode()
    assert body.count('href="/history/20') == 3 + 37
    assert 'href="/history/2023-11"' in body
    assert 'href="/history/2023-10"' not in body


async def test_a_month_tells_its_incidents_with_the_length_of_the_outage(place: Place) -> None:
    events = [changed("email", BORN, Status.OPERATIONAL), *outage("incident0001", NOW - 40 * DAY, timedelta(minutes=42))]
    async with reading(place, *events, born=BORN, now=NOW) as read:
        told = await read.page("/history/2026-10")
    assert "Email is not working" in told
    assert "Major outage for 42 min, from 13 Oct 2026, 16:00 UTC" in told  # it was closed five minutes later
    assert "Affected: Email." in told
    assert "Resolved" in told
    assert "First words We are looking into it. Last words It works again." in told
    assert "99.905 %" in told
    assert "42 min" in told.partition("Availability")[2]


async def test_the_past_is_told_in_the_language_of_the_path(place: Place) -> None:
    events = [changed("email", BORN, Status.OPERATIONAL), *outage("incident0001", NOW - 40 * DAY, timedelta(minutes=42))]
    async with reading(place, *events, born=BORN, now=NOW) as read:
        told = await read.page("/de/history/2026-10")
        assert "Ausfall, Dauer: 42 min, Beginn: 13. Okt. 2026, 16:00 UTC" in told
        assert "99,905 %" in told
        assert "Erste Meldung We are looking into it." in told
        assert "Verlauf von Email" in await read.page("/de/services/email/history")
        assert "Gefunden" in await read.page("/de/history/search/looking")
        assert "Major outage for 42 min" in await read.page("/en/history/2026-10")
        assert await read.library.find("/fr/history/2026-10") is None


async def test_an_outage_over_midnight_of_the_site_stands_in_both_months(place: Place) -> None:
    midnight = datetime(2026, 9, 30, 22, 0, tzinfo=UTC)  # in Berlin
    events = [changed("email", BORN, Status.OPERATIONAL), *outage("incident0001", midnight - HOUR, 3 * HOUR)]
    async with reading(place, *events, born=BORN, now=NOW, zone="Europe/Berlin") as read:
        for month, down in (("2026-09", "1 h"), ("2026-10", "2 h")):
            told = await read.page(f"/history/{month}")
            assert "Major outage for 3 h, from 30 Sep 2026, 23:00 CEST" in told
            assert f"% measured, {down} down." in await read.page(f"/services/email/history/{month}")


async def test_one_that_goes_on_says_so(place: Place) -> None:
    events = [changed("email", BORN, Status.OPERATIONAL), *outage("incident0001", NOW - HOUR, HOUR, is_over=False)]
    async with reading(place, *events, born=BORN, now=NOW) as read:
        assert "Major outage since 22 Nov 2026, 15:00 UTC ; it goes on." in await read.page("/history/2026-11")


async def test_an_empty_month_says_so_plainly(place: Place) -> None:
    async with reading(place, changed("email", BORN, Status.OPERATIONAL), born=BORN, now=NOW) as read:
        told = await read.page("/history/2024-02")
        assert "No incident was published in this month." in told
        assert "No maintenance was planned in this month." in told
        assert "No incident was published in this month so far." in await read.page("/history/2026-11")


@pytest.mark.parametrize("month", ["2023-10", "2026-12", "1000-01", "9999-12", "2026-13", "2026-1", "02026-01", "2026-10/", "now", ""])
async def test_months_before_the_birth_or_yet_to_come_are_not_there(years: Reading, month: str) -> None:
    assert await years.library.find(f"/history/{month}") is None
    assert await years.library.find("/services/nobody/history/2026-10") is None


async def test_what_was_brought_along_from_before_the_birth_is_there(place: Place) -> None:
    async with reading(place, *outage("incident0001", BORN - 70 * DAY, HOUR), born=BORN, now=NOW) as read:
        assert "Email is not working" in await read.page("/history/2023-09")
        assert "not watched yet" in await read.page("/history/2023-09")
        assert await read.library.find("/history/2023-08") is None


async def test_what_was_imported_says_from_where_and_hit_nobody_where_nobody_was_hit(place: Place) -> None:
    page = Page(address="https://status.example.com", id="theirs")
    note = replace(
        INCIDENT,
        started_at=BORN - 70 * DAY,
        published_at=BORN - 70 * DAY,
        resolved_at=BORN - 70 * DAY + HOUR,
        services={},
        impact=Status.OPERATIONAL,
    )
    situation = Situation(topology=Topology(services={}, components={}, monitors={}), seed="seed")
    events = take_over(situation, NOW, page=page, past=note, kept=None, by="ada", language="en")
    async with reading(place, *events, born=BORN, now=NOW) as read:
        told = await read.page("/history/2023-09")
        assert "No service was hit; it lasted" in told
        assert "Imported from status.example.com" in told
        assert "Übernommen von status.example.com" in await read.page("/de/history/2023-09")


async def test_a_service_has_a_history_of_its_own(place: Place) -> None:
    events = [
        changed("email", BORN, Status.OPERATIONAL),
        changed("portal", BORN + 400 * DAY, Status.OPERATIONAL),
        *outage("incident0001", NOW - 40 * DAY, HOUR),
        *outage("incident0002", NOW - 41 * DAY, HOUR, service="portal", name="The portal is down"),
        *work("window000001", NOW - 39 * DAY, HOUR),
    ]
    async with reading(place, *events, born=BORN, now=NOW) as read:
        email, portal = [await read.page(f"/services/{id}/history/2026-10") for id in ("email", "portal")]
        assert ("Email is not working" in email, "The portal is down" in email, "Patches" in email) == (True, False, True)
        assert ("Email is not working" in portal, "The portal is down" in portal, "Patches" in portal) == (False, True, False)
        assert "Not watched yet." in await read.page("/services/portal/history/2024-01")
        assert "no downtime" in await read.page("/services/email/history")


async def test_figures_of_every_month_are_those_of_its_ledger(years: Reading) -> None:
    for first in (datetime(2024, 2, 1, tzinfo=UTC), datetime(2025, 4, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)):
        span = Span(first, (first + 31 * DAY).replace(day=1))
        ledger = await years.store.read(lambda connection, span=span: ledger_of(connection, "email", span))  # type: ignore[misc]
        assert ledger.measured.ratio is not None
        told = await years.page(f"/services/email/history/{first:%Y-%m}")
        assert f"{percent(ledger.measured.ratio)} % measured" in told


@pytest.mark.parametrize("month", ["2024-02", "2026-10"])
async def test_every_figure_of_a_month_leads_to_its_ledger(years: Reading, month: str) -> None:
    path = f"/services/email/ledger/{month}"
    found = await years.library.find(f"/history/{month}")
    assert found is not None
    for form in ("json", "csv"):
        assert f'href="{path}.{form}"'.encode() in found.body
        made = years.books.document(f"{path}.{form}")
        document = await years.library.find(f"{path}.{form}") if made is None else made()
        assert document is not None
        if form == "json":
            told = json.loads(document.body)
            assert told["period"] == month
            assert f"{told['measured']:.3f} % measured" in await years.page(f"/services/email/history/{month}")


@pytest.mark.parametrize("name", ["email/ledger/2023-10", "email/ledger/2026-11", "email/ledger/2999-01", "nobody/ledger/2026-10"])
async def test_a_month_that_is_not_over_or_in_which_nothing_was_watched_has_no_ledger_of_its_own(years: Reading, name: str) -> None:
    assert await years.library.find(f"/services/{name}.json") is None


async def test_a_closed_month_is_drawn_once_however_the_clock_goes_on(years: Reading) -> None:
    first = await years.library.find("/history/2025-03")
    for _ in range(2):
        years.now += 3 * DAY  # into the next month, too
        await years.turn()
    assert await years.library.find("/history/2025-03") is first


async def test_what_is_known_better_later_is_in_the_month_at_once(years: Reading) -> None:
    first = await years.page("/history/2024-03")
    day = datetime(2024, 3, 10, tzinfo=UTC)
    claim = {"since": day, "until": day + 5 * HOUR, "status": Status.MAJOR, "reason": "seen by hand"}
    await years.add(Corrected(at=NOW, correction="correction01", service="email", by="ada", **claim))  # type: ignore[arg-type]
    second = await years.page("/history/2024-03")
    assert first != second
    assert "6 h 24 min" in second


async def test_withdrawn_words_are_in_no_month(years: Reading) -> None:
    assert "It works again." in await years.page("/history/2024-03")
    gone = update(updates).values(redacted_at=NOW).where(updates.c.number == 2)
    await years.store.write(lambda connection: connection.execute(gone))
    told = await years.page("/history/2024-03")
    assert "It works again." not in told
    assert "This text was removed on" in told


async def test_drafts_are_in_no_month(place: Place) -> None:
    secret = outage("incident0001", NOW - 40 * DAY, HOUR, name="Intruders in the mail server", is_published=False)
    private = work("window000001", NOW - 39 * DAY, HOUR, name="Secret patch", needs_approval=True)
    async with reading(place, changed("email", BORN, Status.OPERATIONAL), *secret, *private, born=BORN, now=NOW) as read:
        for path in ("/history", "/history/2026-10", "/services/email/history/2026-10"):
            told = await read.page(path)
            assert "Intruders" not in told
            assert "Secret" not in told


async def test_the_paths_that_are_told_of_are_all_there(years: Reading) -> None:
    told = await years.library.paths()
    assert len(told) == 3 * (1 + 37) == len(set(told))
    for path in told:
        assert surface_of(path) is Surface.PAGE
        assert await years.library.find(path) is not None, path


def test_a_store_whose_birth_lies_ahead_has_the_present_month_alone() -> None:
    assert paths(NOW + 40 * DAY, NOW, "UTC", ()) == ("/history", "/history/2026-11")


async def test_while_the_store_is_away_the_past_cannot_be_told(years: Reading, monkeypatch: pytest.MonkeyPatch) -> None:
    async def away(_: Callable[[Connection], T]) -> T:
        raise StoreUnavailable("The disk is full.")

    monkeypatch.setattr(years.store, "read", away)
    with pytest.raises(TimeoutError):
        await years.library.find("/history/2025-03")


async def test_the_past_is_told_in_each_language_under_its_own_paths(place: Place) -> None:
    events = [
        changed("email", BORN, Status.OPERATIONAL),
        *outage("incident0001", NOW - 40 * DAY, timedelta(minutes=42), said=("Eine Störung.",)),
        *outage("incident0002", NOW - HOUR, HOUR, is_over=False),
    ]
    async with reading(place, *events, born=BORN, now=NOW) as read:
        assert "Erste Meldung" in await read.page("/de/history/2026-10")
        for path in (
            "/de/history",
            "/de/history/2026-10",
            "/de/services/email/history/2026-11",
            "/de/history/search/störung",
            "/de/history/search",
        ):
            found = await read.library.find(path)
            assert found is not None, path
            body = found.body.decode()
            assert '<html lang="de">' in body
            assert not [
                link for link in re.findall(r'href="(/[^"]*)"', body) if "history" in link and not link.startswith(("/de/", "/en/"))
            ], path
            assert ('action="/de/history/search"' in body) == ("/search" in path or path == "/de/history")
        english, german = await read.page("/history/search/störung"), await read.page("/de/history/search/störung")
        assert ("Found" in english, "Gefunden" in german, "Found" in german) == (True, True, False)


# --- search


async def test_a_search_tells_where_the_words_stand(place: Place) -> None:
    events = [
        changed("email", BORN, Status.OPERATIONAL),
        *outage("incident0001", NOW - 400 * DAY, timedelta(minutes=42), said=("One moment.", "The <b>disk</b> was full of Störungen.")),
        *outage("incident0002", NOW - 40 * DAY, HOUR),
        *work("window000001", NOW - 39 * DAY, HOUR, name="New disks"),
    ]
    async with reading(place, *events, born=BORN, now=NOW) as read:
        found = await read.library.find("/history/search/STORUNG disk")
        assert found is not None
        body = found.body.decode()
        assert "The &lt;b&gt;<mark>disk</mark>&lt;/b&gt; was full of <mark>Störungen</mark>." in body
        assert "Major outage for 42 min" in await read.page("/history/search/STORUNG disk")
        assert "incident0002" not in body
        assert "window000001" not in body
        assert '<meta name="robots" content="noindex">' in body
        assert "New disks" in await read.page("/history/search/disks")
        assert "Nothing found" in await read.page("/history/search/tape")
        assert 'value="&lt;"' not in body


@pytest.mark.parametrize("words", ["", "\x00", '"', "%", "\ud800", "' OR 1=1 --", "<script>", "x" * 10_000, "a " * 4000, "../../x"])
async def test_whatever_is_typed_there_is_a_plain_page(years: Reading, words: str) -> None:
    found = await years.library.find(f"/history/search/{words}" if words and "/" not in words else "/history/search")
    assert found is not None
    assert b"<script>alert" not in found.body
    assert b"<h1" in found.body
    assert len(found.body) < 200_000


async def test_a_search_shows_the_newest_and_says_that_there_are_more(years: Reading) -> None:
    told = await years.page("/history/search/email")
    assert told.count("Email is not working") == 30 - told.count("Patches")
    assert "There is more" in told


async def test_nothing_that_is_not_public_is_found_or_counted(place: Place) -> None:
    secret = outage("incident0001", NOW - 40 * DAY, HOUR, name="Intruders", said=("Intruders!",), is_published=False)
    private = work("window000001", NOW - 39 * DAY, HOUR, name="Intruders out", needs_approval=True)
    gone = outage("incident0002", NOW - 30 * DAY, HOUR, said=("Intruders it was.", "It works again."))
    async with reading(place, changed("email", BORN, Status.OPERATIONAL), *secret, *private, *gone, born=BORN, now=NOW) as read:
        withdrawn = update(updates).values(redacted_at=NOW).where(updates.c.number == 1)
        await read.store.write(lambda connection: connection.execute(withdrawn))
        for words in ("intruders", "Intrud", "intruders out", "works intruders"):
            told = await read.page(f"/history/search/{words}")
            assert "Nothing found" in told
            assert "There is more" not in told
