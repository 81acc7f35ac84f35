"""Who may write: analysts, keys, sessions."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "analysts",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_analysts")),
        sa.UniqueConstraint("name", name=op.f("uq_analysts_name")),
        comment="Who may write. Events name the id, never the name.",
    )
    op.create_table(
        "keys",
        sa.Column("id", sa.String(40), nullable=False),
        sa.Column("analyst", sa.String(40), nullable=False),
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("created_at", sa.BigInteger, nullable=False),
        sa.Column("revoked_at", sa.BigInteger),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_keys")),
        sa.UniqueConstraint("hash", name=op.f("uq_keys_hash")),
        sa.ForeignKeyConstraint(["analyst"], ["analysts.id"], name=op.f("fk_keys_analyst")),
        comment="What analysts sign in and call the API with; only the SHA-256 of the secret is kept.",
    )
    op.create_index(op.f("ix_keys_analyst"), "keys", ["analyst"])
    op.create_table(
        "sessions",
        sa.Column("hash", sa.LargeBinary, nullable=False),
        sa.Column("key", sa.String(40), nullable=False),
        sa.Column("expires_at", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("hash", name=op.f("pk_sessions")),
        sa.ForeignKeyConstraint(["key"], ["keys.id"], name=op.f("fk_sessions_key")),
        comment="Browsers that are signed in, each by a key; a revoked key ends its sessions.",
    )
    op.create_index(op.f("ix_sessions_key"), "sessions", ["key"])
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"])
