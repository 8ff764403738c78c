"""Where a running demo leaves its address, so that a second terminal finds it: one file per person, the newest demo wins."""

import json
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFile:
    """What the file says: the process, and where and with which token its control server listens."""

    pid: int
    host: str
    port: int
    token: str


class NoDemo(Exception):
    """No demo of this person's is running; the message says how that is known and what to do."""


def place(environ: Mapping[str, str]) -> Path:
    """Name the file: under XDG_RUNTIME_DIR where that is there for us to write in, else under XDG_CACHE_HOME or ``~/.cache``."""
    runtime = environ.get("XDG_RUNTIME_DIR", "")
    if runtime and Path(runtime).is_dir() and os.access(runtime, os.W_OK | os.X_OK):
        return Path(runtime) / "statuspage" / "demo.json"
    cache = environ.get("XDG_CACHE_HOME", "")
    return (Path(cache) if cache else Path.home() / ".cache") / "statuspage" / "demo.json"


def leave(path: Path, said: RunFile) -> None:
    """Write *said*, readable by its owner alone and never half. Errors: OSError."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = path.with_name(f"{path.name}.{said.pid}")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(asdict(said), file)
    draft.replace(path)


def find(path: Path) -> RunFile:
    """Read what the newest demo left. Errors: NoDemo."""
    try:
        said = json.loads(path.read_bytes())
        return RunFile(pid=int(said["pid"]), host=str(said["host"]), port=int(said["port"]), token=str(said["token"]))
    except FileNotFoundError as absence:
        raise NoDemo("no demo is running: start one with `statuspage demo`") from absence
    except (OSError, ValueError, KeyError, TypeError) as trouble:
        raise NoDemo(f"{path} is not readable as a demo's run file: start the demo again") from trouble


def take_back(path: Path, said: RunFile) -> None:
    """Remove the file where it is still *said*'s; a newer demo's stays."""
    try:
        if find(path) == said:
            path.unlink(missing_ok=True)
    except NoDemo:
        return
