"""Prove that we know a password without saying it, and have the server prove the same: SCRAM-SHA-256 (RFC 5802, RFC 7677)."""

import asyncio
import base64
import binascii
import hashlib
import hmac
import re
import secrets
import unicodedata
from dataclasses import dataclass, field

from probes.attempt import ProbeFailed
from probes.result import Failure
from probes.text import excerpt

MECHANISM = "SCRAM-SHA-256"
_MOST_ROUNDS = 1_000_000
"""About half a second of work; a server that asks for more wants to keep us busy."""
_ROUNDS_ON_LOOP = 10_000
_CHALLENGE = re.compile(rb"r=([\x21-\x2b\x2d-\x7e]{1,500}),s=([A-Za-z0-9+/=]{1,500}),i=([1-9][0-9]{0,9})(?:,.*)?", re.DOTALL)


@dataclass(slots=True, kw_only=True)
class Scram:
    """One proof. Without channel binding: the certificate says who the server is, and its own proof that it knows the password."""

    password: str
    nonce: str = field(default_factory=lambda: secrets.token_urlsafe(18))
    _expected: bytes = b""

    def first(self) -> bytes:
        """Begin. The name is left empty: the protocol around has said it already."""
        return b"n,," + self._first_bare()

    def _first_bare(self) -> bytes:
        return b"n=,r=" + self.nonce.encode()

    async def answer(self, challenge: bytes) -> bytes:
        """Answer the server's challenge. Errors: ProbeFailed with PROTOCOL."""
        matched = _CHALLENGE.fullmatch(challenge)
        if matched is None or not matched[1].startswith(self.nonce.encode()) or len(matched[1]) == len(self.nonce):
            raise ProbeFailed(Failure.PROTOCOL, f"not a SCRAM challenge: {excerpt(challenge)}")
        salted = await _salted(self.password, _decoded(matched[2]), int(matched[3]))
        without_proof = b"c=biws,r=" + matched[1]
        signed = b",".join((self._first_bare(), challenge, without_proof))
        client_key = _hmac(salted, b"Client Key")
        signature = _hmac(hashlib.sha256(client_key).digest(), signed)
        self._expected = _hmac(_hmac(salted, b"Server Key"), signed)
        proof = bytes(one ^ other for one, other in zip(client_key, signature, strict=True))
        return without_proof + b",p=" + base64.b64encode(proof)

    def confirm(self, final: bytes) -> None:
        """Judge the server's own proof. Errors: ProbeFailed with PROTOCOL."""
        if not hmac.compare_digest(final.partition(b",")[0], b"v=" + base64.b64encode(self._expected)):
            raise ProbeFailed(Failure.PROTOCOL, "the server does not prove that it knows the password: it may be another's")


async def _salted(password: str, salt: bytes, rounds: int) -> bytes:
    if rounds > _MOST_ROUNDS:
        raise ProbeFailed(Failure.PROTOCOL, f"{rounds} rounds of hashing are asked for; {_MOST_ROUNDS} are the most that are made")
    prepared = unicodedata.normalize("NFKC", password).encode()  # what SASLprep makes of passwords that it allows
    if rounds <= _ROUNDS_ON_LOOP:
        return hashlib.pbkdf2_hmac("sha256", prepared, salt, rounds)
    return await asyncio.to_thread(hashlib.pbkdf2_hmac, "sha256", prepared, salt, rounds)


def _decoded(text: bytes) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ProbeFailed(Failure.PROTOCOL, f"not a salt: {excerpt(text)}") from None


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, "sha256")
