"""Words of the machine said anew for readers who may know of some services only: which of them it is about, and how far it is. Pure.

The machine speaks of all that a problem hits in one breath, and quotes the names of other incidents: those sentences cannot be cut.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from incidents.model import Incident, Origin, State, Update
from incidents.voices import ENGLISH
from incidents.words import QUOTING
from statuspage.picture.news import Said

_BODIES = MappingProxyType(
    {
        State.INVESTIGATING: "Our monitoring has noticed a problem. We are looking into it.",
        State.IDENTIFIED: "We know the cause of this problem and are working on it.",
        State.MONITORING: "Our monitoring sees that it works again. We keep watching before we call it resolved.",
        State.RESOLVED: "This incident is resolved.",
        State.POSTMORTEM: "This incident is resolved.",
    }
)

_HEADED = MappingProxyType(
    {
        State.INVESTIGATING: "{} – investigating",
        State.IDENTIFIED: "{} – cause identified",
        State.MONITORING: "{} – recovered, being watched",
        State.RESOLVED: "{} – resolved",
        State.POSTMORTEM: "{} – postmortem",
    }
)
_NONE: Mapping[str, str] = MappingProxyType({})
_QUOTES = "“”„«»"
_SENTENCE = re.compile(r"(?<=[.!?…])\s+")
_OURS = re.compile("|".join(re.escape(one % {"name": "NAME"}).replace("NAME", ".*?") for one in QUOTING), re.DOTALL)


def is_quoting(text: str) -> bool:
    """Whether *text* holds a quotation: of the machine's words, the name of another incident."""
    return any(mark in text for mark in _QUOTES)


def spared(text: str, language: str | None) -> str:
    """A person's words without the sentences that the machine put before them and that quote another incident.

    We know ours in English. In any other language every sentence goes that quotes something: rather a word less than a name too many.
    """
    if not is_quoting(text):
        return text
    if (language or ENGLISH) == ENGLISH:
        return _OURS.sub("", text).strip()
    return " ".join(one for one in _SENTENCE.split(text) if not is_quoting(one)).strip()


def _spared(said: Update) -> Update:
    body = spared(said.body, said.language)
    others = {language: kept for language, text in said.bodies.items() if (kept := spared(text, language))}
    is_same = body == said.body and others == dict(said.bodies)
    return said if is_same else replace(said, body=body or _BODIES[said.state], bodies=MappingProxyType(others))


def renamed(incident: Incident, names: Iterable[str]) -> Incident:
    """*incident* by a name that tells of *names* and of nothing else it hits. A name that a person gave it stays."""
    if incident.origin is not Origin.MACHINE:
        return incident
    return replace(incident, name=_problem(names), language=ENGLISH, names=_NONE)


def unquoting(said: Update) -> Update:
    """The same words where they quote nothing; a person's without what the machine quotes before them."""
    if not said.automatic:
        return _spared(said)
    if not is_quoting(said.body):
        return said
    return replace(said, body=_BODIES[said.state], language=ENGLISH, titles=_NONE, bodies=_NONE)


def update(said: Update, incident: Incident) -> Update:
    """Words in *incident*, which is called anew already; a person's words stay, under the new title."""
    is_ours = said.automatic or incident.origin is Origin.MACHINE
    title = _HEADED[said.state].format(incident.name) if is_ours else said.title
    if not said.automatic:
        return replace(_spared(said), title=title, titles=_NONE)
    return replace(said, title=title, body=_BODIES[said.state], language=ENGLISH, titles=_NONE, bodies=_NONE)


def unquoting_entry(said: Said) -> Said:
    """The same in a feed."""
    if said.state is not None and not said.is_automatic:
        return _spared_entry(said)
    if said.state is None or not is_quoting(said.body):
        return said
    return replace(said, body=_BODIES[said.state], language=ENGLISH, titles=_NONE, bodies=_NONE)


def _spared_entry(said: Said) -> Said:
    body = spared(said.body, said.language)
    others = {language: kept for language, text in said.bodies.items() if (kept := spared(text, language))}
    if body == said.body and others == dict(said.bodies):
        return said
    return replace(said, body=body or (_BODIES[said.state] if said.state else ""), bodies=MappingProxyType(others))


def entry(said: Said, names: Iterable[str]) -> Said:
    """The same in a feed; *names* are those of the services that it was about and that may be told of."""
    state = said.state
    if state is None:
        return said
    if said.is_named_by_us:
        said = replace(said, title=_HEADED[state].format(_problem(names)), titles=_NONE)
    if not said.is_automatic:
        return _spared_entry(said)
    return replace(said, body=_BODIES[state] if said.body else "", language=ENGLISH, titles=_NONE, bodies=_NONE)


def _problem(names: Iterable[str]) -> str:
    *some, last = tuple(names) or ("",)
    return f"Problem with {', '.join(some)} and {last}" if some else f"Problem with {last}" if last else "Problem detected"
