"""Time servers on loopback: chrony, which is real, and one whose clock is off by what the script says."""

import shutil
import struct
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from tests.rude.datagrams import Script, free_datagram_port

ASIDE = Path(__file__).parents[2] / ".venv" / "servers" / "usr" / "sbin"
"""Where .ci/servers unpacks what cannot be installed beside a rival that the machine has."""

_EPOCH = datetime(1900, 1, 1, tzinfo=UTC)


@contextmanager
def chrony(place: Path, *lines: str) -> Iterator[int]:
    """Run chronyd for loopback; it does not touch this machine's clock. Gives its port."""
    program = shutil.which("chronyd", path=f"/usr/sbin:/usr/bin:{ASIDE}")
    assert program is not None, "chronyd is missing: apt install chrony"
    port = free_datagram_port()
    own = (f"port {port}", "bindaddress 127.0.0.1", "allow 127.0.0.1", "cmdport 0", "bindcmdaddress /", f"pidfile {place}/chronyd.pid")
    (place / "chrony.conf").write_text("\n".join((*own, *lines, "")), encoding="utf-8")
    user = subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
    with (place / "log").open("wb") as log:
        running = subprocess.Popen([program, "-x", "-d", "-U", "-u", user, "-f", f"{place}/chrony.conf"], stdout=log, stderr=log)
        try:
            _await_listening(port, place / "log", running)
            yield port
        finally:
            running.terminate()
            running.wait(10)


def _await_listening(port: int, log: Path, running: subprocess.Popen[bytes]) -> None:
    """Wait until the kernel knows a datagram socket at the port."""
    deadline = time.monotonic() + 20
    wanted = f"0100007F:{port:04X}"
    while time.monotonic() < deadline and running.poll() is None:
        if wanted in Path("/proc/net/udp").read_text(encoding="ascii"):
            return
        time.sleep(0.02)
    raise AssertionError(log.read_text(encoding="utf-8", errors="replace"))


def stamp(instant: datetime) -> int:
    """An instant as NTP writes it; from 2036 on it begins again at nothing."""
    since = instant - _EPOCH
    return ((since // timedelta(seconds=1)) << 32 | (since % timedelta(seconds=1)) // timedelta(microseconds=1) * 2**32 // 10**6) % 2**64


def told(
    asked: bytes, now: datetime, *, leap: int = 0, stratum: int = 2, reference: bytes = b"\x7f\0\0\1", mode: int = 4, takes: float = 0.0
) -> bytes:
    """Answer *asked* at *now* by the server's clock, after the server took *takes* seconds by its own account."""
    flags = leap << 6 | 4 << 3 | mode
    late = stamp(now + timedelta(seconds=takes))
    return struct.pack(
        "!BBbbII4s4Q", flags, stratum, 6, -20, 65536, 32768, reference, stamp(now), *struct.unpack("!Q", asked[40:48]), stamp(now), late
    )


def clock(now: Callable[[], datetime], **more: object) -> Script:
    """A server whose clock is *now*."""

    def script(asked: bytes) -> Iterable[bytes]:
        return (told(asked, now(), **more),)  # type: ignore[arg-type]

    return script
