"""Timetables: drives that come back, session by session."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0025"
down_revision = "0023"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "timetable",
        _id(), _words("kind"), _words("name"), _words("status"), _text("times"), _text("items"), _number("worst_fen"),
        _words("made_by"), _words("approved_by"), _moment("created_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("status IN ('draft', 'published', 'paused', 'ended')", name="timetable_status"),
        sa.CheckConstraint("worst_fen >= -1", name="timetable_worst"),
    )  # fmt: skip
    op.create_index("timetable_kind", "timetable", ["kind", "status"])
    op.create_table(
        "timetable_session",
        _id(), _number("timetable_id"), _number("place"), _moment("starts_at"), _moment("ends_at"),
        _number("campaign_id"), _words("status"), _words("why"), _moment("changed_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("timetable_id", "place", "starts_at", name="timetable_session_once"),
        sa.UniqueConstraint("campaign_id", name="timetable_session_campaign"),
        sa.CheckConstraint("status IN ('planned', 'open', 'over', 'skipped')", name="timetable_session_status"),
        sa.CheckConstraint("ends_at > starts_at", name="timetable_session_times"),
    )  # fmt: skip
    where = sa.text("status = 'planned'")
    op.create_index(
        "timetable_session_coming", "timetable_session", ["starts_at"], sqlite_where=where, postgresql_where=where
    )


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
