"""Referral: what is held for a referral, who looked at it, when it qualified; who became whom, who brought whom."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_TEXTS = {"holds": "[]", "flags": "", "decided_by": "", "note": ""}
_SOME = {"member_merged": "merged_into", "member_referrer": "referrer_id"}


def upgrade() -> None:
    """Make the change."""
    moment = storage.types.UtcDateTime
    with op.batch_alter_table("referral", schema=None) as batch_op:
        batch_op.add_column(sa.Column("new_since", moment(), nullable=True))
        for name, empty in _TEXTS.items():
            kind = sa.Text() if name == "holds" else sa.String()
            batch_op.add_column(sa.Column(name, kind, nullable=False, server_default=empty))
        batch_op.add_column(sa.Column("qualified_at", moment(), nullable=True))
        batch_op.add_column(sa.Column("closed_at", moment(), nullable=True))
    op.execute("UPDATE referral SET new_since = bound_at")
    with op.batch_alter_table("referral", schema=None) as batch_op:
        batch_op.alter_column("new_since", existing_type=moment(), nullable=False)
        for name in _TEXTS:
            batch_op.alter_column(name, server_default=None)
        batch_op.create_index("referral_invitee", ["invitee_id", "id"], unique=False)
    for name, column in _SOME.items():
        where = sa.text(f"{column} IS NOT NULL")
        op.create_index(name, "member", [column], unique=False, sqlite_where=where, postgresql_where=where)
