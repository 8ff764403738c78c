import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.wire.ber import SEQUENCE, Element, Malformed, encoded, integer, length_octets, only

TAGS = st.integers(0, 255).filter(lambda tag: tag & 0x1F != 0x1F)


@given(TAGS, st.binary(max_size=70_000))
def test_what_is_written_is_read_back(tag: int, content: bytes) -> None:
    assert only(encoded(tag, content)) == Element(tag, content)


@given(st.lists(st.tuples(TAGS, st.binary(max_size=300)), max_size=20))
def test_the_parts_of_an_element_are_read_in_their_order(parts: list[tuple[int, bytes]]) -> None:
    whole = only(encoded(SEQUENCE, *(encoded(tag, content) for tag, content in parts)))
    assert whole.parts() == tuple(Element(tag, content) for tag, content in parts)


@given(st.integers(-(2**63), 2**63 - 1))
def test_a_number_is_read_back_and_written_as_short_as_it_can_be(number: int) -> None:
    element = only(integer(number))
    assert element.integer() == number
    assert len(element.content) == max(1, ((number if number >= 0 else ~number).bit_length() + 8) // 8)


@given(st.binary(max_size=200))
def test_whatever_it_is_it_is_read_or_refused_and_no_byte_is_invented(octets: bytes) -> None:
    try:
        parts = Element(SEQUENCE, octets).parts()
    except Malformed:
        return
    assert sum(len(part.content) + 2 for part in parts) <= len(octets)
    for part in parts:
        for reading in (part.integer, part.identifier):
            try:
                reading()
            except Malformed:
                continue
        assert isinstance(part.text(), str)


@pytest.mark.parametrize(
    ("octets", "why"),
    [
        (b"", "0 elements"),
        (b"\x30", "cut off"),
        (b"\x30\x80\x00\x00", "not stated"),
        (b"\x30\x85\x00\x00\x00\x00\x00", "written in 5 bytes"),
        (b"\x30\xff" + b"\0" * 200, "written in 127 bytes"),
        (b"\x30\x82\x01", "bytes announced"),
        (b"\x30\x84\xff\xff\xff\xff", "4294967295 bytes announced, 0 there"),
        (b"\x30\x02\x00", "2 bytes announced, 1 there"),
        (b"\x1f\x01\x00", "several bytes"),
        (b"\x05\x00\x05\x00", "2 elements"),
    ],
)
def test_what_is_malformed_is_refused_in_words(octets: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        only(octets)


def test_too_many_elements_are_not_read() -> None:
    assert len(Element(SEQUENCE, b"\x05\x00" * 9_999).parts()) == 9_999
    with pytest.raises(Malformed, match="more than 10000"):
        Element(SEQUENCE, b"\x05\x00" * 10_001).parts()


def test_depth_costs_nothing() -> None:
    nested = b""
    for _ in range(5_000):
        nested = encoded(SEQUENCE, nested)
    depth = 0
    element = only(nested)
    while element.content:
        element, depth = element.parts(1)[0], depth + 1
    assert depth == 4_999


@pytest.mark.parametrize(
    ("octets", "dotted"),
    [
        (b"\x55\x04\x03", "2.5.4.3"),
        (b"\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b", "1.2.840.113549.1.1.11"),
        (b"\x2b\x65\x70", "1.3.101.112"),
        (b"\x00", "0.0"),
        (b"\x88\x37\x03", "2.999.3"),
    ],
)
def test_an_object_identifier_is_read_in_dots(octets: bytes, dotted: str) -> None:
    assert Element(6, octets).identifier() == dotted


@pytest.mark.parametrize("octets", [b"", b"\x2a\x86", b"\x01" * 65])
def test_an_object_identifier_that_is_none_is_refused(octets: bytes) -> None:
    with pytest.raises(Malformed, match="object identifier"):
        Element(6, octets).identifier()


@pytest.mark.parametrize("content", [b"", b"\x01" * 9])
def test_a_number_that_nobody_has_a_use_for_is_refused(content: bytes) -> None:
    with pytest.raises(Malformed, match="an integer of"):
        Element(2, content).integer()


def test_an_element_of_another_type_or_with_too_few_parts_is_refused() -> None:
    with pytest.raises(Malformed, match="0x02, expected 0x04 or 0x0a"):
        Element(2, b"").demand(4, 10)
    with pytest.raises(Malformed, match="1 elements, expected 2"):
        Element(SEQUENCE, b"\x05\x00").parts(2)


@pytest.mark.parametrize(("first", "more"), [(0, 0), (0x7F, 0), (0x81, 1), (0x84, 4)])
def test_a_length_says_how_long_it_is(first: int, more: int) -> None:
    assert length_octets(first) == more
