"""Promised updates are kept, or missed: each is counted once, whatever comes of it."""

from datetime import UTC, datetime, timedelta
from random import Random

from statuspage.picture.promised import LATENESS, Promises, Word

T0 = datetime(2026, 3, 2, 8, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def word(seconds: float, promises: float | None = None, incident: str = "fire") -> Word:
    return Word(incident=incident, at=after(seconds), next_by=None if promises is None else after(promises))


def counted(*words: Word, now: float) -> tuple[int, int, tuple[int, ...], float]:
    promises = Promises()
    promises.hear(words)
    found = promises.figures(after(now))
    return found.outcomes["kept"], found.outcomes["missed"], tuple(found.answered), found.late_by


def test_words_that_come_in_time_keep_the_promise_to_the_instant() -> None:
    assert counted(word(0, 600), word(600), now=601) == (1, 0, (1, 0, 0, 0, 0, 0, 0), 0.0)


def test_late_words_miss_it_by_as_much() -> None:
    assert counted(word(0, 600), word(600.5), now=700) == (0, 1, (0, 1, 0, 0, 0, 0, 0), 0.5)
    assert counted(word(0, 600), word(900), now=1000) == (0, 1, (0, 0, 1, 0, 0, 0, 0), 300.0)
    assert counted(word(0, 600), word(600 + 20_000), now=30_000) == (0, 1, (0, 0, 0, 0, 0, 0, 1), 20_000.0)


def test_what_is_not_answered_is_missed_once_its_time_is_over_and_not_twice() -> None:
    assert counted(word(0, 600), now=600)[:2] == (0, 0)
    assert counted(word(0, 600), now=601)[:2] == (0, 1)
    assert counted(word(0, 600), word(700), now=701)[:2] == (0, 1)


def test_words_without_a_promise_promise_nothing() -> None:
    assert counted(word(0), word(10), word(20), now=10**6)[:2] == (0, 0)


def test_incidents_answer_for_themselves_alone() -> None:
    assert counted(word(0, 600), word(10, None, "flood"), now=601)[:2] == (0, 1)


def test_each_promise_is_counted_once_and_counts_never_fall() -> None:
    chance, promises, made = Random(4), Promises(), 0
    before = 0
    for second in range(2_000):
        if chance.random() < 0.2:
            by = second + chance.randrange(1, 60) if chance.random() < 0.5 else None
            made += by is not None
            promises.hear([word(second, by, chance.choice(["fire", "flood", "storm"]))])
        found = promises.figures(after(second))
        assert before <= (before := sum(found.outcomes.values()))
        assert len(found.answered) == len(LATENESS) + 1
        assert sum(found.answered) + len(promises.waiting) == made
    assert sum(promises.figures(after(10**6)).outcomes.values()) == made
