"""The process dies at any await between the outbox and the recipient: everybody is told everything, in order, and a repetition is known."""

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from itertools import count
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import Connection

from statuspage.picture.audience import Rhythm, Wish
from statuspage.store.engine import Store
from statuspage.telling import deliverer
from tests.statuspage.tellings import SENDER, House, known, telling

T = TypeVar("T")
EVERY = 3
"""Points from one death to the next, but for ``make soak``, which takes them all."""

READERS = ("ada@example.org", "ben@example.org")


class Crash(BaseException):
    """The process is dead: nothing more is done, whoever catches what."""


class Fuse:
    """Dies at the point *at*, and at each one after it: a dead process does nothing more."""

    def __init__(self, at: int) -> None:
        self.left, self.is_dead = at, False

    def point(self) -> None:
        self.left -= 1
        self.is_dead |= self.left <= 0
        if self.is_dead:
            raise Crash

    def around(self, call: Callable[[Callable[[Connection], T]], Awaitable[T]]) -> Callable[[Callable[[Connection], T]], Awaitable[T]]:
        """*call* with a point before and after it."""

        async def guarded(fn: Callable[[Connection], T]) -> T:
            self.point()
            given = await call(fn)
            self.point()
            return given

        return guarded


def fuses(*, every: int, at_least: int) -> Iterator[tuple[int, Fuse]]:
    """A fuse for each *every*-th point on the way, and which that is, until one outlasts the way. It must have more than *at_least*."""
    for at in count(every, every):
        fuse = Fuse(at)
        yield at, fuse
        if not fuse.is_dead:
            assert at > at_least, "there are more awaits than that on the way"
            return


def mortal(store: Store, fuse: Fuse) -> Store:
    """*store* as a process has it that dies of *fuse*."""
    one = Store(store._database)
    one.read, one.write = fuse.around(store.read), fuse.around(store.write)  # type: ignore[method-assign,assignment]
    return one


async def crashed(house: House, fuse: Fuse) -> None:
    """Deliver until the process dies, or all is delivered; then again with all that is left of the first try: the store."""
    house.deliverer.store = house.deliverer.letters.store = mortal(house.store, fuse)
    try:
        for _ in range(6):
            await house.deliverer.look()
            await house.deliverer.idle()
    except Crash:
        await house.deliverer.idle()
    lines, house.deliverer = house.deliverer.lines, deliverer(house.press)
    house.deliverer.lines, house.deliverer.letters.sender = lines, SENDER
    for _ in range(4):
        await house.pass_by(60)
        await house.deliver()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_death_at_any_await_loses_nothing_and_repeats_one_letter_at_most(tmp_path: Path, is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    for at, fuse in fuses(every=1 if is_soak else EVERY, at_least=20):
        (directory := tmp_path / str(at)).mkdir()
        async with telling(directory, known()) as house:
            for reader in READERS:
                await house.subscribe(reader)
            incident = await house.outage()
            await house.pass_by(120)
            await house.say(incident.id, "A disk is full.")
            await crashed(house, fuse)
            letters = house.postbox.letters
            ids = Counter((one.to, one.message["Message-ID"]) for one in letters)
            assert len(ids) == 4, f"at {at}: {[one.subject for one in letters]}"
            assert sum(ids.values()) <= 4 + len(READERS), f"at {at}: each conversation repeats one letter at most"
            assert max(ids.values()) <= 2
            for reader in READERS:
                told = list(dict.fromkeys(one.message["Message-ID"] for one in house.postbox.to(reader)))
                first = {one.message["Message-ID"]: one.text for one in house.postbox.to(reader)}
                assert ["A disk is full." in first[id] for id in told] == [False, True], f"at {at}: out of order"
            assert all(one.delivered_at for one in await house.sent(incident.id)), f"at {at}"


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
async def test_death_at_any_await_sends_each_round_up_whole_and_under_one_name(tmp_path: Path, is_soak: bool) -> None:  # noqa: FBT001 - a fixture
    for at, fuse in fuses(every=1 if is_soak else EVERY, at_least=20):
        (directory := tmp_path / str(at)).mkdir()
        async with telling(directory, known()) as house:
            for reader in READERS:
                await house.subscribe(reader, Wish(rhythm=Rhythm.DAILY))
            incident = await house.outage()
            await house.pass_by(120)
            await house.say(incident.id, "A disk is full.")
            await house.deliver()
            await house.pass_by(timedelta(hours=23).total_seconds())
            await house.say(incident.id, "It is replaced.")
            await crashed(house, fuse)
            letters = house.postbox.letters
            ids = Counter((one.to, one.message["Message-ID"]) for one in letters)
            assert sorted(to for to, _ in ids) == sorted(READERS), f"at {at}: one letter each"
            assert sum(ids.values()) <= 2 * len(READERS), f"at {at}: each conversation repeats one letter at most"
            assert all("A disk is full." in one.text and "It is replaced." not in one.text for one in letters), f"at {at}"
            told = [one.delivered_at is not None for one in await house.sent(incident.id)]
            assert told == [True] * 4 + [False] * 2, f"at {at}"
