"""Where the operator announces public words: chats, rooms and services that apprise reaches, each by a URL that is a secret."""

import re
from collections.abc import Iterator, Sequence
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


_PLAIN = re.compile(r"(?:json|xml|form)s?://(?:[^\s/@]+@)?[\w.-]+(?::\d{1,5})?(?:/[^\s?]*)?", re.ASCII)
"""URLs of servers of one's own, which every release of apprise takes: it is not asked of them, which takes a second."""


def judged_outlets(sources: Sources) -> tuple[Sequence[Problem], Sequence[Problem]]:
    """What is wrong with URLs of outlets, teams and people, and what is doubtful: where apprise does not run, all start all the same.

    Apprise is asked only where there are any. Several teams or people may share a place, several outlets not.
    """
    first: dict[Secret, str] = {}
    found = dict(_called(sources))
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


def _called(sources: Sources) -> Iterator[tuple[Trail, Secret]]:
    """Where teams and people are told, with what stands there, as far as it has to be asked about."""
    for pattern in ("teams.*.notify[]", "people.*.notify[]"):
        for trail, url in matches(sources.value, pattern):
            secret = url if isinstance(url, Secret) else Secret(url) if isinstance(url, str) else None
            if secret is not None and secret.reveal().partition("://")[2] and not _PLAIN.fullmatch(secret.reveal()):
                yield trail, secret
