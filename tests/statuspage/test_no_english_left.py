"""Every public page and feed in a made-up language: what is still in English was never marked as a message."""

import json
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from email import message_from_bytes
from email.policy import default
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from xml.etree import ElementTree as ET

import icalendar
import pytest
from babel.messages.catalog import Catalog
from babel.messages.pofile import write_po
from lxml import html as dom

from incidents.advisory import AdvisoryTurn
from incidents.levels.availability import Change, Kind, availability
from incidents.levels.service_level import Budget, Credit
from incidents.levels.terms import Terms
from incidents.maintenance import MaintenanceState
from incidents.model import Need, Service, Standing, State, Status, Update
from incidents.times.calendars import Calendar
from incidents.times.spans import Span
from statuspage import bundled
from statuspage.picture.advisories import Bulletin
from statuspage.picture.archive import Archive, Asked, ServiceMonth
from statuspage.picture.days import Day
from statuspage.picture.figures import BudgetView, FigureView, LevelView, MonthView
from statuspage.picture.page import Page, Snapshot, Story, build
from statuspage.picture.planned import Window
from statuspage.picture.roundup import Chapter, RoundUp
from statuspage.picture.site import Site
from statuspage.publish import Publisher
from statuspage.render.history import Answer, Found
from statuspage.render.html import Html
from statuspage.render.mail import Letterhead, Mail
from statuspage.render.report import Reported, report
from statuspage.render.subscription import Subscription, Typed
from statuspage.render.voicing import voices_of
from tests.statuspage.messages import collected, published
from tests.statuspage.pictures import BORN, NOW, bulletin, heard, public_id, said, snapshot, story, update, warned, window

CODE = "ru"  # Babel knows its months and days; the words are made up
SITE = Site(
    name="Пример",
    url="https://status.example.net",
    timezone="Asia/Kathmandu",
    languages=("en", CODE),
    takes_mail=True,
    support={"email": "help@example.net", "phone": "+49 1", "url": "https://example.net/"},
    links={"imprint": "https://example.net/1", "privacy": "https://example.net/2"},
)

HOUR = timedelta(hours=1)
LETTERS = re.compile(r"%\(\w+\)s|%%|\{\w+\}|<[^>]+>|[A-Za-z]+")
"""What a made-up word takes the place of, and before it what stays."""

WORDS = re.compile(r"[A-Za-z]{2,}")
NAMES = {"RSS", "Atom", "JSON", "Feed", "CSV", "UTC", "Asia", "Kathmandu", "English"}
"""What is called so in every language."""

SAID = ("alt", "title", "aria-label", "placeholder", "data-said", "data-news", "data-local")


def made_up(text: str) -> str:
    return LETTERS.sub(lambda found: found[0] if not found[0][0].isalpha() else "ж" * len(found[0]), text)


