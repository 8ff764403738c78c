"""What judgement says to people, word for word: a sentence that nobody asserts is a sentence that nobody would miss."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest

from incidents import act, pings
from incidents.events import Noted, Opened, Updated
from incidents.heartbeat import Every, Heartbeat
from incidents.model import Origin, State, Status
from probes.result import Failure
from tests.incidents.world import START, World, need, service, topology

DAY, HOUR, MINUTE = timedelta(days=1), timedelta(hours=1), timedelta(minutes=1)


def broken() -> World:
    """Email's sending is down, its other part too, and both belong to one incident."""
    world = World(topology([service("email", need("smtp"), need("imap"))], {"smtp": ("disk",), "imap": ("disk",)}))
    world.good("smtp", "imap", "disk")
    world.bad("disk", "smtp", "imap")
    world.bad("disk", "smtp", "imap")
    return world


def in_hand(world: World) -> World:
    world.act(act.acknowledge, incident=world.incident.id, by="anna", lasts=HOUR)
    return world


REFUSALS: Mapping[str, tuple[Callable[..., object], dict[str, object], str]] = {
    "note without words": (act.note, {"by": "anna", "body": " "}, "A note needs words."),
    "update without words": (act.update, {"by": "anna", "body": ""}, "An update needs words."),
    "promise of the past": (
        act.update,
        {"by": "anna", "body": "Soon.", "next_update_by": START},
        "The next update must be promised for a time to come.",
    ),
    "promise of another year": (
        act.update,
        {"by": "anna", "body": "Soon.", "next_update_by": START + timedelta(days=370)},
        "The next update must be promised within a year.",
    ),
    "update that ends": (
        act.update,
        {"by": "anna", "body": "Done.", "state": State.RESOLVED},
        "An update cannot end an incident: resolve it instead.",
    ),
    "resolving without words": (act.resolve, {"by": "anna", "body": ""}, "Resolving needs words for the public."),
    "resolving what fails": (
        act.resolve,
        {"by": "anna", "body": "Done."},
        "Probes still fail for disk, smtp, imap. To resolve all the same, give a reason for the override.",
    ),
}


@pytest.mark.parametrize("case", REFUSALS)
def test_what_an_agent_is_refused_says_what_to_do(case: str) -> None:
    world = broken()
    attempt, said, sentence = REFUSALS[case]
    with pytest.raises(act.Refused) as refused:
        world.act(attempt, incident=world.incident.id, **said)
    assert refused.value.reason == str(refused.value) == sentence


def test_whoever_comes_second_is_told_who_holds_it_from_when_until_when() -> None:
    world = in_hand(broken())
    with pytest.raises(act.AlreadyHeld) as refused:
        world.act(act.acknowledge, incident=world.incident.id, by="ben", lasts=HOUR)
    assert refused.value.reason == "anna has acknowledged this at 08:00:09 UTC and holds it until 09:00 UTC."


def test_what_is_not_open_is_not_found() -> None:
    with pytest.raises(act.NotFound, match=r"^There is no open incident with this id; it may have been resolved meanwhile\.$"):
        broken().act(act.note, incident="gone", by="anna", body="Hello.")


OPENING: Mapping[str, tuple[dict[str, object], str]] = {
    "without a name": ({"name": ""}, "An incident needs a name."),
    "without words": ({"body": " "}, "An incident needs words for the public."),
    "without services": ({"services": {}}, "Name at least one service that is affected."),
    "of an unknown service": ({"services": {"fax": Status.MAJOR}}, "There is no service 'fax'."),
    "of no outage": (
        {"services": {"email": Status.UNKNOWN}},
        "unknown is no outage; use degraded_performance, partial_outage or major_outage for email.",
    ),
}


@pytest.mark.parametrize("case", OPENING)
def test_an_incident_by_hand_is_refused_in_a_sentence(case: str) -> None:
    said, sentence = OPENING[case]
    with pytest.raises(act.Invalid) as refused:
        _opened(broken(), **said)
    assert refused.value.reason == sentence


def test_an_incident_by_hand_is_told_as_its_agent_told_it() -> None:
    world = broken()
    opened, _, _, updated = _opened(world)
    assert isinstance(opened, Opened)
    assert isinstance(updated, Updated)
    assert (opened.name, opened.by, opened.origin, opened.root) == ("Slow", "anna", Origin.AGENT, None)
    assert opened.reason == "opened by anna"
    assert opened.at == opened.started_at == opened.publish_at == updated.at == updated.update.at
    told = updated.update
    assert (told.number, told.state, told.title, told.body, told.by) == (
        1,
        State.INVESTIGATING,
        "Slow – investigating",
        "It is slow.",
        "anna",
    )


