"""The whole API against its own description, by requests that schemathesis makes up: it breaks nowhere, and answers as it is told to.

Every operation is asked with what its schema allows and with what it does not, half of the time about the incident that is open. What the
schema allows may still be refused: no schema knows which services there are, so that one check is left out.
"""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import Case
from schemathesis.core.result import Err, Ok
from schemathesis.schemas import APIOperation, BaseSchema
from schemathesis.specs.openapi.checks import positive_data_acceptance

from statuspage.store.people import Role
from tests.statuspage.desks import housed

IN_TESTS, IN_SOAK = 2, 60
"""Requests of each operation."""


async def test_every_operation_keeps_to_its_description(tmp_path: Path, pytestconfig: pytest.Config) -> None:
    count = IN_SOAK if pytestconfig.getoption("--soak") else IN_TESTS
    async with housed(tmp_path) as house:
        await house.all_good()
        incident = await house.outage()
        token = await house.token("stranger", *Role)
        found = await asyncio.to_thread(lambda: list(faults(house.url, token, incident.id, count)))
        assert found == []
        assert [row.act for row in await house.audit()], "nothing came through at all"


def faults(url: str, token: str, incident: str, count: int) -> Iterator[str]:
    """What does not answer as it is told, operation by operation."""
    described: BaseSchema = schemathesis.openapi.from_url(f"{url}/api/v1/openapi.json")
    for result in described.get_all_operations():
        match result:
            case Ok():
                yield from faults_of(result.ok(), token, incident, count)
            case Err():
                yield f"the description cannot be understood: {result.err()}"


def faults_of(operation: APIOperation[Any, Any, Any, Any], token: str, incident: str, count: int) -> Iterator[str]:
    said: list[str] = []
    asked = 0

    @given(case=operation.as_strategy())
    @settings(
        max_examples=count,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    def ask(case: Case[Any]) -> None:
        nonlocal asked
        asked += 1
        if asked % 2 and "/incidents/{id}" in operation.path:
            case.path_parameters["id"] = incident
        try:
            case.call_and_validate(headers={"Authorization": f"Bearer {token}"}, excluded_checks=[positive_data_acceptance])
        except* AssertionError as faults:
            said.extend(f"{operation.label}: {fault}" for fault in faults.exceptions)

    ask()
    yield from said[:1]
