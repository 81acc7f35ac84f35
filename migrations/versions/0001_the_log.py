"""The log: head, subjects, requests, commits, events, and the clock. Events and commits refuse change."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

APPEND_ONLY = ("events", "commits")
BEGINNING = -62_135_596_800_000_000  # the year 1, in microseconds since 1970
SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    head = op.create_table(
        "head",
        sa.Column(
            "id",
            sa.SmallInteger,
            sa.CheckConstraint("id = 1", name=op.f("ck_head_single")),
            autoincrement=False,
        ),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("chain", sa.LargeBinary, nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("learnt_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_head")),
        comment="The end of the log. Its lock is what makes positions dense and ordered.",
    )
    op.bulk_insert(
        head, [{"id": 1, "position": 0, "chain": bytes(32), "recorded_at": BEGINNING, "learnt_at": BEGINNING}]
    )
    op.create_table(
        "clock",
        sa.Column(
            "id",
            sa.SmallInteger,
            sa.CheckConstraint("id = 1", name=op.f("ck_clock_single")),
            autoincrement=False,
        ),
        sa.Column("offset_microseconds", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clock")),
        comment="How far this database's clock is from the machine's; no row: not at all.",
    )
    op.create_table(
        "subjects",
        sa.Column("id", SERIAL),
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subjects")),
        sa.UniqueConstraint("key", name=op.f("uq_subjects_key")),
        comment="What events are about, and how many events each has: the optimistic lock.",
    )
    op.create_table(
        "requests",
        sa.Column("key", sa.String(200)),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("commit", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_requests")),
        comment="Idempotency keys: a retry finds what it did before.",
    )
    op.create_table(
        "commits",
        sa.Column("first", SERIAL, autoincrement=False),
        sa.Column("last", sa.BigInteger, nullable=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("development", sa.String(36), nullable=False),
        sa.Column("recorded_at", sa.BigInteger, nullable=False),
        sa.Column("learnt_at", sa.BigInteger, nullable=False),
        sa.Column("logged_by", sa.String(80), nullable=False),
        sa.Column("chain", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("first", name=op.f("pk_commits")),
        sa.UniqueConstraint("last", name=op.f("uq_commits_last")),
        sa.UniqueConstraint("id", name=op.f("uq_commits_id")),
        comment="One row per append call.",
    )
    op.create_index("ix_commits_learnt_at_last", "commits", ["learnt_at", "last"])
    op.create_index(op.f("ix_commits_development"), "commits", ["development"])
    op.create_table(
        "events",
        sa.Column("position", SERIAL, autoincrement=False),
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("subject", sa.BigInteger, nullable=False),
        sa.Column("version", sa.BigInteger, nullable=False),
        sa.Column("type", sa.String(60), nullable=False),
        sa.Column("schema", sa.Integer, nullable=False),
        sa.Column("development", sa.String(36), nullable=False),
        sa.Column("commit", sa.BigInteger, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("salt", sa.LargeBinary, nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_events")),
        sa.UniqueConstraint("id", name=op.f("uq_events_id")),
        sa.UniqueConstraint("subject", "version", name=op.f("uq_events_subject_version")),
        sa.ForeignKeyConstraint(["subject"], ["subjects.id"], name=op.f("fk_events_subject")),
        sa.ForeignKeyConstraint(["commit"], ["commits.first"], name=op.f("fk_events_commit")),
        comment="The events; body is the exact text that was hashed.",
    )
    op.create_index(op.f("ix_events_development"), "events", ["development"])
    if op.get_bind().dialect.name == "sqlite":
        _refuse_on_sqlite()
    else:
        _refuse_on_postgresql()


def _refuse_on_sqlite() -> None:
    # INSERT OR REPLACE deletes without firing DELETE triggers unless a connection asks for it, so it is refused at
    # insert, for each key a row may collide by. (The hidden row number is the position: an INTEGER PRIMARY KEY.)
    keys = {
        "events": "position = NEW.position OR id = NEW.id OR (subject = NEW.subject AND version = NEW.version)",
        "commits": '"first" = NEW."first" OR id = NEW.id OR "last" = NEW."last"',
    }
    for table in APPEND_ONLY:
        refusal = f"SELECT RAISE(ABORT, '{table} are append-only');"
        op.execute(f"CREATE TRIGGER {table}_no_update BEFORE UPDATE ON {table} BEGIN {refusal} END")
        op.execute(f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} BEGIN {refusal} END")
        taken = f"EXISTS (SELECT 1 FROM {table} WHERE {keys[table]})"  # noqa: S608
        op.execute(
            f"CREATE TRIGGER {table}_no_replace BEFORE INSERT ON {table} WHEN {taken} BEGIN {refusal} END"
        )


def _refuse_on_postgresql() -> None:
    op.execute(
        "CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN RAISE EXCEPTION '% are append-only', TG_TABLE_NAME; END $$"
    )
    for table in APPEND_ONLY:
        for name, when in (("no_change", "UPDATE OR DELETE"), ("no_truncate", "TRUNCATE")):
            op.execute(
                f"CREATE TRIGGER {table}_{name} BEFORE {when} ON {table} "
                "FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()"
            )
            op.execute(f"ALTER TABLE {table} ENABLE ALWAYS TRIGGER {table}_{name}")
