"""Public words can be searched."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"

SQLITE = (
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
POSTGRESQL = ("CREATE INDEX ix_public_words_index ON public_words USING gin (array_to_tsvector(string_to_array(words, ' ')))",)


def upgrade() -> None:
    """Make the table and its index; the words of what is there are put in at the next start."""
    op.create_table(
        "public_words",
        sa.Column("sequence", sa.Integer(), autoincrement=True, nullable=False),
        sa.Column("incident", sa.Text(), nullable=True),
        sa.Column("maintenance", sa.Text(), nullable=True),
        sa.Column("words", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sequence", name="pk_public_words"),
        sa.UniqueConstraint("incident", name="uq_public_words_incident"),
        sa.UniqueConstraint("maintenance", name="uq_public_words_maintenance"),
    )
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
