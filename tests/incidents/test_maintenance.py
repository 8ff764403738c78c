"""Planned work on a virtual clock: what it covers, what it does not, and what is said of it."""

# ruff: noqa: DTZ001 - times by the wall clock name no zone

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from types import MappingProxyType

import pytest

from incidents import act
from incidents.act import Invalid
from incidents.events import MaintenanceMoved, MaintenanceUpdated, Opened, Planned, StatusChanged
from incidents.levels.availability import Change, superseding
from incidents.maintenance import Maintenance, MaintenanceState, Series
from incidents.model import Status, Subject, Topology
from incidents.planned import planning
from incidents.planned.conduct import Conduct
from incidents.planned.planning import Terms, Wish
from incidents.planned.windows import Rest, early_finish, horizon, occurrence_id
from incidents.situation import fold
from incidents.times.calendars import Calendar
from incidents.times.recurrence import Recurrence
from incidents.times.rule import parse
from probes.result import Failure
from tests.incidents.world import START, World, need, service, topology

HOUR = 3600
TOPOLOGY = topology(
    [
        service("mail", need("smtp", label="Sending"), need("imap", label="Receiving")),
        service("files", need("storage")),
    ],
    {"imap": ("storage",)},
    stale_after=timedelta(days=99),
)
ANYTIME = Terms(override="The vendor has no other day.")


def world(known: Topology = TOPOLOGY) -> World:
    """Everything is known to work."""
    made = World(known)
    for id in known.monitors:
        made.mend(id)
    return made


def plan(
    at: World, *, services: Sequence[str] = ("mail",), components: Sequence[str] = ("imap",), starts: float = HOUR, lasts: float = HOUR
) -> str:
    """A window that begins *starts* seconds after START."""
    begins = START + timedelta(seconds=starts)
    wish = Wish(
        name="Patches",
        services=tuple(services),
        components=tuple(components),
        starts=begins,
        ends=begins + timedelta(seconds=lasts),
        body="We patch.",
    )
    before = set(at.situation.maintenances)
    at.act(planning.plan, by="ada", wish=wish, terms=ANYTIME)
    (id,) = set(at.situation.maintenances) - before
    return id


def go_to(at: World, seconds: float) -> None:
    """Move to *seconds* after START, and let the machine notice."""
    at.tick((START + timedelta(seconds=seconds) - at.now).total_seconds())


def states(at: World, id: str) -> list[MaintenanceState]:
    return [event.new for event in at.events if isinstance(event, MaintenanceMoved) and event.maintenance == id]


def shown(at: World, id: str) -> tuple[Status, Status | None]:
    standing = at.situation.standings[Subject.SERVICE, id]
    return standing.status, standing.covered


def opened(at: World) -> list[Opened]:
    return [event for event in at.events if isinstance(event, Opened)]


def words(at: World, id: str) -> list[str]:
    return [event.update.title for event in at.events if isinstance(event, MaintenanceUpdated) and event.maintenance == id]


# --- what it covers -------------------------------------------------------------------------------------------------------------


def test_a_quiet_window_shows_maintenance_from_its_start_to_its_end_and_is_completed_at_once() -> None:
    at = world()
    id = plan(at)
    assert shown(at, "mail") == (Status.OPERATIONAL, None)
    go_to(at, HOUR + 0.7)
    assert shown(at, "mail") == (Status.MAINTENANCE, Status.OPERATIONAL)
    go_to(at, 2 * HOUR + 0.9)
    assert shown(at, "mail") == (Status.OPERATIONAL, None)
    assert states(at, id) == [MaintenanceState.IN_PROGRESS, MaintenanceState.COMPLETED]
    turns = [(e.since, e.new) for e in at.events if isinstance(e, StatusChanged) and e.id == "mail"][-2:]
    assert turns == [(START + timedelta(hours=1), Status.MAINTENANCE), (START + timedelta(hours=2), Status.OPERATIONAL)]
    assert at.situation.maintenances == {}


def test_every_change_has_words_that_stand_alone() -> None:
    at = world()
    id = plan(at)
    go_to(at, HOUR)
    go_to(at, 2 * HOUR)
    assert words(at, id) == [
        "Patches – planned for 2 March 2026, 09:00–10:00 UTC",
        "Patches – in progress until 10:00 UTC",
        "Patches – completed",
    ]


def test_what_breaks_inside_is_measured_and_opens_no_incident() -> None:
    at = world()
    plan(at)
    go_to(at, HOUR + 60)
    at.fail("imap")
    assert shown(at, "mail") == (Status.MAINTENANCE, Status.PARTIAL)
    assert at.component("imap") is Status.MAJOR
    assert opened(at) == []


def test_what_depends_on_a_declared_part_is_covered_too() -> None:
    at = world()
    plan(at, services=("mail", "files"), components=("storage",))
    go_to(at, HOUR + 60)
    at.fail("storage")
    at.fail("imap")
    assert shown(at, "mail")[0] is shown(at, "files")[0] is Status.MAINTENANCE
    assert opened(at) == []


def test_trouble_outside_the_scope_is_shown_and_opens_an_incident_as_usual() -> None:
    at = world()
    plan(at)
    go_to(at, HOUR + 60)
    at.fail("imap")
    at.fail("smtp")
    assert shown(at, "mail") == (Status.PARTIAL, Status.MAJOR)
    (incident,) = at.situation.incidents.values()
    assert incident.root == "smtp"
    assert incident.components == ("smtp",)


