import base64
from collections.abc import Iterable, Iterator

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from probes import mail_posture
from probes.egress import Door
from probes.result import Failure, ProbeResult
from probes.run import run
from probes.wire.mailrecords import dkim_key, dmarc_of, dmarc_places, dmarc_policy, spf, spf_of, tags
from tests.rude.datagrams import closed_datagram_port, ear, silence
from tests.rude.names import Names, name_servers


def rsa_key(bits: int) -> str:
    public = rsa.generate_private_key(65537, bits).public_key()
    return base64.b64encode(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


ED25519 = base64.b64encode(ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)).decode()
STRONG, WEAK = rsa_key(2048), rsa_key(1024)


def quoted(text: str) -> str:
    """A TXT's data, in strings of at most 200."""
    return " ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200))


ZONES = {
    "good.test": f"""@ MX 10 mail
@ MX 20 mail2
@ A 192.0.2.80
@ TXT "v=spf1 mx include:relay.good.test -all"
@ TXT "another-service=verification"
relay TXT "v=spf1 ip4:192.0.2.0/24 -all"
_dmarc TXT "v=DMARC1; p=reject; rua=mailto:dmarc@good.test"
s1._domainkey TXT {quoted(f"v=DKIM1; k=rsa; p={STRONG}")}
s2._domainkey TXT "v=DKIM1; k=ed25519; p={ED25519}"
s3._domainkey CNAME s1._domainkey
mail A 192.0.2.25
mail AAAA 2001:db8::25
mail2 A 192.0.2.26
circle MX 10 mail
circle TXT "v=spf1 include:circle.good.test -all"
often TXT "v=spf1 include:four.good.test include:four.good.test -all"
four TXT "v=spf1 a:1.good.test a:2.good.test a:3.good.test a:4.good.test -all"
lists MX 10 mail
lists TXT "v=spf1 mx -all"
""",
    "bad.test": f"""@ MX 10 alias
@ MX 20 nowhere
@ TXT "v=spf1 include:a.bad.test include:b.bad.test +all"
a TXT "v=spf1 a mx a:1.bad.test a:2.bad.test include:b.bad.test include:a.bad.test"
b TXT "v=spf1 exists:%{{i}}.bad.test ptr a/24 redirect=c.bad.test"
c TXT "v=spf1 a mx -all"
_dmarc TXT "v=DMARC1; p=none"
weak._domainkey TXT {quoted(f"p={WEAK}")}
test._domainkey TXT {quoted(f"t=y:s; p={STRONG}")}
gone._domainkey TXT "v=DKIM1; p="
junk._domainkey TXT "v=DKIM1; p=!!!"
alias CNAME real
real A 192.0.2.66
real A 192.0.2.67
""",
    "bare.test": '@ A 192.0.2.1\n_dmarc TXT "nothing of the kind"\n',
    "twice.test": '@ MX 0 .\n@ TXT "v=spf1 -all"\n@ TXT "V=SPF1 ~all"\n_dmarc TXT "v=DMARC1; p=reject"\n_dmarc TXT "v=DMARC1;p=none"\n',
    "split.test": '@ A 192.0.2.1\n_dmarc TXT "v=DMARC1; p=reject; sp=none"\nsub MX 10 mail.good.test.\nsub TXT "v=spf1 -all"\n',
    "signed.test": "@ A 192.0.2.1\n",
    "broken.test": "@ A 192.0.2.1\n",
    "2.0.192.in-addr.arpa": "25 PTR mail.good.test.\n26 PTR mail2.good.test.\n66 PTR mail.good.test.\n",
    "8.b.d.0.1.0.0.2.ip6.arpa": "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0 PTR mail.good.test.\n",
    "bl.test": "66.2.0.192 A 127.0.0.2\n67.2.0.192 A 127.0.0.4\n"
    "5.2.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2 A 127.0.0.9\n",
    "closed.test": "* A 127.255.255.254\n",
    "parked.test": "* A 192.0.2.200\n",
}


@pytest.fixture(scope="module")
def names(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Names]:
    with name_servers(tmp_path_factory.mktemp("posture"), ZONES, signed="signed.test", broken="broken.test") as ports:
        yield ports


