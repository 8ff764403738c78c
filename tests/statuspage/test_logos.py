"""Logos come from files that somebody drew elsewhere: they are shown, and can do nothing."""

from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from statuspage.config.loading import ConfigError, load
from statuspage.config.logo import MOST_BYTES, BadLogo, logo_of
from tests.statuspage.audiences import housed
from tests.statuspage.drawings import EXPORTED, HEAD, HOSTILE, HOSTILE_FILES
from tests.stories.surfaces import body
from tests.stories.test_broken_mail_frozen import Clock

GOOD = f'{HEAD}<style>path {{ fill: #a00 }}</style><defs><path id="p" d="M0 0h8v8z"/></defs><use xlink:href="#p"/></svg>'.encode()
PNG = b"\x89PNG\r\n\x1a\n" + bytes(32)
FILE = 'site: {name: A, url: "https://status.example.net", logo: art/sign.svg}\nservices: {email: {}}\n'
_SVG = "{http://www.w3.org/2000/svg}"


@pytest.mark.parametrize("name", HOSTILE)
def test_a_drawing_that_could_do_something_is_refused(name: str) -> None:
    with pytest.raises(BadLogo, match=r"line 2: .*plain SVG"):
        logo_of(f"{HEAD}\n{HOSTILE[name]}</svg>".encode())


@pytest.mark.parametrize("name", HOSTILE_FILES)
def test_a_file_that_is_more_than_a_drawing_is_refused(name: str) -> None:
    with pytest.raises(BadLogo):
        logo_of(HOSTILE_FILES[name])


def test_a_refusal_names_the_place_and_the_mend() -> None:
    with pytest.raises(BadLogo) as told:
        logo_of(f'{HEAD}\n\n<path d="M0 0" fill="url(https://elsewhere.example/a)"/></svg>'.encode())
    assert str(told.value) == (
        "line 3: <path fill> leads elsewhere or is more than a value: url(https://elsewhere.example/a); "
        "put everything inside and save as plain SVG"
    )


@pytest.mark.parametrize("body", [b"GIF89a" + bytes(32), b"<html><body/></html>", b"", b"<svg/>", b"<svg", PNG + bytes(MOST_BYTES)])
def test_what_is_no_small_drawing_is_refused(body: bytes) -> None:
    with pytest.raises(BadLogo):
        logo_of(body)


@pytest.mark.parametrize("name", EXPORTED)
def test_what_drawing_programs_export_is_taken_without_what_is_theirs_alone(name: str) -> None:
    body = logo_of(EXPORTED[name]).body
    told = body.decode()
    assert logo_of(body).body == body, "what was written is read as it was written"
    for word in ("inkscape", "sodipodi", "rdf", "DOCTYPE", "<!--", "metadata", "Created", "data-name", "xlink", "Adobe", "aria-"):
        assert word not in told, word
    shapes = {element.tag for element in ET.fromstring(body).iter()}
    assert {f"{_SVG}{one}" for one in ("svg", "g", "path", "defs", "clipPath" if "st0" in told or "clip0" in told else "filter")} <= shapes


def test_all_that_is_seen_of_a_drawing_is_kept() -> None:
    told = logo_of(EXPORTED["inkscape"]).body.decode()
    for kept in (
        'transform="translate(-10.5,-3) rotate(-45)"',
        'd="m 10,10 h 20 v 8 z"',
        'href="#linearGradient1"',
        "fill:url(#lg2)",
        "filter:url(#f1)",
        '<feColorMatrix type="saturate" values="0.5"',
        ">Example Net</tspan>",
        'xml:space="preserve"',
        "font-family:'Open Sans'",
        'viewBox="0 0 40 20"',
    ):
        assert kept in told, kept
    sheet = logo_of(EXPORTED["illustrator"]).body.decode()
    assert ".st0{fill:#FFFFFF;stroke:#1D1D1B;stroke-miterlimit:10}" in sheet
    assert "g &gt; .st2{clip-path:url(#SVGID_2_);" in sheet
    assert 'href="data:image/png;base64,iVBORw0KGgo' in sheet


def test_a_picture_is_taken_as_it_is() -> None:
    assert logo_of(PNG)[1:] == (PNG, "image/png")


def test_the_base_of_references_cannot_be_moved() -> None:
    body = f'{HEAD}<g xml:base="https://elsewhere.example/"><use xlink:href="#a" href="#b"/></g></svg>'.encode()
    told = logo_of(body).body.decode()
    assert "elsewhere" not in told
    assert '<use href="#b" />' in told


def test_the_file_lies_beside_the_one_that_names_it(tmp_path: Path) -> None:
    file = tmp_path / "statuspage.yaml"
    file.write_text(FILE, encoding="utf-8")
    with pytest.raises(ConfigError, match=r"site\.logo: cannot be read"):
        load(file, {})
    (tmp_path / "art").mkdir()
    (tmp_path / "art" / "sign.svg").write_bytes(GOOD)
    assert load(file, {}).logos["site"].body == logo_of(GOOD).body


async def test_a_logo_stands_in_the_head_and_can_do_nothing_by_itself(tmp_path: Path) -> None:
    (tmp_path / "art").mkdir()
    (tmp_path / "art" / "sign.svg").write_bytes(GOOD)
    async with housed(tmp_path, Clock(), FILE) as house:
        path = house.hub.press.site.logo
        assert f'<img src="{path}" alt=""' in (await body(house.public, "/")).decode()
        async with house.public.get(path) as answer:
            assert await answer.read() == logo_of(GOOD).body
            assert answer.headers["Content-Type"] == "image/svg+xml"
            assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'unsafe-inline'; sandbox")
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
