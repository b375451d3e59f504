"""OneBot: codes that link community accounts to members, groups that were welcomed."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "community_group",
        sa.Column("chat_id", sa.String(), nullable=False),
        sa.Column("welcomed_at", storage.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("chat_id"),
    )
    op.create_table(
        "link_code",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("made_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("expires_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("ended_at", storage.types.UtcDateTime(), nullable=True),
        sa.Column("used_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest", name="link_code_digest"),
    )
    with op.batch_alter_table("link_code", schema=None) as batch_op:
        batch_op.create_index("link_code_member", ["member_id"], unique=False)
