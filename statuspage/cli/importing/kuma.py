"""Uptime Kuma's monitors as ours: by kind, with their pace, their groups and their windows.

Source: the tables of Uptime Kuma 1.23 and 2, and the backup that version 1 writes. A setting that ours has no equal for is named.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from urllib.parse import unquote, urlsplit

from probes.text import plain
from statuspage.cli.importing.asked import Request, asked, hidden
from statuspage.cli.importing.documents import Row, is_set, number, text
from statuspage.cli.importing.drafting import Drafting, Timing, Unfit, Values, address
from statuspage.cli.importing.drafts import Draft
from statuspage.cli.importing.kuma_files import Kuma, codes, is_ahead, jsonish, kuma
from statuspage.cli.importing.kuma_windows import take_windows
from statuspage.cli.importing.statuses import spelled, understood
from statuspage.cli.importing.texts import line

_PATH = re.compile(r"\$?\.?[^\W\d][\w-]*(?:\.[^\W\d][\w-]*|\[(?:0|[1-9]\d{0,8})\])*")
_GOOD = frozenset(range(200, 300))
_ZERO = 0.8
"""Of the interval: what a timeout of 0 means there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Monitor:
    """A row, what it is called in the report, and the id that it gets."""

    row: Row
    id: str
    name: str
    what: str

    def text(self, key: str) -> str:
        return text(self.row.get(key)).strip()

    def number(self, key: str) -> float | None:
        return number(self.row.get(key))


def draft(file: Path, today: date) -> Draft:
    """What *file* comes to as a configuration of ours, as of *today*. Errors: CannotImport."""
    found = kuma(file)
    drafting = Drafting()
    if is_ahead(file):
        drafting.leave(f"{file}-wal", "what Uptime Kuma wrote last stands there, and was not read", "stop it, and copy its kuma.db again")
    headings, shown = _headings(found), _shown(found)
    ids: dict[str, str] = {}
    for row in sorted(found.rows("monitor"), key=_place):
        name = line(text(row.get("name"))) or f"Monitor {line(text(row.get('id')), 20)}"
        if text(row.get("type")) == "group":
            continue  # a heading of its members
        what = f"monitor {line(text(row.get('id')), 20)} “{name}”"
        monitor = _Monitor(row=row, id=drafting.ids.new(name, "monitor"), name=name, what=what)
        if _take(drafting, monitor):
            ids[text(row.get("id"))] = monitor.id
            if shown is None or text(row.get("id")) in shown:
                drafting.service(monitor.id, name, headings.get(text(row.get("id")), ""))
    take_windows(drafting, found, ids, today)
    _leave_the_rest(drafting, found)
    pages = [line(text(page.get("title"))) for page in found.rows("status_page")]
    return drafting.draft((f"Made from {plain(str(file), 200)} by `statuspage import uptime-kuma`.",), pages[0] if pages else "")


def _place(row: Row) -> tuple[float, float]:
    return number(row.get("weight")) or 2000.0, number(row.get("id")) or 0.0


def _shown(found: Kuma) -> frozenset[str] | None:
    """The monitors that stand on a status page; None where there is none, and all are shown."""
    rows = found.rows("monitor_group")
    return frozenset(text(row.get("monitor_id")) for row in rows) if rows else None


def _headings(found: Kuma) -> Mapping[str, str]:
    """What each monitor stands under: its group on a page, else the group that it is in, else its first tag."""
    names = {text(row.get("id")): line(text(row.get("name"))) for row in found.rows("monitor")}
    tags = {text(row.get("id")): line(text(row.get("name"))) for row in found.rows("tag")}
    groups = {text(row.get("id")): line(text(row.get("name"))) for row in found.rows("group")}
    headings: dict[str, str] = {}
    for row in found.rows("monitor_tag"):
        headings.setdefault(text(row.get("monitor_id")), tags.get(text(row.get("tag_id")), ""))
    for row in found.rows("monitor"):
        if parent := names.get(text(row.get("parent"))):
            headings[text(row.get("id"))] = parent
    for row in found.rows("monitor_group"):
        if group := groups.get(text(row.get("group_id"))):
            headings[text(row.get("monitor_id"))] = group
    return headings


