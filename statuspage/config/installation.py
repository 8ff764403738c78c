"""The installation's side of the configuration: whose page it is, where it listens, keeps, writes from, and what it may reach."""

from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator

from probes.settings import Host, Port, PositiveDuration, Secret
from statuspage.config.destinations import destination
from statuspage.config.types import (
    Address,
    Cidr,
    Count,
    Id,
    Language,
    Link,
    ListenAddress,
    MailAddress,
    Section,
    Sender,
    SiteUrl,
    StoreUrl,
    Title,
    Url,
    Zone,
    refuse,
)

EVERY_ADDRESS = frozenset({"0.0.0.0", "::"})  # noqa: S104 - recognised, not bound


class Support(Section):
    """Where customers get help."""

    email: MailAddress | None = Field(None, description="A mail address.")
    phone: str | None = Field(None, min_length=3, max_length=60, description="A telephone number, as people read it.")
    url: Link | None = Field(None, description="A page or chat.")


class Site(Section):
    """Whose page it is."""

    name: Title = Field(description="The name on the page, in feeds and in mail.")
    url: SiteUrl = Field(description="The canonical address: the stem of every link in pages, feeds and mail.")
    timezone: Zone = Field("UTC", description="The zone whose days the history shows, and whose time stands beside UTC.")
    language: Language = Field("en", description="The language of texts that are given in one language only.")
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] | None = Field(
        None, description="The languages that the page can be read in, site.language first; all that it speaks by default."
    )
    support: Support = Field(Support(), description="Where customers get help.")
    links: Mapping[Id, Link] = Field({}, description="Links at the foot of the page, such as imprint and privacy.")
    logo: str | None = Field(
        None, min_length=1, max_length=1024, description="A file beside this one: an SVG or PNG for the head of the page."
    )

    @field_validator("languages")
    @classmethod
    def _begin_with_its_own(cls, named: tuple[str, ...] | None, info: ValidationInfo) -> tuple[str, ...] | None:
        own = info.data.get("language")
        if named is not None and own is not None and named[0] != own:
            refuse(f"the first must be the site's own, which is {own}; write [{', '.join((own, *(one for one in named if one != own)))}]")
        if named is not None and len(set(named)) < len(named):
            refuse("each language once")
        return named


class Console(Section):
    """Where agents work."""

    url: SiteUrl = Field("http://127.0.0.1:8081", description="The stem of links in messages to agents; listen.internal by default.")


class Listen(Section):
    """Addresses to listen on."""

    public: ListenAddress = Field(Address("127.0.0.1", 8080), description="The public page, feeds and read API.")
    internal: ListenAddress = Field(Address("127.0.0.1", 8081), description="The console, the write API and metrics.")
    metrics: ListenAddress | None = Field(
        None, description="An address of their own, beside the internal one, for /metrics, /probe and /sd."
    )
    trusted_proxies: tuple[Cidr, ...] = Field((), description="Networks whose forwarded_header is believed; see docs/proxies.md.")
    forwarded_header: Literal["X-Forwarded-For", "Forwarded"] = Field(
        "X-Forwarded-For", description="The header in which trusted proxies name the client. The other is not read."
    )

    @field_validator("internal", "metrics")
    @classmethod
    def _is_free(cls, mine: Address | None, info: ValidationInfo) -> Address | None:
        for name in ("public", "internal"):
            other = info.data.get(name)
            if mine is not None and other is not None and name != info.field_name and _collide(mine, other):
                refuse(f"{name} listens there already; choose another port")
        return mine


def _collide(one: Address, other: Address) -> bool:
    return one.port == other.port != 0 and (one.host == other.host or not EVERY_ADDRESS.isdisjoint({one.host, other.host}))


class Retention(Section):
    """How long things are kept."""

    results: PositiveDuration = Field(timedelta(days=14), description="Single results.")
    hourly: PositiveDuration = Field(timedelta(days=400), description="Hourly roll-ups; daily ones and status changes stay for ever.")
    notifications: PositiveDuration = Field(timedelta(days=400), description="Which subscriber was told what, and when.")
    audit: PositiveDuration = Field(timedelta(days=3650), description="Who did what.")
    changes: PositiveDuration = Field(timedelta(days=1100), description="What was altered; versions of the configuration stay for ever.")
    callers: PositiveDuration = Field(timedelta(days=180), description="Customers who called, and what was reported through the page.")


class Backup(Section):
    """Copies of the store."""

    every: PositiveDuration = Field(timedelta(days=1), description="How often.")
    keep: Count = Field(14, description="How many copies stay, the newest.")
    weekly: Annotated[int, Field(strict=True, ge=0, le=1000)] = Field(0, description="How many more stay, the newest of a week each.")
    to: str = Field("backups", min_length=1, description="The directory, relative to the data directory.")


class Store(Section):
    """Where everything is kept."""

    url: StoreUrl = Field(
        "sqlite:///statuspage.db", repr=False, description="sqlite:///NAME in the data directory, or postgresql+psycopg://…."
    )
    retention: Retention = Field(Retention(), description="How long things are kept.")
    backup: Backup | None = Field(None, description="Copies of the store.")


class Mirror(Section):
    """The whole public face as files, for any static host; see docs/mirror.md."""

    to: Annotated[str, AfterValidator(destination)] = Field(
        min_length=1,
        description="A directory (relative to the data directory; a host serves its `current`), rsync://HOST/MODULE/PATH, "
        "USER@HOST:PATH (rsync by ssh), or s3://BUCKET/PREFIX.",
    )
    login: Id | None = Field(None, description="An entry of credentials: an rsync daemon's, or a bucket's key and its secret.")
    endpoint: Url | None = Field(None, description="Where the bucket is asked for; Amazon's own address for the region without it.")
    region: Annotated[str, Field(pattern=r"^[a-z0-9-]{1,40}$")] = Field("us-east-1", description="The bucket's region.")
    within: PositiveDuration = Field(timedelta(minutes=5), description="How long it may take to carry the files elsewhere.")


class Mail(Section):
    """Outgoing mail: to subscribers, and to the people who are named here."""

    host: Host = Field(description="The submission server.")
    port: Port = Field(587, description="Its port.")
    tls: Literal["never", "starttls", "implicit"] = Field("starttls", description="How the connection is encrypted.")
    login: Id | None = Field(None, description="An entry of credentials.")
    sender: Sender = Field(alias="from", description='Who writes: "Name <address@example.org>".')
    reports_to: tuple[MailAddress, ...] = Field(
        (), description="Who gets availability, the desk's figures and the review of each month that is over."
    )


class Egress(Section):
    """Where redirects and webhooks may lead."""

    allow: tuple[Cidr, ...] = Field((), description="Networks beyond public addresses.")


def _directory(path: Path) -> Path:
    if not path.is_absolute():
        refuse("write the whole path of a directory, such as /usr/lib/nagios/plugins")
    return path


class Plugins(Section):
    """Which programs monitors of the kind plugin may run: none, unless their directory is named here."""

    allow: tuple[Annotated[Path, AfterValidator(_directory)], ...] = Field((), description="Directories whose programs may be run.")


class Credentials(Section):
    """A name and password that monitors log in with."""

    user: str = Field(min_length=1, max_length=320, description="The name.")
    password: Secret = Field(description="The password: {env: NAME} or {file: PATH}.")
