"""What a review says, as acts: the cause of an incident, by the company's list, and why customers saw it before the probes did."""

from collections.abc import Iterable, Sequence
from functools import partial

from incidents import review
from incidents.model import Incident, Situation
from statuspage.pipeline import Command
from statuspage.web.desk import Deed, Desk
from statuspage.web.problems import Rejected


def of_list(desk: Desk, cause: str | None) -> str | None:
    """The cause that was given, or None. Errors: Rejected 422 naming those that there are, where it is none of them."""
    given, causes = (cause or "").strip(), desk.causes()
    if not given:
        return None
    if not causes.takes(given):
        known: Sequence[str] = [one.id for one in causes.listed]
        message = f"is none of the causes in the configuration; write {', '.join(known)}"
        raise Rejected(422, f"cause: {message}.", more={"errors": [{"path": "cause", "message": message}]})
    return given


def attributing(desk: Desk, incident: Incident, cause: str, *, by: str) -> tuple[Deed, Command]:
    """Saying what *incident* came from, as an act. Errors: as ``of_list``."""
    given = of_list(desk, cause) or ""
    deed = Deed(by=by, act="give cause", incident=incident.id, detail={"cause": given, "was": incident.cause})
    return deed, partial(review.attribute, incident=incident, by=by, cause=given)


def explaining(incident: str, words: str, monitor: str | None, *, by: str) -> tuple[Deed, Command]:
    """Saying why the probes missed *incident*, as an act."""
    deed = Deed(by=by, act="explain missed", incident=incident, detail={"monitor": monitor, "words": words})
    return deed, partial(review.explain, incident=incident, by=by, words=words, monitor=monitor)


def watching(situation: Situation, services: Iterable[str]) -> Sequence[str]:
    """The monitors of all that *services* need, by id."""
    topology = situation.topology
    parts = {part for id in topology.in_order(services) for need in topology.services[id].needs for part in need.of}
    return sorted({monitor for part in parts for monitor in topology.monitors_of[part]})
