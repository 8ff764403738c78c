import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from probes.text import excerpt, plain


def test_text_that_steers_a_terminal_or_the_reading_order_loses_the_steering() -> None:
    assert plain("a\x1b[31mb\x07") == "a[31mb"
    assert plain("a\u202egnp.exe\u2066\u200bb\ufeff") == "agnp.exeb"
    assert plain("a\x85b\x9bc") == "a bc"


def test_lines_become_one() -> None:
    assert plain("  a\r\n\tb\u2028c ") == "a b c"


def test_a_long_text_is_cut_and_says_so() -> None:
    assert plain("x" * 300) == "x" * 199 + "…"
    assert plain("x" * 200) == "x" * 200


@given(st.text(max_size=2000), st.integers(min_value=1, max_value=300))
def test_whatever_comes_in_what_goes_out_is_short_and_harmless(text: str, most: int) -> None:
    kept = plain(text, most)
    assert len(kept) <= most
    assert not {unicodedata.category(letter) for letter in kept} & {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
    kept.encode()


@given(st.binary(max_size=2000))
def test_an_excerpt_of_any_bytes_is_printable(octets: bytes) -> None:
    assert excerpt(octets).isprintable()
    assert len(excerpt(octets)) <= 210
