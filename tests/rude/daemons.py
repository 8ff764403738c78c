"""The field's real servers for tests, each as a process of its own, on 127.0.0.1, with all that it keeps in a new directory."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.rude.certificates import Certificates
from tests.rude.peer import closed_port
from tests.stores import start

USER, PASSWORD = "ann", "geheim"
_STARTS_WITHIN = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Daemon:
    """Where a server listens, and where its own files are. *tls_port* is that of encryption from the first byte."""

    port: int
    directory: Path
    tls_port: int = 0


@contextmanager
def own_directory() -> Iterator[Path]:
    """A directory with a short path: that of a socket in it has little room."""
    with tempfile.TemporaryDirectory(prefix="d", ignore_cleanup_errors=True) as name:
        yield Path(name)


@contextmanager
def running(command: Sequence[object], *ports: int, account: str | None = None, hard: bool = False) -> Iterator[None]:
    """Run *command* until it accepts connections at all of *ports*, and end it afterwards; *hard* where it would take its time for that."""
    words = [str(word) for word in command]
    with tempfile.TemporaryFile() as said, subprocess.Popen(words, stdout=said, stderr=said, user=account) as process:
        try:
            if not all(_accepts(port, process) for port in ports):
                said.seek(0)
                raise RuntimeError(f"{words[0]} did not start: {said.read().decode(errors='replace')[-2000:]}")
            yield
        finally:
            process.kill() if hard else process.terminate()
            try:
                process.wait(_STARTS_WITHIN)
            except subprocess.TimeoutExpired:
                process.kill()


def _accepts(port: int, process: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as caller:
            if caller.connect_ex(("127.0.0.1", port)) == 0:
                return True
        time.sleep(0.02)
    return False


def given_to(account: str, *paths: Path) -> None:
    """Make *account* the owner, where we are somebody who can."""
    if os.getuid() == 0:
        for path in paths:
            os.chown(path, pwd.getpwnam(account).pw_uid, pwd.getpwnam(account).pw_gid)


# --- Redis --------------------------------------------------------------------------------------------------------------------


@contextmanager
def redis(certificates: Certificates, *, password: str | None = None) -> Iterator[Daemon]:
    """Debian's redis-server. With a *password* it knows that one for everybody, and ann's own."""
    with own_directory() as directory:
        port, tls_port = closed_port(), closed_port()
        certificates.write(directory)
        lines = [
            f"port {port}", "bind 127.0.0.1", f"dir {directory}", 'save ""', f"tls-port {tls_port}", "tls-auth-clients no",
            f"tls-cert-file {directory}/chain.pem", f"tls-key-file {directory}/key.pem", f"tls-ca-cert-file {certificates.ca}",
        ]  # fmt: skip
        if password is not None:
            lines += [f"requirepass {password}", f"user {USER} on >{PASSWORD} ~* +ping +get +select +dbsize"]
        (directory / "redis.conf").write_text("\n".join(lines) + "\n", encoding="utf-8")
        with running(["redis-server", directory / "redis.conf"], port, tls_port):
            yield Daemon(port=port, tls_port=tls_port, directory=directory)


# --- PostgreSQL ---------------------------------------------------------------------------------------------------------------

_HBA = """\
host all clear 127.0.0.1/32 password
host all hashed 127.0.0.1/32 md5
host all nobody 127.0.0.1/32 reject
host all open 127.0.0.1/32 trust
host all all 127.0.0.1/32 scram-sha-256
"""


@contextmanager
def postgresql() -> Iterator[Daemon]:
    """PostgreSQL from the package index, which was built without encryption, with a user for each way to log in."""
    with own_directory() as directory:
        server = start(directory)
        for user in (USER, "clear", "open"):
            server.psql(f"CREATE ROLE {user} LOGIN PASSWORD '{PASSWORD}'; CREATE DATABASE {user} OWNER {user};")
        server.psql(
            f"SET password_encryption = 'md5'; CREATE ROLE hashed LOGIN PASSWORD '{PASSWORD}'; CREATE DATABASE hashed OWNER hashed;"
        )
        server.psql("SET scram_iterations = 50000; CREATE ROLE slow LOGIN PASSWORD 'geheim'; CREATE DATABASE slow OWNER slow;")
        server.cleanup()
        home, account = directory / "data", server.system_user
        (home / "pg_hba.conf").write_text(_HBA, encoding="utf-8")
        if account is not None:
            given_to(account, directory)
        port = closed_port()
        options = {"listen_addresses": "127.0.0.1", "port": port, "unix_socket_directories": "", "fsync": "off"}
        command = [
            server.bin_path / "postgres",
            "-D",
            home,
            *(word for name, value in options.items() for word in ("-c", f"{name}={value}")),
        ]
        with running(command, port, account=account):
            yield Daemon(port=port, directory=directory)


# --- MariaDB ------------------------------------------------------------------------------------------------------------------

_GRANTS = f"""\
CREATE DATABASE shop;
CREATE TABLE shop.orders (number INT);
INSERT INTO shop.orders VALUES (41), (42);
CREATE USER '{USER}'@'%' IDENTIFIED BY '{PASSWORD}';
CREATE USER 'open'@'%';
CREATE USER 'modern'@'%' IDENTIFIED VIA ed25519 USING PASSWORD('{PASSWORD}');
GRANT ALL ON shop.* TO '{USER}'@'%', 'open'@'%', 'modern'@'%';
"""


@contextmanager
def mariadb(certificates: Certificates) -> Iterator[Daemon]:
    """Debian's mariadb-server."""
    with own_directory() as directory:
        certificates.write(directory)
        home, port = directory / "data", closed_port()
        account = ["--user=root"] if os.getuid() == 0 else []
        (directory / "grants.sql").write_text(_GRANTS, encoding="utf-8")
        installing = [
            "mariadb-install-db", "--no-defaults", *account, f"--datadir={home}", "--skip-test-db", "--skip-name-resolve",
            "--auth-root-authentication-method=normal",
        ]  # fmt: skip
        subprocess.run(installing, check=True, capture_output=True)
        command = [
            shutil.which("mariadbd") or "/usr/sbin/mariadbd", "--no-defaults", *account, f"--datadir={home}", f"--port={port}",
            "--bind-address=127.0.0.1", f"--socket={directory}/s", f"--pid-file={directory}/pid", "--skip-name-resolve",
            "--plugin-load-add=auth_ed25519", "--innodb-buffer-pool-size=16M", "--innodb-flush-log-at-trx-commit=0",
            f"--ssl-cert={directory}/chain.pem", f"--ssl-key={directory}/key.pem", f"--init-file={directory}/grants.sql",
        ]  # fmt: skip
        with running(command, port):
            yield Daemon(port=port, directory=directory)


