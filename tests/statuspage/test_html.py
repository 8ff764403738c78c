"""The public pages as people meet them: what they say, in which order, and what no text can do to them."""

import gzip
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as dom
from markupsafe import Markup

from incidents.model import State, Status
from incidents.rollup import worst
from statuspage.bundled import templates
from statuspage.picture.capabilities import CapabilityView
from statuspage.picture.days import Day
from statuspage.picture.page import AffectedView, GroupView, IncidentView, Page, ServiceView, UpdateView
from statuspage.picture.site import Site
from statuspage.render import words
from statuspage.render.bars import NAME, STEP, bars
from statuspage.render.headline import answer
from statuspage.render.html import Html
from statuspage.render.speaking import speakable
from statuspage.render.tongue import ENGLISH, Tongue

NOW = datetime(2026, 11, 22, 8, 31, tzinfo=UTC)
BEGUN = NOW - timedelta(minutes=37)
SITE = Site(
    name="Example Networks",
    url="https://status.example.net",
    timezone="Europe/Berlin",
    support={"email": "help@example.net", "phone": "+49 30 1234567", "chat": "ask at the counter"},
    links={"imprint": "https://example.net/imprint"},
)
HOSTILE = [
    "<script>alert(1)</script>",
    "R&D ]]> <b>bold</b>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% raw %}",
    "\u202eevil\u2066\u200f right to left",
    "null\x00bell\x07escape\x1b[31m\x85",
    "\ud800 lone surrogate \uffff",
    "</title></textarea></style><!-- -->",
    "javascript:alert(1)",
]


EVERY_FEED = [
    *("/history.rss", "/history.atom", "/feed.json"),
    *(f"/history/{floor}.{form}" for floor in ("degraded", "partial", "major") for form in ("rss", "atom", "json")),
    *("/maintenance.rss", "/maintenance.atom", "/maintenance.json", "/maintenance.ics"),
]


def quiet(count: int, **special: Day) -> tuple[Day, ...]:
    days = [NOW.date() - timedelta(days=back) for back in reversed(range(count))]
    return tuple(
        special.get(f"d{back}", Day(day=day, worst=Status.OPERATIONAL, downtime=0, unknown=0))
        for back, day in zip(reversed(range(count)), days, strict=True)
    )


