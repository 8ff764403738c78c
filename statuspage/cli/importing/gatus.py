"""Gatus's configuration as one of ours: endpoints become monitors and services, conditions what is expected, windows planned work.

Source: the README of Gatus 5. Environment variables that the file names stay what they are: references.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from probes.text import plain
from statuspage.cli.importing.asked import Request, asked, hidden, sent
from statuspage.cli.importing.documents import number, octets_of, text
from statuspage.cli.importing.drafting import Address, Drafting, Timing, Unfit, Values, address
from statuspage.cli.importing.drafts import Draft, Entry
from statuspage.cli.importing.findings import CannotImport
from statuspage.cli.importing.gatus_conditions import Expected, judge, seconds
from statuspage.cli.importing.texts import line
from statuspage.cli.importing.windows import DAYS, recurring

MOST = 5000
"""Endpoints that are read."""

_INTERVAL, _FAILURES, _SUCCESSES = 60.0, 3, 2
"""What Gatus does where nobody says."""

_VARIABLE = re.compile(r"(?<!\$)\$\{?[A-Za-z_]")
_OF_ITSELF = ("alerting", "announcements", "security", "storage", "ui", "web", "remote", "connectivity", "metrics", "suites", "tunneling")
_UNKNOWN = ("extra-labels", "always-run", "store")
_SCHEMES = ("http", "https", "tcp", "udp", "icmp", "tls", "starttls", "ws", "wss", "ssh", "grpc", "grpcs", "dns", "sctp")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Endpoint:
    """One of theirs, with what it is called in the report and the settings that hold for it."""

    row: Mapping[str, object]
    id: str
    name: str
    what: str


def draft(file: Path, today: date) -> Draft:
    """The configuration in *file* as ours, as of *today*. Errors: CannotImport."""
    place = str(file)
    document = _read(octets_of(file), place)
    drafting = Drafting()
    found = list(_endpoints(document, place, drafting))
    if not found:
        raise CannotImport(f"{place}: it has no endpoints: is it the configuration of Gatus?")
    for endpoint in found:
        _take(drafting, endpoint, document, today)
    _windows(drafting, [document.get("maintenance")], f"{place}: maintenance", list(drafting.services), today)
    for key in _OF_ITSELF:
        if key in document:
            drafting.leave(f"{place}{_line(document, key)}: {key}", "it concerns Gatus itself, or has no equal here")
    ui = document.get("ui")
    title = text(ui.get("dashboard-heading") or ui.get("title")) if isinstance(ui, Mapping) else ""
    return drafting.draft((f"Made from {plain(place, 200)} by `statuspage import gatus`.",), title)


def _read(octets: bytes, place: str) -> Mapping[str, object]:
    reader = YAML(typ="rt")
    reader.allow_duplicate_keys = True
    try:
        document = reader.load(octets.decode("utf-8-sig"))
    except UnicodeDecodeError as error:
        raise CannotImport(f"{place}: byte {error.start} is no UTF-8; save the file as UTF-8") from error
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = f" line {mark.line + 1}, column {mark.column + 1}:" if mark is not None else ""
        raise CannotImport(f"{place}:{where} not YAML: {plain(str(error.problem), 200)}") from error
    except (YAMLError, ValueError, RecursionError, TypeError, AttributeError, LookupError) as error:
        raise CannotImport(f"{place}: not YAML: {plain(str(error), 200)}") from error
    if not isinstance(document, Mapping):
        raise CannotImport(f"{place}: it is no mapping: is it the configuration of Gatus?")
    return document


def _line(holder: object, key: object) -> str:
    """``:12`` where *key* stands in the file."""
    marks = getattr(holder, "lc", None)
    try:
        if isinstance(holder, CommentedMap) and marks is not None:
            return f":{marks.key(key)[0] + 1}"
        if isinstance(holder, CommentedSeq) and marks is not None:
            return f":{marks.item(key)[0] + 1}"
    except (KeyError, TypeError, IndexError):
        pass  # it came by a merge from another place
    return ""


def _endpoints(document: Mapping[str, object], place: str, drafting: Drafting) -> Iterator[_Endpoint]:
    for key in ("endpoints", "services", "external-endpoints"):  # services is what endpoints were called before version 4
        rows = document.get(key)
        if isinstance(rows, list) and len(rows) > MOST:
            drafting.leave(
                f"{place}{_line(rows, MOST)}: {key}[{MOST}] and those after it", f"no more than {MOST} are read", "split the file"
            )
        for index, row in enumerate(rows[:MOST] if isinstance(rows, list) else ()):
            name = line(text(row.get("name"))) if isinstance(row, Mapping) else ""
            where = f"{place}{_line(rows, index)}"
            if not isinstance(row, Mapping) or not name:
                drafting.leave(f"{where}: {key}[{index}]", "it has no name")
                continue
            group = line(text(row.get("group")))
            id = drafting.ids.new(f"{group}-{name}" if group else name, "endpoint")
            yield _Endpoint(row={**row, "external": key == "external-endpoints"}, id=id, name=name, what=f"{where}: endpoint “{name}”")


def _take(drafting: Drafting, endpoint: _Endpoint, document: Mapping[str, object], today: date) -> None:
    try:
        expected = _expected(drafting, endpoint)
        probe = _heartbeat(drafting, endpoint) if endpoint.row["external"] else _probe(drafting, endpoint, expected)
    except Unfit as unfit:
        drafting.leave(endpoint.what, str(unfit), unfit.mend)
        return
    for remark in expected.remarks:
        drafting.leave(endpoint.what, remark)
    for key in _UNKNOWN:
        if endpoint.row.get(key):
            drafting.leave(f"{endpoint.what}: {key}", "it has no equal here")
    drafting.monitor(endpoint.id, endpoint.name, probe, _timing(endpoint, document))
    drafting.service(endpoint.id, endpoint.name, line(text(endpoint.row.get("group"))))
    windows = endpoint.row.get("maintenance-windows")
    _windows(drafting, windows if isinstance(windows, list) else [], f"{endpoint.what}: maintenance-windows", [endpoint.id], today)


def _expected(drafting: Drafting, endpoint: _Endpoint) -> Expected:
    expected, conditions = Expected(), endpoint.row.get("conditions")
    for index, condition in enumerate(conditions if isinstance(conditions, list) else ()):
        try:
            judge(expected, text(condition))
        except Unfit as unfit:
            what = f"{endpoint.what}, condition{_line(conditions, index)} {plain(text(condition), 100)}"
            drafting.leave(what, str(unfit), unfit.mend)
    return expected


def _timing(endpoint: _Endpoint, document: Mapping[str, object]) -> Timing:
    row = endpoint.row
    heartbeat = row.get("heartbeat")
    interval = text(heartbeat.get("interval")) if isinstance(heartbeat, Mapping) else text(row.get("interval"))
    client, alerts = row.get("client"), row.get("alerts")
    thresholds = [_thresholds(alert, document) for alert in (alerts if isinstance(alerts, list) else ()) if isinstance(alert, Mapping)]
    return Timing(
        every=seconds(interval) or _INTERVAL,
        timeout=seconds(text(client.get("timeout"))) if isinstance(client, Mapping) else None,
        fails_after=min((fails for fails, _ in thresholds), default=None),
        recovers_after=min((recovers for _, recovers in thresholds), default=None),
        is_enabled=row.get("enabled") is not False,
    )


def _thresholds(alert: Mapping[str, object], document: Mapping[str, object]) -> tuple[int, int]:
    """After how many failures it speaks and after how many successes it is silent again, by itself or by its provider's default."""
    alerting = document.get("alerting")
    provider = alerting.get(text(alert.get("type"))) if isinstance(alerting, Mapping) else None
    default = provider.get("default-alert") if isinstance(provider, Mapping) else None
    known = {**(default if isinstance(default, Mapping) else {}), **alert}
    return int(number(known.get("failure-threshold")) or _FAILURES), int(number(known.get("success-threshold")) or _SUCCESSES)


