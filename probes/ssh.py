"""An SSH server that says who it is and proves it: banner, key exchange, and the host key's signature (RFC 4253, 5656, 8731, 8332).

The dialogue ends with the proof, before a name or password would be due: nothing is encrypted, so nothing of a cipher is needed.
"""

import base64
import hashlib
import re
import secrets
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from pydantic import AfterValidator, BaseModel, Field

from probes.attempt import Attempt, ProbeFailed
from probes.egress import Door, Trust
from probes.kind import ProbeKind
from probes.lines import Stream
from probes.result import Failure
from probes.settings import CLOSED, Host, Port, authority, host_and_port
from probes.text import excerpt

_PORT = 22
_OURS = b"SSH-2.0-statuspage"
_MOST_LINES = 20
"""Lines that a server may say before its version (RFC 4253 section 4.2)."""
_LONGEST = 255
_LARGEST = 35_000
"""Bytes in a packet that everybody has to take (RFC 4253 section 6.1)."""
_MOST_PACKETS = 20
_DISCONNECT, _IGNORE, _DEBUG, _KEXINIT, _ECDH_INIT, _ECDH_REPLY = 1, 2, 4, 20, 30, 31
_KEYS = (b"ssh-ed25519", b"ecdsa-sha2-nistp256", b"ecdsa-sha2-nistp384", b"ecdsa-sha2-nistp521", b"rsa-sha2-512", b"rsa-sha2-256")
_CIPHERS = b"chacha20-poly1305@openssh.com,aes256-gcm@openssh.com,aes128-gcm@openssh.com,aes256-ctr,aes192-ctr,aes128-ctr"
_MACS = b"hmac-sha2-256-etm@openssh.com,hmac-sha2-512-etm@openssh.com,hmac-sha2-256,hmac-sha2-512"
_HASHES: dict[bytes, hashes.HashAlgorithm] = {
    b"rsa-sha2-256": hashes.SHA256(), b"rsa-sha2-512": hashes.SHA512(),
    b"nistp256": hashes.SHA256(), b"nistp384": hashes.SHA384(), b"nistp521": hashes.SHA512(),
}  # fmt: skip
_CURVES: dict[bytes, ec.EllipticCurve] = {b"nistp256": ec.SECP256R1(), b"nistp384": ec.SECP384R1(), b"nistp521": ec.SECP521R1()}
_EXCHANGES: dict[bytes, ec.EllipticCurve | None] = {
    b"curve25519-sha256": None, b"curve25519-sha256@libssh.org": None, **{b"ecdh-sha2-" + name: curve for name, curve in _CURVES.items()},
}  # fmt: skip
"""By name the curve over which keys are exchanged; None is Curve25519. Servers bound to FIPS 140 have those of NIST only."""
_FINGERPRINT = re.compile(r"SHA256:[A-Za-z0-9+/]{43}")


def _fingerprint(text: str) -> str:
    if not _FINGERPRINT.fullmatch(text):
        raise ValueError("write SHA256: and 43 letters, as ssh-keygen -l prints it")
    return text


Fingerprint = Annotated[str, AfterValidator(_fingerprint)]


class Settings(BaseModel):
    """A server. *host_key* lists the fingerprints of which it must show one; without it any key that proves itself will do."""

    model_config = CLOSED

    host: Host
    port: Port = _PORT
    host_key: Annotated[tuple[Fingerprint, ...], Field(min_length=1, max_length=20)] | None = None


@dataclass(slots=True)
class Fields:
    """The fields of a packet, taken one after the other. Errors: ProbeFailed with PROTOCOL past its end."""

    rest: bytes

    def take(self, count: int) -> bytes:
        """Take *count* bytes."""
        if count > len(self.rest):
            raise ProbeFailed(Failure.PROTOCOL, "a packet ends within a field")
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def text(self) -> bytes:
        """Take a text, whose length stands before it."""
        return self.take(struct.unpack("!I", self.take(4))[0])


def _text(octets: bytes) -> bytes:
    return struct.pack("!I", len(octets)) + octets


def _number(octets: bytes) -> bytes:
    """Spell a number without sign as an mpint (RFC 4251 section 5)."""
    octets = octets.lstrip(b"\0")
    return _text(b"\0" + octets if octets[:1] > b"\x7f" else octets)


