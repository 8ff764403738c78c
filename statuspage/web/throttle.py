"""How often somebody may try: token buckets in bounded memory.

A guesser is slowed down by account, by address and altogether. A browser that has logged in to an account before is counted by itself, so
that nobody can lock the real agent out by failing in their name.
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """At most *burst* tries at once, and one more after each *every*."""

    burst: int
    every: timedelta


class Buckets:
    """Token buckets of one allowance, one for each key. Past *most* keys the one unused longest is forgotten."""

    def __init__(self, allowance: Allowance, *, most: int = 4096) -> None:
        self._allowance = allowance
        self._most = most
        self._spent: OrderedDict[str, tuple[float, datetime]] = OrderedDict()

    def wait(self, key: str, now: datetime) -> timedelta:
        """Return how long *key* must wait before its next try (zero: it may try now)."""
        excess = self._level(key, now) + 1 - self._allowance.burst
        return max(excess, 0.0) * self._allowance.every

    def spend(self, key: str, now: datetime) -> None:
        """Count one try of *key*."""
        self._spent[key] = (self._level(key, now) + 1, now)
        self._spent.move_to_end(key)
        while len(self._spent) > self._most:
            self._spent.popitem(last=False)

    def __len__(self) -> int:
        return len(self._spent)

    def _level(self, key: str, now: datetime) -> float:
        spent, at = self._spent.get(key, (0.0, now))
        return max(spent - max(now - at, timedelta()) / self._allowance.every, 0.0)


class LoginThrottle:
    """The buckets in front of the login."""

    def __init__(self) -> None:
        self._account = Buckets(Allowance(burst=10, every=timedelta(minutes=1)))
        self._address = Buckets(Allowance(burst=20, every=timedelta(seconds=30)))
        self._everyone = Buckets(Allowance(burst=100, every=timedelta(seconds=2)))
        self._device = Buckets(Allowance(burst=10, every=timedelta(minutes=1)))

    def admit(self, *, account: str | None, address: str, device: str | None, now: datetime) -> timedelta:
        """Count a try; return zero, or how long to wait where it is one too many (it is then not counted).

        *account* is None where nobody is named; *device* names a browser known to belong to the account, and is None for any other.
        """
        asked = self._asked(account, address, device)
        wait = max(buckets.wait(key, now) for buckets, key in asked)
        if not wait:
            for buckets, key in asked:
                buckets.spend(key, now)
        return wait

    def _asked(self, account: str | None, address: str, device: str | None) -> Sequence[tuple[Buckets, str]]:
        if device is not None:
            return ((self._device, device),)
        named = () if account is None else ((self._account, account),)
        return (*named, (self._address, address), (self._everyone, ""))