# --- OpenSSH ------------------------------------------------------------------------------------------------------------------


@contextmanager
def ssh(*kinds: str, bits: int = 0, exchange: str | None = None) -> Iterator[Daemon]:
    """Debian's openssh-server, with a host key of each of *kinds*, and where one is named no other key exchange."""
    with own_directory() as directory:
        if os.getuid() == 0:
            Path("/run/sshd").mkdir(mode=0o755, exist_ok=True)
        port = closed_port()
        lines = [f"Port {port}", "ListenAddress 127.0.0.1", "UsePAM no", f"PidFile {directory}/pid"]
        lines += [f"KexAlgorithms {exchange}"] if exchange is not None else []
        for kind in kinds:
            made = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-f", str(directory / kind), *(["-b", str(bits)] if bits else [])]
            subprocess.run(made, check=True, capture_output=True)
            lines.append(f"HostKey {directory / kind}")
        (directory / "config").write_text("\n".join(lines) + "\n", encoding="utf-8")
        with running(["/usr/sbin/sshd", "-D", "-e", "-f", directory / "config"], port):
            yield Daemon(port=port, directory=directory)


def fingerprint(directory: Path, kind: str) -> str:
    """What ssh-keygen says of a host key."""
    return subprocess.run(["ssh-keygen", "-l", "-f", directory / f"{kind}.pub"], check=True, capture_output=True, text=True).stdout.split()[
        1
    ]
