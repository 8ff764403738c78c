"""Where the audit is kept: rows are added and never changed; only those whose retention is over may be taken away, and never silently.

The database itself refuses anything else. Whoever can drop its triggers is found out by the chain (``statuspage.store.chain``).
"""

from sqlalchemy import DDL, JSON, Column, Table, Text, event

from statuspage.store.columns import instant, metadata, sequence, text

FORGOTTEN = "forget audit"
"""The act that says up to which row, its subject, the audit was forgotten; only after it those rows may go."""

audit = Table(
    "audit",
    metadata,
    sequence(),
    instant("at"),
    text("actor"),
    text("act"),
    text("subject"),
    Column("detail", JSON, nullable=False),
    Column("digest", Text),  # none: written before there was a chain
)

_UNTIL = f"CASE WHEN act = '{FORGOTTEN}' THEN CAST(subject AS bigint) >= old.sequence ELSE false END"
_MAY_GO = f"EXISTS (SELECT 1 FROM audit WHERE {_UNTIL})"  # noqa: S608 - words of our own
_SQLITE = (
    "CREATE TRIGGER audit_kept_as_written BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END",
    (f"CREATE TRIGGER audit_kept BEFORE DELETE ON audit WHEN NOT {_MAY_GO} BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END"),
)
_POSTGRESQL = (
    (
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' THEN IF {_MAY_GO} THEN RETURN old; END IF; END IF; "
        "RAISE EXCEPTION 'the audit is only added to'; END $$"
    ),
    "CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_kept_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
)

for _dialect, _statements in (("sqlite", _SQLITE), ("postgresql", _POSTGRESQL)):
    for _statement in _statements:
        _made: DDL = DDL(_statement)  # type: ignore[no-untyped-call]  # SQLAlchemy gives it no types
        event.listen(audit, "after_create", _made.execute_if(dialect=_dialect))
