"""Postfix and Dovecot as Debian has them, from configurations of their own in a directory of their own, on free ports of 127.0.0.1."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import trustme

USER, PASSWORD = "probe@example.net", "geheim"
BROKEN = "broken@example.net"
"""The name for which the directory of names is away."""
NEEDED = ("postfix", "dovecot", "doveconf", "/usr/lib/dovecot/imap-login", "/usr/lib/dovecot/pop3-login", "/usr/lib/dovecot/lmtp")
PACKAGES = "postfix dovecot-imapd dovecot-pop3d dovecot-lmtpd"
_STARTS_WITHIN = 60.0

_MAIN = """
compatibility_level = 3.6
queue_directory = {home}/queue
data_directory = {home}/postfix-data
meta_directory = /etc/postfix
maillog_file = {home}/postfix.log
maillog_file_prefixes = {home}
myhostname = mail.example.net
mydestination =
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
alias_maps =
local_recipient_maps =
virtual_mailbox_domains = example.net
virtual_mailbox_maps = inline:{{ {{{user} = x}} {{lost@example.net = x}} {{later@example.net = x}} {{probe+Junk@example.net = x}} }}
virtual_transport = lmtp:inet:127.0.0.1:{lmtp}
transport_maps = inline:{{ {{lost@example.net = discard:}} }}
lmtp_destination_recipient_limit = 1
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = inet:127.0.0.1:{auth}
smtpd_relay_restrictions = permit_sasl_authenticated, reject_unauth_destination
smtpd_recipient_restrictions = check_recipient_access inline:{{ {{later@example.net = 450 4.7.1 Greylisted}} }}
smtpd_tls_cert_file = {home}/server.pem
smtpd_tls_key_file = {home}/server.pem
smtpd_tls_security_level = may
smtpd_error_sleep_time = 0
"""

_MASTER = """
127.0.0.1:{smtp} inet n - n - - smtpd
127.0.0.1:{smtps} inet n - n - - smtpd -o smtpd_tls_wrappermode=yes
127.0.0.1:{submission} inet n - n - - smtpd
  -o smtpd_tls_security_level=encrypt
  -o smtpd_client_restrictions=permit_sasl_authenticated,reject
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""

