"""A search filter, from the form in which people write it to the form in which it is sent (RFC 4515, RFC 4511 section 4.5.1)."""

import re

from probes.wire.ber import OCTET_STRING, SEQUENCE, encoded

_DEEPEST = 20
_SETS = {"&": 0xA0, "|": 0xA1}
_NOT = 0xA2
_SUBSTRINGS = 0xA4
_PRESENT = 0x87
_EXTENSIBLE = 0xA9
_COMPARISONS = {"=": 0xA3, ">=": 0xA5, "<=": 0xA6, "~=": 0xA8}
_ATTRIBUTE = r"(?:[A-Za-z][A-Za-z0-9-]*|\d+(?:\.\d+)*)(?:;[A-Za-z0-9-]+)*"
_TERM = re.compile(rf"({_ATTRIBUTE})?(:dn)?(?::({_ATTRIBUTE}))?(:=|>=|<=|~=|=)([^()\0]*)", re.ASCII | re.DOTALL)
_ESCAPE = re.compile(r"\\([0-9A-Fa-f]{2})?")


def filter_octets(text: str) -> bytes:
    """Spell a filter such as ``(&(objectClass=person)(uid=ann*))`` for the wire. Errors: ValueError with a sentence for people."""
    octets, end = _filter(text, 0, _DEEPEST)
    if end != len(text):
        raise ValueError(f"a filter ends at its closing bracket, and something follows: {text[end : end + 20]!r}")
    return octets


def _filter(text: str, at: int, depth: int) -> tuple[bytes, int]:
    if not depth:
        raise ValueError(f"a filter of more than {_DEEPEST} levels")
    if text[at : at + 1] != "(":
        raise ValueError(f"a filter begins with a bracket, as in (uid=ann); this one has {text[at : at + 20]!r} there")
    sign = text[at + 1 : at + 2]
    if sign in _SETS:
        parts, end = _filters(text, at + 2, depth - 1)
        octets = encoded(_SETS[sign], *parts)
    elif sign == "!":
        part, end = _filter(text, at + 2, depth - 1)
        octets = encoded(_NOT, part)
    else:
        octets, end = _term(text, at + 1)
    if text[end : end + 1] != ")":
        raise ValueError("a bracket of the filter is not closed")
    return octets, end + 1


def _filters(text: str, at: int, depth: int) -> tuple[list[bytes], int]:
    parts: list[bytes] = []
    while text[at : at + 1] == "(":
        part, at = _filter(text, at, depth)
        parts.append(part)
    return parts, at


def _term(text: str, at: int) -> tuple[bytes, int]:
    matched = _TERM.match(text, at)
    if matched is None:
        raise ValueError(f"a filter compares an attribute, as in (uid=ann); this one has {text[at : at + 20]!r} there")
    attribute, in_dn, rule, sign, value = matched.groups()
    if sign == ":=":
        return _extensible(attribute, in_dn, rule, value), matched.end()
    if attribute is None or in_dn or rule:
        raise ValueError(f"a filter names an attribute before {sign}")
    return _comparison(attribute, sign, value), matched.end()


def _comparison(attribute: str, sign: str, value: str) -> bytes:
    if sign == "=" and value == "*":
        return encoded(_PRESENT, attribute.encode())
    if sign == "=" and "*" in value:
        return _substrings(attribute, value.split("*"))
    return encoded(_COMPARISONS[sign], encoded(OCTET_STRING, attribute.encode()), encoded(OCTET_STRING, _value(value)))


def _substrings(attribute: str, pieces: list[str]) -> bytes:
    tags = [0x80, *[0x81] * (len(pieces) - 2), 0x82]
    parts = [encoded(tag, _value(piece)) for tag, piece in zip(tags, pieces, strict=True) if piece]
    if not parts:
        raise ValueError("stars alone are written as one: (uid=*)")
    return encoded(_SUBSTRINGS, encoded(OCTET_STRING, attribute.encode()), encoded(SEQUENCE, *parts))


def _extensible(attribute: str | None, in_dn: str | None, rule: str | None, value: str) -> bytes:
    if attribute is None and rule is None:
        raise ValueError("a filter with := names an attribute, a matching rule, or both")
    parts = [encoded(0x81, rule.encode())] if rule else []
    parts += [encoded(0x82, attribute.encode())] if attribute else []
    parts.append(encoded(0x83, _value(value)))
    parts += [encoded(0x80 | 4, b"\xff")] if in_dn else []
    return encoded(_EXTENSIBLE, *parts)


def _value(text: str) -> bytes:
    r"""Undo the escapes: ``\2a`` stands for a star."""
    octets, at = b"", 0
    for matched in _ESCAPE.finditer(text):
        if matched[1] is None:
            raise ValueError(r"a backslash in a filter is written \5c, and it begins two hexadecimal digits")
        octets += text[at : matched.start()].encode() + bytes.fromhex(matched[1])
        at = matched.end()
    return octets + text[at:].encode()
