"""Tables of value: the ledger, rights used up, coupons, stock. Only their own modules write them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Column, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import moment, number, row_id, some_rows, words
from storage.types import UtcDateTime


class Transfer(SQLModel, table=True):
    """One move of value, double entry: `amount` of `asset` from `debit` to `credit`. Append-only."""

    __tablename__ = "transfer"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("key", name="transfer_key"),
        CheckConstraint("amount > 0", name="transfer_amount"),
        CheckConstraint("debit <> credit", name="transfer_sides"),
        Index("transfer_credit", "credit", "asset"),
        Index("transfer_debit", "debit", "asset"),
    )
    id: int = Field(sa_column=row_id())
    key: str = Field(sa_column=words("key"))
    debit: str = Field(sa_column=words("debit"))
    credit: str = Field(sa_column=words("credit"))
    asset: str = Field(sa_column=words("asset"))
    amount: int = Field(sa_column=number("amount"))
    reason: str = Field(sa_column=words("reason"))
    cause: str = Field(sa_column=words("cause"))
    made_at: datetime = Field(sa_column=moment("made_at"))


class Balance(SQLModel, table=True):
    """What a member's account holds; kept beside the transfers and recomputable from them.

    System accounts (issuer, expired, ...) have no row: every grant would write the same one.
    """

    __tablename__ = "balance"
    __table_args__: tuple[SchemaItem, ...] = (CheckConstraint("amount >= 0", name="balance_amount"),)
    account: str = Field(sa_column=words("account", key=True))
    asset: str = Field(sa_column=words("asset", key=True))
    amount: int = Field(sa_column=number("amount"))


class PointsLot(SQLModel, table=True):
    """Points by the day they expire; an account's lots together are its balance. Spent lots leave no row."""

    __tablename__ = "points_lot"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("amount >= 0", name="points_lot_amount"),
        Index("points_lot_expiry", "expires_at"),
    )
    account: str = Field(sa_column=words("account", key=True))
    expires_at: datetime = Field(sa_column=Column("expires_at", UtcDateTime, primary_key=True))
    amount: int = Field(sa_column=number("amount"))


class Grant(SQLModel, table=True):
    """A right used up: (campaign, subject, occurrence) is unique. The second defence behind the inbox."""

    __tablename__ = "grant"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("campaign", "member_id", "occurrence", name="grant_key"),
        CheckConstraint("status IN ('granted', 'inherited', 'reversed')", name="grant_status"),
    )
    id: int = Field(sa_column=row_id())
    campaign: str = Field(sa_column=words("campaign"))
    member_id: int = Field(sa_column=number("member_id"))
    occurrence: str = Field(sa_column=words("occurrence"))
    status: str = Field(sa_column=words("status"))
    channel: str = Field(sa_column=words("channel"))
    cause: str = Field(sa_column=words("cause"))
    granted_at: datetime = Field(sa_column=moment("granted_at"))


class Coupon(SQLModel, table=True):
    """券: one voucher in a member's hands. `template_id` None: a voucher without a template of its own.

    `liability_fen` is set aside from the template's budget until the coupon ends; `discount_fen` is what it took off.
    `store` and `used_by`: where and by whom it was verified at a counter.
    """

    __tablename__ = "coupon"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("code", name="coupon_code"),
        CheckConstraint(
            "status IN ('active', 'reserved', 'redeemed', 'expired', 'voided')",
            name="coupon_status",
        ),
        Index("coupon_member", "member_id"),
        CheckConstraint("liability_fen >= 0 AND discount_fen >= 0", name="coupon_money"),
        CheckConstraint("(status = 'reserved') = (checkout_id IS NOT NULL AND used_at IS NULL)", name="coupon_held"),
        Index("coupon_grant", "grant_id"),
        Index("coupon_checkout", "checkout_id"),
        some_rows("coupon_open", "expires_at", where="closed_at IS NULL"),
        some_rows("coupon_used_by", "used_by", "used_at", where="used_at IS NOT NULL"),
    )
    id: int = Field(sa_column=row_id())
    code: str = Field(sa_column=words("code"))
    template: str = Field(sa_column=words("template"))
    member_id: int = Field(sa_column=number("member_id"))
    grant_id: int = Field(sa_column=number("grant_id"))
    status: str = Field(sa_column=words("status"))
    issued_at: datetime = Field(sa_column=moment("issued_at"))
    expires_at: datetime = Field(sa_column=moment("expires_at"))
    template_id: int | None = Field(sa_column=number("template_id", null=True))
    checkout_id: int | None = Field(sa_column=number("checkout_id", null=True))
    order_id: int | None = Field(sa_column=number("order_id", null=True))
    bearer: str = Field(sa_column=words("bearer"))
    liability_fen: int = Field(sa_column=number("liability_fen"))
    discount_fen: int = Field(sa_column=number("discount_fen"))
    used_at: datetime | None = Field(sa_column=moment("used_at", null=True))
    closed_at: datetime | None = Field(sa_column=moment("closed_at", null=True))
    store: str = Field(sa_column=words("store"))
    used_by: str = Field(sa_column=words("used_by"))


class Stock(SQLModel, table=True):
    """Anything that can run out: packs, gifts, seats, budgets. Only `storage.stock` changes it."""

    __tablename__ = "stock"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("remaining >= 0", name="stock_remaining"),
        CheckConstraint("reserved >= 0", name="stock_reserved"),
        CheckConstraint("taken >= 0", name="stock_taken"),
        CheckConstraint("remaining + reserved + taken = total", name="stock_sum"),
    )
    name: str = Field(sa_column=words("name", key=True))
    total: int = Field(sa_column=number("total"))
    remaining: int = Field(sa_column=number("remaining"))
    reserved: int = Field(sa_column=number("reserved"))
    taken: int = Field(sa_column=number("taken"))
