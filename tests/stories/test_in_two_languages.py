"""The whole story on a site in German and on one that speaks both: every surface tells it in the reader's language, and for good."""

import re
import shutil
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

import pytest

from probes.result import Failure
from statuspage import bundled
from statuspage.mirror.walk import Walk
from tests.statuspage.messages import published
from tests.stories.surfaces import body, read_json, send
from tests.stories.test_broken_mail_frozen import Clock, House, housed

SERVICES = """
store: {url: "sqlite:///kept.db"}
services:
  email:
    name: {en: Email, de: E-Mail}
    needs:
      - {component: outgoing-mail, as: {en: Sending, de: Versand}}
      - {component: mailboxes, as: {en: Receiving, de: Empfang}}
components: {outgoing-mail: {}, mailboxes: {}}
defaults: {monitor: {every: 5m}}
monitors:
  submission: {component: outgoing-mail, probe: smtp, host: 127.0.0.1, port: 2525, tls: never}
  reading: {component: mailboxes, probe: tcp, host: 127.0.0.1, port: 1143}
"""
GERMAN = 'site: {name: Beispiel, url: "https://status.example.net", language: de}' + SERVICES
BOTH = 'site: {name: Beispiel, url: "https://status.example.net", languages: [en, de]}' + SERVICES

WELL: Mapping[str, Failure | None] = {"submission": None, "reading": None}
BROKEN = {**WELL, "submission": Failure.REFUSED}

NOTICED = "Unsere Überwachung hat ein Problem bemerkt. E-Mail: Teilausfall (ausgefallen: Versand; in Ordnung: Empfang). Wir gehen dem nach."
ENGLISH = {
    piece
    for sentence, _ in published()
    for piece in re.split(r"%\(\w+\)s", sentence)
    if len(re.findall("[a-z]{3,}", piece)) > 1 and piece != "not working: "
}
"""What stands between the values of an English sentence, as far as it could be nothing else."""


async def breaks_and_mends(house: House, mended: bool = True) -> None:  # noqa: FBT001, FBT002 - a story with or without its end
    for _ in range(2):
        await house.hear(**WELL)
        house.clock.wait(seconds=30)
    for _ in range(2):
        await house.hear(**BROKEN)
        house.clock.wait(seconds=3)
    if mended:
        await house.live(house.clock() + timedelta(minutes=42), **BROKEN)
        for _ in range(2):
            await house.hear(**WELL)
            house.clock.wait(seconds=3)
        await house.live(house.clock() + timedelta(minutes=10), **WELL)
        await house.settle()


async def is_worked_on(house: House, token: str) -> None:
    """Work is planned, moved, begins and ends by itself."""
    starts = house.clock() + timedelta(minutes=20)
    own = "de" if "language: de" in str(house.hub.loaded.text) else "en"
    words = {"en": "Neue Platten.", "de": "Neue Platten."}
    body_ = {"name": {own: "Patches"}, "services": ["email"], "body": words, "starts": starts.isoformat()}
    status, window = await send(house.internal, "/maintenances", token, **body_, ends=(starts + timedelta(minutes=30)).isoformat())
    assert status == 201, window
    answer = await house.internal.patch(
        f"/api/v1/maintenances/{window['id']}",
        json={"ends": (starts + timedelta(minutes=50)).isoformat()},
        headers={"Authorization": f"Bearer {token}"},
    )
    assert answer.status == 200, await answer.text()
    await house.live(starts + timedelta(minutes=55), **WELL)
    await house.settle()


def english_in(text: str) -> set[str]:
    return {piece for piece in ENGLISH if piece in text}


async def surfaces(house: House, root: str) -> dict[str, str]:
    paths = ["/", "/maintenance", "/history", "/history.rss", "/history.atom", "/feed.json", "/maintenance.ics", "/maintenance.atom"]
    incidents = (await read_json(house.public, "/api/v2/incidents.json"))["incidents"]
    windows = (await read_json(house.public, "/api/v2/scheduled-maintenances.json"))["scheduled_maintenances"]
    paths += [f"/incidents/{one['id']}" for one in incidents] + [f"/maintenance/{one['id']}" for one in windows]
    return {path: (await body(house.public, f"{root}{path}")).decode() for path in paths}


