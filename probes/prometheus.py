"""A threshold over what a PromQL query says at this moment (Prometheus HTTP API, instant queries)."""

import math
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice
from typing import Annotated, Self, assert_never
from urllib.parse import urlencode

from pydantic import AfterValidator, BaseModel, Field, ValidationError, model_validator

from probes import http
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door
from probes.kind import ProbeKind
from probes.result import Failure
from probes.settings import CLOSED, CaFile, Login
from probes.wire.http1 import Response
from probes.wire.jsontext import mapping, read, sequence

_PATH = "/api/v1/query"
_MARGIN = 0.5
"""Seconds before our own timeout at which the server is asked to give up, so that it is the one that says so."""
_SHOWN = 3
"""How many series a detail names."""
_LABELS = 8
_MOST_QUERY = 9_900
_LONGEST = 64
"""Letters of a value."""

Number = Annotated[float, Field(allow_inf_nan=False)]


class Series(StrEnum):
    """Of how many series the expectation must hold."""

    ALL = "all"
    ANY = "any"


class NoResult(StrEnum):
    """What an empty answer means."""

    FAILS = "fails"
    PASSES = "passes"
    EXPECTED = "expected"
    """Nothing else will do: the query is written the way an alert rule is."""


class Expect(BaseModel):
    """What the values must be; all bounds that are given hold together. NaN meets none."""

    model_config = CLOSED

    above: Number | None = None
    at_least: Number | None = None
    at_most: Number | None = None
    below: Number | None = None
    series: Series = Series.ALL
    no_result: NoResult = NoResult.FAILS

    @property
    def bounds(self) -> str:
        """The bounds in words."""
        stated = (("above", self.above), ("at least", self.at_least), ("at most", self.at_most), ("below", self.below))
        return " and ".join(f"{words} {bound:g}" for words, bound in stated if bound is not None)

    @model_validator(mode="after")
    def _can_be_met(self) -> Self:
        if self.no_result is NoResult.EXPECTED:
            if self.bounds:
                raise ValueError("no_result: expected leaves no values to compare")
        elif not self.bounds:
            raise ValueError("say above, at_least, at_most or below, or no_result: expected")
        return self

    def is_met(self, value: float) -> bool:
        """Say whether *value* is within the bounds."""
        return (
            (self.above is None or value > self.above)
            and (self.at_least is None or value >= self.at_least)
            and (self.at_most is None or value <= self.at_most)
            and (self.below is None or value < self.below)
        )


class Settings(BaseModel):
    """Which server is asked what. *url* is the server's own, up to and without ``/api/v1``; *bearer* is a token to show."""

    model_config = CLOSED

    url: http.Url
    query: Annotated[str, Field(min_length=1, max_length=10_000)]
    login: Login | None = None
    bearer: http.BearerToken | None = None
    allow_plaintext: bool = False
    headers: Annotated[Mapping[http.HeaderName, http.HeaderValue], AfterValidator(http.guarded)] = Field(default_factory=dict)
    verify: bool = True
    ca: CaFile | None = None
    expect: Expect

    @model_validator(mode="after")
    def _can_be_asked(self) -> Self:
        if "?" in self.url or "#" in self.url:
            raise ValueError("write the URL of the server alone: the query has a key of its own")
        if len(urlencode({"query": self.query})) > _MOST_QUERY:
            raise ValueError("a query this long is better kept as a recording rule")
        try:
            _question(self, 1)
        except ValidationError as error:
            raise ValueError("; ".join(problem["msg"].removeprefix("Value error, ") for problem in error.errors())) from None
        return self


