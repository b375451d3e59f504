"""Tables of the drives: campaigns, group-buy teams, bargains, referrals, rewards that orders cause."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, row_id, words


class Campaign(SQLModel, table=True):
    """活动: one drive with its rules as JSON; what has begun keeps a copy. `worst_fen`: the most it can cost."""

    __tablename__ = "campaign"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("status IN ('draft', 'published', 'paused', 'ended')", name="campaign_status"),
        CheckConstraint("worst_fen >= -1", name="campaign_worst"),
        Index("campaign_kind", "kind", "status"),
    )
    id: int = Field(sa_column=row_id())
    kind: str = Field(sa_column=words("kind"))
    name: str = Field(sa_column=words("name"))
    status: str = Field(sa_column=words("status"))
    starts_at: datetime = Field(sa_column=moment("starts_at"))
    ends_at: datetime = Field(sa_column=moment("ends_at"))
    config: str = Field(sa_column=json_text("config"))
    worst_fen: int = Field(sa_column=number("worst_fen"))
    made_by: str = Field(sa_column=words("made_by"))
    approved_by: str = Field(sa_column=words("approved_by"))
    created_at: datetime = Field(sa_column=moment("created_at"))


class Team(SQLModel, table=True):
    """拼团的团: `held` seats wait for payment, `paid` are taken; together never more than `size`."""

    __tablename__ = "team"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("code", name="team_code"),
        CheckConstraint("status IN ('open', 'success', 'expired')", name="team_status"),
        CheckConstraint("held >= 0 AND paid >= 0 AND held + paid <= size", name="team_seats"),
        Index("team_campaign", "campaign_id", "id"),
    )
    id: int = Field(sa_column=row_id())
    code: str = Field(sa_column=words("code"))
    campaign_id: int = Field(sa_column=number("campaign_id"))
    leader_id: int = Field(sa_column=number("leader_id"))
    rules: str = Field(sa_column=json_text("rules"))
    size: int = Field(sa_column=number("size"))
    held: int = Field(sa_column=number("held"))
    paid: int = Field(sa_column=number("paid"))
    status: str = Field(sa_column=words("status"))
    deadline: datetime = Field(sa_column=moment("deadline"))
    opened_at: datetime = Field(sa_column=moment("opened_at"))
    settled_at: datetime | None = Field(sa_column=moment("settled_at", null=True))


class TeamSeat(SQLModel, table=True):
    """One member's seat in a team."""

    __tablename__ = "team_seat"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("team_id", "member_id", name="team_seat_key"),
        CheckConstraint("status IN ('held', 'paid', 'released', 'refunded')", name="team_seat_status"),
        CheckConstraint("paid_fen >= 0", name="team_seat_paid"),
        Index("team_seat_member", "member_id", "id"),
    )
    id: int = Field(sa_column=row_id())
    team_id: int = Field(sa_column=number("team_id"))
    member_id: int = Field(sa_column=number("member_id"))
    status: str = Field(sa_column=words("status"))
    checkout_id: int = Field(sa_column=number("checkout_id"))
    order_id: int | None = Field(sa_column=number("order_id", null=True))
    paid_fen: int = Field(sa_column=number("paid_fen"))
    joined_at: datetime = Field(sa_column=moment("joined_at"))


class Bargain(SQLModel, table=True):
    """砍价: one launch. `price_fen` falls from start to floor in `needed` cuts; `seed` decides them all beforehand."""

    __tablename__ = "bargain"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("code", name="bargain_code"),
        CheckConstraint("status IN ('open', 'locked', 'bought', 'expired')", name="bargain_status"),
        CheckConstraint("floor_fen <= price_fen AND price_fen <= start_fen AND floor_fen >= 0", name="bargain_price"),
        CheckConstraint("cuts >= 0 AND cuts <= needed", name="bargain_cuts"),
        Index("bargain_member", "member_id", "id"),
        Index("bargain_campaign", "campaign_id", "id"),
    )
    id: int = Field(sa_column=row_id())
    code: str = Field(sa_column=words("code"))
    campaign_id: int = Field(sa_column=number("campaign_id"))
    member_id: int = Field(sa_column=number("member_id"))
    rules: str = Field(sa_column=json_text("rules"))
    seed: str = Field(sa_column=words("seed"))
    start_fen: int = Field(sa_column=number("start_fen"))
    floor_fen: int = Field(sa_column=number("floor_fen"))
    price_fen: int = Field(sa_column=number("price_fen"))
    needed: int = Field(sa_column=number("needed"))
    cuts: int = Field(sa_column=number("cuts"))
    status: str = Field(sa_column=words("status"))
    checkout_id: int | None = Field(sa_column=number("checkout_id", null=True))
    deadline: datetime = Field(sa_column=moment("deadline"))
    opened_at: datetime = Field(sa_column=moment("opened_at"))


