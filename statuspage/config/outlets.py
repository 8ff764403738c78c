"""Where the operator announces public words: chats, rooms and services that apprise reaches, each by a URL that is a secret."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from incidents.model import Status
from probes.settings import Secret
from statuspage.announcing import NoApprise, objections
from statuspage.config.problems import Problem, Sources, Trail, matches
from statuspage.config.types import Id, Language, Section, Yes

MOST = 20
"""Outlets that one installation has: each may hold a process of its own for as long as its service does not answer."""


class Outlet(Section):
    """A chat, a room or a service in which public words are announced; see docs/announcing.md."""

    url: Secret = Field(description="Its apprise URL, which leads to one room or one recipient: {env: NAME} or {file: PATH}.")
    services: tuple[Id, ...] = Field((), description="Services of which it is told; all by default.")
    floor: Literal[Status.DEGRADED, Status.PARTIAL, Status.MAJOR] = Field(
        Status.DEGRADED, description="The mildest trouble that is told; advisories only where that is degraded_performance."
    )
    maintenance: Yes = Field(default=True, description="Whether planned work is told.")
    language: Language | None = Field(None, description="The language in which it is told; the site's by default.")


def judged_outlets(sources: Sources) -> tuple[Sequence[Problem], Sequence[Problem]]:
    """What is wrong with the outlets' URLs, and what is doubtful: where apprise does not run, nobody is kept from starting by that.

    Apprise is asked only where there are any.
    """
    first: dict[Secret, str] = {}
    found: dict[Trail, Secret] = {}
    problems: list[Problem] = []
    for trail, url in matches(sources.value, "announce.*.url"):
        if not isinstance(url, Secret) or not url.reveal():
            continue  # which is told already
        if (other := first.setdefault(url, str(trail[1]))) != trail[1]:
            sentence = f"is the URL of {other} already, where each word would be told twice; remove one of the two"
            problems.append(sources.problem(trail, sentence))
        else:
            found[trail] = url
    try:
        faults = objections(list(found.values())) if found else ()
    except NoApprise as error:
        return problems, [sources.problem(("announce",), f"apprise could not be asked about these URLs: {error}", at_key=True)]
    problems += (sources.problem(trail, fault, "***") for trail, fault in zip(found, faults, strict=True) if fault is not None)
    return problems, ()
