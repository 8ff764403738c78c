"""What somebody tried to do by a form to planned work or an advisory: what was typed, and what stood in the way, by field if it can be."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from incidents import act
from incidents.planned.planning import AgainstPolicy
from statuspage.web.problems import Rejected, refused, title

_HEADINGS: Mapping[int, str] = MappingProxyType({409: "Not done, as things stand", 422: "Not done"})
NO_FAULTS: Mapping[str, tuple[str, ...]] = MappingProxyType({})


@dataclass(frozen=True, slots=True, kw_only=True)
class Obstacle:
    """What stood in the way. *faults* are by field; *is_policy* where a manager may pass over it with a reason."""

    status: int
    heading: str
    sentences: tuple[str, ...]
    faults: Mapping[str, tuple[str, ...]] = field(default_factory=lambda: NO_FAULTS)
    is_policy: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """What had been typed into a form that was refused, so that nothing is typed twice; *names* and *bodies* are by language."""

    name: str = ""
    starts: str = ""
    ends: str = ""
    body: str = ""
    override: str = ""
    seen: str = ""
    names: Mapping[str, str] = field(default_factory=dict)
    bodies: Mapping[str, str] = field(default_factory=dict)
    services: frozenset[str] = frozenset()
    components: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """What somebody tried to do by the form *form*: what was typed, and what stood in the way."""

    form: str
    typed: Typed = field(default_factory=Typed)
    obstacle: Obstacle | None = None

    @property
    def faults(self) -> Mapping[str, tuple[str, ...]]:
        """What is wrong with each field."""
        return self.obstacle.faults if self.obstacle else NO_FAULTS

    @property
    def status(self) -> int:
        """What the answer says of it."""
        return self.obstacle.status if self.obstacle else 200

    @property
    def is_against_policy(self) -> bool:
        """Whether a manager may pass over what stood in the way."""
        return bool(self.typed.override) or "override" in self.faults or (self.obstacle is not None and self.obstacle.is_policy)


class Overtaken(act.Refused):
    """Somebody else has changed it since the form was drawn."""

    def __init__(self, what: str, now_planned: str) -> None:
        """Say what holds now of *what* it is."""
        super().__init__(
            f"Somebody has changed this {what} meanwhile: now it is planned for {now_planned}. If you still want to, send the form again."
        )


def obstacle(error: act.Refused | Rejected) -> Obstacle:
    """Tell what stood in the way."""
    match error:
        case AgainstPolicy(reasons=reasons):
            return Obstacle(status=422, heading="Not done: the rules for planned work forbid it", sentences=reasons, is_policy=True)
        case Overtaken():
            return _of(Rejected(409, error.reason))
        case act.Refused():
            return _of(refused(error))
        case Rejected():
            return _of(error)


def over() -> Obstacle:
    """What stands in the way of every act on a window that is over."""
    return _of(Rejected(409, "This window is over: somebody was quicker, or its time ran out. What happened stands below."))


def _of(rejected: Rejected) -> Obstacle:
    faults = _faults(rejected)
    return Obstacle(
        status=rejected.status,
        heading=_HEADINGS.get(rejected.status, title(rejected.status)),
        sentences=tuple(sentence for found in faults.values() for sentence in found) or (rejected.detail,),
        faults=faults,
    )


def _faults(rejected: Rejected) -> Mapping[str, tuple[str, ...]]:
    """What is wrong with each field that was typed, by the field's name."""
    found: dict[str, tuple[str, ...]] = {}
    errors = rejected.more.get("errors")
    for one in errors if isinstance(errors, list) else ():
        name = one["path"].partition(".")[0]
        found[name] = (*found.get(name, ()), one["message"])
    return found
