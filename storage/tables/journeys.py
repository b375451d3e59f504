"""Tables of journeys: what each version says, who is on which, and what was or was not done for them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, row_id, some_rows, words


class Journey(SQLModel, table=True):
    """旅程: one version of a journey as its file said; whoever began on it stays on it."""

    __tablename__ = "journey"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("name", "version", name="journey_version"),
        UniqueConstraint("name", "digest", name="journey_digest"),
    )
    id: int = Field(sa_column=row_id())
    name: str = Field(sa_column=words("name"))
    version: int = Field(sa_column=number("version"))
    digest: str = Field(sa_column=words("digest"))
    definition: str = Field(sa_column=json_text("definition"))
    made_at: datetime = Field(sa_column=moment("made_at"))


class JourneySwitch(SQLModel, table=True):
    """暂停与停止: how a journey stands, whatever its version; no row = running."""

    __tablename__ = "journey_switch"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("status IN ('running', 'paused', 'stopped')", name="journey_switch_status"),
    )
    name: str = Field(sa_column=words("name", key=True))
    status: str = Field(sa_column=words("status"))
    changed_by: str = Field(sa_column=words("changed_by"))
    changed_at: datetime = Field(sa_column=moment("changed_at"))


class JourneyRun(SQLModel, table=True):
    """A member on a journey. `key` is the journey, the member and the occasion: nobody begins twice for one.

    `step` is the next one, due at `next_at` while it runs. `control`: of those who get nothing, to compare with.
    """

    __tablename__ = "journey_run"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("key", name="journey_run_key"),
        CheckConstraint("status IN ('running', 'done', 'left', 'control', 'stopped')", name="journey_run_status"),
        CheckConstraint("(status = 'running') = (next_at IS NOT NULL)", name="journey_run_next"),
        Index("journey_run_member", "member_id", "name"),
        some_rows("journey_run_due", "name", "next_at", where="next_at IS NOT NULL"),
    )
    id: int = Field(sa_column=row_id())
    key: str = Field(sa_column=words("key"))
    name: str = Field(sa_column=words("name"))
    journey_id: int = Field(sa_column=number("journey_id"))
    member_id: int = Field(sa_column=number("member_id"))
    occasion: str = Field(sa_column=words("occasion"))
    step: int = Field(sa_column=number("step"))
    status: str = Field(sa_column=words("status"))
    why: str = Field(sa_column=words("why"))
    began_at: datetime = Field(sa_column=moment("began_at"))
    next_at: datetime | None = Field(sa_column=moment("next_at", null=True))
    ended_at: datetime | None = Field(sa_column=moment("ended_at", null=True))


class JourneyNote(SQLModel, table=True):
    """What became of one step for one member: done, or why not."""

    __tablename__ = "journey_note"
    __table_args__: tuple[SchemaItem, ...] = (Index("journey_note_run", "run_id", "id"),)
    id: int = Field(sa_column=row_id())
    run_id: int = Field(sa_column=number("run_id"))
    step: int = Field(sa_column=number("step"))
    what: str = Field(sa_column=words("what"))
    why: str = Field(sa_column=words("why"))
    at: datetime = Field(sa_column=moment("at"))
