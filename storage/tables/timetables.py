"""Tables of timetables: drives that come back, and each session of them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, row_id, some_rows, words


class Timetable(SQLModel, table=True):
    """活动时刻表: a drive of `kind` that comes back. `times` says when (JSON, scenarios/timetables.py), `items` are the
    configs of its campaigns, one for each product (JSON list); `worst_fen`: the most that all its sessions can cost."""

    __tablename__ = "timetable"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("status IN ('draft', 'published', 'paused', 'ended')", name="timetable_status"),
        CheckConstraint("worst_fen >= -1", name="timetable_worst"),
        Index("timetable_kind", "kind", "status"),
    )
    id: int = Field(sa_column=row_id())
    kind: str = Field(sa_column=words("kind"))
    name: str = Field(sa_column=words("name"))
    status: str = Field(sa_column=words("status"))
    times: str = Field(sa_column=json_text("times"))
    items: str = Field(sa_column=json_text("items"))
    worst_fen: int = Field(sa_column=number("worst_fen"))
    made_by: str = Field(sa_column=words("made_by"))
    approved_by: str = Field(sa_column=words("approved_by"))
    created_at: datetime = Field(sa_column=moment("created_at"))


class TimetableSession(SQLModel, table=True):
    """场次: one product of one session, held by a campaign of its own. planned -> open -> over, or skipped (`why`)."""

    __tablename__ = "timetable_session"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("timetable_id", "place", "starts_at", name="timetable_session_once"),
        UniqueConstraint("campaign_id", name="timetable_session_campaign"),
        CheckConstraint("status IN ('planned', 'open', 'over', 'skipped')", name="timetable_session_status"),
        CheckConstraint("ends_at > starts_at", name="timetable_session_times"),
        some_rows("timetable_session_coming", "starts_at", where="status = 'planned'"),
    )
    id: int = Field(sa_column=row_id())
    timetable_id: int = Field(sa_column=number("timetable_id"))
    place: int = Field(sa_column=number("place"))
    starts_at: datetime = Field(sa_column=moment("starts_at"))
    ends_at: datetime = Field(sa_column=moment("ends_at"))
    campaign_id: int = Field(sa_column=number("campaign_id"))
    status: str = Field(sa_column=words("status"))
    why: str = Field(sa_column=words("why"))
    changed_at: datetime = Field(sa_column=moment("changed_at"))
