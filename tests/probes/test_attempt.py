"""What is masked in the texts of an attempt, however a secret came into them."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from probes.attempt import Attempt
from probes.text import excerpt

AWKWARD = ["back\\slash", 'double"quote', "single'quote", "all\\of\"th'em\\", "plainly"]


def concealing(*secrets: str) -> Attempt:
    attempt = Attempt(elapsed=lambda: 0.0, allowed=1.0)
    attempt.conceal(*secrets)
    return attempt


def quoted(secret: str) -> str:
    """Write a quoted string of IMAP (RFC 3501 section 4.3)."""
    return '"' + secret.replace("\\", "\\\\").replace('"', '\\"') + '"'


@pytest.mark.parametrize("secret", AWKWARD)
@pytest.mark.parametrize("said", ["{}", "it's {}", 'it is "{}"', 'it\'s "{}"'])
def test_a_secret_that_a_detail_quotes_is_masked(secret: str, said: str) -> None:
    for spelling in (secret, quoted(secret)):
        shown = concealing(secret).presentable(f"not understood: {excerpt(said.format(spelling).encode())}")
        assert "***" in shown
        assert secret[:4] not in shown
        assert secret[-4:] not in shown


@pytest.mark.parametrize("secret", [*AWKWARD, "grün und nicht grau"])
def test_a_secret_that_a_cut_goes_through_is_masked_up_to_the_cut(secret: str) -> None:
    for before in range(90, 100):
        for spelling in (secret, quoted(secret)):
            shown = concealing(secret).presentable(excerpt(b"x" * before + spelling.encode() + b"y" * 500))
            assert secret[:4] not in shown


def test_a_cut_among_letters_that_are_dropped_is_seen_too() -> None:
    shown = concealing("geheimnis").presentable(excerpt(b"\0" * 394 + b"geheimnis"))
    assert shown == "'***…'"


def test_a_cut_in_the_middle_of_a_letter_hides_no_beginning() -> None:
    shown = concealing("geheäimnis").presentable(excerpt(b"\0" * 395 + "geheäimnis".encode()))
    assert shown == "'***…'"


def test_a_word_that_begins_like_a_secret_is_left_where_nothing_was_cut() -> None:
    attempt = concealing("connection-string")
    assert attempt.presentable("no connection") == "no connection"
    assert attempt.presentable("a… con…") == "a… con…"


LETTERS = st.text(alphabet="abc1 ü\\\"'")


@given(LETTERS.filter(lambda text: len(text) > 3), LETTERS, LETTERS)
@example("geheimnis", "x" * 95, "y" * 300)
def test_whatever_surrounds_a_secret_it_is_not_in_the_detail(secret: str, before: str, after: str) -> None:
    shown = concealing(secret).presentable(excerpt(f"{before}{secret}{after}".encode()))
    assert secret not in shown
    assert repr(secret)[1:-1] not in shown
