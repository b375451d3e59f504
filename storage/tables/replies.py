"""Tables of replies: how far a talk in 微信客服 has come, and what is suggested to guides."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, row_id, some_rows, words


class Conversation(SQLModel, table=True):
    """对话: one member's free words to one 客服账号, and what they wait for.

    `seq` grows with everything the member or a servicer writes, `last_key` is the event that moved it last. `question`
    is the newest one, asked at `asked_seq`; `waits` for: nothing, model, quiet (so many came at once that only the
    newest is answered), guide. `misses`: questions in a row that nobody here could answer. `burst` of them came since
    `burst_at`. `handed_at`: people were last asked for; `noted_at`: the member was last told that somebody will look.
    """

    __tablename__ = "conversation"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("waits IN ('', 'model', 'quiet', 'guide')", name="conversation_waits"),
        CheckConstraint("asked_seq <= seq AND misses >= 0 AND burst >= 0", name="conversation_counts"),
    )
    open_kfid: str = Field(sa_column=words("open_kfid", key=True))
    external_userid: str = Field(sa_column=words("external_userid", key=True))
    seq: int = Field(sa_column=number("seq"))
    last_key: str = Field(sa_column=words("last_key"))
    question: str = Field(sa_column=words("question"))
    asked_seq: int = Field(sa_column=number("asked_seq"))
    asked_at: datetime = Field(sa_column=moment("asked_at"))
    waits: str = Field(sa_column=words("waits"))
    misses: int = Field(sa_column=number("misses"))
    burst: int = Field(sa_column=number("burst"))
    burst_at: datetime = Field(sa_column=moment("burst_at"))
    handed_at: datetime = Field(sa_column=moment("handed_at"))
    noted_at: datetime = Field(sa_column=moment("noted_at"))


class Draft(SQLModel, table=True):
    """草稿: a reply suggested to a guide (`userid`), good while its conversation stands at `seq`.

    `rev` grows with every change of its words, so that a button of an older card sends nothing else. `basis` (JSON)
    are the facts its words rest on, `cites` where they are from, `made_by` who wrote them. `edit_at`: the guide was
    asked for other words. `sent_row` is the outbox row that carried it.
    """

    __tablename__ = "draft"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("status IN ('open', 'sent', 'dismissed', 'stale', 'handed')", name="draft_status"),
        CheckConstraint("(status = 'open') = (closed_at IS NULL)", name="draft_closed"),
        CheckConstraint("(status = 'sent') = (sent_row IS NOT NULL)", name="draft_sent"),
        CheckConstraint("made_by IN ('template', 'knowledge', 'model', 'guide', 'nobody')", name="draft_made_by"),
        # One talk has one suggestion at a time, whatever two processes do.
        Index(
            "draft_open", "open_kfid", "external_userid", unique=True,
            sqlite_where=text("closed_at IS NULL"), postgresql_where=text("closed_at IS NULL"),
        ),
        some_rows("draft_waiting", "userid", "id", where="closed_at IS NULL"),
        some_rows("draft_edited", "userid", "edit_at", where="edit_at IS NOT NULL"),
    )  # fmt: skip
    id: int = Field(sa_column=row_id())
    open_kfid: str = Field(sa_column=words("open_kfid"))
    external_userid: str = Field(sa_column=words("external_userid"))
    userid: str = Field(sa_column=words("userid"))
    seq: int = Field(sa_column=number("seq"))
    rev: int = Field(sa_column=number("rev"))
    question: str = Field(sa_column=words("question"))
    intent: str = Field(sa_column=words("intent"))
    reply: str = Field(sa_column=words("reply"))
    basis: str = Field(sa_column=json_text("basis"))
    cites: str = Field(sa_column=json_text("cites"))
    made_by: str = Field(sa_column=words("made_by"))
    status: str = Field(sa_column=words("status"))
    why: str = Field(sa_column=words("why"))
    edit_at: datetime | None = Field(sa_column=moment("edit_at", null=True))
    made_at: datetime = Field(sa_column=moment("made_at"))
    closed_at: datetime | None = Field(sa_column=moment("closed_at", null=True))
    closed_by: str = Field(sa_column=words("closed_by"))
    sent_row: int | None = Field(sa_column=number("sent_row", null=True))
