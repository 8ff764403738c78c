"""The command ``page``: what the page says, or said at a past instant."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import timedelta
from pathlib import Path

import typer

from statuspage.as_it_was import page_at
from statuspage.cli.config import store_of
from statuspage.cli.instants import instant, spoken
from statuspage.cli.options import BAD, GOOD, fail, print_json
from statuspage.clock import wall_clock
from statuspage.picture.advisories import AdvisoryView
from statuspage.picture.page import IncidentView, Page, UpdateView
from statuspage.picture.planned import BACK_DAYS, MaintenanceView
from statuspage.render import words
from statuspage.render.said import body
from statuspage.render.tongue import ENGLISH
from statuspage.store.recall import site


def page(*, at: str | None, config: Path, data_dir: Path, wants_json: bool) -> int:
    """Print the page as it was *at* an instant, or as the store has it now."""
    now = wall_clock()
    when = now if at is None else instant(at, "--at")
    if when > now:
        fail(f"--at {at}: that is still to come")
    with store_of(config, data_dir) as database:
        found = database.read(lambda connection: page_at(connection, when))
        has_run = found is not None or database.read(lambda connection: site(connection, now)) is not None
    if not has_run:
        fail(f"there is no page yet: the service has not run on {data_dir}. Start it: statuspage serve", BAD)
    if found is None:
        fail(f"nothing is kept of {spoken(when)} UTC: the record begins later", BAD)
    if wants_json:
        print_json(_spelled(found))
    else:
        typer.echo(_text(found, spoken(when)))
    return GOOD


def _spelled(value: object) -> object:
    """*value* by its fields, down to what JSON knows."""
    if is_dataclass(value) and not isinstance(value, type):
        return {one.name: _spelled(getattr(value, one.name)) for one in fields(value)}
    if isinstance(value, Mapping):
        return {key: _spelled(one) for key, one in value.items()}
    return [_spelled(one) for one in value] if isinstance(value, tuple) else value


def _text(found: Page, when: str) -> str:
    lines = [f"{found.site.name}, {when} UTC: {_words(found.status)}"]
    lines += [f"problem detected at {spoken(began)} UTC; no words were public yet" for began in found.held_back]
    for group in found.groups:
        for service in group.services:
            parts = ", ".join(f"{one.label} {words.CAPABILITY[one.status]}" for one in service.capabilities)
            lines.append(f"  {service.name}: {_words(service.status)}{f' ({parts})' if parts else ''}")
    for incident in (*found.open, *found.recent):
        lines += ["", *_incident(incident)]
    for advisory in found.advisories:
        lines += ["", *_advisory(advisory)]
    since = found.as_of - timedelta(days=BACK_DAYS)
    ended = (one for one in found.past if (one.ended_at or one.ends) >= since)
    for window in (*(one for one in found.planned if one.is_told), *ended):
        lines += ["", *_window(window)]
    return "\n".join(lines)


def _advisory(advisory: AdvisoryView) -> list[str]:
    stage, hit = words.ADVISORY_STAGE[advisory.stage].lower(), ", ".join(one.name for one in advisory.services)
    until = f"to {spoken(advisory.ends)} UTC" if advisory.ends else "until it is withdrawn"
    span = f"  {spoken(advisory.starts)} UTC {until}{f': {hit}' if hit else ''}"
    return [f"{advisory.name} – {'notice' if advisory.is_notice else 'advisory'}, {stage}", span, f"  {advisory.body}"]


def _window(window: MaintenanceView) -> list[str]:
    state = words.MAINTENANCE_STATE[window.state].lower()
    hit = ", ".join(one.name for one in window.services)
    return [f"{window.name} – {state}", f"  {spoken(window.starts)} to {spoken(window.ends)} UTC{f': {hit}' if hit else ''}"]


def _incident(incident: IncidentView) -> list[str]:
    return [f"{incident.name} – {incident.state}", *(_update(update) for update in incident.updates)]


def _update(update: UpdateView) -> str:
    edited = " (edited)" if update.edited_at is not None and not update.redacted else ""
    return f"  {spoken(update.at)} UTC {update.state}{edited}: {body(update, ENGLISH)}"


def _words(status: str) -> str:
    return status.replace("_", " ")
