"""The report of ``make mutants``: how many breaks of judgement the tests see, file by file. ``python -m tests.mutants`` writes it."""

import os
import platform
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

FILE = Path(__file__).parents[1] / "docs" / "mutants.md"

GOAL = 90
"""Percent of the mutants that must be seen."""

_LINE = re.compile(r"\s*(?P<file>[\w.]+)\.(?P<place>x\w*?(?:ǁ\w+?ǁ\w+?)?\w*)__mutmut_\d+: (?P<fate>[a-z ]+)")

SEEN = frozenset({"killed", "timeout", "segfault", "caught by type check"})
UNSEEN = frozenset({"survived", "no tests"})

HEAD = """\
# Mutants

Made on {on} on {cores} cores, Python {python}, by `make mutants`, which writes this page.

mutmut breaks `incidents/` in every small way that it knows, one at a time: another operator, another constant, an argument left out. A
mutant is *seen* when a test of `tests/incidents` fails or never ends. One that *survives* changes nothing that anybody asserts: either an
assertion is missing, or the change makes no difference (a default that every caller gives, a word in the repr of a value).
The goal is {goal} % in all.
"""


class Mutant(NamedTuple):
    """One break: in which file and function, and what became of it."""

    file: str
    place: str
    fate: str


def mutants(lines: Iterable[str]) -> list[Mutant]:
    """Read what ``mutmut results --all true`` prints. Errors: ValueError for a line that speaks of a mutant in another form."""
    found = []
    for line in lines:
        if "__mutmut_" not in line:
            continue
        read = _LINE.fullmatch(line.rstrip())
        if read is None:
            raise ValueError(f"mutmut speaks differently now: {line!r}")
        place = read["place"].removeprefix("x").replace("ǁ", ".").strip("._")
        found.append(Mutant(f"{read['file'].replace('.', '/')}.py", place, read["fate"].strip()))
    return found


def score(found: Sequence[Mutant]) -> float:
    """Percent of the mutants that were seen, of those that were tried; cut to a tenth. Errors: ZeroDivisionError where none was tried."""
    seen, unseen = (sum(mutant.fate in fates for mutant in found) for fates in (SEEN, UNSEEN))
    return seen * 1000 // (seen + unseen) / 10


def report(found: Sequence[Mutant], on: str) -> str:
    """The page: a table of the files, then where mutants survived."""
    rows = [_row(file, [mutant for mutant in found if mutant.file == file]) for file in sorted({mutant.file for mutant in found})]
    head = HEAD.format(on=on, cores=os.cpu_count(), python=platform.python_version(), goal=GOAL)
    table = [
        "| file | mutants | seen | survived | not tried | score |",
        "| --- | --- | --- | --- | --- | --- |",
        *rows,
        _row("**all**", found),
    ]
    where = Counter((mutant.file, mutant.place) for mutant in found if mutant.fate in UNSEEN)
    return "\n".join([head, *table, "", "## Where they survive", "", *_survivors(where), ""])


def _row(name: str, found: Sequence[Mutant]) -> str:
    seen, unseen = (sum(mutant.fate in fates for mutant in found) for fates in (SEEN, UNSEEN))
    untried = len(found) - seen - unseen
    shown = f"{score(found):.1f} %" if seen + unseen else "–"
    return f"| {name} | {len(found)} | {seen} | {unseen} | {untried} | {shown} |"


def _survivors(where: Mapping[tuple[str, str], int]) -> list[str]:
    files = sorted({file for file, _ in where})
    return [f"- `{file}`: " + ", ".join(f"`{place}` {n}" for (at, place), n in sorted(where.items()) if at == file) for file in files]


def main() -> int:
    """Write the page, and leave with 1 where the goal is missed."""
    told = subprocess.run([sys.executable, "-m", "mutmut", "results", "--all", "true"], capture_output=True, text=True, check=True)
    found = mutants(told.stdout.splitlines())
    FILE.write_text(report(found, f"{datetime.now(UTC):%Y-%m-%d}"), encoding="utf-8")
    reached = score(found)
    print(f"{reached} % of the mutants that were tried are seen (goal {GOAL} %); {FILE} tells where the others survive")
    return 0 if reached >= GOAL else 1


if __name__ == "__main__":
    sys.exit(main())
