"""Bytes that are the same for the same content, and tags that a reader can trust."""

import gzip

import pytest

from statuspage.render.finished import finish

PAGE = finish(b"<p>All systems operational</p>" * 40, "text/html")


def test_the_same_body_gives_the_same_bytes_whenever_it_is_made() -> None:
    assert finish(PAGE.body, "text/html") == PAGE
    assert PAGE.gzipped[4:8] == b"\0\0\0\0"  # the time field of the gzip header (RFC 1952, section 2.3)


def test_the_compressed_bytes_hold_the_body_and_are_smaller() -> None:
    assert gzip.decompress(PAGE.gzipped) == PAGE.body
    assert len(PAGE.gzipped) < len(PAGE.body) / 10


def test_tags_are_strong_and_differ_by_content_and_by_encoding() -> None:
    tags = {PAGE.etag, PAGE.gzip_etag, finish(b"other", "text/html").etag}
    assert len(tags) == 3
    assert all(tag[0] == tag[-1] == '"' and '"' not in tag[1:-1] for tag in tags)


@pytest.mark.parametrize("form", ["{}", "W/{}", '"other", {}', '"other",W/{} ', "  {}"])
def test_a_reader_that_names_either_encoding_has_it_already(form: str) -> None:
    assert PAGE.is_named_by(form.format(PAGE.etag))
    assert PAGE.is_named_by(form.format(PAGE.gzip_etag))


def test_a_star_names_everything() -> None:
    assert PAGE.is_named_by(" * ")


@pytest.mark.parametrize("header", ["", '"other"', "W/", ",,,", PAGE.etag.strip('"'), PAGE.etag[:-2] + '"', '"*"'])
def test_anything_else_names_nothing(header: str) -> None:
    assert not PAGE.is_named_by(header)
