"""Real name servers on loopback: NSD, which serves zones, and Unbound, which asks it and verifies signatures."""

import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dns.dnssec
import dns.name
import dns.zone
from cryptography.hazmat.primitives.asymmetric import ec

_HEAD = "$TTL 300\n@ SOA ns.{0}. admin.{0}. 1 3600 600 86400 60\n@ NS ns.{0}.\n"
_SOA = b"\x00\x06\x00\x01"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Where each listens."""

    serving: int
    verifying: int


def _program(name: str) -> str:
    found = shutil.which(name, path="/usr/sbin:/usr/local/sbin:/usr/bin:/bin")
    assert found is not None, f"{name} is missing: apt install nsd unbound"
    return found


def _free_port() -> int:
    """A port that is free for datagrams and for connections."""
    with socket.socket() as connections, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagrams:
        connections.bind(("127.0.0.1", 0))
        port: int = connections.getsockname()[1]
        datagrams.bind(("127.0.0.1", port))
        return port


def _signed(name: str, text: str) -> tuple[str, str]:
    """Sign a zone; gives its text, and the record that a verifier trusts."""
    zone = dns.zone.from_text(text, origin=name, relativize=False)
    key = ec.generate_private_key(ec.SECP256R1())
    public = dns.dnssec.make_dnskey(key.public_key(), "ECDSAP256SHA256", flags=257)
    now = datetime.now(UTC)
    dns.dnssec.sign_zone(
        zone, keys=[(key, public)], inception=now - timedelta(hours=1), expiration=now + timedelta(days=1), add_dnskey=True, dnskey_ttl=300
    )
    trusted = dns.dnssec.make_ds(dns.name.from_text(name), public, "SHA256")
    return str(zone.to_text(relativize=False)), f"{name}. DS {trusted.to_text()}"


@contextmanager
def name_servers(place: Path, zones: Mapping[str, str], *, signed: str, broken: str) -> Iterator[Names]:
    """Serve *zones* (records by name of zone); of two of them the verifier demands signatures, and *broken* has none."""
    ports = Names(serving=_free_port(), verifying=_free_port())
    anchors = []
    for name, records in zones.items():
        text = _HEAD.format(name) + records
        if name in {signed, broken}:
            with_signatures, anchor = _signed(name, text)
            anchors.append(anchor)
            text = with_signatures if name == signed else text
        (place / f"{name}.zone").write_text(text, encoding="utf-8")
    (place / "nsd.conf").write_text(_nsd(place, ports, zones), encoding="utf-8")
    (place / "unbound.conf").write_text(_unbound(place, ports, zones, anchors), encoding="utf-8")
    log = (place / "log").open("wb")
    commands = [_program("nsd"), "-d", "-c", f"{place}/nsd.conf"], [_program("unbound"), "-d", "-p", "-c", f"{place}/unbound.conf"]
    running = [subprocess.Popen(command, stdout=log, stderr=log) for command in commands]
    try:
        for port in (ports.serving, ports.verifying):
            _await_answer(port, signed, place / "log")
        yield ports
    finally:
        for process in running:
            process.terminate()
        for process in running:
            process.wait(10)
        log.close()


def _nsd(place: Path, ports: Names, zones: Mapping[str, str]) -> str:
    server = f"""server:
  ip-address: 127.0.0.1@{ports.serving}
  server-count: 1
  username: ""
  zonesdir: "{place}"
  database: ""
  zonelistfile: "{place}/zone.list"
  xfrdfile: "{place}/xfrd.state"
  xfrdir: "{place}"
  pidfile: "{place}/nsd.pid"
remote-control:
  control-enable: no
"""
    return server + "".join(f'zone:\n  name: "{name}"\n  zonefile: "{name}.zone"\n' for name in zones)


def _unbound(place: Path, ports: Names, zones: Mapping[str, str], anchors: list[str]) -> str:
    trusted = "".join(f'  trust-anchor: "{anchor}"\n' for anchor in anchors)
    server = f"""server:
  interface: 127.0.0.1@{ports.verifying}
  username: ""
  chroot: ""
  directory: "{place}"
  use-syslog: no
  do-not-query-localhost: no
  qname-minimisation: no
  num-threads: 1
  module-config: "validator iterator"
  local-zone: "test." nodefault
{trusted}remote-control:
  control-enable: no
"""
    return server + "".join(f'stub-zone:\n  name: "{name}"\n  stub-addr: 127.0.0.1@{ports.serving}\n' for name in zones)


def _await_answer(port: int, zone: str, log: Path) -> None:
    """Ask for the zone's SOA until a good answer comes."""
    name = b"".join(bytes((len(label),)) + label.encode() for label in zone.split(".")) + b"\0"
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            asking.settimeout(0.2)
            try:
                asking.connect(("127.0.0.1", port))
                asking.send(b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + name + _SOA)
                answer = asking.recv(2000)
            except OSError:
                time.sleep(0.05)
                continue
        if answer[3] & 15 == 0 and answer[7]:
            return
    raise AssertionError(log.read_text(encoding="utf-8", errors="replace"))
