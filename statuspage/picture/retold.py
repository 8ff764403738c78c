"""Words of the machine said anew for readers who may know of some services only: which of them it is about, and how far it is. Pure.

The machine speaks of all that a problem hits in one breath, and quotes the names of other incidents: those sentences cannot be cut.
They are said anew by the voices of the site, its own first, in every language that the page can be read in.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cache, partial
from types import MappingProxyType
from typing import TypeVar

from incidents.model import Incident, State, Update
from incidents.voices import AT_THE_DESK, Texts, Voice, Voices, in_each, written_in
from incidents.words import QUOTING, headed, headline, problem_with, stage
from statuspage.picture.news import Said

_NONE: Mapping[str, str] = MappingProxyType({})
_QUOTES = "“”„«»"
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")

W = TypeVar("W", Update, Said)

Named = Sequence[Mapping[str, str]]
"""What services are called, each in the languages that the file gives."""


def is_quoting(text: str) -> bool:
    """Whether *text* holds a quotation: of the machine's words, the name of another incident."""
    return any(mark in text for mark in _QUOTES)


def spared(text: str, language: str, voices: Voices) -> str:
    """A person's words in *language* without the sentences that the machine put before them and that quote another incident.

    We know ours in English and in what *voices* say. In any other language every sentence goes that quotes something: rather a word less
    than a name too many.
    """
    if not is_quoting(text):
        return text
    known = next((voice for voice in (*voices, AT_THE_DESK) if language in {voice.language, voice.tag}), None)
    if known is None:
        return " ".join(one for one in _SENTENCE.split(text) if not is_quoting(one)).strip()
    return _quotations(tuple(known.says(one, name="\0") for one in QUOTING)).sub("", text).strip()


@cache
def _quotations(sentences: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(one).replace(re.escape("\0"), ".*?") for one in sentences), re.DOTALL)


def is_ours(title: str, hit: Named, voices: Voices) -> bool:
    """Whether *title* begins with the name that callers' drafts have: nobody but the machine gave it to one that *hit* such a service."""
    given = {problem_with([name], voice) for name in hit for voice in voices}
    return any(title == one or title.startswith(f"{one} –") for one in given)


def renamed(incident: Incident, names: Named, voices: Voices) -> Incident:
    """*incident*, whose name is ours, by one that tells of *names* and of nothing else it hits."""
    name = in_each(voices, partial(problem_with, names))
    return replace(incident, name=name.own, language=voices[0].tag, names=name.others)


def unquoting(said: Update, voices: Voices) -> Update:
    """The same words where they quote nothing; a person's without what the machine quotes before them."""
    if not said.automatic:
        return _spared(said, voices)
    return _staged(said, said.state, voices) if is_quoting(said.body) else said


def update(said: Update, incident: Incident, voices: Voices, *, is_renamed: bool) -> Update:
    """Words in *incident*, which is called anew already where it *is_renamed*; a person's words stay, under the new title."""
    if said.automatic or is_renamed:
        said = _titled(said, in_each(voices, partial(headline, incident, said.state)), voices)
    return _staged(said, said.state, voices) if said.automatic else _spared(said, voices)


def unquoting_entry(said: Said, voices: Voices) -> Said:
    """The same in a feed."""
    if said.state is None:
        return said
    if not said.is_automatic:
        return _spared(said, voices)
    return _staged(said, said.state, voices) if is_quoting(said.body) else said


def entry(said: Said, names: Named, hit: Named, voices: Voices) -> Said:
    """The same in a feed; *names* are those of the services that it was about, all of them *hit*, and that may be told of."""
    if said.state is None:
        return said
    state = said.state
    if said.is_named_by_us or is_ours(said.title, hit, voices):
        said = _titled(said, in_each(voices, partial(_heading, names, state)), voices)
    if not said.is_automatic:
        return _spared(said, voices)
    return _staged(said, state, voices) if said.body else replace(said, language=voices[0].tag, bodies=_NONE)


def _heading(names: Named, state: State, voice: Voice) -> str:
    return headed(problem_with(names, voice), state, voice)


def _staged(said: W, state: State, voices: Voices) -> W:
    """How far it is, in the place of what the machine said."""
    body, bodies, language = _kept(in_each(voices, partial(stage, state)), _written(said, voices), voices)
    return replace(said, body=body, bodies=bodies, language=language)


def _titled(said: W, title: Texts, voices: Voices) -> W:
    own, others, _ = _kept(title, _written(said, voices), voices)
    return replace(said, title=own, titles=others)


def _written(said: Update | Said, voices: Voices) -> str:
    is_automatic = said.automatic if isinstance(said, Update) else said.is_automatic
    return written_in(said.language, voices[0].language, is_automatic=is_automatic)


def _kept(texts: Texts, written: str, voices: Voices) -> tuple[str, Mapping[str, str], str]:
    """*texts* as they are kept beside others *written* so: the one in that language, all others, and the language that it is in."""
    own = voices[0]
    known = {**texts.others, own.tag: texts.own, own.language: texts.own}
    first = written if written in known else own.tag
    return known.pop(first), MappingProxyType(known), first


def _spared(said: W, voices: Voices) -> W:
    body = spared(said.body, _written(said, voices), voices)
    others = {language: kept for language, text in said.bodies.items() if (kept := spared(text, language, voices))}
    if body == said.body and others == dict(said.bodies):
        return said
    return replace(said, body=body or _left(said, voices), bodies=MappingProxyType(others))


def _left(said: Update | Said, voices: Voices) -> str:
    """What stands where nothing is left of a person's words."""
    if said.state is None or not said.body:
        return ""
    return _kept(in_each(voices, partial(stage, said.state)), _written(said, voices), voices)[0]
