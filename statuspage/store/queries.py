"""What is read: plain functions of a ``Connection``, and the few writes that are no decisions."""

import secrets
import string
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any
from urllib.parse import urlsplit

from pydantic import JsonValue
from sqlalchemy import ColumnElement, Connection, Select, and_, bindparam, func, insert, select, update

from incidents.events import Event
from incidents.impairment import Impairment
from incidents.levels.availability import Change, superseding
from incidents.model import Note, Pause, Situation, Standing, Status, Subject, Topology, Update
from incidents.replaying.narrowing import narrowed
from incidents.votes import Streak
from statuspage.picture.page import Story
from statuspage.store.acts import write_audit
from statuspage.store.advisory_rows import lasting_advisories
from statuspage.store.configurations import START, Origin
from statuspage.store.feed_rows import apart, hit_when_said
from statuspage.store.incident_rows import read_incidents
from statuspage.store.ledger_rows import proposals
from statuspage.store.maintenance_rows import known_series, pending_maintenances, spent_occurrences
from statuspage.store.people import OPERATOR
from statuspage.store.spelling import instant, understand, understand_runs
from statuspage.store.tables import (
    batches,
    configurations,
    controls,
    impairments,
    incidents,
    paused,
    places,
    results,
    standings,
    status_changes,
    streaks,
    waived,
)
from statuspage.store.tables import installation as installation_rows
from statuspage.store.tables import journal as journal_rows
from statuspage.store.tables import notes as note_rows
from statuspage.store.tables import public_ids as public_id_rows
from statuspage.store.tables import updates as update_rows
from statuspage.store.upsert import put_missing

_NOTHING = Topology(services={}, components={}, monitors={})


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What was fixed at first start and is kept for ever: see ``incidents.model.Situation`` and ``statuspage.picture.page.Snapshot``."""

    seed: str
    born: datetime
    authority: str
    minted: date
    page_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalRow:
    """One line of an incident's timeline; *at* is when it was written down, *batch* the decision that it belongs to."""

    sequence: int
    batch: int
    at: datetime
    event: Event


def installation(connection: Connection, *, url: str, now: datetime) -> Installation:
    """This installation, created at the first start with the host of *url* as its authority. Called inside a write."""
    first = {
        "seed": secrets.token_hex(32),
        "born": now.isoformat(),
        "authority": urlsplit(url).hostname or "localhost",
        "minted": now.date().isoformat(),
        "page_id": _random_id(),
    }
    put_missing(connection, installation_rows, [{"name": name, "value": value} for name, value in first.items()])
    kept = {row.name: row.value for row in connection.execute(select(installation_rows))}
    return Installation(
        seed=kept["seed"],
        born=datetime.fromisoformat(kept["born"]),
        authority=kept["authority"],
        minted=date.fromisoformat(kept["minted"]),
        page_id=kept["page_id"],
    )


def apply_configuration(
    connection: Connection, *, text: str, digest: str, at: datetime, compiled: JsonValue = None, origin: Origin = START
) -> int:
    """Keep *text* as what is applied from *at* on; return its version, the present one where nothing changed. Inside a write.

    *compiled* is what judging and the page need of it (``statuspage.store.past``): the text may not be readable for ever. The same text
    may mean something else to another release, so that what it means is part of what is compared.
    """
    newest = connection.execute(select(configurations).order_by(configurations.c.version.desc()).limit(1)).first()
    if newest is not None and newest.digest == digest and newest.compiled == compiled:
        return int(newest.version)
    version = 1 if newest is None else int(newest.version) + 1
    said = {"applied_by": origin.by or None, "occasion": origin.occasion}
    connection.execute(insert(configurations).values(version=version, applied_at=at, digest=digest, text=text, compiled=compiled, **said))
    if origin.by:
        detail = {"by": origin.by, "occasion": origin.occasion}
        write_audit(connection, at=at, actor=OPERATOR, act="apply configuration", subject=f"version {version}", detail=detail)
    return version


def public_ids(connection: Connection, names: Collection[str]) -> Mapping[str, str]:
    """The public id of each of *names*, given out where one is missing. Inside a write."""
    put_missing(connection, public_id_rows, [{"name": name, "public": _random_id()} for name in names])
    chosen = select(public_id_rows).where(public_id_rows.c.name.in_(names))
    return {row.name: row.public for row in connection.execute(chosen)}


def knock(connection: Connection) -> None:
    """Write something that changes nothing: where this succeeds, the store is there and its disk takes more. Inside a write."""
    connection.execute(update(installation_rows).values(value=installation_rows.c.value))


def _random_id() -> str:
    return "".join(secrets.choice(string.ascii_lowercase + string.digits) for _ in range(12))


# --- the situation --------------------------------------------------------------------------------------------------------------


