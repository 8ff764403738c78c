"""What columns are made of: instants that name their zone, closed choices as words, and the one metadata that all tables belong to."""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import TypeVar

from sqlalchemy import JSON, Column, DateTime, Dialect, Integer, MetaData, Text, TypeDecorator

E = TypeVar("E", bound=StrEnum)


class Instant(TypeDecorator[datetime]):
    """An aware instant, kept and given back in UTC. SQLite would take naive ones without a word and give naive ones back."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value} names no zone: only aware instants are kept")
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if dialect.name == "sqlite" else value.astimezone(UTC)


class Choice(TypeDecorator[E]):
    """One of a closed list, kept as its word."""

    impl = Text
    cache_ok = True

    def __init__(self, choices: type[E]) -> None:
        super().__init__()
        self.choices = choices

    def process_bind_param(self, value: E | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else self.choices(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:  # noqa: ARG002 - SQLAlchemy's signature
        return None if value is None else self.choices(value)


class Texts(TypeDecorator[Mapping[str, str]]):
    """A text by language; empty where the row is of a release that kept none."""

    impl = JSON(none_as_null=True)
    cache_ok = True

    def process_bind_param(self, value: Mapping[str, str] | None, dialect: Dialect) -> dict[str, str] | None:  # noqa: ARG002 - as above
        return dict(value) if value else None

    def process_result_value(self, value: dict[str, str] | None, dialect: Dialect) -> Mapping[str, str]:  # noqa: ARG002 - as above
        return MappingProxyType(value or {})


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def text(name: str, *, primary_key: bool = False, unique: bool | None = None) -> Column[str]:
    """A text that is always there."""
    return Column(name, Text, primary_key=primary_key, unique=unique, nullable=False)


def instant(name: str) -> Column[datetime]:
    """An instant that is always there."""
    return Column(name, Instant, nullable=False)


def number(name: str) -> Column[int]:
    """A whole number that is always there."""
    return Column(name, Integer, nullable=False)


def in_languages() -> tuple[Column[str], Column[Mapping[str, str]], Column[Mapping[str, str]]]:
    """Which language public words are in (none: an older release wrote them), and their title and body in others."""
    return Column("language", Text), Column("titles", Texts), Column("bodies", Texts)


def sequence() -> Column[int]:
    """The place of a row among all that were ever written."""
    return Column("sequence", Integer, primary_key=True, autoincrement=True)
