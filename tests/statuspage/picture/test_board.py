"""The desk's picture, drawn from a situation that the test makes: no loop, no store, no clock."""

from dataclasses import replace
from datetime import timedelta

from incidents import act
from incidents.drift import Trend
from incidents.impairment import Hindrance, Impairment
from incidents.model import Acknowledgement, State, Status
from incidents.priority import Impact, Scale
from probes.result import Failure, ProbeResult, Warning
from statuspage.picture import board
from statuspage.picture.components import monitor_row
from statuspage.picture.page import Story
from statuspage.picture.spending import Spending
from statuspage.picture.urgency import ORDINARY
from tests.incidents.world import World, need, service, topology

LEASE = timedelta(minutes=30)


def company(*, publish_after: timedelta = timedelta(0)) -> World:
    world = World(
        topology(
            [
                service("email", need("smtp", label="Sending"), need("imap", label="Receiving"), publish_after=publish_after),
                service("portal", need("web-a", "web-b", at_least=1, label="Sign in")),
            ]
        )
    )
    for monitor in world.situation.topology.monitors:
        world.mend(monitor)
    return world


def drawn(world: World, *closed: Story, scale: Scale = ORDINARY) -> board.Board:
    stories = [Story(incident=one, updates=tuple(world.updates(one.id))) for one in world.situation.incidents.values()]
    return board.build(world.situation, [*stories, *closed], world.now, scale=scale)


def only(world: World) -> board.QueueRow:
    (row,) = drawn(world).queue
    return row


def test_a_row_holds_what_the_first_question_of_a_caller_needs() -> None:
    world = company()
    world.fail("smtp")
    row = only(world)
    assert [(hit.name, hit.status) for hit in row.hits] == [("Email", Status.PARTIAL)]
    assert row.tone is Status.PARTIAL
    assert row.state is State.INVESTIGATING
    assert row.started_at < row.opened_at
    assert (row.owner, row.lapsed) == (None, None)
    assert row.is_public
    assert row.is_failing
    assert "Sending" in row.say


def test_the_newest_public_words_are_the_ones_to_say() -> None:
    world = company()
    world.fail("smtp")
    promised = world.now + timedelta(hours=1)
    world.act(act.update, incident=world.incident.id, by="anna", body="A disk is full.", next_update_by=promised)
    row = only(world)
    assert (row.say, row.next_update_by, row.is_promise_overdue) == ("A disk is full.", promised, False)
    world.now = promised
    assert only(world).is_promise_overdue


def test_a_promise_binds_also_where_the_words_that_made_it_were_removed() -> None:
    world = company()
    world.fail("smtp")
    promised = world.now + timedelta(hours=1)
    world.act(act.update, incident=world.incident.id, by="anna", body="Ask Ada.", next_update_by=promised)
    *before, said = world.updates(world.incident.id)
    words = (*before, replace(said, body="", redacted_at=world.now))
    (row,) = board.build(world.situation, [Story(incident=world.incident, updates=words)], world.now).queue
    assert (row.say, row.next_update_by) == (before[-1].body, promised)


def test_without_words_a_neutral_sentence_names_the_service_and_nothing_inside() -> None:
    world = company(publish_after=timedelta(minutes=10))
    world.fail("smtp")
    (row,) = board.build(world.situation, [], world.now).queue
    assert row.say == "We see a problem with Email and are looking into it."
    assert (row.said_at, row.is_public) == (None, False)
    assert row.publish_at == row.started_at + timedelta(minutes=10) or row.publish_at == row.opened_at + timedelta(minutes=10)


def test_an_acknowledgement_owns_until_the_second_in_which_it_expires() -> None:
    world = company()
    world.fail("smtp")
    world.act(act.acknowledge, incident=world.incident.id, by="anna", lasts=LEASE)
    held = Acknowledgement(by="anna", at=world.now, expires_at=world.now + LEASE)
    world.now += LEASE - timedelta(microseconds=1)
    assert (only(world).owner, only(world).lapsed) == (held, None)
    world.now += timedelta(microseconds=1)
    assert (only(world).owner, only(world).lapsed) == (None, held)


