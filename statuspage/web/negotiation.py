"""What a reader's program asks for without words: the encoding of the bytes, and the language, where none was chosen by the path."""

from collections.abc import Iterator, Sequence
from functools import lru_cache


@lru_cache(maxsize=256)
def accepts_gzip(accept_encoding: str) -> bool:
    """Whether a reader with this ``Accept-Encoding`` takes gzip (RFC 9110, section 12.5.3)."""
    weights: dict[str, bool] = {}
    for part in accept_encoding.lower().split(","):
        coding, _, weight = part.partition(";")
        refused = weight.replace(" ", "").removeprefix("q=").strip("0.") == "" and weight.strip() != ""
        weights[coding.strip()] = not refused
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", False)))


@lru_cache(maxsize=1024)
def preferred(accept_language: str, languages: tuple[str, ...]) -> str:
    """The first of *languages*, unless this ``Accept-Language`` asks for another of them more (RFC 9110, 12.5.4; RFC 4647, 3.4).

    A reader of ``de-AT`` is served with ``de``, one of ``de`` with ``de-AT``.
    """
    for wanted in _by_weight(accept_language):
        if wanted == "*":
            break
        if (found := _served(wanted, languages)) is not None:
            return found
    return languages[0]


def _by_weight(accept_language: str) -> Iterator[str]:
    """What is asked for, the most wanted first, and without what is refused."""
    weighed = []
    for part in accept_language.split(","):
        wanted, _, weight = part.partition(";")
        weighed.append((_weight(weight), wanted.strip().lower()))
    # Of equal weight, what was named first.
    yield from (wanted for weight, wanted in sorted(weighed, key=lambda one: -one[0]) if weight > 0 and wanted)


def _weight(text: str) -> float:
    """A weight as it is written, ``q=0.8``; one that makes no sense counts for nothing."""
    name, _, number = text.replace(" ", "").partition("=")
    if not name:
        return 1.0
    try:
        weight = float(number)
    except ValueError:
        return 0.0
    return weight if name == "q" and 0 <= weight <= 1 else 0.0


def _served(wanted: str, languages: Sequence[str]) -> str | None:
    """The language itself, else the widest one that it is a kind of, else one that is a kind of it."""
    whole = {language.lower(): language for language in reversed(languages)}
    asked = wanted
    while asked:
        if asked in whole:
            return whole[asked]
        asked = asked.rpartition("-")[0]
    return next((language for language in languages if language.lower().startswith(f"{wanted}-")), None)
