"""What is read, and what is fixed at first start."""

import re
from dataclasses import replace
from datetime import date, timedelta

from incidents.events import Event, Resolved, StatusChanged, Updated
from incidents.levels.availability import Change
from incidents.model import Origin, State, Status, Subject, Update
from statuspage.store.engine import Database
from statuspage.store.queries import apply_configuration, changes, first_changes, installation, public_ids, stories, story
from tests.statuspage.store.worlds import T0, after, opened, write
from tests.stores import Place


def changed(new: Status, since: float, *, service: str = "mail", at: float | None = None) -> StatusChanged:
    decided = after(since if at is None else at)
    return StatusChanged(
        at=decided, subject=Subject.SERVICE, id=service, since=after(since), old=Status.UNKNOWN, new=new, cause="2 × timeout"
    )


def history(database: Database, since: float, *services: str) -> dict[str, list[tuple[float, Status]]]:
    found = database.read(lambda connection: changes(connection, services, after(since)))
    return {id: [((change.since - T0).total_seconds(), change.new) for change in theirs] for id, theirs in found.items()}


UP, DOWN, BAD = Status.OPERATIONAL, Status.MAJOR, Status.PARTIAL


def test_changes_begin_with_the_one_in_force(database: Database) -> None:
    write(database, changed(UP, 0), changed(DOWN, 100), changed(UP, 200), changed(BAD, 300))
    assert history(database, 150, "mail") == {"mail": [(100, DOWN), (200, UP), (300, BAD)]}
    assert history(database, 200, "mail") == {"mail": [(200, UP), (300, BAD)]}
    assert history(database, 999, "mail") == {"mail": [(300, BAD)]}


def test_before_the_first_change_nothing_is_in_force(database: Database) -> None:
    write(database, changed(UP, 100))
    assert history(database, 50, "mail", "files") == {"mail": [(100, UP)], "files": []}
    assert history(database, 50) == {}


def test_each_service_has_its_own_start(database: Database) -> None:
    write(database, changed(UP, 0, service="files"), changed(UP, 0), changed(DOWN, 100), changed(UP, 200))
    assert history(database, 250, "mail", "files") == {"mail": [(200, UP)], "files": [(0, UP)]}


def test_other_subjects_of_the_same_name_do_not_count(database: Database) -> None:
    component = StatusChanged(at=T0, subject=Subject.COMPONENT, id="mail", since=T0, old=UP, new=DOWN, cause="")
    write(database, component, changed(UP, 10))
    assert history(database, 20, "mail") == {"mail": [(10, UP)]}


def test_what_is_decided_later_holds_from_its_own_start(database: Database) -> None:
    write(database, changed(UP, 0), changed(Status.UNKNOWN, 100), changed(DOWN, 90, at=120))
    assert history(database, 50, "mail") == {"mail": [(0, UP), (90, DOWN)]}
    assert history(database, 110, "mail") == {"mail": [(90, DOWN)]}


def test_changes_are_values_of_the_page(database: Database) -> None:
    write(database, changed(UP, 0))
    found = database.read(lambda connection: changes(connection, ["mail"], after(1)))
    assert found == {"mail": (Change(since=T0, new=UP),)}


def test_what_maintenance_covers_is_told_beside_what_was_shown(database: Database) -> None:
    write(database, changed(UP, 0), replace(changed(Status.MAINTENANCE, 10), covered=DOWN), changed(UP, 20))
    found = database.read(lambda connection: changes(connection, ["mail"], after(5)))
    assert [change.covered for change in found["mail"]] == [None, DOWN, None]


def test_a_service_is_watched_since_its_first_change(database: Database) -> None:
    write(database, changed(UP, 10), changed(DOWN, 100), changed(UP, 20, service="files"))
    found = database.read(lambda connection: first_changes(connection, ["mail", "files", "never-seen"]))
    assert found == {"mail": after(10), "files": after(20)}


def incident(number: int, *, said: int = 2, is_over: bool = True) -> list[Event]:
    id, start = f"incident{number:04}", 1000.0 * number
    events: list[Event] = [opened(id, root=None, origin=Origin.AGENT, seconds=start)]
    for n in range(1, said + 1):
        words = Update(number=n, state=State.IDENTIFIED, title=f"{n}", body=f"{id} {n}", at=after(start + n), by="ada")
        events.append(Updated(at=words.at, incident=id, update=words))
    return [*events, Resolved(at=after(start + 500), incident=id, by="ada")] if is_over else events


def told(database: Database, updates: int = 50) -> list[str]:
    return [one.incident.id for one in database.read(lambda connection: stories(connection, updates=updates))]


def test_stories_are_the_open_ones_and_those_of_the_newest_updates(database: Database) -> None:
    write(database, *incident(0, is_over=False), *incident(1), *incident(2), *incident(3), *incident(4, said=0))
    assert told(database, updates=3) == ["incident0003", "incident0002", "incident0000"]
    assert told(database) == ["incident0003", "incident0002", "incident0001", "incident0000"]
    assert told(database, updates=1) == ["incident0003", "incident0000"]


def test_an_open_incident_without_words_has_a_story(database: Database) -> None:
    write(database, *incident(7, said=0, is_over=False))
    assert told(database) == ["incident0007"]


def test_a_story_has_all_its_words_oldest_first(database: Database) -> None:
    write(database, *incident(1, said=12))
    [kept] = database.read(lambda connection: stories(connection, updates=1))
    assert [update.number for update in kept.updates] == list(range(1, 13))
    assert database.read(lambda connection: story(connection, "incident0001")) == kept


def test_there_is_no_story_of_an_unknown_incident(database: Database) -> None:
    assert database.read(lambda connection: story(connection, "nowhere")) is None


def test_an_installation_is_made_once_and_kept(place: Place) -> None:
    with place.opened() as database:
        first = database.write(lambda connection: installation(connection, url="https://status.example.org:8443/x", now=T0))
    with place.opened() as database:
        later = T0 + timedelta(days=400)
        again = database.write(lambda connection: installation(connection, url="https://moved.example.net", now=later))
    assert again == first
    assert (first.authority, first.born, first.minted) == ("status.example.org", T0, date(2026, 3, 2))
    assert re.fullmatch("[a-z0-9]{12}", first.page_id)
    assert len(first.seed) == 64


def test_a_configuration_has_a_version_and_the_same_text_no_second_one(database: Database) -> None:
    def apply(text: str, digest: str) -> int:
        return database.write(lambda connection: apply_configuration(connection, text=text, digest=digest, at=T0))

    assert [apply("a: 1", "aa"), apply("a: 1", "aa"), apply("a: 2", "bb"), apply("a: 1", "aa")] == [1, 1, 2, 3]


def test_public_ids_are_given_out_once(database: Database) -> None:
    first = database.write(lambda connection: public_ids(connection, ["mail", "group:Office"]))
    again = database.write(lambda connection: public_ids(connection, ["files", "mail"]))
    assert set(first) == {"mail", "group:Office"}
    assert again["mail"] == first["mail"]
    assert len({*first.values(), *again.values()}) == 3
    assert all(re.fullmatch("[a-z0-9]{12}", public) for public in first.values())


def test_no_names_need_no_public_ids(database: Database) -> None:
    assert database.write(lambda connection: public_ids(connection, [])) == {}
