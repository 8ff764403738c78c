"""What a configuration would change, and do, if it were taken into use: against the version that was taken last."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime

import typer
from sqlalchemy import Connection

from incidents.model import Subject
from incidents.tending import removals
from statuspage.config import identity
from statuspage.config import loading as configuration
from statuspage.config.difference import Difference, Kind, differences, tree_of
from statuspage.config.loading import Loaded
from statuspage.readings import FIXED_AT_START
from statuspage.store import queries, recall
from statuspage.store.configurations import Version, newest_version
from statuspage.store.renaming import measures_now
from statuspage.store.subscribers import wished_for

WAITS = "; waits for `statuspage reload --accept-removals`"


@dataclass(frozen=True, slots=True, kw_only=True)
class Consequence:
    """Something that would follow, in a sentence; one that *waits* keeps the whole from being used until removals are accepted."""

    text: str
    waits: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a configuration changes against *version*, and what would follow."""

    version: Version
    differences: Sequence[Difference]
    consequences: Sequence[Consequence]


def outlook(connection: Connection, loaded: Loaded) -> Outlook | None:
    """What *loaded* would change and do; None where nothing was in use yet. Errors: ConfigError where the version in use cannot be read."""
    newest = newest_version(connection)
    if newest is None:
        return None
    found = differences(tree_of(newest.text), tree_of(loaded.text))
    return Outlook(version=newest, differences=found, consequences=tuple(_consequences(connection, loaded, newest, found)))


def _consequences(connection: Connection, loaded: Loaded, newest: Version, found: Sequence[Difference]) -> Iterator[Consequence]:
    yield from (Consequence(text=f"it {loss}", waits=True) for loss in _losses(connection, loaded, newest))
    yield from map(_said, _left_alone(connection, found))
    yield from map(_said, _measured_anew(connection, loaded))
    for one in found:
        places = {one.section, *(f"{one.section}.{key.path}" for key in one.keys)}
        if fixed := places.intersection(FIXED_AT_START):
            yield _said(f"what changed in `{fixed.pop()}` takes effect at the next start, not by a reload")
        elif one.section == "services" and any(key.path.startswith("service_level") for key in one.keys):
            yield _said(f"service {one.id} is measured by its new service level from then on; what is past stays measured by the old one")
        elif one.section == "site" and (moved := [key for key in one.keys if key.path == "url"]):
            yield _said(f"the page moves to {moved[0].after}: keep the old address redirecting (docs/operations.md, “Another name”)")


def _losses(connection: Connection, loaded: Loaded, newest: Version) -> Sequence[str]:
    meant = recall.site(connection, newest.at)
    if meant is None:
        return ()  # an older release took it into use, and kept no meaning of it
    moved = {move[:2] for move in identity.moves(loaded.config)}
    return removals(queries.situation(connection, meant[0]), configuration.topology(loaded.config), moved)


def _left_alone(connection: Connection, found: Sequence[Difference]) -> Iterator[str]:
    gone = [one.id for one in found if one.section == "services" and one.kind is Kind.REMOVED]
    for service, number in wished_for(connection, gone).items() if gone else ():
        yield f"{number} {'subscriber' if number == 1 else 'subscribers'} asked for service {service} and would hear nothing of it any more"


def _measured_anew(connection: Connection, loaded: Loaded) -> Iterator[str]:
    was = {move.new: move.old for move in identity.moves(loaded.config) if move.subject is Subject.MONITOR}
    known = measures_now(connection)
    for monitor, digest in identity.measures(loaded.config).items():
        before = known.get(monitor, known.get(was.get(monitor, "")))
        if before is not None and before != digest:
            yield f"monitor {monitor} measures something else than before, and is unknown until its first results"


def _said(text: str) -> Consequence:
    return Consequence(text=text)


# --- for people and for programs ------------------------------------------------------------------------------------------------


def show(seen: Outlook) -> None:
    """Print what changes and what would follow."""
    since = f"version {seen.version.number}, in use since {spelled(seen.version.at)}"
    if not seen.differences:
        typer.echo(f"it says the same as {since}")
    else:
        typer.echo(f"against {since}:")
        show_differences(seen.differences)
    if seen.consequences:
        typer.echo("what it would do:")
    for one in seen.consequences:
        typer.secho(f"  {one.text}{WAITS if one.waits else ''}", fg="yellow" if one.waits else None)


def show_differences(found: Sequence[Difference]) -> None:
    """Print differences, a line each; an entry with many keys has a line for each of them."""
    for one in found:
        if len(one.keys) < 2:
            typer.echo(f"  {one}")
            continue
        typer.echo(f"  {one.headline}:")
        for key in one.keys:
            typer.echo(f"    {key}")


def as_json(seen: Outlook) -> Mapping[str, object]:
    """The same, as values."""
    return {
        "version": seen.version.number,
        "applied_at": seen.version.at,
        "differences": [as_values(one) for one in seen.differences],
        "consequences": [asdict(one) for one in seen.consequences],
        "waits": any(one.waits for one in seen.consequences),
    }


def as_values(one: Difference) -> Mapping[str, object]:
    """One difference, as values."""
    return {"text": str(one), **asdict(one)}


def spelled(at: datetime) -> str:
    """An instant, as people read it."""
    return f"{at:%Y-%m-%d %H:%M} UTC"
