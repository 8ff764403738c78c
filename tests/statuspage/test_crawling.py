"""What other sites and search engines are told of the page: pictures of a link, the addresses there are, and what is not for them."""

import re
import struct
from dataclasses import replace
from datetime import timedelta

import pytest
from lxml import etree

from incidents.maintenance import MaintenanceState
from incidents.model import State, Status
from statuspage import bundled
from statuspage.publish import Publisher, Shelf
from statuspage.render.html import Html
from statuspage.render.sitemap import MOST, sitemap
from tests.browser.cards import CARDS, HEIGHT, WIDTH
from tests.statuspage.pictures import NOW, SITE, said, service, snapshot, story, update, window

OPEN = story(update(1), id_="incidentopen")
OVER = story(update(1), update(2, State.RESOLVED), id_="incidentover")


def shelf(status: Status = Status.PARTIAL, url: str = SITE.url) -> Shelf:
    told = snapshot(service("email"), service("portal"), stories=(OPEN, OVER), statuses={"email": status})
    announced = window(said(1, MaintenanceState.SCHEDULED, NOW))
    site = replace(SITE, url=url, languages=("en", "de"))
    return Publisher(Html(bundled.templates())).publish(replace(told, site=site, windows=(announced,)), NOW)


def head(body: bytes) -> dict[str, str]:
    return dict(re.findall(r'<meta (?:property|name)="([^"]+)" content="([^"]*)">', body.decode()))


@pytest.mark.parametrize(
    ("path", "card"),
    [
        ("/", "partial"),
        ("/incidents/incidentopen", "partial"),
        ("/incidents/incidentover", "operational"),
        ("/maintenance/windowwindow", "maintenance"),
        ("/maintenance", "plain"),
        ("/service-levels", "plain"),
        ("/services/email", "partial"),
        ("/services/portal", "operational"),
        ("/de/services/email", "partial"),
        ("/de/", "partial"),
    ],
)
def test_a_link_to_a_page_shows_the_status_that_it_tells_of(path: str, card: str) -> None:
    publisher, told = Publisher(Html(bundled.templates())), shelf()
    found = told.files.get(path) or publisher.made(told, path)
    assert found is not None
    said = head(found.body)
    assert re.fullmatch(rf"https://status.example.net/assets/card_{card}-\w{{12}}.png", said["og:image"])
    assert (said["og:image:width"], said["og:image:height"], said["twitter:card"]) == ("1200", "630", "summary_large_image")
    assert all(said[name] for name in ("og:title", "og:description", "og:site_name", "og:url"))
    assert said["og:image"].removeprefix(SITE.url) in told.files


@pytest.mark.parametrize("card", CARDS)
def test_a_card_is_a_small_picture_of_the_size_that_is_told(card: str) -> None:
    ((path, finished),) = ((path, one) for path, one in shelf().files.items() if path.startswith(f"/assets/card_{card}-"))
    assert finished.content_type == "image/png"
    assert finished.body.startswith(b"\x89PNG\r\n\x1a\n")
    assert struct.unpack(">II", finished.body[16:24]) == (WIDTH, HEIGHT)
    assert len(finished.body) < 20_000, path


def addresses(body: bytes) -> list[str]:
    return [one.text or "" for one in etree.fromstring(body).iter("{http://www.sitemaps.org/schemas/sitemap/0.9}loc")]


def test_the_sitemap_names_every_page_and_only_pages_that_are_there() -> None:
    told = shelf()
    found = addresses(told.files["/sitemap.xml"].body)
    paths = [address.removeprefix(SITE.url) for address in found]
    assert {"/", "/services/email", "/incidents/incidentover", "/maintenance/windowwindow", "/history", "/history/2026-01"} <= set(paths)
    assert "/history/2025-12" not in paths
    assert len(paths) == len(set(paths))
    publisher = Publisher(Html(bundled.templates()))
    assert all(path in told.files or "history" in path or publisher.made(told, path) is not None for path in paths)


def test_it_stays_the_same_while_nothing_comes_or_goes() -> None:
    publisher = Publisher(Html(bundled.templates()))
    known = snapshot(service("email"))
    first = publisher.publish(known, NOW).files["/sitemap.xml"]
    assert publisher.publish(known, NOW + timedelta(days=1)).files["/sitemap.xml"] is first
    assert publisher.publish(known, NOW + timedelta(days=12)).files["/sitemap.xml"] is not first


def test_a_sitemap_holds_no_more_than_it_may_and_no_markup() -> None:
    found = addresses(sitemap("https://x.example", [f"/{number}" for number in range(MOST + 5)]))
    assert len(found) == MOST
    assert addresses(sitemap("https://x.example", ["/a&b<c>"])) == ["https://x.example/a&b<c>"]


def test_robots_are_kept_from_searches_and_from_what_belongs_to_one_reader() -> None:
    told = shelf(url="https://status.example.org/sub").files["/robots.txt"]
    lines = told.body.decode().splitlines()
    assert told.content_type == "text/plain; charset=utf-8"
    assert lines[0] == "User-agent: *"
    assert {"Disallow: /history/search/", "Disallow: /de/history/search/", "Disallow: /unsubscribe/"} <= set(lines)
    assert lines[-1] == "Sitemap: https://status.example.org/sub/sitemap.xml"
    assert not [line for line in lines if line == "Disallow: /"]
