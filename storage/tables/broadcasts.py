"""Tables of broadcasts: what is said to whom, the frozen audience, and the tasks that staff confirm."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, row_id, some_rows, words
from storage.tables.outreach import CLUSTERED

STATES = "'left', 'suppressed', 'tasked', 'sent', 'failed'"


class Broadcast(SQLModel, table=True):
    """群发: one message to many. `rule` is the segment's rule as it was when this was made (JSON); `senders` a JSON
    list of the userids that may send it, [] = whoever follows the member.

    `cursor` is the last member id that the freeze has looked at, `frozen_at` when it was through (None: it must go
    on). `total` to `failed` count the audience's rows by status: `total` is fixed from then on, and the five others
    always make it up.

    `chat_ids` name the groups of a broadcast to groups (JSON list, [] = all that the senders own); `coupon` is a
    template that everybody gets one of, given up to the member `coupon_cursor`. Staff may leave customers out with
    `allow_select`, and have `expire_h` hours; `polls` counts how often results were asked for, `idle_polls` how often
    in a row nothing was new.
    """

    __tablename__ = "broadcast"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint(
            "status IN ('drafted', 'approved', 'freezing', 'sending', 'paused', 'stopped', 'done')",
            name="broadcast_status",
        ),
        CheckConstraint("channel IN ('contact', 'group', 'kf', 'app')", name="broadcast_channel"),
        CheckConstraint('total = "left" + suppressed + tasked + sent + failed', name="broadcast_sum"),
        CheckConstraint(
            '"left" >= 0 AND suppressed >= 0 AND tasked >= 0 AND sent >= 0 AND failed >= 0', name="broadcast_counts"
        ),
        Index("broadcast_status_of", "status", "id"),
    )
    id: int = Field(sa_column=row_id())
    name: str = Field(sa_column=words("name"))
    status: str = Field(sa_column=words("status"))
    channel: str = Field(sa_column=words("channel"))
    topic: str = Field(sa_column=words("topic"))
    text: str = Field(sa_column=json_text("text"))
    attachments: str = Field(sa_column=json_text("attachments"))
    segment_id: int | None = Field(sa_column=number("segment_id", null=True))
    rule: str = Field(sa_column=json_text("rule"))
    senders: str = Field(sa_column=json_text("senders"))
    scheduled_at: datetime | None = Field(sa_column=moment("scheduled_at", null=True))
    made_by: str = Field(sa_column=words("made_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))
    approved_by: str = Field(sa_column=words("approved_by"))
    approved_at: datetime | None = Field(sa_column=moment("approved_at", null=True))
    cursor: int = Field(sa_column=number("cursor"))
    frozen_at: datetime | None = Field(sa_column=moment("frozen_at", null=True))
    total: int = Field(sa_column=number("total"))
    left: int = Field(sa_column=number("left"))
    suppressed: int = Field(sa_column=number("suppressed"))
    tasked: int = Field(sa_column=number("tasked"))
    sent: int = Field(sa_column=number("sent"))
    failed: int = Field(sa_column=number("failed"))
    changed_at: datetime = Field(sa_column=moment("changed_at"))
    chat_ids: str = Field(default="[]", sa_column=json_text("chat_ids"))
    coupon: str = Field(default="", sa_column=words("coupon"))
    coupon_cursor: int = Field(default=0, sa_column=number("coupon_cursor"))
    allow_select: int = Field(default=0, sa_column=number("allow_select"))
    expire_h: int = Field(default=72, sa_column=number("expire_h"))
    polls: int = Field(default=0, sa_column=number("polls"))
    idle_polls: int = Field(default=0, sa_column=number("idle_polls"))


class Audience(SQLModel, table=True):
    """人群快照: one member in a frozen audience, at most once in a broadcast.

    `left`: still to be sent; `suppressed`: will not be (`reason` says why); `tasked`: in a task at WeCom, or with the
    channel that sends it; `sent` and `failed` (with the reason) are the end. `userid` is the guide who sends,
    `external_userid` by what name; both empty when nobody follows the member.
    """

    __tablename__ = "audience"
    __table_args__ = (
        CheckConstraint(f"status IN ({STATES})", name="audience_status"),
        Index("audience_sender", "broadcast_id", "userid", "member_id"),
        some_rows("audience_task", "task_id", where="task_id IS NOT NULL"),
        some_rows("audience_reason", "broadcast_id", "status", "reason", where="reason <> ''"),
        CLUSTERED,
    )
    broadcast_id: int = Field(sa_column=Column("broadcast_id", BigInteger, primary_key=True, autoincrement=False))
    member_id: int = Field(sa_column=Column("member_id", BigInteger, primary_key=True, autoincrement=False))
    external_userid: str = Field(sa_column=words("external_userid"))
    userid: str = Field(sa_column=words("userid"))
    status: str = Field(sa_column=words("status"))
    reason: str = Field(sa_column=words("reason"))
    task_id: int | None = Field(sa_column=number("task_id", null=True))
    changed_at: datetime = Field(sa_column=moment("changed_at"))


class AudienceChat(SQLModel, table=True):
    """One customer group in the frozen audience of a broadcast to groups; `userid` is its owner. Read as `Audience`."""

    __tablename__ = "audience_chat"
    __table_args__ = (
        CheckConstraint(f"status IN ({STATES})", name="audience_chat_status"),
        some_rows("audience_chat_task", "task_id", where="task_id IS NOT NULL"),
        CLUSTERED,
    )
    broadcast_id: int = Field(sa_column=Column("broadcast_id", BigInteger, primary_key=True, autoincrement=False))
    chat_id: str = Field(sa_column=words("chat_id", key=True))
    userid: str = Field(sa_column=words("userid"))
    status: str = Field(sa_column=words("status"))
    reason: str = Field(sa_column=words("reason"))
    task_id: int | None = Field(sa_column=number("task_id", null=True))
    changed_at: datetime = Field(sa_column=moment("changed_at"))


class BroadcastTask(SQLModel, table=True):
    """群发任务: one call of add_msg_template: up to 10,000 customers (or 2,000 groups) of one staff member.

    `making`: the call is owed; `made`: WeCom has it under `msgid`, nobody pressed send; `confirmed`: they did; `done`:
    every result is known; `refused`: WeCom would not take it (`error`); `cancelled`: called off before anybody sent.
    `size` rows went into it, `sent` and `failed` are known of; `reminded` counts today's reminders (since
    `reminded_at`); `polled_at` is when its results were last asked for. `outbox_id` is the call that makes it.
    """

    __tablename__ = "broadcast_task"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("broadcast_id", "userid", "chunk", name="broadcast_task_key"),
        CheckConstraint(
            "status IN ('making', 'made', 'confirmed', 'done', 'refused', 'cancelled')", name="broadcast_task_status"
        ),
        CheckConstraint("sent >= 0 AND failed >= 0 AND sent + failed <= size", name="broadcast_task_counts"),
        Index("broadcast_task_msgid", "msgid"),
    )
    id: int = Field(sa_column=row_id())
    broadcast_id: int = Field(sa_column=number("broadcast_id"))
    userid: str = Field(sa_column=words("userid"))
    chunk: int = Field(sa_column=number("chunk"))
    msgid: str = Field(sa_column=words("msgid"))
    status: str = Field(sa_column=words("status"))
    error: str = Field(sa_column=words("error"))
    size: int = Field(sa_column=number("size"))
    sent: int = Field(sa_column=number("sent"))
    failed: int = Field(sa_column=number("failed"))
    reminded: int = Field(sa_column=number("reminded"))
    reminded_at: datetime | None = Field(sa_column=moment("reminded_at", null=True))
    made_at: datetime = Field(sa_column=moment("made_at"))
    confirmed_at: datetime | None = Field(sa_column=moment("confirmed_at", null=True))
    polled_at: datetime | None = Field(sa_column=moment("polled_at", null=True))
    outbox_id: int = Field(default=0, sa_column=number("outbox_id"))
