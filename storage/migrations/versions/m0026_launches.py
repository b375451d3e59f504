"""Launches of products, and content that guides post."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "launch",
        _id(), _words("name"), _words("sku"), _number("segment_id"), _number("days"), _words("status"),
        _words("made_by"), _moment("made_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("status IN ('drafted', 'approved', 'stopped')", name="launch_status"),
        sa.CheckConstraint("days > 0", name="launch_days"),
    )  # fmt: skip
    op.create_table(
        "launch_moment",
        _id(), _number("launch_id"), _number("place"), _number("broadcast_id"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("launch_id", "place", name="launch_moment_place"),
        sa.UniqueConstraint("broadcast_id", name="launch_moment_broadcast"),
    )  # fmt: skip
    op.create_table(
        "post",
        _id(), _words("name"), _text("text"), _words("link"), _text("chat_ids"), _text("userids"), _text("times"),
        _words("status"), _words("made_by"), _moment("made_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("status IN ('running', 'paused', 'stopped')", name="post_status"),
    )  # fmt: skip
    op.create_index("post_status_of", "post", ["status", "id"])


def _id() -> sa.Column[int]:
    return sa.Column("id", _ID, autoincrement=False, nullable=False)


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _moment(name: str) -> sa.Column[object]:
    return sa.Column(name, storage.types.UtcDateTime(), nullable=False)
