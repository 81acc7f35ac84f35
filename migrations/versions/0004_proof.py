"""The proof of the log: its tree, signed checkpoints and their key; and the erasing of bodies, which the log allows."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")
KEPT = ("position", "id", "subject", "version", "type", "schema", "development", "commit", "hash")
"""What of an event stays as it is when its body is erased."""


def upgrade() -> None:
    op.create_table(
        "tiles",
        sa.Column("level", sa.SmallInteger, autoincrement=False, nullable=False),
        sa.Column("index", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("hashes", sa.LargeBinary, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("level", "index", name=op.f("pk_tiles")),
        comment="The full tiles of the Merkle tree, as they are served, and the root over each.",
    )
    op.create_table(
        "checkpoints",
        sa.Column("size", SERIAL, autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary, nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("signed_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_checkpoints")),
        comment="Every checkpoint that was signed, as it was handed out.",
    )
    op.create_table(
        "log_key",
        sa.Column(
            "id",
            sa.SmallInteger,
            sa.CheckConstraint("id = 1", name=op.f("ck_log_key_single")),
            autoincrement=False,
        ),
        sa.Column("origin", sa.String(300), nullable=False),
        sa.Column("seed", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_key")),
        comment="What this log is called, and the secret that it signs its checkpoints with.",
    )
    op.create_table(
        "erasures",
        sa.Column("position", SERIAL, autoincrement=False, nullable=False),
        sa.Column("commitment", sa.LargeBinary, nullable=False),
        sa.Column("erased_at", sa.BigInteger, nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_erasures")),
        comment="Whose body was erased, and what the proof needs instead of it: H(salt, body).",
    )
    if op.get_bind().dialect.name == "sqlite":
        _refuse_on_sqlite()
    else:
        _refuse_on_postgresql()


def _refuse_on_sqlite() -> None:
    for table, key in (("checkpoints", "size"), ("erasures", "position")):
        refusal = f"SELECT RAISE(ABORT, '{table} are append-only');"
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {refusal} END")
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {refusal} END")
        taken = f"EXISTS (SELECT 1 FROM {table} WHERE {key} = NEW.{key})"  # noqa: S608
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {taken} BEGIN {refusal} END"
        )
    same = " AND ".join(f'NEW."{column}" IS OLD."{column}"' for column in KEPT)
    op.execute("DROP TRIGGER events_no_update")
    gone = "NEW.body IS '' AND NEW.salt IS x''"
    said = "EXISTS (SELECT 1 FROM erasures WHERE position = OLD.position)"
    op.execute(
        f"CREATE TRIGGER events_no_update BEFORE UPDATE ON events WHEN NOT ({same} AND {gone} AND {said}) "
        "BEGIN SELECT RAISE(ABORT, 'events are append-only'); END"
    )


def _refuse_on_postgresql() -> None:
    for table in ("checkpoints", "erasures"):
        for name, when in (("no_change", "UPDATE OR DELETE"), ("no_truncate", "TRUNCATE")):
            _always(table, f"{table}_{name}", f"BEFORE {when}", "STATEMENT", "refuse_change")
    same = " AND ".join(f'NEW."{column}" = OLD."{column}"' for column in KEPT)
    op.execute(
        "CREATE FUNCTION refuse_all_but_erasing() RETURNS trigger LANGUAGE plpgsql AS "  # noqa: S608
        f"$$ BEGIN IF {same} AND NEW.body = '' AND NEW.salt = '' AND EXISTS (SELECT 1 FROM erasures e "
        "WHERE e.position = OLD.position AND (OLD.body = '' "
        "OR e.commitment = sha256(OLD.salt || convert_to(OLD.body, 'UTF8')))) THEN RETURN NEW; END IF; "
        "RAISE EXCEPTION 'events are append-only'; END $$"
    )
    op.execute("DROP TRIGGER events_no_change ON events")
    _always("events", "events_no_delete", "BEFORE DELETE", "STATEMENT", "refuse_change")
    _always("events", "events_no_update", "BEFORE UPDATE", "ROW", "refuse_all_but_erasing")


def _always(table: str, name: str, when: str, each: str, function: str) -> None:
    op.execute(f"CREATE TRIGGER {name} {when} ON {table} FOR EACH {each} EXECUTE FUNCTION {function}()")
    op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {name}")
