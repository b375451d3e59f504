"""Buying: discounts and store of a checkout, who verified a coupon where, redemptions, points moved by hand."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.add_column("checkout", sa.Column("discounts", sa.Text(), nullable=False, server_default="[]"))
    for table, name in (("checkout", "store"), ("coupon", "store"), ("coupon", "used_by")):
        op.add_column(table, sa.Column(name, sa.String(), nullable=False, server_default=""))
    op.create_table(
        "redemption",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("points", sa.BigInteger(), nullable=False),
        sa.Column("holds", sa.Text(), nullable=False),
        sa.Column("lots", sa.Text(), nullable=False),
        sa.Column("coupon_id", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("made_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("until", storage.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("status IN ('asked', 'done', 'undone', 'declined')", name="redemption_status"),
        sa.CheckConstraint("points > 0", name="redemption_points"),
    )
    op.create_index("redemption_member", "redemption", ["member_id", "id"])
    some = sa.text("coupon_id IS NOT NULL")
    op.create_index("redemption_coupon", "redemption", ["coupon_id"], sqlite_where=some, postgresql_where=some)
    op.create_table(
        "points_act",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("valid_days", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("made_at", storage.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("status IN ('waiting', 'done')", name="points_act_status"),
        sa.CheckConstraint("amount <> 0", name="points_act_amount"),
    )
    op.create_index("points_act_member", "points_act", ["member_id", "id"])
