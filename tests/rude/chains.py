"""Chains of certificates, good and bad, made to measure; and OpenSSL's own server to show them."""

import asyncio
import re
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from itertools import count
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

LEAF = ("127.0.0.1", "localhost")
NOW = datetime.now(UTC).replace(microsecond=0)


_SIGNS = x509.KeyUsage(
    digital_signature=True, content_commitment=False, key_encipherment=False, data_encipherment=False, key_agreement=False,
    key_cert_sign=True, crl_sign=True, encipher_only=False, decipher_only=False,
)  # fmt: skip


def days(number: float) -> datetime:
    return NOW + timedelta(days=number)


@dataclass(frozen=True, slots=True, kw_only=True)
class Member:
    """A certificate with its key and, where another one signed it, that one."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    issuer: "Member | None" = None

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())

    def sent(self) -> list["Member"]:
        """What a server that is set up well sends: itself and what is between it and the root."""
        chain: list[Member] = []
        member: Member | None = self
        while member is not None and (member.issuer is not None or not chain):
            chain.append(member)
            member = member.issuer
        return chain


def issue(
    name: str,
    issuer: Member | None = None,
    *,
    begins: datetime | None = None,
    ends: datetime | None = None,
    names: Iterable[str] | None = None,
    curve: ec.EllipticCurve | None = None,
) -> Member:
    """Make a certificate; an authority where it has no *names*."""
    key = ec.generate_private_key(curve or ec.SECP256R1())
    own = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    builder = (
        x509.CertificateBuilder()
        .subject_name(own)
        .issuer_name(own if issuer is None else issuer.certificate.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(begins or days(-10))
        .not_valid_after(ends or days(100))
        .add_extension(x509.BasicConstraints(ca=names is None, path_length=None), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(_authority(key if issuer is None else issuer.key), critical=False)
    )
    if names is None:
        builder = builder.add_extension(_SIGNS, critical=True)
    else:
        builder = builder.add_extension(x509.SubjectAlternativeName([_name(each) for each in names]), critical=False)
    signer = key if issuer is None else issuer.key
    return Member(certificate=builder.sign(signer, hashes.SHA256()), key=key, issuer=issuer)


def _authority(key: ec.EllipticCurvePrivateKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key())


def _name(text: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ip_address(text))
    except ValueError:
        return x509.DNSName(text)


@dataclass(slots=True)
class Chains:
    """A root that the probe is told to trust (*ca*), and server contexts with what it signed."""

    directory: Path
    root: Member = field(default_factory=lambda: issue("Test Root", ends=days(3000)))
    ca: Path = field(init=False)
    _numbers: "count[int]" = field(default_factory=count)

    def __post_init__(self) -> None:
        self.ca = self.write(self.root.pem)

    def write(self, *pems: bytes) -> Path:
        path = self.directory / f"{next(self._numbers)}.pem"
        path.write_bytes(b"".join(pems))
        return path

    def context(self, leaf: Member, sent: Sequence[Member] | None = None) -> ssl.SSLContext:
        """A server that shows *leaf* and, if not told otherwise, what belongs to it."""
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        chain = leaf.sent() if sent is None else sent
        context.load_cert_chain(self.write(*(each.pem for each in chain)), self.write(leaf.key_pem))
        return context

    def signed_by_openssl(self, *signing: str, key: str, is_first_version: bool = False) -> tuple[Path, Path]:
        """A certificate for 127.0.0.1 with a *key* and a signature that no modern library would still make."""
        number = next(self._numbers)
        paths = {name: self.directory / f"{number}.{name}" for name in ("key", "csr", "crt", "ext")}
        paths["ext"].write_text("subjectAltName=IP:127.0.0.1\nauthorityKeyIdentifier=keyid\nsubjectKeyIdentifier=hash\n", encoding="ascii")
        root_key = self.write(self.root.key_pem)
        _openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", f"rsa_keygen_bits:{key}", "-out", paths["key"])
        _openssl("req", "-new", "-key", paths["key"], "-subj", "/CN=weak", "-out", paths["csr"])
        given = ("-CA", self.ca, "-CAkey", root_key, "-CAcreateserial", "-days", "50", *signing)
        if not is_first_version:
            given = (*given, "-extfile", paths["ext"])
        _openssl("x509", "-req", "-in", paths["csr"], *given, "-out", paths["crt"])
        return paths["crt"], paths["key"]


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)


@asynccontextmanager
async def openssl_server(certificate: Path, key: Path, *options: str) -> AsyncIterator[int]:
    """OpenSSL's own server, which speaks what others no longer do; gives its port."""
    given = ("-accept", "127.0.0.1:0", "-cert", str(certificate), "-key", str(key), "-cipher", "ALL:@SECLEVEL=0", *options)
    server = await asyncio.create_subprocess_exec(
        "openssl", "s_server", *given, stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT
    )
    assert server.stdout is not None
    try:
        async with asyncio.timeout(60):
            while (accepting := re.match(rb"ACCEPT .*:(\d+)$", (await server.stdout.readline()).strip())) is None:
                assert server.returncode is None
        yield int(accepting[1])
    finally:
        server.kill()
        await server.communicate()
