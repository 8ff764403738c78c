"""What a backup says of itself: who made it and when, what it holds, and what has to be supplied besides."""

from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from statuspage.backups.archive import BadArchive
from statuspage.store.copies import TableCopy
from statuspage.store.migrations.steps import known

FORMAT = 1


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class Needed(_Part):
    """A secret that no backup holds: where the configuration asks for it (*path*), and where that looks."""

    path: str
    env: str | None = None
    file: str | None = None

    def __str__(self) -> str:
        return f"{self.path}: " + (f"the environment variable {self.env}" if self.env is not None else f"the file {self.file}")


class Configured(_Part):
    """The configuration that was in use: the *name* of its file, or of the directory of its files."""

    name: str = Field(pattern=r"^[^/\\\x00-\x1f]+$")
    is_directory: bool


class Kept(_Part):
    """What of the store is in it: a whole database file, to be called *file* in the data directory, or *tables*."""

    kind: Literal["sqlite", "postgresql"]
    file: str = ""
    tables: tuple[TableCopy, ...] = ()


class Manifest(_Part):
    """What a backup says of itself. *elsewhere* are files that the configuration names and that lie outside of its directory."""

    format: int
    product: Literal["statuspage"]
    version: str
    schema_: str = Field(alias="schema", pattern=r"^[0-9a-z]{1,32}$")
    taken_at: datetime
    store: Kept
    config: Configured | None = None
    secrets: tuple[Needed, ...] = ()
    elsewhere: tuple[str, ...] = ()

    def head(self) -> Mapping[str, Any]:
        """As JSON has it."""
        return self.model_dump(mode="json", by_alias=True)


def manifest_of(raw: Mapping[str, Any]) -> Manifest:
    """Read what an archive says of itself. Errors: BadArchive, also where a newer release wrote it."""
    schema, form = raw.get("schema"), raw.get("format")
    if (isinstance(form, int) and form > FORMAT) or (isinstance(schema, str) and schema not in known() and form == FORMAT):
        made, here = raw.get("version"), version("statuspage-service")
        raise BadArchive(f"was made by a newer release ({made!s:.40}, schema {schema!s:.40}; this is {here}): restore it with that one")
    try:
        return Manifest.model_validate(raw)
    except ValidationError as error:
        where = ".".join(str(part) for part in error.errors()[0]["loc"])
        raise BadArchive(f"is no backup: what its manifest says of {where} cannot be read") from error
