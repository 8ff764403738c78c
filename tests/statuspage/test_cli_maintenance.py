"""``statuspage maintenance``: alone on an empty directory, and beside a running hub, which hears of it by itself."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from incidents.maintenance import MaintenanceState
from incidents.model import Status, Subject
from incidents.rollup import standing
from statuspage.app import Service
from statuspage.store.acts import read_audit
from statuspage.store.chain import AuditRow
from statuspage.store.engine import Store
from tests.deadline import until
from tests.statuspage.terminal import Ended, statuspage

FILE = """
site: {name: Muster IT, url: "http://127.0.0.1:8080"}
listen: {public: '127.0.0.1:0', internal: '127.0.0.1:0'}
components: {disk: {}}
services: {email: {needs: [disk]}}
"""
NIGHTLY = """
maintenance:
  nightly: {name: Nightly, services: [email], components: [disk], starts: 2031-03-28T02:30, timezone: Europe/Berlin,
    repeats: FREQ=DAILY, lasts: 30m}
"""
MINUTE = timedelta(minutes=1)


@pytest.fixture
def here(tmp_path: Path) -> Path:
    (tmp_path / "statuspage.yaml").write_text(FILE, encoding="utf-8")
    return tmp_path


def at(instant: datetime) -> str:
    return f"{instant:%Y-%m-%dT%H:%M:%SZ}"


def now() -> datetime:
    return datetime.now(UTC)


async def maintenance(here: Path, *words: str) -> Ended:
    return await statuspage("maintenance", *words, here=here)


async def planned(here: Path, starts: datetime, *more: str, lasts: timedelta = 30 * MINUTE) -> Ended:
    times = ("--starts", at(starts), "--ends", at(starts + lasts))
    return await maintenance(here, "plan", "Patches", "--service", "email", *times, "--body", "Mail may pause.", *more)


async def listed(here: Path, *words: str) -> list[dict[str, Any]]:
    ended = await maintenance(here, "list", "--json", *words)
    assert ended.code == 0, ended.err
    whole = json.loads(ended.out)
    assert whole.keys() == {"items"}
    items: list[dict[str, Any]] = whole["items"]
    return items


def audit(here: Path) -> list[AuditRow]:
    with Store.blocking("sqlite:///statuspage.db", here / "data") as database:
        return list(reversed(database.read(lambda connection: read_audit(connection, before=None, limit=100))))


async def test_windows_that_come_again_are_listed_one_by_one_also_where_the_clocks_skip_their_start(here: Path) -> None:
    (here / "statuspage.yaml").write_text(FILE + NIGHTLY, encoding="utf-8")
    items = await listed(here, "--since", "2031-03-28", "--until", "2031-03-31")
    same = {"id": "nightly", "name": "Nightly", "services": ["email"], "components": ["disk"], "status": "scheduled"}
    days = [("28T01:30", "28T02:00"), ("29T01:30", "29T02:00"), ("30T01:30", "30T02:00")]
    assert items == [{**same, "starts": f"2031-03-{one}:00Z", "ends": f"2031-03-{other}:00Z"} for one, other in days]


async def test_a_window_is_planned_moved_and_cancelled_without_a_hub(here: Path) -> None:
    starts = now().replace(microsecond=0) + timedelta(days=10)
    ended = await planned(here, starts, "--by", "ada")
    assert ended.code == 0, ended.err
    id = ended.out.strip()
    moved = await maintenance(here, "reschedule", id, "--starts", at(starts + 60 * MINUTE), "--by", "ada")
    assert moved.code == 0, moved.err
    (item,) = await listed(here)
    assert (item["id"], item["starts"], item["ends"]) == (id, at(starts + 60 * MINUTE), at(starts + 90 * MINUTE))
    longer = await maintenance(here, "extend", id, "--ends", at(starts + 105 * MINUTE), "--by", "ada")
    assert longer.code == 0, longer.err
    assert (await listed(here))[0]["ends"] == at(starts + 105 * MINUTE)
    assert (await maintenance(here, "cancel", id, "--by", "bob")).out == f"{id} does not take place\n"
    assert [item["status"] for item in await listed(here)] == ["cancelled"]
    acts = ["plan maintenance", "reschedule maintenance", "extend maintenance", "cancel maintenance"]
    assert [(row.act, row.subject) for row in audit(here)] == [(act, id) for act in acts]
    assert [row.actor for row in audit(here)] == ["ada", "ada", "ada", "bob"]


async def test_where_duties_are_separated_another_person_approves(here: Path) -> None:
    file = here / "statuspage.yaml"
    file.write_text(file.read_text(encoding="utf-8") + "duties: {separated: true}\n", encoding="utf-8")
    planned_ = await planned(here, now() + timedelta(days=10), "--by", "ada")
    id = planned_.out.strip()
    own = await maintenance(here, "approve", id, "--by", "ada")
    assert (own.code, own.err.strip()) == (1, "Another person than the one who planned it must approve.")
    other = await maintenance(here, "approve", id, "--by", "bob")
    assert (other.code, other.out) == (0, f"{id} is approved\n"), other.err
    again = await maintenance(here, "approve", id, "--by", "bob")
    assert (again.code, again.err.strip()) == (1, "It is approved already.")


async def test_what_is_approved_too_late_for_its_notice_is_refused_with_the_reason_and_an_override_passes(here: Path) -> None:
    file = here / "statuspage.yaml"
    text = file.read_text(encoding="utf-8") + "duties: {separated: true}\n"
    file.write_text(text, encoding="utf-8")
    id = (await planned(here, now() + timedelta(days=10), "--by", "ada")).out.strip()
    promised = "email: {needs: [disk], service_level: {target: 99.9, notice: 14d, notice_from: 10m}}"
    file.write_text(text.replace("email: {needs: [disk]}", promised), encoding="utf-8")
    late = await maintenance(here, "approve", id, "--by", "bob")
    assert (late.code, late.out) == (1, "")
    assert late.err.startswith("Email: work of 10 min or longer is announced 14 d ahead; this is 9 d 23 h")
    passed = await maintenance(here, "approve", id, "--by", "bob", "--override", "bob was away")
    assert (passed.code, passed.out) == (0, f"{id} is approved\n"), passed.err
    assert audit(here)[-1].detail == {"override": "bob was away"}


async def test_what_breaks_the_policy_is_refused_with_its_reasons_and_an_override_passes(here: Path) -> None:
    starts = now() + 60 * MINUTE
    refused = await planned(here, starts, lasts=90 * MINUTE)
    assert (refused.code, refused.out) == (1, "")
    assert "Email: work of 1 h or longer is announced 3 d ahead" in refused.err
    assert await listed(here) == []
    passed = await planned(here, starts, "--override", "the disk dies tonight", lasts=90 * MINUTE)
    assert passed.code == 0, passed.err
    first, second = audit(here)
    assert first.detail["refused"] == refused.err.strip()
    assert second.detail == {"override": "the disk dies tonight"}


@pytest.mark.parametrize(
    ("words", "code", "sentence"),
    [
        (("cancel", "nothing"), 1, "There is no maintenance with this id that is not over."),
        (("list", "--since", "soon"), 2, "--since soon: not an instant"),
        (("list", "--since", "2031-03-02", "--until", "2031-03-01"), 2, "--since lies before --until, a year at most"),
    ],
)
async def test_what_cannot_be_done_is_said_in_one_line(here: Path, words: tuple[str, ...], code: int, sentence: str) -> None:
    ended = await maintenance(here, *words)
    assert (ended.code, ended.out) == (code, "")
    assert ended.err.startswith(sentence)


def serving(here: Path) -> Service:
    return Service(config_path=here / "statuspage.yaml", data_dir=here / "data", public=("127.0.0.1", 0), internal=("127.0.0.1", 0))


def shown(service: Service) -> Status:
    return standing(service.hub.pipeline.situation, Subject.SERVICE, "email")


async def test_a_running_hub_begins_and_ends_what_the_command_line_planned(here: Path) -> None:
    async with serving(here) as service:
        pipeline = service.hub.pipeline
        ended = await planned(here, now() - MINUTE)
        assert ended.code == 0, ended.err
        id = ended.out.strip()
        await until(lambda: shown(service) is Status.MAINTENANCE)
        assert pipeline.situation.maintenances[id].state is MaintenanceState.IN_PROGRESS
        assert (await maintenance(here, "cancel", id)).code == 0
        await until(lambda: shown(service) is not Status.MAINTENANCE)
        assert id not in pipeline.situation.maintenances
        assert pipeline.figures.crashed_turns == 0


async def test_what_was_cancelled_while_no_hub_ran_is_no_longer_shown_by_the_next_one(here: Path) -> None:
    async with serving(here) as service:
        id = (await planned(here, now() - MINUTE)).out.strip()
        await until(lambda: shown(service) is Status.MAINTENANCE)
    assert (await maintenance(here, "cancel", id)).code == 0
    async with serving(here) as service:
        await until(lambda: shown(service) is not Status.MAINTENANCE)
