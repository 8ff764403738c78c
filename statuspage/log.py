"""What the service says about itself, on stderr: one line an event, for people and for journald alike."""

import logging
import os
import sys
from collections.abc import Mapping

_STDERR = 2
_PRIORITIES = ((logging.CRITICAL, 2), (logging.ERROR, 3), (logging.WARNING, 4), (logging.INFO, 6))


def set_up(*, is_verbose: bool = False) -> None:
    """Send the log to stderr; journald and containers add the rest. *is_verbose* shows the reasons of refusals too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_Journal() if _is_journal(os.environ) else _OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if is_verbose else logging.INFO)
    for noisy in ("apscheduler", "aiohttp.access", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


def _is_journal(environ: Mapping[str, str]) -> bool:
    """Whether stderr leads to journald, which stamps every line and reads its level at the front: sd-daemon(3)."""
    said = environ.get("JOURNAL_STREAM")
    if said is None:
        return False
    there = os.fstat(_STDERR)
    return said == f"{there.st_dev}:{there.st_ino}"


class _OneLine(logging.Formatter):
    """A message cannot forge a second line: control characters in it are shown, not obeyed. Tracebacks keep theirs."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        record.message = "".join(c if c.isprintable() else repr(c)[1:-1] for c in record.message)
        return super().formatMessage(record)


class _Journal(_OneLine):
    """The level in front of each line, a traceback's too; the time is journald's to say."""

    def __init__(self) -> None:
        super().__init__("%(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        priority = next((number for least, number in _PRIORITIES if record.levelno >= least), 7)
        return "\n".join(f"<{priority}>{line}" for line in super().format(record).splitlines())
