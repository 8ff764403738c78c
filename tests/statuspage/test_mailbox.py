"""What counts as a mail address at the form: strict, since it will stand in headers, envelopes and links."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statuspage.mailbox import NoMailbox, mailbox


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("anna@example.org", "anna@example.org"),
        ("  Anna.B+status@Example.ORG \t", "Anna.B+status@example.org"),
        ("o'neill/sales@mail.example.co.uk", "o'neill/sales@mail.example.co.uk"),
        ("anna@bücher.example", "anna@xn--bcher-kva.example"),
        ("a@b-1.example", "a@b-1.example"),
        ("x" * 64 + "@example.org", "x" * 64 + "@example.org"),
    ],
)
def test_an_address_is_read_in_the_form_in_which_mail_is_sent(typed: str, read: str) -> None:
    assert mailbox(typed) == read


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "anna",
        "@example.org",
        "anna@",
        "anna@localhost",
        "anna@example",
        "anna@[127.0.0.1]",
        "anna@127.0.0.1",
        "anna@169.254.169.254",
        "anna@example.org.",
        "anna@.example.org",
        "anna@example..org",
        "anna@exa mple.org",
        "an na@example.org",
        ".anna@example.org",
        "anna.@example.org",
        "an..na@example.org",
        '"anna"@example.org',
        "anna@example.org\r\nBcc: all@example.org",
        "anna\r\nBcc:all@example.org",
        "anna\x00@example.org",
        "anna@example.org\x00",
        "anna@exam\u202eple.org",
        "anna@example.org, ben@example.org",
        "anna@ben@example.org",
        "<anna@example.org>",
        "Anna <anna@example.org>",
        "ännä@example.org",
        "anna%0d%0a@exa_mple.org/",
        "x" * 65 + "@example.org",
        "anna@" + "x" * 64 + ".example",
        "a@" + ".".join(["x" * 60] * 5) + ".example",
        "anna@" + "example." * 2000 + "org",
        "😀@example.org",
        "anna@\ud800.example",
    ],
)
def test_what_is_no_address_is_refused_with_a_sentence(typed: str) -> None:
    with pytest.raises(NoMailbox, match=r"^[A-Z].*\.$"):
        mailbox(typed)


@given(st.text(max_size=400) | st.from_regex(r"[^@\n]{1,70}@[^@\n]{1,70}\.[a-z]{2,5}"))
def test_whatever_is_typed_what_is_taken_is_plain(typed: str) -> None:
    try:
        read = mailbox(typed)
    except NoMailbox:
        return
    assert read.isascii()
    assert read.isprintable()
    assert len(read) <= 254
    assert read.count("@") == 1
    assert not set(read) & set(' <>()[]\\,;:"')
    assert mailbox(read) == read
