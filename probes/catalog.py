"""Every kind of probe there is, at a glance."""

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from probes import (
    dns,
    domain,
    grpc,
    heartbeat,
    http,
    icmp,
    imap,
    ldap,
    mail_posture,
    mail_roundtrip,
    mysql,
    ntp,
    plugin,
    pop3,
    postgresql,
    prometheus,
    redis,
    smtp,
    ssh,
    statuspage,
    tcp,
    tls,
    udp,
    webmail,
    websocket,
)
from probes.kind import ProbeKind

GROUP = "statuspage.probes"
"""The entry-point group by which third parties add kinds; each entry names a ProbeKind."""

OURS: tuple[ProbeKind[Any], ...] = (
    tcp.KIND,
    tls.KIND,
    udp.KIND,
    http.KIND,
    websocket.KIND,
    smtp.KIND,
    imap.KIND,
    pop3.KIND,
    mail_roundtrip.KIND,
    webmail.KIND,
    mail_posture.KIND,
    dns.KIND,
    icmp.KIND,
    ntp.KIND,
    domain.KIND,
    prometheus.KIND,
    statuspage.KIND,
    grpc.KIND,
    ssh.KIND,
    postgresql.KIND,
    mysql.KIND,
    redis.KIND,
    ldap.KIND,
    plugin.KIND,
    heartbeat.KIND,
)

KINDS: Mapping[str, ProbeKind[Any]] = {kind.name: kind for kind in OURS}


class BrokenKind(Exception):
    """A third party's kind cannot be used; the message says whose and why."""


def kinds() -> Mapping[str, ProbeKind[Any]]:
    """Return our kinds and those of installed third parties, by name. Errors: BrokenKind."""
    found = dict(KINDS)
    for entry in entry_points(group=GROUP):
        kind = _loaded(entry)
        if kind.name in found:
            raise BrokenKind(f"{_whose(entry)} adds the probe kind {kind.name!r}, which exists already")
        found[kind.name] = kind
    return found


def _loaded(entry: EntryPoint) -> ProbeKind[Any]:
    try:
        kind = entry.load()
    except Exception as error:
        raise BrokenKind(f"{_whose(entry)} cannot be loaded: {type(error).__name__}: {error}") from error
    if not isinstance(kind, ProbeKind):
        raise BrokenKind(f"{_whose(entry)} is not a ProbeKind but {type(kind).__name__}")
    return kind


def _whose(entry: EntryPoint) -> str:
    package = entry.dist.name if entry.dist is not None else "an installed package"
    return f"the entry point {entry.name} = {entry.value} of {package}"
