"""What each batch came from, kept so tightly that a quarter of a year can be replayed: which results, and the circumstances of the turn.

A result is two small numbers, its place and how far its slot lay behind the batch; what it measured is kept only where it failed.
"""

import struct
from collections.abc import Mapping, Sequence
from dataclasses import fields
from datetime import datetime
from functools import cache

from pydantic import JsonValue
from sqlalchemy import Connection, insert

from incidents.events import Counted, Event
from incidents.model import Situation, Topology
from incidents.policy import Policy
from incidents.replaying.past import Memory
from incidents.turns import Circumstances
from probes.result import Result
from statuspage.picture.site import Site
from statuspage.store.queries import everything
from statuspage.store.spelling import milliseconds
from statuspage.store.tables import batches, memories
from statuspage.store.values import plain

_HEAD = struct.Struct("<BBBH")
"""Whether it was a tick, the widths of the numbers of places and of lags, and the microseconds of the batch's instant."""

_UNSIGNED, _SIGNED = "BHIQ", "bhiq"
_CODES = _UNSIGNED + _SIGNED
_LARGEST = {code: 2 ** (8 * struct.calcsize(f"<{code}") - (code in _SIGNED)) - 1 for code in _CODES}
_ELSEWHERE = {"topology", "seed"}
"""What of a situation is kept with the configuration and the installation."""


def pack(at: datetime, places: Sequence[int], slots: Sequence[int], *, is_tick: bool = False) -> bytes:
    """The results of a batch *at*: the numbers of their *places*, and their *slots* in milliseconds since 1970."""
    whole = milliseconds(at)
    lags = [whole - slot for slot in slots]
    wide = _width(max(places, default=0), _UNSIGNED)
    is_behind = min(lags, default=0) >= 0  # ahead of its batch is only what a clock set back has left there
    late = _width(max(lags, default=0), _UNSIGNED) if is_behind else len(_UNSIGNED) + _width(max(map(abs, lags)), _SIGNED)
    head = _HEAD.pack(is_tick, wide, late, at.microsecond % 1000)
    return head + struct.pack(f"<{len(places)}{_CODES[wide]}{len(lags)}{_CODES[late]}", *places, *lags)


def _width(largest: int, codes: str) -> int:
    return next(number for number, code in enumerate(codes) if largest <= _LARGEST[code])


def unpack(at: int, heard: bytes) -> tuple[bool, int, Sequence[int], Sequence[int]]:
    """What ``pack`` wrote of a batch *at* (milliseconds since 1970): whether it was a tick, its microseconds, its places and slots."""
    is_tick, wide, late, micros = _HEAD.unpack_from(heard)
    if len(heard) == _HEAD.size:
        return bool(is_tick), at * 1000 + micros, (), ()
    numbers, size = _layout(wide, late, len(heard) - _HEAD.size)
    read = numbers.unpack_from(heard, _HEAD.size)
    return bool(is_tick), at * 1000 + micros, read[:size], [at - lag for lag in read[size:]]


@cache
def _layout(wide: int, late: int, length: int) -> tuple[struct.Struct, int]:
    codes = (_CODES[wide], _CODES[late])
    size = length // sum(struct.calcsize(f"<{code}") for code in codes)
    return struct.Struct(f"<{size}{codes[0]}{size}{codes[1]}"), size


def more(results: Sequence[Result], circumstances: Circumstances) -> Mapping[str, JsonValue] | None:
    """What else a batch came from: what went wrong among *results*, what an agent did, and the news of the turn."""
    bad = [
        [place, str(one.measured.failure), one.measured.stage, one.measured.detail]
        for place, one in enumerate(results)
        if one.measured.failure is not None
    ]
    change, stay, acted = circumstances.change, circumstances.stay, circumstances.acted
    told: dict[str, JsonValue] = {}
    if bad:
        told["bad"] = bad  # type: ignore[assignment]  # a list of lists of strings and numbers is JSON
    if circumstances.is_rejudged:
        told["rejudged"] = True
    if circumstances.noticed or acted:
        # How many entries of the journal each part has, in their order; what is only counted is in no journal.
        told["parts"] = [_entries(part) for part in (circumstances.noticed, circumstances.judged, acted)]
        told["counted"] = [plain(event) for event in acted if isinstance(event, Counted)]
    if circumstances.timed:
        told["timed"] = [[number, plain(started), took] for number, (started, took) in circumstances.timed.items()]
    if change is not None:
        told["change"] = plain(change)
    if stay is not None:
        told["stay"] = plain(stay)
    return told or None


def counted(events: Sequence[Event]) -> dict[str, JsonValue]:
    """What a batch that is no turn of the service's own keeps beside the journal, which has nothing that is only counted."""
    found = [plain(event) for event in events if isinstance(event, Counted)]
    return {"more": {"counted": found}} if found else {}


def _entries(events: Sequence[Event]) -> int:
    return sum(not isinstance(event, Counted) for event in events)


def begin(connection: Connection, *, version: int, at: datetime) -> None:
    """Say that a process begins at version *version* of the configuration, from all that the store knows. Inside a write."""
    _remember(connection, Memory(version=version, at=at, known=everything(connection), is_start=True))


def remember(
    connection: Connection, *, version: int, at: datetime, present_since: datetime | None, promised_since: Mapping[str, datetime]
) -> None:
    """Keep all that is known, so that a replay may begin here when what came before is forgotten. Inside a write."""
    known = everything(connection)
    _remember(connection, Memory(version=version, at=at, known=known, present_since=present_since, promised_since=promised_since))


def _remember(connection: Connection, memory: Memory) -> None:
    known = {one.name: plain(getattr(memory.known, one.name)) for one in fields(Situation) if one.name not in _ELSEWHERE}
    body = {
        "version": memory.version,
        "is_start": memory.is_start,
        "present_since": plain(memory.present_since),
        "promised_since": plain(memory.promised_since),
        "known": known,
    }
    row = {"at": milliseconds(memory.at), "heard": pack(memory.at, (), ())}
    batch: int = connection.execute(insert(batches).values(row).returning(batches.c.sequence)).scalar_one()
    connection.execute(insert(memories).values(batch=batch, body=body))


def compiled(topology: Topology, policy: Policy, site: Site) -> JsonValue:
    """What a configuration means to judgement and to the page, to be kept beside its text."""
    return {"topology": plain(topology), "policy": plain(policy), "site": plain(site)}
