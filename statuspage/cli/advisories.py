"""The commands ``advisories``: what is warned of, and warning of it; alone, or beside a running hub that hears of it."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

import typer
from sqlalchemy import Connection

from incidents import advising
from incidents.act import Refused
from incidents.advising import Wish
from incidents.advisory import AdvisoryEvent
from incidents.events import Event
from incidents.words import said
from statuspage.cli.config import load, store_of
from statuspage.cli.instants import instant, spoken
from statuspage.cli.maintenance import Desk
from statuspage.cli.options import BAD, GOOD, fail, print_json, print_rows
from statuspage.clock import wall_clock
from statuspage.config import loading as configuration
from statuspage.picture.advisories import Bulletin
from statuspage.store import queries
from statuspage.store.acts import write_audit
from statuspage.store.advisory_rows import newest_bulletins
from statuspage.store.record import record

Act = Callable[..., tuple[Event, ...]]


def list_advisories(*, config: Path, data_dir: Path, wants_json: bool) -> int:
    """Print those that hold or come, and the last that were over."""
    settings, now = load(config).config, wall_clock()
    with store_of(config, data_dir) as database:
        found = database.read(newest_bulletins)
    if wants_json:
        print_json({"items": [_spelled(one, now) for one in found]})
    else:
        _print(found, settings.site.language, now)
    return GOOD


def _spelled(bulletin: Bulletin, now: datetime) -> Mapping[str, object]:
    one = bulletin.advisory
    return {
        "id": one.id,
        "name": dict(one.name),
        "services": one.services,
        "status": one.stage(now),
        "starts": _instant(one.starts),
        "ends": None if one.ends is None else _instant(one.ends),
    }


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _print(found: Sequence[Bulletin], language: str, now: datetime) -> None:
    rows = [
        (
            spoken(one.starts),
            spoken(one.ends) if one.ends else "open",
            str(one.stage(now)),
            one.id,
            said(one.name, language),
            ", ".join(one.services) or "(notice)",
        )
        for one in (bulletin.advisory for bulletin in found)
    ]
    print_rows(("STARTS (UTC)", "ENDS (UTC)", "STATUS", "ID", "NAME", "SERVICES"), rows, if_none="nothing is warned of")


def publish(desk: Desk, name: str, services: Sequence[str], *, starts: str | None, ends: str | None, body: str) -> int:
    """Publish one, without services a notice; prints its id, alone, so that a script can keep it."""
    begins = wall_clock() if starts is None else instant(starts, "--starts")
    stops = None if ends is None else instant(ends, "--ends")
    language = load(desk.config).config.site.language
    wish = Wish(name={language: name}, services=tuple(services), starts=begins, ends=stops, body={language: body})
    typer.echo(_done(desk, "publish advisory", partial(advising.publish, wish=wish)))
    return GOOD


def update(desk: Desk, id: str, *, body: str) -> int:
    """Add public words."""
    act = partial(advising.update, advisory=id, body=_words(desk, body))
    return _told("is told more of", _done(desk, "update advisory", act, id))


def withdraw(desk: Desk, id: str, *, body: str) -> int:
    """Say that it holds no longer."""
    act = partial(advising.withdraw, advisory=id, body=_words(desk, body))
    return _told("is withdrawn", _done(desk, "withdraw advisory", act, id))


def _words(desk: Desk, body: str) -> Mapping[str, str]:
    return {load(desk.config).config.site.language: body}


def _told(what: str, id: str) -> int:
    typer.echo(f"{id} {what}")
    return GOOD


def _done(desk: Desk, name: str, act: Act, subject: str = "") -> str:
    """Do the act and write the audit, in one transaction with what it was decided from; gives the advisory's id."""
    settings, at = load(desk.config).config, wall_clock()

    def write(connection: Connection) -> str:
        queries.installation(connection, url=settings.site.url, now=at)  # of which nothing is kept yet, it begins here
        events = act(queries.situation(connection, configuration.topology(settings)), at, by=desk.who)
        record(connection, events=events, results=(), at=at)
        id = next(event.advisory for event in events if isinstance(event, AdvisoryEvent))
        write_audit(connection, at=at, actor=desk.who, act=name, subject=id, detail={})
        return id

    with store_of(desk.config, desk.data_dir) as database:
        try:
            return database.write(write)
        except Refused as refusal:
            detail = {"refused": refusal.reason}
            database.write(lambda connection: write_audit(connection, at=at, actor=desk.who, act=name, subject=subject, detail=detail))
            fail(refusal.reason, BAD)
