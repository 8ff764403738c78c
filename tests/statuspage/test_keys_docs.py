"""The keys of the console are those that are written down."""

import re
from pathlib import Path

from statuspage.bundled import templates

DOCUMENT = Path(__file__).parents[2] / "docs" / "keys.md"


def test_every_key_of_the_console_is_written_down_and_no_other() -> None:
    pages = (page.read_text(encoding="utf-8") for page in (templates() / "console").glob("*.html"))
    keys = {key for page in pages for key in re.findall(r'accesskey="(.)"', page)}
    assert set(re.findall(r"(?m)^\| `([a-z])` \|", DOCUMENT.read_text(encoding="utf-8"))) == keys
