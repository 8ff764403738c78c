"""Files as other products write them, with everything in them that an import must know of."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

SECRET = "geheim-7391"
"""Every secret of the samples: it must never be seen again."""

GATUS = f"""
ui: {{title: Our services}}
alerting:
  slack:
    webhook-url: "https://hooks.example/{SECRET}"
    default-alert: {{failure-threshold: 5, success-threshold: 4}}
maintenance: {{start: 23:00, duration: 1h, timezone: "Europe/Amsterdam", every: [Monday, Thursday]}}
default-endpoint: &defaults
  group: core
  interval: 1m30s
  client: {{insecure: true, timeout: 45s}}
  conditions: ["[STATUS] == 200"]
endpoints:
  - name: website
    <<: *defaults
    url: "https://example.org/health"
    conditions:
      - "[STATUS] == any(200, 429)"
      - "[BODY].status == UP"
      - "[RESPONSE_TIME] < 300"
      - "[CERTIFICATE_EXPIRATION] > 48h"
      - "len([BODY].items) > 3"
    alerts: [{{type: slack}}, {{type: email, failure-threshold: 7}}]
  - {{name: inherits, url: "https://example.org/", <<: *defaults}}
  - name: header
    url: "http://example.org/"
    headers: {{Authorization: "Bearer {SECRET}", X-Api-Key: "${{API_KEY}}", Accept: text/html}}
    conditions: ["[STATUS] < 300", "[STATUS] >= 200", "[BODY] == pat(*<h1>Example</h1>*)", "has([BODY].errors) == false"]
  - {{name: in-the-address, url: "https://ada:{SECRET}@example.org/x?token={SECRET}&page=2"}}
  - {{name: redis, url: "tcp://127.0.0.1:6379", conditions: ["[CONNECTED] == true"]}}
  - {{name: ping, url: "icmp://example.com", enabled: false}}
  - name: dns
    url: "8.8.8.8"
    dns: {{query-name: example.com, query-type: A}}
    conditions: ["[BODY] == 93.184.215.14", "[DNS_RCODE] == NOERROR"]
  - {{name: mail, url: "starttls://smtp.example.com:587", interval: 30m, conditions: ["[CERTIFICATE_EXPIRATION] > 48h"]}}
  - {{name: ldaps, url: "tls://ldap.example.com:636"}}
  - {{name: echo, url: "wss://echo.example.org/", body: status, conditions: ["[BODY] == pat(*served by*)"]}}
  - {{name: shell, url: "ssh://example.com", ssh: {{username: ada, password: {SECRET}}}}}
  - {{name: rpc, url: "grpcs://example.com:443"}}
  - {{name: sctp, url: "sctp://127.0.0.1:38412"}}
  - {{name: variable, url: "https://${{HOST}}/"}}
  - name: graph
    url: "https://x.example/"
    method: POST
    graphql: true
    body: "{{ shop }}"
    maintenance-windows: [{{start: "07:30", duration: 40m}}]
external-endpoints:
  - {{name: backup, group: core, token: {SECRET}, heartbeat: {{interval: 30m}}}}
  - {{name: quiet, token: {SECRET}}}
