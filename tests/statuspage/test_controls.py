"""The rounds of a location's controls: at once where something fails by surprise, and no longer than it takes to be sure."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest

from incidents import sight
from incidents.model import Topology
from incidents.sight import Look
from incidents.situation import fold
from probes.catalog import KINDS
from probes.result import Failure, ProbeResult
from statuspage.config.loading import Control
from statuspage.controls import Controls
from tests.deadline import until
from tests.incidents.world import START, World

NAMES = ("one", "two", "three")
TCP = KINDS["tcp"]
CONTROLS = tuple(Control(name=name, kind=TCP, settings=TCP.settings(host="127.0.0.1", port=1)) for name in NAMES)


@dataclass
class Seen:
    """What the rounds find and say. A control is asked; it answers once it may."""

    world: World = field(default_factory=lambda: World(Topology(services={}, components={}, monitors={})))
    asked: list[str] = field(default_factory=list)
    given_up: list[str] = field(default_factory=list)
    said: list[Look] = field(default_factory=list)
    failures: dict[str, Failure] = field(default_factory=dict)
    may_answer: dict[str, asyncio.Event] = field(default_factory=lambda: {name: asyncio.Event() for name in NAMES})

    async def ask(self, control: Control, timeout: float) -> ProbeResult:
        self.asked.append(control.name)
        try:
            await self.may_answer[control.name].wait()
        except asyncio.CancelledError:
            self.given_up.append(control.name)
            raise
        return ProbeResult(took=timeout / 10, failure=self.failures.get(control.name))

    async def notice(self, look: Look) -> None:
        self.said.append(look)
        self.world.situation = fold(self.world.situation, sight.judge(self.world.situation, self.world.now, look=look))

    def known(self) -> object:
        return self.world.situation

    def let(self, *names: str) -> None:
        for name in names:
            self.may_answer[name].set()

    def hold(self, *names: str) -> None:
        for name in names:
            self.may_answer[name].clear()


def rounds(seen: Seen) -> Controls:
    return Controls(seeing=seen, now=lambda: seen.world.now, configured=CONTROLS)  # type: ignore[arg-type]  # the situation is one


async def proven() -> tuple[Seen, Controls]:
    """All three have answered once."""
    seen = Seen()
    controls = rounds(seen)
    seen.let(*NAMES)
    going = asyncio.create_task(controls.run())
    await until(lambda: {control for _, control in seen.world.situation.proven} >= set(NAMES))
    going.cancel()
    await asyncio.gather(going, return_exceptions=True)
    seen.asked.clear()
    seen.said.clear()
    seen.world.wait(60)
    return seen, controls


async def test_a_surprise_waits_only_until_most_controls_have_answered() -> None:
    seen, controls = await proven()
    seen.hold("three")
    await controls.confirm(seen.world.now)
    assert sorted(seen.asked) == sorted(NAMES)
    assert seen.given_up == ["three"]
    assert sight.blindness(seen.world.situation, "local") is None


async def test_a_control_that_never_answered_is_not_waited_for() -> None:
    seen = Seen()
    await rounds(seen).confirm(seen.world.now)
    assert seen.asked == []


async def test_controls_that_fail_make_the_location_blind_from_what_was_in_doubt_on() -> None:
    seen, controls = await proven()
    seen.failures = dict.fromkeys(NAMES, Failure.TIMEOUT)
    doubted = seen.world.now - timedelta(seconds=5)
    await controls.confirm(doubted)
    blind = sight.blindness(seen.world.situation, "local")
    assert blind is not None
    assert blind.since == doubted


async def test_what_was_measured_before_the_last_clear_round_is_not_in_doubt() -> None:
    seen, controls = await proven()
    await controls.confirm(seen.world.now)
    clear_at: datetime = seen.world.now
    seen.world.wait(5)
    seen.failures = dict.fromkeys(NAMES, Failure.TIMEOUT)
    await controls.confirm(START)
    blind = sight.blindness(seen.world.situation, "local")
    assert blind is not None
    assert blind.since == clear_at


async def test_who_asks_during_a_round_gets_one_that_begins_later_and_shares_it() -> None:
    seen, controls = await proven()
    seen.hold(*NAMES)
    first = asyncio.create_task(controls.confirm(seen.world.now))
    await until(lambda: len(seen.asked) == 3)
    late = [asyncio.create_task(controls.confirm(seen.world.now)) for _ in range(5)]
    seen.let(*NAMES)
    await first
    await asyncio.gather(*late)
    assert len(seen.asked) == 6


async def test_a_bug_in_a_round_is_told_and_holds_no_result_back(caplog: pytest.LogCaptureFixture) -> None:
    seen, controls = await proven()

    async def broken(control: Control, timeout: float) -> ProbeResult:
        raise RuntimeError(f"{control.name}: a bug after {timeout} s")

    controls.seeing.ask = broken  # type: ignore[method-assign]  # the fault
    await controls.confirm(seen.world.now)
    assert "the controls could not be asked" in caplog.text


async def test_a_round_that_somebody_waits_for_is_given_up_at_the_end() -> None:
    seen, controls = await proven()
    seen.hold(*NAMES)
    waiting = asyncio.create_task(controls.confirm(seen.world.now))
    await until(lambda: len(seen.asked) == 3)
    await controls.stop()
    await waiting
    assert sorted(seen.given_up) == sorted(NAMES)


async def test_a_blind_location_is_not_asked_again_by_each_failure() -> None:
    seen, controls = await proven()
    seen.failures = dict.fromkeys(NAMES, Failure.TIMEOUT)
    await controls.confirm(seen.world.now)
    seen.asked.clear()
    await controls.confirm(seen.world.now)
    assert seen.asked == []
