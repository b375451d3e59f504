"""Salons: what is held when and where, and who has which seat."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0019"
down_revision = "0017"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "salon",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        *_words("title", "store", "place", "intro", "zone", "sku", "check_code", "status", "made_by"),
        *_numbers("no", "seats", "points", "accept_minutes", "version", "queue"),
        *[sa.Column(name, sa.Text(), nullable=False) for name in ("who", "remind", "follow")],
        *_moments("starts_at", "ends_at", "created_at"),
        sa.Column("settled_at", storage.types.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("no", name="salon_no"),
        sa.UniqueConstraint("check_code", name="salon_check_code"),
        sa.CheckConstraint("status IN ('open', 'cancelled', 'done')", name="salon_status"),
        sa.CheckConstraint("seats > 0", name="salon_seats"),
        sa.CheckConstraint("points >= 0", name="salon_points"),
        sa.CheckConstraint("ends_at > starts_at", name="salon_times"),
    )
    _some("salon_open", "salon", ["starts_at"], "settled_at IS NULL")
    op.create_table(
        "salon_seat",
        sa.Column("id", _ID, autoincrement=False, nullable=False),
        *_words("status", "token", "paid_key", "by"),
        *_numbers("salon_id", "member_id", "place", "points"),
        sa.Column("checkout_id", sa.BigInteger(), nullable=True),
        *_moments("made_at", "changed_at"),
        *[sa.Column(name, storage.types.UtcDateTime(), nullable=True) for name in ("offered_until", "attended_at")],
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("salon_id", "member_id", name="salon_seat_once"),
        sa.UniqueConstraint("token", name="salon_seat_token"),
        sa.CheckConstraint(
            "status IN ('waiting', 'offered', 'held', 'confirmed', 'attended', 'absent', 'cancelled', 'lapsed')",
            name="salon_seat_status",
        ),
        sa.CheckConstraint("points >= 0", name="salon_seat_points"),
    )
    op.create_index("salon_seat_queue", "salon_seat", ["salon_id", "status", "place"])
    op.create_index("salon_seat_member", "salon_seat", ["member_id"])
    _some("salon_seat_checkout", "salon_seat", ["checkout_id"], "checkout_id IS NOT NULL")


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=False) for name in names]


def _moments(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, storage.types.UtcDateTime(), nullable=False) for name in names]


def _some(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))
