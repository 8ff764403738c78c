"""The one picture: what the public may see, and what never gets there."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from incidents.impairment import Hindrance, Impairment
from incidents.model import (
    Component,
    Incident,
    Monitor,
    Need,
    Origin,
    Service,
    Severity,
    Situation,
    Standing,
    State,
    Status,
    Subject,
    Topology,
    Update,
)
from incidents.rollup import ORDER
from incidents.votes import Streak
from statuspage.picture.marking import localised
from statuspage.picture.page import Page, Snapshot, Story, build
from statuspage.picture.site import Site

NOW = datetime(2026, 11, 22, 8, 31, 12, 345, tzinfo=UTC)
BORN = datetime(2026, 8, 1, tzinfo=UTC)
SITE = Site(name="Example", url="https://status.example.net", timezone="Europe/Berlin", support={}, links={})


def service(id_: str, *needs: Need, group: str | None = None, **texts: Mapping[str, str]) -> Service:
    return Service(id=id_, name=texts.get("name", {"en": id_.title()}), group={"en": group} if group else None, needs=needs)


def need(*of: str, label: Mapping[str, str] | None = None, at_least: int = 1) -> Need:
    return Need(of=of, at_least=at_least, label=label or {})


def situation(
    services: list[Service], statuses: Mapping[str, Status], parts: Mapping[str, Status], severity: Severity = Severity.OUTAGE
) -> Situation:
    ids = {part for one in services for wanted in one.needs for part in wanted.of}
    topology = Topology(
        services={one.id: one for one in services},
        components={id_: Component(id=id_, name=id_) for id_ in sorted(ids)},
        monitors={f"watch-{id_}": Monitor(id=f"watch-{id_}", component=id_, severity=severity) for id_ in sorted(ids)},
    )
    since = NOW - timedelta(minutes=40)
    standings = {(Subject.SERVICE, id_): Standing(status=status, since=since, cause="host db7 refused") for id_, status in statuses.items()}
    standings |= {(Subject.COMPONENT, id_): Standing(status=status, since=since, cause="stage tls") for id_, status in parts.items()}
    return Situation(topology=topology, seed="secret-seed", standings=standings)


def snapshot(known: Situation, *stories: Story, **more: object) -> Snapshot:
    ids = {id_: f"{id_:x<12}"[:12] for id_ in known.topology.services}
    plain = Snapshot(
        site=SITE,
        situation=known,
        stories=stories,
        days={},
        seen=dict.fromkeys(ids, NOW - timedelta(seconds=9)),
        public_ids=ids,
        page_id="p" * 12,
        authority="status.example.net",
        minted=BORN.date(),
        born=BORN,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def incident(id_: str = "aaaaaaaaaaaa", **more: object) -> Incident:
    begun = NOW - timedelta(minutes=40)
    plain = Incident(
        id=id_,
        name="Email: sending does not work",
        origin=Origin.MACHINE,
        state=State.INVESTIGATING,
        started_at=begun,
        opened_at=begun + timedelta(seconds=33),
        root="outgoing",
        components=("outgoing",),
        services={"email": Status.MAJOR},
        worst={"email": Status.MAJOR},
        publish_at=begun,
        published_at=begun,
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def update(number: int = 1, **more: object) -> Update:
    plain = Update(number=number, state=State.INVESTIGATING, title="Email", body="Looking into it.", at=NOW - timedelta(minutes=39))
    return replace(plain, **more)  # type: ignore[arg-type]


def email(status: Status = Status.OPERATIONAL, part: Status = Status.OPERATIONAL) -> Situation:
    return situation([service("email", need("outgoing", label={"en": "Sending"}))], {"email": status}, {"outgoing": part})


def statuses(page: Page) -> dict[str, Status]:
    return {one.id: one.status for group in page.groups for one in group.services}


# --- services -----------------------------------------------------------------------------------------------------------------


def test_services_stand_in_the_files_order_under_their_groups() -> None:
    services = [
        service("b", need("x"), group="Two"),
        service("a", need("x"), group="One"),
        service("c", need("x"), group="Two"),
        service("d"),
    ]
    known = situation(services, dict.fromkeys("abcd", Status.OPERATIONAL), {"x": Status.OPERATIONAL})
    base = snapshot(known)
    page = build(replace(base, public_ids={**base.public_ids, "group:Two": "twotwotwotwo"}), NOW)
    assert [(group.name, [one.id for one in group.services]) for group in page.groups] == [
        ("Two", ["b", "c"]),
        ("One", ["a"]),
        (None, ["d"]),
    ]
    assert [group.public_id for group in page.groups] == ["twotwotwotwo", None, None]


def test_capabilities_are_needs_with_a_label_in_the_customers_words() -> None:
    needs = [need("out", label={"en": "Sending", "de": "Senden"}), need("hidden"), need("wa", "wb", label={"de": "Webmail"})]
    parts = {"out": Status.MAJOR, "hidden": Status.MAJOR, "wa": Status.MAJOR, "wb": Status.OPERATIONAL}
    page = build(snapshot(situation([service("email", *needs)], {"email": Status.PARTIAL}, parts)), NOW)
    [shown] = page.groups[0].services
    assert [(one.label, one.status) for one in shown.capabilities] == [("Sending", Status.MAJOR), ("Webmail", Status.OPERATIONAL)]


def test_needs_with_one_label_are_one_capability_that_is_as_bad_as_the_worst() -> None:
    needs = [need("out", label={"en": "Sending"}), need("in", label={"en": "Receiving"}), need("relay", label={"en": "Sending"})]
    parts = {"out": Status.OPERATIONAL, "in": Status.OPERATIONAL, "relay": Status.MAJOR}
    page = build(snapshot(situation([service("email", *needs)], {"email": Status.PARTIAL}, parts)), NOW)
    [shown] = page.groups[0].services
    assert [(one.label, one.status) for one in shown.capabilities] == [("Sending", Status.MAJOR), ("Receiving", Status.OPERATIONAL)]


@pytest.mark.parametrize(
    ("texts", "language", "chosen"),
    [
        ({"en": "Mail", "de": "Post"}, "de", "Post"),
        ({"en": "Mail", "de": "Post"}, "de-AT", "Post"),
        ({"de": "Post", "en": "Mail"}, "fr", "Mail"),
        ({"de": "Post", "it": "Posta"}, "fr", "Post"),
        ({}, "en", ""),
        (None, "en", ""),
    ],
)
def test_a_text_falls_back_to_english_and_then_to_the_first(texts: Mapping[str, str] | None, language: str, chosen: str) -> None:
    assert localised(texts, language) == chosen


def test_an_unknown_service_keeps_what_was_last_known() -> None:
    page = build(snapshot(email(Status.UNKNOWN), last_known={"email": Status.DEGRADED}), NOW)
    [shown] = page.groups[0].services
    assert (shown.status, shown.last_known, shown.unknown_since) == (Status.UNKNOWN, Status.DEGRADED, NOW - timedelta(minutes=40))


def test_a_known_service_has_no_unknown_since() -> None:
    [shown] = build(snapshot(email(Status.DEGRADED)), NOW).groups[0].services
    assert (shown.last_known, shown.unknown_since) == (Status.DEGRADED, None)


def test_a_service_that_nobody_watches_says_so_and_leaves_the_page_green() -> None:
    services = [service("email", need("outgoing")), service("fax")]
    page = build(snapshot(situation(services, {"email": Status.OPERATIONAL}, {"outgoing": Status.OPERATIONAL})), NOW)
    assert page.status is Status.OPERATIONAL
    assert [one.is_watched for one in page.groups[0].services] == [True, False]


def test_a_monitor_that_only_warns_does_not_watch() -> None:
    known = situation([service("email", need("outgoing"))], {}, {}, severity=Severity.WARNING)
    assert not build(snapshot(known), NOW).groups[0].services[0].is_watched


# --- the page's status --------------------------------------------------------------------------------------------------------


@given(st.lists(st.sampled_from(Status), min_size=1, max_size=6))
def test_the_page_is_as_bad_as_its_worst_service(chosen: list[Status]) -> None:
    services = [service(f"s{number}", need("x")) for number in range(len(chosen))]
    known = situation(services, {f"s{number}": status for number, status in enumerate(chosen)}, {"x": Status.OPERATIONAL})
    page = build(snapshot(known), NOW)
    assert ORDER[page.status] == max(ORDER[status] for status in chosen)


@given(
    status=st.sampled_from(Status),
    state=st.sampled_from(State),
    present=st.sampled_from(Status),
    is_published=st.booleans(),
    origin=st.sampled_from(Origin),
)
def test_an_open_published_incident_never_leaves_the_page_green(
    *, status: Status, state: State, present: Status, is_published: bool, origin: Origin
) -> None:
    ended = NOW if state in (State.RESOLVED, State.POSTMORTEM) else None
    one = incident(state=state, services={"email": present}, origin=origin, resolved_at=ended)
    if not is_published:
        one = replace(one, published_at=None)
    page = build(snapshot(email(status), Story(incident=one, updates=())), NOW)
    if is_published and state in (State.INVESTIGATING, State.IDENTIFIED):
        assert page.status in {Status.DEGRADED, Status.PARTIAL, Status.MAJOR}
    else:
        assert page.status is status


def test_a_page_without_services_knows_nothing() -> None:
    assert build(snapshot(situation([], {}, {})), NOW).status is Status.UNKNOWN


def test_monitoring_is_impaired_once_nothing_is_known_any_more() -> None:
    services = [service("a", need("x")), service("b", need("x")), service("unwatched")]
    known = situation(services, {"a": Status.UNKNOWN, "b": Status.UNKNOWN}, {})
    later = replace(known.standings[Subject.SERVICE, "a"], since=NOW - timedelta(minutes=5))
    known = replace(known, standings={**known.standings, (Subject.SERVICE, "a"): later})
    assert build(snapshot(known), NOW).impaired_since == NOW - timedelta(minutes=5)


def test_one_known_service_is_enough_not_to_be_impaired() -> None:
    services = [service("a", need("x")), service("b", need("x"))]
    known = situation(services, {"a": Status.UNKNOWN, "b": Status.OPERATIONAL}, {})
    assert build(snapshot(known), NOW).impaired_since is None


BLIND = Impairment(location="local", since=NOW - timedelta(minutes=9), reason=Hindrance.BLIND, detail="2 of 2 controls fail")


def blind(known: Situation, record: Impairment = BLIND) -> Situation:
    return replace(known, impairments={(record.location, record.reason): record})


def test_a_blind_location_that_hides_a_service_is_said_since_when_it_is_blind() -> None:
    services = [service("a", need("x")), service("b", need("x"))]
    known = situation(services, {"a": Status.UNKNOWN, "b": Status.OPERATIONAL}, {})
    assert build(snapshot(blind(known)), NOW).impaired_since == BLIND.since


def test_customers_hear_nothing_of_a_blind_location_that_hides_nothing_or_of_one_that_sees_again() -> None:
    known = situation([service("a", need("x"))], {"a": Status.OPERATIONAL}, {})
    assert build(snapshot(blind(known)), NOW).impaired_since is None
    known = situation([service("a", need("x")), service("b", need("x"))], {"a": Status.UNKNOWN, "b": Status.OPERATIONAL}, {})
    assert build(snapshot(blind(known, replace(BLIND, until=NOW))), NOW).impaired_since is None


def test_before_the_first_result_nothing_is_impaired() -> None:
    assert build(snapshot(email(Status.UNKNOWN), seen={}), NOW).impaired_since is None


# --- incidents ----------------------------------------------------------------------------------------------------------------


def test_published_incidents_come_newest_first_open_apart_from_closed() -> None:
    stories = [
        Story(incident=incident("older", started_at=NOW - timedelta(hours=2)), updates=()),
        Story(incident=incident("newer", started_at=NOW - timedelta(hours=1)), updates=()),
        Story(incident=incident("closed", state=State.RESOLVED, resolved_at=NOW), updates=()),
    ]
    page = build(snapshot(email(), *stories), NOW)
    assert [one.id for one in page.open] == ["newer", "older"]
    assert [one.id for one in page.recent] == ["closed"]


def test_words_held_back_leave_one_neutral_instant_and_nothing_else() -> None:
    begun = NOW - timedelta(minutes=2)
    hidden = incident(published_at=None, publish_at=NOW + timedelta(minutes=3), started_at=begun, name="secret words")
    page = build(snapshot(email(Status.MAJOR), Story(incident=hidden, updates=(update(body="secret words"),))), NOW)
    assert page.held_back == (begun,)
    assert (page.open, page.recent, page.feed_updated) == ((), (), BORN)
    assert page.status is Status.MAJOR
    assert "secret words" not in repr(page)


@pytest.mark.parametrize(
    "quiet",
    [
        {"publish_at": None},
        {"state": State.MONITORING, "recovered_at": NOW},
        {"state": State.RESOLVED, "resolved_at": NOW},
    ],
    ids=["draft", "recovered", "resolved"],
)
def test_drafts_and_what_was_over_before_publication_say_nothing(quiet: dict[str, object]) -> None:
    one = replace(incident(published_at=None, publish_at=NOW + timedelta(minutes=3)), **quiet)  # type: ignore[arg-type]
    page = build(snapshot(email(), Story(incident=one, updates=())), NOW)
    assert (page.held_back, page.open, page.recent) == ((), (), ())


def test_updates_are_newest_first_and_a_redacted_one_loses_its_words() -> None:
    words = (update(1), update(2, body="names Ada Lovelace", redacted_at=NOW), update(3, edited_at=NOW))
    [shown] = build(snapshot(email(), Story(incident=incident(), updates=words)), NOW).open
    assert [one.number for one in shown.updates] == [3, 2, 1]
    assert (shown.updates[1].body, shown.updates[1].redacted) == ("", True)


def test_the_feeds_date_is_that_of_the_newest_public_word() -> None:
    edited = NOW - timedelta(minutes=1)
    words = (update(1), update(2, at=NOW - timedelta(minutes=20)), update(3, at=NOW - timedelta(minutes=10), edited_at=edited))
    assert build(snapshot(email(), Story(incident=incident(), updates=words)), NOW).feed_updated == edited
    assert build(snapshot(email()), NOW).feed_updated == BORN


def test_an_incident_names_services_that_no_longer_exist_by_their_id() -> None:
    one = incident(services={}, worst={"gone": Status.MAJOR, "email": Status.PARTIAL}, state=State.MONITORING)
    [shown] = build(snapshot(email(), Story(incident=one, updates=())), NOW).open
    assert [(hit.name, hit.status, hit.worst) for hit in shown.services] == [
        ("gone", Status.OPERATIONAL, Status.MAJOR),
        ("Email", Status.OPERATIONAL, Status.PARTIAL),
    ]
    assert shown.worst is Status.MAJOR


# --- freshness and secrecy ----------------------------------------------------------------------------------------------------


def test_as_of_is_cut_to_the_minute_and_nothing_else_depends_on_now() -> None:
    known = snapshot(email(Status.PARTIAL), Story(incident=incident(), updates=(update(),)))
    page = build(known, NOW)
    assert page.as_of == datetime(2026, 11, 22, 8, 31, tzinfo=UTC)
    assert build(known, NOW + timedelta(seconds=40)) == page
    assert build(known, NOW + timedelta(hours=9)) == replace(page, as_of=page.as_of + timedelta(hours=9))


def test_nothing_internal_reaches_the_picture() -> None:
    known = situation(
        [service("email", need("cmp-internal-7", label={"en": "Sending"}))], {"email": Status.MAJOR}, {"cmp-internal-7": Status.MAJOR}
    )
    streak = Streak(failure="refused", stage="stage-internal", detail="host db7.internal said 554")
    known = replace(known, streaks={("watch-cmp-internal-7", "local"): streak})
    one = incident(root="cmp-internal-7", components=("cmp-internal-7",), cause="disk of db7", asks_desk=True)
    text = repr(build(snapshot(known, Story(incident=one, updates=(update(by="ada.internal"),))), NOW))
    for word in ("internal", "db7", "watch-", "refused", "secret-seed", "stage"):
        assert word not in text


def test_the_picture_is_made_of_frozen_values() -> None:
    page = build(snapshot(email(), Story(incident=incident(), updates=(update(),))), NOW)
    for value in (page, page.groups[0], page.groups[0].services[0], page.open[0], page.open[0].updates[0]):
        assert is_dataclass(value)
        with pytest.raises(AttributeError):
            setattr(value, fields(value)[0].name, None)
