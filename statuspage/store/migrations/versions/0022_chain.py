"""The audit is a chain, and the database refuses to change what stands in it."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

MAY_GO = "EXISTS (SELECT 1 FROM audit WHERE CASE WHEN act = 'forget audit' THEN CAST(subject AS bigint) >= old.sequence ELSE false END)"
SQLITE = (
    "CREATE TRIGGER audit_kept_as_written BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END",
    f"CREATE TRIGGER audit_kept BEFORE DELETE ON audit WHEN NOT {MAY_GO} BEGIN SELECT RAISE(ABORT, 'the audit is only added to'); END",
)
POSTGRESQL = (
    (
        "CREATE FUNCTION audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF TG_OP = 'DELETE' THEN IF {MAY_GO} THEN RETURN old; END IF; END IF; "
        "RAISE EXCEPTION 'the audit is only added to'; END $$"
    ),
    "CREATE TRIGGER audit_kept BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_refuse()",
    "CREATE TRIGGER audit_kept_whole BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_refuse()",
)


def upgrade() -> None:
    """Rows that are there have no digest of their own; the first one that has vouches for all of them."""
    op.add_column("audit", sa.Column("digest", sa.Text(), nullable=True))
    for statement in SQLITE if op.get_bind().dialect.name == "sqlite" else POSTGRESQL:
        op.execute(statement)
