"""The written report: when, on what, how it was measured, the table, what the numbers mean."""

import os
import platform
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from tests.bench.table import NOTHING, Row, spelled

FILE = Path(__file__).parents[2] / "docs" / "performance.md"

HOW = """\
Every figure comes from `make bench`, which writes this page; `make bench ARGS="pages crowd"` measures these parts anew and leaves the
others, `ARGS=--quick` takes a shorter look and writes nothing. Goals are bounds, or ratios to a yardstick that is run in the same call on
the same machine. Product and yardstick run in turn, A B A B, each in a process of its own, and the load in a third. The median of the
pairs' ratios counts; *spread* is the lowest and the highest of them. CPU is what the kernel charges to the process, all its threads
together. It says nearly the same on a machine that has other work to do; requests a second and milliseconds do not, and are to be read
with their spread. Load goes to the loopback address only, and is bounded in count and time.
"""

MEANING = """\
- **A probe** opens a connection of its own, a hundred at once, by a thousand monitors that work: due, measured, judged, stored and
  committed. For http and https the yardstick is a loop of aiohttp requests on uvloop that only reads the answer; for the others the same
  dialogue led by hand on an asyncio protocol, without timeouts, caps, phases or a verdict. blackbox_exporter is Debian's package, asked
  over HTTP to probe the same target; only its own CPU counts. *Paced* is the same service where its own schedule starts a thousand http
  monitors, each once a second.
- **A thousand monitors every twenty seconds** call on a hundred hosts of this machine. Latency is what the results say, against what a
  bare loop of aiohttp requests sees at the same pace. **Ten thousand** are the same every thirty seconds; lateness runs from a probe's slot
  to its start, over one round after four. Targets that hang do so to the timeout of five seconds, and go on failing: each failure is judged
  and committed as it comes, and those that come while a turn is written share the next one. What is late then waits for the event loop,
  which whole rounds of the garbage collector and programs beside the service hold up longest.
- **The pages** are what `statuspage serve` sends for 50 services with 90 days of history, over 64 connections that stay open: page, main
  feed, v2 summary and a badge, also of 500 services, and with a day and with three years of history. The yardstick is an aiohttp handler
  without logic, negotiation or a header too many, that returns the same body from memory; beside it, Debian's nginx sends the page from a
  file. *First view* is the page with its assets, against a tenth of what a view costs Uptime Kuma 2.5.3 (920 µs on such a machine).
- **Ten thousand readers** come within fifteen seconds, each over a connection of its own, and ask for the page, then every half minute
  for `/fresh.json` and for the page again with the tag that they have, while the service makes twenty probes a second. An answer is
  good if it is whole and comes within ten seconds. They come twice: to the service itself, and to the mirror that it keeps, which nginx
  (Debian's, one worker) sends; rows of the second kind say so.
- **Made anew** is the time from the commit of a change to the new shelf: what changed is read, and the page, the pages of incidents, feeds
  and API are drawn, compressed and named. Services, incidents and days that stayed as they were are not drawn again. It happens on a thread
  beside the event loop, after a change and when the minute turns. While all 50 services are down there are 50 open incidents, each with a
  page of its own.
- **Memory** is that of the whole service as a process, console and API included.
- **A start** runs from the command to the first whole page, with a year of incidents, roll-ups and two weeks of single results in the
  store. **At rest** is the same service by itself, nobody reading, over two minutes once a start has settled. **On disk** a monitor takes
  its single results of two weeks with what a replay needs of them, and its hourly and daily roll-ups of a year; hourly ones are forgotten
  after 400 days, so that only daily ones come to it from then on.
- **Detection** is the worst of all breaks: a server really stops listening, and the time runs until the incident stands on the page, in
  the feed, in the v2 JSON, in the metrics and in the console. The bound is every + recheck × (fails_after - 1) + fails_after × the time a
  probe takes to fail + 2 s; a port that nobody listens on refuses at once.
- **A stored result** is one row in a batch of a hundred, committed to the disk, with its hourly and daily roll-ups: three rows in three
  tables. Its bytes are those of the table of raw results, free space in its pages included.
- **Bars** are the ninety days of fifty services, each of which was out of order every nine days. The yardstick reads as many daily
  roll-ups of fifty monitors from the same file, by the bare driver. While the service runs, its bars are kept, and each minute cuts the
  last day anew. Only at a start, and when the configuration changes, they are cut from all that the store keeps: status changes, what was
  planned, promised and corrected, by the same ledger as every figure.
- **The desk** has 500 services, 5,000 known errors and three years of history; a request goes over a connection that stays open, and is
  timed to the last byte of its answer. The queue has 500 open incidents besides, of which it draws the fifty that matter most in full.
- **A scrape** is spelled on a thread beside the loop; the yardstick joins as many lines from label blocks that are ready.
- **A decision** judges one steady result among a thousand monitors, and folds it into the situation.
"""

