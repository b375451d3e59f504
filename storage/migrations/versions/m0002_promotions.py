"""Promotions: products, orders, coupon templates, lots of points, campaigns and what they run."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "bargain",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("seed", sa.String(), nullable=False),
        sa.Column("start_fen", sa.BigInteger(), nullable=False),
        sa.Column("floor_fen", sa.BigInteger(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("needed", sa.BigInteger(), nullable=False),
        sa.Column("cuts", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("checkout_id", sa.BigInteger(), nullable=True),
        sa.Column("deadline", storage.types.UtcDateTime(), nullable=False),
        sa.Column("opened_at", storage.types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("status IN ('open', 'locked', 'bought', 'expired')", name="bargain_status"),
        sa.CheckConstraint("cuts >= 0 AND cuts <= needed", name="bargain_cuts"),
        sa.CheckConstraint(
            "floor_fen <= price_fen AND price_fen <= start_fen AND floor_fen >= 0", name="bargain_price"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code", name="bargain_code"),
    )
    with op.batch_alter_table("bargain", schema=None) as batch_op:
        batch_op.create_index("bargain_campaign", ["campaign_id", "id"], unique=False)
        batch_op.create_index("bargain_member", ["member_id", "id"], unique=False)

    op.create_table(
        "bargain_cut",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("bargain_id", sa.BigInteger(), nullable=False),
        sa.Column("helper_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.BigInteger(), nullable=False),
        sa.Column("cut_fen", sa.BigInteger(), nullable=False),
        sa.Column("cut_at", storage.types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("cut_fen > 0", name="bargain_cut_fen"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("bargain_id", "helper_id", name="bargain_cut_key"),
        sa.UniqueConstraint("bargain_id", "place", name="bargain_cut_place"),
    )
    op.create_table(
        "campaign",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("starts_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("ends_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("config", sa.Text(), nullable=False),
        sa.Column("worst_fen", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(), nullable=False),
        sa.Column("approved_by", sa.String(), nullable=False),
        sa.Column("created_at", storage.types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("status IN ('draft', 'published', 'paused', 'ended')", name="campaign_status"),
        sa.PrimaryKeyConstraint("id"),
    )
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.create_index("campaign_kind", ["kind", "status"], unique=False)

    op.create_table(
        "checkout",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject_id", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("list_fen", sa.BigInteger(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("holds", sa.Text(), nullable=False),
        sa.Column("coupons", sa.Text(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("hold_until", storage.types.UtcDateTime(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("created_at", storage.types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("status IN ('held', 'paid', 'released', 'refused')", name="checkout_status"),
        sa.CheckConstraint("price_fen >= 0 AND price_fen <= list_fen", name="checkout_price"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code", name="checkout_code"),
    )
    with op.batch_alter_table("checkout", schema=None) as batch_op:
        batch_op.create_index("checkout_member", ["member_id", "id"], unique=False)
        batch_op.create_index("checkout_subject", ["kind", "subject_id"], unique=False)

    op.create_table(
        "coupon_template",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.Column("gift_sku", sa.String(), nullable=False),
        sa.Column("threshold_fen", sa.BigInteger(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("scope_items", sa.Text(), nullable=False),
        sa.Column("stackable", sa.BigInteger(), nullable=False),
        sa.Column("liability_fen", sa.BigInteger(), nullable=False),
        sa.Column("stock", sa.BigInteger(), nullable=False),
        sa.Column("budget_fen", sa.BigInteger(), nullable=False),
        sa.Column("per_member", sa.BigInteger(), nullable=False),
        sa.Column("per_day", sa.BigInteger(), nullable=False),
        sa.Column("valid_days", sa.BigInteger(), nullable=False),
        sa.Column("valid_from", storage.types.UtcDateTime(), nullable=True),
        sa.Column("valid_until", storage.types.UtcDateTime(), nullable=True),
        sa.Column("bearer", sa.String(), nullable=False),
        sa.Column("give_back", sa.String(), nullable=False),
        sa.Column("remind_days", sa.BigInteger(), nullable=False),
        sa.Column("claimable", sa.BigInteger(), nullable=False),
        sa.Column("created_at", storage.types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("bearer IN ('brand', 'store', 'franchisee')", name="coupon_template_bearer"),
        sa.CheckConstraint("give_back IN ('never', 'full', 'always')", name="coupon_template_give_back"),
        sa.CheckConstraint("kind IN ('cash', 'discount', 'gift', 'free_order')", name="coupon_template_kind"),
        sa.CheckConstraint(
            "scope IN ('all', 'category', 'product', 'store', 'franchise')", name="coupon_template_scope"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name", name="coupon_template_name"),
    )
    op.create_table(
        "order_refund",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("refund_no", sa.String(), nullable=False),
        sa.Column("order_no", sa.String(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("applied", sa.BigInteger(), nullable=False),
        sa.Column("refunded_at", storage.types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("amount_fen > 0", name="order_refund_amount"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "refund_no", name="order_refund_key"),
    )
    with op.batch_alter_table("order_refund", schema=None) as batch_op:
        batch_op.create_index("order_refund_order", ["source", "order_no"], unique=False)

    op.create_table(
        "points_lot",
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("expires_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("amount >= 0", name="points_lot_amount"),
        sa.PrimaryKeyConstraint("account", "expires_at"),
    )
    with op.batch_alter_table("points_lot", schema=None) as batch_op:
        batch_op.create_index("points_lot_expiry", ["expires_at"], unique=False)

    op.create_table(
        "product",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("sku", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("category", sa.String(), nullable=False),
        sa.Column("price_fen", sa.BigInteger(), nullable=False),
        sa.Column("cost_fen", sa.BigInteger(), nullable=False),
        sa.Column("counted", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", storage.types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("cost_fen >= 0", name="product_cost"),
        sa.CheckConstraint("price_fen >= 0", name="product_price"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("sku", name="product_sku"),
    )
    op.create_table(
        "referral",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("inviter_id", sa.BigInteger(), nullable=False),
        sa.Column("invitee_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("bound_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("pay_at", storage.types.UtcDateTime(), nullable=True),
        sa.CheckConstraint(
            "status IN ('pending', 'held', 'approved', 'paid', 'rejected', 'clawed_back')", name="referral_status"
        ),
        sa.CheckConstraint("inviter_id <> invitee_id", name="referral_self"),
        sa.CheckConstraint("level IN (1, 2)", name="referral_level"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("campaign_id", "invitee_id", "level", name="referral_key"),
    )
    with op.batch_alter_table("referral", schema=None) as batch_op:
        batch_op.create_index("referral_inviter", ["inviter_id", "id"], unique=False)
        batch_op.create_index("referral_order", ["order_id"], unique=False)

    op.create_table(
        "referral_code",
        sa.Column(
            "member_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False
        ),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("config_id", sa.String(), nullable=False),
        sa.Column("qr_code", sa.String(), nullable=False),
        sa.Column("made_at", storage.types.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("member_id"),
        sa.UniqueConstraint("code", name="referral_code_code"),
    )
    op.create_table(
        "refund",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("created_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("done_at", storage.types.UtcDateTime(), nullable=True),
        sa.CheckConstraint("status IN ('owed', 'done')", name="refund_status"),
        sa.CheckConstraint("amount_fen > 0", name="refund_amount"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="refund_key"),
    )
    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.create_index("refund_order", ["order_id"], unique=False)

    op.create_table(
        "reward",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("kept", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("reason", sa.String(), nullable=False),
        sa.Column("due_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("made_at", storage.types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("status IN ('pending', 'credited')", name="reward_status"),
        sa.CheckConstraint("kept >= 0 AND kept <= amount AND amount > 0", name="reward_kept"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="reward_key"),
    )
    with op.batch_alter_table("reward", schema=None) as batch_op:
        batch_op.create_index("reward_member", ["member_id", "id"], unique=False)
        batch_op.create_index("reward_order", ["order_id"], unique=False)

    op.create_table(
        "shop_order",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("order_no", sa.String(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_fen", sa.BigInteger(), nullable=False),
        sa.Column("refunded_fen", sa.BigInteger(), nullable=False),
        sa.Column("items", sa.Text(), nullable=False),
        sa.Column("store", sa.String(), nullable=False),
        sa.Column("checkout_id", sa.BigInteger(), nullable=True),
        sa.Column("paid_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("created_at", storage.types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("refunded_fen >= 0 AND refunded_fen <= amount_fen", name="shop_order_refunded"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("source", "order_no", name="shop_order_key"),
    )
    with op.batch_alter_table("shop_order", schema=None) as batch_op:
        batch_op.create_index("shop_order_member", ["member_id", "id"], unique=False)

    op.create_table(
        "store",
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("franchise", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("code"),
    )
    op.create_table(
        "team",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("code", sa.String(), nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=False),
        sa.Column("leader_id", sa.BigInteger(), nullable=False),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("held", sa.BigInteger(), nullable=False),
        sa.Column("paid", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("deadline", storage.types.UtcDateTime(), nullable=False),
        sa.Column("opened_at", storage.types.UtcDateTime(), nullable=False),
        sa.Column("settled_at", storage.types.UtcDateTime(), nullable=True),
        sa.CheckConstraint("status IN ('open', 'success', 'expired')", name="team_status"),
        sa.CheckConstraint("held >= 0 AND paid >= 0 AND held + paid <= size", name="team_seats"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("code", name="team_code"),
    )
    with op.batch_alter_table("team", schema=None) as batch_op:
        batch_op.create_index("team_campaign", ["campaign_id", "id"], unique=False)

    op.create_table(
        "team_seat",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=False, nullable=False),
        sa.Column("team_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("status", sa.String(), nullable=False),
        sa.Column("checkout_id", sa.BigInteger(), nullable=False),
        sa.Column("order_id", sa.BigInteger(), nullable=True),
        sa.Column("paid_fen", sa.BigInteger(), nullable=False),
        sa.Column("joined_at", storage.types.UtcDateTime(), nullable=False),
        sa.CheckConstraint("status IN ('held', 'paid', 'released', 'refunded')", name="team_seat_status"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("team_id", "member_id", name="team_seat_key"),
    )
    with op.batch_alter_table("team_seat", schema=None) as batch_op:
        batch_op.create_index("team_seat_member", ["member_id", "id"], unique=False)

    _grow_coupon()
    op.execute(_LOTS[op.get_bind().dialect.name])


# Points that were given before lots existed never expire: nobody was told otherwise.
_LOTS = {
    "sqlite": "INSERT INTO points_lot (account, expires_at, amount) "
    "SELECT account, 253370764800000000, amount FROM balance WHERE asset = 'points' AND amount > 0",
    "postgresql": "INSERT INTO points_lot (account, expires_at, amount) "
    "SELECT account, TIMESTAMPTZ '9999-01-01 00:00:00+00', amount FROM balance WHERE asset = 'points' AND amount > 0",
}
_CHECKS = {
    "coupon_status": "status IN ('active', 'reserved', 'redeemed', 'expired', 'voided')",
    "coupon_held": "(status = 'reserved') = (checkout_id IS NOT NULL AND used_at IS NULL)",
}
_ADDED = (
    ("template_id", sa.BigInteger(), None),
    ("checkout_id", sa.BigInteger(), None),
    ("order_id", sa.BigInteger(), None),
    ("bearer", sa.String(), "brand"),
    ("liability_fen", sa.BigInteger(), "0"),
    ("discount_fen", sa.BigInteger(), "0"),
    ("used_at", storage.types.UtcDateTime(), None),
    ("closed_at", storage.types.UtcDateTime(), None),
)


def _grow_coupon() -> None:
    """New columns and conditions."""
    with op.batch_alter_table("coupon") as batch:
        for name, kind, default in _ADDED:
            batch.add_column(sa.Column(name, kind, nullable=default is None, server_default=default))
        batch.drop_constraint("coupon_status", type_="check")
        for name, words in _CHECKS.items():
            batch.create_check_constraint(name, words)
    op.execute("UPDATE coupon SET closed_at = issued_at WHERE status <> 'active'")
    op.create_index("coupon_checkout", "coupon", ["checkout_id"])
    still = sa.text("closed_at IS NULL")
    op.create_index("coupon_open", "coupon", ["expires_at"], sqlite_where=still, postgresql_where=still)


def downgrade() -> None:
    """Take it back."""
    op.drop_index("coupon_open", "coupon")
    op.drop_index("coupon_checkout", "coupon")
    with op.batch_alter_table("coupon") as batch:
        for name in _CHECKS:
            batch.drop_constraint(name, type_="check")
        batch.create_check_constraint("coupon_status", "status IN ('active', 'redeemed', 'expired', 'voided')")
        for name, _, _ in reversed(_ADDED):
            batch.drop_column(name)
    with op.batch_alter_table("team_seat", schema=None) as batch_op:
        batch_op.drop_index("team_seat_member")

    op.drop_table("team_seat")
    with op.batch_alter_table("team", schema=None) as batch_op:
        batch_op.drop_index("team_campaign")

    op.drop_table("team")
    op.drop_table("store")
    with op.batch_alter_table("shop_order", schema=None) as batch_op:
        batch_op.drop_index("shop_order_member")

    op.drop_table("shop_order")
    with op.batch_alter_table("reward", schema=None) as batch_op:
        batch_op.drop_index("reward_order")
        batch_op.drop_index("reward_member")

    op.drop_table("reward")
    with op.batch_alter_table("refund", schema=None) as batch_op:
        batch_op.drop_index("refund_order")

    op.drop_table("refund")
    op.drop_table("referral_code")
    with op.batch_alter_table("referral", schema=None) as batch_op:
        batch_op.drop_index("referral_order")
        batch_op.drop_index("referral_inviter")

    op.drop_table("referral")
    op.drop_table("product")
    with op.batch_alter_table("points_lot", schema=None) as batch_op:
        batch_op.drop_index("points_lot_expiry")

    op.drop_table("points_lot")
    with op.batch_alter_table("order_refund", schema=None) as batch_op:
        batch_op.drop_index("order_refund_order")

    op.drop_table("order_refund")
    op.drop_table("coupon_template")
    with op.batch_alter_table("checkout", schema=None) as batch_op:
        batch_op.drop_index("checkout_subject")
        batch_op.drop_index("checkout_member")

    op.drop_table("checkout")
    with op.batch_alter_table("campaign", schema=None) as batch_op:
        batch_op.drop_index("campaign_kind")

    op.drop_table("campaign")
    op.drop_table("bargain_cut")
    with op.batch_alter_table("bargain", schema=None) as batch_op:
        batch_op.drop_index("bargain_member")
        batch_op.drop_index("bargain_campaign")

    op.drop_table("bargain")