# --- kinds ----------------------------------------------------------------------------------------------------------------------


def _heartbeat(drafting: Drafting, endpoint: _Endpoint) -> Values:
    heartbeat = endpoint.row.get("heartbeat")
    if not (isinstance(heartbeat, Mapping) and seconds(text(heartbeat.get("interval")))):
        raise Unfit("it says nothing of how often it reports, and silence could not be told from good news", "give it a heartbeat.interval")
    drafting.leave(endpoint.what, "it reports to another address here", "let it ping /ping/TOKEN of the internal listener")
    return {"probe": "heartbeat", "token": drafting.secret(endpoint.id, "token", f"the token of {endpoint.what}; a new one will do")}


def _probe(drafting: Drafting, endpoint: _Endpoint, expected: Expected) -> Values:
    url = text(endpoint.row.get("url")).strip()
    if _VARIABLE.search(url):
        raise Unfit("its address has environment variables", "put their values in, such as by envsubst, and import again")
    url = url.replace("$$", "$")
    if isinstance(endpoint.row.get("dns"), Mapping):
        return _dns(endpoint, url, expected)
    scheme = url.partition("://")[0].lower()
    if "://" not in url or scheme not in _SCHEMES:
        raise Unfit(f"nothing here speaks {plain(scheme, 20) or 'to nobody'}")
    where = address(url)
    client = endpoint.row.get("client")
    own: Values = {"verify": False} if isinstance(client, Mapping) and client.get("insecure") is True else {}
    if isinstance(client, Mapping):
        _leave_client(drafting, endpoint, client)
    match scheme:
        case "http" | "https":
            return _http(drafting, endpoint, where, expected) | own
        case "ws" | "wss":
            return _websocket(drafting, endpoint, where, expected) | own
        case _:
            return _others(drafting, endpoint, scheme, where, expected) | (own if scheme in {"tls", "starttls", "grpcs"} else {})


def _leave_client(drafting: Drafting, endpoint: _Endpoint, client: Mapping[str, object]) -> None:
    for key in client:
        if key not in {"insecure", "ignore-redirect", "timeout"} and client[key]:
            drafting.leave(f"{endpoint.what}: client.{plain(text(key), 40)}{_line(client, key)}", "it has no equal here")


