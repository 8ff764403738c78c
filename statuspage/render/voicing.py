"""The voices that judgement speaks with, read from the catalogues: what the machine publishes stands there under a context of its own."""

from collections.abc import Sequence
from functools import cache
from pathlib import Path
from types import MappingProxyType

from incidents.voices import ENGLISH, Voice, Voices
from statuspage.render.tongue import tongue_of

PUBLISHED = "published"
"""The context of what the machine says of incidents and planned work: its words are kept with what was said, and looked up only then."""


def voices_of(own: str, languages: Sequence[str], directory: Path) -> Voices:
    """Every language in which the site publishes, its *own* first: of *languages* those that there are words in."""
    others = (_voice(one, directory) for one in languages if one != own)
    return (_voice(own, directory), *(voice for voice in others if _is_spoken(voice)))


def _is_spoken(voice: Voice) -> bool:
    return voice.tag.partition("-")[0] == voice.language.partition("-")[0]


@cache
def _voice(code: str, directory: Path) -> Voice:
    tongue = tongue_of(code, directory)
    if tongue.spoken.partition("-")[0] == ENGLISH:
        return Voice(language=code, tag=tongue.tag)
    sentences = {message: texts[0] for (context, message), texts in tongue.messages.items() if context == PUBLISHED}
    months = tuple(tongue.locale.months["format"]["wide"][number] for number in range(1, 13))
    return Voice(language=code, tag=tongue.tag, sentences=MappingProxyType(sentences), months=months)
