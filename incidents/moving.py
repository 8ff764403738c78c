"""What is known of a monitor, component or service goes with it when its id changes (``moved_from`` in the file)."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import NamedTuple, TypeVar, assert_never

from incidents.advisory import Advisory
from incidents.maintenance import Maintenance
from incidents.model import Incident, Situation, Subject
from probes.result import Result

V = TypeVar("V")


class Move(NamedTuple):
    """*subject* *old* is called *new* from now on."""

    subject: Subject
    old: str
    new: str


def moved(situation: Situation, move: Move) -> Situation:
    """The same knowledge under the new id. The topology stays as it is: whoever moves brings another."""
    standings = {(s, move.new if (s, id) == move[:2] else id): found for (s, id), found in situation.standings.items()}
    renamed = replace(situation, standings=MappingProxyType(standings))
    match move.subject:
        case Subject.MONITOR:
            return _monitor_moved(renamed, move)
        case Subject.COMPONENT | Subject.SERVICE:
            incidents = {id: incident_moved(one, move) for id, one in situation.incidents.items()}
            ended = {id: incident_moved(one, move) for id, one in situation.ended.items()}
            windows = {id: _window_moved(one, move) for id, one in situation.maintenances.items()}
            advisories = {id: _advisory_moved(one, move) for id, one in situation.advisories.items()}
            is_waived = move.subject is Subject.COMPONENT
            return replace(
                renamed,
                incidents=MappingProxyType(incidents),
                ended=MappingProxyType(ended),
                maintenances=MappingProxyType(windows),
                advisories=MappingProxyType(advisories),
                waived=frozenset(_renamed(tuple(situation.waived), move)) if is_waived else situation.waived,
            )
        case _:
            assert_never(move.subject)


def results_moved(results: Sequence[Result], moves: Sequence[Move]) -> list[Result]:
    """Results that were measured under an old id, under the new one."""
    names = {move.old: move.new for move in moves if move.subject is Subject.MONITOR}
    return [replace(result, monitor=names.get(result.monitor, result.monitor)) for result in results]


def _monitor_moved(situation: Situation, move: Move) -> Situation:
    def places(held: Mapping[tuple[str, str], V]) -> Mapping[tuple[str, str], V]:
        return MappingProxyType({(move.new if id == move.old else id, place): value for (id, place), value in held.items()})

    paused = {move.new if id == move.old else id: held for id, held in situation.paused.items()}
    return replace(situation, streaks=places(situation.streaks), seen=places(situation.seen), paused=MappingProxyType(paused))


def incident_moved(incident: Incident, move: Move) -> Incident:
    """The incident with a component or service of it called otherwise."""
    if move.subject is Subject.COMPONENT:
        return replace(
            incident,
            root=move.new if incident.root == move.old else incident.root,
            components=_renamed(incident.components, move),
            pinned=frozenset(_renamed(tuple(incident.pinned), move)),
        )
    return replace(
        incident,
        services=MappingProxyType({move.new if id == move.old else id: status for id, status in incident.services.items()}),
        worst=MappingProxyType({move.new if id == move.old else id: status for id, status in incident.worst.items()}),
        told=frozenset(_claim_moved(claim, move) for claim in incident.told),
    )


def _claim_moved(claim: str, move: Move) -> str:
    """A claim of ``incidents.claims`` about a service, or one of its needs, that is called otherwise."""
    subject, equals, status = claim.partition("=")
    service, slash, place = subject.partition("/")
    return f"{move.new}{slash}{place}{equals}{status}" if service == move.old else claim


def _window_moved(window: Maintenance, move: Move) -> Maintenance:
    if move.subject is Subject.SERVICE:
        return replace(window, services=_renamed(window.services, move))
    return replace(window, components=_renamed(window.components, move), spared=frozenset(_renamed(tuple(window.spared), move)))


def _advisory_moved(advisory: Advisory, move: Move) -> Advisory:
    return replace(advisory, services=_renamed(advisory.services, move)) if move.subject is Subject.SERVICE else advisory


def _renamed(ids: Sequence[str], move: Move) -> tuple[str, ...]:
    return tuple(move.new if id == move.old else id for id in ids)
