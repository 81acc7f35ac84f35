"""Which derived tables are in use, and which are being built beside them."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "builds",
        sa.Column("generation", sa.Integer, autoincrement=False),
        sa.Column("state", sa.String(8), nullable=False),
        sa.Column("shape", sa.String(64), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("position", sa.BigInteger, nullable=False),
        sa.PrimaryKeyConstraint("generation", name=op.f("pk_builds")),
        comment="The derived tables: those in use (live), those that are filled (building), and those to be dropped "
        "(old).",
    )
    op.drop_index(op.f("ix_commits_development"), "commits")  # the one of events serves
    op.execute("DROP TABLE IF EXISTS readings")  # said the same of earlier releases