"""

Row = dict[str, Any]


def _monitor(id: int, kind: str, name: str, **more: Any) -> Row:  # noqa: ANN401 - a row's own columns
    return {
        "id": id,
        "type": kind,
        "name": name,
        "active": 1,
        "interval": 60,
        "maxretries": 0,
        "retry_interval": 60,
        "weight": 2000,
        **more,
    }


MONITORS: Sequence[Row] = (
    _monitor(1, "group", "Web"),
    _monitor(
        2,
        "http",
        "Shop",
        url="https://shop.example/",
        parent=1,
        maxretries=2,
        retry_interval=20,
        timeout=48,
        maxredirects=3,
        accepted_statuscodes_json='["200-299","404"]',
        headers=json.dumps({"X-Token": SECRET, "Accept": "text/html"}),
        auth_method="basic",
        basic_auth_user="ada",
        basic_auth_pass=SECRET,
        description="What customers see",
    ),
    _monitor(3, "keyword", "News", url="https://news.example/", keyword="Today", ignore_tls=1, interval=20),
    _monitor(4, "json-query", "API", url="https://api.example/", json_path="health.state", expected_value="ok", json_path_operator="=="),
    _monitor(5, "json-query", "Queue", url="https://api.example/", json_path="$sum(a.b)", expected_value="5", json_path_operator="<"),
    _monitor(6, "port", "Database port", hostname="db.example", port=5432, active=0),
    _monitor(7, "ping", "Router", hostname="192.0.2.1", packet_size=100),
    _monitor(8, "dns", "Names", hostname="example.com", dns_resolve_type="MX", dns_resolve_server="1.1.1.1,8.8.8.8", port=53),
    _monitor(9, "push", "Backup", push_token=SECRET, interval=86_400),
    _monitor(
        10, "postgres", "Orders", database_connection_string=f"postgres://ada:{SECRET}@db.example:5433/orders", database_query="SELECT 1"
    ),
    _monitor(11, "mysql", "Wiki", database_connection_string=f"mysql://ada:{SECRET}@db.example/wiki"),
    _monitor(12, "redis", "Cache", database_connection_string=f"rediss://:{SECRET}@cache.example:6380/2"),
    _monitor(13, "docker", "Container", docker_container="web"),
    _monitor(14, "mqtt", "Broker", mqtt_password=SECRET),
    _monitor(15, "smtp", "Mail", hostname="mail.example", port=587, smtp_security="starttls"),
    _monitor(16, "http", "Down is good", url="https://old.example/", upside_down=1),
    _monitor(17, "http", "Secret address", url=f"https://x.example/?api_key={SECRET}"),
    _monitor(18, "websocket-upgrade", "Socket", url="wss://ws.example/"),
    _monitor(19, "grpc-keyword", "Rpc", grpc_url="rpc.example:443", grpc_enable_tls=1),
    _monitor(
        20, "http", "Bearer", url="http://intranet.example/", method="POST", body="{}", http_body_encoding="json", bearer_token=SECRET
    ),
)

TABLES: Mapping[str, Sequence[Row]] = {
    "monitor": MONITORS,
    "status_page": [{"id": 1, "slug": "main", "title": "Our status"}],
    "group": [{"id": 1, "name": "For customers", "status_page_id": 1, "weight": 1}],
    "monitor_group": [{"id": number, "monitor_id": number, "group_id": 7 if number == 2 else 1} for number in (2, 3, 4, 9)],
    "tag": [{"id": 1, "name": "prod"}],
    "monitor_tag": [{"id": 1, "monitor_id": 6, "tag_id": 1, "value": ""}],
    "incident": [{"id": 1, "title": "We move", "content": "Soon", "created_date": "2024-02-03 10:00:00"}],
    "notification": [{"id": 1, "name": "Telegram", "config": json.dumps({"telegramBotToken": SECRET})}],
    "maintenance": [
        {
            "id": 1,
            "title": "Weekly",
            "description": "We patch.",
            "strategy": "recurring-weekday",
            "active": 1,
            "weekdays": "[0,3]",
            "start_time": "23:30:00",
            "end_time": "01:00:00",
            "timezone": "Europe/Berlin",
            "start_date": "2024-01-01 00:00:00",
        },
        {
            "id": 2,
            "title": "Month's end",
            "strategy": "recurring-day-of-month",
            "active": 1,
            "days_of_month": '[15,"lastDay1"]',
            "start_time": "02:00",
            "end_time": "03:00",
            "timezone": "SAME_AS_SERVER",
        },
        {
            "id": 3,
            "title": "Once",
            "description": "We move.",
            "strategy": "single",
            "active": 1,
            "start_date": "2031-02-03 22:00:00",
            "end_date": "2031-02-03 23:00:00",
            "timezone": "Europe/Berlin",
        },
        {"id": 4, "title": "By cron", "strategy": "cron", "active": 1, "cron": "0 3 * * *"},
    ],
    "monitor_maintenance": [{"id": number, "monitor_id": 3, "maintenance_id": number} for number in (1, 2, 3, 4)],
}


def database(path: Path, tables: Mapping[str, Sequence[Row]] = TABLES) -> bytes:
    """A ``kuma.db`` with *tables*, written to *path* and given back."""
    connection = sqlite3.connect(path)
    for name, rows in tables.items():
        columns = list(dict.fromkeys(key for row in rows for key in row))
        connection.execute(f'CREATE TABLE "{name}" ({", ".join(f"[{column}]" for column in columns)})')
        for row in rows:
            connection.execute(f'INSERT INTO "{name}" VALUES ({", ".join("?" * len(columns))})', [row.get(column) for column in columns])
    connection.commit()
    connection.close()
    return path.read_bytes()


def backup(monitors: Sequence[Row] = MONITORS) -> bytes:
    """The JSON that version 1 exports: columns by their names in the program, lists and tags in place."""
    return json.dumps(
        {"version": "1.23.0", "notificationList": [{"id": 1, "name": "Telegram"}], "monitorList": [_exported(row) for row in monitors]}
    ).encode()


_NAMES = {"accepted_statuscodes_json": "accepted_statuscodes"}
_AS_THEY_ARE = {"basic_auth_user", "basic_auth_pass", "dns_resolve_type", "dns_resolve_server", "packet_size", "docker_container"}


def _exported(row: Row) -> Row:
    found = {_NAMES.get(key, key if key in _AS_THEY_ARE else _camel(key)): value for key, value in row.items()}
    if "accepted_statuscodes" in found:
        found["accepted_statuscodes"] = json.loads(found["accepted_statuscodes"])
    return {**found, "tags": [{"tag_id": 1, "name": "prod", "value": ""}] if row["id"] == 6 else []}


def _camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(part.capitalize() for part in others)
