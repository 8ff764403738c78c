"""The corpus of hostile places in a network of its own, with a real resolver: 169.254.169.254 and all the others are there, and listen."""

import json

import pytest

from probes.result import Failure
from tests.rude.island import NoIsland, sent_to
from tests.rude.places import NAMED, NAMED_FAR
from tests.rude.walk import ARRIVED, RAW, Found, nobody_was_led_astray


@pytest.fixture(scope="module")
def found() -> Found:
    """What was met where every address would be reached if the door let it."""
    try:
        return Found(**json.loads(sent_to("tests.rude.walk")))
    except NoIsland as error:
        pytest.fail(str(error), pytrace=False)


def test_the_trap_is_alive_behind_every_kind_of_address(found: Found) -> None:
    assert found.raw == list(RAW)


def test_no_redirect_and_no_typed_place_leads_to_it(found: Found) -> None:
    nobody_was_led_astray(found)


def test_what_the_operator_names_is_reached_private_addresses_included(found: Found) -> None:
    assert found.named == dict.fromkeys((*NAMED, *NAMED_FAR), ARRIVED)


def test_egress_allow_opens_what_it_names_and_never_metadata(found: Found) -> None:
    blocked = [host for host, end in found.allowed.items() if end == Failure.BLOCKED.value]
    assert blocked == ["192.168.1.1", "169.254.169.254"]
    assert {end for host, end in found.allowed.items() if host not in blocked} == {ARRIVED}


def test_a_name_that_turns_is_asked_once_and_reached_where_it_was_judged(found: Found) -> None:
    assert found.rebound == [ARRIVED, Failure.BLOCKED.value]
    assert found.rebound_to == ["8.8.8.8"]
    assert found.rebound_asked == 2


def test_a_name_whose_servers_fail_is_down_and_a_resolver_that_says_nothing_is_our_trouble(found: Found) -> None:
    assert found.resolvers == {
        "does not exist": Failure.DNS.value,
        "fails": Failure.DNS.value,
        "silent": Failure.IMPAIRED.value,
        "gone": Failure.IMPAIRED.value,
    }
