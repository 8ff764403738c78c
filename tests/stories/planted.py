"""Words that nobody outside may read, and secrets that nobody at all may: made so that they are found however they are spelled."""

import base64
import gzip
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

STEM = "quixz"
"""What every private word begins with, and nothing else does."""

SECRET_STEM = "vkjwp"
"""What every planted secret begins with, and nothing else does."""

_SYLLABLES = ("ba", "de", "fi", "go", "lu", "ma", "ne", "po", "ri", "su", "ta", "vo")


def _numbered(number: int) -> str:
    """A number as letters, of one length for all below 1728."""
    return "".join(_SYLLABLES[number // 12**place % 12] for place in (2, 1, 0))


@dataclass
class Planted:
    """What was planted: words by what they are, and secrets. Called with what a word is, it makes another."""

    words: dict[str, list[str]] = field(default_factory=dict)
    secrets: list[str] = field(default_factory=list)

    @property
    def count(self) -> int:
        return sum(map(len, self.words.values()))

    def __call__(self, what: str) -> str:
        made = f"{STEM}{_numbered(self.count)}"
        self.words.setdefault(what, []).append(made)
        return made

    def name(self, what: str) -> str:
        """A word as people write names, with what HTML, JSON and XML spell in ways of their own."""
        return f'{self(what).capitalize()} <b>& "co" ü'

    def secret(self, more: str = "") -> str:
        made = f"{SECRET_STEM}{_numbered(len(self.secrets))}{more}"
        self.secrets.append(made)
        return made

    def what(self, found: str) -> str:
        """*found* with what it is, for whoever reads that it leaked."""
        return next((f"{kind} {word}" for kind, words in self.words.items() for word in words if word in found.lower()), found)


def spellings(text: str) -> Mapping[str, str]:
    """Each way in which *text* could be written, by what a reader would call it. Those but of base64 are in small letters."""
    code = text.encode()
    return {
        "as it is": text.lower(),
        "backwards": text[::-1].lower(),
        "hexadecimal": code.hex(),
        "percent": "".join(f"%{byte:02x}" for byte in code),
        "JSON": "".join(f"\\u{ord(letter):04x}" for letter in text),
        "entities": "".join(f"&#{ord(letter)};" for letter in text),
        "hexadecimal entities": "".join(f"&#x{ord(letter):x};" for letter in text),
        "UTF-16": "\0".join(text.lower()),
        **{f"base64 {shift} {case}": word for shift in range(3) for case, word in _base64(text, shift)},
    }


def _base64(text: str, shift: int) -> Iterator[tuple[str, str]]:
    """The middle of what base64 makes of *text* behind *shift* other bytes, which is the same whatever stands around it."""
    for case, each in (("small", text), ("large", text.capitalize())):
        coded = base64.urlsafe_b64encode(b"\0" * shift + each.encode()).decode().rstrip("=")
        yield case, coded[(shift * 8 + 5) // 6 : (shift + len(each.encode())) * 8 // 6]


@dataclass(frozen=True)
class Search:
    """Looks for texts in all their spellings. *stems* stand for all that begins with them, *wholes* for themselves."""

    sought: Mapping[str, str]

    @classmethod
    def of(cls, *texts: str) -> "Search":
        return cls({spelled: f"{text} ({how})" for text in texts for how, spelled in spellings(text).items()})

    def within(self, body: bytes | str) -> Iterator[tuple[str, str]]:
        """How each was spelled that is there, and what stands around it."""
        text = readable(body)
        small = text.lower()
        for spelled, how in self.sought.items():
            place = text.find(spelled) if "base64" in how else small.find(spelled)
            if place >= 0:
                yield how, text[max(place - 60, 0) : place + 60]


def readable(body: bytes | str) -> str:
    """*body* unpacked, and its folded lines in one."""
    if isinstance(body, bytes):
        if body[:2] == b"\x1f\x8b":
            body = gzip.decompress(body)
        body = body.decode("utf-8", errors="replace")
    return re.sub(r"\r?\n[ \t]", "", body) if "BEGIN:VCALENDAR" in body else body
