"""Basic Encoding Rules, as far as LDAP and certificates go (ITU-T X.690; RFC 4511 section 5.1): read without recursion, with caps.

Definite lengths only, one octet of tag. A level is read when it is asked for, so nesting costs nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass

BOOLEAN = 0x01
INTEGER = 0x02
BIT_STRING = 0x03
OCTET_STRING = 0x04
OBJECT_IDENTIFIER = 0x06
ENUMERATED = 0x0A
UTC_TIME = 0x17
GENERALIZED_TIME = 0x18
SEQUENCE = 0x30
SET = 0x31

_MOST = 10_000
"""Elements on one level."""
_WIDEST = 8
"""Octets of an integer that anybody here has a use for."""
_LONGEST_LENGTH = 4
"""Octets in which a length is written: four are 4 GB, far past every cap."""


class Malformed(ValueError):
    """These bytes are no BER, or not what was expected at this place."""


@dataclass(frozen=True, slots=True)
class Element:
    """One element: its first octet, class and form included, and what it holds."""

    tag: int
    content: bytes

    def parts(self, least: int = 0) -> tuple["Element", ...]:
        """Return the elements that it holds, *least* of them or more. Errors: Malformed."""
        found = tuple(_elements(self.content))
        if len(found) < least:
            raise Malformed(f"{len(found)} elements, expected {least}")
        return found

    def integer(self) -> int:
        """Read it as a number (INTEGER, ENUMERATED). Errors: Malformed."""
        if not 1 <= len(self.content) <= _WIDEST:
            raise Malformed(f"an integer of {len(self.content)} bytes")
        return int.from_bytes(self.content, "big", signed=True)

    def text(self) -> str:
        """Read it as UTF-8; what is none is replaced."""
        return self.content.decode("utf-8", "replace")

    def identifier(self) -> str:
        """Read it as an object identifier in dots. Errors: Malformed."""
        return _dotted(self.content)

    def demand(self, *tags: int) -> "Element":
        """Return it where its tag is one of *tags*. Errors: Malformed."""
        if self.tag not in tags:
            raise Malformed(f"an element of type 0x{self.tag:02x}, expected {' or '.join(f'0x{tag:02x}' for tag in tags)}")
        return self


def only(octets: bytes) -> Element:
    """Read *octets* as exactly one element. Errors: Malformed."""
    found = tuple(_elements(octets))
    if len(found) != 1:
        raise Malformed(f"{len(found)} elements, expected one")
    return found[0]


def length(first: int, more: bytes) -> int:
    """Return the length that its *first* octet, and the *more* that ``length_octets`` asked for, state. Errors: Malformed."""
    return int.from_bytes(more, "big") if first & 0x80 else first


def length_octets(first: int) -> int:
    """Return how many octets follow the *first* one of a length. Errors: Malformed for the indefinite form, and for gigabytes."""
    if first < 0x80:
        return 0
    if first == 0x80:
        raise Malformed("a length that is not stated")
    if first & 0x7F > _LONGEST_LENGTH:
        raise Malformed(f"a length written in {first & 0x7F} bytes")
    return first & 0x7F


def _elements(octets: bytes) -> Iterator[Element]:
    at = 0
    for _ in range(_MOST):
        if at == len(octets):
            return
        tag, content, at = _next(octets, at)
        yield Element(tag, content)
    raise Malformed(f"more than {_MOST} elements")


def _next(octets: bytes, at: int) -> tuple[int, bytes, int]:
    if len(octets) - at < 2:
        raise Malformed("cut off within a tag or length")
    tag, first = octets[at], octets[at + 1]
    if tag & 0x1F == 0x1F:
        raise Malformed("a tag of several bytes")
    start = at + 2 + length_octets(first)
    end = start + length(first, octets[at + 2 : start])
    if end > len(octets):
        raise Malformed(f"{end - start} bytes announced, {len(octets) - start} there")
    return tag, octets[start:end], end


def _dotted(content: bytes) -> str:
    if not content or content[-1] & 0x80 or len(content) > 64:
        raise Malformed("not an object identifier")
    numbers: list[int] = []
    number = 0
    for octet in content:
        number = number << 7 | octet & 0x7F
        if not octet & 0x80:
            numbers.append(number)
            number = 0
    first = min(numbers[0] // 40, 2)
    return ".".join(str(number) for number in (first, numbers[0] - 40 * first, *numbers[1:]))


def encoded(tag: int, *contents: bytes) -> bytes:
    """Write one element that holds *contents* one after the other."""
    content = b"".join(contents)
    size = len(content)
    if size < 0x80:
        return bytes((tag, size)) + content
    octets = size.to_bytes((size.bit_length() + 7) // 8, "big")
    return bytes((tag, 0x80 | len(octets))) + octets + content


def integer(number: int, tag: int = INTEGER) -> bytes:
    """Write a number, as short as it can be."""
    size = (number if number >= 0 else ~number).bit_length() // 8 + 1
    return encoded(tag, number.to_bytes(size, "big", signed=True))
