"""A configuration grows, monitor by monitor: ids that are taken once, durations that fit, secrets that are only ever referred to."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from probes.addresses import is_this_machine
from statuspage.cli.importing.drafts import Draft, Entry, Value
from statuspage.cli.importing.findings import Left, Secret
from statuspage.cli.importing.naming import Ids, variable
from statuspage.cli.importing.texts import line

Values = dict[str, Value]

LONGEST_EVERY = 7 * 86_400.0
"""Seconds; who looks more seldom than once a week watches nothing."""

REMOVED = "REMOVED"

_TELLING = re.compile(
    r"auth|cookie|token|secret|passw|pwd|credential|session|signature|sig$|api[-_]?key|access[-_]?key|^key$", re.IGNORECASE
)
_UNITS = (("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1))
SAID = (
    "no history of results was imported: what this service did not watch itself it counts as not watched",
    "nobody is told of anything yet: subscriptions and messages are set up here anew",
)


class Unfit(Exception):
    """Something of theirs that ours cannot do; the message says why, *mend* what helps."""

    def __init__(self, why: str, mend: str = "") -> None:
        """Say why."""
        super().__init__(why)
        self.mend = mend


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How often they look and how they judge; seconds, None where nobody said."""

    every: float | None = None
    timeout: float | None = None
    recheck: float | None = None
    fails_after: int | None = None
    recovers_after: int | None = None
    is_enabled: bool = True


@dataclass(slots=True)
class Drafting:
    """What a file will hold."""

    services: dict[str, Entry] = field(default_factory=dict)
    monitors: dict[str, Entry] = field(default_factory=dict)
    credentials: dict[str, Entry] = field(default_factory=dict)
    maintenance: dict[str, Entry] = field(default_factory=dict)
    left: list[Left] = field(default_factory=list)
    secrets: dict[str, Secret] = field(default_factory=dict)
    ids: Ids = field(default_factory=Ids)

    def leave(self, what: str, why: str, mend: str = "") -> None:
        """Say that something could not be brought over, or not as it was."""
        self.left.append(Left(what=what, why=why, mend=mend))

    def secret(self, id: str, kind: str, what: str, known_as: str = "") -> Values:
        """A reference to a secret; *known_as* is the variable in which the other product has it already."""
        name = known_as or self._free(variable(id, kind), what)
        self.secrets[name] = Secret(name=name, what=what)
        return {"env": name}

    def _free(self, stem: str, what: str) -> str:
        """A variable that takes nothing but *what*: what two secrets shared would be sent to both."""
        name, number = stem, 2
        while name in self.secrets and self.secrets[name].what != what:
            name, number = f"{stem}_{number}", number + 1
        return name

    def login(self, id: str, user: str, what: str) -> str:
        """A new entry of credentials, by its id; the password is a reference."""
        self.credentials[id] = Entry(
            values={"user": line(user) or "user", "password": self.secret(id, "password", f"the password of {what}")}
        )
        return id

    def monitor(self, id: str, name: str, probe: Mapping[str, Value], timing: Timing, comments: Sequence[str] = ()) -> None:
        """Add what watches the component *id*."""
        values: Values = {"name": name, **probe, **_timed(timing, is_passive=probe["probe"] == "heartbeat")}
        if not timing.is_enabled or values.get("enabled") is False:
            values["enabled"] = False
        self.monitors[id] = Entry(values=values, comments=comments)

    def service(self, id: str, name: str, group: str) -> None:
        """Add what customers see of the component *id*."""
        self.services[id] = Entry(values={"name": name, **({"group": group} if group else {}), "needs": [id]})

    def draft(self, head: Sequence[str], site: str) -> Draft:
        """All of it."""
        return Draft(
            head=head,
            site=line(site) or "Status",
            services=self.services,
            monitors=self.monitors,
            credentials=self.credentials,
            maintenance=self.maintenance,
            left=self.left,
            secrets=tuple(self.secrets.values()),
            said=SAID,
        )


def _timed(timing: Timing, *, is_passive: bool) -> Values:
    found: Values = {}
    every = None if timing.every is None else min(max(timing.every, 1.0), LONGEST_EVERY)
    if every is not None:
        found["every"] = duration(every)
    if timing.timeout and not is_passive:
        found["timeout"] = duration(max(0.1, min(timing.timeout, 120.0, every or 30.0)))
    elif every is not None and every < 10 and not is_passive:
        found["timeout"] = duration(every)  # ours by default is longer
    if timing.recheck and not is_passive:
        found["recheck"] = duration(min(max(timing.recheck, 1.0), every or 30.0))
    for key in ("fails_after", "recovers_after"):
        count = getattr(timing, key)
        if count is not None and not is_passive:
            found[key] = min(max(count, 1), 100)
    return found


def duration(seconds: float) -> str:
    """*seconds* as our files write it, in the largest unit that needs no fraction."""
    milliseconds = max(1, round(seconds * 1000))
    name, unit = next((name, unit) for name, unit in _UNITS if milliseconds % unit == 0)
    return f"{milliseconds // unit}{name}"


def tells(name: str) -> bool:
    """Whether what is called *name* is likely a secret."""
    return _TELLING.search(name) is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A URL without what must not stand in a file: *user* where it named one, *hidden* are the parameters that were taken out."""

    url: str
    host: str
    port: int | None
    path: str
    user: str | None
    has_password: bool
    hidden: tuple[str, ...]

    @property
    def is_overheard(self) -> bool:
        """Whether others may read along."""
        return self.url.startswith(("http://", "ws://")) and not is_this_machine(self.host)


def address(url: str) -> Address:
    """Take *url* apart. Errors: Unfit."""
    try:
        parts = urlsplit(url.strip())
        port, host = parts.port, parts.hostname or ""
    except ValueError as error:
        raise Unfit(f"its address is none: {error}") from error
    if not host:
        raise Unfit("its address names no host")
    query = parse_qsl(parts.query, keep_blank_values=True)
    hidden = tuple(name for name, value in query if value and tells(name))
    told = urlencode([(name, REMOVED if name in hidden else value) for name, value in query]) if hidden else parts.query
    bare = f"[{host}]" if ":" in host else host
    where = f"{bare}:{port}" if port is not None else bare
    return Address(
        url=urlunsplit((parts.scheme, where, parts.path, told, "")),
        host=host,
        port=port,
        path=parts.path,
        user=unquote(parts.username) if parts.username else None,
        has_password=bool(parts.password),
        hidden=hidden,
    )
