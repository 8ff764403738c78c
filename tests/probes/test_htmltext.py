import time
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from probes.attempt import ProbeFailed
from probes.browsing import page_of
from probes.result import Failure
from probes.webmail import Fields, _held, _login_form, _password_field, _user_field
from probes.wire.htmltext import read, text

KILOBYTE = 1024
BOMBS = {
    "tags": b"<p>" * 200_000,
    "deep tags": b"<div>" * 100_000,
    "attributes": b"<a " + b" ".join(b"a%d" % n for n in range(70_000)) + b">",
    "attributes without a gap": b"<a " + b"".join(b'a%d=">"' % n for n in range(50_000)) + b">",
    "attributes behind slashes": b"<a" + b"/b" * 200_000 + b">",
    "attributes behind a zero": b"<\0a " + b" ".join(b"a%d" % n for n in range(70_000)) + b">",
    "attributes in many tags": (b"<a" + b"/b" * 99 + b">") * 2_000,
    "attributes in an unclosed tag": b"<a x='" + b"<a " + b" ".join(b"a%d" % n for n in range(70_000)),
    "attributes after a script that is none": b"<scriptx " + b" ".join(b"a%d" % n for n in range(70_000)) + b"></script>",
    "a long text": b"a" * 600 * KILOBYTE,
    "tags in tags": b"<a" * 200_000,
    "tags in tags that are few": b"<a" * 19_000,
    "quotes": b'<a b="' * 100_000,
}
BORNE = {
    "comments": b"<!--" * 200_000,
    "scripts": b"<script>" + b"<" * 900 * KILOBYTE,
    "ends of scripts": b"<script></script" + b" " * 900 * KILOBYTE,
    "openings": b"<script " * 100_000,
    "blanks in a tag": b"<a" + b" " * 400 * KILOBYTE,
    "deep": b"<div>" * 9_000,
    "entities": b"&amp;" * 100_000,
}
WORDS = [
    b"<form method=post>",
    b"<form action='/x'>",
    b"</form>",
    b"<input name=u>",
    b"<input type=password name=p>",
    b"<input type=radio name=r>",
]
WORDS += [
    b"<input type=checkbox checked name=c>",
    b"<select name=s>",
    b"<select multiple name=m>",
    b"<option>",
    b"<option selected value=1>",
    b"x",
]
WORDS += [
    b"<textarea name=t>",
    b"</textarea>",
    b"<button name=b>",
    b"<input type=submit name=go>",
    b"<svg>",
    b"<input:x name=q>",
    b"<a ",
    b"'",
    b'"',
    b">",
]
WORDS += [
    b"<table>",
    b"<base href=x>",
    b"</select>",
    b"<label for=u>",
    b"<input name=u disabled>",
    b"<!--",
    b"<script>",
    b"<fieldset>",
    b"<?x ?>",
    b"\xff",
]


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_before_it_goes_off(bomb: bytes) -> None:
    began = time.process_time()
    with pytest.raises(ProbeFailed) as refused:
        read(bomb)
    assert refused.value.failure in {Failure.CONTENT, Failure.TOO_LARGE}
    assert time.process_time() - began < 1


@pytest.mark.parametrize("page", BORNE.values(), ids=BORNE)
def test_what_only_looks_dangerous_is_read_at_once(page: bytes) -> None:
    began = time.process_time()
    read(page)
    assert time.process_time() - began < 1


def test_scripts_styles_and_comments_are_not_what_a_page_says() -> None:
    page = b"<title>T</title><style>p{}</style><!-- c --><p>On<b>e</b> <i>two</i></p><SCRIPT type=x>if (a<b) x()</SCRIPT ><div>three</div>"
    assert text(read(page)) == "T One two three"


def test_the_tree_is_never_deep() -> None:
    root = read(b"<div>" * 9_000)
    depth = max(sum(1 for _ in element.iterancestors()) for element in root.iter())
    assert depth <= 256


def test_nothing_at_all_is_an_empty_page() -> None:
    assert text(read(b"")) == ""
    assert text(read(b" \n\0")) == ""


@given(st.lists(st.sampled_from(WORDS), max_size=25).map(b"".join) | st.binary(max_size=80))
def test_whatever_a_login_page_holds_it_is_understood_or_refused(octets: bytes) -> None:
    with suppress(ProbeFailed):
        page = page_of("http://example.net/", 200, octets)
        form = _login_form(Fields(), page)
        _held(form)
        _user_field(Fields(), form, _password_field(Fields(), form) or "")
        text(page.root)
        assert page.link(form.get("action", ""))
