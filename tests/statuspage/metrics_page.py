"""Every series that there is, read back from a scrape in which all have something to tell; the tables of ``docs/metrics.md`` follow.

``python -m tests.statuspage.metrics_page`` writes them anew, from the top of a checkout; the words around them are left as they are.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from fractions import Fraction
from pathlib import Path

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

from incidents.drift import Trend
from incidents.impairment import Hindrance, Impairment
from incidents.levels.availability import Change, availability
from incidents.levels.terms import Terms
from incidents.maintenance import MaintenanceState
from incidents.model import Status
from incidents.times.spans import Span
from probes.result import Failure, Phase, ProbeResult, Result, Warning
from statuspage.picture.desk_tallies import Tallies
from statuspage.picture.levels import earliest, level
from statuspage.picture.promised import LATENESS, PromiseFigures
from statuspage.render.blackbox import probe_metrics
from statuspage.render.level_metrics import level_metrics
from statuspage.render.metrics import Health, Metrics
from statuspage.vitals import BackupFigures, DeliveryFigures, MirrorFigures
from tests.statuspage.pictures import BORN, NOW, service, situation, story, update, window

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"
PLACE = ("email-sending", "local")
_HOUR = timedelta(hours=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Series:
    """A family of series as the page tells of it. *name* is that of a query; a histogram's goes on with ``_bucket`` and its like."""

    name: str
    kind: str
    labels: tuple[str, ...]
    told: str

    @property
    def names(self) -> tuple[str, ...]:
        """What queries may call it."""
        return tuple(f"{self.name}_{end}" for end in ("bucket", "sum", "count")) if self.kind == "histogram" else (self.name,)


def ours() -> list[Series]:
    """What ``/metrics`` has, but for what every Python program tells."""
    return _series(everything().decode())


def of_probes() -> list[Series]:
    """What ``/probe`` has, of all kinds together."""
    phases = tuple(Phase(name=name, took=0.1) for name in ("dns", "connect", "tls", "first_byte", "transfer", "answer"))
    facts: dict[str, dict[str, float]] = {
        "web": {"ip_version": 4, "status": 200, "http_version": 1.1, "body_bytes": 5, "redirects": 0, "tls_expires_at": 1.8e9},
        "tls": {"tls_version": 1.3},
        "icmp": {"rtt_mean_seconds": 0.1},
        "dns": {"rcode": 0, "answers": 1},
    }
    found: dict[str, Series] = {}
    for kind, some in facts.items():
        measured = ProbeResult(took=0.1, phases=phases, facts=some)
        result = Result(monitor="m", location="local", slot=NOW, started=NOW, measured=measured)
        text = probe_metrics(result, "http" if kind == "web" else kind).decode()
        found |= {one.name: one for one in _series(text) if one.name not in found}
    return list(found.values())


def everything() -> bytes:
    """What ``/metrics`` says where there is something of all that it can tell."""
    wanting = replace(story(update(1)).incident)
    soon = window(starts=NOW + _HOUR, ends=NOW + 2 * _HOUR, state=MaintenanceState.SCHEDULED).maintenance
    over = Impairment(location="local", since=NOW - _HOUR, until=NOW, reason=Hindrance.ABSENT)
    known = replace(
        situation(service("email")),
        incidents={wanting.id: wanting},
        maintenances={soon.id: soon},
        impairments={("local", over.reason): over},
    )
    measured = ProbeResult(took=0.1, failure=Failure.TIMEOUT, warnings=(Warning(name="expires_soon", text=""),))
    result = Result(monitor=PLACE[0], location=PLACE[1], slot=NOW, started=NOW, measured=measured)
    health = Health(
        loop_lag=0.001,
        queue_depth=0,
        crashed_turns=0,
        failed_writes=0,
        is_reload_good=True,
        reloaded_at=NOW,
        mirror=MirrorFigures(done_at=NOW),
        backup=BackupFigures(done_at=NOW),
        delivery=DeliveryFigures(
            tries=Counter({("mail", "failed"): 1}), unannounced={"chat": 1}, announced=Counter({("chat", "failed"): 1})
        ),
        alertmanagers_away=0,
        on_call={"network": 1},
        promised=PromiseFigures(outcomes={"kept": 1}, answered=[0] * (len(LATENESS) + 1), late_by=0),
        tallied=Tallies().figures(),
    )
    return Metrics().text(known, {PLACE: result}, health, NOW, _levels(), {PLACE: Trend(recent=0.2, usual=0.1)})


def _levels() -> str:
    changes = (Change(since=BORN, new=Status.OPERATIONAL), Change(since=NOW - _HOUR, new=Status.MAJOR))
    stated = [(BORN, Terms(target=Fraction(999, 1000)))]
    ledger = availability(changes, Span(earliest(NOW, "UTC"), NOW), born=BORN, terms=stated)
    return level_metrics({"email": level("email", ledger, stated, zone="UTC", as_of=NOW)})


def _series(text: str) -> list[Series]:
    return [_of(family) for family in text_string_to_metric_families(text) if not family.name.startswith("process_")]


def _of(family: Metric) -> Series:
    if not family.samples:
        raise AssertionError(f"{family.name}: the scrape of tests/statuspage/metrics_page.py has nothing to tell of it")
    labels = {label for sample in family.samples for label in sample.labels if label != "le"}
    order = [label for sample in family.samples for label in sample.labels if label in labels]
    name = f"{family.name}_total" if family.type == "counter" else family.name
    return Series(name=name, kind=family.type, labels=tuple(dict.fromkeys(order)), told=family.documentation)


def table(series: Iterable[Series]) -> str:
    """Spell *series* as the page has them."""
    rows = [f"| `{one.name}` | {one.kind} | {', '.join(f'`{label}`' for label in one.labels)} | {one.told} |" for one in series]
    return "\n".join(["| series | type | labels | tells |", "|---|---|---|---|", *rows])


def tables() -> Mapping[str, str]:
    """The tables by the word of their mark."""
    return {"ours": table(ours()), "probes": table(of_probes())}


def written(page: str) -> str:
    """*page* with its tables as they should be."""
    for word, spelled in tables().items():
        marked = re.compile(rf"(<!-- {word} -->\n).*?(<!-- /{word} -->)", re.DOTALL)
        assert marked.search(page), f"docs/metrics.md has lost its mark <!-- {word} -->"
        page = marked.sub(lambda found, spelled=spelled: f"{found[1]}{spelled}\n{found[2]}", page)  # type: ignore[misc]  # bound by default
    return page


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
