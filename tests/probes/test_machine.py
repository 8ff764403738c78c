"""What this machine has to probe with, read from what the kernel and the resolver's file say."""

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from probes import machine

HEAD = "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT\n"
DEFAULT = "eth0\t00000000\t010200C0\t0003\t0\t0\t0\t00000000\t0\t0\t0\n"
NEIGHBOURS = "eth0\t000200C0\t00000000\t0001\t0\t0\t0\t00FFFFFF\t0\t0\t0\n"
REJECTED = "eth0\t00000000\t00000000\t0201\t0\t0\t0\t00000000\t0\t0\t0\n"
LOOP = "lo\t0000007F\t00000000\t0001\t0\t0\t0\t000000FF\t0\t0\t0\n"
NEAR_6 = "fe800000000000000000000000000000 40 " + "0" * 32 + " 00 " + "0" * 32 + " 00000100 00000001 00000000 00000001     eth0\n"
FAR_6 = "0" * 32 + " 00 " + "0" * 32 + " 00 fd000000000000000000000000000001 00000400 00000003 00000000 00000003     eth0\n"


@pytest.mark.parametrize(
    ("table", "leads"),
    [
        (HEAD + DEFAULT, True),
        (HEAD + NEIGHBOURS, True),
        (HEAD + LOOP, False),
        (HEAD + REJECTED, False),
        (HEAD, False),
        (NEAR_6, False),
        (FAR_6, True),
    ],
)
def test_a_route_leads_out_where_it_is_up_and_leaves_by_a_device(table: str, leads: bool) -> None:  # noqa: FBT001 - a parameter
    assert machine.leads_out([table]) is leads


def test_the_gateway_is_that_of_the_default_route() -> None:
    assert machine.gateway(HEAD + NEIGHBOURS + DEFAULT) == "192.0.2.1"
    assert machine.gateway(HEAD + NEIGHBOURS) is None
    assert machine.gateway("") is None


def test_a_gateway_where_no_probe_may_go_is_none() -> None:
    assert machine.gateway(HEAD + DEFAULT.replace("010200C0", "0101FEA9")) is None


def test_resolvers_on_this_machine_tell_nothing_of_the_world() -> None:
    named = ["127.0.0.53", "192.0.2.53", "fe80::1%eth0", "not an address", "2001:db8::53", "192.0.2.54", "192.0.2.55"]
    assert machine.resolvers(named) == ("192.0.2.53", "2001:db8::53", "192.0.2.54")


@contextmanager
def no_more_files() -> Iterator[None]:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    lowest = os.dup(0)
    os.close(lowest)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


def test_a_process_that_may_open_no_more_files_knows_it() -> None:
    assert machine.has_descriptors()
    with no_more_files():
        assert not machine.has_descriptors()
    assert machine.has_descriptors()
