"""Tables of customer groups: who was in them, their days in numbers, what admins made for them, and cards to tap."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, row_id, words


class GroupLeft(SQLModel, table=True):
    """A stay in a customer group that is over. `how`: left, removed, or found (nobody told us; `left_at` is when we
    saw it)."""

    __tablename__ = "group_left"
    __table_args__: tuple[SchemaItem, ...] = (
        Index("group_left_chat", "chat_id", "left_at"),
        Index("group_left_state", "state"),
    )
    id: int = Field(sa_column=row_id())
    chat_id: str = Field(sa_column=words("chat_id"))
    person: str = Field(sa_column=words("person"))
    kind: str = Field(sa_column=words("kind"))
    state: str = Field(sa_column=words("state"))
    invitor: str = Field(sa_column=words("invitor"))
    joined_at: datetime = Field(sa_column=moment("joined_at"))
    left_at: datetime = Field(sa_column=moment("left_at"))
    how: str = Field(sa_column=words("how"))


class GroupDay(SQLModel, table=True):
    """A group's day (`day` is the shops' date). `members` counts everybody at its end, the rest contacts only.

    `invited` is {"userid or external_userid": how many}. `whole` 0: we did not know the group all day, so leaves may
    be missing.
    """

    __tablename__ = "group_day"
    chat_id: str = Field(sa_column=words("chat_id", key=True))
    day: str = Field(sa_column=words("day", key=True))
    members: int = Field(sa_column=number("members"))
    contacts: int = Field(sa_column=number("contacts"))
    joined: int = Field(sa_column=number("joined"))
    left: int = Field(sa_column=number("left"))
    invited: str = Field(sa_column=json_text("invited"))
    whole: int = Field(sa_column=number("whole"))
    made_at: datetime = Field(sa_column=moment("made_at"))


class GroupOwnerDay(SQLModel, table=True):
    """What WeCom counts of an owner's groups together for a day; it gives no numbers of a single group."""

    __tablename__ = "group_owner_day"
    owner: str = Field(sa_column=words("owner", key=True))
    day: str = Field(sa_column=words("day", key=True))
    groups: int = Field(sa_column=number("groups"))
    groups_active: int = Field(sa_column=number("groups_active"))
    members: int = Field(sa_column=number("members"))
    members_active: int = Field(sa_column=number("members_active"))
    messages: int = Field(sa_column=number("messages"))
    made_at: datetime = Field(sa_column=moment("made_at"))


class GroupAsset(SQLModel, table=True):
    """入群方式 (`join_way`) and 入群欢迎语素材 (`welcome`): what an admin had made at WeCom.

    `key` is unique among what exists: a way's state, a welcome's name. `unsure`: WeCom may have made it, its answer was
    lost, and there is no list in which to look.
    """

    __tablename__ = "group_asset"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("kind", "key", name="group_asset_key"),
        CheckConstraint("kind IN ('join_way', 'welcome')", name="group_asset_kind"),
        CheckConstraint(
            "status IN ('making', 'made', 'unsure', 'refused', 'deleting', 'deleted')", name="group_asset_status"
        ),
        CheckConstraint("status <> 'made' OR remote_id <> ''", name="group_asset_made"),
    )
    id: int = Field(sa_column=row_id())
    kind: str = Field(sa_column=words("kind"))
    key: str = Field(sa_column=words("key"))
    name: str = Field(sa_column=words("name"))
    state: str = Field(sa_column=words("state"))
    body: str = Field(sa_column=json_text("body"))
    remote_id: str = Field(sa_column=words("remote_id"))
    qr_code: str = Field(sa_column=words("qr_code"))
    status: str = Field(sa_column=words("status"))
    error: str = Field(sa_column=words("error"))
    created_at: datetime = Field(sa_column=moment("created_at"))
    changed_at: datetime = Field(sa_column=moment("changed_at"))


class Card(SQLModel, table=True):
    """A card with buttons that was sent to a guide: JSON list of [words, label]; what was chosen first stays chosen."""

    __tablename__ = "card"
    task_id: str = Field(sa_column=words("task_id", key=True))
    userid: str = Field(sa_column=words("userid"))
    choices: str = Field(sa_column=json_text("choices"))
    chosen: str | None = Field(sa_column=words("chosen", null=True))
    chosen_by: str = Field(sa_column=words("chosen_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))
    chosen_at: datetime | None = Field(sa_column=moment("chosen_at", null=True))