@dataclass(frozen=True, slots=True)
class Sample:
    """The value of one series now, and what the series is called."""

    value: float
    name: str


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Ask, read the values, compare them. Until they are read, whatever goes wrong is about the server and not about the target."""
    with attempt.asking():
        response = await http.answer(_question(settings, max(attempt.allowed - _MARGIN, 0.1)), door, attempt)
        samples = _samples(_answered(response, settings, attempt))
    attempt.fact("series", len(samples))
    finite = [sample.value for sample in samples if math.isfinite(sample.value)]
    if finite:
        attempt.fact("lowest", min(finite))
        attempt.fact("highest", max(finite))
    _judge(settings.expect, samples)


def _question(settings: Settings, patience: float) -> http.Settings:
    """Put the query as a form, as servers prefer it: it may be long, and stands in no access log."""
    question = http.Settings(
        url=settings.url.rstrip("/") + _PATH,
        method="POST",
        body=urlencode({"query": settings.query, "timeout": f"{patience * 1000:.0f}ms"}),
        headers={"content-type": "application/x-www-form-urlencoded", **settings.headers},
        login=settings.login,
        bearer=settings.bearer,
        allow_plaintext=settings.allow_plaintext,
        verify=settings.verify,
    )
    return http.trusting(question, settings.ca)


def _answered(response: Response, settings: Settings, attempt: Attempt) -> Mapping[str, object]:
    """Return what the server answers where it answers, and its own words where it does not. Errors: ProbeFailed."""
    is_shown = (settings.login is not None or settings.bearer is not None) and not response.is_foreign
    if response.status in (401, 403) and is_shown:
        raise ProbeFailed(Failure.AUTH_REJECTED, f"the server answers {response.status} to what we showed", stage="status")
    if response.is_truncated:
        raise ProbeFailed(Failure.TOO_LARGE, f"an answer of more than {len(response.body)} bytes: ask for fewer series", stage="content")
    is_json = "json" in (response.header("content-type") or "")
    if response.status != 200 and not is_json:
        raise ProbeFailed(Failure.STATUS, f"status {response.status}", stage="status")
    document = mapping(read(response.body), "the answer")
    if response.status != 200 or document.get("status") != "success":
        raise ProbeFailed(Failure.STATUS, f"status {response.status}: {document.get('errorType')}: {document.get('error')}", stage="status")
    warnings = document.get("warnings")
    if isinstance(warnings, list) and warnings:
        attempt.warn("incomplete", f"the server warns: {warnings[0]}")
    return mapping(document.get("data"), "the data")


def _samples(answered: Mapping[str, object]) -> tuple[Sample, ...]:
    kind, result = answered.get("resultType"), sequence(answered.get("result"), "the result")
    if kind == "vector":
        return tuple(_sample(mapping(one, "a series")) for one in result)
    if kind == "scalar":
        return (Sample(_value(result), "the scalar"),)
    raise ProbeFailed(Failure.CONTENT, f"the query gives a {kind}: only an instant vector or a scalar can be compared", stage="content")


def _sample(series: Mapping[str, object]) -> Sample:
    labels = mapping(series.get("metric"), "a series' name")
    if "value" not in series and "histogram" in series:
        raise ProbeFailed(Failure.CONTENT, "the query gives histograms, which are no numbers", stage="content")
    named = labels.get("__name__", "")
    shown = ", ".join(f"{name}={value}" for name, value in islice(labels.items(), _LABELS) if name != "__name__")
    return Sample(_value(series.get("value")), f"{named}{{{shown}}}")


def _value(pair: object) -> float:
    """Read the value out of ``[instant, "text"]``."""
    match pair:
        case [_, str(text)] if len(text) <= _LONGEST:
            with suppress(ValueError):
                return float(text)
    raise ProbeFailed(Failure.CONTENT, "unreadable: a value is no number", stage="content")


def _judge(expect: Expect, samples: Sequence[Sample]) -> None:
    if not samples:
        if expect.no_result is NoResult.FAILS:
            raise ProbeFailed(Failure.CONTENT, "the query gives no result", stage="value")
        return
    if expect.no_result is NoResult.EXPECTED:
        raise ProbeFailed(Failure.CONTENT, f"{len(samples)} series where none is expected: {_listed(samples)}", stage="value")
    missing = [sample for sample in samples if not expect.is_met(sample.value)]
    match expect.series:
        case Series.ALL:
            is_good = not missing
        case Series.ANY:
            is_good = len(missing) < len(samples)
        case _:
            assert_never(expect.series)
    if not is_good:
        shown = f"{len(missing)} of {len(samples)} series not {expect.bounds}: {_listed(missing)}"
        raise ProbeFailed(Failure.CONTENT, shown, stage="value")


def _listed(samples: Sequence[Sample]) -> str:
    return ", ".join(f"{sample.name} is {sample.value:g}" for sample in samples[:_SHOWN])


def target(settings: Settings) -> str:
    """The server's URL."""
    return settings.url


KIND = ProbeKind(name="prometheus", summary="A PromQL query gives values within bounds", settings=Settings, measure=measure, target=target)