REASONS = {
    "imap probe": (
        "Probes beyond the dialogue by hand: an empty probe, with its task, timer and verdict, costs about 10 µs, a judged and stored "
        "result 15 to 20, and the rest is caps, phases and the parsing of what came: most where the dialogue is longest."
    ),
    "made anew": (
        "Made anew: three quarters are drawing, compressing and naming the bytes, gzip of the whole page alone being an eighth; a fifth is "
        "reading the incident, its updates and the service's changes from the store. What did not change is kept."
    ),
    "a stored result": (
        "A stored result: each one is three rows, its own and two roll-ups. The driver's executemany and the commit of each hundred take "
        "about two fifths of the writer's time; the rest is spread over our own and SQLAlchemy's work for a batch."
    ),
}
"""What is known to hold a figure back where its goal is missed, by how the figure's name begins."""


def write(measured: Mapping[str, Sequence[Row]], order: Sequence[str], at: datetime, busy: float) -> None:
    """Write docs/performance.md: the parts that were *measured*, and the others as they stood there, in *order*.

    *busy* is the machine's load average of the five minutes before.
    """
    sections = _kept(FILE.read_text(encoding="utf-8")) | {name: _section(rows, at, busy) for name, rows in measured.items()}
    standing = [f"### {name}\n\n{sections[name]}" for name in order if name in sections]
    missed = [line for section in standing for line in section.splitlines() if line.endswith("| **no** |")]
    told = "".join(_missed(line) for line in missed)
    reasons = "".join(f"\n{reason}\n" for name, reason in REASONS.items() if any(line.startswith(f"| {name}") for line in missed))
    text = "\n".join(
        [
            "# Performance",
            "",
            "## How it is measured",
            "",
            HOW,
            "## The figures",
            "",
            "\n\n".join(standing),
            "",
            "## What is missed",
            "",
            (told + reasons) or "Every goal is met.\n",
            "## What the numbers mean",
            "",
            MEANING,
        ]
    )
    FILE.write_text(text, encoding="utf-8")


def _section(rows: Sequence[Row], at: datetime, busy: float) -> str:
    when = f"Measured on {at.astimezone(UTC):%Y-%m-%d} on {_machine()}"
    return f"{when}; {busy:.1f} programs on average wanted to run in the five minutes before.\n\n{spelled(rows)}"


def _kept(text: str) -> dict[str, str]:
    """The sections of parts as they stand in the page."""
    figures = text.partition("## The figures\n")[2].partition("\n## ")[0]
    found = re.split(r"^### (\w+)\n\n", figures, flags=re.MULTILINE)[1:]
    return {name: section.strip() for name, section in zip(found[::2], found[1::2], strict=True)}


def _missed(line: str) -> str:
    figure, ours, yardstick, ratio, _, goal, _ = (cell.strip() for cell in line.strip("| ").split(" | "))
    against = f" against {yardstick} ({ratio})" if ratio != NOTHING else ""
    return f"- {figure}: {ours}{against}, goal {goal}.\n"


def _machine() -> str:
    cores = os.cpu_count() or 1
    word = "core" if cores == 1 else "cores"
    return f"{cores} {word} ({platform.machine()}, {platform.system()}), Python {platform.python_version()}"
