"""Which of their components is which of our services: as the operator says, else where an id or a name is the same."""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from incidents.importing import PastIncident, PastWindow
from incidents.model import Status
from incidents.rollup import worst
from statuspage.cli.importing.findings import CannotImport
from statuspage.cli.importing.told import Part, Told
from statuspage.config.loading import Config

_SLUG = re.compile(r"[^a-z0-9]+")
LONGEST_ID = 56


@dataclass(frozen=True, slots=True, kw_only=True)
class Matched:
    """Our service for each of their parts by its id; *unmatched* have none."""

    services: Mapping[str, str]
    unmatched: tuple[Part, ...]


def matched(told: Told, config: Config, said: Sequence[str]) -> Matched:
    """Find the service of each part, also of those that are gone there; *said* are the operator's pairs ``THEIR=OURS``.

    Errors: CannotImport names every pair that cannot be.
    """
    pairs = _pairs(told, config, said)
    known = dict(_ours(config))
    found = {id: pairs.get(id) or _same(id, name, known) for id, name in told.names.items()}
    return Matched(
        services={id: service for id, service in found.items() if service},
        unmatched=tuple(part for part in told.parts if not found[part.id]),
    )


def _pairs(told: Told, config: Config, said: Sequence[str]) -> Mapping[str, str]:
    found: dict[str, str] = {}
    wrong: list[str] = []
    for pair in said:
        theirs, separator, ours = (part.strip() for part in pair.rpartition("="))
        named = [part.id for part in told.parts if theirs in {part.id, part.name}]
        named = named or [id for id, name in told.names.items() if theirs in {id, name}]
        if not separator or not theirs:
            wrong.append(f"--map {pair}: write THEIR=OURS, their component and our service's id")
        elif not named:
            listed = ", ".join(list(told.names.values())[:30])
            wrong.append(f"--map {pair}: the page has no component {theirs!r}; it has {listed or 'none'}")
        elif len(named) > 1:
            wrong.append(f"--map {pair}: {len(named)} components are called so; name it by its id: {', '.join(named)}")
        elif ours not in config.services:
            wrong.append(f"--map {pair}: there is no service {ours!r} in the configuration; it has {', '.join(config.services) or 'none'}")
        else:
            found[named[0]] = ours
    if wrong:
        raise CannotImport("\n".join(wrong))
    return found


def _ours(config: Config) -> Iterable[tuple[str, str]]:
    """What each service may be called, and its id; what two are called counts for neither."""
    called: dict[str, set[str]] = {}
    for id, service in config.services.items():
        for name in {id, *(service.name or {}).values()}:
            called.setdefault(_folded(name), set()).add(id)
    return ((name, next(iter(ids))) for name, ids in called.items() if len(ids) == 1)


def _same(id: str, name: str, known: Mapping[str, str]) -> str | None:
    return known.get(_folded(name)) or known.get(_folded(id))


def _folded(name: str) -> str:
    return slug(name) or name.casefold()


def slug(name: str, otherwise: str = "") -> str:
    """An id made from *name*; *otherwise* where no letter of it can be one."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss")).encode("ascii", "ignore").decode().lower()
    return _SLUG.sub("-", plain).strip("-")[:LONGEST_ID].strip("-") or otherwise


def with_services(told: Told, found: Matched) -> tuple[tuple[PastIncident, ...], tuple[PastWindow, ...]]:
    """Their incidents and windows with our services; a part that has none keeps its name, as a service that is gone does."""

    def ours(id: str) -> str:
        return found.services.get(id) or told.names[id]

    def hit(services: Mapping[str, Status]) -> Mapping[str, Status]:
        by_ours: dict[str, Status] = {}
        for id, status in services.items():
            by_ours[ours(id)] = worst((by_ours.get(ours(id), status), status))
        return by_ours

    incidents = tuple(replace(one, services=hit(one.services)) for one in told.incidents)
    windows = tuple(replace(one, services=tuple(dict.fromkeys(map(ours, one.services)))) for one in told.windows)
    return incidents, windows
