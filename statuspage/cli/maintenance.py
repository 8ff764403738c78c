"""The commands ``maintenance``: what work is planned, and planning it; alone, or beside a running hub that hears of it."""

import getpass
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Concatenate

import typer
from sqlalchemy import Connection

from incidents.act import Refused
from incidents.events import Event
from incidents.maintenance import Maintenance
from incidents.model import Situation
from incidents.planned import planning
from incidents.planned.planning import AgainstPolicy, Terms, Wish
from incidents.planned.windows import LONGEST_HORIZON, horizon
from incidents.voices import Speech
from incidents.words import said
from statuspage.cli.config import load, store_of
from statuspage.cli.instants import instant, spoken
from statuspage.cli.options import BAD, GOOD, fail, print_json, print_rows
from statuspage.clock import wall_clock
from statuspage.config import loading as configuration
from statuspage.config.loading import Config
from statuspage.config.series import conducts
from statuspage.readings import voices_of_site
from statuspage.store import queries
from statuspage.store.acts import write_audit
from statuspage.store.maintenance_rows import maintenances_between, read_maintenances
from statuspage.store.record import record

AHEAD = timedelta(days=30)
"""How far a list looks where nobody says."""

Act = Callable[Concatenate[Situation, datetime, ...], Sequence[Event]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """On what an act is done, *by* whom (None: whoever is logged in on this machine), and passing over which rules for what reason."""

    config: Path
    data_dir: Path
    by: str | None = None
    override: str | None = None

    @property
    def who(self) -> str:
        """Whom the audit names."""
        return self.by or getpass.getuser()


# --- looking --------------------------------------------------------------------------------------------------------------------


def list_windows(since: str | None, until: str | None, *, config: Path, data_dir: Path, wants_json: bool) -> int:
    """Print the windows that meet the span; what comes again goes by its key in the configuration."""
    settings, now = load(config).config, wall_clock()
    first = now if since is None else instant(since, "--since")
    last = first + AHEAD if until is None else instant(until, "--until")
    if not first < last <= first + LONGEST_HORIZON:
        fail("--since lies before --until, a year at most")

    def read(connection: Connection) -> Mapping[str, Maintenance]:
        ahead = {window.id: window for window in horizon(_known(connection, settings), first, last)}
        # What the store knows of an occurrence is truer than its series: it may have been moved out of the span, or be over.
        expanded = ahead.keys() - read_maintenances(connection, ahead.keys()).keys()
        kept = {window.id: window for window in maintenances_between(connection, first, last)}
        return kept | {id: ahead[id] for id in expanded}

    with store_of(config, data_dir) as database:
        database.write(lambda connection: queries.installation(connection, url=settings.site.url, now=now))
        found = database.read(read)
    ordered = sorted(found.values(), key=lambda window: (window.starts, window.id))
    if wants_json:
        print_json({"items": [_spelled(window, settings.site.language) for window in ordered]})
    else:
        _print(ordered, settings.site.language)
    return GOOD


def _spelled(window: Maintenance, language: str) -> Mapping[str, object]:
    return {
        "id": window.series or window.id,
        "name": said(window.name, language),
        "services": window.services,
        "components": window.components,
        "starts": _instant(window.starts),
        "ends": _instant(window.ends),
        "status": window.state,
    }


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _print(windows: Sequence[Maintenance], language: str) -> None:
    rows = [
        (spoken(one.starts), spoken(one.ends), _state(one), one.series or one.id, said(one.name, language), ", ".join(one.services))
        for one in windows
    ]
    print_rows(("STARTS (UTC)", "ENDS (UTC)", "STATE", "ID", "NAME", "SERVICES"), rows, if_none="no work is planned")


def _state(window: Maintenance) -> str:
    return str(window.state) if window.is_public or window.is_over else f"{window.state}, waits for approval"


# --- acting ---------------------------------------------------------------------------------------------------------------------


def wish(name: str, services: Sequence[str], components: Sequence[str], *, starts: str, ends: str, body: str) -> Wish:
    """What was typed, as what somebody wants to plan."""
    return Wish(
        name=name,
        services=tuple(services),
        components=tuple(components),
        starts=instant(starts, "--starts"),
        ends=instant(ends, "--ends"),
        body=body,
    )


def plan(desk: Desk, wanted: Wish) -> int:
    """Plan a window; prints its id, alone, so that a script can keep it."""
    typer.echo(_done(desk, "plan maintenance", lambda terms: partial(planning.plan, wish=wanted, terms=terms)))
    return GOOD


def reschedule(desk: Desk, id: str, *, starts: str | None, ends: str | None, body: str) -> int:
    """Give a window other times."""
    begins = None if starts is None else instant(starts, "--starts")
    stops = None if ends is None else instant(ends, "--ends")
    act = partial(planning.reschedule, maintenance=id, starts=begins, ends=stops, body=body)
    return _told("is planned anew", _done(desk, "reschedule maintenance", lambda terms: partial(act, terms=terms), id))


def extend(desk: Desk, id: str, *, ends: str, body: str) -> int:
    """Let a window end later."""
    act = partial(planning.extend, maintenance=id, ends=instant(ends, "--ends"), body=body)
    return _told("ends later", _done(desk, "extend maintenance", lambda terms: partial(act, terms=terms), id))


def finish(desk: Desk, id: str, *, body: str) -> int:
    """End the work now."""
    act = partial(planning.finish, maintenance=id, body=body)
    return _told("is finished", _done(desk, "finish maintenance", lambda terms: partial(act, speech=terms.speech), id))


def cancel(desk: Desk, id: str, *, body: str) -> int:
    """Let the work not take place."""
    act = partial(planning.cancel, maintenance=id, body=body)
    return _told("does not take place", _done(desk, "cancel maintenance", lambda terms: partial(act, speech=terms.speech), id))


def approve(desk: Desk, id: str) -> int:
    """Agree to a window that somebody else planned."""
    act = partial(planning.approve, maintenance=id)
    return _told("is approved", _done(desk, "approve maintenance", lambda terms: partial(act, terms=terms), id))


def _told(what: str, id: str) -> int:
    typer.echo(f"{id} {what}")
    return GOOD


def _done(desk: Desk, name: str, act: Callable[[Terms], Act], subject: str = "") -> str:
    """Do the act and write the audit, in one transaction with what it was decided from; gives the window's id.

    What follows from it for the services is judged by the hub, when it hears of it or starts.
    """
    settings, at = load(desk.config).config, wall_clock()
    terms = Terms(
        conducts=conducts(settings, at.year),
        override=desk.override,
        needs_approval=settings.duties.separated,
        speech=Speech(voices=voices_of_site(settings)),
    )
    detail = {"override": desk.override} if desk.override else {}

    def write(connection: Connection) -> str:
        queries.installation(connection, url=settings.site.url, now=at)  # of which nothing is kept yet, it begins here
        events = act(terms)(_known(connection, settings), at, by=desk.who)
        record(connection, events=events, results=(), at=at)
        id = str(next(event.maintenance for event in events if hasattr(event, "maintenance")))
        write_audit(connection, at=at, actor=desk.who, act=name, subject=id, detail=detail)
        return id

    with store_of(desk.config, desk.data_dir) as database:
        try:
            return database.write(write)
        except Refused as refusal:
            reasons = refusal.reasons if isinstance(refusal, AgainstPolicy) else (refusal.reason,)
            refused = {**detail, "refused": refusal.reason}
            database.write(lambda connection: write_audit(connection, at=at, actor=desk.who, act=name, subject=subject, detail=refused))
            fail("\n".join(reasons), BAD)


def _known(connection: Connection, config: Config) -> Situation:
    return queries.situation(connection, configuration.topology(config))
