"""A real directory: OpenLDAP's slapd with a handful of entries, in a temporary directory and by no right but ours."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.rude.chains import Chains, issue
from tests.rude.daemons import own_directory, running
from tests.rude.peer import closed_port

BASE = "dc=example,dc=net"
ANN = {"user": f"cn=ann,{BASE}", "password": "geheim-ü"}

_SETUP = """\
include /etc/ldap/schema/core.schema
modulepath /usr/lib/ldap
moduleload back_mdb
TLSCertificateFile {certificate}
TLSCertificateKeyFile {key}
{more}
database mdb
maxsize 1048576
suffix {base}
directory {store}
access to dn.subtree="ou=secret,{base}" by anonymous auth by * none
access to attrs=userPassword by anonymous auth
access to * by * read
"""
_ENTRIES = """\
dn: {base}
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: ou=people,{base}
objectClass: organizationalUnit
ou: people

dn: ou=secret,{base}
objectClass: organizationalUnit
ou: secret

dn: cn=ann,{base}
objectClass: person
cn: ann
sn: Ann (of *Example*)
userPassword: {password}

dn: cn=bob,{base}
objectClass: person
cn: bob
sn: Bob
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Directory:
    """Where a running server listens, and what a probe is told to trust."""

    port: int
    encrypted_port: int
    ca: Path


@contextmanager
def directory(*more: str, has_tls: bool = True) -> Iterator[Directory]:
    """Start a server; *more* are lines of its own configuration."""
    with own_directory() as place:
        chains = Chains(place)
        setup = _set_up(place, chains, more, has_tls=has_tls)
        found = Directory(port=closed_port(), encrypted_port=closed_port(), ca=chains.ca)
        places = f"ldap://127.0.0.1:{found.port}/ ldaps://127.0.0.1:{found.encrypted_port}/"
        with running([_slapd(), "-f", setup, "-h", places, "-d", "0"], found.port, found.encrypted_port):
            yield found


def _set_up(place: Path, chains: Chains, more: tuple[str, ...], *, has_tls: bool) -> Path:
    leaf = issue("ldap", chains.root, names=["127.0.0.1"])
    texts = {"certificate": chains.write(leaf.pem), "key": chains.write(leaf.key_pem), "more": "\n".join(more)}
    store, setup, entries = place / "store", place / "slapd.conf", place / "entries.ldif"
    store.mkdir()
    lines = _SETUP.format(store=store, base=BASE, **texts).splitlines(keepends=True)
    setup.write_text("".join(line for line in lines if has_tls or not line.startswith("TLS")), encoding="utf-8")
    entries.write_text(_ENTRIES.format(base=BASE, password=ANN["password"]), encoding="utf-8")
    subprocess.run([_slapd(), "-T", "add", "-f", setup, "-l", entries], check=True, capture_output=True)
    return setup


def _slapd() -> str:
    found = shutil.which("slapd", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/libexec")
    assert found is not None, "slapd is missing: apt install slapd"
    return found
