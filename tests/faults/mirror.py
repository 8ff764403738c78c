"""A process that does nothing but publish: ``python -m tests.faults.mirror DIR SEED``. Each publication bears its number in every file."""

import random
import sys
from collections.abc import Mapping
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

from statuspage.mirror.notice import put_notice
from statuspage.mirror.publication import publish
from statuspage.mirror.version import Leaf, leaf
from statuspage.mirror.versions import Versions
from statuspage.render.notice import noticed

PAGES = 30
LINES = 400
AT = datetime(2026, 11, 28, 1, 0, tzinfo=UTC)


def numbered(number: int) -> Mapping[str, Leaf]:
    """Pages of which some change with every publication and some never do, and what stands beside them."""
    names = ["index.html", *(f"incidents/incident{page:04d}/index.html" for page in range(PAGES))]
    lines = {name: number if place % 3 == 0 else 0 for place, name in enumerate(names)}
    pages = {name: leaf(b"<main>\n%b</main>\n" % (f"{told}\n".encode() * LINES)) for name, told in lines.items()}
    return pages | {"fresh.json": leaf(b'{"as_of": "2026-11-28T01:00:00Z", "number": %d}' % number)}


def main(directory: str, seed: str) -> None:
    luck, home = random.Random(int(seed)), Path(directory)
    present = Versions(home).newest()
    for number in count(0 if present is None else present.number + 1):
        publish(home, numbered(number), AT)
        if luck.random() < 0.3:
            put_notice(home, noticed(f"Words of {number}", AT), AT, "Example")
            if luck.random() < 0.5:
                put_notice(home, None, AT, "Example")


if __name__ == "__main__":
    main(*sys.argv[1:])