def test_what_matters_most_comes_first_then_what_nobody_owns_then_the_oldest() -> None:
    world = World(topology([service(name, need(f"{name}-part")) for name in ("a", "b", "c", "d", "e")]))
    for monitor in world.situation.topology.monitors:
        world.mend(monitor)
    for name in ("a", "b", "c", "d", "e"):
        for _ in range(2):
            world.bad(f"{name}-part", failure=Failure.SLOW if name == "b" else Failure.REFUSED)
    by_service = {next(iter(one.services)): one.id for one in world.situation.incidents.values()}
    world.act(act.acknowledge, incident=by_service["a"], by="anna", lasts=LEASE)
    world.mend("d-part")
    alike = Scale(formula=lambda inputs: inputs["affected_share"])
    assert [row.hits[0].service for row in drawn(world, scale=alike).queue] == ["c", "e", "a", "b", "d"]
    scale = Scale(formula=lambda inputs: inputs["impact.customers"], impacts={"b": Impact(customers=5), "d": Impact(customers=9)})
    first, *others = drawn(world, scale=scale).queue
    assert first.hits[0].service == "b"  # however mildly it is hit
    assert {row.priority.score for row in others} == {0.0}  # also of "d", which works again: what hits nobody matters least


def test_the_score_of_what_is_open_stands_still_within_a_minute() -> None:
    world = company()
    world.fail("smtp")
    world.now = world.now.replace(second=1, microsecond=0) + timedelta(hours=1)
    first = only(world).priority
    world.now += timedelta(seconds=58)
    assert only(world).priority == first
    world.now += timedelta(seconds=1)
    assert only(world).priority.score > first.score


def test_a_recovered_incident_shows_how_the_service_is_now_and_how_bad_it_was() -> None:
    world = company()
    world.fail("smtp")
    world.mend("smtp")
    (hit,) = only(world).hits
    assert (hit.status, hit.worst) == (Status.OPERATIONAL, Status.PARTIAL)
    assert not only(world).is_failing


def test_an_outage_that_nobody_can_see_any_more_is_unknown_and_not_operational() -> None:
    world = company()
    world.fail("smtp")
    world.tick(3600)
    (hit,) = only(world).hits
    assert (hit.status, hit.worst) == (Status.UNKNOWN, Status.PARTIAL)


def test_a_watched_incident_on_which_a_person_posted_asks_the_desk() -> None:
    world = company()
    world.fail("smtp")
    world.act(act.update, incident=world.incident.id, by="anna", body="A disk is full.")
    assert not only(world).asks_desk
    world.mend("smtp")
    assert only(world).asks_desk


def test_a_lost_part_of_a_redundant_need_is_a_caution_with_the_margin_left() -> None:
    world = company()
    world.fail("web-a")
    picture = drawn(world)
    assert picture.queue == ()
    (caution,) = picture.cautions
    assert (caution.component, caution.status) == ("web-a", Status.MAJOR)
    assert caution.words == "Redundancy lost. Portal (Sign in): 1 of 2 work, 1 must."


def test_what_an_open_incident_covers_is_no_caution_and_what_was_waived_is() -> None:
    world = company()
    world.fail("smtp")
    assert drawn(world).cautions == ()
    world.act(act.resolve, incident=world.incident.id, by="anna", body="Known.", override="the probe is wrong")
    (caution,) = drawn(world).cautions
    assert caution.words.startswith("Resolved by hand while it was failing")


def test_components_show_their_monitors_with_the_newest_failure_and_the_incident_that_covers_them() -> None:
    world = company()
    world.fail("smtp")
    rows = {row.id: row for row in drawn(world).components}
    (monitor,) = rows["smtp"].monitors
    assert (monitor.status, monitor.failure, monitor.stage) == (Status.MAJOR, "refused", "connect")
    assert monitor.seen is not None
    assert rows["smtp"].incident == world.incident.id
    (quiet,) = rows["imap"].monitors
    assert (quiet.status, quiet.failure, rows["imap"].incident) == (Status.OPERATIONAL, None, None)


