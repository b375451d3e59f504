"""Tables of media: files that staff sent, and who sent them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import moment, number, row_id, words


class Media(SQLModel, table=True):
    """素材: a file, once however often it was sent. People name it by `seq`: P12. `path` lies below the folder that
    config.toml names; `width` and `height` are 0 where it is no picture."""

    __tablename__ = "media"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("seq", name="media_seq"),
        UniqueConstraint("sha256", name="media_sha256"),
        CheckConstraint("kind IN ('jpeg', 'png', 'gif', 'webp', 'pdf', 'xlsx', 'csv')", name="media_kind"),
        CheckConstraint("size > 0", name="media_size"),
    )
    id: int = Field(sa_column=row_id())
    seq: int = Field(sa_column=number("seq"))
    sha256: str = Field(sa_column=words("sha256"))
    kind: str = Field(sa_column=words("kind"))
    size: int = Field(sa_column=number("size"))
    width: int = Field(sa_column=number("width"))
    height: int = Field(sa_column=number("height"))
    path: str = Field(sa_column=words("path"))
    made_at: datetime = Field(sa_column=moment("made_at"))


class MediaSender(SQLModel, table=True):
    """Who sent a file, and when last."""

    __tablename__ = "media_sender"
    __table_args__: tuple[SchemaItem, ...] = (Index("media_sender_userid", "userid"),)
    media_id: int = Field(sa_column=row_id("media_id"))
    userid: str = Field(sa_column=words("userid", key=True))
    cause: str = Field(sa_column=words("cause"))
    sent_at: datetime = Field(sa_column=moment("sent_at"))


class MediaUpload(SQLModel, table=True):
    """素材上传: a kept file at WeCom's (`wecom_id`, good until `until`), as `image` or `file` and under the name that
    receivers see."""

    __tablename__ = "media_upload"
    media_id: int = Field(sa_column=row_id("media_id"))
    kind: str = Field(sa_column=words("kind", key=True))
    name: str = Field(sa_column=words("name", key=True))
    wecom_id: str = Field(sa_column=words("wecom_id"))
    made_at: datetime = Field(sa_column=moment("made_at"))
    until: datetime = Field(sa_column=moment("until"))