def test_a_service_that_is_hit_and_not_declared_has_an_incident() -> None:
    at = world()
    plan(at, services=("mail",), components=("storage",))
    go_to(at, HOUR + 60)
    at.fail("storage")
    at.fail("imap")
    assert shown(at, "files") == (Status.MAJOR, None)
    assert shown(at, "mail") == (Status.MAINTENANCE, Status.PARTIAL)
    (incident,) = at.situation.incidents.values()
    assert dict(incident.services) == {"files": Status.MAJOR}


def test_without_components_all_that_the_service_needs_is_covered() -> None:
    at = world()
    plan(at, components=())
    go_to(at, HOUR + 60)
    at.fail("smtp")
    at.fail("imap")
    assert shown(at, "mail") == (Status.MAINTENANCE, Status.MAJOR)
    assert opened(at) == []


def test_maintenance_beats_unknown_and_keeps_what_was_measured() -> None:
    at = World(TOPOLOGY)
    plan(at)
    go_to(at, HOUR)
    assert shown(at, "mail") == (Status.MAINTENANCE, Status.UNKNOWN)


# --- BEHAVIOURS: the state after the window ---------------------------------------------------------------------------------------


def test_what_was_down_before_stays_its_own_incident_and_is_not_hidden() -> None:
    at = world()
    plan(at)
    go_to(at, HOUR - 60)
    at.fail("imap")
    (before,) = at.situation.incidents
    go_to(at, HOUR)
    assert shown(at, "mail") == (Status.PARTIAL, Status.PARTIAL)
    go_to(at, 2 * HOUR)
    go_to(at, 2 * HOUR + 601)
    assert set(at.situation.incidents) == {before}
    assert len(opened(at)) == 1


def test_a_failure_that_began_before_and_was_confirmed_inside_is_an_incident() -> None:
    at = world()
    plan(at)
    go_to(at, HOUR - 1)
    at.bad("imap")
    go_to(at, HOUR + 5)
    assert shown(at, "mail")[0] is Status.MAINTENANCE
    at.bad("imap")
    assert shown(at, "mail")[0] is Status.PARTIAL
    assert [event.root for event in opened(at)] == ["imap"]


def recorded(at: World, since: float = 0) -> list[tuple[float, Status, Status | None]]:
    """What the record says of mail, from *since* on: seconds after START, what was shown, what was measured under cover."""
    told: list[Change] = []
    for event in at.events:
        if isinstance(event, StatusChanged) and (event.subject, event.id) == (Subject.SERVICE, "mail"):
            superseding(told, Change(since=event.since, new=event.new, covered=event.covered))
    return [((one.since - START).total_seconds(), one.new, one.covered) for one in told if one.since >= START + timedelta(seconds=since)]


def test_an_outage_goes_on_since_its_own_start_while_work_begins_and_ends_over_it() -> None:
    at = world()
    plan(at)
    at.fail("smtp")
    began = at.situation.standings[Subject.SERVICE, "mail"].since
    for seconds in (HOUR, HOUR):
        at.tick(seconds)
        known = at.situation.standings[Subject.SERVICE, "mail"]
        assert (known.status, known.since, known.old) == (Status.PARTIAL, began, Status.PARTIAL)
    turns = [
        event for event in at.events if isinstance(event, StatusChanged) and event.subject is Subject.SERVICE and event.old is event.new
    ]
    assert [(event.since, event.covered) for event in turns] == [
        (START + timedelta(seconds=HOUR), Status.PARTIAL),
        (START + timedelta(seconds=2 * HOUR), None),
    ]


def test_what_recovered_just_before_the_work_began_and_was_seen_after_was_down_no_longer_than_that() -> None:
    at = world()
    at.fail("smtp")
    plan(at)
    at.tick((START + timedelta(seconds=HOUR - 4) - at.now).total_seconds())
    recovered = [replace(at.result("smtp", None), slot=at.now + timedelta(seconds=n)) for n in range(2)]
    at.tick(5)
    at.hear(*recovered)
    assert recorded(at, HOUR - 4) == [(HOUR - 4, Status.OPERATIONAL, None), (HOUR, Status.MAINTENANCE, Status.OPERATIONAL)]
    known = at.situation.standings[Subject.SERVICE, "mail"]
    assert (known.since, known.measured_since) == (START + timedelta(seconds=HOUR), START + timedelta(seconds=HOUR - 4))


def test_what_recovered_within_the_last_seconds_of_the_work_and_was_seen_after_was_maintenance_until_its_end() -> None:
    at = world()
    plan(at)
    at.tick(HOUR)
    at.fail("imap")
    at.tick((START + timedelta(seconds=2 * HOUR - 4) - at.now).total_seconds())
    recovered = [replace(at.result("imap", None), slot=at.now + timedelta(seconds=n)) for n in range(2)]
    at.tick(5)
    assert at.service("mail") is Status.PARTIAL
    at.hear(*recovered)
    assert recorded(at, 2 * HOUR - 4) == [
        (2 * HOUR - 4, Status.MAINTENANCE, Status.OPERATIONAL),
        (2 * HOUR, Status.OPERATIONAL, None),
    ]


