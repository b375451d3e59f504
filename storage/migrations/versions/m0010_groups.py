"""Customer groups: stays that are over, days in numbers, join ways and welcomes, cards to tap."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    for name in ("met_at", "heard_at", "look_at"):
        op.add_column("group_chat", sa.Column(name, storage.types.UtcDateTime(), nullable=True))
    op.add_column("group_member", sa.Column("scene", sa.String(), nullable=False, server_default=""))
    op.create_index("group_member_state", "group_member", ["state"])
    _days()
    _assets()
    op.create_table(
        "card",
        sa.Column("task_id", sa.String(), nullable=False),
        sa.Column("userid", sa.String(), nullable=False),
        sa.Column("choices", sa.Text(), nullable=False),
        sa.Column("chosen", sa.String(), nullable=True),
        sa.Column("chosen_by", sa.String(), nullable=False),
        sa.Column("made_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("chosen_at", storage.types.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("task_id"),
    )


def _days() -> None:
    op.create_table(
        "group_left",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        *[sa.Column(name, sa.String(), nullable=False) for name in ("chat_id", "person", "kind", "state", "invitor")],
        sa.Column("joined_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("left_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("how", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("group_left_chat", "group_left", ["chat_id", "left_at"])
    op.create_index("group_left_state", "group_left", ["state"])
    op.create_table(
        "group_day",
        sa.Column("chat_id", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        *[sa.Column(name, sa.BigInteger(), nullable=False) for name in ("members", "contacts", "joined", "left")],
        sa.Column("invited", sa.Text(), nullable=False),
        sa.Column("whole", sa.BigInteger(), nullable=False),
        sa.Column("made_at", storage.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("chat_id", "day"),
    )
    counted = ("groups", "groups_active", "members", "members_active", "messages")
    op.create_table(
        "group_owner_day",
        sa.Column("owner", sa.String(), nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        *[sa.Column(name, sa.BigInteger(), nullable=False) for name in counted],
        sa.Column("made_at", storage.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("owner", "day"),
    )


def _assets() -> None:
    op.create_table(
        "group_asset",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        *[sa.Column(name, sa.String(), nullable=False) for name in ("kind", "key", "name", "state")],
        sa.Column("body", sa.Text(), nullable=False),
        *[sa.Column(name, sa.String(), nullable=False) for name in ("remote_id", "qr_code", "status", "error")],
        sa.Column("created_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("changed_at", storage.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("kind", "key", name="group_asset_key"),
        sa.CheckConstraint("kind IN ('join_way', 'welcome')", name="group_asset_kind"),
        sa.CheckConstraint(
            "status IN ('making', 'made', 'unsure', 'refused', 'deleting', 'deleted')", name="group_asset_status"
        ),
        sa.CheckConstraint("status <> 'made' OR remote_id <> ''", name="group_asset_made"),
    )
