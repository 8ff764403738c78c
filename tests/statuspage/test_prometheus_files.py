"""The rules, the example and the dashboard that are shipped: each rule fires when it should, and all ask for what is there."""

import json
import re
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from tests.statuspage.metrics_page import PAGE, everything, ours, written

CONFIG = Path(__file__).parents[2] / "config"
RULES, EXAMPLE, BOARD = (
    CONFIG / "prometheus" / "alerts.yml",
    CONFIG / "prometheus" / "prometheus.yml",
    CONFIG / "grafana" / "statuspage.json",
)
SCRAPED: Mapping[str, str] = {"job": "statuspage", "instance": "a"}


@dataclass(frozen=True, kw_only=True)
class Case:
    """A rule that does not fire yet at *quiet* and does at *fires*, both in Prometheus' durations, over *series* by the minute."""

    rule: str
    series: Mapping[str, str]
    quiet: str
    fires: str
    summary: str
    labels: Mapping[str, str] = field(default_factory=dict)
    severity: str = "warning"


CASES = (
    Case(
        rule="Away",
        series={"up": "1 0x9"},
        quiet="2m",
        fires="4m",
        summary="The status page's own service does not answer",
        severity="critical",
    ),
    Case(
        rule="ServiceDown",
        series={
            'statuspage_service_status{service="email",status="major_outage"}': "0 1x9",
            'statuspage_service_status{service="web",status="under_maintenance"}': "1x10",
        },
        quiet="2m",
        fires="4m",
        summary="email does not work (major_outage)",
        labels={"service": "email", "status": "major_outage"},
        severity="critical",
    ),
    Case(
        rule="ComponentStale",
        series={'statuspage_component_status{component="smtp",status="unknown"}': "1x30"},
        quiet="14m",
        fires="16m",
        summary="Nothing is known about smtp",
        labels={"component": "smtp", "status": "unknown"},
    ),
    Case(
        rule="LocationBlind",
        series={'statuspage_location_blind{location="local"}': "1x30"},
        quiet="4m",
        fires="6m",
        summary="The location local cannot see the world",
        labels={"location": "local"},
        severity="critical",
    ),
    Case(
        rule="ConfigReloadFailed",
        series={"statuspage_config_last_reload_successful": "0x30"},
        quiet="4m",
        fires="6m",
        summary="The newest configuration is not in use",
    ),
    Case(
        rule="BudgetBurning",
        series={'statuspage_service_error_budget_burning{service="email",window="1h"}': "0 1x9"},
        quiet="2m",
        fires="4m",
        summary="email uses up its error budget too fast (over 1h)",
        labels={"service": "email", "window": "1h"},
    ),
    Case(
        rule="BackupOld",
        series={"statuspage_backup_last_success_timestamp_seconds": "0x599 36000x3400", "process_start_time_seconds": "0x4000"},
        quiet="58h",
        fires="60h",
        summary="No good backup for 2d 2h 0m 0s",
    ),
    Case(  # there was none yet, and the service started two hours ago
        rule="BackupOld",
        series={"statuspage_backup_last_success_timestamp_seconds": "0x4000", "process_start_time_seconds": "7200x4000"},
        quiet="50h",
        fires="52h",
        summary="No good backup for 2d 2h 0m 0s",
    ),
    Case(
        rule="OutboxStuck",
        series={
            "statuspage_notifications_waiting": "3x100",
            'statuspage_notification_tries_total{channel="mail",outcome="delivered"}': "0+1x10 10x90",
        },
        quiet="60m",
        fires="75m",
        summary="3 notifications wait, and none was delivered for half an hour",
    ),
)

ALERTS = tuple(dict.fromkeys(f"Statuspage{one.rule}" for one in CASES))


def rules() -> list[dict[str, Any]]:
    (group,) = YAML(typ="safe").load(RULES)["groups"]
    found: list[dict[str, Any]] = group["rules"]
    return found


def promtool(*arguments: object, said: str | None = None) -> str:
    done = subprocess.run(["promtool", *map(str, arguments)], input=said, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_promtool_takes_rules_example_and_exposition() -> None:
    assert f"{len(ALERTS)} rules found" in promtool("check", "rules", RULES)
    promtool("check", "config", EXAMPLE)
    assert promtool("check", "metrics", said=everything().decode()) == ""


def test_each_rule_fires_when_it_should_and_not_before(tmp_path: Path) -> None:
    file = tmp_path / "test.json"
    asked = {"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [_asked(one) for one in CASES]}
    file.write_text(json.dumps(asked), encoding="utf-8")  # JSON is YAML
    promtool("test", "rules", file)
    assert [one["alert"] for one in rules()] == list(ALERTS)


def _asked(case: Case) -> Mapping[str, object]:
    name = f"Statuspage{case.rule}"
    runbook = next(one["annotations"]["runbook"] for one in rules() if one["alert"] == name)
    fired = {
        "exp_labels": {**SCRAPED, **case.labels, "severity": case.severity},
        "exp_annotations": {"summary": case.summary, "runbook": runbook},
    }
    return {
        "interval": "1m",
        "input_series": [{"series": _scraped(series), "values": values} for series, values in case.series.items()],
        "alert_rule_test": [
            {"eval_time": case.quiet, "alertname": name, "exp_alerts": []},
            {"eval_time": case.fires, "alertname": name, "exp_alerts": [fired]},
        ],
    }


def _scraped(series: str) -> str:
    name, _, rest = series.partition("{")
    labels = ",".join(f'{label}="{value}"' for label, value in SCRAPED.items())
    return f"{name}{{{labels},{rest}" if rest else f"{name}{{{labels}}}"


def asked_by_board() -> Sequence[str]:
    board = json.loads(BOARD.read_text(encoding="utf-8"))
    return [target["expr"] for panel in board["panels"] for target in panel.get("targets", ())]


def test_rules_and_dashboard_ask_for_nothing_that_is_not_there() -> None:
    there = {name for one in ours() for name in one.names}
    for query in (*(one["expr"] for one in rules()), *asked_by_board()):
        wanted = set(re.findall(r"\bstatuspage_\w+", query))
        assert wanted <= there, f"{query} asks for {wanted - there}"
        assert wanted or re.search(r"\b(up|process_)", query), query


def test_the_page_of_metrics_says_what_the_code_does() -> None:
    page = PAGE.read_text(encoding="utf-8")
    assert page == written(page), "run: python -m tests.statuspage.metrics_page"
    for rule in rules():
        assert re.search(rf"\| `{rule['alert']}` \|[^|]+\| {rule['labels']['severity']} \|", page), rule["alert"]