def test_nothing_that_is_measured_is_dated_back_before_what_was_measured_already() -> None:
    at = world()
    plan(at, components=("smtp", "imap"))
    at.tick(HOUR)
    late = at.result("smtp", Failure.REFUSED)
    at.wait(10)
    at.fail("imap")
    began = at.situation.standings[Subject.SERVICE, "mail"].measured_since
    at.hear(late, replace(late, slot=late.slot + timedelta(seconds=1)))
    known = at.situation.standings[Subject.SERVICE, "mail"]
    assert (known.covered, known.measured_since) == (Status.MAJOR, began)
    assert (known.status, known.since) == (Status.MAINTENANCE, START + timedelta(seconds=HOUR))


def test_what_nobody_sees_recovered_when_it_was_seen_again_and_not_when_work_began_to_hide_it() -> None:
    at = world(topology([service("mail", need("smtp"))], recovers_after=1))
    plan(at, components=())
    at.fail("smtp")
    at.tick(HOUR - 60)
    assert at.service("mail") is Status.UNKNOWN
    go_to(at, HOUR + 60)
    assert shown(at, "mail") == (Status.MAINTENANCE, Status.UNKNOWN)
    assert at.incident.recovered_at is None
    seen = at.now
    at.mend("smtp")
    assert at.incident.recovered_at == seen


def test_down_during_and_healed_is_never_an_incident() -> None:
    at = world()
    id = plan(at)
    go_to(at, HOUR + 60)
    at.fail("imap")
    at.mend("imap")
    go_to(at, 2 * HOUR)
    go_to(at, 3 * HOUR)
    assert opened(at) == []
    assert states(at, id)[-1] is MaintenanceState.COMPLETED


def test_down_during_and_still_down_is_an_outage_at_once_and_one_incident_after_the_grace() -> None:
    at = world()
    id = plan(at)
    go_to(at, HOUR + 60)
    broke_at = at.now
    at.fail("imap")
    go_to(at, 2 * HOUR)
    assert shown(at, "mail") == (Status.PARTIAL, None)
    assert at.situation.standings[Subject.SERVICE, "mail"].since == START + timedelta(hours=2)
    assert states(at, id)[-1] is MaintenanceState.VERIFYING
    go_to(at, 2 * HOUR + 599)
    assert opened(at) == []
    go_to(at, 2 * HOUR + 600)
    (event,) = opened(at)
    assert (event.root, event.started_at, event.planned_until) == ("imap", broke_at, START + timedelta(hours=2))
    assert "was planned until 10:00 UTC" in at.updates(event.incident)[0].body
    (moved,) = [e for e in at.events if isinstance(e, MaintenanceMoved) and e.overran]
    assert moved.new is MaintenanceState.COMPLETED
    go_to(at, 4 * HOUR)
    assert len(opened(at)) == 1


def test_what_is_mended_within_the_grace_is_no_incident() -> None:
    at = world()
    id = plan(at)
    go_to(at, HOUR + 60)
    at.fail("imap")
    go_to(at, 2 * HOUR)
    at.mend("imap")
    assert states(at, id)[-1] is MaintenanceState.COMPLETED
    assert shown(at, "mail") == (Status.OPERATIONAL, None)
    go_to(at, 3 * HOUR)
    assert opened(at) == []


def test_what_fails_after_the_window_is_over_opens_as_usual() -> None:
    at = world()
    plan(at)
    go_to(at, HOUR)
    go_to(at, 2 * HOUR)
    at.fail("imap")
    assert [event.planned_until for event in opened(at)] == [None]


def test_a_hub_that_was_away_dates_all_of_it_back() -> None:
    at = world()
    id = plan(at)
    go_to(at, 5 * HOUR)
    assert states(at, id) == [MaintenanceState.IN_PROGRESS, MaintenanceState.COMPLETED]
    turns = [(e.since - START, e.new) for e in at.events if isinstance(e, StatusChanged) and e.id == "mail"][-2:]
    assert turns == [(timedelta(hours=1), Status.MAINTENANCE), (timedelta(hours=2), Status.OPERATIONAL)]


# --- overlaps -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("second", [(HOUR, HOUR), (HOUR + 600, 600), (HOUR + 1800, HOUR), (2 * HOUR, HOUR), (600, 3 * HOUR)])
def test_overlapping_windows_cover_what_either_of_them_covers(second: tuple[int, int]) -> None:
    at = world()
    plan(at, components=("imap",))
    plan(at, components=("smtp",), starts=second[0], lasts=second[1])
    for minute in range(0, 5 * 60, 5):
        go_to(at, max(minute * 60, 60))
        first_runs = HOUR <= max(minute * 60, 60) < 2 * HOUR
        second_runs = second[0] <= max(minute * 60, 60) < second[0] + second[1]
        assert (shown(at, "mail")[0] is Status.MAINTENANCE) is (first_runs or second_runs)


def test_each_of_two_windows_explains_its_own_part_alone() -> None:
    at = world()
    plan(at, components=("imap",), lasts=2 * HOUR)
    plan(at, components=("smtp",), lasts=HOUR)
    go_to(at, HOUR + 60)
    at.fail("imap")
    at.fail("smtp")
    assert shown(at, "mail") == (Status.MAINTENANCE, Status.MAJOR)
    go_to(at, 2 * HOUR)
    assert shown(at, "mail") == (Status.PARTIAL, Status.MAJOR), "the first window does not explain smtp"
    go_to(at, 2 * HOUR + 601)
    assert [event.root for event in opened(at)] == ["smtp"]


# --- changed while it runs ------------------------------------------------------------------------------------------------------


