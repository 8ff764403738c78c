"""Where monitors report by themselves: the addresses of Healthchecks and of Uptime Kuma's push monitors, for the clients written for them.

The token in the address is all that is asked for. A body is never read: it says nothing that is needed here.
"""

import math
import re
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from aiohttp import hdrs, web

from incidents import pings
from probes.heartbeat import digest
from probes.result import Failure, ProbeResult
from probes.text import plain
from statuspage.pipeline import Waits
from statuspage.store.errors import StoreUnavailable
from statuspage.web.desk import DESK, Desk
from statuspage.web.throttle import Allowance, Buckets

ALLOWANCE = Allowance(burst=30, every=timedelta(seconds=1))
"""Pings of one monitor; more are refused before they cost anything."""

PINGS: web.AppKey[Buckets] = web.AppKey("PINGS", Buckets)

_MOST_MONITORS = 100_000
_EXIT_CODE = re.compile(r"[0-9]{1,3}", re.ASCII)
_LONGEST_TOOK = 366 * 86_400.0
_GOOD = ProbeResult(took=0.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Said:
    """What a ping is answered: a status, a word or sentence for whoever reads it, and after how many seconds to send it again."""

    status: int
    words: str
    again: int | None = None


_TAKEN = _Said(status=200, words="OK")
_UNKNOWN = _Said(status=404, words="not found")
_TOO_MANY = _Said(status=429, words="too many pings; please slow down", again=1)
_AWAY = _Said(status=503, words="the ping could not be stored; please send it again", again=5)
_WAITS = _Said(status=503, words="the ping is kept until it can be stored; please do not send it again")


def buckets() -> Buckets:
    """What counts the pings of every monitor."""
    return Buckets(ALLOWANCE, most=_MOST_MONITORS)


async def ping(request: web.Request) -> web.Response:
    """Take a ping in Healthchecks' form: its end, ``start``, ``fail``, ``log`` or an exit code."""
    how = request.match_info.get("how", "")
    is_code = _EXIT_CODE.fullmatch(how) is not None and int(how) <= 255
    if not is_code and how not in {"", "start", "fail", "log"}:
        return _as_text(_UNKNOWN)
    match how:
        case "start" | "log":
            return _as_text(await _take(request, None, is_start=how == "start"))
        case "fail":
            return _as_text(await _take(request, _bad("it reported a failure")))
        case "":
            return _as_text(await _take(request, _GOOD))
        case _:
            return _as_text(await _take(request, _bad(f"exit code {int(how)}") if int(how) else _GOOD))


async def push(request: web.Request) -> web.Response:
    """Take a ping in Uptime Kuma's form: ``status`` up or down, ``msg``, and in ``ping`` the milliseconds that it took."""
    query = request.query
    took = _seconds(query.get("ping", ""))
    if query.get("status") in {None, "", "up"}:
        said = await _take(request, ProbeResult(took=took))
    else:
        said = await _take(request, _bad(plain(query.get("msg", "")) or "it reported down", took))
    body = {"ok": True} if said.status == 200 else {"ok": False, "msg": said.words}
    return web.json_response(body, status=said.status, headers=_headers(said))


async def _take(request: web.Request, measured: ProbeResult | None, *, is_start: bool = False) -> _Said:
    """Take a ping in and say how it went: well only after it is stored. None is no result: a start, or a mere word."""
    desk, allowed = request.app[DESK], request.app[PINGS]
    monitor = desk.heartbeats().get(digest(request.match_info["token"]))
    if monitor is None:
        return _UNKNOWN
    now = desk.now()
    if allowed.wait(monitor, now):
        return _TOO_MANY
    allowed.spend(monitor, now)
    try:
        await _keep(desk, monitor, measured, is_start=is_start)
    except Waits:
        return _WAITS
    except StoreUnavailable:
        return _AWAY
    return _TAKEN


async def _keep(desk: Desk, monitor: str, measured: ProbeResult | None, *, is_start: bool) -> None:
    if measured is not None:
        await desk.pipeline.report(monitor, measured)
    elif is_start:
        await desk.pipeline.act(partial(pings.begin, monitor=monitor))


def _bad(detail: str, took: float = 0.0) -> ProbeResult:
    return ProbeResult(took=took, failure=Failure.STATUS, stage=pings.REPORT, detail=detail)


def _seconds(milliseconds: str) -> float:
    """Read what a client claims that it took; nothing where that is no sensible number."""
    try:
        took = float(milliseconds[:30]) / 1000
    except ValueError:
        return 0.0
    return took if math.isfinite(took) and 0 <= took <= _LONGEST_TOOK else 0.0


def _as_text(said: _Said) -> web.Response:
    return web.Response(status=said.status, text=f"{said.words}\n" if said.status != 200 else said.words, headers=_headers(said))


def _headers(said: _Said) -> dict[str, str]:
    return {} if said.again is None else {hdrs.RETRY_AFTER: str(said.again)}
