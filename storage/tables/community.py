"""Tables of community groups on other platforms: codes that link accounts, groups that were welcomed."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import moment, number, row_id, words


class LinkCode(SQLModel, table=True):
    """绑定码: hashed, single use. `ended_at` when it was used (`used_by` says by whom) or made void (`used_by` "")."""

    __tablename__ = "link_code"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("digest", name="link_code_digest"),
        Index("link_code_member", "member_id"),
    )
    id: int = Field(sa_column=row_id())
    digest: str = Field(sa_column=words("digest"))
    member_id: int = Field(sa_column=number("member_id"))
    made_at: datetime = Field(sa_column=moment("made_at"))
    expires_at: datetime = Field(sa_column=moment("expires_at"))
    ended_at: datetime | None = Field(sa_column=moment("ended_at", null=True))
    used_by: str = Field(sa_column=words("used_by"))


class CommunityGroup(SQLModel, table=True):
    """A community group (`<self_id>:<group_id>`) and when a newcomer was last welcomed there."""

    __tablename__ = "community_group"
    chat_id: str = Field(sa_column=words("chat_id", key=True))
    welcomed_at: datetime = Field(sa_column=moment("welcomed_at"))
