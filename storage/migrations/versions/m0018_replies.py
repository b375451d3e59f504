"""Replies: how far a talk has come, and what is suggested to guides."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0018"
down_revision = "0012"
branch_labels = None
depends_on = None

OPEN = sa.text("closed_at IS NULL")
EDITED = sa.text("edit_at IS NOT NULL")


def _moment(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, storage.types.UtcDateTime(), nullable=null)


def _words(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _number(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "conversation",
        *_words("open_kfid", "external_userid"),
        _number("seq"),
        *_words("last_key", "question"),
        _number("asked_seq"),
        _moment("asked_at"),
        *_words("waits"),
        _number("misses"),
        _number("burst"),
        *[_moment(name) for name in ("burst_at", "handed_at", "noted_at")],
        sa.PrimaryKeyConstraint("open_kfid", "external_userid"),
        sa.CheckConstraint("waits IN ('', 'model', 'quiet', 'guide')", name="conversation_waits"),
        sa.CheckConstraint("asked_seq <= seq AND misses >= 0 AND burst >= 0", name="conversation_counts"),
    )
    _drafts()


def _drafts() -> None:
    op.create_table(
        "draft",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        *_words("open_kfid", "external_userid", "userid"),
        _number("seq"),
        _number("rev"),
        *_words("question", "intent", "reply"),
        *[sa.Column(name, sa.Text(), nullable=False) for name in ("basis", "cites")],
        *_words("made_by", "status", "why"),
        _moment("edit_at", null=True),
        _moment("made_at"),
        _moment("closed_at", null=True),
        *_words("closed_by"),
        _number("sent_row", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("status IN ('open', 'sent', 'dismissed', 'stale', 'handed')", name="draft_status"),
        sa.CheckConstraint("(status = 'open') = (closed_at IS NULL)", name="draft_closed"),
        sa.CheckConstraint("(status = 'sent') = (sent_row IS NOT NULL)", name="draft_sent"),
        sa.CheckConstraint("made_by IN ('template', 'knowledge', 'model', 'guide', 'nobody')", name="draft_made_by"),
    )
    op.create_index("draft_open", "draft", ["open_kfid", "external_userid"], unique=True,
                    sqlite_where=OPEN, postgresql_where=OPEN)  # fmt: skip
    op.create_index("draft_waiting", "draft", ["userid", "id"], sqlite_where=OPEN, postgresql_where=OPEN)
    op.create_index("draft_edited", "draft", ["userid", "edit_at"], sqlite_where=EDITED, postgresql_where=EDITED)
