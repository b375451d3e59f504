"""Tables of tags: groups, rules that tag, their nightly runs, what WeCom has, what R, F and M are measured by."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint, text
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, row_id, words

_OPEN = text("ended_at IS NULL")


class TagGroup(SQLModel, table=True):
    """标签组. `exclusive`: a member has one tag of it at most. `corp`: WeCom has it too, and shows what members have.

    A group without a row is neither exclusive nor kept from WeCom.
    """

    __tablename__ = "tag_group"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("exclusive IN (0, 1)", name="tag_group_exclusive"),
        CheckConstraint("corp IN (0, 1)", name="tag_group_corp"),
    )
    name: str = Field(sa_column=words("name", key=True))
    exclusive: int = Field(sa_column=number("exclusive"))
    corp: int = Field(sa_column=number("corp"))
    made_by: str = Field(sa_column=words("made_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))


class TagRule(SQLModel, table=True):
    """标签规则: who fits `rule` (as of segments) gets the tag, who does not fit any more loses it, night by night.

    `days` 0: while they fit; else it goes by itself so many days after the last night that the rule ran. `place`: which
    of an exclusive group's rules comes first. `origin`: the ready set it came with, "" = people made it. `version`
    grows with each change; what it said before is kept in `tag_rule_version`.
    """

    __tablename__ = "tag_rule"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("status IN ('running', 'paused', 'ended')", name="tag_rule_status"),
        CheckConstraint("(status = 'ended') = (ended_at IS NOT NULL)", name="tag_rule_ended"),
        CheckConstraint("days >= 0", name="tag_rule_days"),
        Index("tag_rule_open", "group_name", "name", unique=True, sqlite_where=_OPEN, postgresql_where=_OPEN),
    )
    id: int = Field(sa_column=row_id())
    group_name: str = Field(sa_column=words("group_name"))
    name: str = Field(sa_column=words("name"))
    rule: str = Field(sa_column=json_text("rule"))
    days: int = Field(sa_column=number("days"))
    place: int = Field(sa_column=number("place"))
    status: str = Field(sa_column=words("status"))
    version: int = Field(sa_column=number("version"))
    origin: str = Field(sa_column=words("origin"))
    made_by: str = Field(sa_column=words("made_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))
    changed_at: datetime = Field(sa_column=moment("changed_at"))
    ended_at: datetime | None = Field(sa_column=moment("ended_at", null=True))


class TagRuleVersion(SQLModel, table=True):
    """What a rule said from a moment on. Append-only."""

    __tablename__ = "tag_rule_version"
    rule_id: int = Field(sa_column=row_id("rule_id"))
    version: int = Field(sa_column=Column("version", BigInteger, primary_key=True, autoincrement=False))
    rule: str = Field(sa_column=json_text("rule"))
    days: int = Field(sa_column=number("days"))
    place: int = Field(sa_column=number("place"))
    made_by: str = Field(sa_column=words("made_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))


class TagRun(SQLModel, table=True):
    """A walk of all rules over all members, in windows of ids up to `cursor`. `dropped`: a later one took its place."""

    __tablename__ = "tag_run"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("name", name="tag_run_name"),
        CheckConstraint("status IN ('running', 'done', 'dropped')", name="tag_run_status"),
        CheckConstraint("(status = 'running') = (ended_at IS NULL)", name="tag_run_ended"),
    )
    id: int = Field(sa_column=row_id())
    name: str = Field(sa_column=words("name"))
    cursor: int = Field(sa_column=number("cursor"))
    windows: int = Field(sa_column=number("windows"))
    put: int = Field(sa_column=number("put"))
    off: int = Field(sa_column=number("off"))
    status: str = Field(sa_column=words("status"))
    began_at: datetime = Field(sa_column=moment("began_at"))
    ended_at: datetime | None = Field(sa_column=moment("ended_at", null=True))


class CorpTag(SQLModel, table=True):
    """企业客户标签: a tag as WeCom knows it, by its id."""

    __tablename__ = "corp_tag"
    __table_args__: tuple[SchemaItem, ...] = (
        Index("corp_tag_group", "group_id"),
        Index("corp_tag_named", "group_name", "name"),
    )
    tag_id: str = Field(sa_column=words("tag_id", key=True))
    group_id: str = Field(sa_column=words("group_id"))
    group_name: str = Field(sa_column=words("group_name"))
    name: str = Field(sa_column=words("name"))
    seen_at: datetime = Field(sa_column=moment("seen_at"))


class CorpMark(SQLModel, table=True):
    """What WeCom shows on a contact in the eyes of one guide, as far as we know: the ground on which both sides are
    compared. `asked_on` and `asked_off`: our call is on its way; `off`: it was made, a look older than that may still
    show the tag. No row: it is not shown."""

    __tablename__ = "corp_mark"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("state IN ('asked_on', 'on', 'asked_off', 'off')", name="corp_mark_state"),
        Index("corp_mark_named", "group_name", "name", "external_userid"),
    )
    external_userid: str = Field(sa_column=words("external_userid", key=True))
    userid: str = Field(sa_column=words("userid", key=True))
    group_name: str = Field(sa_column=words("group_name", key=True))
    name: str = Field(sa_column=words("name", key=True))
    state: str = Field(sa_column=words("state"))
    changed_at: datetime = Field(sa_column=moment("changed_at"))


class RfmScale(SQLModel, table=True):
    """RFM 的尺子: where the cells 1 to 5 begin, in one row: `r1` to `r4` days since the last order (cells 5 to 2), `f`
    orders and `m` fen (cells 2 to 5)."""

    __tablename__ = "rfm_scale"
    id: int = Field(sa_column=row_id())
    r1: int = Field(sa_column=number("r1"))
    r2: int = Field(sa_column=number("r2"))
    r3: int = Field(sa_column=number("r3"))
    r4: int = Field(sa_column=number("r4"))
    f1: int = Field(sa_column=number("f1"))
    f2: int = Field(sa_column=number("f2"))
    f3: int = Field(sa_column=number("f3"))
    f4: int = Field(sa_column=number("f4"))
    m1: int = Field(sa_column=number("m1"))
    m2: int = Field(sa_column=number("m2"))
    m3: int = Field(sa_column=number("m3"))
    m4: int = Field(sa_column=number("m4"))
    how: str = Field(sa_column=words("how"))
    made_at: datetime = Field(sa_column=moment("made_at"))
