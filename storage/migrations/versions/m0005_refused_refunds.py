"""Refused refunds: a shop may refuse what we ask it to pay back."""

from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.drop_constraint("refund_status", type_="check")
        batch_op.create_check_constraint("refund_status", "status IN ('owed', 'done', 'refused')")
