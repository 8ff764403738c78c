"""A web page, its status, its text and its pace."""

import base64
import re
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema, model_validator

from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door, Tls, Trust
from probes.http1 import Place, Request, Response, exchange, led_on, place
from probes.kind import ProbeKind
from probes.lines import TOTAL
from probes.result import Failure
from probes.settings import CLOSED, CaFile, Login, PositiveDuration, Secret, refuse_controls

_BODY = 1024 * 1024
_CONNECTION = TOTAL + 4 * _BODY
"""What a whole answer may take, framing included: chunks of few bytes cost several times their content."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_OURS = frozenset({"content-length", "transfer-encoding", "connection", "accept-encoding", "te", "upgrade"})
_CHARSET = re.compile(
    r"charset\s*=\s*\"?(utf-?8|utf-16(?:le|be)?|us-ascii|iso-8859-\d{1,2}|windows-125\d|koi8-[ru]|shift_jis|euc-jp|euc-kr|gbk|gb2312|gb18030|big5)\b",
    re.ASCII | re.IGNORECASE,
)
"""The codecs in which a page may be written. Python knows others that are no character sets, and some that unpack."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})


def _url(text: str) -> str:
    place(text)
    return text


def _header_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError("not the name of a header")
    if name.lower() in _OURS:
        raise ValueError("this header is the probe's own to set")
    return name


def _header_value(value: Secret) -> Secret:
    refuse_controls(value.reveal())
    try:
        value.reveal().encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError("a header holds Latin-1 characters only") from None
    return value


Url = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_url)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[
    Secret,
    AfterValidator(_header_value),
    WithJsonSchema({"description": "The header's value, or a reference {env: NAME} or {file: PATH}.", "type": ["string", "object"]}),
]
Status = Annotated[int, Field(ge=100, le=599, strict=True)]
Text = Annotated[str, Field(min_length=1, max_length=10_000)]


class Expect(BaseModel):
    """What the answer must be. No *status* means any 2xx. Slower than *slower_than* is a failure of its own, ``slow``."""

    model_config = CLOSED

    status: Annotated[tuple[Status, ...], Field(min_length=1)] | None = None
    body_contains: Text | None = None
    body_not_contains: Text | None = None
    slower_than: PositiveDuration | None = None


