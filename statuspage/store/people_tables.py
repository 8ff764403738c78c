"""The tables of those who may come in: agents, their sessions and invitations, and the tokens of programs."""

from sqlalchemy import JSON, BigInteger, Column, ForeignKey, Index, Table, Text

from statuspage.store.columns import Instant, instant, metadata, text

agents = Table(
    "agents",
    metadata,
    text("name", primary_key=True),
    text("password_hash"),
    Column("roles", JSON, nullable=False),
    Column("disabled_at", Instant),
    instant("created_at"),
    Column("teams", JSON(none_as_null=True)),  # none: for all
)

sessions = Table(
    "sessions",
    metadata,
    text("token_hash", primary_key=True),
    Column("agent", Text, ForeignKey("agents.name"), nullable=False),
    text("csrf"),
    instant("created_at"),
    instant("expires_at"),
    Column("address", Text),  # whence somebody logged in; none: an older release did not say
    Column("issuer", Text),  # of the provider that let them in; none: a password did
    Index(None, "agent"),
)

invitations = Table(
    "invitations",
    metadata,
    text("code_hash", primary_key=True),
    Column("agent", Text, ForeignKey("agents.name"), nullable=False),
    instant("expires_at"),
    Index(None, "agent"),
)

tokens = Table(
    "tokens",
    metadata,
    text("name", primary_key=True),
    text("token_hash", unique=True),
    Column("roles", JSON, nullable=False),
    instant("created_at"),
    Column("expires_at", Instant),
    Column("revoked_at", Instant),
    Column("last_used_at", Instant),
    Column("teams", JSON(none_as_null=True)),  # none: for all
    Column("scopes", JSON(none_as_null=True)),  # none: all that its roles may do
)

identities = Table(
    "identities",
    metadata,
    text("issuer", primary_key=True),
    text("subject", primary_key=True),
    Column("agent", Text, ForeignKey("agents.name"), nullable=False),
    instant("linked_at"),
    Index(None, "agent"),
)

second_factors = Table(
    "second_factors",
    metadata,
    Column("agent", Text, ForeignKey("agents.name"), primary_key=True),
    text("secret"),
    Column("confirmed_at", Instant),  # none: it was shown, and no code of it was given back yet
    Column("last_step", BigInteger, nullable=False),  # of the newest code that was taken: none is taken twice
    Column("recovery", JSON, nullable=False),  # digests of the codes that are left
)
