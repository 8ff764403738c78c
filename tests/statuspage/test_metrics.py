"""What a scrape says, read back by the parser of prometheus-client."""

import re
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import process_time

import pytest
from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from incidents.drift import Trend
from incidents.impairment import Hindrance, Impairment
from incidents.maintenance import MaintenanceState
from incidents.model import Acknowledgement, Component, Monitor, Situation, Standing, State, Status, Subject, Topology
from probes.result import Failure, ProbeResult, Result, Warning
from statuspage.picture.promised import PromiseFigures
from statuspage.render.metrics import Health, Metrics
from statuspage.vitals import DeliveryFigures, MirrorFigures
from tests.statuspage.pictures import NOW, service, situation, story, update, window

HEALTH = Health(
    loop_lag=0.004, queue_depth=7, readers=11, crashed_turns=1, failed_writes=3, is_reload_good=True, reloaded_at=NOW - timedelta(hours=1)
)
PLACE = ("email-sending", "local")


def result(failure: Failure | None = None, place: tuple[str, str] = PLACE) -> Result:
    measured = ProbeResult(took=0.125, failure=failure, detail="mx1.internal.example said 550 no")
    return Result(monitor=place[0], location=place[1], slot=NOW, started=NOW, measured=measured)


def scrape(known: Situation, *results: Result, metrics: Metrics | None = None) -> dict[str, Metric]:
    newest = {(one.monitor, one.location): one for one in results}
    text = (metrics or Metrics()).text(known, newest, HEALTH, NOW).decode()
    families = list(text_string_to_metric_families(text))
    assert len({family.name for family in families}) == len(families), "a family must stand in one piece"
    assert all(family.documentation and family.type != "unknown" for family in families)
    return {family.name: family for family in families}


def series(family: Metric) -> dict[tuple[str, ...], float]:
    return {tuple(sample.labels.values()): sample.value for sample in family.samples}


def test_a_status_is_a_set_of_states_of_which_one_holds() -> None:
    found = series(scrape(situation(service("email"), statuses={"email": Status.PARTIAL}))["statuspage_service_status"])
    assert found == {("email", status.value): float(status is Status.PARTIAL) for status in Status}


def test_components_and_monitors_have_their_own_and_silence_is_unknown() -> None:
    known = situation(service("email"))
    gone = {key: standing for key, standing in known.standings.items() if key != (Subject.MONITOR, "email-sending")}
    found = scrape(replace(known, standings=gone))
    assert series(found["statuspage_component_status"])["email-sending", "operational"] == 1
    assert series(found["statuspage_monitor_status"])["email-receiving", "operational"] == 1
    assert series(found["statuspage_monitor_status"])["email-sending", "unknown"] == 1


def test_the_newest_result_of_each_monitor_and_location() -> None:
    found = scrape(situation(service("email")), result())
    assert series(found["statuspage_last_result_timestamp_seconds"]) == {PLACE: NOW.timestamp()}
    assert series(found["statuspage_last_result_duration_seconds"]) == {PLACE: 0.125}
    assert series(found["statuspage_last_result_success"]) == {PLACE: 1}
    assert series(found["statuspage_last_result_failure"]) == {}


def test_a_failure_is_named_from_the_closed_list() -> None:
    found = scrape(situation(service("email")), result(Failure.AUTH_REJECTED))
    assert series(found["statuspage_last_result_success"]) == {PLACE: 0}
    assert series(found["statuspage_last_result_failure"]) == {(*PLACE, "auth_rejected"): 1}


def test_incidents_are_counted_by_state_and_owned_ones_say_so_until_the_lease_ends() -> None:
    first, second = story(update(1)).incident, story(update(1, State.MONITORING), id_="abcdefghijk2").incident
    held = replace(first, acknowledgement=Acknowledgement(by="anna", at=NOW, expires_at=NOW + timedelta(minutes=30)))
    lapsed = replace(second, acknowledgement=Acknowledgement(by="ben", at=NOW, expires_at=NOW))
    known = replace(situation(service("email")), incidents={held.id: held, lapsed.id: lapsed})
    found = scrape(known)
    assert series(found["statuspage_incidents"]) == {("investigating",): 1, ("identified",): 0, ("monitoring",): 1}
    assert series(found["statuspage_incident_acknowledged"]) == {("abcdefghijk1",): 1, ("abcdefghijk2",): 0}
    assert series(found["statuspage_incident_started_timestamp_seconds"])["abcdefghijk1",] == held.started_at.timestamp()


