"""Where a mirror is carried to: Debian's rsync as a daemon, a host behind OpenSSH, and what stands there."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from probes.settings import Secret
from statuspage.mirror.carrying import carrying_to
from statuspage.mirror.publication import publish
from statuspage.mirror.target import Elsewhere
from statuspage.mirror.version import Version
from statuspage.mirror.versions import CURRENT, KEPT, home_of
from tests.faults.mirror import AT, numbered
from tests.rude.daemons import own_directory, running
from tests.rude.peer import closed_port

USER, PASSWORD = "mirror", "geheim"


@dataclass(frozen=True, slots=True, kw_only=True)
class FarSide:
    """What an rsync program is told, and the directory where that leads."""

    place: Elsewhere
    root: Path

    @property
    def current(self) -> Path:
        return self.root / CURRENT


@contextmanager
def rsync_daemon(*, munges: bool = False) -> Iterator[FarSide]:
    """Debian's rsync as a daemon, with one module; one that *munges* makes symbolic links useless, as is the default within no chroot."""
    with own_directory() as directory:
        port, module = closed_port(), directory / "module"
        module.mkdir()
        (directory / "secrets").touch(mode=0o600)
        (directory / "secrets").write_text(f"{USER}:{PASSWORD}\n")
        as_root = "uid = root\ngid = root\n" if os.getuid() == 0 else ""
        (directory / "config").write_text(
            f"port = {port}\naddress = 127.0.0.1\nuse chroot = no\nmunge symlinks = {str(munges).lower()}\n{as_root}"
            f"pid file = {directory}/pid\nlog file = {directory}/log\n[site]\npath = {module}\nread only = no\n"
            f"auth users = {USER}\nsecrets file = {directory}/secrets\n"
        )
        with running(["rsync", "--daemon", "--no-detach", f"--config={directory}/config"], port):
            address = f"rsync://{USER}@127.0.0.1:{port}/site/status"
            yield FarSide(place=Elsewhere(address=address, password=Secret(PASSWORD), within=60.0), root=module / "status")


@contextmanager
def ssh_host() -> Iterator[tuple[FarSide, Mapping[str, str]]]:
    """A host behind Debian's OpenSSH, and the environment of somebody who may log in there and knows it."""
    with own_directory() as directory:
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        port, who = closed_port(), subprocess.run(["id", "-un"], check=True, capture_output=True, text=True).stdout.strip()
        for name in ("host", "key"):
            subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", directory / name], check=True)
        lines = [f"Port {port}", "ListenAddress 127.0.0.1", "UsePAM no", "StrictModes no", "PermitRootLogin yes"]
        lines += [f"PidFile {directory}/pid", f"HostKey {directory}/host", f"AuthorizedKeysFile {directory}/key.pub"]
        (directory / "config").write_text("\n".join(lines) + "\n")
        (directory / "known").write_text(f"[127.0.0.1]:{port} {(directory / 'host.pub').read_text()}")
        options = f"-p {port} -i {directory}/key -oUserKnownHostsFile={directory}/known -oGlobalKnownHostsFile=/dev/null -oBatchMode=yes"
        with running(["/usr/sbin/sshd", "-D", "-e", "-f", directory / "config"], port):
            place = Elsewhere(address=f"{who}@127.0.0.1:{directory}/status", within=60.0)
            yield FarSide(place=place, root=directory / "status"), {**os.environ, "RSYNC_RSH": f"ssh -F /dev/null {options}"}


async def carried(far: Elsewhere, stage: Path, number: int, *, keeps: int = KEPT) -> Version:
    """Publish a version that bears *number* in *stage*, and carry it."""
    version = publish(stage, numbered(number), AT)
    await carrying_to(far).carry(home_of(stage, version), version, keeps=keeps)
    return version


def files_in(directory: Path) -> dict[str, bytes]:
    """What stands there, by its name."""
    return {str(path.relative_to(directory)): path.read_bytes() for path in directory.rglob("*") if path.is_file()}
