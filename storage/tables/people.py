"""Tables of people: members and their identities, who follows whom, channels, groups, tags."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, row_id, some_rows, words


class Member(SQLModel, table=True):
    """One person, whatever channels they come by (OneID). `referrer_id`: who brought them, once and for ever."""

    __tablename__ = "member"
    __table_args__: tuple[SchemaItem, ...] = (
        some_rows("member_merged", "merged_into", where="merged_into IS NOT NULL"),
        some_rows("member_referrer", "referrer_id", where="referrer_id IS NOT NULL"),
    )
    id: int = Field(sa_column=row_id())
    name: str = Field(sa_column=words("name"))
    avatar: str = Field(sa_column=words("avatar"))
    gender: int = Field(sa_column=number("gender"))
    tier: str = Field(sa_column=words("tier"))
    merged_into: int | None = Field(sa_column=number("merged_into", null=True))
    referrer_id: int | None = Field(sa_column=number("referrer_id", null=True))
    created_at: datetime = Field(sa_column=moment("created_at"))


class Identity(SQLModel, table=True):
    """A name by which a channel knows a member; `unionid` and `phone` (hashed) are channels too."""

    __tablename__ = "identity"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("channel", "external_id", name="identity_key"),
        Index("identity_member", "member_id"),
    )
    id: int = Field(sa_column=row_id())
    channel: str = Field(sa_column=words("channel"))
    external_id: str = Field(sa_column=words("external_id"))
    member_id: int = Field(sa_column=number("member_id"))
    evidence: str = Field(sa_column=words("evidence"))
    created_at: datetime = Field(sa_column=moment("created_at"))


class Merge(SQLModel, table=True):
    """Two members found to be one, with the evidence and what moved, so that it can be undone."""

    __tablename__ = "merge"
    __table_args__: tuple[SchemaItem, ...] = (Index("merge_absorbed", "absorbed_id"),)
    id: int = Field(sa_column=row_id())
    survivor_id: int = Field(sa_column=number("survivor_id"))
    absorbed_id: int = Field(sa_column=number("absorbed_id"))
    evidence: str = Field(sa_column=words("evidence"))
    moved: str = Field(sa_column=json_text("moved"))
    cause: str = Field(sa_column=words("cause"))
    merged_at: datetime = Field(sa_column=moment("merged_at"))
    undone_at: datetime | None = Field(sa_column=moment("undone_at", null=True))


class Follow(SQLModel, table=True):
    """跟进关系: a guide (`userid`) follows a contact; `state` is the channel the contact came by."""

    __tablename__ = "follow"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("external_userid", "userid", name="follow_pair"),
        CheckConstraint("status IN ('active', 'half', 'deleted', 'left')", name="follow_status"),
        Index("follow_member", "member_id"),
        Index("follow_state", "state"),
        Index("follow_userid", "userid"),
    )
    id: int = Field(sa_column=row_id())
    member_id: int = Field(sa_column=number("member_id"))
    external_userid: str = Field(sa_column=words("external_userid"))
    userid: str = Field(sa_column=words("userid"))
    state: str = Field(sa_column=words("state"))
    status: str = Field(sa_column=words("status"))
    remark: str = Field(sa_column=words("remark"))
    followed_at: datetime = Field(sa_column=moment("followed_at"))
    changed_at: datetime = Field(sa_column=moment("changed_at"))


class MemberTag(SQLModel, table=True):
    """A tag on a member, once per source: what people tag by hand, rules and WeCom itself never overwrite each other.

    `source`: hand, rule, corp (told by WeCom) or import; `by`: the member of staff or the rule. A member has a tag
    while any row of it is not over. WeCom sends no callback for our own actions, so we keep them ourselves.
    """

    __tablename__ = "member_tag"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("source IN ('hand', 'rule', 'corp', 'import')", name="member_tag_source"),
        Index("member_tag_named", "group_name", "name", "member_id"),
        some_rows("member_tag_expiry", "expires_at", where="expires_at IS NOT NULL"),
    )
    member_id: int = Field(sa_column=Column("member_id", BigInteger, primary_key=True, autoincrement=False))
    group_name: str = Field(sa_column=words("group_name", key=True))
    name: str = Field(sa_column=words("name", key=True))
    source: str = Field(sa_column=words("source", key=True))
    by: str = Field(sa_column=words("by"))
    tagged_at: datetime = Field(sa_column=moment("tagged_at"))
    expires_at: datetime | None = Field(sa_column=moment("expires_at", null=True))


class ContactWay(SQLModel, table=True):
    """渠道活码: a QR code whose `state` names the channel. Losing config_id means it can never be edited."""

    __tablename__ = "contact_way"
    __table_args__: tuple[SchemaItem, ...] = (Index("contact_way_state", "state"),)
    config_id: str = Field(sa_column=words("config_id", key=True))
    state: str = Field(sa_column=words("state"))
    remark: str = Field(sa_column=words("remark"))
    users: str = Field(sa_column=json_text("users"))
    qr_code: str = Field(sa_column=words("qr_code"))
    seen_at: datetime = Field(sa_column=moment("seen_at"))


class GroupChat(SQLModel, table=True):
    """客户群: what is known of a customer group; `member_version` decides whether an event may be applied.

    Known since `met_at`; `heard_at` is when an event was last applied; a look is owed at `look_at` (or was).
    """

    __tablename__ = "group_chat"
    chat_id: str = Field(sa_column=words("chat_id", key=True))
    name: str = Field(sa_column=words("name"))
    owner: str = Field(sa_column=words("owner"))
    member_version: str = Field(sa_column=words("member_version"))
    status: str = Field(sa_column=words("status"))
    seen_at: datetime = Field(sa_column=moment("seen_at"))
    met_at: datetime | None = Field(sa_column=moment("met_at", null=True))
    heard_at: datetime | None = Field(sa_column=moment("heard_at", null=True))
    look_at: datetime | None = Field(sa_column=moment("look_at", null=True))


class GroupMember(SQLModel, table=True):
    """Who is in a customer group; `person` is a userid or an external_userid. `scene`: invited, link, qr or ""."""

    __tablename__ = "group_member"
    __table_args__: tuple[SchemaItem, ...] = (Index("group_member_state", "state"),)
    chat_id: str = Field(sa_column=words("chat_id", key=True))
    person: str = Field(sa_column=words("person", key=True))
    kind: str = Field(sa_column=words("kind"))
    name: str = Field(sa_column=words("name"))
    state: str = Field(sa_column=words("state"))
    invitor: str = Field(sa_column=words("invitor"))
    joined_at: datetime = Field(sa_column=moment("joined_at"))
    scene: str = Field(sa_column=words("scene"))
