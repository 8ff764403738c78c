"""Where the running hub is: what it leaves in its data directory for the command line beside it, and takes away when it ends."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HUB_FILE = "hub.json"


@contextmanager
def announced(data_dir: Path, public_url: str, internal_url: str) -> Iterator[None]:
    """Leave word of where the running hub is."""
    path = data_dir / HUB_FILE
    path.write_text(json.dumps({"pid": os.getpid(), "public": public_url, "internal": internal_url}), encoding="utf-8")
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