class Settings(BaseModel):
    """What is asked of whom. *redirects* is how many are followed; 0 takes the redirect itself as the answer."""

    model_config = CLOSED

    url: Url
    method: Literal["GET", "HEAD", "POST"] = "GET"
    headers: Mapping[HeaderName, HeaderValue] = Field(default_factory=dict)
    login: Login | None = None
    body: Text | None = None
    redirects: Annotated[int, Field(ge=0, le=10, strict=True)] = 5
    verify: bool = True
    ca: CaFile | None = None
    expect: Expect = Expect()

    @model_validator(mode="after")
    def _body_belongs_to_post(self) -> Self:
        if self.body is not None and self.method != "POST":
            raise ValueError("a body goes with method: POST only")
        if self.method == "HEAD" and self.expect.body_contains is not None:
            raise ValueError("an answer to HEAD has no body that could contain anything")
        return self


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Ask, follow, and compare with what is expected."""
    attempt.conceal(*(value.reveal() for value in settings.headers.values()))
    response = await _answer(settings, door, attempt)
    attempt.fact("status", response.status)
    attempt.fact("body_bytes", len(response.body))
    if response.is_truncated:
        attempt.warn("truncated", f"the body is longer than {_BODY} bytes; the rest was not read")
    _judge_status(settings, response)
    _judge_body(settings.expect, response)
    _judge_pace(settings.expect, attempt)


async def _answer(settings: Settings, door: Door, attempt: Attempt) -> Response:
    """Ask, and go where redirects lead: to the named host and port as to a named target, elsewhere as to a found one.

    What we carry (headers, name and password, body) stays with the origin that the file names.
    """
    named = here = place(settings.url)
    method, hops = settings.method, 0
    while True:
        is_home = here.origin == named.origin
        request = Request(
            method=method,
            place=here,
            headers=_headers(settings, attempt) if is_home else {},
            body=settings.body.encode() if settings.body is not None and method == "POST" else None,
        )
        response = await _ask(settings, request, door, attempt, is_named=(here.host, here.port) == (named.host, named.port))
        attempt.fact("redirects", hops)
        location = response.header("location")
        if response.status not in _REDIRECTS or location is None or settings.redirects == 0:
            return response
        hops += 1
        if hops > settings.redirects:
            raise ProbeFailed(Failure.REDIRECT, f"more than {settings.redirects} redirects", stage="redirect")
        here, method = _next(here, location, response.status, method)
        if method == "POST" and here.origin != named.origin:
            raise ProbeFailed(Failure.REDIRECT, "the body would be sent to a host that the file does not name", stage="redirect")


async def _ask(settings: Settings, request: Request, door: Door, attempt: Attempt, *, is_named: bool) -> Response:
    where = request.place
    tls = Tls(settings.verify, settings.ca) if where.scheme == "https" else None
    trust = Trust.NAMED if is_named else Trust.FOUND
    with await door.connect(where.host, where.port, trust=trust, tls=tls, attempt=attempt, most=_CONNECTION) as stream:
        return await exchange(stream, request, attempt, _BODY)


def _headers(settings: Settings, attempt: Attempt) -> dict[str, str]:
    headers = {name: value.reveal() for name, value in settings.headers.items()}
    if settings.login is not None:
        password = settings.login.password.reveal()
        basic = base64.b64encode(f"{settings.login.user}:{password}".encode()).decode()
        attempt.conceal(password, basic)
        headers["authorization"] = f"Basic {basic}"
    return headers


def _next(here: Place, location: str, status: int, method: str) -> tuple[Place, Literal["GET", "HEAD", "POST"]]:
    """Say where a redirect leads and how to ask there: 307 and 308 keep the method, the others turn POST into GET."""
    try:
        there = led_on(here, location)
    except ValueError as error:
        raise ProbeFailed(Failure.REDIRECT, f"a redirect leads to {location!r}: {error}", stage="redirect") from error
    if method == "HEAD":
        return there, "HEAD"
    return there, "POST" if method == "POST" and status in (307, 308) else "GET"


def _judge_status(settings: Settings, response: Response) -> None:
    wanted = settings.expect.status
    if (response.status in wanted) if wanted is not None else (200 <= response.status < 300):
        return
    if response.status == 401 and settings.login is not None:
        raise ProbeFailed(Failure.AUTH_REJECTED, "the server answers 401 to our name and password", stage="status")
    expected = "2xx" if wanted is None else " or ".join(str(status) for status in wanted)
    raise ProbeFailed(Failure.STATUS, f"status {response.status}, expected {expected}", stage="status")


def _judge_body(expect: Expect, response: Response) -> None:
    if expect.body_contains is None and expect.body_not_contains is None:
        return
    coding = response.header("content-encoding")
    if coding is not None and coding.lower() != "identity":
        raise ProbeFailed(Failure.CONTENT, f"the body is encoded as {coding!r}, which was not asked for", stage="content")
    text = _text(response)
    if expect.body_contains is not None and expect.body_contains not in text:
        where = f"the first {_BODY} bytes" if response.is_truncated else f"{len(response.body)} bytes"
        raise ProbeFailed(Failure.CONTENT, f"the expected text is not in {where} of body", stage="content")
    if expect.body_not_contains is not None and expect.body_not_contains in text:
        raise ProbeFailed(Failure.CONTENT, "the body contains the text that it must not", stage="content")


def _text(response: Response) -> str:
    matched = _CHARSET.search(response.header("content-type") or "")
    try:
        return response.body.decode(matched[1] if matched else "utf-8", "replace")
    except LookupError:
        return response.body.decode("utf-8", "replace")


def _judge_pace(expect: Expect, attempt: Attempt) -> None:
    if expect.slower_than is not None and (took := attempt.elapsed()) > expect.slower_than / timedelta(seconds=1):
        raise ProbeFailed(Failure.SLOW, f"the right answer, after {took:.3f} s", stage="transfer")


def target(settings: Settings) -> str:
    """The URL without its query, which may hold a token."""
    return settings.url.partition("?")[0]


def ad_hoc(typed: str) -> Settings:
    """A URL."""
    return Settings(url=_url(typed))


KIND = ProbeKind(name="http", summary="A web page answers as expected", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc)