def test_the_service_tells_its_own_health() -> None:
    found = scrape(situation(service("email")))
    told = {name: family.samples[0].value for name, family in found.items() if len(family.samples) == 1}
    assert (
        told.items()
        >= {
            "statuspage_loop_lag_seconds": 0.004,
            "statuspage_queue_depth": 7,
            "statuspage_readers": 11,
            "statuspage_crashed_turns": 1,
            "statuspage_failed_writes": 3,
            "statuspage_config_last_reload_successful": 1,
            "statuspage_config_last_reload_success_timestamp_seconds": HEALTH.reloaded_at.timestamp(),
        }.items()
    )
    assert found["statuspage_crashed_turns"].type == "counter"
    assert found["process_resident_memory_bytes"].samples[0].value > 1e6


def test_the_mirror_tells_when_it_was_last_written_and_how_often_it_could_not_be() -> None:
    known, figures = situation(service("email")), MirrorFigures(failures=2)

    def found() -> dict[str, float]:
        text = Metrics().text(known, {}, replace(HEALTH, mirror=figures), NOW).decode()
        families = [family for family in text_string_to_metric_families(text) if "mirror" in family.name]
        return {sample.name: sample.value for family in families for sample in family.samples if not sample.name.endswith("_created")}

    assert found() == {"statuspage_mirror_failures_total": 2}
    figures.done_at = NOW
    assert found()["statuspage_mirror_last_success_timestamp_seconds"] == NOW.timestamp()
    assert not any("mirror" in name for name in scrape(known)), "nothing is told of a mirror that is not to be"


def test_each_location_says_whether_it_is_blind_and_since_when_it_was_impaired() -> None:
    record = Impairment(location="local", since=NOW, reason=Hindrance.BLIND, detail="gateway 10.0.0.1: timeout")
    over = Impairment(location="local", since=NOW, until=NOW + timedelta(minutes=1), reason=Hindrance.ABSENT)
    known = situation(service("email"))
    assert series(scrape(known)["statuspage_location_blind"]) == {("local",): 0}
    blind = scrape(replace(known, impairments={(one.location, one.reason): one for one in (record, over)}))
    assert series(blind["statuspage_location_blind"]) == {("local",): 1}
    assert set(series(blind["statuspage_impairment_started_timestamp_seconds"])) == {("local", "blind"), ("local", "absent")}
    ended = {("local", "absent"): (NOW + timedelta(minutes=1)).timestamp()}
    assert series(blind["statuspage_impairment_ended_timestamp_seconds"]) == ended


def test_warnings_and_a_slower_pace_are_series_of_their_own() -> None:
    warned = replace(result(), measured=ProbeResult(took=0.1, warnings=(Warning(name="expires_soon", text="in 9 days, mx1"),)))
    newest = {PLACE: warned}
    known = situation(service("email"))
    text = Metrics().text(known, newest, HEALTH, NOW, trends={PLACE: Trend(recent=0.9, usual=0.3)}).decode()
    found = {family.name: family for family in text_string_to_metric_families(text)}
    assert series(found["statuspage_last_result_warning"]) == {(*PLACE, "expires_soon"): 1}
    assert series(found["statuspage_probe_duration_trend_ratio"]) == {PLACE: pytest.approx(3.0)}
    assert "mx1" not in text


def test_labels_are_ids_and_closed_words_never_names_owners_or_errors() -> None:
    held = replace(story(update(1)).incident, acknowledgement=Acknowledgement(by="anna", at=NOW, expires_at=NOW + timedelta(minutes=30)))
    known = replace(situation(service("email")), incidents={held.id: held})
    text = Metrics().text(known, {PLACE: result(Failure.REJECTED)}, HEALTH, NOW).decode()
    assert set(re.findall(r'[{,](\w+)="', text)) == {
        "service",
        "component",
        "monitor",
        "location",
        "status",
        "state",
        "incident",
        "failure",
    }
    assert not re.search(r"anna|mx1|Email|Sending|not working", text)


def test_odd_ids_are_escaped() -> None:
    odd = 'a"b\\c\nd'
    topology = Topology(
        services={}, components={"c": Component(id="c", name="C")}, monitors={odd: Monitor(id=odd, component="c", locations=(odd,))}
    )
    found = scrape(Situation(topology=topology, seed="s"), result(Failure.TIMEOUT, (odd, odd)))
    assert series(found["statuspage_last_result_failure"]) == {(odd, odd, "timeout"): 1}
    assert series(found["statuspage_monitor_status"])[odd, "unknown"] == 1


def test_what_leaves_the_configuration_leaves_the_scrape_and_nothing_else_does() -> None:
    metrics = Metrics()
    results = (result(), result(place=("portal-sending", "local")))
    before = scrape(situation(service("email"), service("portal")), *results, metrics=metrics)
    after = scrape(situation(service("email")), *results, metrics=metrics)
    gone = {key for name in before for key in series(before[name]).keys() - series(after[name]).keys()}
    assert gone
    assert all(key[0].startswith("portal") for key in gone)
    assert scrape(situation(service("email"), service("portal")), *results, metrics=metrics).keys() == before.keys()