def _take(drafting: Drafting, monitor: _Monitor) -> bool:
    kind = monitor.text("type")
    try:
        probe = _probe(drafting, monitor, kind)
    except Unfit as unfit:
        drafting.leave(monitor.what, str(unfit), unfit.mend)
        return False
    if kind != "push" and is_set(monitor.row.get("ignore_tls")) and probe["probe"] in {"http", "websocket", "tls", "grpc"}:
        probe["verify"] = False
    if jsonish(monitor.row.get("conditions")) not in (None, [], {}):
        drafting.leave(f"{monitor.what}: conditions", "they have no equal here", "see what the kind expects in docs/probes.md")
    comments = [text(monitor.row.get("description"))] if monitor.row.get("description") else []
    drafting.monitor(monitor.id, monitor.name, probe, _timing(monitor), comments)
    return True


def _probe(drafting: Drafting, monitor: _Monitor, kind: str) -> Values:
    if kind not in _KINDS:
        raise Unfit(f"nothing here measures the kind {plain(kind, 40) or 'without a name'}", _MENDS.get(kind, ""))
    if is_set(monitor.row.get("upside_down")):
        raise Unfit("it is upside down: that something fails is no service to anybody here")
    return _KINDS[kind](drafting, monitor)


def _timing(monitor: _Monitor) -> Timing:
    every, retries = monitor.number("interval") or 60.0, int(monitor.number("maxretries") or 0)
    return Timing(
        every=every,
        timeout=monitor.number("timeout") or _ZERO * every,
        recheck=(monitor.number("retry_interval") or every) if retries else None,
        fails_after=retries + 1,
        is_enabled=is_set(monitor.row.get("active", True)),
    )


# --- kinds ----------------------------------------------------------------------------------------------------------------------


def _http(drafting: Drafting, monitor: _Monitor) -> Values:
    where = address(monitor.text("url"))
    if not where.url.startswith(("http://", "https://")):
        raise Unfit("its address is no http:// or https:// URL")
    auth = monitor.text("auth_method")
    if auth not in {"", "null", "basic", "bearer"}:
        drafting.leave(f"{monitor.what}: {plain(auth, 20)}", "this way to log in has no equal here; it asks without")
    headers, body = jsonish(monitor.row.get("headers")), monitor.text("body")
    told = {text(name): text(value) for name, value in headers.items()} if isinstance(headers, Mapping) else {}
    kind = {"json": "application/json", "form": "application/x-www-form-urlencoded", "xml": "text/xml; charset=utf-8"}
    encoding = kind.get(monitor.text("http_body_encoding"))
    if body and encoding and not any(name.lower() == "content-type" for name in told):
        told["Content-Type"] = encoding
    request = Request(
        method=monitor.text("method"),
        headers=told,
        body=body,
        user=monitor.text("basic_auth_user") if auth != "bearer" else "",
        has_bearer=auth == "bearer" or bool(monitor.text("bearer_token")),
    )
    values = asked(drafting, monitor.id, monitor.what, where, request)
    redirects = monitor.number("maxredirects")
    if redirects is not None:
        values["redirects"] = int(max(0, min(redirects, 10)))
    if monitor.row.get("proxy_id"):
        drafting.leave(f"{monitor.what}: proxy", "it asks without one here")
    expect = _expect(drafting, monitor)
    return values | ({"expect": expect} if expect else {})


def _expect(drafting: Drafting, monitor: _Monitor) -> Values:
    found: Values = {}
    accepted = frozenset[int]().union(
        *map(understood, codes(monitor.row.get("accepted_statuscodes", monitor.row.get("accepted_statuscodes_json"))))
    )
    if accepted and accepted != _GOOD:
        found["status"] = spelled(accepted)
    keyword = text(monitor.row.get("keyword"))
    if monitor.text("type") == "keyword":
        if not keyword:
            raise Unfit("it looks for no keyword")
        found["body_not_contains" if is_set(monitor.row.get("invert_keyword")) else "body_contains"] = keyword
    if monitor.text("type") == "json-query":
        found |= _queried(drafting, monitor)
    return found