def test_extended_twice_it_covers_until_the_last_end() -> None:
    at = world()
    id = plan(at)
    go_to(at, HOUR + 60)
    at.fail("imap")
    for hours in (2.5, 3):
        at.act(planning.extend, maintenance=id, by="ada", ends=START + timedelta(hours=hours), body="The disk is slow.")
    go_to(at, 2 * HOUR + 700)
    assert shown(at, "mail") == (Status.MAINTENANCE, Status.PARTIAL)
    window = at.situation.maintenances[id]
    assert (window.changes, len(window.promises), window.ends) == (2, 3, START + timedelta(hours=3))
    go_to(at, 3 * HOUR)
    assert shown(at, "mail") == (Status.PARTIAL, None)
    go_to(at, 3 * HOUR + 600)
    assert [event.planned_until for event in opened(at)] == [START + timedelta(hours=3)]


def test_extended_after_its_end_it_covers_again_and_the_time_between_was_an_outage() -> None:
    at = world()
    id = plan(at)
    go_to(at, HOUR + 60)
    at.fail("imap")
    go_to(at, 2 * HOUR)
    go_to(at, 2 * HOUR + 300)
    at.act(planning.extend, maintenance=id, by="ada", ends=START + timedelta(hours=3))
    assert shown(at, "mail") == (Status.MAINTENANCE, Status.PARTIAL)
    turns = [(e.since - START, e.new) for e in at.events if isinstance(e, StatusChanged) and e.id == "mail"][-2:]
    assert turns == [(timedelta(hours=2), Status.PARTIAL), (timedelta(hours=2, minutes=5), Status.MAINTENANCE)]
    assert opened(at) == []


def test_cancelled_while_it_runs_its_trouble_is_an_incident_at_once() -> None:
    at = world()
    id = plan(at)
    go_to(at, HOUR + 60)
    at.fail("imap")
    at.act(planning.cancel, maintenance=id, by="ada", body="We stop here.")
    assert shown(at, "mail") == (Status.PARTIAL, None)
    assert [event.root for event in opened(at)] == ["imap"]


def test_cancelled_before_it_begins_nothing_is_covered() -> None:
    at = world()
    id = plan(at)
    at.act(planning.cancel, maintenance=id, by="ada")
    go_to(at, HOUR + 60)
    assert shown(at, "mail") == (Status.OPERATIONAL, None)
    assert states(at, id) == [MaintenanceState.CANCELLED]


def test_finished_early_it_is_completed_where_everything_works() -> None:
    at = world()
    id = plan(at)
    go_to(at, HOUR + 60)
    at.fail("imap")
    assert early_finish(at.situation, at.situation.maintenances[id], at.policy, at.now) is None
    again = at.now
    at.mend("imap")
    assert early_finish(at.situation, at.situation.maintenances[id], at.policy, at.now) == Rest(since=again, is_again=True)
    at.act(planning.finish, maintenance=id, by="ada")
    assert states(at, id)[-1] is MaintenanceState.COMPLETED
    assert shown(at, "mail") == (Status.OPERATIONAL, None)


def said_of(at: World, id: str) -> list[tuple[str, str]]:
    return [(e.update.title, e.update.body) for e in at.events if isinstance(e, MaintenanceUpdated) and e.maintenance == id]


def test_finished_within_its_last_minute_no_other_end_is_told() -> None:
    at = world()
    id = plan(at)
    go_to(at, 2 * HOUR - 30)
    at.act(planning.reschedule, maintenance=id, by="ada", ends=START + timedelta(hours=2, seconds=20))
    go_to(at, 2 * HOUR)
    at.act(planning.finish, maintenance=id, by="ada")
    assert [title for title, _ in said_of(at, id)[2:]] == ["Patches – completed"]


def test_what_somebody_says_when_they_finish_it_is_told_in_its_last_minute_too() -> None:
    at = world()
    id = plan(at)
    go_to(at, 2 * HOUR - 30)
    at.act(planning.reschedule, maintenance=id, by="ada", ends=START + timedelta(hours=2, seconds=20))
    go_to(at, 2 * HOUR + 10)
    at.act(planning.finish, maintenance=id, by="ada", body="All disks are new.")
    assert said_of(at, id)[2] == ("Patches – finished", "All disks are new.")


def test_another_end_on_another_day_is_told_with_both_days() -> None:
    at = world()
    id = plan(at)
    go_to(at, HOUR)
    at.act(planning.extend, maintenance=id, by="ada", ends=START + timedelta(hours=26))
    assert said_of(at, id)[-1] == (
        "Patches – extended until 3 March 2026, 10:00 UTC",
        "It takes longer than planned: until 3 March 2026, 10:00 UTC instead of 2 March 2026, 10:00 UTC.",
    )


def test_finished_early_with_something_broken_it_is_verified_like_any_end() -> None:
    at = world()
    id = plan(at)
    go_to(at, HOUR + 60)
    at.fail("imap")
    at.act(planning.finish, maintenance=id, by="ada")
    finished_at = at.situation.maintenances[id].ends
    assert states(at, id)[-1] is MaintenanceState.VERIFYING
    at.tick(600)
    assert [event.planned_until for event in opened(at)] == [finished_at]


