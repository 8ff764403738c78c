"""Many deadlines by one timer of the loop's."""

import asyncio
from functools import partial

from probes.deadlines import STEP, Deadline, Deadlines


async def test_each_rings_once_its_time_is_up_and_never_before() -> None:
    deadlines, loop = Deadlines(asyncio.get_running_loop()), asyncio.get_running_loop()
    began, rung, all_rung = loop.time(), dict[float, float](), asyncio.Event()

    def ring(within: float) -> None:
        rung[within] = loop.time() - began
        if len(rung) == 4:
            all_rung.set()

    for within in (0.11, 0.0, 0.05, 0.2):
        deadlines.after(within, lambda within=within: ring(within))  # type: ignore[misc]  # a lambda of its own for each
    await all_rung.wait()
    assert all(at >= within - 0.001 for within, at in rung.items())  # uvloop's clock counts milliseconds
    assert list(rung) == sorted(rung)


async def test_one_that_is_cancelled_never_rings_and_holds_up_no_other() -> None:
    deadlines = Deadlines(asyncio.get_running_loop())
    rung: list[str] = []
    over = asyncio.Event()
    early = deadlines.after(0.01, lambda: rung.append("early"))
    deadlines.after(4 * STEP, over.set)
    beside = deadlines.after(4 * STEP, lambda: rung.append("beside"))
    early.cancel()
    beside.cancel()
    beside.cancel()
    await over.wait()
    assert rung == []


async def test_an_earlier_one_is_not_kept_waiting_by_a_later_one() -> None:
    deadlines, over = Deadlines(asyncio.get_running_loop()), asyncio.Event()
    long = deadlines.after(3600.0, lambda: None)
    deadlines.after(0.02, over.set)
    async with asyncio.timeout(60):
        await over.wait()
    long.cancel()


async def test_one_that_rings_may_set_another() -> None:
    deadlines, over = Deadlines(asyncio.get_running_loop()), asyncio.Event()

    def again() -> None:
        deadlines.after(0.0, over.set)

    deadlines.after(0.0, again)
    async with asyncio.timeout(60):
        await over.wait()


async def test_one_that_rings_may_cancel_another_of_the_same_step() -> None:
    deadlines, over = Deadlines(asyncio.get_running_loop()), asyncio.Event()
    both: list[Deadline] = []
    rung: list[int] = []

    def ring(number: int) -> None:
        rung.append(number)
        both[1 - number].cancel()

    both += [deadlines.after(0.01, partial(ring, number)) for number in (0, 1)]
    deadlines.after(3 * STEP, over.set)
    async with asyncio.timeout(60):
        await over.wait()
    assert len(rung) == 1


async def test_a_late_one_set_while_others_ring_holds_up_none_that_comes_before_it() -> None:
    deadlines, over = Deadlines(asyncio.get_running_loop()), asyncio.Event()
    late: list[Deadline] = []
    deadlines.after(0.0, lambda: late.append(deadlines.after(3600.0, lambda: None)))
    deadlines.after(4 * STEP, over.set)
    async with asyncio.timeout(60):
        await over.wait()
    late[0].cancel()


async def test_one_that_breaks_is_told_to_the_loop_and_keeps_no_other_from_ringing() -> None:
    loop = asyncio.get_running_loop()
    deadlines, over, told = Deadlines(loop), asyncio.Event(), list[object]()
    loop.set_exception_handler(lambda _, context: told.append(context.get("exception")))
    rung: list[int] = []

    def ring(number: int) -> None:
        rung.append(number)
        if number < 2:
            raise ZeroDivisionError("ours")

    for number in range(3):
        deadlines.after(0.01, partial(ring, number))
    deadlines.after(3 * STEP, over.set)
    async with asyncio.timeout(60):
        await over.wait()
    assert sorted(rung) == [0, 1, 2]
    assert [type(one) for one in told] == [ZeroDivisionError, ZeroDivisionError]


async def test_what_was_cancelled_is_not_kept() -> None:
    deadlines = Deadlines(asyncio.get_running_loop())
    for within in range(1000):
        deadlines.after(60.0 + within, lambda: None).cancel()
    kept = deadlines.after(60.0, lambda: None)
    assert len(deadlines) == 1
    kept.cancel()
    assert len(deadlines) == 0
