"""The languages in which the machine speaks: values that are handed in, so that judging says our sentences and knows no catalogue."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import NamedTuple

ENGLISH = "en"
"""What our sentences are written in, and what releases that knew no other language said."""

_MONTHS = ("January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December")
_NOTHING: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """One language: *language* is that of the names and texts which it takes from the file, *tag* the one that its sentences are in.

    They differ where the site's own language is one that we have no words in: then they are English. *sentences* are ours by what they
    are in English, with ``%(name)s`` where a value stands; *months* are the names of the months.
    """

    language: str = ENGLISH
    tag: str = ENGLISH
    sentences: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    months: tuple[str, ...] = _MONTHS

    def says(self, sentence: str, **values: object) -> str:
        """Our *sentence*, with its *values*."""
        return self.sentences.get(sentence, sentence) % values

    def listed(self, names: list[str]) -> str:
        """Names in a row, as in ``Email, Portal and Files``."""
        if len(names) < 2:
            return "".join(names)
        return self.says("%(names)s and %(last)s", names=", ".join(names[:-1]), last=names[-1])


Say = Callable[[Voice], str]
"""A sentence of ours, or several, to be said in whatever language."""

Voices = tuple[Voice, ...]
"""All that the site speaks, its own first."""

AT_THE_DESK = Voice()
"""English, as it is spoken at the desk and in reasons that nobody outside reads."""

IN_ENGLISH: Voices = (AT_THE_DESK,)


class Texts(NamedTuple):
    """What is said: in the site's own language, and in others."""

    own: str
    others: Mapping[str, str]


def in_each(voices: Voices, say: Say) -> Texts:
    """What is said by each of *voices*; a language in which there is nothing to say is left out."""
    own, *others = voices
    told = {voice.language: text for voice in others if (text := say(voice))}
    return Texts(say(own), MappingProxyType(told))


@dataclass(frozen=True, slots=True, kw_only=True)
class Speech:
    """The languages of an act: the site's *voices*, and what a person said in others than its own: *names* and *bodies* by language."""

    voices: Voices = IN_ENGLISH
    names: Mapping[str, str] = field(default_factory=lambda: _NOTHING)
    bodies: Mapping[str, str] = field(default_factory=lambda: _NOTHING)

    @property
    def language(self) -> str:
        """The site's own."""
        return self.voices[0].language

    def with_ours(self, body: str, compose: Callable[[Voice, str], str]) -> Texts:
        """What *compose* makes of a sentence of ours and of a person's *body* in each language.

        A language in which they said nothing is left out, unless they said nothing at all.
        """

        def say(voice: Voice) -> str:
            theirs = body if voice.language == self.language else self.bodies.get(voice.language, "")
            return compose(voice, theirs.strip()) if theirs.strip() or not body.strip() else ""

        return in_each(self.voices, say)


PLAIN = Speech()
"""English, and nothing in any other language."""


def written_in(language: str | None, own: str, *, is_automatic: bool) -> str:
    """The language of public words. Where none was kept, the machine's are English and a person's in the site's *own*."""
    return language or (ENGLISH if is_automatic else own)


def as_read(own: str, others: Mapping[str, str], *, written: str, wanted: str) -> tuple[str, str]:
    """The text that a reader of *wanted* gets, and the language that it is in: *own*, as *written*, where there is none in theirs."""
    if own and written == wanted:
        return own, written
    known = {**others, written: own}
    for language in (wanted, wanted.partition("-")[0]):
        if known.get(language):
            return known[language], language
    return own, written