def test_a_quiet_window_is_offered_to_end_only_after_a_while() -> None:
    at = world()
    id = plan(at)
    go_to(at, HOUR + 60)
    assert early_finish(at.situation, at.situation.maintenances[id], at.policy, at.now) is None
    go_to(at, HOUR + 1801)
    rest = Rest(since=START + timedelta(hours=1), is_again=False)
    assert early_finish(at.situation, at.situation.maintenances[id], at.policy, at.now) == rest


def test_what_only_became_known_inside_was_not_broken_there() -> None:
    at = World(TOPOLOGY)
    for id in TOPOLOGY.monitors:
        if id != "imap":
            at.mend(id)
    window = plan(at)
    go_to(at, HOUR + 60)
    known = at.now
    at.mend("imap")
    assert early_finish(at.situation, at.situation.maintenances[window], at.policy, at.now) is None
    at.tick(1700)
    assert early_finish(at.situation, at.situation.maintenances[window], at.policy, at.now) is None
    at.tick(120)
    assert early_finish(at.situation, at.situation.maintenances[window], at.policy, at.now) == Rest(since=known, is_again=False)


# --- approval -------------------------------------------------------------------------------------------------------------------


def proposed(at: World) -> str:
    begins = START + timedelta(hours=1)
    wish = Wish(name="Patches", services=("mail",), starts=begins, ends=begins + timedelta(hours=1), body="We patch.")
    at.act(planning.plan, by="ada", wish=wish, terms=replace(ANYTIME, needs_approval=True))
    (id,) = at.situation.maintenances
    return id


def test_what_nobody_approved_is_not_public_and_covers_nothing() -> None:
    at = world()
    id = proposed(at)
    go_to(at, HOUR + 60)
    assert shown(at, "mail") == (Status.OPERATIONAL, None)
    go_to(at, 2 * HOUR)
    assert states(at, id) == [MaintenanceState.CANCELLED]
    assert words(at, id) == []


def test_a_second_person_approves_and_then_it_is_promised() -> None:
    at = world()
    id = proposed(at)
    with pytest.raises(Invalid, match="Another person"):
        planning.approve(at.situation, at.now, maintenance=id, by="ada")
    at.wait(60)
    approved_at = at.now
    at.act(planning.approve, maintenance=id, by="meg")
    assert [promise.announced_at for promise in at.situation.maintenances[id].promises] == [approved_at]
    go_to(at, HOUR)
    assert shown(at, "mail")[0] is Status.MAINTENANCE


def waiting(at: World, ahead: timedelta, terms: Terms) -> str:
    """Two hours of work that begin so long after now, and wait for a second person."""
    begins = at.now + ahead
    wish = Wish(name="Patches", services=("mail",), starts=begins, ends=begins + timedelta(hours=2), body="We patch.")
    at.act(planning.plan, by="ada", wish=wish, terms=replace(terms, needs_approval=True))
    (id,) = at.situation.maintenances
    return id


DAYS = {days: timedelta(days=days) for days in (1, 2, 4)}
LATE = "Mail: work of 1 h or longer is announced 3 d ahead; this is 2 d ahead."


def test_what_is_approved_so_late_that_its_notice_is_not_kept_is_refused_with_the_reason() -> None:
    at = world()
    id = waiting(at, DAYS[4], Terms())
    at.wait(DAYS[2].total_seconds())
    with pytest.raises(planning.AgainstPolicy) as refusal:
        planning.approve(at.situation, at.now, maintenance=id, by="meg")
    assert refusal.value.reasons == (LATE,)
    assert not at.situation.maintenances[id].is_public
    at.act(planning.approve, maintenance=id, by="meg", terms=Terms(override="Meg was away."))
    window = at.situation.maintenances[id]
    assert (window.approved_by, window.override_by, window.override_reason) == ("meg", "meg", "Meg was away.")
    assert window.is_public


def test_what_is_approved_in_time_needs_no_reason_even_where_one_is_given() -> None:
    at = world()
    id = waiting(at, DAYS[4], Terms())
    at.act(planning.approve, maintenance=id, by="meg", terms=Terms(override="To be sure."))
    assert at.situation.maintenances[id].override_reason is None


def test_notice_that_was_passed_over_when_it_was_planned_is_not_asked_for_again() -> None:
    at = world()
    id = waiting(at, DAYS[2], ANYTIME)
    at.wait(DAYS[1].total_seconds())
    at.act(planning.approve, maintenance=id, by="meg")
    window = at.situation.maintenances[id]
    assert (window.is_public, window.override_by, window.override_reason) == (True, "ada", ANYTIME.override)


def test_a_reason_that_passed_over_something_else_is_none_for_lost_notice() -> None:
    """Its hours were in the way when it was planned four days ahead; two days later its notice is."""
    at = world()
    always = Calendar(timezone="UTC", weekly=dict.fromkeys(range(7), ((0, 1440),)))
    conducts = {"mail": Conduct(hours=always)}
    id = waiting(at, DAYS[4], Terms(conducts=conducts, override="The vendor comes then."))
    assert at.situation.maintenances[id].override_reason == "The vendor comes then."
    at.wait(DAYS[2].total_seconds())
    with pytest.raises(planning.AgainstPolicy) as refusal:
        planning.approve(at.situation, at.now, maintenance=id, by="meg", terms=Terms(conducts=conducts))
    assert refusal.value.reasons == (LATE,)


# --- policy ---------------------------------------------------------------------------------------------------------------------


