"""What an HTTP monitor of theirs asks, as ours ask it: method, headers, body and logins, with every secret referred to."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from statuspage.cli.importing.drafting import Address, Drafting, Unfit, Values, tells
from statuspage.cli.importing.texts import line, words

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}")
_OURS = frozenset({"content-length", "transfer-encoding", "connection", "accept-encoding", "te", "upgrade", "host"})
_VARIABLE = re.compile(r"\$\{?([A-Za-z_][A-Za-z0-9_]*)\}?")
_HIDES = re.compile(r"passw|secret|token|api[-_]?key|authorization", re.IGNORECASE)
MOST_SENT = 40_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What is asked, as the other product has it; *has_variables* where ``$NAME`` in a text means an environment variable."""

    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    user: str = ""
    has_bearer: bool = False
    has_variables: bool = False


def asked(drafting: Drafting, id: str, what: str, where: Address, request: Request) -> Values:
    """The keys of our ``http`` monitor that say it. Errors: Unfit."""
    method = request.method.upper() or "GET"
    if method not in METHODS:
        raise Unfit(f"the method {line(method, 20)} is none of {', '.join(METHODS)}")
    values: Values = {"probe": "http", "url": where.url}
    if method != "GET":
        values["method"] = method
    headers = {
        name: _header(drafting, id, what, name, text, request) for name, text in request.headers.items() if _is_fit(drafting, what, name)
    }
    if headers:
        values["headers"] = headers
    user = request.user or where.user
    if user and not request.has_bearer:
        values["login"] = drafting.login(id, user, what)
    elif request.has_bearer:
        values["bearer"] = drafting.secret(id, "token", f"the bearer token of {what}")
    if request.body and method in {"GET", "HEAD"}:
        drafting.leave(what, f"a body is not sent with {method}")
    elif request.body:
        values["body"] = sent(drafting, id, what, request.body, has_variables=request.has_variables)
    return values | _in_clear(drafting, what, where, values) | hidden(drafting, what, where)


def hidden(drafting: Drafting, what: str, where: Address) -> Values:
    """What becomes of an address that held a secret: it cannot be a reference, so that the monitor stands still."""
    if not where.hidden:
        return {}
    parameters = ", ".join(where.hidden)
    drafting.leave(
        what,
        f"its address held a secret ({parameters}), which was taken out",
        "send it in a header, or write the address yourself; then enable it",
    )
    return {"enabled": False}


def _is_fit(drafting: Drafting, what: str, name: str) -> bool:
    if _NAME.fullmatch(name) and name.lower() not in _OURS:
        return True
    if name.lower() not in {"connection", "accept-encoding", "content-length", "te"}:
        drafting.leave(what, f"the header {line(name, 60)} is the probe's own to set, or is none")
    return False


def _header(drafting: Drafting, id: str, what: str, name: str, text: str, request: Request) -> str | Values:
    variable = _VARIABLE.fullmatch(text.strip()) if request.has_variables else None
    if tells(name) or variable or (request.has_variables and _VARIABLE.search(text)) or not text.isprintable() or not text.isascii():
        return drafting.secret(id, name, f"the header {name} of {what}", variable[1] if variable else "")
    return text.strip() or drafting.secret(id, name, f"the header {name} of {what}")


def sent(drafting: Drafting, id: str, what: str, body: str, *, has_variables: bool) -> str | Values:
    """What is sent, or a reference to it where it may hold a secret, or would not stand in a file as it is."""
    is_secret = _HIDES.search(body) or (has_variables and _VARIABLE.search(body))
    if is_secret or len(body.encode(errors="replace")) > MOST_SENT or words(body, MOST_SENT) != body:
        return drafting.secret(id, "body", f"what {what} sends")
    return body


def _in_clear(drafting: Drafting, what: str, where: Address, values: Values) -> Values:
    """A secret without encryption crosses a network only where somebody has said so."""
    told = values.get("headers")
    parts = [values.get("login"), values.get("bearer"), isinstance(values.get("body"), Mapping)]
    has_secret = any(parts) or (isinstance(told, Mapping) and any(isinstance(one, Mapping) for one in told.values()))
    if not has_secret or not where.is_overheard:
        return {}
    drafting.leave(what, "it sends a secret without encryption, as it did there (allow_plaintext)", "use https, and take the key out")
    return {"allow_plaintext": True}