def test_a_scrape_of_ten_thousand_monitors_costs_at_most_three_times_its_bare_text() -> None:
    ids = [f"monitor-{number:05d}" for number in range(10_000)]
    part = Component(id="c", name="C")
    topology = Topology(services={}, components={"c": part}, monitors={id_: Monitor(id=id_, component="c") for id_ in ids})
    standings = {(Subject.MONITOR, id_): Standing(status=Status.OPERATIONAL, since=NOW) for id_ in ids}
    known = Situation(topology=topology, seed="s", standings=standings)
    results = {(id_, "local"): result(place=(id_, "local")) for id_ in ids}
    metrics = Metrics()
    length = len(metrics.text(known, results, HEALTH, NOW))

    def bare() -> bytes:
        lines = [f'statuspage_monitor_status{{monitor="{id_}",status="{status}"}} {0}\n' for id_ in ids for status in Status]
        for name in ("timestamp_seconds", "duration_seconds", "success"):
            lines += [f'statuspage_last_result_{name}{{monitor="{id_}",location="local"}} {0.125}\n' for id_ in ids]
        return "".join(lines).encode()

    def cost(make: object) -> float:
        assert callable(make)
        started = process_time()
        make()
        return process_time() - started

    # The best of several, in turn, so that a busy machine slows both alike.
    pairs = [(cost(bare), cost(lambda: metrics.text(known, results, HEALTH, NOW))) for _ in range(5)]
    yardstick, ours = (min(column) for column in zip(*pairs, strict=True))
    assert length > 0.9 * len(bare())
    assert ours <= 3 * yardstick, (ours, yardstick)


def test_instants_are_seconds_since_the_epoch() -> None:
    old = replace(result(), slot=datetime(1970, 1, 2, tzinfo=UTC))
    assert series(scrape(situation(service("email")), old)["statuspage_last_result_timestamp_seconds"]) == {PLACE: 86400.0}


def test_planned_windows_are_counted_and_each_service_tells_its_next_one() -> None:
    soon, late = (window(id_=f"window{days:06}", starts=NOW + timedelta(days=days), ends=NOW + timedelta(days=days + 1)) for days in (2, 5))
    waiting = window(id_="windowwaits1", needs_approval=True, starts=NOW, ends=NOW + timedelta(hours=1))
    runs = window(id_="windowruns12", services=("portal",), state=MaintenanceState.IN_PROGRESS)
    known = {one.maintenance.id: one.maintenance for one in (late, soon, waiting, runs)}
    found = scrape(replace(situation(service("email"), service("portal")), maintenances=known))
    assert series(found["statuspage_maintenances"]) == {("scheduled",): 2, ("in_progress",): 1, ("verifying",): 0}
    starts = series(found["statuspage_service_maintenance_start_timestamp_seconds"])
    assert starts == {("email",): soon.maintenance.starts.timestamp(), ("portal",): runs.maintenance.starts.timestamp()}
    assert series(found["statuspage_service_maintenance_end_timestamp_seconds"])["email",] == soon.maintenance.ends.timestamp()


def test_telling_says_how_many_wait_and_how_tries_ended() -> None:
    figures = DeliveryFigures(waiting=3, tries=Counter({("mail", "delivered"): 40, ("mail", "failed"): 2, ("webhook", "refused"): 1}))
    text = Metrics().text(situation(service("email")), {}, replace(HEALTH, delivery=figures), NOW).decode()
    found = {family.name: family for family in text_string_to_metric_families(text)}
    assert series(found["statuspage_notifications_waiting"]) == {(): 3}
    assert series(found["statuspage_notification_tries"]) == {("mail", "delivered"): 40, ("mail", "failed"): 2, ("webhook", "refused"): 1}


def test_promised_updates_are_counted_with_how_late_they_came() -> None:
    figures = PromiseFigures(outcomes={"kept": 5, "missed": 3}, answered=(5, 1, 0, 0, 1, 0, 0), late_by=1800.5)
    text = Metrics().text(situation(service("email")), {}, replace(HEALTH, promised=figures), NOW).decode()
    found = {family.name: family for family in text_string_to_metric_families(text)}
    assert series(found["statuspage_promised_updates"]) == {("kept",): 5, ("missed",): 3}
    late = found["statuspage_promised_update_lateness_seconds"]
    assert late.type == "histogram"
    assert {sample.labels.get("le"): sample.value for sample in late.samples if sample.name.endswith("_bucket")} == {
        "0.0": 5,
        "60.0": 6,
        "300.0": 6,
        "900.0": 6,
        "3600.0": 7,
        "14400.0": 7,
        "+Inf": 7,
    }
    assert [sample.value for sample in late.samples if sample.name.endswith("_sum")] == [1800.5]
    assert [sample.value for sample in late.samples if sample.name.endswith("_count")] == [7]
