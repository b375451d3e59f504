"""Broadcasts on their way: groups, coupons, how long staff have, which call makes a task."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0014"
branch_labels = None
depends_on = None

NUMBERS = (
    ("broadcast", "coupon_cursor", "0"),
    ("broadcast", "allow_select", "0"),
    ("broadcast", "expire_h", "72"),
    ("broadcast", "polls", "0"),
    ("broadcast", "idle_polls", "0"),
    ("broadcast_task", "outbox_id", "0"),
)


def upgrade() -> None:
    """Make the change."""
    op.add_column("broadcast", sa.Column("chat_ids", sa.Text(), nullable=False, server_default="[]"))
    op.add_column("broadcast", sa.Column("coupon", sa.String(), nullable=False, server_default=""))
    for table, name, default in NUMBERS:
        op.add_column(table, sa.Column(name, sa.BigInteger(), nullable=False, server_default=default))