async def judged(door: Door, port: int, domain: str, timeout: float = 5, **more: object) -> ProbeResult:
    settings = mail_posture.Settings.model_validate({"domain": domain, "server": "127.0.0.1", "port": port, **more})
    return await run(mail_posture.KIND, settings, door=door, timeout=timeout)


def warned(result: ProbeResult) -> list[str]:
    return sorted(warning.name for warning in result.warnings)


def texts(result: ProbeResult, name: str) -> str:
    return "\n".join(warning.text for warning in result.warnings if warning.name == name)


async def test_a_domain_that_is_well_set_up_has_no_warning(door: Door, names: Names) -> None:
    result = await judged(door, names.serving, "Good.test", selectors=["s1", "s2", "s3"], blocklists=["bl.test"], addresses=["192.0.2.25"])
    assert result.failure is None, result.detail
    assert result.warnings == ()
    assert (result.facts["mx"], result.facts["addresses"], result.facts["listed"], result.facts["unanswered"]) == (2, 1, 0, 0)
    assert result.facts["spf_lookups"] == 2
    assert [phase.name for phase in result.phases] == ["records", "servers", "spf", "reverse", "blocklists"]


async def test_without_outgoing_addresses_those_of_the_mx_are_judged_both_versions(door: Door, names: Names) -> None:
    result = await judged(door, names.serving, "good.test", blocklists=["bl.test"])
    assert result.facts["addresses"] == 3
    assert warned(result) == ["listed"]
    assert texts(result, "listed") == "2001:db8::25 is on the blocklist bl.test (127.0.0.9)"


async def test_everything_that_is_wrong_is_a_warning_and_none_a_failure(door: Door, names: Names) -> None:
    selectors = ["weak", "test", "gone", "junk", "never"]
    result = await judged(door, names.serving, "bad.test", selectors=selectors, blocklists=["bl.test", "closed.test", "parked.test"])
    assert result.failure is None
    assert warned(result) == sorted(
        ["mx_alias", "mx_unresolved", "spf_weak", "spf_lookups", "dmarc_weak", "dkim_weak", "dkim_weak", "dkim_unusable", "dkim_unusable"]
        + ["dkim_missing", "ptr_missing", "ptr_unconfirmed", "listed", "listed"]
        + ["blocklist_unusable"] * 4
    )
    assert "alias.bad.test" in texts(result, "mx_alias")
    assert "nowhere.bad.test" in texts(result, "mx_unresolved")
    assert "+all" in texts(result, "spf_weak")
    assert "1024 bits" in texts(result, "dkim_weak")
    assert "t=y" in texts(result, "dkim_weak")
    assert "withdrawn" in texts(result, "dkim_unusable")
    assert "cannot be read" in texts(result, "dkim_unusable")
    assert "never._domainkey.bad.test" in texts(result, "dkim_missing")
    assert "192.0.2.67" in texts(result, "ptr_missing")
    assert "192.0.2.66 is called mail.good.test" in texts(result, "ptr_unconfirmed")
    assert result.facts["listed"] == 2
    assert result.facts["spf_lookups"] > 10


async def test_what_is_not_there_is_missing(door: Door, names: Names) -> None:
    result = await judged(door, names.serving, "bare.test")
    assert result.failure is None
    assert warned(result) == ["dmarc_missing", "mx_missing", "spf_missing"]


async def test_two_records_are_as_bad_as_none(door: Door, names: Names) -> None:
    result = await judged(door, names.serving, "twice.test")
    assert warned(result) == ["dmarc_many", "mx_missing", "spf_many"]
    assert "null MX" in texts(result, "mx_missing")


async def test_dmarc_of_the_domain_above_holds_for_what_has_none(door: Door, names: Names) -> None:
    result = await judged(door, names.serving, "lists.good.test", addresses=["192.0.2.25"])
    assert (result.failure, result.warnings) == (None, ())


