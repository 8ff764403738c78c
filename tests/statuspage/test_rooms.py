"""The rooms beside the queue: services and charters, known errors, texts, the calendar, the audit, the wall; found by one navigation."""

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from html import unescape
from pathlib import Path
from types import MappingProxyType

import pytest
from sqlalchemy import Connection

from incidents.escalation import Ladder, Rules
from incidents.model import Status
from incidents.planned.conduct import Conduct
from incidents.rota import Rota, Turns
from incidents.times.calendars import Calendar
from statuspage.config.calls import Crew, Roster
from statuspage.config.charters import Charter
from statuspage.message_templates import MessageTemplate
from statuspage.store.acts import write_audit
from statuspage.store.people import Role
from statuspage.web.desk import PlanningPolicy
from tests.statuspage.desks import TOPOLOGY, Browser, House, housed

WEEKS = Turns(order=("ada", "bob"), starts=datetime(2026, 3, 2, 9), timezone="Europe/Berlin")  # noqa: DTZ001 - by the wall clock
ROSTER = Roster(
    crews={"desk": Crew(id="desk", name="Service <desk>"), "mail": Crew(id="mail", name="Messaging", rota=Rota(turns=WEEKS))},
    names={"ada": "Ada L.", "bob": "Bob"},
)
OFFICE = Calendar(timezone="Europe/Berlin", weekly=dict.fromkeys(range(5), ((480, 1080),)), closed=frozenset({date(2026, 3, 6)}))
TEXTS = (
    MessageTemplate(
        id="slow",
        name={"en": "It is <slow>"},
        state=None,
        services=("email",),
        body={"en": "{service} is slow. Next word by {next_update}."},
        next_update_in=timedelta(minutes=30),
    ),
)
MAIL = replace(TOPOLOGY.services["email"], owner="mail", tiers=("desk", "mail"), description={"en": "Your mail."}, group={"en": "Talk"})


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    topology = replace(TOPOLOGY, services={**TOPOLOGY.services, "email": MAIL})
    async with housed(tmp_path, topology=topology) as opened:
        opened.roster = ROSTER
        opened.rules = Rules(ladders={"email": Ladder(tiers=("desk", "mail"), after=(timedelta(minutes=5),))}, absent=ROSTER.absent)
        opened.charters = {"email": Charter(runbook="https://wiki.example/?a=1&b=2", hours="office"), "portal": Charter()}
        conducts = {"email": Conduct(hours=OFFICE)}
        opened.planning_policy = PlanningPolicy(conducts=MappingProxyType(conducts), needs_approval=False)
        opened.templates = TEXTS
        yield opened


async def read(browser: Browser, path: str) -> str:
    """What a page says to people, within its main part."""
    main = (await browser.page(path)).partition("<main")[2]
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", main)).split())


async def test_one_navigation_leads_to_every_room_that_one_may_enter(house: House) -> None:
    rooms = {"/", "/triage", "/services", "/known-errors", "/calendar", "/maintenance", "/advisories", "/on-call", "/changes"}
    rooms |= {"/templates", "/reports/desk", "/as-it-was", "/wall"}
    may = {
        Role.VIEWER: set(),
        Role.LEVEL_ONE: {"/open"},
        Role.MANAGER: {"/open", "/corrections", "/audit"},
        Role.ADMIN: {"/agents", "/audit", "/try"},
    }
    for role, more in may.items():
        browser = await house.logged_in(f"somebody-{role}", role)
        page = await browser.page("/")
        (nav,) = re.findall(r"<nav.*?</nav>", page, re.DOTALL)
        led = set(re.findall(r'href="(/[^"]*)"', nav))
        assert rooms | more <= led, role
        keys = re.findall(r'accesskey="(.)"', page)
        assert len(keys) == len(set(keys)), "one key, one place"
        for path in led:
            (nav,) = re.findall(r"<nav.*?</nav>", await browser.page(path), re.DOTALL)[:1]
            assert nav.count('aria-current="page"') == (path != "/wall"), path


async def test_a_service_says_whose_it_is_who_is_called_and_what_is_known_of_it(house: House) -> None:
    incident = await house.outage()
    ada = await house.logged_in("ada")
    await ada.send("/changes", {"what": "Relay 4.2", "service:email": "on"}, of="/changes")
    listed = await read(ada, "/services")
    assert "Talk" in listed
    assert "Email 1 open Messaging Service <desk>" in listed
    assert "Customer <b>portal</b> no owner nobody is called no level stated" in listed
    text, page = await read(ada, "/services/email"), await ada.page("/services/email")
    assert "Partial outage since 2 Mar" in text
    assert "Your mail." in text
    assert 'href="https://wiki.example/?a=1&amp;b=2"' in page
    assert "Hours office" in text
    assert "Service <desk> tier 1, at once The team as a whole is told. Messaging tier 2, after 5 min On call: Ada L." in text
    assert f'href="/incidents/{incident.id}"' in page
    assert "Mail comes back with <mailbox full> Empty the Trash folder. Here is how to make room." in text
    assert "Wait." not in text, "that is known of another service"
    assert "Relay 4.2" in text
    assert "outgoing-port" in text
    assert (await ada.get("/services/nosuch")).status == 404


