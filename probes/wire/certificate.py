"""What a certificate says of itself: when it holds, whose it is, how strong it is (RFC 5280 section 4.1).

It is read, not verified: that is OpenSSL's part, which has parsed the same bytes before they come here.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from probes.wire.ber import BIT_STRING, GENERALIZED_TIME, INTEGER, OBJECT_IDENTIFIER, SEQUENCE, SET, UTC_TIME, Element, Malformed, only

_VERSION = 0xA0
_COMMON_NAME = "2.5.4.3"
_KEYS = {
    "1.2.840.113549.1.1.1": "RSA",
    "1.2.840.113549.1.1.10": "RSA-PSS",
    "1.2.840.10040.4.1": "DSA",
    "1.2.840.10045.2.1": "EC",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}
_BITS = {
    "1.2.840.10045.3.1.1": 192,
    "1.3.132.0.33": 224,
    "1.2.840.10045.3.1.7": 256,
    "1.3.132.0.10": 256,
    "1.3.36.3.3.2.8.1.1.7": 256,
    "1.3.132.0.34": 384,
    "1.3.36.3.3.2.8.1.1.11": 384,
    "1.3.36.3.3.2.8.1.1.13": 512,
    "1.3.132.0.35": 521,
    "1.3.101.112": 256,
    "1.3.101.113": 456,
}
"""The size of a key where its curve fixes it, by the curve's identifier."""
_SIGNATURES = {
    "1.2.840.113549.1.1.4": "md5WithRSA",
    "1.2.840.113549.1.1.5": "sha1WithRSA",
    "1.2.840.113549.1.1.10": "RSA-PSS",
    "1.2.840.113549.1.1.11": "sha256WithRSA",
    "1.2.840.113549.1.1.12": "sha384WithRSA",
    "1.2.840.113549.1.1.13": "sha512WithRSA",
    "1.2.840.10040.4.3": "sha1WithDSA",
    "1.2.840.10045.4.1": "sha1WithECDSA",
    "1.2.840.10045.4.3.2": "sha256WithECDSA",
    "1.2.840.10045.4.3.3": "sha384WithECDSA",
    "1.2.840.10045.4.3.4": "sha512WithECDSA",
    "1.3.101.112": "Ed25519",
    "1.3.101.113": "Ed448",
}
_TIME = re.compile(r"(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)?(?:Z|([+-])(\d\d)(\d\d))", re.ASCII)
_LEAST_BITS = {"RSA": 2048, "RSA-PSS": 2048, "DSA": 2048, "EC": 224}
"""What 112 bits of security take (NIST SP 800-57 part 1, table 2)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Certificate:
    """One certificate. *name* is its common name, or empty; *bits* is the size of its key, 0 where it is of an unknown kind."""

    name: str
    begins: datetime
    ends: datetime
    key: str
    bits: int
    signature: str
    is_self_issued: bool

    def __str__(self) -> str:
        name = self.name or "a certificate without a common name"
        return f"{name}, {self.key} {self.bits}, {self.signature}, ends {self.ends:%Y-%m-%d %H:%M} UTC"

    @property
    def weakness(self) -> str | None:
        """What is too weak about it, in words. The signature of a root does not count: it is trusted for being there."""
        if 0 < self.bits < _LEAST_BITS.get(self.key, 0):
            return f"a key of {self.bits} bits ({self.key})"
        if self.signature.startswith(("md5", "sha1")) and not self.is_self_issued:
            return f"a signature by {self.signature}"
        return None


def certificate(der: bytes) -> Certificate:
    """Read one certificate. Errors: Malformed."""
    parts = only(der).demand(SEQUENCE).parts(3)[0].demand(SEQUENCE).parts(6)
    has_version = parts[0].tag == _VERSION and len(parts) > 6
    _, signature, issuer, validity, subject, key = parts[1:7] if has_version else parts[:6]
    begins, ends = validity.demand(SEQUENCE).parts(2)[:2]
    kind, bits = _key(key)
    algorithm = signature.demand(SEQUENCE).parts(1)[0].demand(OBJECT_IDENTIFIER).identifier()
    return Certificate(
        name=_common_name(subject),
        begins=_instant(begins),
        ends=_instant(ends),
        key=kind,
        bits=bits,
        signature=_SIGNATURES.get(algorithm, algorithm),
        is_self_issued=issuer == subject,
    )


def _key(described: Element) -> tuple[str, int]:
    algorithm, key = described.demand(SEQUENCE).parts(2)[:2]
    parts = algorithm.demand(SEQUENCE).parts(1)
    named = parts[0].demand(OBJECT_IDENTIFIER).identifier()
    kind = _KEYS.get(named, named)
    if kind.startswith("RSA"):
        modulus = only(key.demand(BIT_STRING).content[1:]).demand(SEQUENCE).parts(2)[0].demand(INTEGER)
        return kind, int.from_bytes(modulus.content, "big").bit_length()
    if kind == "DSA" and len(parts) > 1 and parts[1].tag == SEQUENCE:
        prime = parts[1].parts(1)[0].demand(INTEGER)
        return kind, int.from_bytes(prime.content, "big").bit_length()
    curve = parts[1].identifier() if kind == "EC" and len(parts) > 1 and parts[1].tag == OBJECT_IDENTIFIER else named
    return kind, _BITS.get(curve, 0)


def _common_name(name: Element) -> str:
    found = ""
    for group in name.demand(SEQUENCE).parts():
        for pair in group.demand(SET).parts():
            kind, value = pair.demand(SEQUENCE).parts(2)[:2]
            if kind.demand(OBJECT_IDENTIFIER).identifier() == _COMMON_NAME:
                found = value.text()
    return found


def _instant(time: Element) -> datetime:
    """Read a time; a UTCTime's year has two digits, of this century up to 49 (RFC 5280 section 4.1.2.5)."""
    text = time.demand(UTC_TIME, GENERALIZED_TIME).text()
    if time.tag == UTC_TIME:
        text = ("20" if text[:2] < "50" else "19") + text
    matched = _TIME.fullmatch(text)
    if matched is None:
        raise Malformed("not a time")
    year, month, day, hour, minute, second = (int(part or 0) for part in matched.groups()[:6])
    try:
        instant = datetime(year, month, day, hour, minute, second, tzinfo=UTC)
        ahead = timedelta(hours=int(matched[8] or 0), minutes=int(matched[9] or 0))
        return instant + ahead if matched[7] == "-" else instant - ahead
    except (ValueError, OverflowError) as error:
        raise Malformed(f"not a time: {error}") from error
