"""模型调用 model calls: what was asked of a language model, what it may cost and what it did cost."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import moment, number, row_id, some_rows, words


class ModelCall(SQLModel, table=True):
    """One call, by the id of its outbox row. Nothing that was said is kept here.

    `reserved`: tokens held in the day's and the member's budget until the call is over; `tokens`: what the vendor says
    it used, over all tries; `charged`: what the budgets gave for it, never more than they had. `member_id` 0: asked for
    nobody. `digest`: of what may not be asked over and over. `outcome`: "" while open, `ok`, or a failure's name.
    """

    __tablename__ = "model_call"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("reserved >= 0 AND tokens >= 0 AND charged >= 0", name="model_call_tokens"),
        CheckConstraint("outcome <> '' OR over_at IS NULL", name="model_call_over"),
        Index("model_call_member", "member_id", "asked_at"),
        Index("model_call_day", "day"),
        some_rows("model_call_open", "asked_at", where="over_at IS NULL"),
    )
    id: int = Field(sa_column=row_id())
    day: str = Field(sa_column=words("day"))
    member_id: int = Field(sa_column=number("member_id"))
    prompt: str = Field(sa_column=words("prompt"))
    version: int = Field(sa_column=number("version"))
    digest: str = Field(sa_column=words("digest"))
    reserved: int = Field(sa_column=number("reserved"))
    tokens: int = Field(sa_column=number("tokens"))
    charged: int = Field(sa_column=number("charged"))
    tries: int = Field(sa_column=number("tries"))
    rung: str = Field(sa_column=words("rung"))
    outcome: str = Field(sa_column=words("outcome"))
    asked_at: datetime = Field(sa_column=moment("asked_at"))
    over_at: datetime | None = Field(sa_column=moment("over_at", null=True))
