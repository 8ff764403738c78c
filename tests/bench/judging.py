"""Decisions a second: steady results of a thousand monitors, judged and folded in batches of a hundred.

``python -m tests.bench.judging`` prints them.
"""

import json
import time
from datetime import UTC, datetime, timedelta

from incidents.decide import decide
from incidents.model import Component, Monitor, Need, Service, Situation, Topology
from incidents.policy import Policy
from incidents.situation import fold
from probes.result import ProbeResult, Result

MONITORS = 1_000
BATCH = 100
ROUNDS = 100
SETTLING = 3


def topology() -> Topology:
    """A thousand monitors, twenty to a component, each component a service."""
    components = [f"c{n}" for n in range(MONITORS // 20)]
    return Topology(
        services={f"s-{id}": Service(id=f"s-{id}", name={"en": id}, needs=(Need(of=(id,)),)) for id in components},
        components={id: Component(id=id, name=id) for id in components},
        monitors={f"m{n}": Monitor(id=f"m{n}", component=components[n % len(components)]) for n in range(MONITORS)},
    )


def main() -> None:
    """Judge round after round; print results judged a second of CPU."""
    situation = Situation(topology=topology(), seed="seed")
    now, policy, measured = datetime(2026, 3, 2, 8, 0, tzinfo=UTC), Policy(), ProbeResult(took=0.01)
    began = 0.0
    for number in range(SETTLING + ROUNDS):
        if number == SETTLING:
            began = time.process_time()
        now += timedelta(seconds=20)
        results = [Result(monitor=id, location="local", slot=now, started=now, measured=measured) for id in situation.topology.monitors]
        for at in range(0, MONITORS, BATCH):
            batch = results[at : at + BATCH]
            situation = fold(situation, decide(situation, batch, policy, now), batch)
    if situation.incidents:
        raise RuntimeError("nothing was to happen")
    print(json.dumps(ROUNDS * MONITORS / (time.process_time() - began)))


if __name__ == "__main__":
    main()
