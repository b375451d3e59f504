"""Tables of points spent and given by hand: what was redeemed, what admins moved."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, row_id, some_rows, words


class Redemption(SQLModel, table=True):
    """积分兑换: points for a coupon. `asked`: waits until `until` for the member's yes.

    `holds` is JSON [[stock, n], ...]: gifts set aside until the coupon is used or ends; `lots` is JSON
    [[expires_at, points], ...]: which points were spent, so that an undoing gives back the same.
    """

    __tablename__ = "redemption"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("status IN ('asked', 'done', 'undone', 'declined')", name="redemption_status"),
        CheckConstraint("points > 0", name="redemption_points"),
        Index("redemption_member", "member_id", "id"),
        some_rows("redemption_coupon", "coupon_id", where="coupon_id IS NOT NULL"),
    )
    id: int = Field(sa_column=row_id())
    campaign_id: int = Field(sa_column=number("campaign_id"))
    member_id: int = Field(sa_column=number("member_id"))
    rules: str = Field(sa_column=json_text("rules"))
    points: int = Field(sa_column=number("points"))
    holds: str = Field(sa_column=json_text("holds"))
    lots: str = Field(sa_column=json_text("lots"))
    coupon_id: int | None = Field(sa_column=number("coupon_id", null=True))
    status: str = Field(sa_column=words("status"))
    made_at: datetime = Field(sa_column=moment("made_at"))
    until: datetime = Field(sa_column=moment("until"))


class PointsAct(SQLModel, table=True):
    """调积分: points that an admin gives (`amount` above 0) or takes back. `waiting`: for a second person."""

    __tablename__ = "points_act"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("status IN ('waiting', 'done', 'rejected')", name="points_act_status"),
        CheckConstraint("amount <> 0", name="points_act_amount"),
        Index("points_act_member", "member_id", "id"),
    )
    id: int = Field(sa_column=row_id())
    key: str = Field(sa_column=words("key"))
    member_id: int = Field(sa_column=number("member_id"))
    amount: int = Field(sa_column=number("amount"))
    valid_days: int = Field(sa_column=number("valid_days"))
    reason: str = Field(sa_column=words("reason"))
    made_by: str = Field(sa_column=words("made_by"))
    approved_by: str = Field(sa_column=words("approved_by"))
    status: str = Field(sa_column=words("status"))
    made_at: datetime = Field(sa_column=moment("made_at"))
