"""A guide's day: tasks, notes, tags by source, coupons handed out, whose an order is, what members are found by."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0012"
down_revision = "0013"
branch_labels = None
depends_on = None

_PART, _LONGEST = 6, 24  # storage.names, as it was then


def _moment(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, storage.types.UtcDateTime(), nullable=null)


def _id(name: str = "id") -> sa.Column[object]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, autoincrement=False, nullable=False, primary_key=True)


def _words(*names: str) -> list[sa.Column[object]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _some(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def upgrade() -> None:
    """Make the change."""
    _tasks()
    _notes()
    _handouts()
    _tags()
    _finding()
    op.add_column("coupon_template", sa.Column("for_guides", sa.BigInteger(), nullable=False, server_default="0"))
    _some("coupon_used_by", "coupon", ["used_by", "used_at"], "used_at IS NOT NULL")
    for name in ("tail", "sought"):
        op.add_column("import_row", sa.Column(name, sa.String(), nullable=False, server_default=""))


def _tasks() -> None:
    op.create_table(
        "guide_task",
        _id(),
        *_words("key", "userid"),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        *_words("kind", "text"),
        _moment("due_at"),
        *_words("status", "made_by"),
        _moment("made_at"),
        *_words("done_by"),
        _moment("done_at", null=True),
        sa.UniqueConstraint("key", name="guide_task_key"),
        sa.CheckConstraint("status IN ('open', 'done', 'dropped')", name="guide_task_status"),
        sa.CheckConstraint("(status = 'open') = (done_at IS NULL)", name="guide_task_done"),
    )
    _some("guide_task_open", "guide_task", ["userid", "due_at", "id"], "done_at IS NULL")
    _some("guide_task_over", "guide_task", ["userid", "done_at"], "done_at IS NOT NULL")
    _some("guide_task_member", "guide_task", ["member_id"], "done_at IS NULL")


def _notes() -> None:
    op.create_table(
        "member_note",
        _id(),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        *_words("userid", "text"),
        _moment("made_at"),
    )
    op.create_index("member_note_member", "member_note", ["member_id", "id"])
    op.create_table("order_guide", _id("order_id"), *_words("userid"), _moment("paid_at"))
    op.create_index("order_guide_userid", "order_guide", ["userid", "paid_at"])


def _handouts() -> None:
    op.create_table(
        "handout",
        _id(),
        *_words("userid"),
        *[sa.Column(name, sa.BigInteger(), nullable=False) for name in ("member_id", "template_id", "fen")],
        *_words("status"),
        sa.Column("coupon_id", sa.BigInteger(), nullable=True),
        *_words("day"),
        _moment("made_at"),
        _moment("until"),
        _moment("done_at", null=True),
        sa.CheckConstraint("status IN ('asked', 'done', 'declined')", name="handout_status"),
        sa.CheckConstraint("(status = 'done') = (coupon_id IS NOT NULL)", name="handout_coupon"),
        sa.CheckConstraint("(status = 'asked') = (done_at IS NULL)", name="handout_done"),
    )
    _some("handout_over", "handout", ["userid", "done_at"], "done_at IS NOT NULL")
    _some("handout_coupon_once", "handout", ["coupon_id"], "coupon_id IS NOT NULL")


def _tags() -> None:
    """A row per source: the key grows, so the table is made anew."""
    op.create_table(
        "tag",
        sa.Column("group_name", sa.String(), nullable=False, primary_key=True),
        sa.Column("name", sa.String(), nullable=False, primary_key=True),
        *_words("made_by"),
        _moment("made_at"),
        _moment("closed_at", null=True),
    )
    op.rename_table("member_tag", "member_tag_before")
    op.create_table(
        "member_tag",
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False),
        *_words("group_name", "name", "source", "by"),
        _moment("tagged_at"),
        _moment("expires_at", null=True),
        sa.PrimaryKeyConstraint("member_id", "group_name", "name", "source", name="member_tag_key"),
        sa.CheckConstraint("source IN ('hand', 'rule', 'corp', 'import')", name="member_tag_source"),
    )
    op.execute(
        "INSERT INTO member_tag (member_id, group_name, name, source, by, tagged_at) "
        "SELECT member_id, group_name, name, CASE source WHEN 'import' THEN 'import' ELSE 'rule' END, "
        "CASE source WHEN 'import' THEN '' ELSE source END, tagged_at FROM member_tag_before"
    )
    op.execute(
        "INSERT INTO tag (group_name, name, made_by, made_at) SELECT group_name, name, 'import', min(tagged_at) "
        "FROM member_tag_before WHERE source = 'import' GROUP BY group_name, name"
    )
    op.drop_table("member_tag_before")
    op.create_index("member_tag_named", "member_tag", ["group_name", "name", "member_id"])
    _some("member_tag_expiry", "member_tag", ["expires_at"], "expires_at IS NOT NULL")


def _finding() -> None:
    """Names known already are found by their parts; of phones known already only hashes are there, so no tail is."""
    part = sa.String().with_variant(sa.String(collation="C"), "postgresql")
    op.create_table(
        "member_name",
        sa.Column("part", part, nullable=False, primary_key=True),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False, primary_key=True),
        sqlite_with_rowid=False,
    )
    places = " UNION ALL ".join(f"SELECT {place} AS place" for place in range(1, _LONGEST + 1))
    op.execute(
        f"INSERT INTO member_name (part, member_id) SELECT DISTINCT substr(sought, place, {_PART}), id FROM "  # noqa: S608
        "(SELECT id, lower(replace(name, ' ', '')) AS sought FROM member WHERE name <> '') AS m "
        f"JOIN ({places}) AS places ON place <= length(sought)"
    )
    op.create_table(
        "phone_tail",
        sa.Column("tail", sa.String(), nullable=False, primary_key=True),
        sa.Column("member_id", sa.BigInteger(), autoincrement=False, nullable=False, primary_key=True),
        *_words("source"),
        _moment("known_at"),
        sqlite_with_rowid=False,
    )
    op.create_index("phone_tail_member", "phone_tail", ["member_id"])
