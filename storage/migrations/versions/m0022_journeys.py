"""Journeys: versions, who is on which, what was done for them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "journey",
        _id(), _words("name"), _number("version"), _words("digest"), sa.Column("definition", sa.Text(), nullable=False),
        _moment("made_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", "version", name="journey_version"),
        sa.UniqueConstraint("name", "digest", name="journey_digest"),
    )  # fmt: skip
    op.create_table(
        "journey_switch",
        _words("name"), _words("status"), _words("changed_by"), _moment("changed_at"),
        sa.PrimaryKeyConstraint("name"),
        sa.CheckConstraint("status IN ('running', 'paused', 'stopped')", name="journey_switch_status"),
    )  # fmt: skip
    op.create_table(
        "journey_run",
        _id(), _words("key"), _words("name"), _number("journey_id"), _number("member_id"), _words("occasion"),
        _number("step"), _words("status"), _words("why"), _moment("began_at"), _moment("next_at", null=True),
        _moment("ended_at", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="journey_run_key"),
        sa.CheckConstraint("status IN ('running', 'done', 'left', 'control', 'stopped')", name="journey_run_status"),
        sa.CheckConstraint("(status = 'running') = (next_at IS NOT NULL)", name="journey_run_next"),
    )  # fmt: skip
    op.create_index("journey_run_member", "journey_run", ["member_id", "name"])
    where = sa.text("next_at IS NOT NULL")
    op.create_index(
        "journey_run_due", "journey_run", ["name", "next_at"], sqlite_where=where, postgresql_where=where
    )  # fmt: skip
    op.create_table(
        "journey_note",
        _id(), _number("run_id"), _number("step"), _words("what"), _words("why"), _moment("at"),
        sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip
    op.create_index("journey_note_run", "journey_note", ["run_id", "id"])


def _id() -> sa.Column[int]:
    return sa.Column("id", _ID, autoincrement=False, nullable=False)


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _moment(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, storage.types.UtcDateTime(), nullable=null)
