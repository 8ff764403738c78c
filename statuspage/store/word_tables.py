"""Where public words are kept to be searched: one row for each incident, window and advisory that the public knows, its words folded.

Each database finds them by an index of its own: SQLite by FTS5, kept in step by triggers; PostgreSQL by GIN over a tsvector.
"""

from sqlalchemy import DDL, Column, Index, Integer, Table, Text, event

from statuspage.store.columns import metadata, text

public_words = Table(
    "public_words",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=True),
    Column("incident", Text, unique=True),
    Column("maintenance", Text, unique=True),
    Column("advisory", Text),
    text("words"),  # each once, between blanks: statuspage.picture.search.kept
    Index(None, "advisory", unique=True),
)

# The words are ASCII blanks and letters or digits already, so that the simplest reading of them is the right one.
_SQLITE = (
    (
        "CREATE VIRTUAL TABLE public_words_index USING fts5("
        "words, content='public_words', content_rowid='sequence', tokenize='ascii', detail='none', columnsize=0)"
    ),
    (
        "CREATE TRIGGER public_words_added AFTER INSERT ON public_words BEGIN "
        "INSERT INTO public_words_index(rowid, words) VALUES (new.sequence, new.words); END"
    ),
    (
        "CREATE TRIGGER public_words_gone AFTER DELETE ON public_words BEGIN "
        "INSERT INTO public_words_index(public_words_index, rowid, words) VALUES ('delete', old.sequence, old.words); END"
    ),
    (
        "CREATE TRIGGER public_words_changed AFTER UPDATE ON public_words BEGIN "
        "INSERT INTO public_words_index(public_words_index, rowid, words) VALUES ('delete', old.sequence, old.words); "
        "INSERT INTO public_words_index(rowid, words) VALUES (new.sequence, new.words); END"
    ),
)
_POSTGRESQL = ("CREATE INDEX ix_public_words_index ON public_words USING gin (array_to_tsvector(string_to_array(words, ' ')))",)

for _dialect, _statements in (("sqlite", _SQLITE), ("postgresql", _POSTGRESQL)):
    for _statement in _statements:
        _made: DDL = DDL(_statement)  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
        event.listen(public_words, "after_create", _made.execute_if(dialect=_dialect))
