"""Where the store is damaged: it is kept aside, the last good bytes are served, and everybody is told what to do.

Nothing is watched meanwhile, and nobody is told anything. It never begins anew by itself: as long as the damaged file lies there and no
other has taken its place, each start comes back here.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path

from aiohttp import hdrs, web

from statuspage.backups.keeping import newest_in
from statuspage.config.installation import Backup
from statuspage.last_page import Remains
from statuspage.store.connect import DAMAGED, database_file, kept_aside
from statuspage.web.listener import ANSWER, Answer, PatientRunner
from statuspage.web.negotiation import accepts_gzip
from statuspage.web.public import AS_OF, public_runner, security_headers
from statuspage.web.security import HEADERS, PRIVATE

_SIDES = ("", "-wal", "-shm")
_ASIDE = "Where this status page is made, something is being mended. Please come back in a while.\n"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def keep_aside(url: str, data_dir: Path, now: datetime) -> str:
    """Give the damaged store, if it still lies in its place, a name that says so; returns the name. Errors: OSError."""
    file = database_file(url, data_dir)
    if file is None:
        return ""
    if file.exists():
        for side in _SIDES:
            beside = file.with_name(f"{file.name}{side}")
            if beside.exists():
                beside.rename(file.with_name(f"{file.name}{DAMAGED}{now:%Y%m%dT%H%M%SZ}{side}"))
    aside = kept_aside(file)
    return aside.name if aside is not None else ""


def what_to_do(trouble: str, aside: str, data_dir: Path, settings: Backup | None) -> str:
    """What is told the operator, in the journal and at the console; it names files, and not where the data directory lies."""
    place = (settings or Backup()).to
    newest = newest_in(data_dir / place)
    told = [trouble, f"The store is kept as {aside} in the data directory, nothing of it is thrown away." if aside else ""]
    told.append("The public page shows the last that was known; nothing is watched, and nobody is told anything.")
    there = (
        f"There is no backup in {place}; if there is one elsewhere" if newest is None else f"The newest backup is {newest.name}, in {place}"
    )
    told.append(f"{there}: stop the service, `statuspage restore` it with --replace, and start it.")
    return " ".join(one for one in [*told, "docs/operations.md tells more, under A damaged store."] if one)


def public_standin(found: Remains, *, is_tls: bool) -> web.AppRunner:
    """The public listener: what was kept, and for the rest a word that asks for patience."""
    always = {**security_headers(is_tls=is_tls), hdrs.CACHE_CONTROL: "no-cache", hdrs.VARY: hdrs.ACCEPT_ENCODING}
    if found.as_of:
        always[AS_OF] = found.as_of

    async def answer(request: web.Request) -> web.StreamResponse:
        kept = found.files.get(request.path)
        if request.path == "/healthz" or (request.path == "/readyz" and found.files):
            return Answer(text="ok\n", headers=always)
        if kept is None or request.method not in {hdrs.METH_GET, hdrs.METH_HEAD}:
            return Answer(status=503, text=_ASIDE, headers={**always, "Retry-After": "60"})
        is_gzip = accepts_gzip(request.headers.get(hdrs.ACCEPT_ENCODING, ""))
        headers: dict[str, str] = {**always, hdrs.ETAG: kept.gzip_etag if is_gzip else kept.etag}
        if kept.is_named_by(request.headers.get(hdrs.IF_NONE_MATCH, "")):
            return Answer(status=304, headers=headers)
        packed: dict[str, str] = {hdrs.CONTENT_ENCODING: "gzip"} if is_gzip else {}
        return Answer(body=kept.gzipped if is_gzip else kept.body, headers={**headers, hdrs.CONTENT_TYPE: kept.content_type, **packed})

    return public_runner(_application(answer), is_tls=is_tls)


def internal_standin(told: str) -> web.AppRunner:
    """The console's listener, whatever is asked there: what to do."""

    async def answer(_: web.Request) -> web.StreamResponse:
        return Answer(status=503, text=f"{told}\n", headers={**HEADERS, hdrs.CACHE_CONTROL: PRIVATE})

    return PatientRunner(_application(answer), headers={**HEADERS, hdrs.CACHE_CONTROL: PRIVATE})


def _application(answer: Handler) -> web.Application:
    app = web.Application()
    app[ANSWER] = answer
    app.router.add_route("*", "/{path:.*}", answer)
    return app