async def test_known_errors_are_found_by_the_callers_words_and_by_service(house: House) -> None:
    ada = await house.logged_in("ada")
    every = await read(ada, "/known-errors")
    assert "2 known errors" in every
    assert "mailbox full" in every
    assert "Zäh" in every
    found = await read(ada, "/known-errors?q=TRASH+mailbox")
    assert "1 of 2" in found
    assert "Zäh" not in found
    assert "Zäh" in await read(ada, "/known-errors?service=portal")
    assert "0 of 2 known errors None." in await read(ada, "/known-errors?q=<script>")
    assert "<script>" not in (await ada.page("/known-errors?q=<script>")).partition("<main")[2]


async def test_a_text_is_shown_as_customers_would_read_it(house: House) -> None:
    text = await read(await house.logged_in("ada"), "/templates")
    assert "It is <slow>" in text
    assert "Email is slow. Next word by 09:30 CET." in text
    assert "{service} is slow. Next word by {next_update}." in text


async def test_the_calendar_has_work_warnings_hours_and_people_on_their_days(house: House) -> None:
    manager = await house.program("tool", Role.MANAGER)
    starts = datetime(2026, 3, 10, 22, 30, tzinfo=UTC)
    work = {
        "name": "New <relay>",
        "body": "Moving.",
        "services": ["email"],
        "starts": str(starts),
        "ends": str(starts + timedelta(hours=2)),
    }
    assert (await manager.send("/maintenances", work)).status == 201
    storm = {"name": "Storm", "body": "Wind.", "services": ["email"], "starts": "2026-03-30T20:00:00Z", "ends": "2026-04-01T04:00:00Z"}
    assert (await manager.send("/advisories", storm)).status == 201
    ada = await house.logged_in("ada")
    page = await ada.page("/calendar")
    days = {
        found[0]: " ".join(unescape(re.sub(r"<[^>]*>", " ", found[1])).split())
        for found in re.findall(r'datetime="(\d{4}-\d\d-\d\d)">(.*?)</td>', page, re.DOTALL)
    }
    assert len(days) == 42
    assert "from 23:30 New <relay> Email" in days["2026-03-10"]
    assert "until 01:30 New <relay>" in days["2026-03-11"]
    assert [day for day, text in days.items() if "Storm" in text] == ["2026-03-30", "2026-03-31", "2026-04-01"]
    assert "all day Storm" in days["2026-03-31"]
    assert "office 08:00–18:00" in days["2026-03-05"]
    assert "office closed" in days["2026-03-06"]
    assert "today" in days["2026-03-02"]
    assert "Messaging: Bob, Ada L." in days["2026-03-02"], "they hand over at nine"
    assert "Messaging" not in days["2026-03-04"]
    assert "Storm" in (await ada.page("/calendar?month=2026-04"))
    assert '?month=2026-02"' in page
    assert '?month=2026-04"' in page
    for wrong in ("2026-13", "x", "2026-3", "0001-01"):
        assert (await ada.get(f"/calendar?month={wrong}")).status == 422


async def test_the_audit_is_searched_by_who_what_and_what_of(house: House) -> None:
    incident = await house.outage()
    ada, boss = await house.logged_in("ada", Role.LEVEL_TWO), await house.logged_in("boss", Role.MANAGER)
    await ada.send(f"/incidents/{incident.id}/notes", {"body": "Hm."})
    await boss.send(f"/incidents/{incident.id}/notes", {"body": "Yes."})
    only = (await read(boss, f"/audit?by=ada&act=note&about={incident.id}")).partition("Look")[2]
    assert "ada note" in only
    assert "boss" not in only
    assert "log in" not in only
    assert "Nothing was done of this kind." in await read(ada, "/audit?act=nosuch")
    assert "Nothing was done" not in await read(ada, "/audit?act=note&by=boss")

    def write(connection: Connection) -> None:
        for _ in range(105):
            write_audit(connection, at=house.now, actor="ada", act="note", subject="x&y", detail={})

    await house.store.write(write)
    (older,) = re.findall(r'href="([^"]*)" rel="next"', await boss.page("/audit?about=x%26y"))
    assert (await boss.page(unescape(older))).count("<code>x&amp;y</code>") == 5


async def test_the_wall_tells_the_queue_and_asks_for_nothing(house: House) -> None:
    ada = await house.logged_in("ada")
    assert "Nothing is open" in await read(ada, "/wall")
    incident = await house.outage()
    page = await ada.page("/wall")
    assert incident.name in page
    assert not re.findall(r"<(?:button|input|a)\b", page.partition("<main")[2])
    live = await ada.get("/wall/live")
    again = await ada.get("/wall/live", **{"If-None-Match": live.headers["ETag"]})
    assert again.status == 304
    assert Status.PARTIAL in incident.services.values()
    house.wait(minutes=5)
    assert (await ada.get("/wall/live", **{"If-None-Match": live.headers["ETag"]})).status == 200