def _queried(drafting: Drafting, monitor: _Monitor) -> Values:
    path, wanted, how = monitor.text("json_path"), monitor.text("expected_value"), monitor.text("json_path_operator") or "=="
    if not _PATH.fullmatch(path):
        drafting.leave(
            f"{monitor.what}: {plain(path, 100)}", "only plain paths into JSON are known here", "see json_values in docs/probes.md"
        )
        return {}
    spoken = number(wanted) if re.fullmatch(r"-?\d{1,15}(\.\d{1,9})?", wanted) else None
    value: str | int | float = wanted if spoken is None else int(spoken) if spoken.is_integer() else spoken
    place = "$" + re.sub(r"^\$?\.?", ".", path)
    keys = {"==": "equals", "!=": "not_equals", "contains": "contains"}
    if how in keys:
        return {"json_values": {place: {keys[how]: wanted if how == "contains" else value}}}
    if isinstance(value, str) or how not in {"<", "<=", ">", ">="}:
        drafting.leave(f"{monitor.what}: {plain(how, 20)} {plain(wanted, 60)}", "it has no equal here")
        return {}
    if how in {"<", ">"}:
        drafting.leave(monitor.what, f"{how} {wanted} also takes {wanted} itself here")
    return {"json_values": {place: {"at_most" if how.startswith("<") else "at_least": value}}}


def _websocket(drafting: Drafting, monitor: _Monitor) -> Values:
    where = address(monitor.text("url"))
    values: Values = {"probe": "websocket", "url": where.url}
    if protocol := monitor.text("ws_subprotocol"):
        values["subprotocol"] = protocol.partition(",")[0].strip()
    if where.user or monitor.text("basic_auth_user"):
        values["login"] = drafting.login(monitor.id, where.user or monitor.text("basic_auth_user"), monitor.what)
    return values | hidden(drafting, monitor.what, where)


def _host(monitor: _Monitor) -> str:
    host = monitor.text("hostname")
    if not host:
        raise Unfit("it names no host")
    return host


def _port(monitor: _Monitor, otherwise: int | None = None) -> int:
    port = monitor.number("port") or otherwise
    if port is None:
        raise Unfit("it names no port")
    return int(port)


def _tcp(_: Drafting, monitor: _Monitor) -> Values:
    return {"probe": "tcp", "host": _host(monitor), "port": _port(monitor)}


def _ping(_: Drafting, monitor: _Monitor) -> Values:
    values: Values = {"probe": "icmp", "host": _host(monitor)}
    size, count = monitor.number("packet_size"), monitor.number("ping_count")
    if size is not None and size != 56:
        values["size"] = int(max(16, min(size, 8000)))
    if count is not None:
        values["count"] = int(max(1, min(count, 20)))
    return values


def _dns(drafting: Drafting, monitor: _Monitor) -> Values:
    values: Values = {"probe": "dns", "query": _host(monitor), "type": monitor.text("dns_resolve_type") or "A"}
    servers = [one.strip() for one in monitor.text("dns_resolve_server").split(",") if one.strip()]
    if servers:
        values["server"] = servers[0]
    if len(servers) > 1:
        drafting.leave(
            monitor.what, "one name server is asked here, the first of several there", "watch the others by monitors of their own"
        )
    port = monitor.number("port")
    return values | ({"port": int(port)} if port and port != 53 else {})


def _push(drafting: Drafting, monitor: _Monitor) -> Values:
    drafting.leave(monitor.what, "it is to be pushed to the internal listener here", "only the host changes: /api/push/TOKEN is the same")
    return {"probe": "heartbeat", "token": drafting.secret(monitor.id, "token", f"the push token of {monitor.what}; the old one will do")}


def _smtp(_: Drafting, monitor: _Monitor) -> Values:
    tls = {"secure": "implicit", "starttls": "starttls", "nostarttls": "never"}.get(monitor.text("smtp_security"), "optional")
    return {"probe": "smtp", "host": _host(monitor), "port": _port(monitor, 25), "tls": tls}


