"""Dialogue: what the numbers last shown to somebody mean."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "dialogue",
        sa.Column("channel", sa.String(), nullable=False),
        sa.Column("external_id", sa.String(), nullable=False),
        sa.Column("choices", sa.Text(), nullable=False),
        sa.Column("until", storage.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "external_id"),
    )
