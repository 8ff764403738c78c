"""Logos come from files that somebody drew elsewhere: they are shown, and can do nothing."""

from pathlib import Path

import pytest

from statuspage.config.loading import ConfigError, load
from statuspage.config.logo import MOST_BYTES, BadLogo, logo_of
from tests.statuspage.audiences import housed
from tests.stories.surfaces import body
from tests.stories.test_broken_mail_frozen import Clock

HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 8 8">'
GOOD = f'{HEAD}<style>path {{ fill: #a00 }}</style><defs><path id="p" d="M0 0h8v8z"/></defs><use xlink:href="#p"/></svg>'.encode()
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
FILE = 'site: {name: A, url: "https://status.example.net", logo: art/sign.svg}\nservices: {email: {}}\n'


@pytest.mark.parametrize(
    "inside",
    [
        "<script>alert(1)</script>",
        '<path onload="alert(1)"/>',
        '<path ONCLICK="alert(1)"/>',
        "<foreignObject><p xmlns='http://www.w3.org/1999/xhtml'>hello</p></foreignObject>",
        '<image href="https://elsewhere.example/spy.png"/>',
        '<image xlink:href="//elsewhere.example/spy.png"/>',
        '<a href="javascript:alert(1)"><path/></a>',
        '<use href="data:image/svg+xml;base64,AAAA"/>',
        "<style>@import 'https://elsewhere.example/a.css';</style>",
        '<path style="fill: url(https://elsewhere.example/a)"/>',
        '<animate attributeName="href" values="javascript:alert(1)"/>',
        '<set attributeName="onmouseover" to="alert(1)"/>',
    ],
)
def test_a_drawing_that_could_do_something_is_refused(inside: str) -> None:
    with pytest.raises(BadLogo, match="plain SVG"):
        logo_of(f"{HEAD}{inside}</svg>".encode())


@pytest.mark.parametrize(
    "body",
    [
        b"GIF89a" + bytes(32),
        b"<html><body/></html>",
        b"",
        b'<!DOCTYPE svg [<!ENTITY a "aaaa">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        PNG + bytes(MOST_BYTES),
    ],
)
def test_what_is_no_small_drawing_is_refused(body: bytes) -> None:
    with pytest.raises(BadLogo):
        logo_of(body)


def test_a_drawing_and_a_picture_are_taken_as_they_are() -> None:
    assert logo_of(GOOD)[1:] == (GOOD, "image/svg+xml")
    assert logo_of(PNG)[1:] == (PNG, "image/png")


def test_the_file_lies_beside_the_one_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "statuspage.yaml"
    file.write_text(FILE, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"site\.logo: cannot be read"):
        load(file, {})
    (tmp_path / "art").mkdir()
    (tmp_path / "art" / "sign.svg").write_bytes(GOOD)
    assert load(file, {}).logos["site"].body == GOOD


async def test_a_logo_stands_in_the_head_and_can_do_nothing_by_itself(tmp_path: Path) -> None:
    (tmp_path / "art").mkdir()
    (tmp_path / "art" / "sign.svg").write_bytes(GOOD)
    async with housed(tmp_path, Clock(), FILE) as house:
        path = house.hub.press.site.logo
        assert f'<img src="{path}" alt=""' in (await body(house.public, "/")).decode()
        async with house.public.get(path) as answer:
            assert await answer.read() == GOOD
            assert answer.headers["Content-Type"] == "image/svg+xml"
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'; sandbox")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