def test_every_reason_against_a_plan_is_given_at_once() -> None:
    at = world()
    begins = START + timedelta(hours=1)
    wish = Wish(name=" ", services=("mail", "nothing"), components=("nowhere",), starts=begins, ends=begins, body="")
    with pytest.raises(act.Unfit) as refusal:
        planning.plan(at.situation, at.now, by="ada", wish=wish)
    assert refusal.value.faults == (
        ("services", "There is no service 'nothing'."),
        ("components", "There is no component 'nowhere'."),
        ("ends", "It must end after it starts."),
        ("name", "Maintenance needs a name."),
        ("body", "Maintenance needs words for the public."),
    )
    assert refusal.value.reason == " ".join(sentence for _, sentence in refusal.value.faults)


@pytest.mark.parametrize(
    ("hours", "asked", "field"),
    [
        (0, {"starts": 3, "ends": 2}, "ends"),
        (0, {"starts": -1}, "starts"),
        (0, {"starts": 24 * 400}, "starts"),
        (0, {"ends": 24 * 40}, "ends"),
        (1.2, {"starts": 1.5}, "starts"),
        (1.2, {"ends": 1.1}, "ends"),
    ],
)
def test_times_that_cannot_be_are_refused_by_the_field_that_says_them(hours: float, asked: Mapping[str, float], field: str) -> None:
    at = world()
    window = plan(at)
    go_to(at, hours * HOUR)
    starts, ends = (START + timedelta(hours=asked[name]) if name in asked else None for name in ("starts", "ends"))
    with pytest.raises(act.Unfit) as refusal:
        planning.reschedule(at.situation, at.now, maintenance=window, by="ada", starts=starts, ends=ends)
    assert [name for name, _ in refusal.value.faults] == [field]


@pytest.mark.parametrize("hours", [1.4, 24 * 40])
def test_an_extension_that_cannot_be_is_refused_by_its_end(hours: float) -> None:
    at = world()
    window = plan(at)
    with pytest.raises(act.Unfit) as refusal:
        planning.extend(at.situation, at.now, maintenance=window, by="ada", ends=START + timedelta(hours=hours))
    assert [name for name, _ in refusal.value.faults] == ["ends"]


def test_an_hour_of_work_needs_three_days_of_notice_and_less_does_not() -> None:
    at = world()
    begins = START + timedelta(hours=1)
    wish = Wish(name="Patches", services=("mail", "files"), starts=begins, ends=begins + timedelta(hours=1), body="We patch.")
    with pytest.raises(planning.AgainstPolicy) as refusal:
        planning.plan(at.situation, at.now, by="ada", wish=wish)
    assert len(refusal.value.reasons) == 2
    assert "announced 3 d ahead; this is 59 min ahead" in refusal.value.reasons[0]
    short = replace(wish, ends=begins + timedelta(minutes=59))
    assert planning.plan(at.situation, at.now, by="ada", wish=short)
    late = replace(wish, starts=at.now + timedelta(hours=72), ends=at.now + timedelta(hours=74))
    assert planning.plan(at.situation, at.now, by="ada", wish=late)


def test_an_override_is_kept_with_its_reason_and_its_author() -> None:
    at = world()
    id = plan(at)
    window = at.situation.maintenances[id]
    assert (window.override_by, window.override_reason) == ("ada", ANYTIME.override)


# --- series ---------------------------------------------------------------------------------------------------------------------


def series(rule: str = "FREQ=WEEKLY;BYDAY=SU", **more: object) -> Series:
    made = Series(
        key="patches",
        name=MappingProxyType({"en": "Storage patches"}),
        description=MappingProxyType({}),
        services=("mail",),
        components=("imap",),
        recurrence=Recurrence(starts=datetime(2026, 1, 4, 2), timezone="Europe/Berlin", rule=parse(rule)),
        lasts=timedelta(minutes=90),
        announce=timedelta(hours=72),
    )
    return replace(made, **more)  # type: ignore[arg-type]  # the test's own keywords


def recurring(*all_series: Series) -> Topology:
    return replace(TOPOLOGY, series=MappingProxyType({one.key: one for one in all_series}))


def only(at: World) -> Maintenance:
    (window,) = at.situation.maintenances.values()
    return window


SUNDAY = datetime.fromisoformat("2026-03-08T01:00+00:00")
AHEAD = (SUNDAY - START).total_seconds()


def test_a_series_is_announced_as_soon_as_the_file_has_it_and_says_when_it_comes_again() -> None:
    """Its first occurrence is five days ahead, and three days of notice are asked for."""
    at = world(recurring(series()))
    window = only(at)
    assert (window.starts, window.planned_at, window.is_quiet) == (SUNDAY, START, False)
    assert window.id == occurrence_id(at.situation, "patches", SUNDAY)
    assert said_of(at, window.id) == [
        (
            "Storage patches – planned for 8 March 2026, 01:00–02:30 UTC",
            "Maintenance is planned for 8 March 2026, 01:00–02:30 UTC. It comes again, next on 15 March 2026, 01:00–02:30 UTC.",
        )
    ]


def test_a_series_that_comes_once_more_does_not_say_that_it_comes_again() -> None:
    at = world(recurring(series("FREQ=WEEKLY;BYDAY=SU;UNTIL=20260309T000000")))
    ((_, body),) = said_of(at, only(at).id)
    assert "again" not in body


