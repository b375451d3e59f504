"""Tables of the shop: products, stores, orders, what is being bought, what is owed back."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint
from sqlalchemy.schema import SchemaItem
from sqlmodel import Field, SQLModel

from storage.tables.columns import json_text, moment, number, row_id, words


class Store(SQLModel, table=True):
    """门店: a store; `franchise` names the franchisee who runs it, empty = the brand's own. `type`: what kind of store
    it is in the shop's own words (商场店), by which members are layered; empty = of none."""

    __tablename__ = "store"
    code: str = Field(sa_column=words("code", key=True))
    name: str = Field(sa_column=words("name"))
    franchise: str = Field(sa_column=words("franchise"))
    type: str = Field(default="", sa_column=words("type"))


class Product(SQLModel, table=True):
    """商品: one thing that is sold. `counted` 1: its stock is `sku:<sku>`; 0: it never runs out. Prices in fen."""

    __tablename__ = "product"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("sku", name="product_sku"),
        CheckConstraint("price_fen >= 0", name="product_price"),
        CheckConstraint("cost_fen >= 0", name="product_cost"),
    )
    id: int = Field(sa_column=row_id())
    sku: str = Field(sa_column=words("sku"))
    title: str = Field(sa_column=words("title"))
    category: str = Field(sa_column=words("category"))
    price_fen: int = Field(sa_column=number("price_fen"))
    cost_fen: int = Field(sa_column=number("cost_fen"))
    counted: int = Field(sa_column=number("counted"))
    status: str = Field(sa_column=words("status"))
    created_at: datetime = Field(sa_column=moment("created_at"))


class Order(SQLModel, table=True):
    """订单: a paid order as a shop told it; `refunded_fen` grows with its refunds."""

    __tablename__ = "shop_order"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("source", "order_no", name="shop_order_key"),
        CheckConstraint("refunded_fen >= 0 AND refunded_fen <= amount_fen", name="shop_order_refunded"),
        Index("shop_order_member", "member_id", "id"),
        Index("shop_order_spend", "member_id", "paid_at", "amount_fen", "refunded_fen"),
    )
    id: int = Field(sa_column=row_id())
    source: str = Field(sa_column=words("source"))
    order_no: str = Field(sa_column=words("order_no"))
    member_id: int = Field(sa_column=number("member_id"))
    amount_fen: int = Field(sa_column=number("amount_fen"))
    refunded_fen: int = Field(sa_column=number("refunded_fen"))
    items: str = Field(sa_column=json_text("items"))
    store: str = Field(sa_column=words("store"))
    checkout_id: int | None = Field(sa_column=number("checkout_id", null=True))
    paid_at: datetime = Field(sa_column=moment("paid_at"))
    created_at: datetime = Field(sa_column=moment("created_at"))


class OrderRefund(SQLModel, table=True):
    """退款: a refund as a shop told it. `applied` 0: its order is not known yet; it waits for it."""

    __tablename__ = "order_refund"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("source", "refund_no", name="order_refund_key"),
        CheckConstraint("amount_fen > 0", name="order_refund_amount"),
        Index("order_refund_order", "source", "order_no"),
    )
    id: int = Field(sa_column=row_id())
    source: str = Field(sa_column=words("source"))
    refund_no: str = Field(sa_column=words("refund_no"))
    order_no: str = Field(sa_column=words("order_no"))
    amount_fen: int = Field(sa_column=number("amount_fen"))
    applied: int = Field(sa_column=number("applied"))
    refunded_at: datetime = Field(sa_column=moment("refunded_at"))


