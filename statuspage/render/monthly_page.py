"""A monthly report as a page of its own: one file, with its style and plots in it, no script, for light, dark and paper."""

from pathlib import Path

from statuspage.render.monthly import Monthly
from statuspage.render.speaking import speaking
from statuspage.render.tongue import ENGLISH


def page(templates: Path, paper: Monthly, *, site: str, home: str) -> bytes:
    """Spell *paper*; *home* is the console's address, to which it leads."""
    environment = speaking(templates / "report", ENGLISH)
    return environment.get_template("monthly.html").render(paper=paper, site=site, home=home.rstrip("/")).encode(errors="replace")