def test_a_series_that_first_comes_in_more_than_a_year_is_announced_a_year_ahead() -> None:
    late = replace(series(), recurrence=replace(series().recurrence, starts=datetime(2027, 4, 4, 2, 0)))
    at = world(recurring(late))
    assert at.situation.maintenances == {}
    go_to(at, 34 * 24 * HOUR)
    assert only(at).starts.year == 2027


def test_a_series_that_was_announced_once_is_not_announced_anew_when_it_rests_for_long() -> None:
    at = world(recurring(series("FREQ=YEARLY;BYMONTH=3;BYMONTHDAY=8")))
    for days in (6, 7, 120, 240):
        go_to(at, days * 24 * HOUR)
        at.good(*TOPOLOGY.monitors)
    assert at.situation.maintenances == {}
    assert at.situation.known_series == {"patches"}


def test_a_series_that_comes_at_other_times_is_announced_anew_at_once() -> None:
    at = world(recurring(series()))
    before = only(at).id
    at.configure(recurring(series("FREQ=WEEKLY;BYDAY=SA")))
    assert words(at, before)[-1].endswith("cancelled")
    window = only(at)
    assert (window.starts, window.is_quiet) == (SUNDAY - timedelta(days=1), False)
    assert "It comes again, next on 14 March 2026" in said_of(at, window.id)[0][1]


def test_a_later_occurrence_becomes_a_window_when_its_notice_is_due_and_keeps_its_id() -> None:
    at = world(recurring(series()))
    first, next_one = only(at).id, occurrence_id(at.situation, "patches", SUNDAY + timedelta(days=7))
    for hours in (0, 2, 7 * 24 - 74):
        go_to(at, AHEAD + hours * HOUR)
        at.good(*TOPOLOGY.monitors)
    assert set(at.situation.maintenances) <= {first}
    go_to(at, AHEAD + (7 * 24 - 73) * HOUR + 1)
    window = only(at)
    assert (window.id, window.is_quiet) == (next_one, True)
    assert "again" not in said_of(at, next_one)[0][1]
    assert window.starts - window.promises[0].announced_at >= timedelta(hours=72)


@pytest.mark.parametrize(("is_loud", "quiet"), [(False, [False, True, True]), (True, [False, False, False])])
def test_only_the_first_of_a_series_is_news_unless_each_shall_be(is_loud: bool, quiet: list[bool]) -> None:  # noqa: FBT001 - the parameter
    at = world(recurring(series(is_loud=is_loud)))
    for hours in range(-80, 15 * 24, 4):
        go_to(at, AHEAD + hours * HOUR)
        at.good(*TOPOLOGY.monitors)
    plans = [e.plan for e in at.events if isinstance(e, Planned)]
    assert [plan.is_quiet for plan in plans] == quiet


def test_what_comes_every_month_is_news_once() -> None:
    at = world(recurring(series("FREQ=MONTHLY;BYDAY=1SU")))
    for hours in range(-80, 130 * 24, 24):
        go_to(at, AHEAD + hours * HOUR)
        at.good(*TOPOLOGY.monitors)
    assert [e.plan.is_quiet for e in at.events if isinstance(e, Planned)] == [False, True, True, True]


def test_an_occurrence_that_follows_after_a_long_pause_is_news_again() -> None:
    at = world(recurring(series("FREQ=WEEKLY;INTERVAL=16;BYDAY=SU")))
    for hours in range(-80, 164 * 24, 24):
        go_to(at, AHEAD + hours * HOUR)
        at.good(*TOPOLOGY.monitors)
    plans = [e.plan for e in at.events if isinstance(e, Planned)]
    assert len(plans) >= 2
    assert not any(plan.is_quiet for plan in plans)


def test_a_cancelled_occurrence_never_comes_back_and_the_next_does() -> None:
    at = world(recurring(series()))
    go_to(at, AHEAD - 50 * HOUR)
    id = only(at).id
    at.act(planning.cancel, maintenance=id, by="ada")
    for hours in range(-49, 200, 7):
        go_to(at, AHEAD + hours * HOUR)
        assert id not in at.situation.maintenances
    starts = {e.plan.starts for e in at.events if type(e).__name__ == "Planned"}  # type: ignore[union-attr]  # by its name
    assert starts == {SUNDAY, SUNDAY + timedelta(days=7)}


def test_a_moved_occurrence_is_one_window_and_not_two() -> None:
    at = world(recurring(series()))
    go_to(at, AHEAD - 50 * HOUR)
    id = only(at).id
    at.act(planning.reschedule, maintenance=id, by="ada", starts=SUNDAY + timedelta(hours=5), terms=ANYTIME)
    go_to(at, AHEAD + 60)
    assert shown(at, "mail")[0] is Status.OPERATIONAL
    go_to(at, AHEAD + 5 * HOUR)
    assert shown(at, "mail")[0] is Status.MAINTENANCE
    assert set(at.situation.maintenances) == {id}


def test_an_occurrence_far_ahead_can_be_cancelled_by_its_id() -> None:
    at = world(recurring(series()))
    far = SUNDAY + timedelta(days=21)
    id = occurrence_id(at.situation, "patches", far)
    at.act(planning.cancel, maintenance=id, by="ada")
    go_to(at, AHEAD + 21 * 24 * HOUR + 60)
    assert shown(at, "mail")[0] is Status.OPERATIONAL


def test_the_key_of_a_series_means_its_next_occurrence() -> None:
    at = world(recurring(series()))
    at.act(planning.cancel, maintenance="patches", by="ada")
    assert at.situation.spent == {occurrence_id(at.situation, "patches", SUNDAY): SUNDAY + timedelta(minutes=90)}


