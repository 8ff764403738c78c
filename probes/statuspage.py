"""Somebody else's status page as a witness: what a page says of itself by the Statuspage v2 API."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Self, assert_never
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, model_validator

from probes import http
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.kind import ProbeKind
from probes.result import Failure
from probes.settings import CLOSED, CaFile
from probes.text import plain
from probes.wire.jsontext import mapping, read, sequence

_PATH = "/api/v2/summary.json"
_MAINTENANCE = "maintenance"
_MEANINGS: Mapping[str, Failure | str | None] = {
    "operational": None,
    "degraded_performance": Failure.DEGRADED,
    "partial_outage": Failure.STATUS,
    "major_outage": Failure.STATUS,
    "under_maintenance": _MAINTENANCE,
    # a page's own indicator
    "none": None,
    "minor": Failure.DEGRADED,
    "major": Failure.STATUS,
    "critical": Failure.STATUS,
    "maintenance": _MAINTENANCE,
}
"""What their words mean to us."""
_WORDS = 80
"""Letters of each of their texts that a detail repeats."""


class Maintenance(StrEnum):
    """What it means to us that they are under maintenance."""

    PASSES = "passes"
    """They planned it, and most such work is not noticed: a warning for the desk, no more."""
    DEGRADES = "degrades"
    FAILS = "fails"


class Settings(BaseModel):
    """Whose page, and which of its components by name or id; without one, the page as a whole."""

    model_config = CLOSED

    url: http.Url
    part: Annotated[str, Field(min_length=1, max_length=200)] | None = None
    under_maintenance: Maintenance = Maintenance.PASSES
    verify: bool = True
    ca: CaFile | None = None

    @model_validator(mode="after")
    def _is_a_page(self) -> Self:
        if "?" in self.url or "#" in self.url:
            raise ValueError("write the URL of the page, or of its summary.json, without a query")
        return self

    @property
    def summary(self) -> str:
        """The URL at which the whole page is summed up."""
        return self.url if urlsplit(self.url).path.endswith(".json") else self.url.rstrip("/") + _PATH


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Ask the page, and judge what it says. That the page cannot be read says nothing about what it is a page of."""
    with attempt.asking():
        question = http.trusting(http.Settings(url=settings.summary, verify=settings.verify), settings.ca)
        response = await http.answer(question, door, attempt)
        if response.status != 200:
            raise ProbeFailed(Failure.STATUS, f"the page answers with status {response.status}", stage="status")
        if response.is_truncated:
            raise ProbeFailed(Failure.TOO_LARGE, f"a summary of more than {len(response.body)} bytes", stage="content")
        summary = mapping(read(response.body), "the summary")
        subject, word = _told(summary, settings.part)
        meaning = _meaning(word)
        incidents = _incidents(summary, subject if settings.part is not None else None)
    attempt.fact("open_incidents", len(incidents))
    _judge(settings, meaning, " · ".join([f"{_name(subject)}: {word}", *map(_headline, incidents)]), attempt)


def _told(summary: Mapping[str, object], wanted: str | None) -> tuple[Mapping[str, object], str]:
    """Return what is asked about, and the word that the page has for it."""
    components = [mapping(one, "a component") for one in sequence(summary.get("components"), "the list of components")]
    if wanted is None:
        status = mapping(summary.get("status"), "the page's status")
        word = str(status.get("indicator"))
        if word == "none" and any("unknown_since" in one for one in components):
            raise _silent("the page does not know about all of its components")
        return mapping(summary.get("page"), "the page"), word
    component = _named(components, wanted)
    if "unknown_since" in component:  # our own pages say so, beside the last status that was known
        raise _silent("the page itself does not know")
    return component, str(component.get("status"))


def _named(components: Sequence[Mapping[str, object]], wanted: str) -> Mapping[str, object]:
    for key in ("id", "name"):
        found = [one for one in components if one.get(key) == wanted]
        if len(found) == 1:
            return found[0]
        if found:
            raise _silent(f"{len(found)} components have the {key} {wanted!r}: name it by its id")
    raise _silent(f"the page has no component {wanted!r}")


def _silent(why: str) -> ProbeFailed:
    return ProbeFailed(Failure.CONTENT, why, stage="content")


def _meaning(word: str) -> Failure | str | None:
    if word not in _MEANINGS:
        raise _silent(f"the page says {plain(word, _WORDS)!r}, which is no status")
    return _MEANINGS[word]


def _incidents(summary: Mapping[str, object], component: Mapping[str, object] | None) -> Sequence[Mapping[str, object]]:
    """Return the open incidents, newest first as pages list them; of *component* only those that name it."""
    incidents = [mapping(one, "an incident") for one in sequence(summary.get("incidents", []), "the list of incidents")]
    if component is None:
        return incidents
    return [one for one in incidents if any(part.get("id") == component.get("id") for part in _parts(one))]


def _parts(incident: Mapping[str, object]) -> Sequence[Mapping[str, object]]:
    return [mapping(part, "a component of an incident") for part in sequence(incident.get("components", []), "an incident's components")]


def _name(subject: Mapping[str, object]) -> str:
    return plain(str(subject.get("name")), _WORDS)


def _headline(incident: Mapping[str, object]) -> str:
    """Repeat an incident's name and its newest words. They are a stranger's, and stay within the detail."""
    updates = incident.get("incident_updates")
    newest = updates[0] if isinstance(updates, list) and updates else None
    said = newest.get("body") if isinstance(newest, dict) else None
    return _name(incident) + (f" ({plain(said, _WORDS)})" if isinstance(said, str) else "")


def _judge(settings: Settings, meaning: Failure | str | None, said: str, attempt: Attempt) -> None:
    if meaning is None:
        return
    if isinstance(meaning, Failure):
        raise ProbeFailed(meaning, said, stage="status")
    match settings.under_maintenance:
        case Maintenance.PASSES:
            attempt.warn("under_maintenance", said)
        case Maintenance.DEGRADES:
            raise ProbeFailed(Failure.DEGRADED, said, stage="status")
        case Maintenance.FAILS:
            raise ProbeFailed(Failure.STATUS, said, stage="status")
        case _:
            assert_never(settings.under_maintenance)


def target(settings: Settings) -> str:
    """The page, and the component where there is one."""
    return settings.url if settings.part is None else f"{settings.url} ({settings.part})"


def ad_hoc(typed: str) -> Settings:
    """The URL of a page."""
    return Settings(url=typed)


KIND = ProbeKind(
    name="statuspage",
    summary="Somebody else's status page says that all is well",
    settings=Settings,
    measure=measure,
    target=target,
    ad_hoc=ad_hoc,
)