def _http(drafting: Drafting, endpoint: _Endpoint, where: Address, expected: Expected) -> Values:
    row, client, headers = endpoint.row, endpoint.row.get("client"), endpoint.row.get("headers")
    told = {text(name): text(value) for name, value in headers.items()} if isinstance(headers, Mapping) else {}
    body = text(row.get("body"))
    if row.get("graphql") is True:
        body, told = json.dumps({"query": body}, ensure_ascii=False), {"Content-Type": "application/json", **told}
    request = Request(method=text(row.get("method")), headers=told, body=body, has_variables=True)
    values = asked(drafting, endpoint.id, endpoint.what, where, request)
    if isinstance(client, Mapping) and client.get("ignore-redirect") is True:
        values["redirects"] = 0
    if expected.expires_within and where.url.startswith("https"):
        values["expires_within"] = _days(expected.expires_within)
    expect = expected.of_http()
    return values | ({"expect": expect} if expect else {})


def _days(within: float) -> str:
    return f"{max(1, round(within / 3600))}h"


def _websocket(drafting: Drafting, endpoint: _Endpoint, where: Address, expected: Expected) -> Values:
    values: Values = {"probe": "websocket", "url": where.url}
    if body := text(endpoint.row.get("body")):
        values["send"] = sent(drafting, endpoint.id, endpoint.what, body, has_variables=True)
    contained = expected.texts.get("body_contains")
    if contained and "send" in values:
        values["expect"] = contained
    if expected.slower_than:
        values["slower_than"] = f"{max(1, round(expected.slower_than * 1000))}ms"
    return values | hidden(drafting, endpoint.what, where)


def _dns(endpoint: _Endpoint, server: str, expected: Expected) -> Values:
    dns = endpoint.row["dns"]
    assert isinstance(dns, Mapping)  # noqa: S101 - the caller has looked
    where = address(f"dns://{server.removeprefix('dns://')}")
    values: Values = {"probe": "dns", "query": text(dns.get("query-name")).rstrip(".") or ".", "server": where.host}
    if kind := text(dns.get("query-type")):
        values["type"] = kind
    if where.port:
        values["port"] = where.port
    expect: Values = {"rcode": expected.rcode} if expected.rcode not in {"", "NOERROR"} else {}
    if expected.contains:
        expect["contains"] = [expected.contains[0]]
    return values | ({"expect": expect} if expect else {})


def _others(drafting: Drafting, endpoint: _Endpoint, scheme: str, where: Address, expected: Expected) -> Values:
    if endpoint.row.get("body"):
        drafting.leave(f"{endpoint.what}: body", "what is sent there is not sent here", "see `script` of the kind tcp in docs/probes.md")
    if expected.texts or expected.json or expected.statuses is not None or expected.slower_than:
        drafting.leave(endpoint.what, f"of {scheme} only that it answers is watched here")
    place: Values = {"host": where.host, **({"port": where.port} if where.port else {})}
    match scheme:
        case "icmp":
            return {"probe": "icmp", "host": where.host}
        case "ssh":
            if endpoint.row.get("ssh"):
                drafting.leave(f"{endpoint.what}: ssh", "nobody logs in here: that the server proves its host key is watched")
            return {"probe": "ssh", **place}
        case _ if not where.port:
            raise Unfit("its address has no port")
        case "tcp":
            return {"probe": "tcp", **place}
        case "tls" | "starttls":
            starts: Values = {"starttls": "smtp"} if scheme == "starttls" else {}
            within: Values = {"expires_within": _days(expected.expires_within)} if expected.expires_within else {}
            return {"probe": "tls", **place, **starts, **within}
        case "grpc" | "grpcs":
            return {"probe": "grpc", **place, "tls": scheme == "grpcs"}
        case _:
            raise Unfit(f"{scheme} needs to be told what to send and to hear", "see docs/probes.md")


# --- planned work ---------------------------------------------------------------------------------------------------------------


def _windows(drafting: Drafting, rows: Sequence[object], what: str, services: Sequence[str], today: date) -> None:
    for row in rows:
        if not isinstance(row, Mapping) or row.get("enabled") is False or not services:
            continue
        named = row.get("every")
        days = [DAYS[day] for one in (named if isinstance(named, list) else ()) if (day := text(one).strip().lower()[:3]) in DAYS]
        start, lasts = re.fullmatch(r"([01]?\d|2[0-3]):([0-5]\d)", text(row.get("start")).strip()), seconds(text(row.get("duration")))
        if start is None or not lasts:
            drafting.leave(what, "it does not say at what time it begins and how long it lasts")
            continue
        began = f"{int(start[1]):02d}:{start[2]}"
        entry = recurring(
            today + timedelta(days=1), began, lasts, days=sorted(days), zone=text(row.get("timezone")) or "UTC", services=services
        )
        drafting.maintenance[drafting.ids.new("maintenance", "maintenance")] = Entry(values={"name": "Maintenance", **entry.values})
