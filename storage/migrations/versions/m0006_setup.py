"""Setting up: files of members, products and orders on their way in."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WORDS = ("unionid", "wecom", "phone", "name", "tier", "code", "source", "place")


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "import_run",
        sa.Column("id", KEY, autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("made_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("done_at", storage.types.UtcDateTime(), nullable=True),
        sa.CheckConstraint("kind IN ('members', 'products', 'orders')", name="import_run_kind"),
        sa.CheckConstraint("status IN ('staging', 'done', 'dropped')", name="import_run_status"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "import_row",
        sa.Column("run_id", KEY, autoincrement=False, nullable=False),
        sa.Column("line", KEY, autoincrement=False, nullable=False),
        sa.Column("base_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        *[sa.Column(name, sa.String(), nullable=False) for name in WORDS],
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("cost_fen", sa.BigInteger(), nullable=False),
        sa.Column("stock", sa.BigInteger(), nullable=True),
        sa.Column("at", storage.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "line"),
    )
    op.create_index("import_row_member", "import_row", ["run_id", "member_id"])
    op.create_table(
        "import_tag",
        sa.Column("run_id", KEY, autoincrement=False, nullable=False),
        sa.Column("line", KEY, autoincrement=False, nullable=False),
        sa.Column("group_name", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("run_id", "line", "group_name", "name"),
    )


def downgrade() -> None:
    """Take it back."""
    op.drop_table("import_tag")
    op.drop_index("import_row_member", "import_row")
    op.drop_table("import_row")
    op.drop_table("import_run")
