"""Distribution: who promotes, whom they brought, commission of orders, payouts."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0024"
down_revision = "0030"
branch_labels = None
depends_on = None

_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the change."""
    _people()
    _money()


def _people() -> None:
    op.create_table(
        "distributor",
        _id("id"), _number("member_id"), _words("code"), _number("sponsor_id", null=True), _words("customer_manager"),
        _words("service_manager"), _words("status"), _words("reason"), _words("approved_by"), _words("config_id"),
        _words("qr_code"), _moment("made_at"), _moment("joined_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("member_id", name="distributor_member"),
        sa.UniqueConstraint("code", name="distributor_code"),
        sa.CheckConstraint("status IN ('active', 'suspended', 'terminated')", name="distributor_status"),
        sa.CheckConstraint("customer_manager <> '' AND service_manager <> ''", name="distributor_managers"),
        sa.CheckConstraint("sponsor_id <> id", name="distributor_sponsor_self"),
    )  # fmt: skip
    op.create_index("distributor_customer_manager", "distributor", ["customer_manager"])
    op.create_index("distributor_service_manager", "distributor", ["service_manager"])
    op.create_table(
        "distributor_change",
        _id("id"), _number("distributor_id"), _words("what"), _words("before"), _words("after"), _words("by"),
        _words("reason"), _moment("at"),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint("what IN ('customer', 'service', 'status', 'member')", name="distributor_change_what"),
    )  # fmt: skip
    op.create_index("distributor_change_of", "distributor_change", ["distributor_id", "id"])
    op.create_table(
        "distribution_customer",
        _id("id"), _number("member_id"), _number("open_member", null=True), _number("distributor_id"),
        _moment("bound_at"), _moment("protected_until"), _moment("ends_at", null=True),
        _moment("ended_at", null=True), _words("why"), _words("flags"), _words("decided_by"),
        _moment("decided_at", null=True), _words("note"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("open_member", name="distribution_customer_open"),
        sa.CheckConstraint("(ended_at IS NULL) = (open_member IS NOT NULL)", name="distribution_customer_ended"),
        sa.CheckConstraint("open_member = member_id", name="distribution_customer_whose"),
    )  # fmt: skip
    op.create_index("distribution_customer_member", "distribution_customer", ["member_id", "id"])
    op.create_index("distribution_customer_of", "distribution_customer", ["distributor_id", "id"])
    where = sa.text("ended_at IS NULL AND decided_at IS NULL")
    op.create_index(
        "distribution_customer_review", "distribution_customer", ["id"], sqlite_where=where, postgresql_where=where
    )  # fmt: skip


def _money() -> None:
    op.create_table(
        "commission",
        _id("id"), _number("order_id"), _number("level"), _number("distributor_id"), _number("via_id", null=True),
        _number("customer_id"), _number("binding_id"), _number("net_fen"), _number("amount_fen"), _number("kept_fen"),
        _words("status"), _words("reason"), _moment("due_at"), _moment("made_at"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("order_id", "level", name="commission_key"),
        sa.UniqueConstraint("order_id", "distributor_id", name="commission_once"),
        sa.CheckConstraint("level IN (1, 2)", name="commission_level"),
        sa.CheckConstraint("(level = 1) = (via_id IS NULL)", name="commission_via"),
        sa.CheckConstraint("via_id <> distributor_id", name="commission_self"),
        sa.CheckConstraint("amount_fen > 0 AND kept_fen >= 0 AND kept_fen <= amount_fen", name="commission_kept"),
        sa.CheckConstraint("net_fen >= amount_fen", name="commission_net"),
        sa.CheckConstraint(
            "status IN ('pending', 'available', 'cancelled', 'clawed_back')",
            name="commission_status",
        ),
        sa.CheckConstraint("(kept_fen = 0) = (status IN ('cancelled', 'clawed_back'))", name="commission_ended"),
    )  # fmt: skip
    op.create_index("commission_binding", "commission", ["binding_id", "id"])
    op.create_index("commission_customer", "commission", ["customer_id", "id"])
    op.create_index("commission_made", "commission", ["made_at"])
    op.create_index("commission_of", "commission", ["distributor_id", "id"])
    op.create_table(
        "commission_line",
        _id("commission_id"), _id("place"), _words("sku"), _number("net_fen"), _number("rate_bp"),
        _number("amount_fen"),
        sa.PrimaryKeyConstraint("commission_id", "place"),
        sa.CheckConstraint("net_fen >= 0 AND amount_fen >= 0 AND amount_fen <= net_fen", name="commission_line_fen"),
        sa.CheckConstraint("rate_bp >= 0 AND rate_bp <= 5000", name="commission_line_rate"),
    )  # fmt: skip
    op.create_table(
        "commission_payout",
        _id("id"), _number("distributor_id"), _number("member_id"), _number("asked_fen"), _number("amount_fen"),
        _words("status"), _moment("asked_at"), _moment("decided_at", null=True), _words("decided_by"),
        _words("reference"), _words("note"),
        sa.PrimaryKeyConstraint("id"),
        sa.CheckConstraint(
            "status IN ('requested', 'paid', 'rejected', 'cancelled')",
            name="commission_payout_status",
        ),
        sa.CheckConstraint(
            "asked_fen > 0 AND amount_fen >= 0 AND amount_fen <= asked_fen",
            name="commission_payout_fen",
        ),
        sa.CheckConstraint("(status = 'requested') = (decided_at IS NULL)", name="commission_payout_decided"),
        sa.CheckConstraint(
            "status <> 'paid' OR (reference <> '' AND decided_by <> '' AND amount_fen > 0)",
            name="commission_payout_paid",
        ),
        sa.CheckConstraint("(status = 'cancelled') = (amount_fen = 0)", name="commission_payout_empty"),
    )  # fmt: skip
    op.create_index("commission_payout_decided_at", "commission_payout", ["decided_at"])
    op.create_index("commission_payout_of", "commission_payout", ["distributor_id", "id"])
    where = sa.text("decided_at IS NULL")
    op.create_index(
        "commission_payout_open", "commission_payout", ["id"], sqlite_where=where, postgresql_where=where
    )  # fmt: skip


def _id(name: str) -> sa.Column[int]:
    return sa.Column(name, _ID, autoincrement=False, nullable=False)


def _words(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(), nullable=False)


def _number(name: str, *, null: bool = False) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger(), nullable=null)


def _moment(name: str, *, null: bool = False) -> sa.Column[object]:
    return sa.Column(name, storage.types.UtcDateTime(), nullable=null)
