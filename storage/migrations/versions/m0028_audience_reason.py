"""Why members were not reached is counted from an index of those who were not."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0024"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    words = sa.text("reason <> ''")
    op.create_index(
        "audience_reason", "audience", ["broadcast_id", "status", "reason"], sqlite_where=words, postgresql_where=words
    )