def situation(connection: Connection, topology: Topology) -> Situation:
    """All that a decision needs to know. What the topology no longer names is left out; its rows stay.

    Errors: LookupError before ``installation`` was called for the first time.
    """
    return narrowed(everything(connection), topology)


def everything(connection: Connection) -> Situation:
    """All that is known, by no topology: also of what none names any more. Errors: as ``situation``."""
    return replace(
        nothing_known(connection),
        streaks=dict(_streaks(connection)),
        seen=dict(_newest_slots(connection)),
        standings=dict(_standings(connection)),
        incidents=read_incidents(connection, _open_ids(connection)),
        ended=read_incidents(connection, _ended_ids(connection)),
        paused=dict(_paused(connection)),
        waived=frozenset(connection.execute(select(waived.c.component)).scalars()),
        maintenances=dict(pending_maintenances(connection)),
        spent=dict(spent_occurrences(connection)),
        known_series=known_series(connection),
        proven=frozenset((row.location, row.control) for row in connection.execute(select(controls))),
        impairments={(one.location, one.reason): one for one in _newest_impairments(connection)},
        proposals=proposals(connection),
        advisories=dict(lasting_advisories(connection)),
    )


def nothing_known(connection: Connection) -> Situation:
    """The situation of this installation at its birth, by no topology. Errors: as ``situation``."""
    seed = connection.execute(select(installation_rows.c.value).where(installation_rows.c.name == "seed")).scalar()
    if seed is None:
        raise LookupError("this store has no installation yet")
    return Situation(topology=_NOTHING, seed=str(seed))


def _streaks(connection: Connection) -> Iterator[tuple[tuple[str, str], Streak]]:
    for row in connection.execute(select(streaks)):
        yield (
            (row.monitor, row.location),
            Streak(
                judged=row.judged,
                runs=understand_runs(row.runs),
                unknown=row.unknown,
                unknown_since=row.unknown_since,
                failure=row.failure,
                stage=row.stage,
                detail=row.detail,
                began=row.began,
            ),
        )


def _newest_slots(connection: Connection) -> Iterator[tuple[tuple[str, str], datetime]]:
    # One seek for each place: a GROUP BY would read every result there is.
    newest = select(func.max(results.c.slot)).where(results.c.place == places.c.num).scalar_subquery()
    for monitor, location, slot in connection.execute(select(places.c.monitor, places.c.location, newest)):
        if slot is not None:
            yield (monitor, location), instant(slot)


def _standings(connection: Connection) -> Iterator[tuple[tuple[Subject, str], Standing]]:
    for row in connection.execute(select(standings)):
        yield (
            (row.subject, row.id),
            Standing(
                status=row.status,
                since=row.since,
                cause=row.cause,
                covered=row.covered,
                measured_since=row.measured_since,
                old=row.old or Status.UNKNOWN,
            ),
        )


def _newest_impairments(connection: Connection) -> Iterator[Impairment]:
    newest = select(func.max(impairments.c.sequence)).group_by(impairments.c.location, impairments.c.reason)
    for row in connection.execute(select(impairments).where(impairments.c.sequence.in_(newest))):
        yield Impairment(location=row.location, reason=row.reason, since=row.since, until=row.until, detail=row.detail)


def last_sign_of_life(connection: Connection) -> datetime | None:
    """When something was last written down; None in a new store."""
    at = connection.execute(select(func.max(batches.c.at))).scalar()
    return None if at is None else instant(at)


def _paused(connection: Connection) -> Iterator[tuple[str, Pause]]:
    for row in connection.execute(select(paused)):
        yield row.monitor, Pause(by=row.by, at=row.at, reason=row.reason)


def _open_ids(connection: Connection) -> Collection[str]:
    return connection.execute(select(incidents.c.id).where(incidents.c.resolved_at.is_(None))).scalars().all()


def _ended_ids(connection: Connection) -> Collection[str]:
    return connection.execute(select(incidents.c.id).where(incidents.c.reopens_until.is_not(None))).scalars().all()


# --- what was said and done -----------------------------------------------------------------------------------------------------


def stories(connection: Connection, *, updates: int = 50) -> tuple[Story, ...]:
    """Every open incident, and the closed ones that the newest *updates* public updates belong to; newest first."""
    newest = select(update_rows.c.incident).order_by(update_rows.c.at.desc(), update_rows.c.number.desc()).limit(updates)
    return stories_of(connection, {*_open_ids(connection), *connection.execute(newest).scalars()})


def open_stories(connection: Connection) -> tuple[Story, ...]:
    """Every open incident with its public words, newest first."""
    return stories_of(connection, _open_ids(connection))


def story(connection: Connection, incident_id: str) -> Story | None:
    """One incident with its public words, open or long over; None where there is none of that id."""
    return next(iter(stories_of(connection, {incident_id})), None)


# Written down once, as in incident_rows.
_HIT = hit_when_said(update_rows.c.incident, update_rows.c.number)
_THEIR_WORDS = select(update_rows, _HIT).where(update_rows.c.incident.in_(bindparam("ids", expanding=True))).order_by(update_rows.c.number)


