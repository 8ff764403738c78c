"""The next update may be promised, within reason."""

from datetime import UTC, datetime, timedelta

import pytest

from incidents import act
from tests.incidents.world import World, need, service, topology


@pytest.fixture
def world() -> World:
    world = World(topology([service("email", need("smtp"))]))
    world.good("smtp")
    world.fail("smtp")
    return world


@pytest.mark.parametrize("promised", [act.LONGEST_PROMISE + timedelta(seconds=1), datetime.max.replace(tzinfo=UTC)])
def test_a_promise_that_no_page_could_show_is_refused(world: World, promised: timedelta | datetime) -> None:
    at = promised if isinstance(promised, datetime) else world.now + promised
    with pytest.raises(act.Invalid, match="within a year"):
        world.act(act.update, incident=world.incident.id, by="anna", body="Soon.", next_update_by=at)


def test_a_promise_for_the_longest_time_allowed_is_kept(world: World) -> None:
    said = world.act(act.update, incident=world.incident.id, by="anna", body="Soon.", next_update_by=world.now + act.LONGEST_PROMISE)
    assert said
