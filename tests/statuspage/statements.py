"""What a store is asked, statement by statement: work is counted and not timed."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sqlalchemy import Engine, event

from statuspage.store.engine import Database


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """All statements that *database* is given meanwhile, on whatever thread."""
    asked: list[str] = []
    engines = database._engines
    with ExitStack() as stack:
        for engine in {engines.reading, engines.writing}:
            stack.enter_context(_noting(engine, asked))
        yield asked


@contextmanager
def _noting(engine: Engine, asked: list[str]) -> Iterator[None]:
    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield
    finally:
        event.remove(engine, "before_cursor_execute", note)
