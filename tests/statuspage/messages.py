"""The messages that the public face is made of, collected from templates and code; run as a program, it brings the catalogues up to date.

``python -m tests.statuspage.messages`` adds to each ``templates/languages/*.po`` what is new, with nothing said of it yet, and takes out
what nobody says any more.
"""

from collections.abc import Iterator, Mapping
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from statuspage.render.voicing import PUBLISHED

CHECKOUT = Path(__file__).resolve().parents[2]
TEMPLATES = ("public/*.html", "mail/*.html", "mail/*.txt", "report/*.html")
LANGUAGES = CHECKOUT / "templates" / "languages"

Spec = tuple[int | tuple[int, str], ...] | None
KEYWORDS: Mapping[str, Spec] = {
    "_": None,
    "gettext": None,
    "pgettext": ((1, "c"), 2),
    "ngettext": (1, 2),
    "counted": (1, 2),
    "marked": None,
    "marked_in": ((1, "c"), 2),
    "marked_pair": (1, 2),
}
SAID: Mapping[str, Spec] = {"says": None}
"""How judgement says what it publishes: all of it under one context."""

JINJA = {"trimmed": "true", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}


def collected() -> Catalog:
    """Every message of the public face, in the order of its files."""
    catalog = Catalog(fuzzy=False)
    for method, path, options in _sources():
        for line, message, comments, context in extract_from_file(
            method, path, keywords=KEYWORDS, comment_tags=("L10n:",), options=options
        ):
            place = (path.relative_to(CHECKOUT).as_posix(), line)
            catalog.add(message, None, [place], auto_comments=comments, context=context)
    for sentence, place in published():
        catalog.add(sentence, None, [place], context=PUBLISHED)
    return catalog


def published() -> Iterator[tuple[str, tuple[str, int]]]:
    """Every sentence that the machine publishes, and where it stands."""
    for path in sorted((CHECKOUT / "incidents").rglob("*.py")):
        for line, sentence, _, _ in extract_from_file("python", path, keywords=SAID):
            yield str(sentence), (path.relative_to(CHECKOUT).as_posix(), line)


def catalogue(path: Path) -> Catalog:
    """What a language says."""
    with path.open("rb") as file:
        return read_po(file, locale=path.stem)


def _sources() -> Iterator[tuple[str, Path, dict[str, str]]]:
    for path in sorted(
        path for glob in ("public/*.html", "mail/*.html", "mail/*.txt", "report/*.html") for path in (CHECKOUT / "templates").glob(glob)
    ):
        yield "jinja2.ext:babel_extract", path, JINJA
    for path in sorted((CHECKOUT / "statuspage").rglob("*.py")):
        yield "python", path, {}


def update(path: Path) -> None:
    """Bring a catalogue up to date."""
    head, known = path.read_text(encoding="utf-8").split("\n\n", 1)[0], catalogue(path)
    known.update(collected(), no_fuzzy_matching=True)
    body = BytesIO()
    write_po(body, known, width=0, no_location=True, omit_header=True, ignore_obsolete=True)
    path.write_text(f"{head}\n\n{body.getvalue().decode().strip()}\n", encoding="utf-8")


if __name__ == "__main__":
    for language in sorted(LANGUAGES.glob("*.po")):
        update(language)
