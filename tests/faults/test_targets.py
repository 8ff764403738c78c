"""Faults of targets: which test shows each one, and those that take a machine of their own, or a whole schedule, to be shown."""

import ast
import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from probes import tcp
from probes.attempt import Attempt
from probes.egress import Door
from probes.kind import ProbeKind
from probes.result import Failure, ProbeResult, Result
from probes.run import run
from statuspage.clock import wall_clock
from statuspage.config.loading import Plan
from statuspage.schedule import Schedule
from tests.deadline import until
from tests.rude.hostile import hostile
from tests.rude.peer import Peer, closed_port, rude

# Each fault, and the tests by which it is shown. tests/probes/test_bounds.py meets every kind of probe with all of the first six.
SHOWN_BY: Mapping[str, Sequence[str]] = {
    "accepts and says nothing": (
        "probes/test_bounds.py::test_whatever_a_target_does_a_probe_ends_in_time_and_leaves_nothing_behind",
        "probes/test_http.py::test_a_tarpit_times_out_in_the_first_byte",
        "probes/test_tcp.py::test_silence_where_a_greeting_is_expected_times_out_in_that_phase",
    ),
    "says one byte now and then, for ever": (
        "probes/test_bounds.py::test_whatever_a_target_does_a_probe_ends_in_time_and_leaves_nothing_behind",
        "probes/test_http.py::test_a_drip_without_end_times_out_in_the_transfer",
    ),
    "a body without end": (
        "probes/test_bounds.py::test_no_flood_costs_more_than_a_little_memory_or_keeps_the_loop_from_others",
        "probes/test_http.py::test_an_endless_body_is_cut_at_the_cap_and_judged_by_its_beginning",
        "probes/test_http.py::test_an_announced_giant_is_cut_at_the_cap",
    ),
    "a bomb that unpacks to gigabytes": ("probes/test_http_expect.py::test_an_encoded_body_is_not_unpacked_whatever_is_expected_of_it",),
    "redirects in a circle, by the thousand, to files, to private addresses": (
        "probes/test_http.py::test_the_sixth_redirect_is_not_followed",
        "probes/test_http.py::test_a_redirect_to_where_no_probe_may_go_is_not_followed",
        "probes/test_hostile_places.py::test_no_redirect_and_no_typed_place_leads_to_our_own_network",
        "probes/island/test_every_address.py::test_no_redirect_and_no_typed_place_leads_to_it",
    ),
    "thousands of headers, a header of megabytes, interim answers for ever": (
        "probes/test_http.py::test_a_broken_answer_has_its_own_reason",
        "probes/test_http.py::test_a_flood_of_interim_answers_ends_the_probe",
        "probes/test_bounds.py::test_no_flood_costs_more_than_a_little_memory_or_keeps_the_loop_from_others",
    ),
    "garbage, another protocol, TLS where there should be none and none where there should": (
        "faults/test_targets.py::test_another_protocol_is_told_with_a_safe_excerpt",
        "probes/test_http.py::test_a_broken_answer_has_its_own_reason",
        "probes/test_http.py::test_https_to_a_port_without_it_is_a_tls_failure",
        "probes/test_tls.py::test_a_peer_that_speaks_something_else_is_no_tls",
    ),
    "a short body, a bad chunk, a reset or an end midway": (
        "probes/test_http.py::test_a_broken_answer_has_its_own_reason",
        "probes/test_http.py::test_a_reset_is_told_from_a_close",
    ),
    "JSON of thousands of levels, a number of 100 MB": (
        "probes/test_http_expect.py::test_what_is_no_json_that_can_be_read_says_so",
        "probes/test_http_expect.py::test_a_number_of_a_hundred_megabytes_is_unreadable_and_read_only_to_the_cap",
    ),
    "a certificate past its end, of tomorrow, for another, of its own, without its intermediate": (
        "probes/test_tls.py::test_an_expired_certificate",
        "probes/test_tls.py::test_a_certificate_of_tomorrow",
        "probes/test_tls.py::test_a_certificate_for_another_host",
        "probes/test_tls.py::test_a_certificate_of_its_own",
        "probes/test_tls.py::test_a_missing_intermediate",
    ),
    "weak signatures and keys, a chain of a hundred, a handshake that stalls, h2 alone, names told apart": (
        "probes/test_tls.py::test_a_signature_by_sha1",
        "probes/test_tls.py::test_a_key_of_512_bits",
        "probes/test_tls.py::test_a_chain_of_a_hundred_certificates_is_good",
        "probes/test_tls.py::test_a_peer_that_stalls_the_handshake_times_out_there",
        "probes/test_tls.py::test_a_server_that_knows_h2_alone_is_good",
        "probes/test_tls.py::test_a_server_that_tells_its_names_apart_is_asked_by_the_right_one",
    ),
    "a probe that never ends": (
        "faults/test_targets.py::test_a_probe_that_never_settles_gives_its_slot_back",
        "probes/test_run.py::test_a_probe_that_swallows_its_cancellation_is_abandoned_in_time",
    ),
    "odd SMTP greetings": (
        "probes/test_smtp.py::test_an_odd_greeting_is_a_greeting",
        "probes/test_smtp.py::test_a_greeting_that_is_none_has_its_reason",
        "probes/test_smtp.py::test_a_greeting_that_makes_senders_wait_is_waited_for",
        "probes/test_smtp.py::test_an_endless_reply_ends_the_probe_not_the_memory",
        "probes/test_smtp.py::test_what_is_said_unasked_is_never_taken_for_an_answer",
    ),
    "STARTTLS stripped, offered and refused, preceded by words in clear": (
        "probes/test_smtp.py::test_where_encryption_is_demanded_and_not_offered_no_password_is_sent",
        "probes/test_smtp.py::test_where_encryption_is_demanded_and_refused_it_is_missing",
        "probes/test_smtp.py::test_plaintext_slipped_in_before_the_handshake_is_thrown_away_and_flagged",
    ),
    "an old or over-long EHLO, 421 at any step, a QUIT without answer": (
        "probes/test_smtp.py::test_an_old_spelling_of_auth_is_understood_and_login_is_used_where_plain_is_missing",
        "probes/test_smtp.py::test_every_refusal_names_its_step_and_whether_it_is_for_good",
        "probes/test_smtp.py::test_a_server_that_does_not_say_goodbye_is_good_and_gets_a_warning",
    ),
    "DNS that fails, cuts off, goes in circles, answers something else, or not at all": (
        "probes/test_dns.py::test_what_a_server_says_of_the_question_is_named",
        "probes/test_dns.py::test_a_name_that_does_not_exist_is_a_status_failure_unless_it_is_wanted",
        "probes/test_dns.py::test_what_is_cut_off_is_asked_for_over_tcp",
        "probes/test_dns.py::test_aliases_in_a_circle_are_a_content_failure",
        "probes/test_dns.py::test_an_answer_that_is_not_ours_is_no_answer",
        "probes/test_dns.py::test_a_text_of_4_kilobytes_comes_over_tcp",
        "probes/test_dns.py::test_silence_times_out_in_the_phase_of_the_answer",
        "probes/test_lookup.py::test_names_that_hang_do_not_keep_the_others_from_being_asked",
    ),
    "a port that is closed, resets, ends, is filtered, or has a dead IPv6 address before a living one": (
        "faults/test_targets.py::test_closed_reset_ended_and_full_are_told_apart",
        "probes/island/test_walls.py::test_filtered_and_unreachable_are_told_apart",
        "probes/island/test_walls.py::test_a_dead_address_before_a_living_one_is_good_and_both_are_shown",
        "probes/test_egress.py::test_an_address_that_dawdles_does_not_hold_up_the_next",
    ),
    "a heartbeat that comes late, early, twice, out of order, in a flood, or with a huge body": (
        "incidents/test_pings.py::test_a_late_ping_within_grace_is_in_time",
        "incidents/test_pings.py::test_an_early_ping_moves_the_due_forward",
        "incidents/test_pings.py::test_a_ping_sent_twice_counts_once",
        "incidents/test_pings.py::test_a_result_older_than_the_newest_changes_nothing",
        "statuspage/test_pings.py::test_a_flood_is_bounded_and_others_get_through",
        "statuspage/test_pings.py::test_a_huge_body_is_neither_read_nor_a_reason_to_refuse",
    ),
    "a third of all targets rude at once": ("faults/test_targets.py::test_rude_targets_do_not_delay_the_starts_of_the_others",),
}
TESTS = Path(__file__).parents[1]


