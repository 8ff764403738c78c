"""Symptoms that are known, and the way round them: told to customers where they look, and to the desk when somebody calls."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from incidents.words import said


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownError:
    """A symptom as customers describe it, and its *workaround*; *say* is for the desk alone, word for word. Texts are by language."""

    id: str
    services: tuple[str, ...]
    symptom: Mapping[str, str]
    workaround: Mapping[str, str]
    say: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownErrorView:
    """A known error in one language; *say* is empty where the file gives none."""

    id: str
    services: tuple[str, ...]
    symptom: str
    workaround: str
    say: str


def spoken(known: Iterable[KnownError], language: str, services: Collection[str] | None = None) -> Sequence[KnownErrorView]:
    """Those that show in any of *services* (None: all there are), in the file's order."""
    return [
        KnownErrorView(
            id=one.id,
            services=one.services,
            symptom=said(one.symptom, language),
            workaround=said(one.workaround, language),
            say=said(one.say, language),
        )
        for one in known
        if services is None or not set(services).isdisjoint(one.services)
    ]
