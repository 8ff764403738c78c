"""The command ``page``: what the page says, or said at a past instant."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path

import typer

from statuspage.as_it_was import page_at
from statuspage.cli.config import store_of
from statuspage.cli.instants import instant, spoken
from statuspage.cli.options import BAD, GOOD, fail, print_json
from statuspage.clock import wall_clock
from statuspage.page import WITHDRAWN, IncidentView, Page, UpdateView


def page(*, at: str | None, config: Path, data_dir: Path, wants_json: bool) -> int:
    """Print the page as it was *at* an instant, or as the store has it now."""
    now = wall_clock()
    when = now if at is None else instant(at, "--at")
    if when > now:
        fail(f"--at {at}: that is still to come")
    with store_of(config, data_dir) as database:
        found = database.read(lambda connection: page_at(connection, when))
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
        lines += [f"  {service.name}: {_words(service.status)}" for service in group.services]
    for incident in (*found.open, *found.recent):
        lines += ["", *_incident(incident)]
    return "\n".join(lines)


def _incident(incident: IncidentView) -> list[str]:
    return [f"{incident.name} – {incident.state}", *(_update(update) for update in incident.updates)]


def _update(update: UpdateView) -> str:
    edited = " (edited)" if update.edited_at is not None and not update.redacted else ""
    return f"  {spoken(update.at)} UTC {update.state}{edited}: {WITHDRAWN if update.redacted else update.body}"


def _words(status: str) -> str:
    return status.replace("_", " ")
