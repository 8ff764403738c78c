"""What agents may not do, and the sentence that says so: planned work, pauses, corrections, merging and splitting."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta

import pytest

from incidents import act, correction, pausing, regroup
from incidents.act import Refused
from incidents.correction import Claim
from incidents.lifecycle import IllegalTransition, move_window
from incidents.maintenance import MaintenanceState
from incidents.model import Status
from incidents.planned import planning
from incidents.planned.planning import EARLIEST, LONGEST, Terms, Wish
from incidents.planned.windows import LONGEST_HORIZON
from tests.incidents.world import START, World, need, service, topology

HOUR, DAY, SECOND = timedelta(hours=1), timedelta(days=1), timedelta(seconds=1)
ANYTIME = Terms(override="The vendor has no other day.")
WISH = Wish(name="Patches", services=("email",), components=("imap",), starts=START + HOUR, ends=START + 2 * HOUR, body="We patch.")


def world() -> World:
    made = World(topology([service("email", need("smtp"), need("imap")), service("portal", need("web"))], stale_after=timedelta(days=999)))
    for id in made.situation.topology.monitors:
        made.mend(id)
    return made


def planned(at: World, terms: Terms = ANYTIME) -> str:
    before = set(at.situation.maintenances)
    at.act(planning.plan, by="ada", wish=WISH, terms=terms)
    (id,) = set(at.situation.maintenances) - before
    return id


def refused(at: World, act: Callable[..., object], **said: object) -> str:
    with pytest.raises(Refused) as refusal:
        at.act(act, **said)
    assert refusal.value.reason == str(refusal.value)
    return refusal.value.reason


# --- planning

UNFIT: Mapping[str, tuple[dict[str, object], tuple[tuple[str, str], ...]]] = {
    "without a name": ({"name": " "}, (("name", "Maintenance needs a name."),)),
    "without words": ({"body": ""}, (("body", "Maintenance needs words for the public."),)),
    "without services": ({"services": ()}, (("services", "Name at least one service that it is announced for."),)),
    "of what there is not": (
        {"services": ("fax", "email"), "components": ("modem",)},
        (("services", "There is no service 'fax'."), ("components", "There is no component 'modem'.")),
    ),
    "that ends before it starts": ({"ends": WISH.starts}, (("ends", "It must end after it starts."),)),
    "longer than a month": ({"ends": WISH.starts + LONGEST + SECOND}, (("ends", "Maintenance lasts a month at most."),)),
    "of the past": (
        {"starts": START - HOUR, "services": ()},
        (("services", "Name at least one service that it is announced for."), ("starts", "It must start now or later.")),
    ),
    "of another year": (
        {"starts": START + 2 * LONGEST_HORIZON, "ends": START + 2 * LONGEST_HORIZON + HOUR},
        (("starts", "It must start within a year."),),
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_a_window_that_makes_no_sense_is_refused_with_all_that_is_wrong(case: str) -> None:
    said, faults = UNFIT[case]
    with pytest.raises(act.Unfit) as refusal:
        world().act(planning.plan, by="ada", wish=replace(WISH, **said), terms=ANYTIME)  # type: ignore[arg-type]  # fields by name
    assert refusal.value.faults == faults
    assert refusal.value.reason == " ".join(sentence for _, sentence in faults)


def test_what_is_just_allowed_is_planned() -> None:
    at = world()
    now = at.now
    for starts, ends in (
        (now - EARLIEST, now + HOUR),
        (now + HOUR, now + HOUR + LONGEST),
        (now + LONGEST_HORIZON, now + LONGEST_HORIZON + HOUR),
    ):
        at.act(planning.plan, by="ada", wish=replace(WISH, starts=starts, ends=ends), terms=ANYTIME)
    assert len(at.situation.maintenances) == 3


def test_windows_that_differ_in_anything_have_ids_that_differ() -> None:
    ids: set[str] = set()
    for by, name, seconds in (("ada", "Patches", 0), ("ben", "Patches", 0), ("ada", "Disks", 0), ("ada", "Patches", 1)):
        at = world()
        at.wait(seconds)
        for _ in range(2):
            at.act(planning.plan, by=by, wish=replace(WISH, name=name), terms=ANYTIME)
        ids |= set(at.situation.maintenances)
    assert len(ids) == 8


def test_policy_is_told_rule_by_rule_and_a_reason_passes_over_it() -> None:
    at = world()
    rule = "Email: work of 1 h or longer is announced 3 d ahead; this is 59 min ahead."
    assert refused(at, planning.plan, by="ada", wish=WISH) == rule
    assert refused(at, planning.plan, by="ada", wish=WISH, terms=Terms(override=" ")) == rule
    planned(at)
    (window,) = at.situation.maintenances.values()
    assert (window.override_reason, window.override_by) == (ANYTIME.override, "ada")


def test_a_window_is_moved_and_ended_within_reason() -> None:
    at = world()
    id = planned(at)
    same = {"maintenance": id, "by": "ada", "terms": ANYTIME}
    assert refused(at, planning.reschedule, **same, starts=WISH.starts) == "It is planned for these times already."
    assert refused(at, planning.reschedule, **same, ends=WISH.starts) == "It must end after it starts."
    assert refused(at, planning.finish, maintenance=id, by="ada") == "It has not begun: cancel it instead."
    later = "An extension ends later than now and later than planned before."
    assert refused(at, planning.extend, **same, ends=WISH.ends) == later
    assert refused(at, planning.extend, **same, ends=WISH.starts + LONGEST + SECOND) == "Maintenance lasts a month at most."
    at.tick((WISH.starts - at.now).total_seconds())
    assert refused(at, planning.reschedule, **same, starts=WISH.starts + HOUR) == "It has begun: only its end can be changed."
    assert refused(at, planning.reschedule, **same, ends=at.now) == "It must end later than now; to end it now, finish it."
    at.act(planning.extend, **same, ends=WISH.starts + LONGEST)
    assert at.situation.maintenances[id].ends == WISH.starts + LONGEST


def test_a_second_person_approves_what_needs_it_before_its_end() -> None:
    at = world()
    free, asked = planned(at), planned(at, replace(ANYTIME, needs_approval=True))
    assert refused(at, planning.approve, maintenance=free, by="ben") == "This maintenance needs no approval."
    other = "Another person than the one who planned it must approve."
    assert refused(at, planning.approve, maintenance=asked, by="ada") == other
    at.wait((WISH.ends - at.now).total_seconds())
    assert refused(at, planning.approve, maintenance=asked, by="ben") == "Its time is over; plan it anew."


@pytest.mark.parametrize("act", [planning.approve, planning.finish, planning.cancel, planning.reschedule])
def test_what_is_not_planned_is_not_found(act: Callable[..., object]) -> None:
    assert refused(world(), act, maintenance="gone", by="ada") == "There is no maintenance with this id that is not over."


def test_a_window_that_is_over_goes_nowhere() -> None:
    with pytest.raises(IllegalTransition, match=r"^maintenance that is completed does not become in_progress$"):
        move_window(MaintenanceState.COMPLETED, MaintenanceState.IN_PROGRESS)


# --- pauses


def test_a_pause_is_refused_in_a_sentence() -> None:
    at = world()
    assert refused(at, pausing.pause, monitor="fax", by="ada", reason="Why not.") == "There is no monitor with this id."
    assert refused(at, pausing.pause, monitor="smtp", by="ada", reason="") == "Pausing needs a reason."
    assert refused(at, pausing.resume, monitor="smtp", by="ada") == "smtp is not paused."
    at.act(pausing.pause, monitor="smtp", by="ada", reason="The vendor works on it.")
    twice = "ada has paused smtp at 08:00 UTC on 02 Mar 2026 already."
    assert refused(at, pausing.pause, monitor="smtp", by="ben", reason="Me too.") == twice


# --- corrections

CLAIM = Claim(service="email", since=START, until=START + HOUR, status=Status.MAJOR, reason="The switch hung.")
CLAIMS: Mapping[str, tuple[dict[str, object], str]] = {
    "without a reason": ({"reason": " "}, "A correction needs a reason."),
    "of an unknown service": ({"service": "fax"}, "There is no service 'fax'."),
    "to maintenance": ({"status": Status.MAINTENANCE}, "Maintenance is planned and not corrected; say how the service was."),
    "of nothing": ({"until": START}, "A correction is about the past: since lies before until, and until not after now."),
    "of more than a year": ({"since": START - 366 * DAY, "until": START + SECOND}, "A correction covers a year at most."),
}


@pytest.mark.parametrize("case", CLAIMS)
def test_a_correction_is_refused_in_a_sentence(case: str) -> None:
    said, sentence = CLAIMS[case]
    at = world()
    at.wait(2 * HOUR.total_seconds())
    claim = replace(CLAIM, **said)  # type: ignore[arg-type]  # fields by name
    assert refused(at, correction.correct, claim=claim, by="ada") == sentence


def test_a_correction_reaches_until_now_and_back_a_year() -> None:
    at = world()
    year = replace(CLAIM, since=at.now - 366 * DAY, until=at.now)
    at.act(correction.correct, claim=year, by="ada")
    assert at.situation.proposals == {}, "nobody need agree unless that is asked for"
    late = replace(CLAIM, until=at.now + SECOND)
    past = "A correction is about the past: since lies before until, and until not after now."
    assert refused(at, correction.correct, claim=late, by="ada") == past


def test_a_correction_waits_for_another_person_than_its_own() -> None:
    at = world()
    claim = replace(CLAIM, until=at.now)
    at.act(correction.correct, claim=claim, by="ada", needs_approval=True)
    (id,) = at.situation.proposals
    assert refused(at, correction.approve, correction=id, by="ada") == "Another person than the one who made it must approve."
    assert refused(at, correction.drop, correction=id, by="ada", reason="") == "Say why it is dropped."
    unknown = "No correction with this id waits for a second person."
    assert refused(at, correction.approve, correction="gone", by="ben") == unknown
    assert refused(at, correction.drop, correction="gone", by="ben", reason="It is not mine.") == unknown


# --- merging and splitting


def test_an_incident_is_split_only_into_what_it_holds() -> None:
    at = world()
    at.fail("smtp")
    same = {"incident": at.incident.id, "by": "ada", "name": "Part", "body": "It is another cause."}
    assert refused(at, regroup.split, **{**same, "name": ""}, components=("smtp",)) == "The new incident needs a name."
    assert refused(at, regroup.split, **{**same, "body": " "}, components=("smtp",)) == "The new incident needs words."
    assert refused(at, regroup.split, **same) == "Name what goes into an incident of its own."
    strangers = "portal, web does not belong to this incident."
    assert refused(at, regroup.split, **same, components=("web",), services=("portal",)) == strangers
    assert refused(at, regroup.split, **same, components=("smtp",)) == "Something must stay in the incident."
    assert refused(at, regroup.merge, incident=at.incident.id, into=at.incident.id, by="ada") == "An incident cannot be merged into itself."


def test_a_part_that_others_need_too_is_named_as_a_component() -> None:
    at = World(topology([service("email", need("disk")), service("portal", need("disk"))], stale_after=timedelta(days=9)))
    at.good("disk")
    at.fail("disk")
    same = {"incident": at.incident.id, "by": "ada", "name": "Part", "body": "It is another cause."}
    alone = "Nothing in this incident is needed by those services alone. Name the components instead."
    assert refused(at, regroup.split, **same, services=("email",)) == alone
    at.act(act.open_incident, by="anna", name="Slow", services={"email": Status.DEGRADED}, body="It is slow.")
    by_hand = next(one.id for one in at.situation.incidents.values() if one.name == "Slow")
    assert refused(at, regroup.split, **{**same, "incident": by_hand}, services=("email",)) == "Something must stay in the incident."
