"""Tables of tiers: rules by version, what each member holds, every change of it, cards that were paid for."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, row_id, some_rows, words


class TierRule(SQLModel, table=True):
    """等级规则: a version of the rules as JSON; the newest is in force."""

    __tablename__ = "tier_rule"
    id: int = Field(sa_column=row_id())
    rules: str = Field(sa_column=json_text("rules"))
    made_by: str = Field(sa_column=words("made_by"))
    made_at: datetime = Field(sa_column=moment("made_at"))


class MemberTier(SQLModel, table=True):
    """会员等级: what a member holds. `level` was earned ("" = none), `card` was paid for and counts until `card_until`;
    `member.tier` is the higher of them.

    `stage`: `none` without an earned level, `kept` until its review, `noticed` (told that it would fall), `grace` (the
    review was missed, still time). The nightly look comes by at `look_at`. `value` is what counted when it was given.
    """

    __tablename__ = "member_tier"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("stage IN ('none', 'kept', 'noticed', 'grace')", name="member_tier_stage"),
        CheckConstraint("(level = '') = (stage = 'none')", name="member_tier_level"),
        CheckConstraint("(level = '') = (look_at IS NULL)", name="member_tier_planned"),
        CheckConstraint("(card = '') = (card_until IS NULL)", name="member_tier_card"),
        some_rows("member_tier_look", "look_at", "member_id", where="look_at IS NOT NULL"),
    )
    member_id: int = Field(sa_column=row_id("member_id"))
    level: str = Field(sa_column=words("level"))
    card: str = Field(sa_column=words("card"))
    card_until: datetime | None = Field(sa_column=moment("card_until", null=True))
    stage: str = Field(sa_column=words("stage"))
    value: int = Field(sa_column=number("value"))
    review_at: datetime | None = Field(sa_column=moment("review_at", null=True))
    look_at: datetime | None = Field(sa_column=moment("look_at", null=True))
    rule_id: int = Field(sa_column=number("rule_id"))
    changed_at: datetime = Field(sa_column=moment("changed_at"))


class TierChange(SQLModel, table=True):
    """等级变动: an earned level or a card's that changed, append-only. `value` counted, `floor` is what the higher of
    the two levels asks for (-1: it cannot be earned)."""

    __tablename__ = "tier_change"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint(
            "why IN ('order', 'rules', 'review', 'merge', 'card', 'card_over', 'refund')", name="tier_change_why"
        ),
        Index("tier_change_member", "member_id", "id"),
    )
    id: int = Field(sa_column=row_id())
    member_id: int = Field(sa_column=number("member_id"))
    before: str = Field(sa_column=words("before"))
    after: str = Field(sa_column=words("after"))
    why: str = Field(sa_column=words("why"))
    value: int = Field(sa_column=number("value"))
    floor: int = Field(sa_column=number("floor"))
    rule_id: int = Field(sa_column=number("rule_id"))
    cause: str = Field(sa_column=words("cause"))
    at: datetime = Field(sa_column=moment("at"))


class TierCard(SQLModel, table=True):
    """付费卡: a level bought with an order for `days` days, of which `kept` stand after its refunds."""

    __tablename__ = "tier_card"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("order_id", "level", name="tier_card_key"),
        CheckConstraint("kept >= 0 AND kept <= days", name="tier_card_kept"),
        Index("tier_card_member", "member_id", "id"),
    )
    id: int = Field(sa_column=row_id())
    order_id: int = Field(sa_column=number("order_id"))
    member_id: int = Field(sa_column=number("member_id"))
    level: str = Field(sa_column=words("level"))
    days: int = Field(sa_column=number("days"))
    kept: int = Field(sa_column=number("kept"))
    made_at: datetime = Field(sa_column=moment("made_at"))
