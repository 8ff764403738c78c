"""The company's own formula for how much an incident matters, in CEL (the Common Expression Language).

Every input is a double, so numbers in a formula are written with a point: ``2.0 * hours_down``. Names that nobody hands in, macros and
results that are not finite numbers are refused when the file is read, not when the night is bad.
"""

import re
from collections.abc import Callable, Mapping
from math import isfinite
from types import MappingProxyType

INPUTS: Mapping[str, str] = MappingProxyType(
    {
        "impact.customers": "how many customers use the service",
        "impact.customer_lifetime_value": "what a customer is worth over the years",
        "impact.customer_referral_value": "what a customer's recommendation is worth",
        "impact.cost_of_quality": "what an hour of trouble costs for each customer",
        "impact.cost_to_resolve": "what mending it usually costs",
        "affected_share": "the share of the customers who are hit: degraded 0.1, partial 0.4, major 1.0",
        "hours_down": "hours since the outage began",
        "callers": "how many customers have called about the incident",
        "tier": "the highest tier that was called, from 1.0",
    }
)
"""What a formula may use, and what each means."""

SAMPLES: tuple[Mapping[str, float], ...] = (
    dict.fromkeys(INPUTS, 1.0),
    {name: 100.0 + place for place, name in enumerate(INPUTS)} | {"affected_share": 0.5, "hours_down": 1.5, "tier": 2.0},
    dict.fromkeys(INPUTS, 0.0) | {"tier": 1.0},
)
"""Inputs on which a formula must give a finite number before it is accepted: all ones, an ordinary outage, and its first second."""

LONGEST = 2000

MOST = 1e303
"""How far from zero a result may be: the sum over all services must be a number, too."""

_TOKEN = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')|(?P<number>\d[\w.]*(?:(?<=[eE])[-+]\d+)?)"""
    r"""|(?P<name>[A-Za-z_]\w*(?:\s*\.\s*[A-Za-z_]\w*)*)(?P<call>\s*\()?""",
    re.ASCII,
)
_CALLS = frozenset({"double", "has", "int"})
_WORDS = frozenset({"true", "false", "null", "in"})

Formula = Callable[[Mapping[str, float]], float]


class BadFormula(ValueError):
    """A formula that cannot be used; the message says why, for the person who wrote it."""


def compile_formula(text: str, names: Mapping[str, str] = INPUTS) -> Formula:
    """Turn *text* into a function of the named inputs, keyed as in *names* (``impact.customers``).

    The function raises BadFormula where its result is not a finite number. Errors: BadFormula, also for names that are not in *names*.
    """
    import cel  # noqa: PLC0415 - a quarter of a second, paid only by those who have a formula

    if len(text) > LONGEST:
        raise BadFormula(f"a formula has at most {LONGEST} characters")
    _refuse_unknown(text, names)
    try:
        program = cel.compile(text)
    except ValueError as error:
        raise BadFormula(f"not a formula: {_reason(error)}") from None
    if strangers := set(program.variables()) - {name.partition(".")[0] for name in names}:
        raise BadFormula(f"{min(strangers)!r} is not among the inputs: {', '.join(names)}")

    def evaluate(inputs: Mapping[str, float]) -> float:
        try:
            result = program.execute(_nested(inputs))
        except (RuntimeError, TypeError, ValueError, LookupError, ArithmeticError) as error:
            raise BadFormula(f"cannot be worked out: {_reason(error)}") from None
        if isinstance(result, bool) or not isinstance(result, int | float) or not isfinite(result):
            raise BadFormula("does not give a finite number")
        if abs(result) > MOST:
            raise BadFormula(f"gives a number that is farther from zero than {MOST:g}")
        return float(result)

    return evaluate


def _refuse_unknown(text: str, names: Mapping[str, str]) -> None:
    for token in _TOKEN.finditer(text):
        if token["name"] is None:
            continue
        name = re.sub(r"\s", "", token["name"])
        if token["call"] is not None:
            if name not in _CALLS:
                raise BadFormula(f"a formula calls nothing but {', '.join(sorted(_CALLS))}; {name!r} is not among them")
        elif name not in names and name not in _WORDS:
            raise BadFormula(f"{name!r} is not among the inputs: {', '.join(names)}")


def _nested(inputs: Mapping[str, float]) -> dict[str, object]:
    nested: dict[str, object] = {}
    for name, value in inputs.items():
        root, dot, leaf = name.partition(".")
        if dot:
            branch = nested.setdefault(root, {})
            if isinstance(branch, dict):
                branch[leaf] = value
        else:
            nested[root] = value
    return nested


def _reason(error: Exception) -> str:
    """Take what a person can use from the library's words: the place and the first half of the sentence."""
    told = " ".join(str(error).split())
    if found := re.search(r"ERROR: <input>:\d+:(\d+): (.*?)(?: expecting | \||$)", told):
        return f"{found[2]}, at character {found[1]}"
    return told.partition(". ")[0][:200] or type(error).__name__
