"""Tables of distribution: who promotes, whom they brought, what an order earns them, what was paid out to them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import moment, number, row_id, some_rows, words


class Distributor(SQLModel, table=True):
    """分销员: a member who may promote, with exactly one customer manager 客户经理 and one service manager 服务经理.

    `sponsor_id`: the distributor who had brought them as a customer; set once. `config_id` and `qr_code` are the
    contact way of their code, last asked for at `made_at`.
    """

    __tablename__ = "distributor"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("member_id", name="distributor_member"),
        UniqueConstraint("code", name="distributor_code"),
        CheckConstraint("status IN ('active', 'suspended', 'terminated')", name="distributor_status"),
        CheckConstraint("customer_manager <> '' AND service_manager <> ''", name="distributor_managers"),
        CheckConstraint("sponsor_id <> id", name="distributor_sponsor_self"),
        Index("distributor_customer_manager", "customer_manager"),
        Index("distributor_service_manager", "service_manager"),
    )
    id: int = Field(sa_column=row_id())
    member_id: int = Field(sa_column=number("member_id"))
    code: str = Field(sa_column=words("code"))
    sponsor_id: int | None = Field(sa_column=number("sponsor_id", null=True))
    customer_manager: str = Field(sa_column=words("customer_manager"))
    service_manager: str = Field(sa_column=words("service_manager"))
    status: str = Field(sa_column=words("status"))
    reason: str = Field(sa_column=words("reason"))
    approved_by: str = Field(sa_column=words("approved_by"))
    config_id: str = Field(sa_column=words("config_id"))
    qr_code: str = Field(sa_column=words("qr_code"))
    made_at: datetime = Field(sa_column=moment("made_at"))
    joined_at: datetime = Field(sa_column=moment("joined_at"))


class DistributorChange(SQLModel, table=True):
    """分销员变动: who served a distributor before, how they stood; never changed. `what`: customer or service (the
    manager), status, member (two members proved to be one)."""

    __tablename__ = "distributor_change"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("what IN ('customer', 'service', 'status', 'member')", name="distributor_change_what"),
        Index("distributor_change_of", "distributor_id", "id"),
    )
    id: int = Field(sa_column=row_id())
    distributor_id: int = Field(sa_column=number("distributor_id"))
    what: str = Field(sa_column=words("what"))
    before: str = Field(sa_column=words("before"))
    after: str = Field(sa_column=words("after"))
    by: str = Field(sa_column=words("by"))
    reason: str = Field(sa_column=words("reason"))
    at: datetime = Field(sa_column=moment("at"))


class DistributionCustomer(SQLModel, table=True):
    """客户绑定: whose customer a member is. `open_member` is the member while it stands, so that nobody has two.

    Nobody else may take them before `protected_until`; orders count until `ends_at` (None = always). `flags`: why a
    person has to look before anything is paid.
    """

    __tablename__ = "distribution_customer"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("open_member", name="distribution_customer_open"),
        CheckConstraint("(ended_at IS NULL) = (open_member IS NOT NULL)", name="distribution_customer_ended"),
        CheckConstraint("open_member = member_id", name="distribution_customer_whose"),
        Index("distribution_customer_member", "member_id", "id"),
        Index("distribution_customer_of", "distributor_id", "id"),
        some_rows("distribution_customer_review", "id", where="ended_at IS NULL AND decided_at IS NULL"),
    )
    id: int = Field(sa_column=row_id())
    member_id: int = Field(sa_column=number("member_id"))
    open_member: int | None = Field(sa_column=number("open_member", null=True))
    distributor_id: int = Field(sa_column=number("distributor_id"))
    bound_at: datetime = Field(sa_column=moment("bound_at"))
    protected_until: datetime = Field(sa_column=moment("protected_until"))
    ends_at: datetime | None = Field(sa_column=moment("ends_at", null=True))
    ended_at: datetime | None = Field(sa_column=moment("ended_at", null=True))
    why: str = Field(sa_column=words("why"))
    flags: str = Field(sa_column=words("flags"))
    decided_by: str = Field(sa_column=words("decided_by"))
    decided_at: datetime | None = Field(sa_column=moment("decided_at", null=True))
    note: str = Field(sa_column=words("note"))


class Commission(SQLModel, table=True):
    """佣金: what an order earns whoever promoted it (level 1) and whoever had brought them (level 2); there is no
    third. `via_id`: the level-1 distributor that a level 2 hangs on. `net_fen`: what was paid for goods that count.

    `kept_fen`: how much of `amount_fen` stands after refunds.
    """

    __tablename__ = "commission"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("order_id", "level", name="commission_key"),
        UniqueConstraint("order_id", "distributor_id", name="commission_once"),
        CheckConstraint("level IN (1, 2)", name="commission_level"),
        CheckConstraint("(level = 1) = (via_id IS NULL)", name="commission_via"),
        CheckConstraint("via_id <> distributor_id", name="commission_self"),
        CheckConstraint("amount_fen > 0 AND kept_fen >= 0 AND kept_fen <= amount_fen", name="commission_kept"),
        CheckConstraint("net_fen >= amount_fen", name="commission_net"),
        CheckConstraint("status IN ('pending', 'available', 'cancelled', 'clawed_back')", name="commission_status"),
        CheckConstraint("(kept_fen = 0) = (status IN ('cancelled', 'clawed_back'))", name="commission_ended"),
        Index("commission_of", "distributor_id", "id"),
        Index("commission_customer", "customer_id", "id"),
        Index("commission_binding", "binding_id", "id"),
        Index("commission_made", "made_at"),
    )
    id: int = Field(sa_column=row_id())
    order_id: int = Field(sa_column=number("order_id"))
    level: int = Field(sa_column=number("level"))
    distributor_id: int = Field(sa_column=number("distributor_id"))
    via_id: int | None = Field(sa_column=number("via_id", null=True))
    customer_id: int = Field(sa_column=number("customer_id"))
    binding_id: int = Field(sa_column=number("binding_id"))
    net_fen: int = Field(sa_column=number("net_fen"))
    amount_fen: int = Field(sa_column=number("amount_fen"))
    kept_fen: int = Field(sa_column=number("kept_fen"))
    status: str = Field(sa_column=words("status"))
    reason: str = Field(sa_column=words("reason"))
    due_at: datetime = Field(sa_column=moment("due_at"))
    made_at: datetime = Field(sa_column=moment("made_at"))


class CommissionLine(SQLModel, table=True):
    """佣金明细: one line of the order: what was paid for it after coupons, its rate in basis points, what it earns."""

    __tablename__ = "commission_line"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("net_fen >= 0 AND amount_fen >= 0 AND amount_fen <= net_fen", name="commission_line_fen"),
        CheckConstraint("rate_bp >= 0 AND rate_bp <= 5000", name="commission_line_rate"),
    )
    commission_id: int = Field(sa_column=row_id("commission_id"))
    place: int = Field(sa_column=row_id("place"))
    sku: str = Field(sa_column=words("sku"))
    net_fen: int = Field(sa_column=number("net_fen"))
    rate_bp: int = Field(sa_column=number("rate_bp"))
    amount_fen: int = Field(sa_column=number("amount_fen"))


class Payout(SQLModel, table=True):
    """提现: what a distributor asked for. The money leaves by a person's act, with the `reference` of the transfer; a
    refund before that takes from it (`amount_fen` of `asked_fen` is left)."""

    __tablename__ = "commission_payout"
    __table_args__: tuple[SchemaItem, ...] = (
        CheckConstraint("status IN ('requested', 'paid', 'rejected', 'cancelled')", name="commission_payout_status"),
        CheckConstraint("asked_fen > 0 AND amount_fen >= 0 AND amount_fen <= asked_fen", name="commission_payout_fen"),
        CheckConstraint("(status = 'requested') = (decided_at IS NULL)", name="commission_payout_decided"),
        CheckConstraint(
            "status <> 'paid' OR (reference <> '' AND decided_by <> '' AND amount_fen > 0)",
            name="commission_payout_paid",
        ),
        CheckConstraint("(status = 'cancelled') = (amount_fen = 0)", name="commission_payout_empty"),
        Index("commission_payout_of", "distributor_id", "id"),
        some_rows("commission_payout_open", "id", where="decided_at IS NULL"),
        Index("commission_payout_decided_at", "decided_at"),
    )
    id: int = Field(sa_column=row_id())
    distributor_id: int = Field(sa_column=number("distributor_id"))
    member_id: int = Field(sa_column=number("member_id"))
    asked_fen: int = Field(sa_column=number("asked_fen"))
    amount_fen: int = Field(sa_column=number("amount_fen"))
    status: str = Field(sa_column=words("status"))
    asked_at: datetime = Field(sa_column=moment("asked_at"))
    decided_at: datetime | None = Field(sa_column=moment("decided_at", null=True))
    decided_by: str = Field(sa_column=words("decided_by"))
    reference: str = Field(sa_column=words("reference"))
    note: str = Field(sa_column=words("note"))
