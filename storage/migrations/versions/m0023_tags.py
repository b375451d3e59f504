"""Tags: groups, rules by version and their runs, what WeCom has, the scale of RFM; a store's type."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0023"
down_revision = "0028"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_CELLS = [f"{letter}{edge}" for letter in "rfm" for edge in range(1, 5)]


def upgrade() -> None:
    """Make the change. Groups that people tag by are shown at WeCom, as they were before."""
    op.add_column("store", sa.Column("type", sa.String(), nullable=False, server_default=""))
    _groups()
    _rules()
    _corp()
    op.create_table(
        "rfm_scale", _id(), *[_number(cell) for cell in _CELLS], _words("how"), _moment("made_at"),
        sa.PrimaryKeyConstraint("id"),
    )  # fmt: skip


def _groups() -> None:
    op.create_table(
        "tag_group",
        _words("name"), _number("exclusive"), _number("corp"), _words("made_by"), _moment("made_at"),
        sa.PrimaryKeyConstraint("name"),
        sa.CheckConstraint("exclusive IN (0, 1)", name="tag_group_exclusive"),
        sa.CheckConstraint("corp IN (0, 1)", name="tag_group_corp"),
    )  # fmt: skip
    op.execute(
        "INSERT INTO tag_group (name, exclusive, corp, made_by, made_at) "
        "SELECT group_name, 0, 1, min(made_by), min(made_at) FROM tag GROUP BY group_name"
    )


def _rules() -> None:
    op.create_table(
        "tag_rule",
        _id(), _words("group_name"), _words("name"), _text("rule"), _number("days"), _number("place"),
        _words("status"), _number("version"), _words("origin"), _words("made_by"), _moment("made_at"),
        _moment("changed_at"), _moment("ended_at", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("status IN ('running', 'paused', 'ended')", name="tag_rule_status"),
        sa.CheckConstraint("(status = 'ended') = (ended_at IS NOT NULL)", name="tag_rule_ended"),
        sa.CheckConstraint("days >= 0", name="tag_rule_days"),
    )  # fmt: skip
    there = sa.text("ended_at IS NULL")
    op.create_index(
        "tag_rule_open", "tag_rule", ["group_name", "name"], unique=True, sqlite_where=there, postgresql_where=there
    )
    op.create_table(
        "tag_rule_version",
        sa.Column("rule_id", _ID, autoincrement=False, nullable=False), _number("version"), _text("rule"),
        _number("days"), _number("place"), _words("made_by"), _moment("made_at"),
        sa.PrimaryKeyConstraint("rule_id", "version"),
    )  # fmt: skip
    op.create_table(
        "tag_run",
        _id(), _words("name"), _number("cursor"), _number("windows"), _number("put"), _number("off"),
        _words("status"), _moment("began_at"), _moment("ended_at", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", name="tag_run_name"),
        sa.CheckConstraint("status IN ('running', 'done', 'dropped')", name="tag_run_status"),
        sa.CheckConstraint("(status = 'running') = (ended_at IS NULL)", name="tag_run_ended"),
    )  # fmt: skip


def _corp() -> None:
    op.create_table(
        "corp_tag",
        _words("tag_id"), _words("group_id"), _words("group_name"), _words("name"), _moment("seen_at"),
        sa.PrimaryKeyConstraint("tag_id"),
    )  # fmt: skip
    op.create_index("corp_tag_group", "corp_tag", ["group_id"])
    op.create_index("corp_tag_named", "corp_tag", ["group_name", "name"])
    op.create_table(
        "corp_mark",
        _words("external_userid"), _words("userid"), _words("group_name"), _words("name"), _words("state"),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("external_userid", "userid", "group_name", "name"),
        sa.CheckConstraint("state IN ('asked_on', 'on', 'asked_off', 'off')", name="corp_mark_state"),
    )  # fmt: skip
    op.create_index("corp_mark_named", "corp_mark", ["group_name", "name", "external_userid"])


def _id() -> sa.Column[int]:
    return sa.Column("id", _ID, autoincrement=False, nullable=False)


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=False)


def _moment(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, storage.types.UtcDateTime(), nullable=null)