async def test_dmarc_of_the_domain_above_counts_by_what_it_asks_for_of_subdomains(door: Door, names: Names) -> None:
    weak = await judged(door, names.serving, "sub.split.test", addresses=["192.0.2.25"])
    assert warned(weak) == ["dmarc_weak"]
    assert "its policy is none" in texts(weak, "dmarc_weak")
    assert "dmarc_weak" not in warned(await judged(door, names.serving, "split.test"))


async def test_spf_is_counted_as_its_reader_asks_and_in_a_circle_there_is_an_end(door: Door, names: Names) -> None:
    often = await judged(door, names.serving, "often.good.test")
    assert often.facts["spf_lookups"] == 10
    assert "spf_lookups" not in warned(often)
    circle = await judged(door, names.serving, "circle.good.test")
    assert circle.facts["spf_lookups"] == 11
    assert "spf_lookups" in warned(circle)


async def test_a_domain_that_does_not_exist_is_a_dns_failure(door: Door, names: Names) -> None:
    result = await judged(door, names.serving, "nowhere.good.test")
    assert (result.failure, result.stage) == (Failure.DNS, "records")
    assert "does not exist" in result.detail


async def test_where_the_resolver_answers_and_knows_nothing_it_fails_with_dns(door: Door, names: Names) -> None:
    result = await judged(door, names.serving, "example.org")
    assert (result.failure, result.stage) == (Failure.DNS, "records")
    assert "nothing can be looked up: the resolver answers with code 5" in result.detail


async def test_a_resolver_that_says_nothing_at_all_is_our_trouble_and_not_the_domains(door: Door) -> None:
    refused = await judged(door, closed_datagram_port(), "example.org")
    async with ear(silence) as server:
        silent = await judged(door, server.port, "example.org", 0.5)
    for result in (refused, silent):
        assert (result.failure, result.stage) == (Failure.IMPAIRED, "records")
        assert "nothing can be looked up" in result.detail
    assert silent.took < 0.5


async def test_a_list_that_is_silent_is_told_and_holds_up_nothing_else(door: Door) -> None:
    zone = b"\6silent\4test\0"

    def forward(question: bytes) -> Iterable[bytes]:
        if zone in question:
            return
        yield refused(question)

    def refused(question: bytes) -> bytes:
        """No such name, but for the domain itself, which has nothing."""
        rcode = b"\x81\x80" if question[12:].startswith(b"\4some\4test\0") else b"\x81\x83"
        return question[:2] + rcode + b"\0\1\0\0\0\0\0\0" + question[12:-11]

    async with ear(forward) as server:
        result = await judged(door, server.port, "some.test", 1, blocklists=["silent.test"], addresses=["192.0.2.1"])
    assert result.failure is None
    assert warned(result) == ["dmarc_missing", "mx_missing", "ptr_missing", "spf_missing", "unanswered"]
    assert "1 of" in texts(result, "unanswered")
    assert "1.2.0.192.silent.test" in texts(result, "unanswered")
    assert result.facts["unanswered"] == 1
    assert result.took < 1


async def test_what_nobody_answers_is_not_called_missing(door: Door) -> None:
    def only_mx(question: bytes) -> Iterable[bytes]:
        kind = question[-15:-13]
        rcode = b"\x81\x80" if kind == b"\0\x0f" else b"\x81\x82"
        yield question[:2] + rcode + b"\0\1\0\0\0\0\0\0" + question[12:-11]

    async with ear(only_mx) as server:
        result = await judged(door, server.port, "some.test", 2, selectors=["a"], addresses=["192.0.2.1"], blocklists=["bl.test"])
    assert result.failure is None
    assert warned(result) == ["mx_missing", "unanswered"]


# --- the records --------------------------------------------------------------------------------------------------------------


def test_spf_records_are_told_from_other_texts() -> None:
    assert spf_of(["v=spf1 -all", "V=SPF1", "v=spf10 -all", "v=spf1-all", "x v=spf1"]) == ["v=spf1 -all", "V=SPF1"]


