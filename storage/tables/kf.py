"""Tables of 微信客服 KF: the accounts we pull from, and how each conversation stands."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, words


class KfAccount(SQLModel, table=True):
    """客服账号: `cursor` is what was stored last, `token` the newest bell's; `active` 0 when it was taken from the app.

    What was written before `seen_at` is history to us: recorded, not answered.
    """

    __tablename__ = "kf_account"
    open_kfid: str = Field(sa_column=words("open_kfid", key=True))
    cursor: str = Field(sa_column=words("cursor"))
    token: str = Field(sa_column=words("token"))
    token_at: datetime = Field(sa_column=moment("token_at"))
    active: int = Field(sa_column=number("active"))
    seen_at: datetime = Field(sa_column=moment("seen_at"))


class KfSession(SQLModel, table=True):
    """One member's conversation with one account. `sent` counts our messages since the member's last one.

    `sent_at` is a JSON list of when the last five of ours were accepted (microseconds since 1970); `state` is WeCom's:
    0 new, 1 bot, 2 pool, 3 human, 4 ended.
    """

    __tablename__ = "kf_session"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("sent >= 0 AND sent <= 5", name="kf_session_sent"),
        CheckConstraint("state >= 0 AND state <= 4", name="kf_session_state"),
        Index("kf_session_contact", "external_userid"),
    )
    open_kfid: str = Field(sa_column=words("open_kfid", key=True))
    external_userid: str = Field(sa_column=words("external_userid", key=True))
    heard_at: datetime = Field(sa_column=moment("heard_at"))
    sent: int = Field(sa_column=number("sent"))
    sent_at: str = Field(sa_column=json_text("sent_at"))
    state: int = Field(sa_column=number("state"))
    state_at: datetime = Field(sa_column=moment("state_at"))
    servicer: str = Field(sa_column=words("servicer"))
    scene: str = Field(sa_column=words("scene"))
    scene_param: str = Field(sa_column=words("scene_param"))
    entered_at: datetime = Field(sa_column=moment("entered_at"))
    nudged_at: datetime = Field(sa_column=moment("nudged_at"))