def _grpc(drafting: Drafting, monitor: _Monitor) -> Values:
    host, _, port = monitor.text("grpc_url").rpartition(":")
    if not host or not port.isdecimal():
        raise Unfit("its gRPC address is no host:port")
    drafting.leave(monitor.what, "the health protocol is asked here, and not a method of its own")
    return {
        "probe": "grpc",
        "host": host.removeprefix("grpc://").strip("[]"),
        "port": int(port[:6]),
        "tls": is_set(monitor.row.get("grpc_enable_tls")),
    }


def _ntp(_: Drafting, monitor: _Monitor) -> Values:
    return {"probe": "ntp", "host": _host(monitor)}


def _database(drafting: Drafting, monitor: _Monitor) -> Values:
    """A database by its connection string, whose password never leaves it."""
    kind = {"postgres": "postgresql", "mysql": "mysql", "redis": "redis"}[monitor.text("type")]
    try:
        parts = urlsplit(monitor.text("database_connection_string"))
        host, port, user, has_password = parts.hostname, parts.port, unquote(parts.username or ""), parts.password is not None
    except ValueError as error:
        raise Unfit(f"its connection string is none: {plain(str(error).partition(':')[0], 60)}") from error
    if not host or parts.scheme not in {"postgres", "postgresql", "mysql", "mariadb", "redis", "rediss"}:
        raise Unfit("its connection string is no URL of the database")
    values: Values = {"probe": kind, "host": host, **({"port": port} if port else {})}
    name = unquote(parts.path.strip("/"))
    if kind == "redis":
        values |= {"tls": True} if parts.scheme == "rediss" else {}
        values |= {"database": int(name[:6])} if name.isdecimal() else {}
    elif name:
        values["database"] = name
    if has_password or monitor.text("radius_password"):
        values["login"] = drafting.login(monitor.id, user or ("default" if kind == "redis" else "user"), monitor.what)
    query = " ".join(monitor.text("database_query").split())
    if query and kind != "redis" and "login" in values:
        values["query"] = query
    return values


_KINDS: Mapping[str, Callable[[Drafting, _Monitor], Values]] = {
    "http": _http,
    "keyword": _http,
    "json-query": _http,
    "port": _tcp,
    "ping": _ping,
    "dns": _dns,
    "push": _push,
    "smtp": _smtp,
    "websocket-upgrade": _websocket,
    "grpc-keyword": _grpc,
    "ntp": _ntp,
    "postgres": _database,
    "mysql": _database,
    "redis": _database,
}
_MENDS = {
    "docker": "watch what the container offers, by http or tcp",
    "real-browser": "watch the page by http, or a login by webmail",
    "mqtt": "watch the broker's port by tcp",
    "tailscale-ping": "watch the host by icmp",
    "sqlserver": "watch its port by tcp, or write a plugin",
    "mongodb": "watch its port by tcp, or write a plugin",
    "manual": "plan maintenance, or open incidents by hand",
}


def _leave_the_rest(drafting: Drafting, found: Kuma) -> None:
    for row in found.rows("incident"):
        when = text(row.get("created_date"))[:16]
        what = f"notice “{line(text(row.get('title')), 80)}” of {plain(when, 20)}"
        drafting.leave(what, "it tells of no service and of no end, so that it is no incident here")
    for table, what in (("notification", "notifications"), ("proxy", "proxies")):
        names = [line(text(row.get("name") or row.get("host")), 60) for row in found.rows(table)]
        if names:
            drafting.leave(
                f"{what}: {', '.join(names[:20])}",
                "they are set up here anew",
                "see docs/subscriptions.md" if table == "notification" else "",
            )
    tags = sorted({line(text(row.get("name")), 40) for row in found.rows("tag")} - {""})
    if tags:
        drafting.leave(
            f"tags: {', '.join(tags[:30])}", "the first of a monitor is its heading where it is in no group; others have no equal"
        )
