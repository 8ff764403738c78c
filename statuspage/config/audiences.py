"""Further pages of the installation: which services their readers see, under which name and sign, and how they come in."""

import re
from collections.abc import Iterator, Mapping
from math import log2
from pathlib import Path
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from probes.settings import Secret
from statuspage.config.logo import MOST_BYTES, BadLogo, Logo, logo_of
from statuspage.config.problems import Problem, Sources, Trail, matches, shown
from statuspage.config.types import Id, Section, Title, refuse

_HOST = re.compile(r"(?=.{1,253}$)[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)+")
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")

_HEX = re.compile(r"[0-9a-f]+|[0-9A-F]+")
_KINDS = (digits, ascii_lowercase, ascii_uppercase, "-_")

FEWEST = 10
"""Different letters of a token: what has fewer was typed and not drawn."""

ENOUGH_BITS = 128
"""What nobody guesses, however often they ask."""

_GUESSED = (
    f"can be guessed or does not fit into an address: it needs {ENOUGH_BITS} bits of chance in letters, digits, - or _, such as "
    '`python3 -c "import secrets; print(secrets.token_urlsafe())"` makes'
)


def _host(text: str) -> str:
    if not _HOST.fullmatch(text):
        refuse("not a host name; write it in small letters and without scheme, port or path, such as status.customer.example")
    return text


LogoFile = Annotated[str, Field(min_length=1, max_length=1024)]


class AudiencePage(Section):
    """A page of some services for readers of its own."""

    name: Title = Field(description="The name on the page and in its feeds.")
    services: tuple[Id, ...] = Field(min_length=1, description="The services that it shows, also such as are not public.")
    access: Literal["public", "token", "login"] = Field(
        description="Who may read it: everybody under its host, whoever knows its token, or every agent who is logged in."
    )
    host: Annotated[str, AfterValidator(_host)] | None = Field(None, description="The host name under which a public page is reached.")
    token: Secret | None = Field(
        None, description="What follows /pages/ in the address of a page for those who know it: {env: NAME} or {file: PATH}."
    )
    logo: LogoFile | None = Field(None, description="A file beside this one: an SVG or PNG for the head of the page.")

    @field_validator("host")
    @classmethod
    def _is_for_everybody(cls, host: str | None, info: ValidationInfo) -> str | None:
        access = info.data.get("access")
        if host is not None and access in {"token", "login"}:
            refuse("whoever asks this host would read a page that is private; remove the host, or write access: public")
        return host


def unclear_pages(sources: Sources) -> Iterator[Problem]:
    """Find pages that nobody can reach, those that are reached as another is, and those that can be guessed. Judged as written."""
    site = sources.value.get("site")
    url = site.get("url") if isinstance(site, dict) else None
    hosts = {_host_of(url): "site.url"} if isinstance(url, str) else {}
    tokens: dict[str, str] = {}
    for trail, page in matches(sources.value, "pages.*"):
        if isinstance(page, dict):
            id_ = str(trail[1])
            yield from _unreachable(trail, page, sources)
            host, token = page.get("host"), page.get("token")
            if isinstance(host, str) and (other := hosts.setdefault(host, f"the page {id_}")) != f"the page {id_}":
                yield sources.problem((*trail, "host"), f"is the host of {other} already; each page needs one of its own", shown(host))
            text = token.reveal() if isinstance(token, Secret) else ""
            if page.get("access") != "token" or not text:
                continue
            if (other := tokens.setdefault(text, id_)) != id_:
                yield sources.problem((*trail, "token"), f"is the token of the page {other} too; each page needs one of its own")
            if not _nobody_guesses(text):
                yield sources.problem((*trail, "token"), _GUESSED)


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def _unreachable(trail: Trail, page: Mapping[str, object], sources: Sources) -> Iterator[Problem]:
    match page.get("access"):
        case "public" if "host" not in page:
            yield sources.problem(trail, "everybody may read it, and no address leads to it; write a host", at_key=True)
        case "token" if "token" not in page:
            yield sources.problem(trail, "is read by whoever knows its token, and has none; write token: {env: NAME}", at_key=True)
        case "public" | "login" if "token" in page:
            yield sources.problem((*trail, "token"), "only a page with access: token has one; remove it, or change access")
        case _:
            return


def _nobody_guesses(token: str) -> bool:
    """Whether *token* holds enough, if it was drawn at random from the kinds of letters that it is made of."""
    kinds = 16 if _HEX.fullmatch(token) else sum(len(kind) for kind in _KINDS if set(kind) & set(token))
    return _TOKEN.fullmatch(token) is not None and len(set(token)) >= FEWEST and len(token) * log2(kinds) >= ENOUGH_BITS


def unnamed_windows(sources: Sources, hidden: Mapping[str, frozenset[str]]) -> Iterator[Problem]:
    """Find windows of the file that hit nothing but services that are not public, and name none: everybody would be told.

    *hidden* are, by component, the services that need it, for those components which no public service needs.
    """
    for trail, written in matches(sources.value, "maintenance.*"):
        if not isinstance(written, dict) or written.get("services"):
            continue
        parts = [part for part in written.get("components") or () if isinstance(part, str)]
        hit = sorted({service for part in parts for service in hidden.get(part, ())})
        if hit and all(part in hidden for part in parts):
            names = ", ".join(hit)
            yield sources.problem(
                trail, f"hits only what is not public and names no service: everybody is told; add services: [{names}]", at_key=True
            )


def logos(sources: Sources) -> tuple[Mapping[str, Logo], list[Problem]]:
    """The logos that the file names, by page (``site`` for that of the main one), and what is wrong with them."""
    found, problems = dict[str, Logo](), list[Problem]()
    for pattern in ("site.logo", "pages.*.logo"):
        for trail, name in matches(sources.value, pattern):
            if not isinstance(name, str) or not name:
                continue
            try:
                found["site" if trail[0] == "site" else str(trail[1])] = logo_of(_bytes(Path(sources.place(trail).file).parent / name))
            except OSError as error:
                problems.append(sources.problem(trail, f"cannot be read: {error.strerror}; correct the path", shown(name)))
            except BadLogo as error:
                problems.append(sources.problem(trail, str(error), shown(name)))
            except ValueError:
                problems.append(sources.problem(trail, "is not the name of a file; correct it", shown(name)))
    return found, problems


def _bytes(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(MOST_BYTES + 1)
