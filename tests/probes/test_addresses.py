from ipaddress import ip_address, ip_network

import pytest

from probes.addresses import Trust, is_this_machine, literal, objection

PUBLIC = ["1.1.1.1", "8.8.8.8", "9.9.9.9", "93.184.216.34", "100.128.0.1", "172.32.0.1", "192.0.1.1", "198.20.0.1", "223.255.255.254"]
PUBLIC += ["2606:4700:4700::1111", "2a00:1450:4001:82b::200e", "2001:4860:4860::8888", "::ffff:8.8.8.8"]

PRIVATE = ["10.0.0.1", "10.255.255.255", "127.0.0.1", "127.255.255.254", "172.16.0.1", "172.31.255.255", "192.168.0.1"]
PRIVATE += ["100.64.0.1", "100.127.255.254", "192.0.0.8", "192.0.2.1", "192.31.196.1", "192.52.193.1", "192.88.99.1"]
PRIVATE += ["192.175.48.1", "198.18.0.1", "198.19.255.255", "198.51.100.1", "203.0.113.1"]
PRIVATE += ["::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::ffff:192.168.1.1", "::8.8.8.8", "fc00::1", "fd00::1", "fdff:ffff::1"]
PRIVATE += [
    "fec0::1",
    "2001:db8::1",
    "2001:0:808:808:8000:0:f7f7:f7f7",
    "2001:2::1",
    "2001:10::1",
    "2002:808:808::1",
    "64:ff9b::808:808",
    "64:ff9b:1::808:808",
]
PRIVATE += ["100::1", "100:0:0:1::1", "3fff::1", "5f00::1", "2620:4f:8000::1", "::ffff:0:808:808"]

NEVER = ["0.0.0.0", "0.1.2.3", "169.254.0.1", "169.254.169.254", "169.254.170.2", "100.100.100.200", "168.63.129.16", "192.0.0.192"]
NEVER += ["224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255"]
NEVER += ["::", "fe80::1", "febf::1", "ff02::1", "ff0e::1", "fd00:ec2::254", "fd00:ec2::123", "fd20:ce::254", "fd00:42::42"]
NEVER += ["::ffff:169.254.169.254", "::ffff:0.0.0.0", "::169.254.169.254", "64:ff9b::a9fe:a9fe", "64:ff9b:1::a9fe:a9fe"]
NEVER += ["2002:a9fe:a9fe::1", "::ffff:0:a9fe:a9fe", "2001:0:a9fe:a9fe::1"]

EVERYWHERE = (ip_network("0.0.0.0/0"), ip_network("::/0"))


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_may_be_reached_by_anybody(address: str) -> None:
    assert objection(ip_address(address), Trust.FOUND) is None
    assert objection(ip_address(address), Trust.NAMED) is None


@pytest.mark.parametrize("address", PRIVATE)
def test_a_special_address_may_be_named_by_the_operator_and_by_nobody_else(address: str) -> None:
    assert objection(ip_address(address), Trust.NAMED) is None
    assert "not a public address" in (objection(ip_address(address), Trust.FOUND) or "")


@pytest.mark.parametrize("address", PRIVATE)
def test_egress_allow_opens_special_addresses(address: str) -> None:
    assert objection(ip_address(address), Trust.FOUND, EVERYWHERE) is None


@pytest.mark.parametrize("address", NEVER)
def test_link_local_metadata_and_multicast_are_nobodys_to_name(address: str) -> None:
    for trust in Trust:
        assert objection(ip_address(address), trust, EVERYWHERE) is not None


def test_a_mapped_address_is_allowed_as_the_one_inside_it() -> None:
    assert objection(ip_address("::ffff:10.1.2.3"), Trust.FOUND, (ip_network("10.0.0.0/8"),)) is None
    assert objection(ip_address("::ffff:10.1.2.3"), Trust.FOUND, (ip_network("fd00::/8"),)) is not None


@pytest.mark.parametrize("text", ["fe80::1%eth0", "127.1", "0177.0.0.1", "2130706433", "0x7f.0.0.1", "localhost", "", "[::1]", "1.2.3.4 "])
def test_what_is_not_plainly_an_address_is_no_literal(text: str) -> None:
    assert literal(text) is None


@pytest.mark.parametrize("name", ["127.0.0.1", "127.1.2.3", "::1", "localhost", "LocalHost."])
def test_loopback_and_localhost_are_this_machine(name: str) -> None:
    assert is_this_machine(name)


@pytest.mark.parametrize("name", ["192.168.0.1", "::2", "localhost.example.net", "example.net", "127.1", ""])
def test_every_other_name_may_lead_elsewhere(name: str) -> None:
    assert not is_this_machine(name)
