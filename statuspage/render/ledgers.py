"""A ledger as a document that anybody may read and reckon anew: each interval with what was measured and what of it counts.

Nobody's name is in it, and nothing that is said inside: no cost, no credit, no budget.
"""

import csv
import io
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from fractions import Fraction
from typing import assert_never

from incidents.levels.availability import Interval, Ledger, percent
from statuspage.render.finished import Finished, finish

COLUMNS = ("since", "until", "seconds", "kind", "measured", "counts", "partial_counts", "reason")
"""What is told of an interval in a row."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would run."""

_PATH = re.compile(r"/services/(?P<service>[^/]+)/ledger/(?P<word>[^/.]+)\.(?P<form>json|csv)")


class Form(StrEnum):
    """How a ledger is written."""

    JSON = "json"
    CSV = "csv"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Which ledger an address means: whose, over the period that people call *word*, and how it is written."""

    service: str
    word: str
    form: Form


def addressed(path: str) -> Asked | None:
    """Read the address of a ledger: ``/services/email/ledger/2026-10.csv``; None for any other."""
    found = _PATH.fullmatch(path)
    return None if found is None else Asked(service=found["service"], word=found["word"], form=Form(found["form"]))


def document(form: Form, ledger: Ledger, *, service: str, word: str) -> Finished:
    """Write down *ledger*, finished."""
    match form:
        case Form.JSON:
            return finish(_json(ledger, service, word), "application/json; charset=utf-8")
        case Form.CSV:
            return finish(table(COLUMNS, map(cells, ledger.intervals)).encode(), "text/csv; charset=utf-8")
        case _:
            assert_never(form)


def _json(ledger: Ledger, service: str, word: str) -> bytes:
    told = {
        "service": service,
        "period": word,
        "since": _instant(ledger.period.since),
        "until": _instant(ledger.period.until),
        "measured": _percent(ledger.measured.ratio),
        "contractual": _percent(ledger.contractual.ratio),
        "unknown_seconds": ledger.unknown.total_seconds(),
        "intervals": [_interval(one) for one in ledger.intervals],
    }
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")


def _interval(one: Interval) -> dict[str, object]:
    return {
        "since": _instant(one.since),
        "until": _instant(one.until),
        "kind": one.kind.value,
        "counts": one.counts,
        "reason": one.reason,
        "measured": one.measured.value,
        "partial_counts": float(one.partial_counts),
    }


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Spell rows as CSV (RFC 4180, but for the line's end), so that no cell begins like a formula."""
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(columns)
    lines.writerows([f"'{cell}" if cell.startswith(_FORMULA) else cell for cell in row] for row in rows)
    return written.getvalue()


def cells(one: Interval) -> tuple[str, ...]:
    """Spell an interval under ``COLUMNS``; the seconds of a ledger's intervals add up to its period, to the microsecond."""
    lasted = f"{(one.until - one.since).total_seconds():f}"
    told = (one.kind.value, one.measured.value, str(one.counts).lower(), f"{float(one.partial_counts):g}", one.reason)
    return (_instant(one.since), _instant(one.until), lasted, *told)


def _instant(at: datetime) -> str:
    return at.isoformat().replace("+00:00", "Z")


def _percent(ratio: Fraction | None) -> float | None:
    return None if ratio is None else float(percent(ratio))
