"""Tables of a guide's day: tasks, notes, tags there are to choose from, coupons handed out, whose an order is, and what
members are found by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, String, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import moment, number, row_id, some_rows, words


class GuideTask(SQLModel, table=True):
    """任务: something for a guide to do until `due_at`. `dropped`: what it was for is over, nobody did it."""

    __tablename__ = "guide_task"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("key", name="guide_task_key"),
        CheckConstraint("status IN ('open', 'done', 'dropped')", name="guide_task_status"),
        CheckConstraint("(status = 'open') = (done_at IS NULL)", name="guide_task_done"),
        some_rows("guide_task_open", "userid", "due_at", "id", where="done_at IS NULL"),
        some_rows("guide_task_over", "userid", "done_at", where="done_at IS NOT NULL"),
        some_rows("guide_task_member", "member_id", where="done_at IS NULL"),
    )
    id: int = Field(sa_column=row_id())
    key: str = Field(sa_column=words("key"))
    userid: str = Field(sa_column=words("userid"))
    member_id: int | None = Field(sa_column=number("member_id", null=True))
    kind: str = Field(sa_column=words("kind"))
    text: str = Field(sa_column=words("text"))
    due_at: datetime = Field(sa_column=moment("due_at"))
    status: str = Field(sa_column=words("status"))
    made_by: str = Field(sa_column=words("made_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))
    done_by: str = Field(sa_column=words("done_by"))
    done_at: datetime | None = Field(sa_column=moment("done_at", null=True))


class MemberNote(SQLModel, table=True):
    """备注: what a member of staff wrote down about a member. Append-only."""

    __tablename__ = "member_note"
    __table_args__: tuple[SchemaItem, ...] = (Index("member_note_member", "member_id", "id"),)
    id: int = Field(sa_column=row_id())
    member_id: int = Field(sa_column=number("member_id"))
    userid: str = Field(sa_column=words("userid"))
    text: str = Field(sa_column=words("text"))
    made_at: datetime = Field(sa_column=moment("made_at"))


class Tag(SQLModel, table=True):
    """标签库: a tag that people may put on members by hand; closed ones stay on whoever has them."""

    __tablename__ = "tag"
    group_name: str = Field(sa_column=words("group_name", key=True))
    name: str = Field(sa_column=words("name", key=True))
    made_by: str = Field(sa_column=words("made_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))
    closed_at: datetime | None = Field(sa_column=moment("closed_at", null=True))


class Handout(SQLModel, table=True):
    """导购发券: a coupon that a member of staff gives a member. `asked`: waits until `until` for their yes, `waiting`:
    for a second person's. `fen` is what the coupon can cost at most, `charged_to` whose allowance paid for it."""

    __tablename__ = "handout"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("status IN ('asked', 'waiting', 'done', 'declined')", name="handout_status"),
        CheckConstraint("(status = 'done') = (coupon_id IS NOT NULL)", name="handout_coupon"),
        CheckConstraint("(status IN ('asked', 'waiting')) = (done_at IS NULL)", name="handout_done"),
        some_rows("handout_over", "userid", "done_at", where="done_at IS NOT NULL"),
        some_rows("handout_coupon_once", "coupon_id", where="coupon_id IS NOT NULL"),
        some_rows("handout_open", "userid", where="done_at IS NULL"),
    )
    id: int = Field(sa_column=row_id())
    userid: str = Field(sa_column=words("userid"))
    member_id: int = Field(sa_column=number("member_id"))
    template_id: int = Field(sa_column=number("template_id"))
    fen: int = Field(sa_column=number("fen"))
    status: str = Field(sa_column=words("status"))
    coupon_id: int | None = Field(sa_column=number("coupon_id", null=True))
    day: str = Field(sa_column=words("day"))
    made_at: datetime = Field(sa_column=moment("made_at"))
    until: datetime = Field(sa_column=moment("until"))
    done_at: datetime | None = Field(sa_column=moment("done_at", null=True))
    charged_to: str = Field(sa_column=words("charged_to"))


class OrderGuide(SQLModel, table=True):
    """业绩归属: the guide who followed the buyer when an order was paid. Orders of nobody's members have no row."""

    __tablename__ = "order_guide"
    __table_args__: tuple[SchemaItem, ...] = (Index("order_guide_userid", "userid", "paid_at"),)
    order_id: int = Field(sa_column=row_id("order_id"))
    userid: str = Field(sa_column=words("userid"))
    paid_at: datetime = Field(sa_column=moment("paid_at"))


class MemberName(SQLModel, table=True):
    """Parts of members' names: what a name goes on with from each of its letters, so that any piece of it is found by a
    range of an index. See `storage.names`."""

    __tablename__ = "member_name"
    __table_args__ = {"sqlite_with_rowid": False}
    # Byte order on both databases: whatever begins with 小明 lies between 小明 and 小明 + the last letter there is.
    part: str = Field(
        sa_column=Column("part", String().with_variant(String(collation="C"), "postgresql"), primary_key=True)
    )
    member_id: int = Field(sa_column=Column("member_id", BigInteger, primary_key=True, autoincrement=False))


class PhoneTail(SQLModel, table=True):
    """手机尾号: the last four digits of a member's phone, where we were told them; the number itself is a hash."""

    __tablename__ = "phone_tail"
    __table_args__ = (Index("phone_tail_member", "member_id"), {"sqlite_with_rowid": False})
    tail: str = Field(sa_column=words("tail", key=True))
    member_id: int = Field(sa_column=Column("member_id", BigInteger, primary_key=True, autoincrement=False))
    source: str = Field(sa_column=words("source"))
    known_at: datetime = Field(sa_column=moment("known_at"))
