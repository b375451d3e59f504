"""Language model: calls with the tokens they may and did use."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0014"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "model_call",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("day", sa.String(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("prompt", sa.String(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        *[sa.Column(name, sa.BigInteger(), nullable=False) for name in ("reserved", "tokens", "charged", "tries")],
        *[sa.Column(name, sa.String(), nullable=False) for name in ("rung", "outcome")],
        sa.Column("asked_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("over_at", storage.types.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("reserved >= 0 AND tokens >= 0 AND charged >= 0", name="model_call_tokens"),
        sa.CheckConstraint("outcome <> '' OR over_at IS NULL", name="model_call_over"),
    )
    op.create_index("model_call_member", "model_call", ["member_id", "asked_at"])
    op.create_index("model_call_day", "model_call", ["day"])
    op.create_index(
        "model_call_open", "model_call", ["asked_at"],
        sqlite_where=sa.text("over_at IS NULL"), postgresql_where=sa.text("over_at IS NULL"),
    )  # fmt: skip
