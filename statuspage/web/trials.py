"""Trying a monitor out: what an admin types is probed at once, and the lines are shown that would have it watched."""

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

from aiohttp import web

from probes.catalog import KINDS, kinds
from probes.egress import Door
from probes.kind import ProbeKind
from probes.lookup import nameservers
from probes.result import ProbeResult
from statuspage.config.editing import END, added
from statuspage.store.acts import write_audit
from statuspage.trial import Dialogue, Question, Unclear, figure, is_typed, tried, typed, verdict
from statuspage.web.auth import CALLER
from statuspage.web.console import text, trouble_of
from statuspage.web.desk import DESK, Desk
from statuspage.web.problems import Rejected
from statuspage.web.screens import screen

AT_ONCE = 4
"""Trials under way at the same time; others wait."""

TRIALS: web.AppKey[asyncio.Semaphore] = web.AppKey("TRIALS", asyncio.Semaphore)

LONGEST_TARGET = 500
_SHOWN = 100
"""Lines of the dialogue that are shown."""

_DNS_PORT = 53
_NEVER = frozenset({KINDS["plugin"].name})
"""Kinds that no form tries: a program of this machine is named at its own shell only."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """One phase in the drawing of all: where it lies (of 100) and how long it took (seconds)."""

    name: str
    since: float
    length: float
    took: float


@dataclass(frozen=True, kw_only=True)
class Trial:
    """What was found of a target that somebody *typed*."""

    typed: str
    question: Question
    result: ProbeResult
    lines: Sequence[tuple[str, str]]

    @property
    def works(self) -> bool:
        """Whether it does what it should."""
        return self.result.failure is None

    @cached_property
    def verdict(self) -> str:
        """Whether it works, and if not why and where, in one line."""
        return verdict(self.question, self.result)

    @property
    def shown(self) -> Sequence[tuple[str, str]]:
        """The beginning of the dialogue."""
        return self.lines[:_SHOWN]

    @property
    def left(self) -> int:
        """How many lines of it are not shown."""
        return max(0, len(self.lines) - _SHOWN)

    @cached_property
    def facts(self) -> Sequence[tuple[str, str]]:
        """What was measured on the way, as people read it."""
        return [(name, figure(name, value)) for name, value in self.result.facts.items()]

    @cached_property
    def stretches(self) -> Sequence[Stretch]:
        """The phases, one behind the other."""
        whole = max(self.result.took, sum(phase.took for phase in self.result.phases)) or 1.0
        found, before = [], 0.0
        for phase in self.result.phases:
            length = max(100 * phase.took / whole, 0.5)
            found.append(Stretch(name=phase.name, since=min(100 * before / whole, 99.5), length=length, took=phase.took))
            before += phase.took
        return found

    def yaml(self, service: str) -> str:
        """What stands in the configuration once *service* is watched by this."""
        return added("", ("services", service, "monitors", END), self.question.written)

    def command(self, service: str) -> str:
        """The command that does the same at the machine's own shell."""
        kind, target = self.question.kind.name, self.typed
        return f"statuspage add {kind} {shlex.quote(target)} --service {service}"


async def show_form(request: web.Request) -> web.Response:
    """Draw the form, with what the address says of kind and target."""
    return _screen(request, request.query.get("kind", ""), request.query.get("target", ""))


async def try_by_form(request: web.Request) -> web.Response:
    """Probe what was typed, and draw what came back."""
    form = await request.post()
    kind, target = text(form.get("kind")), text(form.get("target")).strip()
    try:
        trial = await _tried(request, kind, target)
    except Rejected as rejected:
        return _screen(request, kind, target, rejected=rejected)
    return _screen(request, kind, target, trial=trial)


async def _tried(request: web.Request, kind: str, target: str) -> Trial:
    known, desk = offered(), request.app[DESK]
    if kind not in known:
        raise Rejected(422, "Choose a kind.")
    if not target or len(target) > LONGEST_TARGET:
        raise Rejected(422, f"Write a target, in at most {LONGEST_TARGET} characters.")
    try:
        question = typed(known[kind], target)
    except Unclear as trouble:
        raise Rejected(422, str(trouble)) from trouble
    await _note(desk, request[CALLER].name, question)
    heard = Dialogue()
    async with request.app[TRIALS]:
        result = await tried(question, door(desk), heard, desk.now())
    return Trial(question=question, result=result, lines=heard.lines, typed=target)


def offered() -> Mapping[str, ProbeKind[Any]]:
    """The kinds of which a target alone says enough."""
    return {name: kind for name, kind in kinds().items() if is_typed(kind) and name not in _NEVER}


def door(desk: Desk) -> Door:
    """The way out of what somebody types at the desk: to public places and ``egress.allow``, and to this machine's resolvers for names."""
    try:
        resolvers = [(server, _DNS_PORT) for server in nameservers()]
    except OSError:  # there is no list of them; whoever needs one says so
        resolvers = []
    return Door(allow=desk.allowed(), named=frozenset(resolvers))


async def _note(desk: Desk, by: str, question: Question) -> None:
    at = desk.now()
    await desk.store.write(partial(write_audit, at=at, actor=by, act="try a monitor", subject=question.words, detail={}))


def _screen(request: web.Request, kind: str, target: str, *, rejected: Rejected | None = None, trial: Trial | None = None) -> web.Response:
    status = rejected.status if rejected else 200
    situation = request.app[DESK].pipeline.situation
    values: Mapping[str, object] = {
        "kinds": offered(),
        "kind": kind or "http",
        "target": target,
        "trouble": trouble_of(rejected),
        "trial": trial,
        "service": next(iter(situation.topology.services), "website"),
    }
    return screen(request, "try.html", status=status, **values)
