"""Tables of the runtime: ids, events in, calls out, timers, audit."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, row_id, some_rows, words


class Sequence(SQLModel, table=True):
    """The next unused id; processes take blocks of it."""

    __tablename__ = "sequence"
    name: str = Field(sa_column=words("name", key=True))
    next: int = Field(sa_column=number("next"))


class Inbox(SQLModel, table=True):
    """One row per event ever accepted. `key` is unique: the first defence against doing anything twice."""

    __tablename__ = "inbox"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("key", name="inbox_key"),
        CheckConstraint("status IN ('done', 'failed', 'dead', 'quarantined')", name="inbox_status"),
        some_rows("inbox_open", "next_at", where="next_at IS NOT NULL"),
        some_rows("inbox_troubled", "status", "id", where="error IS NOT NULL"),
    )
    id: int = Field(sa_column=row_id())
    key: str = Field(sa_column=words("key"))
    kind: str = Field(sa_column=words("kind"))
    source: str = Field(sa_column=words("source"))
    status: str = Field(sa_column=words("status"))
    payload: str = Field(sa_column=json_text("payload"))
    route: str = Field(sa_column=words("route"))
    changes: str = Field(sa_column=json_text("changes"))
    took_us: int = Field(sa_column=number("took_us"))
    answer: str | None = Field(sa_column=words("answer", null=True))
    attempts: int = Field(sa_column=number("attempts"))
    error: str | None = Field(sa_column=words("error", null=True))
    received_at: datetime = Field(sa_column=moment("received_at"))
    next_at: datetime | None = Field(sa_column=moment("next_at", null=True))
    done_at: datetime | None = Field(sa_column=moment("done_at", null=True))


class Outbox(SQLModel, table=True):
    """One row per call the bot owes to the outside; written in the transaction of its cause."""

    __tablename__ = "outbox"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint(
            "status IN ('pending', 'leased', 'sent', 'suppressed', 'dead')",
            name="outbox_status",
        ),
        some_rows("outbox_open", "lane", "not_before", "id", where="done_at IS NULL"),
        some_rows("outbox_subject", "subject", "id", where="done_at IS NULL"),
        some_rows("outbox_troubled", "status", "id", where="error IS NOT NULL"),
        some_rows("outbox_recent", "done_at", where="done_at IS NOT NULL"),
    )
    id: int = Field(sa_column=row_id())
    call: str = Field(sa_column=words("call"))
    lane: str = Field(sa_column=words("lane"))
    subject: str = Field(sa_column=words("subject"))
    payload: str = Field(sa_column=json_text("payload"))
    answers: int = Field(sa_column=number("answers"))
    status: str = Field(sa_column=words("status"))
    attempts: int = Field(sa_column=number("attempts"))
    faults: int = Field(sa_column=number("faults"))
    cause: str = Field(sa_column=words("cause"))
    member_id: int | None = Field(sa_column=number("member_id", null=True))
    error: str | None = Field(sa_column=words("error", null=True))
    created_at: datetime = Field(sa_column=moment("created_at"))
    not_before: datetime = Field(sa_column=moment("not_before"))
    expires_at: datetime | None = Field(sa_column=moment("expires_at", null=True))
    lease_until: datetime | None = Field(sa_column=moment("lease_until", null=True))
    done_at: datetime | None = Field(sa_column=moment("done_at", null=True))


class Dialogue(SQLModel, table=True):
    """What the numbers last shown to somebody mean: a JSON list of words, as if they were typed, until `until`."""

    __tablename__ = "dialogue"
    channel: str = Field(sa_column=words("channel", key=True))
    external_id: str = Field(sa_column=words("external_id", key=True))
    choices: str = Field(sa_column=json_text("choices"))
    until: datetime = Field(sa_column=moment("until"))


class Timer(SQLModel, table=True):
    """Work due at a time. The database is the schedule; APScheduler only ticks."""

    __tablename__ = "timer"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("key", name="timer_key"),
        CheckConstraint("status IN ('pending', 'fired', 'cancelled')", name="timer_status"),
        some_rows("timer_open", "due_at", "id", where="fired_at IS NULL"),
    )
    id: int = Field(sa_column=row_id())
    key: str = Field(sa_column=words("key"))
    name: str = Field(sa_column=words("name"))
    payload: str = Field(sa_column=json_text("payload"))
    status: str = Field(sa_column=words("status"))
    due_at: datetime = Field(sa_column=moment("due_at"))
    late_by: datetime | None = Field(sa_column=moment("late_by", null=True))
    created_at: datetime = Field(sa_column=moment("created_at"))
    fired_at: datetime | None = Field(sa_column=moment("fired_at", null=True))


class AuditLog(SQLModel, table=True):
    """Who changed what by hand or by rule; append-only."""

    __tablename__ = "audit_log"
    __table_args__: tuple[SchemaItem, ...] = (Index("audit_subject", "subject"),)
    id: int = Field(sa_column=row_id())
    actor: str = Field(sa_column=words("actor"))
    action: str = Field(sa_column=words("action"))
    subject: str = Field(sa_column=words("subject"))
    data: str = Field(sa_column=json_text("data"))
    cause: str = Field(sa_column=words("cause"))
    made_at: datetime = Field(sa_column=moment("made_at"))
