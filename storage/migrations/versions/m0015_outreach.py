"""Outreach: segments, consent, touches, what is known of members for choosing among them, broadcasts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0015"
down_revision = "0010"
branch_labels = None
depends_on = None

STATES = "status IN ('left', 'suppressed', 'tasked', 'sent', 'failed')"
LIVE = sa.text("archived_at IS NULL")


def upgrade() -> None:
    """Make the change."""
    _segments()
    _consent()
    _touches()
    _people()
    _broadcasts()
    _audiences()
    _tasks()
    op.create_index("shop_order_spend", "shop_order", ["member_id", "paid_at", "amount_fen", "refunded_fen"])
    op.execute(
        "INSERT INTO member_stats (member_id, orders, spend_fen, first_paid_at, last_paid_at) "
        "SELECT member_id, count(*), sum(amount_fen - refunded_fen), min(paid_at), max(paid_at) "
        "FROM shop_order WHERE refunded_fen < amount_fen GROUP BY member_id"
    )


def _id(name: str = "id") -> sa.Column[int]:
    key = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, key, autoincrement=False, nullable=False)


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _texts(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.Text(), nullable=False) for name in names]


def _numbers(*names: str, null: bool = False) -> list[sa.Column[int]]:
    return [sa.Column(name, sa.BigInteger(), nullable=null, autoincrement=False) for name in names]


def _moment(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, storage.types.UtcDateTime(), nullable=null)


def _some_rows(name: str, table: str, columns: list[str], where: str) -> None:
    op.create_index(name, table, columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _segments() -> None:
    op.create_table(
        "segment",
        _id(),
        *_words("name"),
        *_texts("rule"),
        *_words("made_by"),
        _moment("made_at"),
        _moment("archived_at", null=True),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("segment_name", "segment", ["name"], unique=True, sqlite_where=LIVE, postgresql_where=LIVE)


def _consent() -> None:
    op.create_table(
        "consent_act",
        _id(),
        *_numbers("member_id"),
        *_words("topic", "state", "made_by", "channel", "text_version", "cause"),
        _moment("made_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("state IN ('in', 'out')", name="consent_act_state"),
    )
    op.create_index("consent_act_member", "consent_act", ["member_id", "id"])
    op.create_table(
        "consent",
        *_numbers("member_id"),
        *_words("topic", "state"),
        *_numbers("act_id"),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("member_id", "topic"),
        sa.CheckConstraint("state IN ('in', 'out')", name="consent_state"),
        sqlite_with_rowid=False,
    )
    op.create_index("consent_state_of", "consent", ["topic", "state", "member_id"])


def _touches() -> None:
    op.create_table(
        "outreach_rule",
        _id(),
        *_words("digest"),
        *_numbers("require_opt_in"),
        *_numbers("quiet_from", "quiet_to", null=True),
        _moment("made_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("digest", name="outreach_rule_digest"),
    )
    op.create_table(
        "outreach_cap", _id("rule_id"), _id("days"), *_numbers("most"), sa.PrimaryKeyConstraint("rule_id", "days")
    )
    op.create_table(
        "touch",
        *_numbers("member_id", "seq"),
        *_words("kind", "topic", "source"),
        *_numbers("rule_id", "day", "minute"),
        _moment("at"),
        _moment("undone_at", null=True),
        _moment("moved_at", null=True),
        sa.PrimaryKeyConstraint("member_id", "seq"),
        sa.CheckConstraint("kind IN ('send', 'in', 'out')", name="touch_kind"),
        sa.CheckConstraint("seq > 0", name="touch_seq"),
        sqlite_with_rowid=False,
    )


def _people() -> None:
    op.create_table(
        "member_profile",
        _id("member_id"),
        sa.Column("birthday", sa.String(), nullable=True),
        *_numbers("birth_year", null=True),
        sa.Column("zone", sa.String(), nullable=True),
        *_words("source"),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("member_id"),
    )
    birthdays = ["birthday", "member_id"]
    _some_rows("member_profile_birthday", "member_profile", birthdays, "birthday IS NOT NULL")
    _some_rows("member_profile_zone", "member_profile", ["zone"], "zone IS NOT NULL")
    op.create_table(
        "member_field",
        *_numbers("member_id"),
        *_words("name", "value", "source"),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("member_id", "name"),
        sqlite_with_rowid=False,
    )
    op.create_index("member_field_value", "member_field", ["name", "value", "member_id"])
    op.create_table(
        "member_stats",
        _id("member_id"),
        *_numbers("orders", "spend_fen"),
        _moment("first_paid_at"),
        _moment("last_paid_at"),
        sa.PrimaryKeyConstraint("member_id"),
        sa.CheckConstraint("orders > 0", name="member_stats_orders"),
    )
    op.create_index("member_stats_last", "member_stats", ["last_paid_at", "member_id"])


def _broadcasts() -> None:
    op.create_table(
        "broadcast",
        _id(),
        *_words("name", "status", "channel", "topic"),
        *_texts("text", "attachments"),
        *_numbers("segment_id", null=True),
        *_texts("rule", "senders"),
        _moment("scheduled_at", null=True),
        *_words("made_by"),
        _moment("made_at"),
        *_words("approved_by"),
        _moment("approved_at", null=True),
        *_numbers("cursor"),
        _moment("frozen_at", null=True),
        *_numbers("total", "left", "suppressed", "tasked", "sent", "failed"),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint(
            "status IN ('drafted', 'approved', 'freezing', 'sending', 'paused', 'stopped', 'done')",
            name="broadcast_status",
        ),
        sa.CheckConstraint("channel IN ('contact', 'group', 'kf', 'app')", name="broadcast_channel"),
        sa.CheckConstraint('total = "left" + suppressed + tasked + sent + failed', name="broadcast_sum"),
        sa.CheckConstraint(
            '"left" >= 0 AND suppressed >= 0 AND tasked >= 0 AND sent >= 0 AND failed >= 0', name="broadcast_counts"
        ),
    )
    op.create_index("broadcast_status_of", "broadcast", ["status", "id"])


def _audiences() -> None:
    op.create_table(
        "audience",
        *_numbers("broadcast_id", "member_id"),
        *_words("external_userid", "userid", "status", "reason"),
        *_numbers("task_id", null=True),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("broadcast_id", "member_id"),
        sa.CheckConstraint(STATES, name="audience_status"),
        sqlite_with_rowid=False,
    )
    op.create_index("audience_sender", "audience", ["broadcast_id", "userid", "member_id"])
    _some_rows("audience_task", "audience", ["task_id"], "task_id IS NOT NULL")
    op.create_table(
        "audience_chat",
        *_numbers("broadcast_id"),
        *_words("chat_id", "userid", "status", "reason"),
        *_numbers("task_id", null=True),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("broadcast_id", "chat_id"),
        sa.CheckConstraint(STATES, name="audience_chat_status"),
        sqlite_with_rowid=False,
    )
    _some_rows("audience_chat_task", "audience_chat", ["task_id"], "task_id IS NOT NULL")


def _tasks() -> None:
    op.create_table(
        "broadcast_task",
        _id(),
        *_numbers("broadcast_id"),
        *_words("userid"),
        *_numbers("chunk"),
        *_words("msgid", "status", "error"),
        *_numbers("size", "sent", "failed", "reminded"),
        _moment("reminded_at", null=True),
        _moment("made_at"),
        _moment("confirmed_at", null=True),
        _moment("polled_at", null=True),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("broadcast_id", "userid", "chunk", name="broadcast_task_key"),
        sa.CheckConstraint(
            "status IN ('making', 'made', 'confirmed', 'done', 'refused', 'cancelled')", name="broadcast_task_status"
        ),
        sa.CheckConstraint("sent >= 0 AND failed >= 0 AND sent + failed <= size", name="broadcast_task_counts"),
    )
    op.create_index("broadcast_task_msgid", "broadcast_task", ["msgid"])