def test_a_series_taken_out_cancels_what_nobody_touched_with_a_notice() -> None:
    at = world(recurring(series()))
    go_to(at, AHEAD - 50 * HOUR)
    id = only(at).id
    at.configure(TOPOLOGY)
    assert states(at, id) == [MaintenanceState.CANCELLED]
    assert words(at, id)[-1] == "Storage patches – cancelled"


def test_a_changed_series_is_followed_by_what_nobody_touched_alone() -> None:
    at = world(recurring(series()))
    go_to(at, AHEAD - 50 * HOUR)
    id = only(at).id
    at.configure(recurring(series(lasts=timedelta(hours=3), components=())))
    assert (only(at).id, only(at).ends, only(at).components) == (id, SUNDAY + timedelta(hours=3), ())
    at.act(planning.reschedule, maintenance=id, by="ada", starts=SUNDAY + timedelta(hours=1), terms=ANYTIME)
    at.configure(recurring(series(lasts=timedelta(hours=1))))
    assert only(at).ends == SUNDAY + timedelta(hours=4)


def test_a_series_moved_to_another_hour_cancels_the_old_and_plans_the_new() -> None:
    at = world(recurring(series()))
    go_to(at, AHEAD - 50 * HOUR)
    id = only(at).id
    other = Recurrence(starts=datetime(2026, 1, 4, 3), timezone="Europe/Berlin", rule=parse("FREQ=WEEKLY;BYDAY=SU"))
    at.configure(recurring(series(recurrence=other)))
    assert only(at).starts == SUNDAY + timedelta(hours=1)
    assert states(at, id) == [MaintenanceState.CANCELLED]


def test_what_is_folded_at_once_is_what_was_folded_step_by_step() -> None:
    at = world(recurring(series()))
    go_to(at, AHEAD - 50 * HOUR)
    go_to(at, AHEAD)
    at.fail("imap")
    go_to(at, AHEAD + 2 * HOUR)
    again = fold(replace(World(recurring(series())).situation), at.events)
    assert (again.maintenances, again.spent, again.standings) == (at.situation.maintenances, at.situation.spent, at.situation.standings)


def test_the_horizon_shows_what_is_planned_and_what_a_series_will_bring_under_the_same_ids() -> None:
    at = world(recurring(series()))  # START is a Monday; the next Sundays are the 8th and the 15th
    month = (START, START + timedelta(days=14))
    far = horizon(at.situation, *month)
    assert [(window.starts.isoformat(), window.series, len(window.promises)) for window in far] == [
        ("2026-03-08T01:00:00+00:00", "patches", 1),
        ("2026-03-15T01:00:00+00:00", "patches", 0),
    ]
    single = plan(at, starts=2 * 24 * HOUR)
    go_to(at, 4 * 24 * HOUR)  # the first Sunday has come near, and is a window of its own
    known = horizon(at.situation, *month)
    assert [window.id for window in known] == [far[0].id, far[1].id]
    assert known[0].promises
    assert single not in {window.id for window in known}  # it is over
    at.act(planning.cancel, maintenance=far[0].id, by="ada")
    assert [window.id for window in horizon(at.situation, *month)] == [far[1].id]


def test_the_horizon_holds_what_touches_it_and_nothing_else() -> None:
    at = world(recurring(series()))
    first = datetime.fromisoformat("2026-03-08T01:00:00+00:00")
    ends = first + timedelta(minutes=90)
    assert horizon(at.situation, ends, ends + timedelta(hours=1)) == ()
    assert len(horizon(at.situation, ends - timedelta(microseconds=1), ends)) == 1
    assert horizon(at.situation, first - timedelta(hours=1), first) == ()


def test_nobody_is_told_that_everything_works_where_something_did_not_before() -> None:
    at = world()
    at.fail("imap")
    id = plan(at)
    go_to(at, 2 * HOUR + 1)
    (last,) = [e.update for e in at.events if isinstance(e, MaintenanceUpdated) and e.update.state is MaintenanceState.COMPLETED]
    assert (last.body, at.situation.maintenances.get(id)) == ("The work is done.", None)


def test_what_is_far_ahead_is_told_as_it_would_be_planned() -> None:
    at = world(recurring(series(description=MappingProxyType({"en": "We patch."}))))
    later = SUNDAY + timedelta(days=7)
    (far,) = horizon(at.situation, later, later + timedelta(days=1))
    assert far == Maintenance(
        id=occurrence_id(at.situation, "patches", later),
        name={"en": "Storage patches"},
        description={"en": "We patch."},
        services=("mail",),
        components=("imap",),
        starts=later,
        ends=later + timedelta(minutes=90),
        planned_at=later,
        series="patches",
        occurrence=later,
    )


def test_a_window_meets_a_time_that_it_has_in_common_and_no_other() -> None:
    at = world()
    id = plan(at)
    begins, ends = START + timedelta(seconds=HOUR), START + timedelta(seconds=2 * HOUR)
    moment = timedelta(microseconds=1)
    assert [window.id for window in horizon(at.situation, ends - moment, ends)] == [id]
    assert [window.id for window in horizon(at.situation, begins - moment, begins + moment)] == [id]
    assert horizon(at.situation, ends, ends + moment) == ()
    assert horizon(at.situation, begins - moment, begins) == ()