@pytest.mark.parametrize("fault", SHOWN_BY)
def test_every_fault_is_shown_by_tests_that_exist(fault: str) -> None:
    for shown in SHOWN_BY[fault]:
        name, _, test = shown.partition("::")
        tree = ast.parse((TESTS / name).read_text(encoding="utf-8"))
        assert test in {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}, shown


# --- who is there -------------------------------------------------------------------------------------------------------------


async def probed(host: str, port: int, *, expect: str | None = "hello", timeout: float = 1.0) -> ProbeResult:
    return await run(tcp.KIND, tcp.Settings(host=host, port=port, expect=expect), door=Door(), timeout=timeout)


async def test_closed_reset_ended_and_full_are_told_apart() -> None:
    async def resets(peer: Peer) -> None:
        peer.reset()

    async def ends(peer: Peer) -> None:
        peer.writer.write_eof()
        await peer.hang()

    closed = await probed("127.0.0.1", closed_port())
    async with rude(resets) as resetting, rude(ends) as ending:
        reset, ended = await probed("127.0.0.1", resetting.port), await probed("127.0.0.1", ending.port)
    assert (closed.failure, closed.stage) == (Failure.REFUSED, "connect")
    assert reset.failure is Failure.RESET
    assert (ended.failure, ended.stage) == (Failure.CLOSED, "first_line")


