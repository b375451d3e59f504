"""Coupons handed out may wait for a second person, whose allowance pays for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    with op.batch_alter_table("handout", schema=None) as batch:
        batch.drop_constraint("handout_status", type_="check")
        batch.drop_constraint("handout_done", type_="check")
        batch.add_column(sa.Column("charged_to", sa.String(), nullable=False, server_default=""))
        batch.create_check_constraint("handout_status", "status IN ('asked', 'waiting', 'done', 'declined')")
        batch.create_check_constraint("handout_done", "(status IN ('asked', 'waiting')) = (done_at IS NULL)")
    op.execute("UPDATE handout SET charged_to = userid")
    where = sa.text("done_at IS NULL")
    op.create_index("handout_open", "handout", ["userid"], sqlite_where=where, postgresql_where=where)
