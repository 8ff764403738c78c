"""Words of the machine said anew for readers who may know of some services only: which of them it is about, and how far it is. Pure.

The machine speaks of all that a problem hits in one breath, and quotes the names of other incidents: those sentences cannot be cut.
"""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from incidents.model import Incident, Origin, State, Update
from incidents.voices import ENGLISH
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


def is_quoting(text: str) -> bool:
    """Whether *text* holds a quotation: of the machine's words, the name of another incident."""
    return any(mark in text for mark in _QUOTES)


def renamed(incident: Incident, names: Iterable[str]) -> Incident:
    """*incident* by a name that tells of *names* and of nothing else it hits. A name that a person gave it stays."""
    if incident.origin is not Origin.MACHINE:
        return incident
    return replace(incident, name=_problem(names), language=ENGLISH, names=_NONE)


def unquoting(said: Update) -> Update:
    """The same words where they quote nothing."""
    if not said.automatic or not is_quoting(said.body):
        return said
    return replace(said, body=_BODIES[said.state], language=ENGLISH, titles=_NONE, bodies=_NONE)


def update(said: Update, incident: Incident) -> Update:
    """Words in *incident*, which is called anew already; a person's words stay, under the new title."""
    is_ours = said.automatic or incident.origin is Origin.MACHINE
    title = _HEADED[said.state].format(incident.name) if is_ours else said.title
    if not said.automatic:
        return replace(said, title=title, titles=_NONE)
    return replace(said, title=title, body=_BODIES[said.state], language=ENGLISH, titles=_NONE, bodies=_NONE)


def unquoting_entry(said: Said) -> Said:
    """The same in a feed."""
    if said.state is None or not said.is_automatic or not is_quoting(said.body):
        return said
    return replace(said, body=_BODIES[said.state], language=ENGLISH, titles=_NONE, bodies=_NONE)


def entry(said: Said, names: Iterable[str]) -> Said:
    """The same in a feed; *names* are those of the services that it was about and that may be told of."""
    state = said.state
    if state is None:
        return said
    if said.is_named_by_us:
        said = replace(said, title=_HEADED[state].format(_problem(names)), titles=_NONE)
    if not said.is_automatic:
        return said
    return replace(said, body=_BODIES[state] if said.body else "", language=ENGLISH, titles=_NONE, bodies=_NONE)


def _problem(names: Iterable[str]) -> str:
    *some, last = tuple(names) or ("",)
    return f"Problem with {', '.join(some)} and {last}" if some else f"Problem with {last}" if last else "Problem detected"
