"""The records by which mail is trusted, read: SPF (RFC 7208), DKIM keys (RFC 6376, 8301, 8463), DMARC (RFC 7489). Values only."""

import base64
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

_LOOKUPS = frozenset({"a", "mx", "ptr", "exists", "include", "redirect"})
"""The terms of SPF that make the reader ask; ten in all are allowed (RFC 7208 section 4.6.4)."""
_STRONG = 2048
_ED25519 = 32


@dataclass(frozen=True, slots=True)
class Spf:
    """What an SPF record says: how often it asks by itself, which further records it leads to, and what it says of all others.

    *rest* is the qualifier of ``all`` (``-``, ``~``, ``?`` or ``+``), or None where there is no ``all``.
    """

    lookups: int
    leads_to: tuple[str, ...]
    rest: str | None


def spf_of(texts: Sequence[str]) -> list[str]:
    """Pick the SPF records among a name's texts; more than one is as bad as none (RFC 7208 section 4.5)."""
    return [text for text in texts if text.lower().split(" ", 1)[0] == "v=spf1"]


def spf(text: str) -> Spf:
    """Read an SPF record. What its macros lead to depends on the message, and is left out of *leads_to*."""
    lookups, leads_to, rest = 0, [], None
    for term in text.split()[1:]:
        qualifier, bare = (term[0], term[1:]) if term[0] in "+-~?" else ("+", term)
        name, _, value = bare.replace("=", ":", 1).partition(":")
        name = name.lower().partition("/")[0]
        lookups += name in _LOOKUPS
        if name in {"include", "redirect"} and "%" not in value:
            leads_to.append(value.rstrip(".").lower())
        if name == "all":
            rest = qualifier
    return Spf(lookups, tuple(leads_to), rest or ("" if "redirect=" in text.lower() else None))


def tags(text: str) -> Mapping[str, str]:
    """Read ``name=value; name=value`` (RFC 6376 section 3.2); of two of the same name the first counts."""
    found: dict[str, str] = {}
    for part in text.split(";"):
        name, equals, value = part.partition("=")
        if equals:
            found.setdefault(name.strip().lower(), "".join(value.split()))
    return found


@dataclass(frozen=True, slots=True)
class DkimKey:
    """What is to be said of a key: *trouble* in words, or None, and whether signatures hold with it all the same."""

    trouble: str | None = None
    is_usable: bool = True


def dkim_key(text: str) -> DkimKey:
    """Judge the record of a DKIM key."""
    key = tags(text)
    if "p" not in key or key.get("v", "DKIM1") != "DKIM1":
        return DkimKey("it is no DKIM key", is_usable=False)
    if not key["p"]:
        return DkimKey("it is withdrawn (p is empty)", is_usable=False)
    bits = _bits(key["p"], key.get("k", "rsa").lower())
    if bits is None:
        return DkimKey("it cannot be read", is_usable=False)
    if bits < _STRONG:
        return DkimKey(f"an RSA key of {bits} bits; 2,048 are asked for")
    return DkimKey("it says that it is a test (t=y)") if "y" in key.get("t", "").split(":") else DkimKey()


def _bits(encoded: str, algorithm: str) -> int | None:
    """Return the length of an RSA key; an Ed25519 one counts as a strong one. None where it cannot be read."""
    try:
        octets = base64.b64decode(encoded, validate=True)
        if algorithm == "ed25519":
            return _STRONG if len(octets) == _ED25519 else None
        key = load_der_public_key(octets)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.key_size if isinstance(key, RSAPublicKey) else None


def dmarc_of(texts: Sequence[str]) -> list[Mapping[str, str]]:
    """Pick the DMARC records among a name's texts, and read them."""
    return [tags(text) for text in texts if "".join(text.split(";", 1)[0].split()) == "v=DMARC1"]


def dmarc_policy(record: Mapping[str, str], *, is_above: bool) -> str:
    """Return what is asked for; of a record *is_above* the domain, what it says of subdomains, if anything (RFC 7489 section 6.3)."""
    policy = record.get("p", "")
    return record.get("sp", policy) if is_above else policy


def dmarc_places(domain: str) -> list[str]:
    """Return where a DMARC record may stand: at the domain, else at what it belongs to; never at a top-level domain."""
    labels = domain.rstrip(".").split(".")
    return ["_dmarc." + ".".join(labels[start:]) for start in range(max(1, len(labels) - 1))][:5]
