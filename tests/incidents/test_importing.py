"""History of another page: kept once, as it was told there, and nothing that anybody must decide on."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from incidents.imported import Imported, MaintenanceImported, MaintenanceQuoted, Quoted
from incidents.importing import Kept, MaintenanceQuote, Page, PastIncident, PastWindow, Quote, id_of, take_over
from incidents.maintenance import MaintenanceState
from incidents.model import Origin, Situation, State, Status, Topology
from incidents.situation import advance, begun, fold

NOW = datetime(2026, 3, 2, 8, 54, tzinfo=UTC)
AGO = NOW - timedelta(days=200)
MINUTE = timedelta(minutes=1)
SITUATION = Situation(topology=Topology(services={}, components={}, monitors={}), seed="seed")
PAGE = Page(address="https://status.example.com", id="page")
INCIDENT = PastIncident(
    id="theirs",
    name="Mail is slow",
    started_at=AGO,
    published_at=AGO + MINUTE,
    resolved_at=AGO + 42 * MINUTE,
    services={"mail": Status.PARTIAL},
    impact=Status.DEGRADED,
    quotes=(
        Quote(id="u1", state=State.INVESTIGATING, title="Mail is slow – Investigating", body="We look.", at=AGO + MINUTE),
        Quote(id="u2", state=State.RESOLVED, title="Mail is slow – Resolved", body="It works.", at=AGO + 42 * MINUTE),
    ),
)
LATER = Quote(id="u3", state=State.POSTMORTEM, title="Mail is slow – Postmortem", body="A disk.", at=AGO + 99 * MINUTE)
WINDOW = PastWindow(
    id="theirs",
    name="Patches",
    planned_at=AGO - 99 * MINUTE,
    starts=AGO,
    ends=AGO + 60 * MINUTE,
    began_at=AGO + MINUTE,
    ended_at=AGO + 50 * MINUTE,
    services=("mail",),
    quotes=(MaintenanceQuote(id="u1", state=MaintenanceState.SCHEDULED, title="Patches", body="We patch.", at=AGO - 99 * MINUTE),),
)


def taken(past: PastIncident | PastWindow, kept: Kept | None = None) -> object:
    (event,) = take_over(SITUATION, NOW, page=PAGE, past=past, kept=kept, by="ada", language="en")
    return event


def test_an_incident_is_kept_as_over_and_as_public_as_it_was_there() -> None:
    event = taken(INCIDENT)
    assert isinstance(event, Imported)
    incident = begun(event)
    assert (incident.origin, incident.state, incident.is_open) == (Origin.IMPORTED, State.RESOLVED, False)
    assert (incident.started_at, incident.published_at, incident.resolved_at) == (AGO, AGO + MINUTE, AGO + 42 * MINUTE)
    assert (incident.worst, incident.services) == ({"mail": Status.PARTIAL}, {"mail": Status.OPERATIONAL})
    assert incident.downtime(NOW) == 42 * MINUTE
    assert (incident.imported_from, incident.updates) == ("https://status.example.com", 2)
    assert [(one.number, one.body) for one in event.updates] == [(1, "We look."), (2, "It works.")]
    assert event.ids == ("u1", "u2")


def test_what_is_kept_already_brings_nothing_and_what_was_said_since_goes_on_numbered() -> None:
    kept = Kept(words=2, ids=frozenset({"u1", "u2"}))
    assert take_over(SITUATION, NOW, page=PAGE, past=INCIDENT, kept=kept, by="ada", language="en") == ()
    longer = replace(INCIDENT, quotes=(*INCIDENT.quotes, LATER))
    event, first = taken(longer, kept), taken(INCIDENT)
    assert isinstance(event, Quoted)
    assert isinstance(first, Imported)
    assert (event.ids, [one.number for one in event.updates]) == (("u3",), [3])
    incident = advance(begun(first), event)
    assert (incident.state, incident.updates, incident.resolved_at) == (State.POSTMORTEM, 3, AGO + 42 * MINUTE)


def test_ids_stay_where_the_page_moves_and_differ_between_pages_and_kinds() -> None:
    moved, other = replace(PAGE, address="https://status.example.org"), replace(PAGE, id="other")
    assert id_of(SITUATION, PAGE, INCIDENT) == id_of(SITUATION, moved, INCIDENT)
    ids = {id_of(SITUATION, PAGE, INCIDENT), id_of(SITUATION, other, INCIDENT), id_of(SITUATION, PAGE, WINDOW)}
    assert len(ids) == 3
    assert all(len(id) == 12 for id in ids)


def test_planned_work_is_kept_as_it_ran_and_promised_nothing_here() -> None:
    event = taken(WINDOW)
    assert isinstance(event, MaintenanceImported)
    window = event.window
    assert (window.state, window.began_at, window.ended_at) == (MaintenanceState.COMPLETED, AGO + MINUTE, AGO + 50 * MINUTE)
    assert (window.promises, window.is_public, window.imported_from) == ((), True, "https://status.example.com")
    later = replace(WINDOW, quotes=(*WINDOW.quotes, replace(WINDOW.quotes[0], id="u2", state=MaintenanceState.COMPLETED)))
    more = taken(later, Kept(words=1, ids=frozenset({"u1"})))
    assert isinstance(more, MaintenanceQuoted)
    assert [one.number for one in more.updates] == [2]


def test_history_asks_for_no_decision() -> None:
    events = [taken(INCIDENT), taken(WINDOW), taken(replace(INCIDENT, quotes=(LATER,)), Kept()), taken(WINDOW, Kept())]
    assert fold(SITUATION, events) == SITUATION  # type: ignore[arg-type]  # they are events all
