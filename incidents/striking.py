"""Acts on names that are public already, and on single words wherever they stand: of incidents, windows and advisories, over or not.

A name cannot be taken away as an update's words can: something must stand there. So it is given anew, or words are struck out of it
and of all else that is kept of the same, with others in their place (ADR 34).
"""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime
from types import MappingProxyType
from typing import assert_never

from incidents.act import IllegalMove, Invalid, demand
from incidents.advisory import Advisory, AdvisoryRenamed
from incidents.events import Event, Redescribed, Renamed
from incidents.handled import Briefed
from incidents.maintenance import Maintenance
from incidents.model import Incident, Situation
from incidents.redacting import Outrun
from incidents.rewording import Struck, digest, whole_digest
from incidents.voices import Voice

Named = Incident | Maintenance | Advisory

SHORTEST = 3
"""Letters of what is struck out: fewer stand in every other word."""


def names_of(named: Named, own: str) -> Mapping[str, str]:
    """What it is called, by language; *own* is that of what names none."""
    if isinstance(named, Incident):
        return MappingProxyType({named.language or own: named.name, **named.names})
    return named.name


def digest_of_name(named: Named) -> str:
    """By what whoever gives it another name knows again the one that they saw."""
    (first, *_), names = names_of(named, ""), names_of(named, "")
    return whole_digest(names[first], {language: text for language, text in names.items() if language != first})


def rename(
    _: Situation, now: datetime, *, named: Named, by: str, name: Mapping[str, str], own: str, seen: str | None = None
) -> tuple[Event, ...]:
    """Call it *name*, which has a text in the site's *own* language, from now on. *seen* is as in ``redacting.reword``.

    Errors: IllegalMove where the file names it, Invalid, Outrun.
    """
    if isinstance(named, Maintenance) and named.series is not None:
        raise IllegalMove("The file names this window: change it there.")
    if seen is not None and seen != digest_of_name(named):
        raise Outrun
    if dict(name) == dict(names_of(named, own)):
        raise Invalid("This is its name already.")
    return (_renamed(named, now, by, name, own),)


def strike(
    _: Situation, now: datetime, *, named: Named, spoken: Collection[str], by: str, phrase: str, instead: str, reason: str, own: str
) -> tuple[Event, ...]:
    """Put *instead* in the place of *phrase* wherever it stands in what is *spoken* of it, once public or not, for good.

    Errors: Invalid where it stands nowhere, would stay, or is too short; IllegalMove where the file says it again.
    """
    demand(reason, "Removing words needs a reason.")
    demand(instead, "Something must stand in their place.")
    if len(phrase.strip()) < SHORTEST:
        raise Invalid(f"What is struck out has at least {SHORTEST} letters.")
    if phrase in instead:
        raise Invalid("What stands in their place must not repeat the words.")
    if not any(phrase in text for text in spoken):
        raise Invalid("These words stand nowhere in it; capitals count.")
    subject = {Incident: "incident", Maintenance: "maintenance", Advisory: "advisory"}[type(named)]
    struck = Struck(at=now, was=digest(phrase), instead=instead, by=by, reason=reason, phrase=phrase, **{subject: named.id})
    return (struck, *_without(named, now, by, {phrase: instead}, own), *_briefed_without(named, now, by, phrase, instead))


def removed(voice: Voice) -> str:
    """What stands in the place of an update's words that are gone."""
    return voice.says("The words that stood here were removed.")


def redact(
    _: Situation,
    now: datetime,
    *,
    named: Maintenance | Advisory,
    said: Collection[tuple[str, str]],
    instead: Mapping[str, str],
    by: str,
    reason: str,
    own: str,
) -> tuple[Event, ...]:
    """Strike out the whole words of an update wherever they stand in *named*; *instead* says so there, by language.

    *said* is every text that it ever had, with its language.
    Errors: IllegalMove where they are gone already, or the file says them again; Invalid.
    """
    demand(reason, "Removing words needs a reason.")
    others = {text: instead.get(language, instead[own]) for language, text in said if text and text not in instead.values()}
    if not others:
        raise IllegalMove("These words were removed already, or there were none.")
    if any(len(text.strip()) < SHORTEST for text in others):
        raise Invalid(f"What is removed has at least {SHORTEST} letters: correct it instead.")
    subject = "maintenance" if isinstance(named, Maintenance) else "advisory"
    longest_first = dict(sorted(others.items(), key=lambda pair: len(pair[0]), reverse=True))
    struck = [
        Struck(at=now, was=digest(text), instead=other, by=by, reason=reason, phrase=text, **{subject: named.id})
        for text, other in longest_first.items()
    ]
    return (*struck, *_without(named, now, by, longest_first, own))


def _briefed_without(named: Named, now: datetime, by: str, phrase: str, instead: str) -> tuple[Event, ...]:
    """What callers are told, without *phrase*."""
    brief = named.brief if isinstance(named, Incident) else None
    if brief is None or not any(phrase in text for text in (brief.body, *brief.bodies.values())):
        return ()
    bodies = MappingProxyType({language: text.replace(phrase, instead) for language, text in brief.bodies.items()})
    cleared = replace(brief, body=brief.body.replace(phrase, instead), bodies=bodies)
    return (Briefed(at=now, incident=named.id, by=by, brief=cleared),)


def _without(named: Named, now: datetime, by: str, others: Mapping[str, str], own: str) -> tuple[Event, ...]:
    """Its name and description with *others* in the place of words, where they have these."""
    names = names_of(named, own)
    described = named.description if isinstance(named, Maintenance) else {}
    if not any(phrase in text for text in (*names.values(), *described.values()) for phrase in others):
        return ()
    if isinstance(named, Maintenance) and named.series is not None and not named.is_over:
        raise IllegalMove("The file says these words of this window, and would say them again: change it there first.")
    cleared, described = ({language: _replaced(text, others) for language, text in texts.items()} for texts in (names, described))
    return (_renamed(named, now, by, cleared, own, described),)


def _replaced(text: str, others: Mapping[str, str]) -> str:
    for phrase, instead in others.items():
        text = text.replace(phrase, instead)
    return text


def _renamed(named: Named, now: datetime, by: str, name: Mapping[str, str], own: str, described: Mapping[str, str] | None = None) -> Event:
    match named:
        case Incident():
            first = named.language if named.language and named.language in name else own
            others = MappingProxyType({language: text for language, text in name.items() if language != first})
            return Renamed(at=now, incident=named.id, name=name[first], language=first, names=others, by=by)
        case Maintenance():
            return Redescribed(
                at=now,
                maintenance=named.id,
                name=MappingProxyType(dict(name)),
                description=named.description if described is None else MappingProxyType(dict(described)),
                services=named.services,
                components=named.components,
                by=by,
            )
        case Advisory():
            return AdvisoryRenamed(at=now, advisory=named.id, name=MappingProxyType(dict(name)), by=by)
        case _:
            assert_never(named)