def test_incidents_that_differ_in_anything_have_ids_that_differ() -> None:
    """Two agents, two names or two instants never give one id."""
    ids = set()
    for by, name, wait in (("anna", "Slow", 0.0), ("ben", "Slow", 0.0), ("anna", "Slower", 0.0), ("anna", "Slow", 1.0)):
        world = broken()
        world.wait(wait)
        ids.add(_opened(world, by=by, name=name)[0].incident)
    assert len(ids) == 4


def _opened(world: World, **said: object) -> tuple[Opened, object, object, object]:
    asked: dict[str, object] = {"by": "anna", "name": "Slow", "services": {"email": Status.DEGRADED}, "body": "It is slow.", **said}
    return world.act(act.open_incident, **asked)  # type: ignore[return-value]  # four events, of which the tests name the kinds


def test_a_note_keeps_its_words_its_author_and_its_instant() -> None:
    world = broken()
    at = world.now
    (noted,) = world.act(act.note, incident=world.incident.id, by="anna", body="Disk two hums.")
    assert isinstance(noted, Noted)
    note = noted.note
    assert (noted.at, note.at, note.by, note.body, note.number) == (at, at, "anna", "Disk two hums.", 1)


# --- pings that did not come ----------------------------------------------------------------------------------------------------

NIGHTLY = Heartbeat(rhythm=Every(gap=DAY), grace=HOUR, finish_within=2 * HOUR)


def nightly(*more: str) -> World:
    return World(topology([service("backup", *(need(id) for id in ("copy", *more)))], None, heartbeat=NIGHTLY, fails_after=1))


def test_a_miss_tells_until_when_it_was_waited_for_and_when_it_was_heard_last() -> None:
    world = nightly()
    world.ping("copy")
    world.now = START + DAY + HOUR + pings.TICK
    (missed,) = pings.overdue(world.situation, world.now, world.present_since)
    assert (missed.failure, missed.measured.stage, missed.measured.took) == (Failure.OVERDUE, "due", 0.0)
    assert missed.measured.detail == "no ping by 2026-03-03 09:00:00 UTC, last heard of 2026-03-02 08:00:00"
    assert missed.slot == missed.started == START + DAY + HOUR
    world.tick()
    world.now = START + 2 * DAY + HOUR + pings.TICK
    (again,) = pings.overdue(world.situation, world.now, world.present_since)
    assert again.measured.detail == "no ping by 2026-03-04 09:00:00 UTC, missed before at 2026-03-03 09:00:00"


def test_a_start_without_a_finish_tells_both_instants() -> None:
    world = nightly()
    world.begin("copy")
    world.now = START + 2 * HOUR + pings.TICK
    (missed,) = pings.overdue(world.situation, world.now, world.present_since)
    assert missed.measured.stage == "finish"
    assert missed.measured.detail == "began 2026-03-02 08:00:00 UTC and did not finish by 2026-03-02 10:00:00"


def test_what_fell_due_without_us_tells_since_when_we_are_here() -> None:
    world = nightly("dump")
    world.ping("copy")
    world.ping("dump")
    back = START + DAY + 5 * HOUR
    world.now = world.present_since = back
    promised = {"dump": back - MINUTE}
    by_monitor = {one.monitor: one for one in pings.overdue(world.situation, back + MINUTE, back, promised)}
    last = "no ping by 2026-03-03 09:00:00 UTC, last heard of 2026-03-02 08:00:00"
    assert by_monitor["copy"].failure is by_monitor["dump"].failure is Failure.MISSED
    assert by_monitor["copy"].measured.detail == f"nobody was here to be pinged until 2026-03-03 13:00:00 UTC; {last}"
    later = {one.monitor: one for one in pings.overdue(world.situation, back + HOUR, back, {"dump": back + MINUTE})}
    assert later["dump"].measured.detail == f"it is asked for so only since 2026-03-03 13:01:00 UTC; {last}"
    assert later["dump"].slot == back + MINUTE


def test_a_promise_older_than_our_presence_excuses_nothing_later() -> None:
    """What was promised before we came counts from when we came: both instants must have passed, the later one decides."""
    world = nightly()
    world.ping("copy")
    (missed,) = pings.overdue(world.situation, START + 2 * DAY, START + DAY + 2 * HOUR, {"copy": START - DAY})
    assert missed.failure is Failure.MISSED
    assert missed.slot == START + DAY + 2 * HOUR


def test_a_monitor_that_is_in_time_hides_none_that_is_not() -> None:
    world = nightly("dump")
    world.ping("dump")
    world.wait((DAY + HOUR).total_seconds() + 1)
    world.ping("copy")
    assert [one.monitor for one in pings.overdue(world.situation, world.now, world.present_since)] == ["dump"]


def test_work_that_ends_before_it_began_took_no_time() -> None:
    world = nightly()
    world.begin("copy")
    world.wait(-60)
    result = world.ping("copy")
    assert result.measured.took == 0.0
