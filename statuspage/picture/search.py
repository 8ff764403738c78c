"""Words as they are searched for: folded, so that neither capitals nor accents matter, and found where a word begins with them. Pure.

The same words are made of what is kept and of what is asked, by this one place: no database's own idea of a word comes between.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from unicodedata import combining, normalize
from urllib.parse import quote

MOST_WORDS = 8
MOST_LETTERS = 100
"""Of what a reader types; the rest is left out."""

VERSION = "1"
"""Changes with the rules below: what was kept by others is made anew."""

SEARCH = "/history/search"

_LONGEST = 64
_MOST_BYTES = 500_000
_SHORT = 3
_AROUND = 110
_WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for: all of *words*, folded. Those that *is_begun* says are found at the beginning of longer ones, too."""

    words: tuple[str, ...]

    def is_met_by(self, texts: Iterable[str]) -> bool:
        """Whether *texts* together have every word."""
        there = {word for text in texts for _, _, word in _words(text)}
        return all(any(is_found(word, one) for one in there) for word in self.words)


def is_begun(word: str) -> bool:
    """Whether *word* may be the beginning of a longer one: a letter or two of Latin begin half the dictionary."""
    return len(word) >= _SHORT or not word.isascii()


def is_found(word: str, in_text: str) -> bool:
    """Whether *word* of a query is found in a word of a text; both folded."""
    return in_text.startswith(word) if is_begun(word) else in_text == word


def typed(text: str) -> tuple[str, ...]:
    """The words that a reader typed, each once, in their own spelling; no more than are looked for."""
    found: dict[str, str] = {}
    for word in _WORD.findall(normalize("NFC", text[:MOST_LETTERS])):
        found.setdefault(folded(word), word)
    return tuple(word for key, word in found.items() if key)[:MOST_WORDS]


def asked(text: str) -> Query:
    """What *text* asks for; a query of no words where it has none."""
    return Query(tuple(dict.fromkeys(folded(word) for word in typed(text))))


def address(text: str) -> str:
    """Where the answer to *text* is read."""
    words = " ".join(typed(text))
    return f"{SEARCH}/{quote(words, safe='')}" if words else SEARCH


def searched(path: str) -> str | None:
    """Read the address of an answer, or of the bare form (an empty text); None for any other."""
    if path == SEARCH:
        return ""
    room, _, words = path.partition(f"{SEARCH}/")
    return words if not room and words and "/" not in words else None


def folded(word: str) -> str:
    """Take away what does not matter: capitals, accents, the width of letters."""
    plain = normalize("NFKD", normalize("NFKD", word).casefold())
    return "".join(letter for letter in plain if not combining(letter) and letter.isalnum())[:_LONGEST]


def kept(texts: Iterable[str]) -> str:
    """What is kept of *texts* to be searched: each word once, between blanks; of endless texts the beginning of the alphabet."""
    words = sorted({word for text in texts for _, _, word in _words(text)})
    return " ".join(words).encode()[:_MOST_BYTES].decode(errors="ignore")


def _words(text: str) -> Iterator[tuple[int, int, str]]:
    """Every word of *text*, with where it stands in its composed form."""
    for found in _WORD.finditer(normalize("NFC", text)):
        if word := folded(found[0]):
            yield found.start(), found.end(), word


def excerpt(query: Query, text: str) -> tuple[tuple[str, bool], ...]:
    """The line of *text* around the first word that is found, in pieces: each with whether it was looked for. Empty where none is."""
    line = normalize("NFC", " ".join(text.split()))
    hits = [(start, end) for start, end, word in _words(line) if any(is_found(one, word) for one in query.words)]
    if not hits:
        return ()
    first, last = max(0, hits[0][0] - _AROUND), hits[0][1] + 2 * _AROUND
    pieces: list[tuple[str, bool]] = [("… ", False)] if first else []
    at = first
    for start, end in hits:
        if end <= last:
            pieces += [(line[at:start], False), (line[start:end], True)]
            at = end
    rest = line[at:last] + (" …" if last < len(line) else "")
    return tuple((piece, is_hit) for piece, is_hit in (*pieces, (rest, False)) if piece)
