"""Alembic runs this file for each command: it hands over the transaction that ``upgrade`` was given."""

from alembic import context

from statuspage.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=True,
    # SQLite changes most things of a table only by building it anew.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
