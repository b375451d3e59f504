"""Tiers: rules by version, what each member holds, every change of it, cards that were paid for."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None

PLANNED = "look_at IS NOT NULL"


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "tier_rule",
        _id(),
        sa.Column("rules", sa.Text(), nullable=False),
        _words("made_by"),
        _moment("made_at"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "member_tier",
        _id("member_id"),
        _words("level"),
        _words("card"),
        _moment("card_until", null=True),
        _words("stage"),
        _number("value"),
        _moment("review_at", null=True),
        _moment("look_at", null=True),
        _number("rule_id"),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("member_id"),
        sa.CheckConstraint("stage IN ('none', 'kept', 'noticed', 'grace')", name="member_tier_stage"),
        sa.CheckConstraint("(level = '') = (stage = 'none')", name="member_tier_level"),
        sa.CheckConstraint("(level = '') = (look_at IS NULL)", name="member_tier_planned"),
        sa.CheckConstraint("(card = '') = (card_until IS NULL)", name="member_tier_card"),
    )
    op.create_index(
        "member_tier_look", "member_tier", ["look_at", "member_id"], sqlite_where=sa.text(PLANNED),
        postgresql_where=sa.text(PLANNED),
    )  # fmt: skip
    _history()


def _history() -> None:
    op.create_table(
        "tier_change",
        _id(),
        _number("member_id"),
        _words("before"),
        _words("after"),
        _words("why"),
        _number("value"),
        _number("floor"),
        _number("rule_id"),
        _words("cause"),
        _moment("at"),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint(
            "why IN ('order', 'rules', 'review', 'merge', 'card', 'card_over', 'refund')", name="tier_change_why"
        ),
    )
    op.create_index("tier_change_member", "tier_change", ["member_id", "id"])
    op.create_table(
        "tier_card",
        _id(),
        _number("order_id"),
        _number("member_id"),
        _words("level"),
        _number("days"),
        _number("kept"),
        _moment("made_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("order_id", "level", name="tier_card_key"),
        sa.CheckConstraint("kept >= 0 AND kept <= days", name="tier_card_kept"),
    )
    op.create_index("tier_card_member", "tier_card", ["member_id", "id"])


def _id(name: str = "id") -> sa.Column[int]:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, key, autoincrement=False, nullable=False)


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False, autoincrement=False)


def _moment(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, storage.types.UtcDateTime(), nullable=null)
