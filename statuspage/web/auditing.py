"""The audit at the console: who did what, the newest first; all of it for a manager or an admin, their own part for others."""

from functools import partial

from aiohttp import web

from statuspage.store import acts
from statuspage.web.auth import CALLER, READS_WHOLE_AUDIT
from statuspage.web.desk import DESK
from statuspage.web.entry import number_of
from statuspage.web.screens import screen

SHOWN = 100
_LONGEST_NAME = 80


async def show_audit(request: web.Request) -> web.Response:
    """Draw a page of it; ``by``, ``act`` and ``about`` pick whose, what and what of, ``before`` goes on where a page ended."""
    caller, before = request[CALLER], number_of(request.query.get("before"))
    is_whole = not caller.roles.isdisjoint(READS_WHOLE_AUDIT)
    by = request.query.get("by", "").strip()[:_LONGEST_NAME] if is_whole else caller.name
    act, about = (request.query.get(name, "").strip()[:_LONGEST_NAME] for name in ("act", "about"))
    read = partial(acts.read_audit, before=before, limit=SHOWN + 1, actor=by or None, act=act or None, subject=about or None)
    rows = await request.app[DESK].store.read(read)
    further = rows[SHOWN - 1].sequence if len(rows) > SHOWN else None
    asked = {name: text for name, text in {"by": by if is_whole else "", "act": act, "about": about}.items() if text}
    return screen(request, "audit.html", rows=rows[:SHOWN], further=further, is_first=before is None, is_whole=is_whole, asked=asked)