async def measure(settings: Settings, door: Door, attempt: Attempt) -> None:
    """Hear the banner, exchange keys, judge the host's."""
    with await door.connect(settings.host, settings.port, trust=Trust.NAMED, attempt=attempt) as stream:
        with attempt.phase("banner"):
            attempt.sent(_OURS.decode())
            stream.write(_OURS + b"\r\n")
            theirs = await _version(stream, attempt)
        with attempt.phase("key_exchange"):
            key = await _exchanged(theirs, stream, attempt)
        shown = "SHA256:" + base64.b64encode(hashlib.sha256(key).digest()).decode().rstrip("=")
        attempt.received(f"{Fields(key).text().decode('ascii', 'replace')} {shown}".encode())
    if settings.host_key is not None and shown not in settings.host_key:
        raise ProbeFailed(Failure.CONTENT, f"the host key is {shown}, which is not among those expected", stage="key_exchange")


async def _version(stream: Stream, attempt: Attempt) -> bytes:
    """Read up to the server's version, past what it likes to say before."""
    line = b""
    for _ in range(_MOST_LINES):
        line = await stream.line(_LONGEST)
        attempt.received(line)
        if line.startswith((b"SSH-2.0-", b"SSH-1.99-")) and b"\0" not in line:
            return line
        if line.startswith(b"SSH-"):
            raise ProbeFailed(Failure.PROTOCOL, f"not SSH 2: {excerpt(line)}")
    raise ProbeFailed(Failure.PROTOCOL, f"no SSH: {_MOST_LINES} lines and no version, the last {excerpt(line)}")


def _hello() -> bytes:
    """Name what we speak (RFC 4253 section 7.1); no cipher of these is ever used."""
    lists = (b",".join(_EXCHANGES), b",".join(_KEYS), _CIPHERS, _CIPHERS, _MACS, _MACS, b"none", b"none", b"", b"")
    return bytes([_KEXINIT]) + secrets.token_bytes(16) + b"".join(map(_text, lists)) + b"\0" + bytes(4)


def _send(payload: bytes, stream: Stream) -> None:
    padding_length = 8 - (len(payload) + 5) % 8 + (8 if (len(payload) + 5) % 8 > 4 else 0)
    stream.write(struct.pack("!IB", len(payload) + padding_length + 1, padding_length) + payload + bytes(padding_length))


async def _hear(wanted: int, stream: Stream) -> bytes:
    """Read packets up to the one of the kind *wanted*, past those that mean nothing."""
    for _ in range(_MOST_PACKETS):
        length, padded = struct.unpack("!IB", await stream.exactly(5))
        if length > _LARGEST:
            raise ProbeFailed(Failure.TOO_LARGE, f"a packet of {length} bytes")
        if length < padded + 2:
            raise ProbeFailed(Failure.PROTOCOL, f"a packet of {length} bytes, {padded} of them padding")
        payload = (await stream.exactly(length - 1))[: length - 1 - padded]
        if payload[0] == wanted:
            return payload
        if payload[0] == _DISCONNECT:
            fields = Fields(payload[5:])
            raise ProbeFailed(Failure.REJECTED, f"the server ends it: {excerpt(fields.text())}")
        if payload[0] not in (_IGNORE, _DEBUG):
            raise ProbeFailed(Failure.PROTOCOL, f"a message of kind {payload[0]} instead of {wanted}")
    raise ProbeFailed(Failure.PROTOCOL, f"{_MOST_PACKETS} messages that mean nothing")


async def _exchanged(theirs: bytes, stream: Stream, attempt: Attempt) -> bytes:
    """Exchange keys, and return the host's after it has proved itself."""
    ours_said = _hello()
    _send(ours_said, stream)
    theirs_said = await _hear(_KEXINIT, stream)
    exchange, algorithm = _agreed(Fields(theirs_said[17:]), attempt)
    public, met = _half(_EXCHANGES[exchange])
    attempt.sent("key exchange")
    _send(bytes([_ECDH_INIT]) + _text(public), stream)
    reply = Fields((await _hear(_ECDH_REPLY, stream))[1:])
    key, point, signature = reply.text(), reply.text(), reply.text()
    shared = _shared(met, point)
    said = (_OURS, theirs, ours_said, theirs_said, key, public, point)
    _prove(key, signature, algorithm, _hashed(exchange, b"".join(map(_text, said)) + _number(shared)))
    return key


