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
SURVIVED = frozenset({"survived"})
UNREACHED = frozenset({"no tests"})

HEAD = """\
# Mutants

Made on {on} on {cores} cores, Python {python}, by `make mutants`, which writes this page.

mutmut breaks `incidents/` in every small way that it knows, one at a time: another operator, another constant, an argument left out. A
mutant is *seen* when a test of `tests/incidents` fails or never ends. One that *survives* changes nothing that anybody asserts: either an
assertion is missing, or the change makes no difference. What no test of `tests/incidents` calls is *not reached*, and counts as unseen.
The score is what was seen of what was tried. The goal is {goal} % in all.

Each mutant meets those tests alone that call what it breaks, the quick ones first, and what is tried by chance is tried with a twentieth
of the cases, the same ones each time (the profile `brief` of hypothesis). A mutant that only more cases would show counts as one that
survived. A verdict of an earlier run stands until its function changes.
"""


ALIKE = """\
## What makes no difference

Gone through by hand, many that survive are of these kinds, and break nothing:

- More work for the same events: what is judged although nothing changed says nothing (`decide`, `decide.is_open`, `decide.change`).
- A default or an `or` for what is always there: the smallest of what is never empty, an instant that every event has.
- `>` for `>=` where both come to the same: a level that is no worse is already judged, a stretch that begins now is empty.
- What a second look repeats: a vote that is filtered twice, an incident that is found again by the next line.
- Tables that are made on import (`policy.levels`, `policy.answers`, `rule.numbers`): mutmut breaks them only after they were made.
- The words of an error that nobody can meet, and `assert_never`.
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
    seen, survived, unreached = _counts(found)
    return seen * 1000 // (seen + survived + unreached) / 10


def _counts(found: Sequence[Mutant]) -> tuple[int, int, int]:
    """How many were seen, survived, were not reached."""
    seen, survived, unreached = (sum(mutant.fate in fates for mutant in found) for fates in (SEEN, SURVIVED, UNREACHED))
    return seen, survived, unreached


def report(found: Sequence[Mutant], on: str) -> str:
    """The page: a table of the files, what was not tried, then where mutants survived."""
    files = {file: [mutant for mutant in found if mutant.file == file] for file in sorted({mutant.file for mutant in found})}
    table = [
        "| file | mutants | tried | seen | survived | not reached | score |",
        "| --- | --- | --- | --- | --- | --- | --- |",
        *(_row(file, mutants) for file, mutants in files.items()),
        _row("**all**", found),
    ]
    head = HEAD.format(on=on, cores=os.cpu_count(), python=platform.python_version(), goal=GOAL)
    where = Counter((mutant.file, mutant.place) for mutant in found if mutant.fate in SURVIVED)
    return "\n".join([head, *table, "", *_untried(files), ALIKE, "## Where they survive", "", *_survivors(where), ""])


def _row(name: str, found: Sequence[Mutant]) -> str:
    seen, survived, unreached = _counts(found)
    tried = seen + survived + unreached
    shown = f"{score(found):.1f} %" if tried else "–"
    return f"| {name} | {len(found)} | {tried} | {seen} | {survived} | {unreached} | {shown} |"


def _untried(files: Mapping[str, Sequence[Mutant]]) -> list[str]:
    """What the table does not speak of, in plain words; nothing where all was tried."""
    tried = {file: sum(_counts(mutants)) for file, mutants in files.items()}
    out = [f"`{file}`" for file, mutants in files.items() if not tried[file]]
    part = [f"`{file}` ({tried[file]} of {len(mutants)})" for file, mutants in files.items() if 0 < tried[file] < len(mutants)]
    lines = [f"Left out altogether: {', '.join(out)}."] if out else []
    lines += [f"Tried in part, so that the score is of those alone: {', '.join(part)}."] if part else []
    return [line for told in lines for line in (told, "")]


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