_DOVECOT = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/dovecot.log
protocols = imap pop3 lmtp
listen = 127.0.0.1
ssl = yes
ssl_cert = <{home}/server.pem
ssl_key = <{home}/server.pem
auth_mechanisms = plain login
auth_failure_delay = 0
first_valid_uid = 1
mail_location = maildir:~/Maildir
recipient_delimiter = +
lmtp_save_to_detail_mailbox = yes
passdb {{
  driver = passwd-file
  args = scheme=PLAIN {home}/users
}}
passdb {{
  driver = checkpassword
  username_filter = {broken}
  args = {home}/directory-away
}}
service anvil {{
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={home}/mail/%u
}}
namespace inbox {{
  inbox = yes
  mailbox Junk {{
    auto = create
  }}
}}
service imap-login {{
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
  }}
}}
service pop3-login {{
  inet_listener pop3 {{
    port = {pop3}
  }}
  inet_listener pop3s {{
    port = {pop3s}
  }}
}}
service lmtp {{
  inet_listener lmtp {{
    address = 127.0.0.1
    port = {lmtp}
  }}
}}
service auth {{
  inet_listener sasl {{
    address = 127.0.0.1
    port = {auth}
  }}
}}
"""
_LISTENERS = ("smtp", "smtps", "submission", "imap", "imaps", "pop3", "pop3s", "lmtp", "auth")


class CannotStart(Exception):
    """The servers do not run here; the message says what to do."""


@dataclass(frozen=True, slots=True)
class MailServers:
    """Where they listen, by the name of the service, and whom a probe is to trust."""

    home: Path
    ports: dict[str, int]
    ca: Path


@contextmanager
def mail_servers() -> Iterator[MailServers]:
    """Run both until they are no longer wanted. Errors: CannotStart."""
    _make_sure_of_programs()
    home = Path(tempfile.mkdtemp(prefix="mail-"))
    try:
        home.chmod(0o755)  # Postfix and Dovecot work in here as accounts of their own
        places = MailServers(home, _free_ports(), home / "ca.pem")
        _write(places)
        with ExitStack() as stack:
            dovecot, postfix = ["dovecot", "-F", "-c", str(home / "dovecot.conf")], ["postfix", "-c", str(home / "postfix"), "start-fg"]
            stack.enter_context(_running(dovecot, places, ("imap", "pop3", "imaps", "pop3s"), home / "run" / "master.pid"))
            stack.enter_context(_running(postfix, places, ("smtp", "smtps", "submission"), home / "queue" / "pid" / "master.pid"))
            yield places
    finally:
        shutil.rmtree(home)


def _make_sure_of_programs() -> None:
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    if lacking := [name for name in NEEDED if shutil.which(name, path=path) is None]:
        raise CannotStart(f"{', '.join(lacking)} not found: install what is missing (Debian: apt install {PACKAGES}) and run again.")
    if os.geteuid() != 0:
        raise CannotStart("Postfix and Dovecot change to accounts of their own, which only root may: run these tests as root.")


def _write(places: MailServers) -> None:
    home, nobody = places.home, pwd.getpwnam("nobody")
    given = {"home": home, "user": USER, "broken": BROKEN, "uid": nobody.pw_uid, "gid": nobody.pw_gid, **places.ports}
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(places.ca))
    authority.issue_cert("127.0.0.1", "localhost").private_key_and_cert_chain_pem.write_to_path(str(home / "server.pem"))
    (home / "users").write_text(f"{USER}:{PASSWORD}\n")
    (home / "directory-away").write_text("#!/bin/sh\nexit 111\n")  # "temporary problem" in the language of checkpassword
    (home / "directory-away").chmod(0o755)
    for name in ("postfix", "queue", "mail", "postfix-data"):
        (home / name).mkdir()
    shutil.chown(home / "mail", "nobody")
    shutil.chown(home / "postfix-data", "postfix")
    (home / "postfix" / "main.cf").write_text(_MAIN.format(**given))
    (home / "postfix" / "master.cf").write_text(_MASTER.format(**given))
    (home / "dovecot.conf").write_text(_DOVECOT.format(**given))


@contextmanager
def _running(command: list[str], places: MailServers, services: tuple[str, ...], pid: Path) -> Iterator[None]:
    """Run *command* until its *services* are no longer wanted; *pid* is where it writes the number of the process that ends them all."""
    path = os.environ["PATH"] + ":/usr/sbin:/sbin"
    output = places.home / f"{command[0]}.out"
    with output.open("wb") as told:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=told,
            stderr=subprocess.STDOUT,
            env=os.environ | {"PATH": path},
            start_new_session=True,
        )
    try:
        for service in services:
            _wait_for(places.ports[service], process, places.home)
        yield
    finally:
        if process.poll() is None and pid.exists():
            os.kill(int(pid.read_text()), signal.SIGTERM)
        else:
            process.terminate()
        process.wait(20)


def _wait_for(port: int, process: subprocess.Popen[bytes], home: Path) -> None:
    until = time.monotonic() + _STARTS_WITHIN
    while time.monotonic() < until and process.poll() is None:
        try:
            with socket.create_connection(("127.0.0.1", port), 1):
                return
        except OSError:
            time.sleep(0.05)
    said = "\n".join(
        f"{path.name}: {path.read_text(errors='replace')[-2000:]}" for path in home.glob("*.*") if path.suffix in (".log", ".out")
    )
    raise CannotStart(f"{process.args!r} does not listen at {port}:\n{said}")


def _free_ports() -> dict[str, int]:
    with ExitStack() as stack:
        taken = {name: stack.enter_context(socket.socket()) for name in _LISTENERS}
        for each in taken.values():
            each.bind(("127.0.0.1", 0))
        return {name: each.getsockname()[1] for name, each in taken.items()}


def own_connections(places: MailServers) -> list[str]:
    """The lines of the kernel's table that are open connections of this process to the servers."""
    ours = {str(path.readlink()) for path in Path("/proc/self/fd").iterdir() if path.is_symlink()}
    rows = [line.split() for line in Path("/proc/self/net/tcp").read_text().splitlines()[1:]]
    return [" ".join(row) for row in rows if f"socket:[{row[9]}]" in ours and int(row[2].rpartition(":")[2], 16) in places.ports.values()]