class BargainCut(SQLModel, table=True):
    """One helper's cut; a helper cuts a bargain once."""

    __tablename__ = "bargain_cut"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("bargain_id", "helper_id", name="bargain_cut_key"),
        UniqueConstraint("bargain_id", "place", name="bargain_cut_place"),
        CheckConstraint("cut_fen > 0", name="bargain_cut_fen"),
    )
    id: int = Field(sa_column=row_id())
    bargain_id: int = Field(sa_column=number("bargain_id"))
    helper_id: int = Field(sa_column=number("helper_id"))
    place: int = Field(sa_column=number("place"))
    cut_fen: int = Field(sa_column=number("cut_fen"))
    cut_at: datetime = Field(sa_column=moment("cut_at"))


class ReferralCode(SQLModel, table=True):
    """A member's personal code; `config_id` and `qr_code` are its contact way, empty until WeCom made it.

    `made_at`: when the way was last asked for.
    """

    __tablename__ = "referral_code"
    __table_args__: tuple[SchemaItem, ...] = (UniqueConstraint("code", name="referral_code_code"),)
    member_id: int = Field(sa_column=row_id("member_id"))
    code: str = Field(sa_column=words("code"))
    config_id: str = Field(sa_column=words("config_id"))
    qr_code: str = Field(sa_column=words("qr_code"))
    made_at: datetime = Field(sa_column=moment("made_at"))


class Referral(SQLModel, table=True):
    """老带新: one invitee of one inviter in a campaign. More than two levels cannot be written.

    `new_since`: whoever was known before it is no newcomer. `holds` is JSON [[stock, n], ...], kept until it is paid or
    rejected. `flags` says why a person should look, until `decided_by` did; `note` is what they wrote.
    """

    __tablename__ = "referral"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("campaign_id", "invitee_id", "level", name="referral_key"),
        CheckConstraint("level IN (1, 2)", name="referral_level"),
        CheckConstraint("inviter_id <> invitee_id", name="referral_self"),
        CheckConstraint(
            "status IN ('pending', 'held', 'approved', 'paid', 'rejected', 'clawed_back')", name="referral_status"
        ),
        Index("referral_inviter", "inviter_id", "id"),
        Index("referral_invitee", "invitee_id", "id"),
        Index("referral_order", "order_id"),
    )
    id: int = Field(sa_column=row_id())
    campaign_id: int = Field(sa_column=number("campaign_id"))
    inviter_id: int = Field(sa_column=number("inviter_id"))
    invitee_id: int = Field(sa_column=number("invitee_id"))
    level: int = Field(sa_column=number("level"))
    status: str = Field(sa_column=words("status"))
    reason: str = Field(sa_column=words("reason"))
    rules: str = Field(sa_column=json_text("rules"))
    order_id: int | None = Field(sa_column=number("order_id", null=True))
    bound_at: datetime = Field(sa_column=moment("bound_at"))
    pay_at: datetime | None = Field(sa_column=moment("pay_at", null=True))
    new_since: datetime = Field(sa_column=moment("new_since"))
    holds: str = Field(sa_column=json_text("holds"))
    flags: str = Field(sa_column=words("flags"))
    decided_by: str = Field(sa_column=words("decided_by"))
    note: str = Field(sa_column=words("note"))
    qualified_at: datetime | None = Field(sa_column=moment("qualified_at", null=True))
    closed_at: datetime | None = Field(sa_column=moment("closed_at", null=True))


class Reward(SQLModel, table=True):
    """Points that an order causes: promised, credited when the refund window ends, cut down by refunds.

    `kept`: how much of `amount` stands after refunds.
    """

    __tablename__ = "reward"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("key", name="reward_key"),
        CheckConstraint("status IN ('pending', 'credited')", name="reward_status"),
        CheckConstraint("kept >= 0 AND kept <= amount AND amount > 0", name="reward_kept"),
        Index("reward_order", "order_id"),
        Index("reward_member", "member_id", "id"),
    )
    id: int = Field(sa_column=row_id())
    key: str = Field(sa_column=words("key"))
    order_id: int = Field(sa_column=number("order_id"))
    member_id: int = Field(sa_column=number("member_id"))
    amount: int = Field(sa_column=number("amount"))
    kept: int = Field(sa_column=number("kept"))
    status: str = Field(sa_column=words("status"))
    reason: str = Field(sa_column=words("reason"))
    due_at: datetime = Field(sa_column=moment("due_at"))
    made_at: datetime = Field(sa_column=moment("made_at"))