# --- what it said -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "quoted"),
    [
        (b"SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n", "SSH-2.0-OpenSSH_9.2p1 Debian-2"),
        (b"220 mail.example.net ESMTP\r\n", "220 mail.example.net ESMTP"),
        (b"\x15\x03\x01\x00\x02\x02\x46\n", "F"),
        (b"\x1b[2J\x1b]0;owned\x07<script>alert(1)</script>\r\n", "<script>alert(1)</script>"),
        ("\u202egnp.exe\u2066\r\n".encode(), "gnp.exe"),
        (bytes(range(128, 256)) * 40 + b"\n", "�"),
        (b"x" * 5000 + b"\r\n", "x" * 90),
    ],
)
async def test_another_protocol_is_told_with_a_safe_excerpt(said: bytes, quoted: str) -> None:
    async def speaks(peer: Peer) -> None:
        await peer.say(said)
        await peer.hang()

    async with rude(speaks) as server:
        result = await probed("127.0.0.1", server.port)
    assert (result.failure, result.stage) == (Failure.CONTENT, "first_line")
    assert quoted in result.detail
    assert result.detail.isprintable()
    assert len(result.detail) <= 200


# --- many at once -------------------------------------------------------------------------------------------------------------


class Probes:
    """What a schedule needs, with real probes behind it; keeps the results by monitor."""

    def __init__(self) -> None:
        self.door = Door()
        self.results: dict[str, list[Result]] = {}

    async def probe(self, plan: Plan) -> ProbeResult:
        return await run(plan.kind, plan.settings, door=self.door, timeout=plan.timeout)

    async def observe(self, result: Result) -> None:
        self.results.setdefault(result.monitor, []).append(result)

    def is_suspect(self, _: str, __: str) -> bool:
        return False

    async def tick(self) -> None:
        pass

    def failures(self, monitor: str) -> Counter[Failure | None]:
        return Counter(result.failure for result in self.results.get(monitor, ()))


@asynccontextmanager
async def scheduled(plans: Sequence[Plan]) -> AsyncIterator[tuple[Schedule, Probes]]:
    probes = Probes()
    schedule = Schedule(probing=probes, now=wall_clock)
    schedule.start(plans, {})
    try:
        yield schedule, probes
    finally:
        await schedule.stop()


def plan(monitor: str, port: int, *, kind: ProbeKind[Any] = tcp.KIND, every: float = 1.0, timeout: float = 0.5) -> Plan:
    settings = tcp.Settings(host="127.0.0.1", port=port, expect="hello")
    return Plan(monitor=monitor, location="local", kind=kind, settings=settings, every=every, timeout=timeout, recheck=0.1)


async def greets(peer: Peer) -> None:
    await peer.say(b"hello\r\n")


async def test_a_probe_that_never_settles_gives_its_slot_back(caplog: pytest.LogCaptureFixture) -> None:
    let_go = asyncio.Event()

    async def never(_: tcp.Settings, __: Door, ___: Attempt) -> None:
        while not let_go.is_set():
            try:
                await let_go.wait()
            except asyncio.CancelledError:
                continue

    stubborn = ProbeKind(name="stubborn", summary="", settings=tcp.Settings, measure=never, target=tcp.target)
    async with rude(greets) as server:
        async with scheduled([plan("stubborn", server.port, kind=stubborn, timeout=0.1), plan("good", server.port)]) as (schedule, probes):
            await until(lambda: len(probes.results.get("stubborn", ())) >= 3 and len(probes.results.get("good", ())) >= 3)
        let_go.set()
    assert set(probes.failures("stubborn")) == {Failure.CRASHED}  # ours to mend, and unknown to everybody else
    assert set(probes.failures("good")) == {None}
    assert all(result.measured.took <= 0.1 + 0.25 + schedule.pace.worst_lag for result in probes.results["stubborn"])
    assert "abandoned" in caplog.text or "stubborn crashed" in caplog.text


@pytest.fixture(scope="module")
def rude_ports() -> Iterator[list[int]]:
    """Ports that are rude in many ways, in a process of their own."""
    with hostile() as places:
        yield list(places.ports.values())


async def test_rude_targets_do_not_delay_the_starts_of_the_others(rude_ports: list[int]) -> None:
    rude_ones = [f"rude-{number}" for number in range(60)]
    good_ones = [f"good-{number}" for number in range(140)]
    async with rude(greets) as server:
        plans = [plan(name, rude_ports[number % len(rude_ports)]) for number, name in enumerate(rude_ones)]
        plans += [plan(name, server.port) for name in good_ones]
        async with scheduled(plans) as (schedule, probes):
            await until(lambda: all(len(probes.results.get(name, ())) >= 4 for name in good_ones), within=60)
    assert {failure for name in good_ones for failure in probes.failures(name)} == {None}
    lag = schedule.pace.worst_lag  # the loop's own is the machine's, and watched apart
    for name in good_ones:  # none was missed or skipped: each keeps its interval of a second, the way into it apart
        slots = [result.slot for result in probes.results[name]]
        gaps = [later - earlier for earlier, later in itertools.pairwise(slots)]
        assert max(gaps) <= timedelta(seconds=1.5 + lag), name
    assert sum(probes.failures(name).total() for name in rude_ones) >= 3 * len(rude_ones)
    late = sorted(result.started - result.slot for name in good_ones for result in probes.results[name])
    assert late[int(0.99 * len(late))] <= timedelta(seconds=0.2 + lag)
