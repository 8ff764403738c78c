"""A process that does nothing but publish and carry: ``python -m tests.faults.carrier rsync|s3 ADDRESS STAGE``, SECRET in its environment.

Each publication bears its number in every file that changes with it, and has a style and a page of its own, to which its front page leads.
"""

import asyncio
import os
import sys
from collections.abc import Mapping
from itertools import count
from pathlib import Path

from probes.settings import Secret
from statuspage.mirror.carrying import carrying_to
from statuspage.mirror.publication import publish
from statuspage.mirror.target import Bucket, Elsewhere
from statuspage.mirror.version import Leaf, leaf
from statuspage.mirror.versions import KEPT, Versions, home_of
from tests.faults.mirror import AT, numbered

SECRET = "FAR_SECRET"
BUCKET, KEY = "site", "mirrorkey"


def led(number: int) -> Mapping[str, Leaf]:
    """What ``numbered`` gives, with a front page that leads to a style and to a page that only this publication has."""
    style, own = f"assets/style-{number}.css", f"incidents/only{number:08d}"
    front = f'<link href="/{style}"><a href="/{own}">there</a><p>{number}'.encode()
    return {
        **numbered(number),
        "index.html": leaf(front),
        f"{own}/index.html": leaf(b'<link href="/%b">' % style.encode()),
        style: leaf(b"css"),
    }


def far_side(way: str, address: str) -> Elsewhere | Bucket:
    """Where it is carried: an rsync daemon's address, or the endpoint and prefix of a bucket."""
    secret = Secret(os.environ[SECRET])
    if way == "rsync":
        return Elsewhere(address=address, password=secret, within=60.0)
    endpoint, _, prefix = address.rpartition("/")
    return Bucket(name=BUCKET, prefix=prefix, endpoint=endpoint, region="us-east-1", key=KEY, secret=secret, within=60.0)


async def main(way: str, address: str, stage: str) -> None:
    """Go on for ever."""
    to, home = carrying_to(far_side(way, address)), Path(stage)
    make = numbered if way == "rsync" else led
    present = Versions(home).newest()
    for number in count(1 if present is None else present.number + 1):
        version = publish(home, make(number), AT)
        await to.carry(home_of(home, version), version, keeps=KEPT)
        print(number, flush=True)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
