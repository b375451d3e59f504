"""微信客服 KF: accounts with their cursors, conversations with their windows."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "kf_account",
        sa.Column("open_kfid", sa.String(), nullable=False),
        sa.Column("cursor", sa.String(), nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("token_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("active", sa.BigInteger(), nullable=False),
        sa.Column("seen_at", storage.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("open_kfid"),
    )
    op.create_table(
        "kf_session",
        sa.Column("open_kfid", sa.String(), nullable=False),
        sa.Column("external_userid", sa.String(), nullable=False),
        sa.Column("heard_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("sent", sa.BigInteger(), nullable=False),
        sa.Column("sent_at", sa.Text(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("state_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("servicer", sa.String(), nullable=False),
        sa.Column("scene", sa.String(), nullable=False),
        sa.Column("scene_param", sa.String(), nullable=False),
        sa.Column("entered_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("nudged_at", storage.types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("sent >= 0 AND sent <= 5", name="kf_session_sent"),
        sa.CheckConstraint("state >= 0 AND state <= 4", name="kf_session_state"),
        sa.PrimaryKeyConstraint("open_kfid", "external_userid"),
    )
    with op.batch_alter_table("kf_session", schema=None) as batch_op:
        batch_op.create_index("kf_session_contact", ["external_userid"], unique=False)


def downgrade() -> None:
    """Take it back."""
    with op.batch_alter_table("kf_session", schema=None) as batch_op:
        batch_op.drop_index("kf_session_contact")

    op.drop_table("kf_session")
    op.drop_table("kf_account")
