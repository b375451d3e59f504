"""Kept files at WeCom's, by media_id."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0030"
down_revision = "0027"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "media_upload",
        sa.Column(
            "media_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        *[sa.Column(name, sa.String(), nullable=False) for name in ("kind", "name", "wecom_id")],
        *[sa.Column(name, storage.types.UtcDateTime(), nullable=False) for name in ("made_at", "until")],
        sa.PrimaryKeyConstraint("media_id", "kind", "name"),
    )
