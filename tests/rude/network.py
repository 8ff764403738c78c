"""A network of its own for one probe, made and thrown away: what this machine's may do is not ours to change."""

import shutil
import subprocess
import sys
from pathlib import Path

_CHECKOUT = Path(__file__).parents[2]
_FRAME = """set -e
ip link set lo up
{setup}
exec {before} "$0" -c "$1"
"""


def in_own_network(code: str, *, setup: str = "", before: str = "") -> str:
    """Run Python *code* where the shell has *setup* the network, with the words *before* the program; gives what it printed."""
    unshare = shutil.which("unshare")
    assert unshare is not None, "unshare is missing: apt install util-linux"
    done = subprocess.run(
        [unshare, "--net", "--map-root-user", "--", "sh", "-c", _FRAME.format(setup=setup, before=before), sys.executable, code],
        cwd=_CHECKOUT, check=False, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, f"a network namespace is needed here (root, or user namespaces allowed): {done.stderr}"
    return done.stdout