class Checkout(SQLModel, table=True):
    """待支付单: goods, a price and rights held for a member until `hold_until`. `holds` is JSON [[stock, n], ...],
    `discounts` JSON [[campaign, fen, 1 when only for a first order], ...]. Paid without an order: there was nothing to
    pay."""

    __tablename__ = "checkout"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("code", name="checkout_code"),
        CheckConstraint("status IN ('held', 'paid', 'released', 'refused')", name="checkout_status"),
        CheckConstraint("price_fen >= 0 AND price_fen <= list_fen", name="checkout_price"),
        Index("checkout_member", "member_id", "id"),
        Index("checkout_subject", "kind", "subject_id"),
    )
    id: int = Field(sa_column=row_id())
    code: str = Field(sa_column=words("code"))
    member_id: int = Field(sa_column=number("member_id"))
    kind: str = Field(sa_column=words("kind"))
    subject_id: int = Field(sa_column=number("subject_id"))
    items: str = Field(sa_column=json_text("items"))
    list_fen: int = Field(sa_column=number("list_fen"))
    price_fen: int = Field(sa_column=number("price_fen"))
    holds: str = Field(sa_column=json_text("holds"))
    coupons: str = Field(sa_column=json_text("coupons"))
    status: str = Field(sa_column=words("status"))
    hold_until: datetime = Field(sa_column=moment("hold_until"))
    order_id: int | None = Field(sa_column=number("order_id", null=True))
    created_at: datetime = Field(sa_column=moment("created_at"))
    discounts: str = Field(sa_column=json_text("discounts"))
    store: str = Field(sa_column=words("store"))


class Refund(SQLModel, table=True):
    """应退: money that we owe back to a buyer, told to the shop once per `key`. `refused`: asked again under another
    key, or a person must look."""

    __tablename__ = "refund"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("key", name="refund_key"),
        CheckConstraint("amount_fen > 0", name="refund_amount"),
        CheckConstraint("status IN ('owed', 'done', 'refused')", name="refund_status"),
        Index("refund_order", "order_id"),
    )
    id: int = Field(sa_column=row_id())
    key: str = Field(sa_column=words("key"))
    order_id: int = Field(sa_column=number("order_id"))
    amount_fen: int = Field(sa_column=number("amount_fen"))
    reason: str = Field(sa_column=words("reason"))
    status: str = Field(sa_column=words("status"))
    created_at: datetime = Field(sa_column=moment("created_at"))
    done_at: datetime | None = Field(sa_column=moment("done_at", null=True))


class CouponTemplate(SQLModel, table=True):
    """券模板: what a coupon is worth, where, for how long and who pays for it.

    `value`: fen for cash and free_order (its cap), permille of the price for discount (850 = 85 折), 0 for gift.
    `liability_fen`: the most that one coupon can cost; its sum stays below `budget_fen` (0 = no budget). `for_guides`
    1: guides may hand it out.
    """

    __tablename__ = "coupon_template"
    __table_args__: tuple[SchemaItem, ...] = (
        UniqueConstraint("name", name="coupon_template_name"),
        CheckConstraint("kind IN ('cash', 'discount', 'gift', 'free_order')", name="coupon_template_kind"),
        CheckConstraint("scope IN ('all', 'category', 'product', 'store', 'franchise')", name="coupon_template_scope"),
        CheckConstraint("bearer IN ('brand', 'store', 'franchisee')", name="coupon_template_bearer"),
        CheckConstraint("give_back IN ('never', 'full', 'always')", name="coupon_template_give_back"),
        CheckConstraint(
            "threshold_fen >= 0 AND liability_fen >= 0 AND stock >= 0 AND budget_fen >= 0", name="coupon_template_money"
        ),
    )
    id: int = Field(sa_column=row_id())
    name: str = Field(sa_column=words("name"))
    kind: str = Field(sa_column=words("kind"))
    value: int = Field(sa_column=number("value"))
    gift_sku: str = Field(sa_column=words("gift_sku"))
    threshold_fen: int = Field(sa_column=number("threshold_fen"))
    scope: str = Field(sa_column=words("scope"))
    scope_items: str = Field(sa_column=json_text("scope_items"))
    stackable: int = Field(sa_column=number("stackable"))
    liability_fen: int = Field(sa_column=number("liability_fen"))
    stock: int = Field(sa_column=number("stock"))
    budget_fen: int = Field(sa_column=number("budget_fen"))
    per_member: int = Field(sa_column=number("per_member"))
    per_day: int = Field(sa_column=number("per_day"))
    valid_days: int = Field(sa_column=number("valid_days"))
    valid_from: datetime | None = Field(sa_column=moment("valid_from", null=True))
    valid_until: datetime | None = Field(sa_column=moment("valid_until", null=True))
    bearer: str = Field(sa_column=words("bearer"))
    give_back: str = Field(sa_column=words("give_back"))
    remind_days: int = Field(sa_column=number("remind_days"))
    claimable: int = Field(sa_column=number("claimable"))
    created_at: datetime = Field(sa_column=moment("created_at"))
    for_guides: int = Field(default=0, sa_column=number("for_guides"))