@pytest.fixture(scope="module")
def templates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The templates with a catalogue of made-up words."""
    templates = tmp_path_factory.mktemp("templates")
    for name in ("public", "mail", "report"):
        (templates / name).symlink_to(bundled.templates() / name)
    (templates / "languages").mkdir()
    catalogue = Catalog(locale=CODE)
    for one in collected():
        if one.id:
            several = isinstance(one.id, tuple | list)
            string = tuple(map(made_up, one.id)) if several else "y-MM-dd" if one.context == "date" else made_up(str(one.id))
            catalogue.add(one.id, string if not several else (*string, string[-1]), context=one.context)
    with (templates / "languages" / f"{CODE}.po").open("wb") as file:
        write_po(file, catalogue)
    return templates


def service(id_: str, **more: object) -> Service:
    needs = tuple(Need(of=(f"{id_}-{part}",), label=MappingProxyType({"en": "Часть"})) for part in ("sending", "receiving"))
    plain = Service(id=id_, name={"en": "Почта"}, description={"en": "Описание"}, group={"en": "Группа"}, needs=needs)
    return replace(plain, **more)  # type: ignore[arg-type]  # the test's own keywords


def level(terms: Terms, target: str | None, *, is_young: bool = False, budget: BudgetView | None = None) -> LevelView:
    """A level of which everything is told that may be told."""
    known = FigureView(measured="99.953", contractual="99.9", unknown=3 * HOUR)
    outside = FigureView(measured="99.9", contractual=None, unknown=timedelta(0))
    nothing = FigureView(measured=None, contractual=None, unknown=timedelta(0))
    figures = dict.fromkeys(("24h", "7d", "30d", "90d", "365d", "month", "quarter", "year"), known) | {"7d": outside, "30d": nothing}
    months = [
        MonthView(first=NOW.date().replace(month=month, day=1), word=f"2026-{month}", figure=figure, target=target, is_over=month < 11,
                  is_missed=month == 9, down=timedelta(hours=month % 2))
        for month, figure in ((11, known), (10, known), (9, known), (8, outside), (7, nothing))
    ]  # fmt: skip
    return LevelView(
        service="email",
        terms=terms,
        target=target,
        figures=figures,
        words={word: word for word in figures},
        months=tuple(months),
        watched_since=BORN if is_young else None,
        bars_since=NOW - 40 * 24 * HOUR if is_young else None,
        budget=budget,
        credits=(Credit(below=Fraction(999, 1000), percent=Fraction(5)),),
        telling=frozenset(figures),
    )


WEEK: dict[int, tuple[tuple[int, int], ...]] = {**dict.fromkeys(range(5), ((480, 1080),)), 6: ((0, 60),)}
OFFICE = Calendar(timezone="Asia/Kathmandu", weekly=WEEK, closed=frozenset({NOW.date()}))
SPENT = BudgetView(left="0.0", is_spent=True, runs_out_on=None)
LEFT = BudgetView(left="5.0", is_spent=False, runs_out_on=None)
LEVELS = (
    level(Terms(target=Fraction(999, 1000), hours=OFFICE, notice=72 * HOUR, notice_from=HOUR, partial_counts=Fraction(1, 2)), "99.9"),
    level(Terms(target=Fraction(999, 1000), notice=HOUR), "99.9", is_young=True, budget=SPENT),
    level(Terms(), None, budget=LEFT),
    level(Terms(), None, budget=replace(LEFT, runs_out_on=NOW.date())),
)


def days() -> tuple[Day, ...]:
    """A day of each kind."""
    kinds = [None, *Status, Status.UNKNOWN]
    return tuple(
        Day(day=NOW.date() - timedelta(days=back), worst=worst, downtime=60.0 * back, unknown=7200.0, is_mostly_unknown=back == 1)
        for back, worst in enumerate(reversed(kinds))
    )[::-1]


def spoken(number: int, state: State = State.INVESTIGATING, **more: object) -> Update:
    """Public words, not in English."""
    return replace(update(number, state, body="Слово.", **more), title="Слово")


def happened(*updates: Update, id_: str, **more: object) -> Story:
    """An incident, not in English."""
    found = story(*updates, id_=id_, services=("s0",))
    return replace(found, incident=replace(found.incident, name="Случай", **more))  # type: ignore[arg-type]  # the test's own keywords


STORIES = (
    happened(
        spoken(1),
        spoken(2, State.IDENTIFIED, automatic=True, edited_at=NOW, next_update_by=NOW + HOUR),
        id_="openopenopen",
        worst={"s0": Status.MAJOR},
    ),
    happened(spoken(1, next_update_by=NOW - HOUR), id_="latelatelate"),
    happened(spoken(1, redacted_at=NOW), id_="redactedreda"),
    happened(id_="wordlesswor1"),
    happened(spoken(1, State.MONITORING), id_="monitoringmo", recovered_at=NOW),
    happened(spoken(1), spoken(2, State.RESOLVED), id_="resolvedreso"),
    happened(spoken(1), spoken(2, State.POSTMORTEM), id_="postmortempo", recovered_at=NOW, resolved_at=NOW, services={}),
)


def planned(place: int, state: MaintenanceState) -> Window:
    """Work in *state*, announced unless it was called off; not in English."""
    is_over = state in {MaintenanceState.COMPLETED, MaintenanceState.CANCELLED}
    words = () if state is MaintenanceState.CANCELLED else (replace(said(1, state, NOW - HOUR, "Слово."), title="Слово"),)
    return window(
        *words,
        id_=f"window{place:06}",
        state=state,
        name={"en": "Работы"},
        description={"en": "Слово."},
        services=("s0",),
        starts=NOW - HOUR,
        ends=NOW + 40 * HOUR,
        began_at=NOW - HOUR if place else None,
        ended_at=NOW if is_over else None,
    )


def advised(id_: str, *turns: AdvisoryTurn, **more: object) -> Bulletin:
    """An advisory or a notice, not in English."""
    ends = None if "ends" in more else NOW + HOUR
    words = (replace(warned(place, turn, en="Слово."), ends=ends) for place, turn in enumerate(turns, start=1))
    return bulletin(*words, id_=id_, **{"name": {"en": "Буря"}, "services": ("s0",), **more})


BULLETINS = (
    advised("comingcoming", AdvisoryTurn.PUBLISHED, starts=NOW + HOUR, ends=None),
    advised("inforceinfor", AdvisoryTurn.PUBLISHED, AdvisoryTurn.UPDATED, AdvisoryTurn.MOVED),
    advised("pinnedpinned", AdvisoryTurn.PUBLISHED, services=(), ends=None),
    advised("pinneduntil1", AdvisoryTurn.PUBLISHED, services=()),
    advised("overoverover", AdvisoryTurn.PUBLISHED, ended_at=NOW),
    advised("withdrawnwit", AdvisoryTurn.PUBLISHED, AdvisoryTurn.WITHDRAWN, ended_at=NOW, withdrawn_by="ada"),
    replace(
        advised("wordlesswit1", AdvisoryTurn.PUBLISHED, ended_at=NOW, withdrawn_by="ada"),
        updates=(warned(1, en="Слово."), warned(2, AdvisoryTurn.WITHDRAWN)),
    ),
)


def told(*services: Service) -> Snapshot:
    """Everything that may happen, all of it at once, with services in every status."""
    made = snapshot(*services, statuses=dict(zip((one.id for one in services), Status, strict=False)), stories=STORIES)
    made = replace(
        made,
        site=SITE,
        windows=tuple(planned(place, state) for place, state in enumerate(MaintenanceState)),
        bulletins=BULLETINS,
        days={one.id: days() for one in services},
        levels={one.id: LEVELS[place % len(LEVELS)] for place, one in enumerate(services[:-1])},
        public_ids={one.id: public_id(one.id) for one in services} | {"group:Группа": "groupgroupgr"},
    )
    return heard(made)


EVERY = tuple(service(f"s{place}") for place in range(7))


def with_statuses(shown: Snapshot, *statuses: Status) -> Snapshot:
    """The same where all services and their parts are in these statuses, and nothing else is wrong."""
    keys = sorted(shown.situation.standings, key=str)
    standings = {key: Standing(status=statuses[place % len(statuses)], since=BORN) for place, key in enumerate(keys)}
    return replace(shown, situation=replace(shown.situation, standings=standings), stories=(), windows=(), news={}, agenda=())


def scenes() -> Iterator[Snapshot]:
    """Pictures that between them show every sentence of the front page."""
    whole = told(*EVERY)
    yield whole
    unwatched = replace(whole.situation.topology, monitors={})
    yield replace(whole, situation=replace(whole.situation, topology=unwatched), seen={}, days={}, levels={})
    held = replace(STORIES[0].incident, name="Случай", published_at=None, publish_at=NOW)
    yield replace(whole, stories=(replace(STORIES[0], incident=held, updates=()),), news={})
    for count in (1, 2, 7):
        few = told(*EVERY[:count])
        for status in Status:
            yield with_statuses(few, status)
            yield replace(with_statuses(few, status), seen={}, last_known={one.id: Status.OPERATIONAL for one in EVERY})
        yield replace(with_statuses(few, Status.OPERATIONAL), stories=(STORIES[4],))
    yield with_statuses(whole, Status.MAJOR, Status.DEGRADED, Status.PARTIAL, Status.DEGRADED)
    yield with_statuses(whole, Status.MAJOR, Status.OPERATIONAL)


def pages(html: Html) -> Iterator[tuple[str, str, bytes]]:
    """Every path of every scene with its kind and its bytes, and the pages that only the store or a form could give."""
    for shown in scenes():
        publisher = Publisher(html)
        shelf = publisher.publish(shown, NOW)
        for path in publisher.paths(shelf):
            if path.startswith(f"/{CODE}/") and (made := publisher.made(shelf, path)) is not None:
                yield path, made.content_type.partition(";")[0], made.body
    picture = build(told(*EVERY), NOW, CODE)
    yield "missing", "text/html", html.not_found(picture)
    yield from (("form", "text/html", body) for body in forms(Subscription(html), picture))
    lines: tuple[Found, ...] = (((("Слово", True), (" слово", False)), CODE),)
    for found in ((), (*picture.open, *picture.recent)):
        windows = tuple((one, lines) for one in picture.planned if found)
        answer = Answer(
            words="слово" if found else "",
            incidents=tuple((one, lines) for one in found),
            windows=windows,
            advisories=tuple((one, lines) for one in picture.advisories if found),
            is_more=bool(found),
        )
        yield "search", "text/html", html.search(picture, answer)
        yield "search", "text/html", html.search(picture, replace(answer, words="слово"))
    first = NOW.date().replace(day=1)
    for is_over in (True, False):
        for months in (LEVELS[0].months, (None, *LEVELS[1].months)):
            for incidents in ((), (*picture.open, *picture.recent)):
                month = Archive(
                    first=first,
                    service=None,
                    is_over=is_over,
                    as_of=NOW,
                    incidents=incidents,
                    windows=picture.planned if incidents else (),
                    advisories=picture.advisories if incidents else (),
                    services=tuple(ServiceMonth(service="s0", name="Почта", told=one) for one in months),
                    older=first,
                    newer=first,
                )
                for asked in (Asked(service=one, first=at) for one in (None, "s0") for at in (None, first)):
                    yield f"history {asked}", "text/html", html.history(picture, asked, (month,), (first,))


def forms(pages: Subscription, picture: Page) -> Iterator[bytes]:
    """What becomes of a subscription."""
    faults = dict.fromkeys(("address", "services", "floor", "rhythm"), "Please choose one of these.")
    yield pages.form(replace(picture, site=replace(SITE, takes_mail=False)), Typed())
    yield pages.form(picture, Typed(), faults)
    yield pages.sent(picture, 48)
    yield pages.confirm(picture, "anna@example.org")
    yield pages.manage(picture, "anna@example.org", "/1", Typed(), faults)
    yield pages.manage(picture, "anna@example.org", "/1", Typed(), is_saved=True)
    yield pages.unsubscribe(picture)
    yield pages.say(picture, "Not just now", "Nothing was changed.")


def letters(mail: Mail) -> Iterator[bytes]:
    """Every letter that is written."""
    head = Letterhead(
        key="1",
        to="anna@example.org",
        sender="a@example.org",
        at=NOW,
        authority="example.org",
        manage="https://1/",
        unsubscribe="https://2/",
    )
    picture = build(told(*EVERY), NOW, CODE)
    yield from (
        mail.update(head, picture, incident, said_)
        for incident in (*picture.open, *picture.recent)
        for said_ in incident.updates
        if not said_.redacted
    )
    yield from (mail.work(head, picture, one, said_) for one in (*picture.planned, *picture.past) for said_ in one.updates)
    yield from round_ups(mail, head, picture)
    yield mail.confirm(head, SITE, CODE, "https://3/", 48)
    yield mail.test(head, replace(SITE, language=CODE))


def round_ups(mail: Mail, head: Letterhead, picture: Page) -> Iterator[bytes]:
    """One that tells of everything, and one of one thing more than its subject names."""
    whole = RoundUp(
        since=BORN,
        until=NOW,
        incidents=tuple(Chapter(about=one, said=one.updates) for one in (*picture.open, *picture.recent)),
        work=tuple(Chapter(about=one, said=one.updates) for one in (*picture.planned, *picture.past)),
        advisories=tuple(Chapter(about=one, said=one.updates) for one in (*picture.advisories, *picture.past_advisories)),
        coming=picture.planned,
    )
    yield mail.round_up(head, picture, whole)
    yield mail.round_up(head, picture, replace(whole, incidents=whole.incidents[:4], work=(), advisories=(), coming=()))


def test_nothing_that_the_machine_publishes_has_a_word_of_english(templates: Path) -> None:
    (voice,) = voices_of(CODE, (CODE,), templates / "languages")
    sentences = {sentence for sentence, _ in published()}
    assert len(sentences) > 80
    said_so = {sentence: voice.says(sentence, **dict.fromkeys(re.findall(r"%\((\w+)\)s", sentence), "Слово")) for sentence in sentences}
    assert {one for sentence in said_so.values() for one in WORDS.findall(sentence)} == set()
    assert (voice.language, voice.tag, voice.months[0]) == (CODE, CODE, "января")


def shown_words(kind: str, body: bytes) -> str:
    """What a reader of these bytes gets to see."""
    match kind:
        case "text/html" | "image/svg+xml":
            root = dom.document_fromstring(body.decode()) if kind == "text/html" else dom.fromstring(body.decode())
            for node in root.xpath("//script|//style|//code|//time"):
                node.text = None
            named = [node.get(name) for name in SAID for node in root.xpath(f"//*[@{name}]")]
            metas = root.xpath("//meta[@name='description' or @property='og:title' or @property='og:description']/@content")
            return " ".join([root.text_content(), *named, *metas])
        case "application/rss+xml" | "application/atom+xml":
            wanted = ("title", "description", "subtitle", "content")
            return " ".join(node.text or "" for node in ET.fromstring(body).iter() if node.tag.rpartition("}")[2] in wanted)
        case "application/feed+json":
            feed = json.loads(body)
            return " ".join([feed["title"], feed["description"], *(one["title"] + one["content_text"] for one in feed["items"])])
        case "text/calendar":
            calendar = icalendar.Calendar.from_ical(body)
            events = (str(event[name]) for event in calendar.walk("VEVENT") for name in ("summary", "description"))
            return " ".join([str(calendar["x-wr-calname"]), *events])
        case "application/json":
            badge = json.loads(body)
            return f"{badge.get('label', '')} {badge.get('message', '')} {badge.get('line') or ''}"
        case _:
            raise AssertionError(kind)


def english(text: str) -> set[str]:
    return set(WORDS.findall(re.sub(r"https?://\S+|\S+@\S+|\{\w+\}", " ", text))) - NAMES


def test_no_page_and_no_feed_has_a_word_of_english(templates: Path) -> None:
    seen, left = 0, {}
    for path, kind, body in pages(Html(templates)):
        seen += 1
        if found := english(shown_words(kind, body)):
            left[path] = found
    assert seen > 500
    assert left == {}


def test_every_link_of_every_page_stays_in_its_language(templates: Path) -> None:
    seen, left = 0, {}
    for path, kind, body in pages(Html(templates)):
        if kind != "text/html":
            continue
        links = dom.document_fromstring(body.decode()).xpath(
            "//a[not(@hreflang)]/@href | //form/@action | //link[@rel='alternate'][not(@hreflang)]/@href"
        )
        own = [link for link in links if link.startswith("/") and not re.match(r"/api/|/services/\w+/ledger/|/1$", link)]
        seen += len(own)
        if found := [link for link in own if not link.startswith(f"/{CODE}/")]:
            left[path] = found
    assert seen > 5000
    assert left == {}


def test_no_report_has_a_word_of_english(templates: Path) -> None:
    kinds = (Kind.UP, Kind.DEGRADED, Kind.PARTIAL, Kind.DOWN, Kind.MAINTENANCE, Kind.UNKNOWN)
    changes = [Change(since=NOW - place * HOUR, new=status) for place, status in zip(range(12, 0, -1), (*Status, *Status), strict=True)]
    period = Span(NOW - 24 * HOUR, NOW)
    terms = Terms(target=Fraction(999, 1000))
    ledger = availability(changes, period, born=NOW - 12 * HOUR, terms=[(BORN, terms)])
    assert {one.kind for one in ledger.intervals} >= {*kinds} - {Kind.MAINTENANCE}
    plain = Reported(service="s0", name="Почта", terms=terms, ledger=ledger, budget=None, runs_out_at=None, credit=Fraction(5), cost=1000.0)
    spent, left = (Budget(allowed=Fraction(number), used=Fraction(5)) for number in (1, 9))
    several = (
        plain,
        replace(plain, budget=spent),
        replace(plain, budget=left, runs_out_at=NOW, terms=Terms()),
        replace(plain, ledger=None),
    )
    for found in ((), several):
        body = report(templates, found, site="Пример", word="1", period=period, as_of=NOW - HOUR, zone="UTC", language=CODE)
        assert english(shown_words("text/html", body)) == set()


def test_no_letter_has_a_word_of_english(templates: Path) -> None:
    seen, left = 0, {}
    for letter in letters(Mail(templates)):
        read = message_from_bytes(letter, policy=default)
        plain, html = (read.get_body((kind,)) for kind in ("plain", "html"))
        assert plain is not None
        assert html is not None
        seen += 1
        text = f"{read['Subject']} {plain.get_content()} {shown_words('text/html', html.get_content().encode())}"
        if found := english(text) - {"statuspage", "notify", "test"}:  # the command's own words
            left[str(read["Subject"])] = found
    assert seen > 8
    assert left == {}