def _agreed(fields: Fields, attempt: Attempt) -> tuple[bytes, bytes]:
    """Choose as both sides do: our first exchange, and key algorithm, that the server has too. Errors: ProbeFailed with IMPAIRED."""
    exchanges, keys = fields.text().split(b","), fields.text().split(b",")
    attempt.received(b"exchanges " + b",".join(exchanges)[:400])
    attempt.received(b"host keys " + b",".join(keys)[:400])
    exchange = next((each for each in _EXCHANGES if each in exchanges), None)
    algorithm = next((each for each in _KEYS if each in keys), None)
    if exchange is None or algorithm is None:  # it may serve everybody but us
        raise ProbeFailed(Failure.IMPAIRED, f"nothing in common: {excerpt(b','.join(exchanges))}, {excerpt(b','.join(keys))}")
    return exchange, algorithm


def _half(curve: ec.EllipticCurve | None) -> tuple[bytes, Callable[[bytes], bytes]]:
    """Make our half of an exchange: the point that we show, and what makes the secret of theirs (RFC 8731 section 3, 5656 section 4)."""
    if curve is None:
        drawn = X25519PrivateKey.generate()
        return drawn.public_key().public_bytes_raw(), lambda point: drawn.exchange(X25519PublicKey.from_public_bytes(point))
    secret = ec.generate_private_key(curve)
    public = secret.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    return public, lambda point: secret.exchange(ec.ECDH(), ec.EllipticCurvePublicKey.from_encoded_point(curve, point))


def _hashed(exchange: bytes, said: bytes) -> bytes:
    """Hash what was said, by the curve's own algorithm (RFC 5656 section 6.2.1)."""
    digest = hashes.Hash(_HASHES.get(exchange.rpartition(b"-")[2], hashes.SHA256()))
    digest.update(said)
    return digest.finalize()


def _shared(met: Callable[[bytes], bytes], point: bytes) -> bytes:
    try:
        return met(point)
    except ValueError as error:
        raise ProbeFailed(Failure.PROTOCOL, f"not a point of the curve: {error}") from None


def _prove(key: bytes, signature: bytes, algorithm: bytes, said: bytes) -> None:
    """Judge the signature over all that was *said* (its hash). Errors: ProbeFailed with PROTOCOL."""
    fields = Fields(signature)
    named, blob = fields.text(), fields.text()
    if named != algorithm:
        raise ProbeFailed(Failure.PROTOCOL, f"signed by {excerpt(named)} instead of {algorithm.decode()}")
    try:
        _verify(Fields(key), algorithm, blob, said)
    except (ValueError, UnsupportedAlgorithm) as error:
        raise ProbeFailed(Failure.PROTOCOL, f"not a host key: {error}") from None
    except InvalidSignature:
        raise ProbeFailed(Failure.PROTOCOL, "the server does not prove that the host key is its own: somebody may stand between") from None


def _verify(key: Fields, algorithm: bytes, blob: bytes, said: bytes) -> None:
    name = key.text()
    if algorithm == b"ssh-ed25519" and name == algorithm:
        ed25519.Ed25519PublicKey.from_public_bytes(key.text()).verify(blob, said)
    elif algorithm.startswith(b"ecdsa-") and name == algorithm:
        curve, point, parts = key.text(), key.text(), Fields(blob)
        pair = int.from_bytes(parts.text()), int.from_bytes(parts.text())
        known = ec.EllipticCurvePublicKey.from_encoded_point(_CURVES[algorithm.rpartition(b"-")[2]], point)
        known.verify(encode_dss_signature(*pair), said, ec.ECDSA(_HASHES[algorithm.rpartition(b"-")[2]]))
        if curve != algorithm.rpartition(b"-")[2]:
            raise ValueError("its curve is another than its name says")
    elif algorithm.startswith(b"rsa-") and name == b"ssh-rsa":
        exponent, modulus = int.from_bytes(key.text()), int.from_bytes(key.text())
        if not 1024 <= modulus.bit_length() <= 16384 or exponent.bit_length() > 64:  # larger ones keep the loop busy
            raise ValueError(f"{modulus.bit_length()} bits")
        rsa.RSAPublicNumbers(exponent, modulus).public_key().verify(blob, said, padding.PKCS1v15(), _HASHES[algorithm])
    else:
        raise ValueError(f"{excerpt(name)} where {algorithm.decode()} was agreed")


def target(settings: Settings) -> str:
    """``host:port``."""
    return authority(settings.host, settings.port)


def ad_hoc(typed: str) -> Settings:
    """``host`` or ``host:port``."""
    name, port = host_and_port(typed, _PORT)
    return Settings(host=name, port=port)


KIND = ProbeKind(name="ssh", summary="An SSH server proves its host key", settings=Settings, measure=measure, target=target, ad_hoc=ad_hoc)
