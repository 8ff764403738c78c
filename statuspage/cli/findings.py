"""How one measurement is shown on a terminal, and to programs: dialogue, phases, facts, warnings, settings, verdict."""

import textwrap
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import timedelta

import typer
from pydantic import BaseModel

from probes.result import Phase, ProbeResult
from probes.settings import Login, Secret, spelled
from probes.text import plain
from statuspage.trial import Dialogue, Question, figure, verdict

_BAR = 32  # letters
_WIDTH = 100
_EIGHTHS = " ▏▎▍▌▋▊▉█"


def show(question: Question, result: ProbeResult, *, with_settings: bool = True) -> None:
    """Print what was found, after the dialogue, and *with_settings* under which it was."""
    _section("phases", _drawn(result.phases, result.took))
    _section("facts", _aligned([(name, figure(name, value)) for name, value in result.facts.items()]))
    _section("warnings", [f"{warning.name}: {warning.text}" for warning in result.warnings], colour="yellow")
    _section("settings", _settings_shown(question) if with_settings else ())
    typer.echo()
    typer.secho(verdict(question, result), fg="green" if result.failure is None else "red", bold=True)


def _section(title: str, lines: Sequence[str], colour: str | None = None) -> None:
    if lines:
        typer.secho(f"\n{title}", bold=True)
    for line in lines:
        typer.secho(f"  {line}", fg=colour)


# --- phases -------------------------------------------------------------------------------------------------------------------


def _drawn(phases: Sequence[Phase], took: float) -> list[str]:
    """Draw each phase as its stretch of the whole, one below the other, so that the eye sees where the time went."""
    width = max((len(phase.name) for phase in phases), default=0)
    whole = max(took, sum(phase.took for phase in phases)) or 1.0
    lines, before = [], 0.0
    for phase in phases:
        bar = _stretch(before / whole, (before + phase.took) / whole)
        lines.append(f"{phase.name.ljust(width)}  {bar}  {phase.took * 1000:9.1f} ms  {100 * phase.took / whole:3.0f} %")
        before += phase.took
    return lines


def _stretch(since: float, until: float) -> str:
    """Draw one stretch of a line to an eighth of a letter at its end; it is never invisible."""
    start = min(int(since * _BAR), _BAR - 1)
    eighths = max(1, round((until * _BAR - start) * 8))
    full, rest = divmod(min(eighths, (_BAR - start) * 8), 8)
    return (" " * start + "█" * full + (_EIGHTHS[rest] if rest else "")).ljust(_BAR)


# --- facts --------------------------------------------------------------------------------------------------------------------


def _aligned(rows: Sequence[tuple[str, str]]) -> list[str]:
    width = max((len(name) for name, _ in rows), default=0)
    return [f"{name.ljust(width)}  {value}" for name, value in rows]


# --- settings -----------------------------------------------------------------------------------------------------------------


def _settings_shown(question: Question) -> list[str]:
    rows = [("timeout", spelled(timedelta(seconds=question.timeout))), *_spelled(question.settings, "", is_said=True)]
    unset = [name for name, value in rows if value is None]
    lines = _aligned([(name, value) for name, value in rows if value is not None])
    return lines + textwrap.wrap(f"not set: {', '.join(unset)}" if unset else "", _WIDTH, subsequent_indent=" " * len("not set: "))


def _spelled(settings: BaseModel, prefix: str, *, is_said: bool) -> Iterator[tuple[str, str | None]]:
    """Give every key with its value as text, and whether it is the default; None where there is nothing."""
    for name, described in type(settings).model_fields.items():
        value, key = getattr(settings, name), prefix + (described.alias or name)
        was_said = is_said and name in settings.model_fields_set
        if isinstance(value, BaseModel) and not isinstance(value, Login):
            yield from _spelled(value, f"{key}.", is_said=was_said)
        elif value is None or value in ((), {}, ""):
            yield key, None
        else:
            yield key, plain(_text(key, value), 200) + ("" if was_said else "  (default)")


def _text(key: str, value: object) -> str:
    match value:
        case Login():
            return f"{value.user}, password ***"
        case Secret():
            return "***"
        case timedelta():
            return spelled(value)
        case bool():
            return str(value).lower()
        case Mapping():
            return ", ".join(f"{name}: {_text(key, entry)}" for name, entry in value.items())
        case tuple() | list() | frozenset():
            return f"[{', '.join(_text(key, entry) for entry in value)}]"
        case BaseModel():
            return ", ".join(f"{name}: {text}" for name, text in _spelled(value, "", is_said=True) if text is not None)
        case str() if "://" in value:
            return value.partition("?")[0] + ("?***" if "?" in value else "")  # a query may hold a token
        case _:
            return str(value)


# --- for programs -------------------------------------------------------------------------------------------------------------


def as_json(question: Question, result: ProbeResult, heard: Dialogue) -> dict[str, object]:
    """Give everything that is shown, as values."""
    return {
        "kind": question.kind.name,
        "target": question.kind.target(question.settings),
        "timeout": question.timeout,
        "works": result.failure is None,
        "took": result.took,
        "failure": result.failure,
        "stage": result.stage,
        "detail": result.detail,
        "warnings": [asdict(warning) for warning in result.warnings],
        "facts": dict(result.facts),
        "phases": [asdict(phase) for phase in result.phases],
        "settings": dict(_values(question.settings)),
        "dialogue": [{"direction": direction, "text": text} for direction, text in heard.lines],
    }


def _values(settings: BaseModel) -> Iterator[tuple[str, object]]:
    for name, described in type(settings).model_fields.items():
        yield described.alias or name, _value(getattr(settings, name))


def _value(value: object) -> object:
    match value:
        case None | bool() | int() | float():
            return value
        case BaseModel():
            return dict(_values(value))
        case Mapping():
            return {str(name): _value(entry) for name, entry in value.items()}
        case tuple() | list() | frozenset():
            return [_value(entry) for entry in value]
        case _:
            return _text("", value)
