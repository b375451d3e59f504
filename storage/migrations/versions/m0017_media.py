"""Media: files that staff sent, and who sent them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "media",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("width", sa.BigInteger(), nullable=False),
        sa.Column("height", sa.BigInteger(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("made_at", storage.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("seq", name="media_seq"),
        sa.UniqueConstraint("sha256", name="media_sha256"),
        sa.CheckConstraint("kind IN ('jpeg', 'png', 'gif', 'webp', 'pdf', 'xlsx', 'csv')", name="media_kind"),
        sa.CheckConstraint("size > 0", name="media_size"),
    )
    op.create_table(
        "media_sender",
        sa.Column(
            "media_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("userid", sa.String(), nullable=False),
        sa.Column("cause", sa.String(), nullable=False),
        sa.Column("sent_at", storage.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("media_id", "userid"),
    )
    op.create_index("media_sender_userid", "media_sender", ["userid"])