@pytest.mark.parametrize(("file", "root"), [(GERMAN, ""), (BOTH, "/de")], ids=["german", "both"])
async def test_a_german_reader_reads_no_english_sentence(tmp_path: Path, file: str, root: str) -> None:
    async with housed(tmp_path, Clock(), file) as house:
        token = await house.token("ada")
        await breaks_and_mends(house)
        await is_worked_on(house, token)
        told = await surfaces(house, root)
        assert {path: english_in(text) for path, text in told.items() if english_in(text)} == {}
        assert NOTICED in told["/history.atom"]
        for title in (
            "E-Mail: Versand ausgefallen – in Untersuchung",
            "E-Mail: Versand funktioniert wieder, nach 42 min",
            "E-Mail: Versand ausgefallen – behoben nach 42 min",
            "Patches – geplant für den 2. März 2026, ",
            "Patches – verlängert bis ",
            "Patches – im Gange bis ",
            "Patches – abgeschlossen",
        ):
            assert title in told["/history.rss"] + told["/maintenance.atom"], title
        calendar = told["/maintenance.ics"].replace("\r\n ", "").replace("\\,", ",")
        assert "Die Arbeiten sind abgeschlossen, und alles funktioniert." in calendar
        assert "xml:lang" not in told["/history.rss"]
        there = await surfaces(house, "/en")
        assert {path for path, text in there.items() if english_in(text)} > {"/history.atom", "/maintenance.atom", "/feed.json"}


async def test_programs_and_the_desk_read_the_language_of_the_site(tmp_path: Path) -> None:
    for file, name in ((GERMAN, "E-Mail: Versand ausgefallen"), (BOTH, "Email: Sending not working")):
        directory = tmp_path / name[:5]
        directory.mkdir()
        async with housed(directory, Clock(), file) as house:
            await breaks_and_mends(house, mended=False)
            (shown,) = (await read_json(house.public, "/api/v2/incidents.json"))["incidents"]
            (known,) = (await read_json(house.internal, "/api/v1/incidents", await house.token("ada")))["items"]
            assert (shown["name"], known["name"]) == (name, name)
            assert known["updates"][0]["language"] == ("de" if file is GERMAN else "en")


async def test_the_words_of_both_languages_are_found_and_each_reader_sees_their_own(tmp_path: Path) -> None:
    async with housed(tmp_path, Clock(), BOTH) as house:
        await breaks_and_mends(house, mended=False)
        for words in ("noticed problem", "überwachung bemerkt"):
            for root, name in (("", "Email: Sending not working"), ("/de", "E-Mail: Versand ausgefallen")):
                assert name in (await body(house.public, f"{root}/history/search/{words}")).decode()


def wording(directory: Path, was: str, becomes: str) -> Path:
    """The templates with another German sentence."""
    shutil.copytree(bundled.templates(), directory)
    catalogue = directory / "languages" / "de.po"
    text = catalogue.read_text(encoding="utf-8")
    assert f'msgstr "{was}"' in text
    catalogue.write_text(text.replace(f'msgstr "{was}"', f'msgstr "{becomes}"'), encoding="utf-8")
    return directory


async def test_a_sentence_that_is_mended_changes_no_byte_of_what_was_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock, place = Clock(), bundled._place
    paths = ("/de/history.rss", "/de/history.atom", "/de/feed.json", "/de/maintenance.atom")
    async with housed(tmp_path, clock, BOTH) as house:
        await breaks_and_mends(house)
        before = {path: await body(house.public, path) for path in paths}
    mended = wording(tmp_path / "mended", "Wir gehen dem nach.", "Wir sehen nach.")
    monkeypatch.setattr(bundled, "_place", lambda name: mended if name == "templates" else place(name))
    async with housed(tmp_path, clock, BOTH) as house:
        assert {path: await body(house.public, path) for path in paths} == before
        clock.wait(hours=2)
        await breaks_and_mends(house, mended=False)
        after = (await body(house.public, "/de/history.atom")).decode()
        assert after.count("Wir gehen dem nach.") == 1
        assert after.count("Wir sehen nach.") == 1


async def test_the_mirror_tells_each_language_under_its_paths(tmp_path: Path) -> None:
    async with housed(tmp_path, Clock(), BOTH) as house:
        await breaks_and_mends(house)
        (one,) = (await read_json(house.public, "/api/v2/incidents.json"))["incidents"]
        press, library = house.hub.press, house.hub.library
        assert press.shelf is not None
        made = await Walk(publisher=press.publisher, older=press.older, past=library.find).everything(press.shelf)
    files = {path: finished.body.decode() for path, finished in made.items() if "image/png" not in finished.content_type}
    german = {path: text for path, text in files.items() if path.startswith("/de/") and one["id"] in path}
    assert german
    assert all(NOTICED in text for text in german.values() if "<html" in text)
    for name in ("/de/history.rss", "/de/history.atom", "/de/feed.json"):
        assert (NOTICED in files[name], english_in(files[name])) == (True, set())
        assert english_in(files[name.removeprefix("/de")]) != set()
