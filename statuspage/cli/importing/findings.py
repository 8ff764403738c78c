"""What an import says of itself: what it brought, what it could not bring and why, and which secrets are to be set."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field

import typer

from probes.text import plain


class CannotImport(Exception):
    """The source cannot be read at all; the message names the place, what is wrong there and what helps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Left:
    """Something that could not be brought over: *what* it is, *why* not, and what the operator can do about it (empty: nothing)."""

    what: str
    why: str
    mend: str = ""

    def __str__(self) -> str:
        """One line."""
        return plain(f"{self.what}: {self.why}" + (f" — {self.mend}" if self.mend else ""), 1000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Secret:
    """A secret that the source holds and that is written nowhere: the environment variable *name* takes it, for *what*."""

    name: str
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """The whole report. *brought* counts things by their name for people; *said* is what is true of every import of this kind."""

    source: str
    is_dry: bool = False
    brought: Mapping[str, int] = field(default_factory=dict)
    left: Sequence[Left] = ()
    secrets: Sequence[Secret] = ()
    said: Sequence[str] = ()

    def as_json(self) -> dict[str, object]:
        """All of it, for programs."""
        return {
            "source": self.source,
            "dry_run": self.is_dry,
            "imported": dict(self.brought),
            "left_out": [asdict(one) for one in self.left],
            "secrets": [asdict(one) for one in self.secrets],
            "notes": list(self.said),
        }

    def lines(self) -> Iterable[str]:
        """All of it, for people."""
        verb = "would be imported" if self.is_dry else "imported"
        counts = ", ".join(f"{count} {name}" for name, count in self.brought.items())
        yield f"{verb} from {plain(self.source, 300)}: {counts or 'nothing'}"
        if self.left:
            yield f"left out, or not as it was ({len(self.left)}):"
            yield from (f"  {one}" for one in self.left)
        if self.secrets:
            yield "secrets to be set in the environment of the service:"
            yield from (f"  {one.name}  {plain(one.what, 300)}" for one in self.secrets)
        yield from (f"note: {one}" for one in self.said)


def show(findings: Findings, *, is_beside: bool) -> None:
    """Print the report; on standard error where it stands *beside* something that is printed itself."""
    for text in findings.lines():
        typer.echo(text, err=is_beside)
