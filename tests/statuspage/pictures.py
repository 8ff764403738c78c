"""Snapshots to publish in tests: as many services, days and stories as asked for, on a clock that stands still."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import MappingProxyType

from incidents.advisory import Advisory, AdvisoryTurn, AdvisoryUpdate
from incidents.maintenance import Maintenance, MaintenanceState, MaintenanceUpdate, Promise
from incidents.model import (
    Component,
    Incident,
    Monitor,
    Need,
    Origin,
    Service,
    Situation,
    Standing,
    State,
    Status,
    Subject,
    Topology,
    Update,
)
from statuspage.picture.advisories import Bulletin
from statuspage.picture.days import Day
from statuspage.picture.marking import localised
from statuspage.picture.news import (
    PAGE,
    Circle,
    Said,
    Strand,
    Tail,
    Topic,
    Warned,
    tail,
    topics_of_advisory,
    topics_of_incident,
    topics_of_window,
)
from statuspage.picture.page import Snapshot, Story
from statuspage.picture.planned import Window
from statuspage.picture.site import Site

NOW = datetime(2026, 11, 22, 16, 0, 30, tzinfo=UTC)
BORN = datetime(2026, 1, 1, tzinfo=UTC)
SITE = Site(name="Example Networks", url="https://status.example.net", support={"email": "help@example.net"}, links={})


def service(id_: str, group: str | None = "Communication") -> Service:
    """A service with two needs, named after its id."""
    needs = tuple(Need(of=(f"{id_}-{part}",), label=MappingProxyType({"en": part.title()})) for part in ("sending", "receiving"))
    return Service(id=id_, name={"en": id_.title()}, needs=needs, group={"en": group} if group else None)


def situation(*services: Service, statuses: dict[str, Status] | None = None, since: datetime = BORN) -> Situation:
    """Everything is watched and works, but for the services in *statuses*."""
    parts = [part for one in services for need in one.needs for part in need.of]
    standings = {
        (Subject.SERVICE, one.id): Standing(status=(statuses or {}).get(one.id, Status.OPERATIONAL), since=since) for one in services
    }
    standings |= {(Subject.COMPONENT, part): Standing(status=Status.OPERATIONAL, since=since) for part in parts}
    standings |= {(Subject.MONITOR, part): Standing(status=Status.OPERATIONAL, since=since) for part in parts}
    topology = Topology(
        services={one.id: one for one in services},
        components={part: Component(id=part, name=part) for part in parts},
        monitors={part: Monitor(id=part, component=part) for part in parts},
    )
    return Situation(topology=topology, seed="seed", standings=standings)


def snapshot(*services: Service, stories: tuple[Story, ...] = (), days: int = 3, **more: object) -> Snapshot:
    """All of *services* in a picture; *more* goes to ``situation``."""
    known = situation(*services, **more)  # type: ignore[arg-type]  # the test's own keywords
    groups = {text for one in services for text in (one.group or {}).values()}
    return Snapshot(
        site=SITE,
        situation=known,
        stories=stories,
        days={one.id: strip(days) for one in services},
        seen={one.id: NOW - timedelta(seconds=20) for one in services},
        public_ids={one.id: public_id(one.id) for one in services} | {f"group:{name}": public_id(f"group{name}") for name in groups},
        page_id="pagepagepage",
        authority="status.example.net",
        minted=date(2026, 1, 1),
        born=BORN,
    )


def public_id(name: str) -> str:
    """Twelve lowercase letters and digits."""
    return (name.lower().replace("-", "0") + "x" * 12)[:12]


def strip(days: int) -> tuple[Day, ...]:
    """So many quiet days up to today."""
    return tuple(
        Day(day=NOW.date() - timedelta(days=back), worst=Status.OPERATIONAL, downtime=0.0, unknown=0.0) for back in reversed(range(days))
    )


def update(number: int, state: State = State.INVESTIGATING, body: str = "We are looking into it.", **more: object) -> Update:
    """The *number*-th words, a minute after those before."""
    return Update(
        number=number,
        state=state,
        title=f"Email: sending not working – {state}",
        body=body,
        at=NOW - timedelta(hours=2) + timedelta(minutes=number),
        **more,  # type: ignore[arg-type]  # the test's own keywords
    )


def story(*updates: Update, id_: str = "abcdefghijk1", services: tuple[str, ...] = ("email",), **more: object) -> Story:
    """An incident whose services are partly down, published at once, in the state of its newest words."""
    state = updates[-1].state if updates else State.INVESTIGATING
    started = NOW - timedelta(hours=2)
    is_over = state is State.RESOLVED
    ended = updates[-1].at if is_over else None
    worst = dict.fromkeys(services, Status.PARTIAL)
    incident = Incident(
        id=id_,
        name="Email: sending not working",
        origin=Origin.MACHINE,
        state=state,
        started_at=started,
        opened_at=started,
        published_at=started + timedelta(seconds=1),
        services={} if is_over else worst,
        worst=worst,
        recovered_at=ended,
        resolved_at=ended,
        updates=len(updates),
    )
    return Story(incident=replace(incident, **more), updates=updates)  # type: ignore[arg-type]  # the test's own keywords


def said(number: int, state: MaintenanceState, at: datetime, body: str = "We patch the servers.") -> MaintenanceUpdate:
    """The *number*-th words about a window."""
    return MaintenanceUpdate(number=number, state=state, title=f"Patches – {state}", body=body, at=at, automatic=True)


def window(*updates: MaintenanceUpdate, id_: str = "windowwindow", **more: object) -> Window:
    """Two hours of patches tomorrow, for email, in the state of its newest words; announced when they begin."""
    starts = NOW.replace(second=0) + timedelta(days=1)
    state = updates[-1].state if updates else MaintenanceState.SCHEDULED
    plan = Maintenance(
        id=id_,
        name={"en": "Patches"},
        description={"en": "We patch the servers."},
        services=("email",),
        starts=starts,
        ends=starts + timedelta(hours=2),
        planned_at=updates[0].at if updates else NOW,
        planned_by="ada",
        state=state,
        promises=(Promise(announced_at=updates[0].at, starts=starts, ends=starts + timedelta(hours=2)),) if updates else (),
        updates=len(updates),
    )
    return Window(maintenance=replace(plan, **more), updates=updates)  # type: ignore[arg-type]  # the test's own keywords


def warned(number: int, turn: AdvisoryTurn = AdvisoryTurn.PUBLISHED, **body: str) -> AdvisoryUpdate:
    """The *number*-th words about an advisory that holds for eight hours from an hour ago."""
    starts = NOW.replace(second=0) - timedelta(hours=1)
    at, ends = starts + timedelta(minutes=number), starts + timedelta(hours=8)
    return AdvisoryUpdate(number=number, turn=turn, body=body, at=at, by="ada", starts=starts, ends=ends)


def bulletin(*updates: AdvisoryUpdate, id_: str = "stormstormst", **more: object) -> Bulletin:
    """A storm warning for email that holds as ``warned`` says."""
    first = updates[0] if updates else warned(1, en="Lines may fail.", de="Leitungen können ausfallen.")
    storm = Advisory(
        id=id_,
        name={"en": "Storm warning", "de": "Sturmwarnung"},
        services=("email",),
        starts=first.starts,
        ends=first.ends,
        published_at=first.at,
        published_by="ada",
        updates=len(updates) or 1,
    )
    return Bulletin(advisory=replace(storm, **more), updates=updates or (first,))  # type: ignore[arg-type]  # the test's own keywords


def heard(told: Snapshot) -> Snapshot:
    """*told* with its news, all its public words in the places that the store would have given them, and its windows in calendars."""
    return replace(told, news=news(told.stories, told.windows, told.bulletins, groups(told)), agenda=told.agenda or told.windows)


def groups(told: Snapshot) -> Sequence[Circle]:
    """Those who follow a group of *told*."""
    members: dict[str, set[str]] = {}
    for id_, one in told.situation.topology.services.items():
        if one.group and (own := told.public_ids.get(f"group:{localised(one.group, told.site.language)}")):
            members.setdefault(own, set()).add(id_)
    return [Circle(of=of, services=frozenset(some)) for of, some in members.items()]


def news(
    stories: Iterable[Story], windows: Iterable[Window], bulletins: Iterable[Bulletin] = (), circles: Sequence[Circle] = ()
) -> Mapping[Topic, Tail]:
    """What feeds tell of these words, had they been said in the order of their instants."""
    words = [*(_of_incident(story, update, circles) for story in stories for update in story.updates)]
    words += [_of_window(window, update, circles) for window in windows for update in window.updates]
    words += [_of_advisory(one, update, circles) for one in bulletins for update in one.updates]
    found: dict[Topic, list[Said]] = {}
    for said_, topics in sorted(words, key=lambda word: (word[0].at, word[0].subject, word[0].number)):
        for topic in topics:
            found.setdefault(topic, []).append(said_)
    return {topic: tail(len(some), some[-2 * PAGE :]) for topic, some in found.items()}


def _of_incident(told: Story, update: Update, circles: Sequence[Circle]) -> tuple[Said, tuple[Topic, ...]]:
    words = Said(
        strand=Strand.INCIDENT,
        subject=told.incident.id,
        number=update.number,
        title=update.title,
        body="" if update.redacted_at else update.body,
        at=update.at,
        updated=update.redacted_at or update.edited_at or update.at,
        is_withdrawn=update.redacted_at is not None,
        language=update.language,
        titles=update.titles,
        bodies={} if update.redacted_at else update.bodies,
        is_automatic=update.automatic,
    )
    return words, topics_of_incident(told.incident, (), circles)


def _of_window(told: Window, update: MaintenanceUpdate, circles: Sequence[Circle]) -> tuple[Said, tuple[Topic, ...]]:
    is_off = update.state is MaintenanceState.CANCELLED and told.maintenance.began_at is None
    words = Said(
        strand=Strand.MAINTENANCE,
        subject=told.maintenance.id,
        number=update.number,
        title=update.title,
        body=update.body,
        at=update.at,
        updated=update.at,
        takes_back=update.number - 1 if is_off else 0,
        language=update.language,
        titles=update.titles,
        bodies=update.bodies,
        is_automatic=update.automatic,
    )
    return words, topics_of_window(told.maintenance, update, (), circles)


def _of_advisory(told: Bulletin, update: AdvisoryUpdate, circles: Sequence[Circle]) -> tuple[Said, tuple[Topic, ...]]:
    words = Said(
        strand=Strand.ADVISORY,
        subject=told.advisory.id,
        number=update.number,
        title="",
        body="",
        at=update.at,
        updated=update.at,
        warned=Warned(name=told.advisory.name, is_notice=told.advisory.is_notice, update=update),
    )
    return words, topics_of_advisory(told.advisory, (), circles)
