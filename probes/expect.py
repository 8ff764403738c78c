"""What an answer over HTTP must be, and the judgement of one."""

import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Self

from pydantic import BaseModel, Field, model_validator

from probes.attempt import Attempt, ProbeFailed
from probes.result import Failure
from probes.settings import CLOSED, PositiveDuration
from probes.wire import jsontext
from probes.wire.expectations import Condition, JsonPath, Status, Text, is_among, objection
from probes.wire.http1 import Response
from probes.wire.jsonpath import select, steps
from probes.wire.patterns import Pattern

_MOST_CONDITIONS = 50
_CHARSET = re.compile(
    r"charset\s*=\s*\"?(utf-?8|utf-16(?:le|be)?|us-ascii|iso-8859-\d{1,2}|windows-125\d|koi8-[ru]|shift_jis|euc-jp|euc-kr|gbk|gb2312|gb18030|big5)\b",
    re.ASCII | re.IGNORECASE,
)
"""The codecs in which a page may be written. Python knows others that are no character sets, and some that unpack."""
_HEADER = r"^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}$"


class Expect(BaseModel):
    """What the answer must be. No *status* means any 2xx. Slower than *slower_than* is a failure of its own, ``slow``."""

    model_config = CLOSED

    status: Annotated[tuple[Status, ...], Field(min_length=1)] | None = None
    headers: Annotated[Mapping[Annotated[str, Field(pattern=_HEADER)], Condition], Field(max_length=_MOST_CONDITIONS)] = Field(
        default_factory=dict
    )
    body_contains: Text | None = None
    body_not_contains: Text | None = None
    body_matches: Pattern | None = None
    body_not_matches: Pattern | None = None
    json_values: Annotated[Mapping[JsonPath, Condition], Field(max_length=_MOST_CONDITIONS)] = Field(default_factory=dict)
    slower_than: PositiveDuration | None = None

    @model_validator(mode="after")
    def _headers_are_text(self) -> Self:
        for condition in self.headers.values():
            if not all(isinstance(each, str | None) for each in (condition.equals, condition.not_equals)):
                raise ValueError("a header is text: write the value that it equals in quotes")
        return self

    @property
    def needs_body(self) -> bool:
        """Whether anything is expected of the body."""
        texts = (self.body_contains, self.body_not_contains, self.body_matches, self.body_not_matches)
        return bool(self.json_values) or any(each is not None for each in texts)

    def takes(self, status: int) -> bool:
        """Say whether *status* is fine."""
        return 200 <= status < 300 if self.status is None else is_among(status, self.status)


async def judge(expect: Expect, response: Response, attempt: Attempt) -> None:
    """Compare *response* with what is expected, its pace last. Errors: ProbeFailed with STATUS, CONTENT or SLOW."""
    if not expect.takes(response.status):
        wanted = "2xx" if expect.status is None else " or ".join(str(status) for status in expect.status)
        raise ProbeFailed(Failure.STATUS, f"status {response.status}, expected {wanted}", stage="status")
    for name, condition in expect.headers.items():
        await _judge_header(name, condition, response)
    if expect.needs_body:
        await _judge_body(expect, response)
    if expect.slower_than is not None and (took := attempt.elapsed()) > expect.slower_than / timedelta(seconds=1):
        raise ProbeFailed(Failure.SLOW, f"the right answer, after {took:.3f} s", stage="transfer")


async def _judge_header(name: str, condition: Condition, response: Response) -> None:
    """Every line of that name must meet the condition; several are no list, some headers may not be joined (RFC 9110 section 5.3)."""
    values = [value for each, value in response.headers if each == name.lower()]
    await _judge_values(f"the header {name}", condition, values, stage="headers")


async def _judge_values(what: str, condition: Condition, values: list[str] | list[object], stage: str) -> None:
    if condition.exists and not values:
        raise ProbeFailed(Failure.CONTENT, f"{what} is missing", stage=stage)
    if not condition.exists and values:
        raise ProbeFailed(Failure.CONTENT, f"{what} is there, and must not be", stage=stage)
    for value in values:
        if (why := await objection(condition, value)) is not None:
            raise ProbeFailed(Failure.CONTENT, f"{what} {why}", stage=stage)


async def _judge_body(expect: Expect, response: Response) -> None:
    coding = response.header("content-encoding")
    if coding is not None and coding.lower() != "identity":
        raise ProbeFailed(Failure.CONTENT, f"the body is encoded as {coding!r}, which was not asked for", stage="content")
    if expect.body_contains is not None or expect.body_not_contains is not None:
        _judge_text(expect, response)
    if expect.body_matches is not None and not await expect.body_matches.is_in(_octets(response)):
        raise ProbeFailed(Failure.CONTENT, f"the expected pattern is not in {_extent(response)} of body", stage="content")
    if expect.body_not_matches is not None and await expect.body_not_matches.is_in(_octets(response)):
        raise ProbeFailed(Failure.CONTENT, "the body matches the pattern that it must not", stage="content")
    if expect.json_values:
        await _judge_json(expect.json_values, response)


def _judge_text(expect: Expect, response: Response) -> None:
    text = _text(response)
    if expect.body_contains is not None and expect.body_contains not in text:
        raise ProbeFailed(Failure.CONTENT, f"the expected text is not in {_extent(response)} of body", stage="content")
    if expect.body_not_contains is not None and expect.body_not_contains in text:
        raise ProbeFailed(Failure.CONTENT, "the body contains the text that it must not", stage="content")


def _extent(response: Response) -> str:
    return f"the first {len(response.body)} bytes" if response.is_truncated else f"{len(response.body)} bytes"


def _charset(response: Response) -> str:
    matched = _CHARSET.search(response.header("content-type") or "")
    return matched[1] if matched else "utf-8"


def _text(response: Response) -> str:
    try:
        return response.body.decode(_charset(response), "replace")
    except LookupError:
        return response.body.decode("utf-8", "replace")


def _octets(response: Response) -> bytes:
    """The body in UTF-8, as patterns take it."""
    is_utf8 = _charset(response).lower() in ("utf-8", "utf8", "us-ascii")
    return response.body if is_utf8 else _text(response).encode("utf-8", "replace")


async def _judge_json(values: Mapping[str, Condition], response: Response) -> None:
    if response.is_truncated:
        raise ProbeFailed(Failure.CONTENT, f"unreadable as JSON: longer than {len(response.body)} bytes", stage="content")
    document = jsontext.read(response.body, stage="content")
    for path, condition in values.items():
        try:
            found = select(document, steps(path))
        except ValueError as error:
            raise ProbeFailed(Failure.CONTENT, f"{path}: {error}", stage="content") from error
        await _judge_values(path, condition, found, stage="content")