def test_monitors_without_a_result_are_impaired_and_say_so() -> None:
    world = World(topology([service("email", need("smtp"))]))
    (blind,) = drawn(world).impaired
    assert (blind.id, blind.status, blind.cause, blind.seen) == ("smtp", Status.UNKNOWN, "no result yet", None)


def test_the_desk_is_told_what_our_own_monitoring_cannot_see_and_could_not_today() -> None:
    world = company()
    world.wait(30 * 3600)
    record = Impairment(location="local", since=world.now, reason=Hindrance.BLIND, detail="2 of 2 controls fail")
    recent = replace(record, reason=Hindrance.ABSENT, until=world.now)
    old = replace(record, reason=Hindrance.DOWN, until=world.now - timedelta(hours=25))
    kept = {(one.location, one.reason): one for one in (old, recent, record)}
    world.situation = replace(world.situation, impairments=kept)
    assert drawn(world).impairments == (record, recent)


def test_what_works_today_and_maybe_not_tomorrow_stands_at_the_desk() -> None:
    world = company()
    ends = Warning(name="expires_soon", text="the certificate ends in 9 days")
    warned = replace(world.result("smtp", None), measured=ProbeResult(took=0.2, warnings=(ends,)))
    latest = {("smtp", "local"): warned, ("gone", "local"): warned}
    trends = {("imap", "local"): Trend(recent=0.84, usual=0.21), ("smtp", "local"): Trend(recent=0.2, usual=0.2)}
    found = list(board.warned(world.situation, latest, trends))
    assert [(one.monitor, one.name, one.text) for one in found] == [
        ("smtp", "expires_soon", "the certificate ends in 9 days"),
        ("imap", "slower", "takes 0.84 s lately, 0.21 s usually"),
    ]
    picture = board.build(world.situation, [], world.now, found)
    assert picture.warnings == tuple(found)
    assert (picture.queue, picture.cautions) == ((), ())


def test_an_outage_that_goes_on_shows_why_it_fails_and_not_what_failed_here_meanwhile() -> None:
    world = company()
    world.fail("smtp")
    for failure, shown in ((Failure.CRASHED, "refused"), (Failure.CRASHED, "crashed"), (None, "refused")):
        world.hear(world.result("smtp", failure))
        monitor = monitor_row(world.situation, world.situation.topology.monitors["smtp"])
        assert monitor.failure == shown


def test_our_own_rejected_password_impairs_the_monitor_and_opens_nothing() -> None:
    world = company()
    for _ in range(3):
        world.bad("smtp", failure=Failure.AUTH_REJECTED)
    picture = drawn(world)
    assert picture.queue == ()
    assert [(row.id, row.failure) for row in picture.rejected] == [("smtp", "auth_rejected")]
    assert picture.impaired == ()


def test_every_open_incident_is_on_the_queue_and_every_closed_one_below() -> None:
    world = company()
    world.fail("smtp")
    world.fail("web-a")
    world.fail("web-b")
    first = next(iter(world.situation.incidents.values()))
    words = tuple(world.updates(first.id))
    assert len(drawn(world).queue) == len(world.situation.incidents) == 2
    world.mend("smtp")
    world.act(act.resolve, incident=first.id, by="anna", body="Fixed.")
    resolved = Story(incident=next(one for one in [first] if one.id == first.id), updates=words)
    assert {row.id for row in drawn(world).queue} == set(world.situation.incidents)
    assert resolved.incident.id not in {row.id for row in drawn(world).queue}


def test_a_promise_in_danger_is_told_by_the_name_of_its_service() -> None:
    world = World(topology([service("email", need("smtp"))]))
    burning = [Spending(service=id, is_spent=False, words="Downtime comes too fast.") for id in ("email", "gone")]
    told = board.build(world.situation, (), world.now, spending=burning).spending
    assert [one.name for one in told] == [board.service_name(world.situation, "email", "en"), "gone"]
    assert told[0].name != "email"


def test_services_name_the_incidents_that_hit_them() -> None:
    world = company()
    world.fail("smtp")
    rows = {row.id: (row.status, row.incidents) for row in drawn(world).services}
    assert rows == {"email": (Status.PARTIAL, (world.incident.id,)), "portal": (Status.OPERATIONAL, ())}
