"""A monthly report as a page of its own: one file, with its style and plots in it, no script, for light, dark and paper."""

from pathlib import Path

from statuspage.render.monthly import Monthly
from statuspage.render.speaking import speaking
from statuspage.render.tongue import ENGLISH


def page(templates: Path, paper: Monthly, *, site: str, home: str) -> bytes:
    """Spell *paper*; *home* is the console's address, to which it leads."""
    return spelled(templates, "monthly.html", paper, site=site, home=home).encode(errors="replace")


def spelled(templates: Path, name: str, paper: Monthly, *, site: str, home: str) -> str:
    """The same by another template, such as that of the plain part of a letter."""
    environment = speaking(templates / "report", ENGLISH)
    return environment.get_template(name).render(paper=paper, site=site, home=home.rstrip("/"))
