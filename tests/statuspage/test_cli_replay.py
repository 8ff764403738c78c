"""The commands that look back, each as a process of its own on a store that a service has left behind."""

import json
import re
import xml.etree.ElementTree as ET
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from incidents.redacting import redact
from probes.result import Failure
from statuspage.config.loading import load, topology
from statuspage.press import public_names
from statuspage.readings import policy_of
from statuspage.store import queries
from statuspage.store.engine import Store
from statuspage.store.record import record
from tests.statuspage.pasts import SITE, Life
from tests.statuspage.terminal import configured, statuspage

MONITORS = "".join(f"  {id}: {{probe: tcp, host: 127.0.0.1, port: 9, every: 20s, timeout: 5s}}\n" for id in ("smtp", "imap"))
SERVICES = "services:\n  mail: {needs: [{component: smtp, as: Sending}, imap]}\n"


@pytest.fixture
async def here(tmp_path: Path) -> Path:
    """A directory with a configuration and the store of a service that had an outage under it."""
    path = configured(tmp_path, MONITORS)
    path.write_text(path.read_text() + SERVICES)
    loaded = load(path, {})
    known = topology(loaded.config)
    store = await Store.open(loaded.config.store.url, tmp_path / "data")
    life = Life(store=store)
    await life.start(known, policy_of(loaded.config))
    await store.write(lambda connection: queries.public_ids(connection, public_names(known, SITE)))
    await life.steadily(4)
    for _ in range(4):
        await life.hear(("smtp", "local", Failure.REFUSED))
        await life.tick(10)
    await life.steadily(40)
    await life.plans(0, 3600, 1800)
    await life.steadily(4)
    await life.road.close()
    await store.close()
    return tmp_path


async def test_the_record_gives_the_log(here: Path) -> None:
    ended = await statuspage("replay", here=here)
    assert (ended.code, "identical to what was recorded" in ended.out, ended.err) == (0, True, ""), ended
    said = json.loads((await statuspage("replay", "--since", "2026-03-02T08:01Z", "--until", "2026-03-02T08:05Z", "--json", here=here)).out)
    assert (said["is_identical"], said["first_difference"]) == (True, None)
    assert (said["turns"] > 20, said["results"] > 20, said["events"] > 5) == (True, True, True)


async def test_what_a_data_directory_holds_is_replayed_without_a_configuration(here: Path) -> None:
    (here / "statuspage.yaml").rename(here / "elsewhere.yaml")
    ended = await statuspage("replay", "--data-dir", "data", here=here)
    assert (ended.code, "identical to what was recorded" in ended.out) == (0, True), ended
    assert "statuspage.yaml" in (await statuspage("replay", "--data-dir", "other", here=here)).err


async def test_a_log_that_the_record_does_not_give_is_told(here: Path) -> None:
    store = await Store.open("sqlite:///statuspage.db", here / "data")
    change = text("UPDATE journal SET body = replace(body, 'smtp', 'imap') WHERE kind = 'opened'")
    await store.write(lambda connection: connection.execute(change))
    await store.close()
    ended = await statuspage("replay", here=here)
    assert ended.code == 1
    assert "differs first at 2026-03-02 08:01:30 UTC" in ended.out


async def test_words_of_the_machine_that_were_removed_since_are_no_difference_and_stay_gone(here: Path) -> None:
    store = await Store.open("sqlite:///statuspage.db", here / "data")
    told = await store.read(queries.stories)
    said = told[0].updates[0]
    at = said.at + timedelta(hours=2)
    known = await store.read(queries.nothing_known)
    events = redact(known, at, incident=told[0].incident.id, said=said, by="anna", reason="It names a person.")
    await store.write(lambda connection: record(connection, events=events, results=(), at=at))
    await store.close()
    ended = await statuspage("replay", here=here)
    assert (ended.code, "identical to what was recorded" in ended.out) == (0, True), ended
    then = await statuspage("page", "--at", "2026-03-02T08:01:35Z", here=here)
    assert "This text was removed on 2 Mar 2026" in then.out
    assert said.body not in then.out


async def test_another_configuration_is_compared_in_a_table_a_picture_and_json(here: Path) -> None:
    other = here / "other.yaml"
    other.write_text((here / "statuspage.yaml").read_text().replace("timeout: 5s", "timeout: 5s, fails_after: 3"))
    ended = await statuspage("replay", "--config", "other.yaml", "--picture", "other.svg", here=here)
    assert ended.code == 0, ended.err
    assert "1 incidents recorded, 1 otherwise: 0 fewer, 0 more; detection -10 s in sum" in ended.out
    drawn = ET.parse(here / "other.svg").getroot()
    assert len(drawn.findall(".//{http://www.w3.org/2000/svg}rect")) == 5
    said = json.loads((await statuspage("replay", "--config", "other.yaml", "--json", here=here)).out)
    assert (said["gained"], said["fewer"], said["more"]) == (-10.0, [], [])
    assert said["both"][0]["recorded"]["root"] == "smtp"


async def test_what_is_older_than_the_record_is_refused(here: Path) -> None:
    ended = await statuspage("replay", "--since", "2026-03-01", here=here)
    assert (ended.code, "the record begins at 2026-03-02 08:00:00 UTC" in ended.err) == (2, True)
    assert (await statuspage("replay", "--since", "soon", here=here)).code == 2


async def test_nothing_recorded_is_said(tmp_path: Path) -> None:
    configured(tmp_path)
    ended = await statuspage("replay", here=tmp_path)
    assert (ended.code, "nothing is recorded yet" in ended.err) == (1, True)


@pytest.mark.parametrize("words", [(), ("--at", "2026-03-02")])
async def test_before_the_service_ran_there_is_no_page_and_it_is_said_how_to_have_one(tmp_path: Path, words: tuple[str, ...]) -> None:
    configured(tmp_path)
    ended = await statuspage("page", *words, here=tmp_path)
    said = "there is no page yet: the service has not run on data. Start it: statuspage serve\n"
    assert (ended.code, ended.out, ended.err) == (1, "", said)


async def test_the_page_of_a_past_instant_is_printed(here: Path) -> None:
    during = await statuspage("page", "--at", "2026-03-02T08:01:35Z", here=here)
    assert "Example, 2026-03-02 08:01:35 UTC: partial outage" in during.out
    assert "– investigating" in during.out
    assert "  Mail: partial outage (Sending down)\n" in during.out
    assert "Patches" not in during.out
    now = (await statuspage("page", here=here)).out
    assert "  Mail: operational (Sending works)\n" in now
    window = re.search(r"Patches – planned\n  2026-03-02 (\S+) to 2026-03-02 (\S+) UTC: Mail$", now)
    assert window is not None, now
    said = json.loads((await statuspage("page", "--json", here=here)).out)
    assert (said["status"], len(said["recent"])) == ("operational", 1)
