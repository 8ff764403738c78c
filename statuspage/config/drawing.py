"""Drawings that somebody made elsewhere, read and written anew: nothing is kept but shapes, words and colours that are known to be such.

What a reader's browser gets holds no byte of the file that was not understood here, so that neither odd encodings nor two readings of the
same text let anything through. What belongs to a drawing program alone is left out. What would act, move or lead elsewhere is refused,
since the drawing without it would be another.
"""

import re
from base64 import b64decode
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NoReturn
from xml.etree import ElementTree as ET
from xml.parsers import expat

from statuspage.config.drawing_words import ELEMENTS, FUNCTIONS, GEOMETRY, LEFT_OUT, PROPERTIES, UNSEEN, WORDED

SVG = "http://www.w3.org/2000/svg"
_XHTML = "http://www.w3.org/1999/xhtml"
_XLINK = "http://www.w3.org/1999/xlink"
_SPACE = "http://www.w3.org/XML/1998/namespace space"

MOST_DEEP = 100
"""Elements in one another, also by reference."""

MOST_DRAWN = 50_000
"""Elements that are drawn, each as often as it is referred to."""

_MEND = "remove it, or save the file as plain SVG"
_SHOWN = 60

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
_RULE = re.compile(r"([^{}]*)\{([^{}]*)\}")
_SELECTOR = re.compile(r"[\w.#*,>+~\s-]+")
_LOCAL = re.compile(r"""url\(\s*(?P<mark>['"]?)#(?P<id>[\w.:-]+)(?P=mark)\s*\)""", re.IGNORECASE)
_FUNCTION = re.compile(rf"\b(?:{'|'.join(sorted(FUNCTIONS))})\([\w#%.,+/\s-]*\)", re.IGNORECASE)
_QUOTED = re.compile(r"""'[\w .,-]*'|"[\w .,-]*\"""")
_PLAIN = re.compile(r"[\w#%.,+/!\s-]*")
_REFERENCE = re.compile(r"#[\w.:-]+")
_PICTURE = re.compile(r"data:image/(?:png|jpe?g);base64,([A-Za-z0-9+/=\s]+)")
_PICTURES = (b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff")


class NoDrawing(Exception):
    """What was read is no drawing, or does more than to be seen; the message says where, why and how to mend it."""


def drawn(body: bytes) -> bytes:
    """The SVG *body*, written anew without all that is not seen. Errors: NoDrawing."""
    reading = _Reading()
    try:
        reading.parser.Parse(body, True)  # noqa: FBT003 - expat takes it by place alone
    except (expat.ExpatError, ValueError, LookupError) as error:
        raise NoDrawing(f"is neither a PNG nor an SVG that can be read ({_cut(str(error))}); save it as one of them") from error
    root = reading.tree.close()
    _demand_finite(root)
    written: bytes = ET.tostring(root, encoding="utf-8")
    return written


@dataclass(slots=True)
class _Reading:
    """One pass through a file: *open* are the elements around, *unseen* counts those which are left out with all that is in them."""

    parser: expat.XMLParserType = field(default_factory=lambda: expat.ParserCreate(namespace_separator=" "))
    tree: ET.TreeBuilder = field(default_factory=ET.TreeBuilder)
    open: list[str] = field(default_factory=list)
    unseen: int = 0
    sheet: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        parser = self.parser
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = self._start, self._end
        parser.CharacterDataHandler = self._text
        parser.StartDoctypeDeclHandler, parser.EntityDeclHandler, parser.SkippedEntityHandler = self._doctype, self._entity, self._entity
        parser.ProcessingInstructionHandler = self._instruction

    def _refuse(self, what: str, mend: str = _MEND) -> NoReturn:
        raise NoDrawing(f"line {self.parser.CurrentLineNumber}: {what}; {mend}")

    def _doctype(self, _name: str, _system: str | None, _public: str | None, has_declarations: int) -> None:
        if has_declarations:
            self._entity()

    def _entity(self, *_: object) -> NoReturn:
        self._refuse("declares or uses entities of its own", "save the file as plain SVG, without them")

    def _instruction(self, target: str, _: str) -> None:
        if target == "xml-stylesheet":
            self._refuse("takes its styles from elsewhere", "put them into the file and save it as plain SVG")

    def _start(self, name: str, attributes: Mapping[str, str]) -> None:
        space, _, plain = name.rpartition(" ")
        if not self.open and not self.unseen and name != f"{SVG} svg":
            raise NoDrawing("is neither a PNG nor an SVG; save it as one of them")
        if self.unseen or space not in {SVG, _XHTML, ""} or (space == SVG and plain in UNSEEN):
            self.unseen += 1
            return
        if space != SVG or plain not in ELEMENTS:
            self._refuse(f"<{_cut(plain)}> is more than a part of a drawing")
        kept = dict(self._kept(plain, attributes))
        if not self.open:
            kept = {"xmlns": SVG, **kept}
        self.open.append(plain)
        if len(self.open) > MOST_DEEP:
            self._refuse(f"more than {MOST_DEEP} elements are in one another", "simplify the drawing")
        self.tree.start(plain, kept)

    def _end(self, _: str) -> None:
        if self.unseen:
            self.unseen -= 1
            return
        plain = self.open.pop()
        if plain == "style":
            self.tree.data(self._styled("".join(self.sheet)))
            self.sheet.clear()
        self.tree.end(plain)

    def _text(self, text: str) -> None:
        if self.unseen or not self.open:
            return
        if self.open[-1] == "style":
            self.sheet.append(text)
        elif self.open[-1] in WORDED:
            self.tree.data(text)

    def _kept(self, element: str, attributes: Mapping[str, str]) -> Iterator[tuple[str, str]]:
        """What of the *attributes* of *element* is seen. A reference is written without a namespace, as SVG 2 has it."""
        for name, value in attributes.items():
            space, _, plain = name.rpartition(" ")
            place = f"<{element} {_cut(plain)}>"
            if plain == "href" and space in {"", _XLINK}:
                if space and "href" in attributes:
                    continue
                yield plain, self._reference(element, value, place)
            elif name == _SPACE and value == "preserve":
                yield "xml:space", value
            elif space or plain in LEFT_OUT or plain.startswith(("data-", "aria-")):
                continue
            elif plain == "style":
                yield plain, self._declared(value, place)
            elif plain in PROPERTIES:
                yield plain, self._valued(value, place)
            elif plain in GEOMETRY:
                yield plain, value
            else:
                self._refuse(f"{place} acts by itself" if plain.lower().startswith("on") else f"{place} is unknown in a drawing")

    def _reference(self, element: str, value: str, place: str) -> str:
        value = value.strip()
        if _REFERENCE.fullmatch(value):
            return value
        found = _PICTURE.fullmatch(value) if element == "image" else None
        try:
            picture = b64decode(found[1]) if found else b""
        except ValueError:
            picture = b""
        if not picture.startswith(_PICTURES):
            self._refuse(f"{place} leads elsewhere: {_cut(value)}", "put everything inside (pictures as PNG or JPEG) and save as plain SVG")
        return "".join(value.split())

    def _styled(self, sheet: str) -> str:
        """A style sheet of nothing but rules for what is in the drawing."""
        text = _COMMENT.sub(" ", sheet).strip()
        rules, rest = _RULE.findall(text), _RULE.sub("", text).strip()
        if rest or "\\" in text or "@" in text:
            self._refuse(f"<style> holds more than plain rules: {_cut(rest or text)}")
        for selector, _ in rules:
            if not _SELECTOR.fullmatch(selector):
                self._refuse(f"<style> has a rule for more than elements, classes and ids: {_cut(selector)}")
        return "".join(f"{' '.join(selector.split())}{{{self._declared(declared, '<style>')}}}" for selector, declared in rules)

    def _declared(self, text: str, place: str) -> str:
        kept = list[str]()
        for declaration in _COMMENT.sub(" ", text).split(";"):
            name, colon, value = (part.strip() for part in declaration.partition(":"))
            if (not name and not colon) or name.startswith("-"):  # the second are a program's own
                continue
            if name.lower() not in PROPERTIES:
                self._refuse(f"{place} sets what a drawing does not have: {_cut(name)}")
            kept.append(f"{name}:{self._valued(value, place)}")
        return ";".join(kept)

    def _valued(self, value: str, place: str) -> str:
        rest = value
        for known in (_LOCAL, _FUNCTION, _QUOTED):
            rest = known.sub(" ", rest)
        if not _PLAIN.fullmatch(rest):
            self._refuse(f"{place} leads elsewhere or is more than a value: {_cut(value)}", "put everything inside and save as plain SVG")
        return value


def _demand_finite(root: ET.Element) -> None:
    """Refuse what is small on paper and endless to draw, since its parts refer to one another."""
    named = dict[str, ET.Element]()
    for element in root.iter():
        named.setdefault(element.get("id", ""), element)
    weights = dict[ET.Element, int]()

    def weight(element: ET.Element, depth: int) -> int:
        if depth > MOST_DEEP:
            raise NoDrawing(f"more than {MOST_DEEP} elements are in one another by reference; simplify the drawing")
        if element not in weights:
            others = (named[id] for id in _referred(element) if id in named)
            weights[element] = 1 + sum(weight(one, depth + 1) for one in (*element, *others))
        if weights[element] > MOST_DRAWN:
            raise NoDrawing(f"more than {MOST_DRAWN} elements would be drawn; simplify the drawing")
        return weights[element]

    weight(root, 1)


def _referred(element: ET.Element) -> Iterator[str]:
    for name, value in element.attrib.items():
        if name == "href" and value.startswith("#"):
            yield value[1:]
        yield from (found["id"] for found in _LOCAL.finditer(value))


def _cut(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _SHOWN else f"{plain[:_SHOWN]}…"