def stories_of(connection: Connection, incident_ids: Collection[str]) -> tuple[Story, ...]:
    """Those of *incident_ids* that exist, open or long over, with their public words; newest first."""
    found = read_incidents(connection, incident_ids)
    if not found:
        return ()
    words: dict[str, list[Update]] = {id: [] for id in found}
    hit: dict[str, dict[int, frozenset[str]]] = {id: {} for id in found}
    for row in connection.execute(_THEIR_WORDS, {"ids": list(found)}):
        if row.hit:
            hit[row.incident][row.number] = apart(row.hit)
        words[row.incident].append(Update(**{name: getattr(row, name) for name in Update.__dataclass_fields__}))
    newest_first = sorted(found.values(), key=lambda incident: (incident.opened_at, incident.id), reverse=True)
    return tuple(Story(incident=incident, updates=tuple(words[incident.id]), hit=hit[incident.id]) for incident in newest_first)


def journal(connection: Connection, incident_id: str) -> tuple[JournalRow, ...]:
    """Everything that was decided about an incident, in order."""
    return _journal(connection, journal_rows.c.incident == incident_id)


def journal_of_window(connection: Connection, maintenance_id: str) -> tuple[JournalRow, ...]:
    """Everything that was decided about planned work, in order."""
    return _journal(connection, journal_rows.c.maintenance == maintenance_id)


def journal_of_advisory(connection: Connection, advisory_id: str) -> tuple[JournalRow, ...]:
    """Everything that was decided about an advisory, in order."""
    return _journal(connection, journal_rows.c.advisory == advisory_id)


def _journal(connection: Connection, subject: ColumnElement[bool]) -> tuple[JournalRow, ...]:
    chosen = select(journal_rows).where(subject).order_by(journal_rows.c.sequence)
    return tuple(
        JournalRow(sequence=row.sequence, batch=row.batch, at=row.at, event=understand(row.kind, row.body))
        for row in connection.execute(chosen)
    )


def notes(connection: Connection, incident_id: str) -> tuple[Note, ...]:
    """The desk's own words in an incident, oldest first."""
    chosen = select(note_rows).where(note_rows.c.incident == incident_id).order_by(note_rows.c.number)
    return tuple(Note(number=row.number, body=row.body, at=row.at, by=row.by) for row in connection.execute(chosen))


def changes(connection: Connection, service_ids: Collection[str], since: datetime) -> Mapping[str, tuple[Change, ...]]:
    """The status changes of each service, ascending, from the one in force at *since* on (none where there was none yet).

    What was decided later holds from its own start on, also against what had been decided for that time before.
    """
    found: dict[str, list[Change]] = {id: [] for id in service_ids}
    for row in connection.execute(_THEIR_CHANGES, {"ids": list(service_ids), "since": since}):
        superseding(found[row.id], Change(since=row.since, new=row.new, covered=row.covered))
    return {id: tuple(changes) for id, changes in found.items()}


def _changes_in_force() -> Select[Any]:
    """From the newest change that began by *since*, for each service: found from the end, so that old history costs nothing."""
    mine = (status_changes.c.subject == standings.c.subject, status_changes.c.id == standings.c.id)
    newest = (
        select(status_changes.c.sequence)
        .where(*mine, status_changes.c.since <= bindparam("since"))
        .order_by(status_changes.c.sequence.desc())
        .limit(1)
        .correlate(standings)
        .scalar_subquery()
    )
    chosen = select(standings.c.id, func.coalesce(newest, 0).label("sequence"))
    wanted = standings.c.id.in_(bindparam("ids", expanding=True))
    floor = chosen.where(standings.c.subject == Subject.SERVICE, wanted).subquery()
    theirs = (status_changes.c.subject == Subject.SERVICE, status_changes.c.id == floor.c.id)
    found = select(status_changes.c.id, status_changes.c.since, status_changes.c.new, status_changes.c.covered)
    return found.join(floor, and_(*theirs, status_changes.c.sequence >= floor.c.sequence)).order_by(status_changes.c.sequence)


_THEIR_CHANGES = _changes_in_force()


def first_changes(connection: Connection, service_ids: Collection[str]) -> Mapping[str, datetime]:
    """Since when each service is watched: the start of its first status change; missing where there was none."""
    first = (
        select(status_changes.c.since)
        .where(status_changes.c.subject == standings.c.subject, status_changes.c.id == standings.c.id)
        .order_by(status_changes.c.sequence)
        .limit(1)
        .correlate(standings)
        .scalar_subquery()
    )
    chosen = select(standings.c.id, first.label("since")).where(standings.c.subject == Subject.SERVICE, standings.c.id.in_(service_ids))
    return {row.id: row.since for row in connection.execute(chosen)}
