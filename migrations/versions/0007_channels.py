"""Subscriptions are confirmed, told at once, halted; endpoints; notices beside editions."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    for column in (
        sa.Column("topics", sa.Text, nullable=False, server_default="[]"),
        sa.Column("at_once", sa.Boolean, nullable=False, server_default=sa.false()),
        sa.Column("confirmed_at", sa.BigInteger),
        sa.Column("failures", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.Column("failing_since", sa.BigInteger),
        sa.Column("halted_at", sa.BigInteger),
        sa.Column("halted_because", sa.String(200)),
    ):
        op.add_column("subscriptions", column)
    op.create_table(
        "endpoints",
        sa.Column("subscription", sa.String(40), nullable=False),
        sa.Column("url", sa.Text, nullable=False),
        sa.Column("secret", sa.Text),
        sa.Column("old_secret", sa.Text),
        sa.Column("old_until", sa.BigInteger),
        sa.Column("contact", sa.String(320)),
        sa.Column("contact_confirmed_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("subscription", name=op.f("pk_endpoints")),
        sa.ForeignKeyConstraint(
            ["subscription"], ["subscriptions.id"], name=op.f("fk_endpoints_subscription")
        ),
        comment="Addresses that are told over HTTP, sealed, with their secrets; contact: who is told of failures.",
    )
    op.create_table(
        "invitations",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("sent_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitations")),
        comment="When an address was last written to because somebody entered it; a keyed hash of it, kept for a day.",
    )
    op.create_index("ix_invitations_address_sent_at", "invitations", ["address", "sent_at"])
    if op.get_bind().dialect.name == "sqlite":
        _remade_on_sqlite()
    else:
        _altered()


def _altered() -> None:
    op.alter_column("deliveries", "edition", nullable=True)
    op.execute("UPDATE deliveries SET next_attempt_at = lease_until WHERE state = 'sending'")
    op.drop_column("deliveries", "lease_until")
    op.create_index("ix_deliveries_next_attempt_at_id", "deliveries", ["next_attempt_at", "id"])
    op.add_column("deliveries", sa.Column("notice", sa.Text))
    op.add_column("deliveries", sa.Column("earlier", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.create_table_comment("deliveries", COMMENT)
    op.alter_column("attempts", "answer", type_=sa.Text)
    op.add_column("attempts", sa.Column("milliseconds", sa.Integer))


COMMENT = (
    "Editions and notices on their way; reference is the same over all attempts; no next_attempt_at: no more attempts; "
    "earlier: attempts before it was put on its way again."
)


def _remade_on_sqlite() -> None:
    """SQLite cannot alter a column, and a table to which others refer cannot be dropped: so both are copied, and the
    old ones dropped, the referring one first."""
    op.create_table(
        "deliveries_new",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("subscription", sa.String(40), nullable=False),
        sa.Column("edition", sa.String(64)),
        sa.Column("previous", sa.String(64)),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("recipient", sa.String(320), nullable=False),
        sa.Column("reference", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger),
        sa.Column("notice", sa.Text),
        sa.Column("earlier", sa.Integer, nullable=False, server_default=sa.text("0")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "subscription", "edition", "recipient", name=op.f("uq_deliveries_subscription_edition_recipient")
        ),
        sa.ForeignKeyConstraint(
            ["subscription"], ["subscriptions.id"], name=op.f("fk_deliveries_subscription")
        ),
        sa.ForeignKeyConstraint(["edition"], ["editions.id"], name=op.f("fk_deliveries_edition")),
        sa.ForeignKeyConstraint(["previous"], ["editions.id"], name=op.f("fk_deliveries_previous")),
    )
    op.create_table(
        "attempts_new",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("delivery", SERIAL, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("outcome", sa.String(10)),
        sa.Column("code", sa.Integer),
        sa.Column("answer", sa.Text),
        sa.Column("milliseconds", sa.Integer),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("delivery", "number", name=op.f("uq_attempts_delivery_number")),
        sa.ForeignKeyConstraint(["delivery"], ["deliveries_new.id"], name=op.f("fk_attempts_delivery")),
    )
    op.execute("UPDATE deliveries SET next_attempt_at = lease_until WHERE state = 'sending'")
    _copied("deliveries", DELIVERIES)
    _copied("attempts", ATTEMPTS)
    for table in ("attempts", "deliveries"):
        op.drop_table(table)
        op.rename_table(f"{table}_new", table)
    op.create_index("ix_deliveries_state_next_attempt_at", "deliveries", ["state", "next_attempt_at"])
    op.create_index("ix_deliveries_next_attempt_at_id", "deliveries", ["next_attempt_at", "id"])
    op.create_index("ix_deliveries_edition", "deliveries", ["edition"])


DELIVERIES = (
    "id", "subscription", "edition", "previous", "channel", "recipient", "reference", "state", "attempts",
    "next_attempt_at", "fence", "created_at", "settled_at",
)  # fmt: skip
ATTEMPTS = ("id", "delivery", "number", "started_at", "ended_at", "outcome", "code", "answer")


def _copied(table: str, columns: Sequence[str]) -> None:
    names = ", ".join(columns)
    op.execute(f"INSERT INTO {table}_new ({names}) SELECT {names} FROM {table}")  # noqa: S608  # names of ours