def service(id_: str = "email", **more: object) -> ServiceView:
    plain = ServiceView(
        id=id_,
        public_id=f"{id_:x<12}",
        name="Email",
        description="Send, receive and read your mail.",
        group="Communication",
        status=Status.OPERATIONAL,
        since=NOW - timedelta(days=9),
        last_known=Status.OPERATIONAL,
        unknown_since=None,
        checked_at=NOW - timedelta(seconds=20),
        capabilities=(
            CapabilityView(label="Sending", status=Status.OPERATIONAL),
            CapabilityView(label="Receiving", status=Status.OPERATIONAL),
        ),
        days=quiet(90),
        created_at=NOW - timedelta(days=400),
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def update(number: int = 1, **more: object) -> UpdateView:
    plain = UpdateView(
        number=number,
        state=State.INVESTIGATING,
        title="Email: sending does not work",
        body="We are looking into it.",
        at=BEGUN + timedelta(minutes=number),
        automatic=False,
        edited_at=None,
        redacted=False,
        next_update_by=None,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def incident(id_: str = "k3v9x0q2m4ab", **more: object) -> IncidentView:
    plain = IncidentView(
        id=id_,
        name="Email: sending does not work",
        state=State.INVESTIGATING,
        worst=Status.PARTIAL,
        started_at=BEGUN,
        published_at=BEGUN,
        recovered_at=None,
        resolved_at=None,
        lasted=None,
        services=(AffectedView(service="email", public_id="e" * 12, name="Email", status=Status.PARTIAL, worst=Status.PARTIAL),),
        updates=(update(2), update(1, automatic=True)),
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def page(*services: ServiceView, **more: object) -> Page:
    shown = services or (service(),)
    plain = Page(
        site=SITE,
        page_id="p" * 12,
        status=shown[0].status,
        as_of=NOW,
        groups=(GroupView(name="Communication", public_id="g" * 12, status=shown[0].status, services=shown),),
        open=(),
        recent=(),
        held_back=(),
        impaired_since=None,
        feed_updated=NOW,
        authority="status.example.net",
        minted=NOW.date(),
        planned=(),
        past=(),
        maintenance_updated=NOW,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def broken() -> ServiceView:
    capabilities = (CapabilityView(label="Sending", status=Status.MAJOR), CapabilityView(label="Receiving", status=Status.OPERATIONAL))
    return service(status=Status.PARTIAL, since=BEGUN, capabilities=capabilities)


def outage() -> Page:
    return page(broken(), service("portal", name="Customer portal"), open=(incident(),))


@pytest.fixture(scope="module")
def html() -> Html:
    return Html(templates())


def tree(body: bytes) -> dom.HtmlElement:
    return dom.document_fromstring(body.decode())


def text(node: dom.HtmlElement) -> str:
    return " ".join(node.text_content().split())


def one(root: dom.HtmlElement, path: str) -> dom.HtmlElement:
    [found] = root.xpath(path)
    assert isinstance(found, dom.HtmlElement)
    return found


def every_page(html: Html, shown: Page) -> Iterator[bytes]:
    yield html.page(shown)
    yield html.not_found(shown)
    for each in (*shown.open, *shown.recent):
        yield html.incident(shown, each)


# --- what it says -------------------------------------------------------------------------------------------------------------


def test_the_page_answers_before_it_tells(html: Html) -> None:
    root = tree(html.page(outage()))
    assert text(one(root, "//h1")) == "Parts of Email are not working"
    order = [section.get("class").split()[0] for section in root.xpath("//main/section")]
    assert order == ["answer", "open", "services", "recent"]
    answer = one(root, "//section[contains(@class, 'answer')]")
    assert "Since 22 Nov 2026, 08:54 CET (07:54 UTC)" in text(answer)
    assert "All other services are operational." in text(answer)


def test_an_open_incident_says_what_since_when_whom_and_what_still_works(html: Html) -> None:
    shown = one(tree(html.page(outage())), "//article[contains(@class, 'incident')]")
    assert text(one(shown, ".//h3")) == "Email: sending does not work"
    assert one(shown, ".//h3/a").get("href") == "/incidents/k3v9x0q2m4ab"
    assert one(shown, ".//dt[.='Since']/../dd//time").get("datetime") == "2026-11-22T07:54:00Z"
    assert text(one(shown, ".//ul[@class='hit']")) == "Email Partial outage Sending: down Receiving: works"
    assert text(one(shown, ".//li[@aria-current='step']")) == "Investigating"
    assert text(one(shown, ".//p[@class='more']")) == "All 2 updates"


def test_an_update_says_when_it_came_who_posted_it_and_when_the_next_comes(html: Html) -> None:
    latest = update(7, automatic=True, edited_at=NOW, next_update_by=NOW + timedelta(minutes=29))
    shown = one(tree(html.page(page(broken(), open=(incident(updates=(latest,)),)))), "//div[@class='update']")
    assert text(shown).startswith("Latest update 22 Nov 2026, 09:01 CET (08:01 UTC) Posted automatically Corrected 22 Nov 2026, 09:31 CET")
    assert text(one(shown, ".//p[@class='next']")) == "Next update by 22 Nov 2026, 10:00 CET (09:00 UTC)"


def test_a_missed_promise_is_said(html: Html) -> None:
    late = update(1, next_update_by=NOW - timedelta(minutes=1))
    root = tree(html.page(page(broken(), open=(incident(updates=(late,)),))))
    assert text(one(root, "//p[@class='next']")).startswith("The next update was promised for")


def test_a_recovered_incident_says_that_it_is_being_watched(html: Html) -> None:
    watched = incident(state=State.MONITORING, recovered_at=NOW - timedelta(minutes=2))
    root = tree(html.page(page(open=(watched,))))
    assert text(one(root, "//h1")) == "Recovered, being watched"
    assert text(one(root, "//li[@aria-current='step']")) == "Recovered, being watched"


def test_what_is_worst_stands_first_and_what_recovered_last(html: Html) -> None:
    opened = (
        incident("recovered000", worst=Status.MAJOR, state=State.MONITORING),
        incident("degraded0000", worst=Status.DEGRADED),
        incident("newerpartial"),
        incident("olderpartial"),
        incident("major0000000", worst=Status.MAJOR),
    )
    shown = page(broken(), open=opened)
    wanted = ["major0000000", "newerpartial", "olderpartial", "degraded0000", "recovered000"]
    for written in (html.page(shown), html.service(shown, shown.groups[0].services[0]), html.report(shown, shown.groups[0].services[0])):
        assert [one.removeprefix("incident-") for one in tree(written).xpath("//article[contains(@class, 'incident')]/@id")] == wanted


def test_what_came_back_says_when(html: Html) -> None:
    back = incident(returned_at=NOW - timedelta(minutes=3))
    shown = page(broken(), open=(back,))
    assert "Came back" not in html.page(page(broken(), open=(incident(),))).decode()
    for written in (html.page(shown), html.incident(shown, back)):
        assert text(one(tree(written), "//dt[.='Came back']/following-sibling::dd/time")) == "22 Nov 2026, 09:28 CET"


def test_words_held_back_leave_a_neutral_line(html: Html) -> None:
    root = tree(html.page(page(broken(), held_back=(BEGUN,))))
    assert text(one(root, "//p[@class='held']")) == "Problem detected at 22 Nov 2026, 08:54 CET (07:54 UTC); we are looking into it."


def test_a_quiet_page_says_so(html: Html) -> None:
    root = tree(html.page(page()))
    assert text(one(root, "//h1")) == "All services are operational"
    assert "No incidents were published since 9 Nov 2026." in text(root)
    assert not root.xpath("//section[contains(@class, 'open')]")


def test_an_unknown_service_is_grey_and_says_since_when_and_what_was_before(html: Html) -> None:
    dark = service(status=Status.UNKNOWN, since=BEGUN, unknown_since=BEGUN, checked_at=BEGUN)
    root = tree(html.page(page(dark, service("portal", name="Portal"), status=Status.UNKNOWN)))
    shown = one(root, "//article[@id='service-email']")
    assert "Not known" in text(shown)
    assert "Since 22 Nov 2026, 08:54 CET (07:54 UTC); before that: operational" in text(shown)
    assert text(one(root, "//h1")) == "The state of Email is not known"


def test_impaired_monitoring_is_ours_and_no_outage(html: Html) -> None:
    dark = service(status=Status.UNKNOWN, since=BEGUN, unknown_since=BEGUN)
    root = tree(html.page(page(dark, impaired_since=BEGUN)))
    assert text(one(root, "//h1")) == "We cannot see the state of our services"
    assert "does not mean that a service is down" in text(root)


def test_an_outage_that_is_known_is_told_before_what_we_cannot_see(html: Html) -> None:
    root = tree(html.page(page(broken(), impaired_since=BEGUN)))
    assert text(one(root, "//h1")) == "Parts of Email are not working"
    assert "Monitoring impaired since" in text(root)


def test_before_the_first_result_the_page_waits(html: Html) -> None:
    fresh = service(status=Status.UNKNOWN, since=None, checked_at=None, days=())
    root = tree(html.page(page(fresh)))
    assert text(one(root, "//h1")) == "Waiting for the first results"
    assert "no result yet" in text(root)


def test_a_service_without_monitors_is_called_so(html: Html) -> None:
    root = tree(html.page(page(service(), service("fax", name="Fax", status=Status.UNKNOWN, since=None, is_watched=False, days=()))))
    shown = one(root, "//article[@id='service-fax']")
    assert "Not monitored" in text(shown)
    assert not shown.xpath(".//p[@class='fresh']")


def test_data_age_is_told_for_every_service(html: Html) -> None:
    fresh = one(tree(html.page(page())), "//p[@class='fresh']")
    assert text(fresh) == "checked 08:30:40 UTC"
    assert one(fresh, ".//time").get("datetime") == "2026-11-22T08:30:40Z"


def test_recent_incidents_stand_by_day_with_their_true_length(html: Html) -> None:
    begun = NOW - timedelta(days=3, hours=2)
    closed = incident(
        "closedclosed",
        state=State.RESOLVED,
        started_at=begun,
        recovered_at=begun + timedelta(minutes=42),
        resolved_at=begun + timedelta(hours=9),
        lasted=timedelta(minutes=42),
    )
    began, ended = NOW - timedelta(days=20), NOW - timedelta(days=19)
    old = incident("oldoldoldold", state=State.RESOLVED, started_at=began, resolved_at=ended, lasted=ended - began)
    root = tree(html.page(page(recent=(closed, old))))
    section = one(root, "//section[@class='recent']")
    assert [text(day) for day in section.xpath(".//h3")] == ["19 Nov 2026"]
    assert "Partial outage for 42 min, from 19 Nov 2026, 07:31 CET (06:31 UTC). Affected: Email." in text(section)


def test_the_incident_page_tells_the_story_newest_first(html: Html) -> None:
    ended = NOW - timedelta(minutes=5)
    shown = incident(state=State.RESOLVED, recovered_at=ended, resolved_at=NOW, lasted=timedelta(minutes=32))
    root = tree(html.incident(outage(), shown))
    assert [each.get("id") for each in root.xpath("//li[@class='update']")] == ["update-2", "update-1"]
    assert text(one(root, "//dt[.='Lasted']/../dd")) == "32 min"
    assert one(root, "//link[@rel='canonical']").get("href") == "https://status.example.net/incidents/k3v9x0q2m4ab"


def test_a_withdrawn_text_is_marked_and_not_called_corrected(html: Html) -> None:
    shown = incident(updates=(update(1, body="", redacted=True, edited_at=NOW),))
    root = tree(html.incident(outage(), shown))
    assert text(one(root, "//p[@class='withdrawn']")) == "This text was removed on 22 Nov 2026, 09:31 CET (08:31 UTC)."
    assert "Corrected" not in text(root)


def test_paragraphs_and_lines_of_an_update_stay_apart(html: Html) -> None:
    shown = incident(updates=(update(1, body="First.\r\nStill first.\n\n \nSecond."),))
    paragraphs = tree(html.incident(outage(), shown)).xpath("//li[@class='update']/p[not(@class)]")
    assert [text(each) for each in paragraphs] == ["First.Still first.", "Second."]
    assert len(paragraphs[0].xpath(".//br")) == 1


def test_an_address_that_leads_nowhere_gets_a_whole_page(html: Html) -> None:
    root = tree(html.not_found(outage()))
    assert text(one(root, "//h1")) == "There is no such page"
    assert "Email: sending" not in text(root)


@pytest.mark.parametrize(
    ("status", "count", "headline"),
    [
        (Status.MAJOR, 1, "Email is not working"),
        (Status.MAJOR, 2, "Email and Email are not working"),
        (Status.MAJOR, 9, "9 services are not working"),
        (Status.PARTIAL, 1, "Parts of Email are not working"),
        (Status.DEGRADED, 3, "Email, Email and Email are degraded"),
        (Status.MAINTENANCE, 1, "Email is under maintenance"),
        (Status.OPERATIONAL, 5, "All services are operational"),
    ],
)
def test_the_headline_names_services_while_they_are_few(status: Status, count: int, headline: str) -> None:
    assert answer(page(*(service(f"s{number}", status=status) for number in range(count))), ENGLISH).headline == headline


@pytest.mark.parametrize(
    ("told", "said"),
    [
        (
            {"worst": Status.MAINTENANCE, "downtime": 3600.0, "planned": 3600.0},
            "under maintenance, 1 h down, all of it during planned work",
        ),
        ({"worst": Status.MAJOR, "downtime": 60.0, "planned": 0.5}, "major outage, 1 min down, 1 s of it during planned work"),
        ({"worst": Status.MAJOR}, "major outage, begun this minute"),
        ({"worst": Status.PARTIAL, "downtime": 30.0, "lessened": 120.0}, "partial outage, partly out for 2 min, 30 s counted as down"),
        ({"worst": Status.PARTIAL, "lessened": 120.0}, "partial outage, partly out for 2 min, not counted as down"),
        ({"worst": Status.DEGRADED, "unknown": 0.2}, "degraded, not known for 1 s"),
        ({"worst": Status.UNKNOWN, "is_mostly_unknown": True}, "not known"),
        ({"worst": None}, "not watched yet"),
    ],
)
def test_a_bar_says_how_long_and_how_much_of_it_counts(told: dict[str, Any], said: str) -> None:
    assert words.day(Day(**{"day": NOW.date(), "downtime": 0.0, "unknown": 0.0, **told}), ENGLISH) == said


def test_days_that_share_a_length_say_that_it_is_that_of_each() -> None:
    day = Day(day=NOW.date(), worst=Status.MAJOR, downtime=3600.0, unknown=0.0)
    days = [replace(day, day=NOW.date() - timedelta(days=back)) for back in (2, 1, 0)]
    assert "<title>20 Nov to 22 Nov, each day: major outage, 1 h down</title>" in bars(days, ENGLISH)
    assert words.history(days, ENGLISH) == "Last 3 days: 3 days with an outage, 3 h down"


UP, WEAK, PARTLY, DOWN, WORK, BLIND = (
    Status.OPERATIONAL,
    Status.DEGRADED,
    Status.PARTIAL,
    Status.MAJOR,
    Status.MAINTENANCE,
    Status.UNKNOWN,
)


@pytest.mark.parametrize(
    ("statuses", "headline", "detail"),
    [
        ((DOWN, PARTLY, UP), "A is not working. Parts of B are not working", "All other services are operational."),
        ((WEAK, DOWN, WEAK), "B is not working. A and C are degraded", "No service is operational."),
        ((PARTLY, DOWN, WORK), "B is not working. Parts of A are not working", "No service is operational."),
        (
            (DOWN, WEAK, UP, UP, BLIND),
            "A is not working. B is degraded",
            "2 of 5 services are operational. The state of 1 service is not known.",
        ),
        (
            (WEAK, DOWN, PARTLY, WEAK, UP),
            "4 services have problems",
            "B: major outage. C: partial outage. A: degraded. 1 more with problems. 1 of 5 services is operational.",
        ),
        ((DOWN, DOWN, DOWN), "A, B and C are not working", "No service is operational."),
        ((DOWN,), "A is not working", ""),
        ((DOWN, BLIND, BLIND), "A is not working", "The state of 2 services is not known."),
        ((WORK, UP), "A is under maintenance", "All other services are operational."),
        ((BLIND, UP), "The state of A is not known", "All other services are operational."),
    ],
)
def test_all_that_are_hit_are_in_the_headline_and_the_rest_is_said_as_it_is(
    statuses: tuple[Status, ...], headline: str, detail: str
) -> None:
    services = (service(letter.lower(), name=letter, status=status) for letter, status in zip("ABCDE", statuses, strict=False))
    said = answer(page(*services, status=worst(statuses)), ENGLISH)
    assert (said.headline, said.detail) == (headline, detail)


def test_an_incident_without_a_broken_service_is_still_a_problem() -> None:
    said = answer(page(status=Status.DEGRADED, open=(incident(),)), ENGLISH)
    assert (said.headline, said.status) == ("We are looking into a problem", Status.DEGRADED)


def test_what_is_wrong_goes_on_across_a_gap_in_what_is_known() -> None:
    again = service(status=Status.PARTIAL, since=BEGUN + timedelta(minutes=7))
    assert answer(page(again, open=(incident(),)), ENGLISH).since == BEGUN
    came_back = incident(returned_at=BEGUN + timedelta(minutes=7))
    assert answer(page(again, open=(came_back,)), ENGLISH).since == again.since


# --- form ---------------------------------------------------------------------------------------------------------------------


def test_every_page_is_a_proper_document(html: Html) -> None:
    for body in every_page(html, outage()):
        root = tree(body)
        assert body.startswith(b"<!doctype html>")
        assert root.get("lang") == "en"
        assert len(root.xpath("//h1")) == len(root.xpath("//main")) == 1
        assert one(root, "//a[@class='skip']").get("href") == "#main"
        ids = root.xpath("//@id")
        assert len(ids) == len(set(ids))
        assert set(root.xpath("//@aria-labelledby")) <= set(ids)
        assert root.xpath("//link[@rel='alternate']/@href")[:16] == EVERY_FEED
        assert is_in_steps(root)


def test_headings_go_down_in_steps_also_where_services_stand_in_no_group(html: Html) -> None:
    alone = service(group=None)
    grouped = GroupView(name="Communication", public_id="g" * 12, status=alone.status, services=(service("portal"),))
    nowhere = GroupView(name=None, public_id="n" * 12, status=alone.status, services=(alone,))
    assert is_in_steps(tree(html.page(page(alone, groups=(nowhere,)))))
    assert is_in_steps(tree(html.page(page(alone, groups=(grouped, nowhere)))))


def is_in_steps(root: dom.HtmlElement) -> bool:
    levels = [int(heading.tag[1]) for heading in root.xpath("//main//*[self::h1 or self::h2 or self::h3 or self::h4]")]
    return all(after - before <= 1 for before, after in pairwise(levels))


def test_the_strictest_content_policy_holds(html: Html) -> None:
    paths = {path for path in html.assets() if not path.startswith("/assets/card_")}  # those are for other sites
    for body in every_page(html, outage()):
        root = tree(body)
        assert not root.xpath("//style | //*[@style] | //iframe | //object | //base | //form[not(@class='useful' and @method='post')]")
        assert not [name for node in root.iter() for name in node.attrib if name.startswith("on")]
        assert [text(script) for script in root.xpath("//script")] == [""]
        assert {*root.xpath("//script/@src"), *root.xpath("//link[@rel='stylesheet' or @rel='icon']/@href")} == paths


def test_assets_keep_their_address_as_long_as_their_content() -> None:
    first, second = Html(templates()).assets(), Html(templates()).assets()
    assert first == second
    assert all(re.fullmatch(r"/assets/[a-z_]+-[0-9a-f]{12}\.(css|js|svg|png)", path) for path in first)
    kinds = {"text/css; charset=utf-8", "text/javascript; charset=utf-8", "image/svg+xml", "image/png"}
    assert {kind for _, kind in first.values()} == kinds


def test_assets_load_nothing_from_elsewhere(html: Html) -> None:
    for body, _ in html.assets().values():
        assert not re.search(rb"@import|url\(|https?://(?!www\.w3\.org/2000/svg)", body)


def test_the_same_page_gives_the_same_bytes(html: Html) -> None:
    assert list(every_page(html, outage())) == list(every_page(html, outage())) == list(every_page(Html(templates()), outage()))


def test_instants_are_absolute(html: Html) -> None:
    for body in every_page(html, outage()):
        assert not re.search(r"\b(ago|yesterday|just now|minutes? left)\b", text(tree(body)))


@pytest.mark.parametrize(
    ("zone", "shown"),
    [
        ("UTC", "Since 22 Nov 2026, 07:54 UTC"),
        ("Asia/Kathmandu", "Since 22 Nov 2026, 13:39 UTC+0545 (07:54 UTC)"),
        ("Pacific/Honolulu", "Since 21 Nov 2026, 21:54 HST (22 Nov, 07:54 UTC)"),
    ],
)
def test_times_stand_in_the_sites_zone_with_utc_beside_them(html: Html, zone: str, shown: str) -> None:
    root = tree(html.page(replace(outage(), site=replace(SITE, timezone=zone))))
    assert text(one(root, "//section[contains(@class, 'answer')]//p[@class='since']")) == shown


def test_contacts_are_links_where_they_can_be(html: Html) -> None:
    root = tree(html.page(page()))
    assert root.xpath("//section[@aria-labelledby='support']//a/@href") == ["mailto:help@example.net", "tel:+49301234567"]
    assert "Chat ask at the counter" in text(root)


def test_fifty_services_with_ninety_days_stay_under_sixty_kilobytes(html: Html) -> None:
    days = [quiet(90, **{f"d{(number * 7 + back) % 90}": bad_day(number + back) for back in range(0, 60, 7)}) for number in range(50)]
    body = html.page(page(*(service(f"s{number}", name=f"Service {number}", days=days[number]) for number in range(50))))
    sent = [body, *(asset for asset, _ in html.assets().values())]
    assert sum(len(gzip.compress(part, 6)) for part in sent) < 60_000


def bad_day(number: int) -> Day:
    status = (Status.MAJOR, Status.PARTIAL, Status.DEGRADED)[number % 3]
    return Day(day=NOW.date() - timedelta(days=number), worst=status, downtime=number * 97, unknown=0)


# --- hostile texts ------------------------------------------------------------------------------------------------------------


def everywhere(evil: str) -> Page:
    site = replace(SITE, name=evil, support={"email": evil, "phone": evil, evil: evil}, links={evil: evil, "imprint": evil})
    hit = AffectedView(service="email", public_id="e" * 12, name=evil, status=Status.MAJOR, worst=Status.MAJOR)
    shown = incident(name=evil, services=(hit,), updates=(update(2, body=evil, title=evil),))
    closed = replace(shown, id="closedclosed", state=State.RESOLVED, resolved_at=NOW)
    capability = CapabilityView(label=evil, status=Status.MAJOR)
    hurt = service(name=evil, description=evil, group=evil, status=Status.MAJOR, since=BEGUN, capabilities=(capability,))
    whole = page(hurt, site=site, open=(shown,), recent=(closed,))
    return replace(whole, groups=(replace(whole.groups[0], name=evil),))


def shape_of(body: bytes) -> list[str]:
    return [f"{node.tag} {sorted(node.attrib)}" for node in tree(body).iter() if isinstance(node.tag, str)]


@pytest.mark.parametrize("evil", HOSTILE, ids=range(len(HOSTILE)))
def test_no_text_changes_the_shape_of_a_page(html: Html, evil: str) -> None:
    harmless = [shape_of(body) for body in every_page(html, everywhere("harmless"))]
    for body, expected in zip(every_page(html, everywhere(evil)), harmless, strict=True):
        assert shape_of(body) == expected
        assert not any(str(href).lower().startswith(("javascript:", "data:")) for href in tree(body).xpath("//@href"))
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]", body.decode())


@pytest.mark.parametrize("evil", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_text_is_shown_as_it_was_written(html: Html, evil: str) -> None:
    body = tree(html.incident(everywhere(evil), everywhere(evil).open[0]))
    assert text(one(body, "//h1")) == " ".join(str(speakable(evil)).split())


@settings(max_examples=150, deadline=None)
@given(written=st.text(alphabet=st.characters(exclude_categories=()), max_size=60))
def test_any_text_at_all_gives_a_page_of_the_same_shape(html: Html, written: str) -> None:
    body = html.page(everywhere(f"a{written}"))
    links = len(tree(body).xpath("//script")), len(tree(body).xpath("//main//article")), len(tree(body).xpath("//h1"))
    assert links == (1, 2, 1)


@pytest.mark.parametrize(
    "scheme", ["javascript:alert(1)", " JavaScript:alert(1)", "data:text/html,x", "vbscript:x", "//evil.example", "\x01javascript:x"]
)
def test_only_schemes_that_run_nothing_become_links(html: Html, scheme: str) -> None:
    root = tree(html.page(page(site=replace(SITE, links={"imprint": scheme}))))
    assert root.xpath("//section[@aria-labelledby='links']//a") == []


# --- bars ---------------------------------------------------------------------------------------------------------------------


def drawn(days: tuple[Day, ...]) -> list[tuple[str, int]]:
    svg = dom.fragment_fromstring(str(bars(days, ENGLISH)))
    paths = [path for path in svg.xpath(".//path") if path.get("class") != "gap"]
    return [(path.get("class"), int(path.get("d").rpartition("h")[2]) // STEP) for path in paths]


@given(st.lists(st.sampled_from([None, *Status]), min_size=1, max_size=90))
def test_every_day_is_drawn_once_in_order(chosen: list[Status | None]) -> None:
    days = tuple(
        Day(day=NOW.date() + timedelta(days=number), worst=worst, downtime=0, unknown=0, is_mostly_unknown=worst is Status.UNKNOWN)
        for number, worst in enumerate(chosen)
    )
    expected = ["none" if worst is None else NAME[worst] for worst in chosen]
    assert [look for look, count in drawn(days) for _ in range(count)] == expected
    svg = dom.fragment_fromstring(str(bars(days, ENGLISH)))
    starts = [int(path.get("d")[1:].split()[0]) // STEP for path in svg.xpath(".//path[not(@class='gap')]")]
    assert starts == [sum(count for _, count in drawn(days)[:index]) for index in range(len(starts))]


def test_a_quiet_quarter_is_one_line() -> None:
    assert drawn(quiet(90)) == [("operational", 90)]
    assert len(bars(quiet(90), ENGLISH)) < 250


def test_a_short_gap_is_a_grey_cap_on_a_good_day() -> None:
    gap = Day(day=NOW.date(), worst=Status.UNKNOWN, downtime=0, unknown=300)
    svg = dom.fragment_fromstring(str(bars(quiet(3, d0=gap), ENGLISH)))
    assert svg.xpath(".//path/@class") == ["operational", "operational", "gap"]
    assert "22 Nov: no outage, not known for 5 min" in svg.xpath(".//title/text()")


def test_each_look_has_its_own_height_and_its_own_shape(html: Html) -> None:
    root = tree(html.page(page()))
    heights = {node.get("class"): node.get("stroke-width") for node in root.xpath("//svg[@class='sample']/path")}
    assert len(set(heights.values())) == len(heights) == len(Status)
    symbols = {node.get("id"): dom.tostring(node).partition(b">")[2] for node in root.xpath("//symbol")}
    assert set(symbols) == {*(f"s-{name}" for name in NAME.values()), "s-advisory"}
    assert len(set(symbols.values())) == len(Status) + 1


def test_a_strip_is_drawn_again_only_when_a_day_changed(monkeypatch: pytest.MonkeyPatch) -> None:
    html, drawn = Html(templates()), list[Sequence[Day]]()

    def counted(days: Sequence[Day], tongue: Tongue) -> Markup:
        drawn.append(days)
        return bars(days, tongue)

    monkeypatch.setattr("statuspage.render.front.bars", counted)
    good, bad = quiet(90), quiet(90, d0=bad_day(0))
    for shown in (service(days=good), service(days=quiet(90), checked_at=NOW), service(days=good, status=Status.MAJOR), service(days=bad)):
        html.page(page(shown))
    assert drawn == [good, bad]


def test_days_with_trouble_are_listed_in_words(html: Html) -> None:
    bad = Day(day=NOW.date(), worst=Status.MAJOR, downtime=2520, unknown=0)
    shown = one(tree(html.page(page(service(days=quiet(90, d0=bad))))), "//details")
    assert text(one(shown, "./summary")) == "Last 90 days: 1 day with an outage, 42 min down"
    assert [text(each) for each in shown.xpath(".//li")] == ["22 Nov 2026 major outage, 42 min down"]


def test_history_before_birth_is_no_time_at_all() -> None:
    unborn = Day(day=NOW.date(), worst=None, downtime=0, unknown=0)
    assert words.history(quiet(90, **{f"d{back}": unborn for back in range(12, 90)}), ENGLISH) == "Watched for 12 days: no outage"
    assert words.history((), ENGLISH) == "No history yet"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0, "0 s"),
        (0.2, "1 s"),
        (59.5, "1 min"),
        (61, "2 min"),
        (3600, "1 h"),
        (3601, "1 h 1 min"),
        (86399, "1 d"),
        (90000, "1 d 1 h"),
        (172800, "2 d"),
    ],
)
def test_a_length_is_rounded_up_in_its_last_unit(seconds: float, said: str) -> None:
    assert words.length(seconds, ENGLISH) == said


@given(st.floats(0, 1e8))
def test_downtime_never_looks_shorter_than_it_was(seconds: float) -> None:
    parts = words.length(seconds, ENGLISH).split()
    sizes = {"s": 1, "min": 60, "h": 3600, "d": 86400}
    assert sum(int(amount) * sizes[unit] for amount, unit in zip(parts[::2], parts[1::2], strict=True)) >= seconds


# --- colour -------------------------------------------------------------------------------------------------------------------


def themes() -> list[dict[str, str]]:
    css = (templates() / "public" / "style.css").read_text()
    light, dark = re.findall(r":root \{(.*?)\}", css.partition("@media print")[0], re.DOTALL)
    return [dict(re.findall(r"--([a-z-]+): (#[0-9a-f]{6})", block)) for block in (light, dark)]


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in channels)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one_colour: str, other: str) -> float:
    bright, dim = sorted((luminance(one_colour), luminance(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


@pytest.mark.parametrize("theme", themes(), ids=["light", "dark"])
def test_every_colour_of_a_word_can_be_read(theme: dict[str, str]) -> None:
    grounds = ["paper", "card"]
    for name in (*NAME.values(), "advisory"):
        for ground in (*grounds, f"{name}-tint"):
            assert contrast(theme[name], theme[ground]) >= 4.5, (name, ground)
            assert contrast(theme["ink"], theme[ground]) >= 7
            assert contrast(theme["soft"], theme[ground]) >= 4.5, (name, ground)


@pytest.mark.parametrize("theme", themes(), ids=["light", "dark"])
def test_bars_stand_out_from_their_ground(theme: dict[str, str]) -> None:
    for name in ("bar", "bar-partial", "bar-major", "bar-maintenance"):
        assert contrast(theme[name], theme["card"]) >= 3, name


def test_the_style_knows_both_themes_paper_and_calm() -> None:
    css = (templates() / "public" / "style.css").read_text()
    dark = "@media screen and (prefers-color-scheme: dark)"  # paper is white, whatever the screen was
    for wanted in (dark, "@media print", "prefers-reduced-motion", "forced-colors", ":focus-visible"):
        assert wanted in css
