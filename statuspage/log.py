"""What the service says about itself, on stderr: one line an event, for people and for journald alike."""

import logging
import sys


def set_up(*, is_verbose: bool = False) -> None:
    """Send the log to stderr; journald and containers add the rest. *is_verbose* shows the reasons of refusals too."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(_OneLine("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.DEBUG if is_verbose else logging.INFO)
    for noisy in ("apscheduler", "aiohttp.access", "alembic"):
        logging.getLogger(noisy).setLevel(logging.WARNING)


class _OneLine(logging.Formatter):
    """A message cannot forge a second line: control characters in it are shown, not obeyed. Tracebacks keep theirs."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the library's name
        record.message = "".join(c if c.isprintable() else repr(c)[1:-1] for c in record.message)
        return super().formatMessage(record)
