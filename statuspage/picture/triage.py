"""What is known when a caller says that something is broken: which service they may mean, what is said of it, and which symptoms it has.

Words are folded as in the search, and a word of the caller counts where one of ours begins with it or holds it: "mail" means Email too.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache

from incidents.model import Service, Situation
from statuspage.picture.known_errors import KnownErrorView
from statuspage.picture.search import asked, folded, is_found

SHORTEST_PART = 4
"""Letters that a word has at least to be found within another one, or in a sentence: shorter ones are in every sentence."""

SENTENCE, LABEL, NAME = 1, 3, 4
"""How much it tells where a word is found."""

MOST_SERVICES, MOST_ERRORS = 5, 5
"""How many are told of, the likeliest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meant:
    """What the caller may mean: *services* by id, likeliest first, and *errors* whose symptom or workaround has their words."""

    services: tuple[str, ...]
    errors: tuple[KnownErrorView, ...]


def meant(question: str, situation: Situation, errors: Sequence[KnownErrorView]) -> Meant:
    """Find what *question* is about. *errors* are all that are known; a service that only an error leads to comes last."""
    words = asked(question).words
    if not words:
        return Meant(services=(), errors=())
    scored = {id: _score(words, _texts(service)) for id, service in situation.topology.services.items()}
    found = [(score, one) for one in errors if (score := _score(words, ((SENTENCE, one.symptom), (SENTENCE, one.workaround))))]
    told = [one for _, one in sorted(found, key=lambda pair: -pair[0])[:MOST_ERRORS]]
    named = sorted((id for id, score in scored.items() if score), key=lambda id: -scored[id])
    led = [id for one in told for id in one.services if id in scored]
    return Meant(services=tuple(dict.fromkeys([*named, *led]))[:MOST_SERVICES], errors=tuple(told))


def errors_about(question: str, errors: Sequence[KnownErrorView]) -> Sequence[KnownErrorView]:
    """Those in whose symptom, workaround or words for callers every word of *question* is, in the file's order; all where it has none."""
    words = asked(question).words
    return [one for one in errors if all(_is_among(word, text, SENTENCE) for word in words for text in (_whole(one),))]


def _whole(error: KnownErrorView) -> str:
    return f"{error.id} {error.symptom} {error.workaround} {error.say}"


def _texts(service: Service) -> Iterable[tuple[int, str]]:
    """What names the service, each with how much a word in it tells."""
    yield NAME, service.id
    yield from ((NAME, name) for name in service.name.values())
    yield from ((LABEL, label) for need in service.needs for label in need.label.values())
    yield from ((SENTENCE, told) for told in service.description.values())


def _score(words: Sequence[str], texts: Iterable[tuple[int, str]]) -> int:
    """How much of what was asked is there: for each word the best place in which it is found."""
    there = tuple(texts)
    return sum(max((weight for weight, text in there if _is_among(word, text, weight)), default=0) for word in words)


def _is_among(word: str, text: str, weight: int) -> bool:
    if len(word) >= SHORTEST_PART:
        return word in _joined(text)
    return weight != SENTENCE and any(is_found(word, one) for one in _folded(text))


@lru_cache(maxsize=20_000)
def _joined(text: str) -> str:
    """The folded words of *text*, in which a word of the caller is looked for: no word goes over the end of one."""
    return "\n".join(_folded(text))


@lru_cache(maxsize=20_000)
def _folded(text: str) -> tuple[str, ...]:
    return tuple(filter(None, map(folded, text.replace("-", " ").replace("_", " ").split())))
