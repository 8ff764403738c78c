"""A web page, its status, its headers, its text and its pace."""

import base64
import re
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal, Self, TypeAlias

from pydantic import AfterValidator, BaseModel, Field, WithJsonSchema, model_validator

from probes.addresses import is_this_machine
from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door, Tls, Trust
from probes.expect import Expect, judge
from probes.kind import ProbeKind
from probes.lines import TOTAL, Stream
from probes.result import Failure
from probes.settings import CLOSED, CaFile, CertificateFile, Duration, IpVersion, KeyFile, Login, Secret, refuse_controls
from probes.wire.http1 import Place, Request, Response, exchange, led_on, place

_BODY = 1024 * 1024
MOST_SENT = 40_000
"""Bytes of a body that we send."""
_FRAMING = 3
"""What a whole answer may take beyond its body, in bodies: chunks of few bytes cost several times their content."""
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_OURS = frozenset({"content-length", "transfer-encoding", "connection", "accept-encoding", "te", "upgrade"})
_TELLING = re.compile(r"auth|cookie|token|secret|passw|(?:api|access)-?key", re.IGNORECASE)
"""Names of headers whose values are secrets, also where nobody says so."""
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HARMLESS = frozenset({"GET", "HEAD", "OPTIONS"})

Method: TypeAlias = Literal["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]


def _url(text: str) -> str:
    place(text)
    return text


def _header_name(name: str) -> str:
    if not _TOKEN.fullmatch(name):
        raise ValueError("not the name of a header")
    if name.lower() in _OURS:
        raise ValueError("this header is the probe's own to set")
    return name


def _header_value(value: str | Secret) -> str | Secret:
    text = revealed(value)
    refuse_controls(text)
    try:
        text.encode("latin-1")
    except UnicodeEncodeError:
        raise ValueError("a header holds Latin-1 characters only") from None
    return value


def guarded(headers: Mapping[str, str | Secret]) -> Mapping[str, str | Secret]:
    """Return *headers* with secrets where their names tell of them: those may not stand in the file, and are concealed."""
    return {name: Secret(value) if isinstance(value, str) and _TELLING.search(name) else value for name, value in headers.items()}


def revealed(value: str | Secret) -> str:
    """Return the text, secret or not."""
    return value.reveal() if isinstance(value, Secret) else value


def _body(value: str | Secret) -> str | Secret:
    try:
        size = len(revealed(value).encode())
    except UnicodeEncodeError:
        raise ValueError("not Unicode text") from None
    if not 0 < size <= MOST_SENT:
        raise ValueError(f"empty, or more than {MOST_SENT} bytes")
    return value


def _described(what: str) -> WithJsonSchema:
    return WithJsonSchema({"description": f"{what}, or a reference {{env: NAME}} or {{file: PATH}}.", "type": ["string", "object"]})


Url = Annotated[str, Field(min_length=1, max_length=2000), AfterValidator(_url)]
HeaderName = Annotated[str, AfterValidator(_header_name)]
HeaderValue = Annotated[str | Secret, AfterValidator(_header_value), _described("The header's value")]
BearerToken = Annotated[Secret, AfterValidator(_header_value)]
Body = Annotated[str | Secret, AfterValidator(_body), _described("What is sent")]


class Settings(BaseModel):
    """What is asked of whom. *redirects* is how many are followed; 0 takes the redirect itself as the answer.

    *allow_plaintext* lets secrets (a login, a bearer token, headers and a body that are references) cross a network in clear.
    """

    model_config = CLOSED

    url: Url
    method: Method = "GET"
    headers: Annotated[Mapping[HeaderName, HeaderValue], AfterValidator(guarded)] = Field(default_factory=dict)
    login: Login | None = None
    bearer: BearerToken | None = None
    allow_plaintext: bool = False
    body: Body | None = None
    redirects: Annotated[int, Field(ge=0, le=10, strict=True)] = 5
    redirects_to: Literal["anywhere", "host", "origin"] = "anywhere"
    ip: IpVersion = "any"
    verify: bool = True
    ca: CaFile | None = None
    certificate: CertificateFile | None = None
    key: KeyFile | None = None
    expires_within: Duration = timedelta(days=14)
    max_body: Annotated[int, Field(ge=1, le=4 * _BODY, strict=True)] = _BODY
    expect: Expect = Expect()

    @cached_property
    def named(self) -> Place:
        """The URL taken apart, once: it costs more than the request."""
        return place(self.url)

    @model_validator(mode="after")
    def _can_work(self) -> Self:
        if self.body is not None and self.method in ("GET", "HEAD"):
            raise ValueError("a body goes with method POST, PUT, PATCH, DELETE or OPTIONS, not with GET or HEAD")
        if self.method == "HEAD" and self.expect.needs_body:
            raise ValueError("an answer to HEAD has no body that could contain anything")
        if self.key is not None and self.certificate is None:
            raise ValueError("a key goes with a certificate")
        if self.bearer is not None and self.login is not None:
            raise ValueError("a login or a bearer token, not both: one header carries either")
        if not self.allow_plaintext and secrets(self) and not _is_private(self.named):
            raise ValueError("without TLS a secret would be sent in clear: say allow_plaintext: true where that is meant")
        return self


def trusting(settings: Settings, ca: Path | None) -> Settings:
    """Return *settings* with the authorities in *ca*, whose path was judged when the file that names it was read.

    It is not judged anew for each probe: where it is gone since then, that is found where it is opened, and our trouble.
    """
    return settings.model_copy(update={"ca": ca})


def secrets(settings: Settings) -> list[str]:
    """Return the texts of *settings* that nobody else may read."""
    found = [value.reveal() for value in settings.headers.values() if isinstance(value, Secret)]
    if settings.login is not None:
        found += [settings.login.password.reveal(), _basic(settings.login)]
    found += [each.reveal() for each in (settings.bearer, settings.body) if isinstance(each, Secret)]
    return found


def _basic(login: Login) -> str:
    return base64.b64encode(f"{login.user}:{login.password.reveal()}".encode()).decode()


def _is_private(where: Place) -> bool:
    """Say whether nobody between here and *where* can read along: it is encrypted, or on this machine."""
    return where.scheme == "https" or is_this_machine(where.host)


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Ask, follow, and compare with what is expected."""
    response = await answer(settings, door, attempt)
    if response.is_truncated:
        attempt.warn("truncated", f"the body is longer than {settings.max_body} bytes; the rest was not read")
    _judge_login(settings, response)
    await judge(settings.expect, response, attempt)
    judge_certificate(settings.expires_within, attempt)


async def answer(settings: Settings, door: Door, attempt: Attempt) -> Response:
    """Ask, go where redirects lead, and return the last answer unjudged; for kinds that are spoken over HTTP too.

    Redirects lead to the named host and port as to a named target, elsewhere as to a found one. What we carry (headers, name and
    password, body) stays with the origin that the file names. Records the facts ``redirects``, ``http_version``, ``status`` and
    ``body_bytes``.
    Errors: ProbeFailed, among others with REDIRECT.
    """
    here, method, hops = settings.named, settings.method, 0
    while True:
        response = await _ask(settings, method, here, door, attempt)
        attempt.fact("redirects", hops)
        location = response.header("location")
        if response.status not in _REDIRECTS or location is None or settings.redirects == 0:
            attempt.fact("http_version", response.version)
            attempt.fact("status", response.status)
            attempt.fact("body_bytes", len(response.body))
            return response
        hops += 1
        if hops > settings.redirects:
            raise ProbeFailed(Failure.REDIRECT, f"more than {settings.redirects} redirects", stage="redirect")
        here, method = _next(settings, here, location, response.status, method, attempt)


async def _ask(settings: Settings, method: Method, here: Place, door: Door, attempt: Attempt) -> Response:
    is_home = here.origin == settings.named.origin
    headers = carried(settings) if is_home else {}
    body = revealed(settings.body).encode() if settings.body is not None and is_home and method == settings.method else None
    request = Request(method=method, place=here, headers=headers, body=body)
    with await reach(settings, here, door, attempt, most=TOTAL + (1 + _FRAMING) * settings.max_body) as stream:
        response = await exchange(stream, request, attempt, settings.max_body)
        return response if is_home else replace(response, is_foreign=True)


def carried(settings: Settings) -> dict[str, str]:
    """Return the headers that *settings* ask for, with what shows who we are."""
    headers = {name: revealed(value) for name, value in settings.headers.items()}
    if settings.login is not None:
        headers["authorization"] = f"Basic {_basic(settings.login)}"
    if settings.bearer is not None:
        headers["authorization"] = f"Bearer {settings.bearer.reveal()}"
    return headers


async def reach(settings: Settings, here: Place, door: Door, attempt: Attempt, *, most: int) -> Stream:
    """Connect to *here* as *settings* say, and conceal their secrets; our certificate is shown to the named origin alone.

    Errors: those of ``door.connect``, and ProbeFailed with TLS_MISSING where a secret would cross a network in clear.
    """
    named, kept = settings.named, secrets(settings)
    attempt.conceal(*kept)
    tls = None
    if here.scheme == "https":
        ours = (settings.certificate, settings.key) if here.origin == named.origin else (None, None)
        tls = Tls(settings.verify, settings.ca, *ours)
    trust = Trust.NAMED if (here.host, here.port) == (named.host, named.port) else Trust.FOUND
    stream = await door.connect(here.host, here.port, trust=trust, tls=tls, ip=settings.ip, attempt=attempt, most=most)
    if kept and not settings.allow_plaintext and here.origin == named.origin:
        _refuse_plaintext(stream)
    return stream


def _refuse_plaintext(stream: Stream) -> None:
    """Refuse to send a secret in clear to another machine, also where a name of this one leads there."""
    if stream.may_be_overheard:
        stream.abort()
        raise ProbeFailed(Failure.TLS_MISSING, "no encryption: the secret was not sent")


def _next(settings: Settings, here: Place, location: str, status: int, method: Method, attempt: Attempt) -> tuple[Place, Method]:
    """Say where a redirect leads and how to ask there: 303 asks by GET, and so do 301 and 302 after a POST."""
    named = settings.named
    try:
        there = led_on(here, location)
    except ValueError as error:
        raise ProbeFailed(Failure.REDIRECT, f"a redirect leads to {location!r}: {error}", stage="redirect") from error
    if settings.redirects_to == "origin" and there.origin != named.origin:
        raise ProbeFailed(Failure.REDIRECT, f"a redirect leads to another origin, {there.authority}", stage="redirect")
    if settings.redirects_to == "host" and there.host.lower() != named.host.lower():
        raise ProbeFailed(Failure.REDIRECT, f"a redirect leads to another host, {there.authority}", stage="redirect")
    if here.scheme == "https" and there.scheme == "http":
        attempt.warn("insecure_redirect", f"a redirect leads from https to http, {there.authority}")
    if (status == 303 and method != "HEAD") or (status in (301, 302) and method == "POST"):
        method = "GET"
    if method not in _HARMLESS and there.origin != named.origin:
        raise ProbeFailed(Failure.REDIRECT, f"the {method} would be sent to a host that the file does not name", stage="redirect")
    return there, method


def _judge_login(settings: Settings, response: Response) -> None:
    is_shown = (settings.login or settings.bearer) is not None and not response.is_foreign
    if response.status == 401 and is_shown and not settings.expect.takes(401):
        shown = "name and password" if settings.login is not None else "bearer token"
        raise ProbeFailed(Failure.AUTH_REJECTED, f"the server answers 401 to our {shown}", stage="status")


def judge_certificate(within: timedelta, attempt: Attempt) -> None:
    """Warn where the certificate that the last server showed, verified, ends *within* that time."""
    ends = attempt.facts.get(f"{attempt.prefix}tls_expires_at")
    if ends is None:
        return
    left = datetime.fromtimestamp(ends, UTC) - attempt.now()
    if left <= within:
        attempt.warn("expires_soon", f"the certificate ends in {left.days} days")


def target(settings: Settings) -> str:
    """The URL without its query, which may hold a token."""
    return settings.url.partition("?")[0]


def ad_hoc(typed: str) -> Settings:
    """A URL."""
    return Settings(url=_url(typed))


KIND = ProbeKind(name="http", summary="A web page answers as expected", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc)
