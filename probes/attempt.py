"""One measurement while it runs: where a kind leaves what it learned, and how it says that the world failed."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import TracebackType
from typing import Protocol

from probes.deadlines import Deadlines
from probes.result import Failure, Phase, Warning
from probes.text import CUT, plain

_MASK = "***"
_TELLING = 4
"""Letters of a secret's beginning that are masked before a cut; fewer tell nothing, and begin many a word."""


class ProbeFailed(Exception):
    """The world did not do what was expected. *detail* is internal and may quote the peer: it is sanitised on the way out."""

    def __init__(self, failure: Failure, detail: str = "", *, stage: str | None = None) -> None:
        """Say why; *stage* only where it is not the phase that is running."""
        super().__init__(detail or failure.value)
        self.failure = failure
        self.detail = detail
        self.stage = stage


class Listener(Protocol):
    """Who is told what goes over the wire: ``statuspage probe`` prints it; a running monitor listens to nothing.

    Both hear one line at a time without its ending, control characters dropped and secrets masked; it is still the peer's text.
    """

    def sent(self, text: str) -> None: ...

    def received(self, text: str) -> None: ...


@dataclass(slots=True, kw_only=True)
class Attempt:
    """What one measurement is handed, and where it leaves what it learns.

    *elapsed* gives seconds since the start, monotonic; *allowed* is how many there are before ``probes.run`` ends it; *started* is
    when that was by the wall clock of whoever runs it (aware, UTC). Phases are kept in the order of their end, the one that failed
    included. *part* goes before the names of phases and facts, for a kind that holds several dialogues. *deadlines* are those of the event
    loop, for stretches that may last less long.
    """

    elapsed: Callable[[], float]
    allowed: float
    listener: Listener | None = None
    phases: list[Phase] = field(default_factory=list)
    facts: dict[str, float] = field(default_factory=dict)
    warnings: list[Warning] = field(default_factory=list)
    stage: str | None = None
    prefix: str = ""
    concealed: set[str] = field(default_factory=set)
    started: datetime | None = None
    is_asking: bool = False
    deadlines: Deadlines | None = None

    def now(self) -> datetime:
        """Return the present instant, aware and in UTC: for what is compared with dates and clocks of others, never for durations.

        It is the wall clock's as it was at the start, carried on by the monotonic one, so it does not jump within a measurement.
        """
        if self.started is None:
            raise RuntimeError("a kind asks what time it is, and whoever runs it did not say: hand *started* to probes.run")
        return self.started + timedelta(seconds=self.elapsed())

    def phase(self, name: str) -> "_Stretch":
        """Time a stretch under *name*; where it ends by an exception, *name* stays as the stage that failed."""
        return _Stretch(self, self.prefix + name)

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Mark the stretch in which somebody else is asked about the target: what goes wrong there says nothing about the target.

        Where it ends by an exception, ``probes.run`` reports SOURCE_FAILED with the reason in the detail.
        """
        self.is_asking = True
        yield
        self.is_asking = False

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        """Put ``name.`` before the phases and facts of one dialogue among several."""
        outer, self.prefix = self.prefix, f"{name}."
        try:
            yield
        finally:
            self.prefix = outer

    def fact(self, name: str, value: float) -> None:
        """Keep a number measured on the way, in base units; a later one of the same name replaces it."""
        self.facts[self.prefix + name] = value

    def warn(self, name: str, text: str) -> None:
        """Keep something that works today and may not tomorrow."""
        self.warnings.append(Warning(name=name, text=self.presentable(text)))

    def conceal(self, *secrets: str) -> None:
        """Mask *secrets* from now on wherever this attempt's texts go, also where the peer echoes them or a detail quotes them."""
        self.concealed.update(spelling for secret in secrets if secret for spelling in _spellings(secret))

    def presentable(self, text: str, most: int = 200) -> str:
        """Cut *text* down to something safe to keep: no secret, no control character, at most *most* characters.

        Nor the beginning of a secret, where whoever made *text* cut through it.
        """
        concealed = sorted(self.concealed, key=len, reverse=True)
        for secret in concealed:
            text = text.replace(secret, _MASK)
        text = plain(text, most)
        if concealed and CUT in text:
            *cut, rest = text.split(CUT)
            text = CUT.join([*(_without_beginning(part, concealed) for part in cut), rest])
        return text

    def sent(self, text: str) -> None:
        """Tell the listener what we said."""
        if self.listener is not None:
            self.listener.sent(self.presentable(text, 1000))

    def received(self, line: bytes) -> None:
        """Tell the listener what came back."""
        if self.listener is not None:
            self.listener.received(self.presentable(line.decode("utf-8", "replace"), 1000))


def _spellings(secret: str) -> set[str]:
    """Give *secret* as it may stand in a text: by itself, as a quoted string of IMAP, and each of them also within Python's quotes."""
    bare = {secret, secret.replace("\\", "\\\\").replace('"', '\\"')}
    quoted = {each.replace("\\", "\\\\") for each in bare}
    return bare | quoted | {each.replace("'", "\\'") for each in quoted}


def _without_beginning(text: str, secrets: Sequence[str]) -> str:
    """Mask what *text* ends with where a secret begins with it."""
    for secret in secrets:
        for at in range(max(0, len(text) - len(secret)), len(text) - _TELLING + 1):
            if secret.startswith(text[at:]):
                return text[:at] + _MASK
    return text


class _Stretch:
    """A phase while it runs. A class of its own and no generator: each probe has several, and they are most of what it costs us."""

    __slots__ = ("_attempt", "_began", "_name", "_outer")

    def __init__(self, attempt: Attempt, name: str) -> None:
        self._attempt, self._name = attempt, name

    def __enter__(self) -> None:
        attempt = self._attempt
        self._outer, attempt.stage = attempt.stage, self._name
        self._began = attempt.elapsed()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        attempt = self._attempt
        attempt.phases.append(Phase(name=self._name, took=attempt.elapsed() - self._began))
        if kind is None:
            attempt.stage = self._outer
