from collections.abc import AsyncIterator
from pathlib import Path
from typing import Protocol

import pytest
import pytest_asyncio

from probes.egress import Door
from probes.result import ProbeResult
from probes.run import run
from statuspage.clock import wall_clock
from statuspage.config.loading import load, plans
from statuspage.demo import configuration
from statuspage.demo.company import Company
from statuspage.demo.configuration import Listeners
from statuspage.demo.ports import free_address


class Probe(Protocol):
    async def __call__(self, monitor: str, timeout: float | None = None) -> ProbeResult: ...


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def company() -> AsyncIterator[Company]:
    async with Company() as opened:
        yield opened


@pytest.fixture(scope="module")
def probe(company: Company, tmp_path_factory: pytest.TempPathFactory) -> Probe:
    """Measure by one of the demo's own monitors, named as in its configuration."""
    directory: Path = tmp_path_factory.mktemp("demo")
    listeners = Listeners(public=free_address(), internal=free_address(), control=free_address())
    path = configuration.write(directory, listeners=listeners, addresses=company.addresses, mailbox=company.mailbox)
    known = {plan.monitor: plan for plan in plans(load(path, {}).config)}

    async def measure(monitor: str, timeout: float | None = None) -> ProbeResult:
        plan = known[monitor]
        return await run(plan.kind, plan.settings, door=Door(), timeout=timeout or plan.timeout, started=wall_clock())

    return measure
