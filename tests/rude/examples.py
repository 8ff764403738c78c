"""Settings of every kind of probe that point at one port of this machine, as deep into its dialogue as the kind goes."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

HOST = "127.0.0.1"
LOGIN = {"user": "probe", "password": "geheim"}
BASH = "/usr/bin/bash"

Example = Mapping[str, Any]


def _mail(port: int, tls: str, **more: object) -> Example:
    return {"host": HOST, "port": port, "tls": tls, "verify": False, "login": LOGIN, "allow_plaintext": True, **more}


def _web(port: int, path: str = "/", **more: object) -> Sequence[Example]:
    return [{"url": f"{scheme}://{HOST}:{port}{path}", "verify": False, **more} for scheme in ("http", "https")]


EXAMPLES: Mapping[str, Callable[[int], Sequence[Example]]] = {
    "tcp": lambda port: [
        {"host": HOST, "port": port, "expect": "hello"},
        {"host": HOST, "port": port, "tls": True, "verify": False},
    ],
    "udp": lambda port: [{"host": HOST, "port": port, "send": "ping", "expect": "pong"}],
    "http": lambda port: _web(port, expect={"body_contains": "hello"}),
    "smtp": lambda port: [_mail(port, tls, mail_from="a@example.net", rcpt_to="b@example.net") for tls in ("never", "implicit")],
    "imap": lambda port: [_mail(port, tls) for tls in ("never", "implicit")],
    "pop3": lambda port: [_mail(port, tls) for tls in ("never", "implicit")],
    "mail_roundtrip": lambda port: [
        {
            "send": _mail(port, "never", mail_from="a@example.net", rcpt_to="b@example.net"),
            "read": _mail(port, "never"),
            "deliver_within": "1s",
        }
    ],
    "mail_posture": lambda port: [{"domain": "example.net", "selectors": ["a"], "server": HOST, "port": port}],
    "dns": lambda port: [{"query": "example.net", "server": HOST, "port": port}],
    "icmp": lambda _: [{"host": HOST, "count": 3, "spacing": "20ms"}],
    "ntp": lambda port: [{"host": HOST, "port": port}],
    "prometheus": lambda port: [{**each, "query": "up", "expect": {"above": 0}} for each in _web(port, "")],
    "statuspage": _web,
    "websocket": lambda port: [
        {"url": f"{scheme}://{HOST}:{port}/", "verify": False, "send": "ping", "expect": "pong"} for scheme in ("ws", "wss")
    ],
    "webmail": lambda port: _web(port, login=LOGIN, allow_plaintext=True, inbox={"contains": "Inbox"}),
    "domain": lambda port: [{"domain": "example.net", "server": each["url"], "verify": False} for each in _web(port)],
    "tls": lambda port: [
        {"host": HOST, "port": port, "verify": False, **({"starttls": starttls} if starttls else {})}
        for starttls in (None, "smtp", "imap", "pop3", "ftp", "postgresql", "ldap")
    ],
    "ldap": lambda port: [_mail(port, tls, base="dc=example") for tls in ("never", "implicit")],
    "redis": lambda port: [
        {"host": HOST, "port": port, "tls": tls, "verify": False, "login": LOGIN, "allow_plaintext": True} for tls in (False, True)
    ],
    "postgresql": lambda port: [
        {"host": HOST, "port": port, "tls": tls, "verify": False, "login": LOGIN, "allow_plaintext": True, "query": "SELECT 1"}
        for tls in ("never", "starttls")
    ],
    "mysql": lambda port: [
        {"host": HOST, "port": port, "tls": tls, "verify": False, "login": LOGIN, "allow_plaintext": True, "query": "SELECT 1"}
        for tls in ("never", "starttls")
    ],
    "ssh": lambda port: [{"host": HOST, "port": port}],
    "grpc": lambda port: [{"host": HOST, "port": port, "tls": tls, "verify": False} for tls in (False, True)],
    "plugin": lambda port: [{"command": [BASH, "-c", f"exec cat < /dev/tcp/{HOST}/{port}"]}],
}
"""By the kind's name. A kind without an entry fails its tests: nothing would show that a rude target cannot hurt it."""
