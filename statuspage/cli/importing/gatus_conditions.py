"""Gatus's conditions as what ours expect of an answer. What has no equal is named with its line, and nothing is guessed."""

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from statuspage.cli.importing.drafting import Unfit, Values, duration
from statuspage.cli.importing.drafts import Value
from statuspage.cli.importing.statuses import EVERY, spelled, understood
from statuspage.cli.importing.texts import line

_CONDITION = re.compile(r"\s*(?P<left>\S.*?)\s*(?P<how>==|!=|<=|>=|<|>)\s*(?P<right>.*?)\s*", re.DOTALL)
_FUNCTION = re.compile(r"(?P<name>pat|any|len|has)\((?P<inner>.*)\)", re.DOTALL)
_GO_DURATION = re.compile(r"(\d+(?:\.\d+)?)(h|ms|m|s|us|µs|ns)")
_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001, "us": 1e-6, "µs": 1e-6, "ns": 1e-9}
_PATH = re.compile(r"(?:\.?[^\W\d][\w-]*|\[(?:0|[1-9]\d{0,8})\])(?:\.[^\W\d][\w-]*|\[(?:0|[1-9]\d{0,8})\])*")
_SWAPPED = {"<": ">", ">": "<", "<=": ">=", ">=": "<=", "==": "==", "!=": "!="}
_RCODES = ("NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED")

_LONGEST, _LONGEST_DURATION = 2000, 60
"""Letters of a condition and of a duration; nobody writes more by hand."""

WARNS = "it is a failure there; here the desk is warned"


@dataclass(slots=True)
class Expected:
    """What all conditions of an endpoint come to. *statuses* is None while none speaks of them; *remarks* tell what differs."""

    statuses: frozenset[int] | None = None
    slower_than: float | None = None
    expires_within: float | None = None
    rcode: str = ""
    texts: Values = field(default_factory=dict)
    json: dict[str, dict[str, Value]] = field(default_factory=dict)
    contains: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)

    def of_http(self) -> Values:
        """The keys of ``expect`` for HTTP: there every status is fine unless a condition says otherwise."""
        found: Values = {} if self.statuses == _GOOD else {"status": spelled(EVERY if self.statuses is None else self.statuses)}
        found |= self.texts
        if self.json:
            found["json_values"] = self.json
        if self.slower_than is not None:
            found["slower_than"] = duration(self.slower_than)
        return found


_GOOD = frozenset(range(200, 300))


def seconds(text: str) -> float | None:
    """Go's way to write a duration, in seconds; None for anything else."""
    pieces = list(_GO_DURATION.finditer(text.strip())) if len(text) <= _LONGEST_DURATION else []
    if not pieces or "".join(piece[0] for piece in pieces) != text.strip():
        return None
    return min(sum(float(piece[1]) * _UNITS[piece[2]] for piece in pieces), 1e9)


def judge(expected: Expected, condition: str) -> None:
    """Add what *condition* asks for. Errors: Unfit with the reason."""
    found = _CONDITION.fullmatch(condition) if len(condition) <= _LONGEST else None
    if found is None:
        raise Unfit("it is no comparison" if len(condition) <= _LONGEST else f"it has more than {_LONGEST} letters")
    left, how, right = found["left"], found["how"], found["right"]
    if not left.startswith(("[", "len(", "has(")) and right.startswith(("[", "len(", "has(")):
        left, how, right = right, _SWAPPED[how], left
    for beginning, read in _READERS.items():
        if left.startswith(beginning):
            read(expected, left.removeprefix(beginning), how, right)
            return
    if left == "[DOMAIN_EXPIRATION]":
        raise Unfit("the end of a registration is watched by a monitor of its own", "add one of the kind domain")
    raise Unfit(f"{line(left, 60)} has no equal here")


def _status(expected: Expected, rest: str, how: str, right: str) -> None:
    if rest:
        raise Unfit("it has no equal here")
    told = EVERY if expected.statuses is None else expected.statuses
    expected.statuses = told & _statuses(how, right)
    if not expected.statuses:
        raise Unfit("no status is left that would be fine")


def _statuses(how: str, right: str) -> frozenset[int]:
    function = _FUNCTION.fullmatch(right)
    match how, function["name"] if function else "":
        case "==" | "!=", "any" if function:
            named = frozenset().union(*(understood(one) for one in function["inner"].split(",")))
        case "==" | "!=", "pat" if function:
            shape = re.compile(_shaped(function["inner"].strip()))
            named = frozenset(status for status in EVERY if shape.fullmatch(str(status)))
        case "==" | "!=", "":
            named = understood(right)
        case _, "" if understood(right):
            bound = min(understood(right))
            return frozenset(status for status in EVERY if _COMPARED[how](status, bound))
        case _:
            named = frozenset()
    if not named:
        raise Unfit(f"{line(right, 60)} is no status")
    return named if how == "==" else EVERY - named


_COMPARED: Mapping[str, Callable[[int, int], bool]] = {
    "<": lambda one, bound: one < bound,
    "<=": lambda one, bound: one <= bound,
    ">": lambda one, bound: one > bound,
    ">=": lambda one, bound: one >= bound,
}