@pytest.mark.parametrize(
    ("text", "lookups", "leads_to", "rest"),
    [
        ("v=spf1 -all", 0, (), "-"),
        ("v=spf1 ~ALL", 0, (), "~"),
        ("v=spf1 all", 0, (), "+"),
        ("v=spf1", 0, (), None),
        ("v=spf1 redirect=_spf.Example.net.", 1, ("_spf.example.net",), ""),
        ("v=spf1 a a:b.test mx/24 ptr exists:%{i}.c.test ip4:1.2.3.4 ip6:::1 include:d.test -all", 6, ("d.test",), "-"),
        ("v=spf1 include:%{d}.test ?all", 1, (), "?"),
        ("v=spf1 exp=why.test -all", 0, (), "-"),
    ],
)
def test_spf_terms_are_counted_and_followed(text: str, lookups: int, leads_to: tuple[str, ...], rest: str | None) -> None:
    read = spf(text)
    assert (read.lookups, read.leads_to, read.rest) == (lookups, leads_to, rest)


@pytest.mark.parametrize(
    ("text", "is_usable", "trouble"),
    [
        (f"v=DKIM1; k=rsa; p={STRONG}", True, None),
        (f"p = {STRONG[:40]} {STRONG[40:]} ;", True, None),
        (f"k=ed25519; p={ED25519}", True, None),
        (f"p={WEAK}", True, "1024 bits"),
        (f"p={STRONG}; t=y", True, "test"),
        (f"p={STRONG}; t=s", True, None),
        ("v=DKIM1; p=", False, "withdrawn"),
        ("v=DKIM1", False, "no DKIM key"),
        (f"v=DKIM2; p={STRONG}", False, "no DKIM key"),
        (f"k=ed25519; p={STRONG}", False, "cannot be read"),
        (f"p={ED25519}", False, "cannot be read"),
        ("p=AAAA", False, "cannot be read"),
    ],
    ids=map(str, range(12)),  # the keys are new in every process
)
def test_dkim_keys_are_judged(text: str, is_usable: bool, trouble: str | None) -> None:  # noqa: FBT001
    key = dkim_key(text)
    assert key.is_usable is is_usable
    assert (trouble is None and key.trouble is None) or (trouble is not None and trouble in (key.trouble or ""))


def test_dmarc_records_are_told_from_other_texts() -> None:
    found = dmarc_of(["v=DMARC1; p=reject", "v = DMARC1;p=none", "v=DMARC12; p=none", "p=none; v=DMARC1", "v=dmarc1; p=none"])
    assert [read["p"] for read in found] == ["reject", "none"]


def test_dmarc_is_looked_for_up_to_the_last_but_one_label() -> None:
    assert dmarc_places("a.b.example.net") == ["_dmarc.a.b.example.net", "_dmarc.b.example.net", "_dmarc.example.net"]
    assert dmarc_places("net") == ["_dmarc.net"]
    assert len(dmarc_places(".".join("abcdefghij"))) == 5


@pytest.mark.parametrize(
    ("record", "own", "of_subdomains"),
    [("p=reject; sp=none", "reject", "none"), ("p=none; sp=reject", "none", "reject"), ("p=reject", "reject", "reject"), ("", "", "")],
)
def test_dmarc_may_ask_for_something_else_of_subdomains(record: str, own: str, of_subdomains: str) -> None:
    read = tags(record)
    assert (dmarc_policy(read, is_above=False), dmarc_policy(read, is_above=True)) == (own, of_subdomains)


@given(st.text(max_size=80), st.sampled_from(["", "v=spf1 ", "v=DKIM1; p=", "v=DMARC1; ", "k=ed25519;p=", "p=MIIB"]))
def test_no_record_crashes_the_probe(text: str, start: str) -> None:
    said = start + text
    tags(said)
    dmarc_of([said])
    key = dkim_key(said)
    assert key.is_usable or key.trouble
    for each in spf_of([said]):
        assert spf(each).lookups >= 0


@pytest.mark.parametrize(
    "wrong", [{"selectors": ["a b"]}, {"addresses": ["mail.test"]}, {"blocklists": ["http://a"]}, {"selectors": ["a"] * 21}]
)
def test_settings_that_name_nothing_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        mail_posture.Settings.model_validate({"domain": "a.test", **wrong})


def test_a_typed_target_is_a_domain() -> None:
    assert mail_posture.target(mail_posture.ad_hoc("example.net")) == "example.net"
