"""Who is told: subscriptions, editions and what was cut for whom, deliveries and every attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

SERIAL = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def upgrade() -> None:
    op.create_table(
        "subscriptions",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("address", sa.String(320), nullable=False),
        sa.Column("partners", sa.Text, nullable=False),
        sa.Column("sectors", sa.Text, nullable=False),
        sa.Column("zone", sa.String(60), nullable=False),
        sa.Column("hour", sa.SmallInteger, nullable=False),
        sa.Column("weekdays", sa.Text, nullable=False),
        sa.Column("send_empty", sa.Boolean, nullable=False),
        sa.Column("active", sa.Boolean, nullable=False),
        sa.Column("as_of", sa.BigInteger, nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("created_by", sa.String(80), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subscriptions")),
        comment="Who is told of what, and when; as_of and position: up to where it was told; due_at: when next.",
    )
    op.create_index("ix_subscriptions_active_due_at", "subscriptions", ["active", "due_at"])
    op.create_table(
        "editions",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("headline", sa.Text, nullable=False),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("since_as_of", sa.BigInteger, nullable=False),
        sa.Column("since_position", sa.BigInteger, nullable=False),
        sa.Column("until_as_of", sa.BigInteger, nullable=False),
        sa.Column("until_position", sa.BigInteger, nullable=False),
        sa.Column("empty", sa.Boolean, nullable=False),
        sa.Column("content", sa.Text, nullable=False),
        sa.Column("cut_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_editions")),
        comment="Frozen digests; id is the SHA-256 of content, the exact text.",
    )
    op.create_index("ix_editions_cut_at", "editions", ["cut_at"])
    op.create_table(
        "cuts",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("subscription", sa.String(40), nullable=False),
        sa.Column("due_key", sa.String(40), nullable=False),
        sa.Column("due_at", sa.BigInteger, nullable=False),
        sa.Column("edition", sa.String(64), nullable=False),
        sa.Column("cut_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cuts")),
        sa.UniqueConstraint("subscription", "due_key", name=op.f("uq_cuts_subscription_due_key")),
        sa.ForeignKeyConstraint(["subscription"], ["subscriptions.id"], name=op.f("fk_cuts_subscription")),
        sa.ForeignKeyConstraint(["edition"], ["editions.id"], name=op.f("fk_cuts_edition")),
        comment="Which edition a subscription got for which local date: once only.",
    )
    op.create_index(op.f("ix_cuts_edition"), "cuts", ["edition"])
    op.create_table(
        "mentions",
        sa.Column("edition", sa.String(64), nullable=False),
        sa.Column("development", sa.String(36), nullable=False),
        sa.PrimaryKeyConstraint("edition", "development", name=op.f("pk_mentions")),
        sa.ForeignKeyConstraint(["edition"], ["editions.id"], name=op.f("fk_mentions_edition")),
        comment="Which developments an edition tells, so that a correction knows who was told what, and when.",
    )
    op.create_index("ix_mentions_development", "mentions", ["development"])
    op.create_table(
        "deliveries",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("subscription", sa.String(40), nullable=False),
        sa.Column("edition", sa.String(64), nullable=False),
        sa.Column("previous", sa.String(64)),
        sa.Column("channel", sa.String(20), nullable=False),
        sa.Column("recipient", sa.String(320), nullable=False),
        sa.Column("reference", sa.String(40), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("next_attempt_at", sa.BigInteger),
        sa.Column("lease_until", sa.BigInteger),
        sa.Column("fence", sa.BigInteger, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("settled_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliveries")),
        sa.UniqueConstraint(
            "subscription", "edition", "recipient", name=op.f("uq_deliveries_subscription_edition_recipient")
        ),
        sa.ForeignKeyConstraint(
            ["subscription"], ["subscriptions.id"], name=op.f("fk_deliveries_subscription")
        ),
        sa.ForeignKeyConstraint(["edition"], ["editions.id"], name=op.f("fk_deliveries_edition")),
        sa.ForeignKeyConstraint(["previous"], ["editions.id"], name=op.f("fk_deliveries_previous")),
        comment="Editions on their way; reference is the same over all attempts; no next_attempt_at: no more attempts.",
    )
    op.create_index("ix_deliveries_state_next_attempt_at", "deliveries", ["state", "next_attempt_at"])
    op.create_index("ix_deliveries_edition", "deliveries", ["edition"])
    op.create_table(
        "attempts",
        sa.Column("id", SERIAL, nullable=False),
        sa.Column("delivery", SERIAL, nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("ended_at", sa.BigInteger),
        sa.Column("outcome", sa.String(10)),
        sa.Column("code", sa.Integer),
        sa.Column("answer", sa.String(500)),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempts")),
        sa.UniqueConstraint("delivery", "number", name=op.f("uq_attempts_delivery_number")),
        sa.ForeignKeyConstraint(["delivery"], ["deliveries.id"], name=op.f("fk_attempts_delivery")),
        comment="Every try: when, and what came back.",
    )