def _pace(expected: Expected, rest: str, how: str, right: str) -> None:
    bound = seconds(right) if not right.isdecimal() else int(right[:9]) / 1000
    if rest or how not in {"<", "<="} or not bound:
        raise Unfit("only an upper bound of the time is known here")
    expected.slower_than = min(bound, expected.slower_than or bound)


def _certificate(expected: Expected, rest: str, how: str, right: str) -> None:
    bound = seconds(right)
    if rest or how not in {">", ">="} or not bound:
        raise Unfit("only a lower bound of the time left is known here")
    expected.expires_within = max(bound, expected.expires_within or 0.0)
    expected.remarks.append(f"{WARNS} (expires_within)")


def _connected(_: Expected, rest: str, how: str, right: str) -> None:
    if rest or (how, right) != ("==", "true"):
        raise Unfit("what must not be reached cannot be watched here")


def _rcode(expected: Expected, rest: str, how: str, right: str) -> None:
    if rest or how != "==" or right not in _RCODES:
        raise Unfit(f"only == with one of {', '.join(_RCODES)} is known here")
    expected.rcode = right


def _body(expected: Expected, rest: str, how: str, right: str) -> None:
    if right.startswith("["):
        raise Unfit("two places of an answer are not compared here")
    if rest:
        _json(expected, rest, how, right)
        return
    function = _FUNCTION.fullmatch(right)
    inner = function["inner"].strip() if function else right
    if how not in {"==", "!="} or (function and function["name"] not in {"pat", "any"}):
        raise Unfit("a whole body is only compared by == and != here")
    if function and function["name"] == "pat" and _is_within(inner):
        key, value = "body_contains", inner.strip("*")
        expected.contains.append(value)
    else:
        choices = (
            [_shaped(inner)] if function and function["name"] == "pat" else [re.escape(one.strip()) for one in _choices(inner, function)]
        )
        key, value = "body_matches", rf"(?s)\A(?:{'|'.join(choices)})\z"
        expected.contains.extend([inner] if not function else [])
    key = key if how == "==" else key.replace("body_", "body_not_")
    if key in expected.texts:
        raise Unfit(f"only one {key} is known here; watch it with a second monitor")
    expected.texts[key] = value


def _choices(inner: str, function: re.Match[str] | None) -> Sequence[str]:
    return inner.split(",") if function else [inner]


def _is_within(pattern: str) -> bool:
    """Whether a pattern only looks for one text, wherever it stands."""
    inside = pattern.strip("*")
    return bool(inside) and pattern.startswith("*") and pattern.endswith("*") and not re.search(r"[*?\[\]\\]", inside)


def _shaped(pattern: str) -> str:
    return "".join(".*" if letter == "*" else "." if letter == "?" else re.escape(letter) for letter in pattern)


def _json(expected: Expected, rest: str, how: str, right: str) -> None:
    place, condition = _placed(rest), expected.json.setdefault(_placed(rest), {})
    key, value = _compared(how, right, expected)
    if key in condition:
        raise Unfit(f"only one {key} for {place} is known here")
    condition[key] = value


def _placed(rest: str) -> str:
    if not _PATH.fullmatch(rest):
        raise Unfit(f"{line(rest, 60)} is no plain path into JSON")
    return f"${rest}" if rest.startswith((".", "[")) else f"$.{rest}"


def _compared(how: str, right: str, expected: Expected) -> tuple[str, Value]:
    function = _FUNCTION.fullmatch(right)
    if function:
        if function["name"] not in {"pat", "any"} or how != "==":
            raise Unfit(f"{how} {function['name']}() has no equal here")
        inner = function["inner"].strip()
        shapes = [_shaped(inner)] if function["name"] == "pat" else [re.escape(one.strip()) for one in inner.split(",")]
        return "matches", rf"\A(?:{'|'.join(shapes)})\z"
    value = _read(right)
    if how in {"==", "!="}:
        return ("equals" if how == "==" else "not_equals"), value
    if isinstance(value, bool | str):
        raise Unfit(f"{line(right, 60)} is no number to compare with")
    if how in {"<", ">"}:
        expected.remarks.append(f"{how} {right} also takes {right} itself here")
    return ("at_most" if how.startswith("<") else "at_least"), float(value) if isinstance(value, float) else value


def _read(text: str) -> str | bool | int | float:
    if text in {"true", "false"}:
        return text == "true"
    if re.fullmatch(r"-?(0|[1-9]\d{0,14})", text):
        return int(text)
    return float(text) if re.fullmatch(r"-?\d{1,15}\.\d{1,15}", text) else text.strip("\"'")


def _has(expected: Expected, rest: str, how: str, right: str) -> None:
    inner = rest.removesuffix(")").removeprefix("[BODY]")
    if how not in {"==", "!="} or right not in {"true", "false"} or not inner:
        raise Unfit("it is compared with true or false here")
    expected.json.setdefault(_placed(inner), {})["exists"] = (right == "true") is (how == "==")


_READERS: Mapping[str, Callable[[Expected, str, str, str], None]] = {
    "[STATUS]": _status,
    "[RESPONSE_TIME]": _pace,
    "[CERTIFICATE_EXPIRATION]": _certificate,
    "[CONNECTED]": _connected,
    "[DNS_RCODE]": _rcode,
    "[BODY]": _body,
    "has(": _has,
}
