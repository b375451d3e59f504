"""Tables of launches and of content posts: what is said when, to whom, by whose hands."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, row_id, words


class Launch(SQLModel, table=True):
    """新品上市: a product is shown to a segment, by one broadcast at each of its moments. Its orders are counted for
    `days` after the last one."""

    __tablename__ = "launch"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("status IN ('drafted', 'approved', 'stopped')", name="launch_status"),
        CheckConstraint("days > 0", name="launch_days"),
    )
    id: int = Field(sa_column=row_id())
    name: str = Field(sa_column=words("name"))
    sku: str = Field(sa_column=words("sku"))
    segment_id: int = Field(sa_column=number("segment_id"))
    days: int = Field(sa_column=number("days"))
    status: str = Field(sa_column=words("status"))
    made_by: str = Field(sa_column=words("made_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))


class LaunchMoment(SQLModel, table=True):
    """One moment of a launch and the broadcast that says it."""

    __tablename__ = "launch_moment"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("launch_id", "place", name="launch_moment_place"),
        UniqueConstraint("broadcast_id", name="launch_moment_broadcast"),
    )
    id: int = Field(sa_column=row_id())
    launch_id: int = Field(sa_column=number("launch_id"))
    place: int = Field(sa_column=number("place"))
    broadcast_id: int = Field(sa_column=number("broadcast_id"))


class Post(SQLModel, table=True):
    """社群内容排期: what guides are to post, where and when. `chat_ids` name groups, whose owners post; `userids` name
    guides who post where they like (JSON lists). `times` says when and how long they have for it (JSON,
    scenarios/timetables.py). Each posting is a task of theirs, `post:<id>:<moment>:<group or guide>`."""

    __tablename__ = "post"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("status IN ('running', 'paused', 'stopped')", name="post_status"),
        Index("post_status_of", "status", "id"),
    )
    id: int = Field(sa_column=row_id())
    name: str = Field(sa_column=words("name"))
    text: str = Field(sa_column=json_text("text"))
    link: str = Field(sa_column=words("link"))
    chat_ids: str = Field(sa_column=json_text("chat_ids"))
    userids: str = Field(sa_column=json_text("userids"))
    times: str = Field(sa_column=json_text("times"))
    status: str = Field(sa_column=words("status"))
    made_by: str = Field(sa_column=words("made_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))
