"""What random cases have reached: a strategy that never draws what it is there for is found out."""

from collections import Counter
from collections.abc import Iterable

HANDFUL, MANY = 150, 1000


class Tally:
    """Counts cases, and in how many of them each thing was met."""

    def __init__(self) -> None:
        """Have counted nothing."""
        self.cases = 0
        self.reached: Counter[str] = Counter()

    def add(self, met: Iterable[str]) -> None:
        """One more case, in which these were met."""
        self.cases += 1
        self.reached.update(set(met))

    def demand(self, *things: str, one_in: int, cases: int = 0) -> None:
        """There were so many *cases*, and each of *things* was met in one of *one_in* at least.

        Of a few cases it is only asked that each was met at all, and of a handful nothing.
        """
        assert self.cases >= cases, f"{self.cases} cases, {cases} were asked for"
        least = self.cases / one_in if self.cases >= MANY else 1
        rare = {thing: self.reached[thing] for thing in things if self.reached[thing] < least}
        assert not rare or self.cases < HANDFUL, f"of {self.cases} cases too few: {rare}"

    def __str__(self) -> str:
        """Tell all of it in one line."""
        return ", ".join([f"{self.cases} cases", *(f"{thing} {count}" for thing, count in sorted(self.reached.items()))])
