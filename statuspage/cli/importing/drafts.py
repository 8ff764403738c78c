"""A configuration in the making: what was read of another product, as the YAML that ours takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from statuspage.cli.importing.findings import Left, Secret

Value = str | int | float | bool | Sequence["Value"] | Mapping[str, "Value"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An entry of a section: its *values*, in their order, and what stands above it for whoever reads the file."""

    values: Mapping[str, Value]
    comments: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A whole file. *head* stands above everything; sections are keyed by ids."""

    head: Sequence[str]
    site: str
    services: Mapping[str, Entry] = field(default_factory=dict)
    monitors: Mapping[str, Entry] = field(default_factory=dict)
    credentials: Mapping[str, Entry] = field(default_factory=dict)
    maintenance: Mapping[str, Entry] = field(default_factory=dict)
    left: Sequence[Left] = ()
    secrets: Sequence[Secret] = ()
    said: Sequence[str] = ()
