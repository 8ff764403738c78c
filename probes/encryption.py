"""How an encrypted connection is made, and the contexts that make it: one takes 30 ms to build, so they are kept."""

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from probes.attempt import ProbeFailed
from probes.result import Failure

_Stamp: TypeAlias = tuple[int, ...]
"""When each of the files that a context was made from was changed, in nanoseconds."""


@dataclass(frozen=True, slots=True)
class Tls:
    """Whether the peer's chain and name are verified, against which authorities, and by which certificate we show who we are.

    *ca* is a PEM file of authorities; None means the system's. *certificate* is a PEM file of our certificate and its chain; its
    private key, unencrypted, is in the PEM file *key*, or in the same one. *speaks* names the protocols that are offered inside (ALPN).
    """

    verify: bool = True
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None
    speaks: tuple[str, ...] = ()


class Contexts:
    """One context for each way to encrypt. It is made again once one of its files has changed, as after a renewal."""

    def __init__(self) -> None:
        self._made: dict[Tls, tuple[_Stamp, ssl.SSLContext]] = {}

    def context(self, tls: Tls) -> ssl.SSLContext:
        """Return the context for *tls*. Errors: ProbeFailed with IMPAIRED where a file cannot be read or used."""
        stamp = _stamp(tls)
        known = self._made.get(tls)
        if known is not None and known[0] == stamp:
            return known[1]
        context = _made(tls)
        self._made[tls] = stamp, context
        return context


def _stamp(tls: Tls) -> _Stamp:
    named = ((tls.ca, "the file of authorities"), (tls.certificate, "our certificate"), (tls.key, "the key of our certificate"))
    return tuple(_changed_at(path, what) for path, what in named if path is not None)


def _changed_at(path: Path, what: str) -> int:
    try:
        return path.stat().st_mtime_ns
    except OSError as error:
        raise ProbeFailed(Failure.IMPAIRED, f"{what} cannot be read: {path}: {error.strerror}") from error


def _made(tls: Tls) -> ssl.SSLContext:
    """Make a context, without Diffie-Hellman over a modulus of the peer's choice: one of 8,192 bits stalls the loop for half a second."""
    try:
        context = ssl.create_default_context(cafile=tls.ca)
    except (OSError, ssl.SSLError) as error:
        raise ProbeFailed(Failure.IMPAIRED, f"the authorities in {tls.ca} cannot be read: {error}") from error
    context.set_ciphers(":".join(each["name"] for each in context.get_ciphers() if each["kea"] != "kx-dhe"))
    if tls.certificate is not None:
        _show(context, tls.certificate, tls.key)
    if tls.speaks:
        context.set_alpn_protocols(list(tls.speaks))
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _show(context: ssl.SSLContext, certificate: Path, key: Path | None) -> None:
    """Have *context* show our certificate. An encrypted key is an error and no question at somebody's terminal."""
    try:
        context.load_cert_chain(certificate, key, password=bytes)
    except (OSError, ValueError) as error:  # an SSLError is an OSError
        files = f"{certificate} and {key}" if key is not None else str(certificate)
        why = "not a certificate with its own key, unencrypted" if isinstance(error, ssl.SSLError) else error
        raise ProbeFailed(Failure.IMPAIRED, f"our certificate cannot be used: {files}: {why}") from error
