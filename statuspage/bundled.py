"""Find the templates, the languages and the example configuration, in an installed wheel as in a checkout."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def templates() -> Path:
    """Return the directory of the Jinja templates, style sheets, scripts and mail texts."""
    return _place("templates")


def config() -> Path:
    """Return the directory of the examples, the schema, dashboards and alert rules."""
    return _place("config")


def languages() -> tuple[str, ...]:
    """Return the languages that the public face speaks: English, in which its words are written, and those that have a catalogue."""
    return "en", *sorted(path.stem for path in (templates() / "languages").glob("*.po"))


def _place(name: str) -> Path:
    shipped = _PACKAGE / "_data" / name
    return shipped if shipped.is_dir() else _PACKAGE.parent / name
