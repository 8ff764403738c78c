"""A network of its own, where every address there is leads home: what a door lets out can be seen, wherever it would have gone.

Linux gives it to root, and to everybody where unprivileged namespaces are allowed; ``ip`` and ``unshare`` must be installed.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

_RESOLVER = "127.0.0.53"
_FILES = {
    "resolv.conf": f"nameserver {_RESOLVER}\noptions timeout:1 attempts:1\n",
    "nsswitch.conf": "hosts: files dns\n",
    "hosts": "127.0.0.1 localhost\n::1 localhost\n",
}
_ALONE = ("unshare", *(() if os.geteuid() == 0 else ("--user", "--map-root-user")), "--net", "--mount")
_LAND = """
ip link set lo up
ip route add local 0.0.0.0/0 dev lo
ip -6 route add local ::/0 dev lo
for name in resolv.conf nsswitch.conf hosts; do mount --bind "$1/$name" "/etc/$name"; done
echo landed
exec "$2" -m "$3"
"""
_CHECKOUT = Path(__file__).parents[2]


class NoIsland(Exception):
    """The kernel, or what is installed, gives no network of one's own."""

    def __init__(self, missing: str) -> None:
        super().__init__(f"a network of its own is needed (root or unprivileged namespaces, unshare, ip; apt install iproute2): {missing}")


def is_in_reach() -> bool:
    """Whether this machine gives one."""
    try:
        return subprocess.run([*_ALONE, "ip", "link", "show"], check=False, capture_output=True).returncode == 0
    except FileNotFoundError:
        return False


def sent_to(module: str, *, within: float = 120.0) -> str:
    """Run *module* there, as root of nothing else, and return what it prints. Errors: NoIsland; AssertionError where it fails."""
    with tempfile.TemporaryDirectory() as name:
        for file, text in _FILES.items():
            Path(name, file).write_text(text, encoding="utf-8")
        command = [*_ALONE, "/bin/sh", "-eu", "-c", _LAND, "island", name, sys.executable, module]
        try:
            done = subprocess.run(command, cwd=_CHECKOUT, check=False, capture_output=True, text=True, timeout=within)
        except FileNotFoundError as error:
            raise NoIsland(str(error)) from error
    landed, _, printed = done.stdout.partition("\n")
    if landed != "landed":
        raise NoIsland(done.stderr.strip() or "it could not be entered")
    assert done.returncode == 0, done.stderr
    return printed
