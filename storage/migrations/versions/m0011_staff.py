"""Staff and roles, tokens for programs, second persons, the chain of the audit."""

from __future__ import annotations

from datetime import timedelta

import sqlalchemy as sa
from alembic import op

import storage.types

revision = "0011"
down_revision = "0015"
branch_labels = None
depends_on = None


def _id(name: str = "id") -> sa.Column[int]:
    kind = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    return sa.Column(name, kind, autoincrement=False, nullable=False)


def _words(*names: str) -> list[sa.Column[str]]:
    return [sa.Column(name, sa.String(), nullable=False) for name in names]


def _moment(name: str, *, null: bool = False) -> sa.Column[storage.types.UtcDateTime]:
    return sa.Column(name, storage.types.UtcDateTime(), nullable=null)


def upgrade() -> None:
    """Make the change."""
    op.create_table(
        "staff",
        *_words("userid", "name", "role", "store_id", "status", "made_by"),
        _moment("made_at"),
        _moment("changed_at"),
        sa.PrimaryKeyConstraint("userid"),
        sa.CheckConstraint("role IN ('guide', 'manager', 'admin', 'owner')", name="staff_role"),
        sa.CheckConstraint("status IN ('active', 'disabled')", name="staff_status"),
        sa.CheckConstraint("role <> 'manager' OR store_id <> ''", name="staff_managers_store"),
    )
    op.create_index("staff_store", "staff", ["store_id"])
    op.create_table(
        "api_token",
        _id(),
        *_words("userid", "name", "hash", "made_by"),
        _moment("made_at"),
        *[_moment(name, null=True) for name in ("expires_at", "last_used_at", "revoked_at")],
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash", name="api_token_hash"),
    )
    op.create_index("api_token_userid", "api_token", ["userid"])
    _approvals()
    _waiting_points()
    _money()
    _chain()


def _approvals() -> None:
    op.create_table(
        "approval",
        _id(),
        *_words("key", "kind", "subject"),
        sa.Column("member_id", sa.BigInteger(), nullable=True),
        *_words("store_id", "may", "says"),
        sa.Column("payload", sa.Text(), nullable=False),
        *_words("status", "made_by"),
        _moment("made_at"),
        _moment("expires_at"),
        *_words("decided_by"),
        _moment("decided_at", null=True),
        *_words("reason"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("key", name="approval_key"),
        sa.CheckConstraint("status IN ('waiting', 'approved', 'rejected', 'expired')", name="approval_status"),
        sa.CheckConstraint("status IN ('waiting', 'expired') OR decided_by <> ''", name="approval_decided"),
        sa.CheckConstraint("decided_by <> made_by OR status <> 'approved'", name="approval_second_person"),
    )
    where = sa.text("decided_at IS NULL")
    op.create_index("approval_open", "approval", ["id"], sqlite_where=where, postgresql_where=where)


def _waiting_points() -> None:
    """What waits for a second person waits among the approvals from now on, and may be rejected."""
    with op.batch_alter_table("points_act", schema=None) as batch_op:
        batch_op.drop_constraint("points_act_status", type_="check")
        batch_op.create_check_constraint("points_act_status", "status IN ('waiting', 'done', 'rejected')")
    moment = storage.types.UtcDateTime()
    acts = sa.table("points_act", *[sa.column(name) for name in ("id", "member_id", "reason", "made_by", "status")],
                    sa.column("made_at", moment))  # fmt: skip
    waiting = op.get_bind().execute(sa.select(acts).where(acts.c.status == "waiting")).all()
    texts = (
        "key",
        "kind",
        "subject",
        "store_id",
        "may",
        "says",
        "payload",
        "status",
        "made_by",
        "decided_by",
        "reason",
    )
    approval = sa.table("approval", sa.column("id"), sa.column("member_id"), *[sa.column(name) for name in texts],
                        *[sa.column(name, moment) for name in ("made_at", "expires_at", "decided_at")])  # fmt: skip
    for act in waiting:
        op.get_bind().execute(approval.insert().values(
            id=act.id, key=f"points:{act.id}", kind="points", subject=f"member:{act.member_id}", store_id="",
            member_id=act.member_id, may="points.approve", says=act.reason, payload=f'{{"act": {act.id}}}',
            status="waiting", made_by=act.made_by, made_at=act.made_at, expires_at=act.made_at + timedelta(days=366),
            decided_by="", decided_at=None, reason="",
        ))  # fmt: skip


def _money() -> None:
    """No column of money or stock goes where it cannot be, whoever writes it."""
    guards = {
        "coupon": ("coupon_money", "liability_fen >= 0 AND discount_fen >= 0"),
        "coupon_template": (
            "coupon_template_money", "threshold_fen >= 0 AND liability_fen >= 0 AND stock >= 0 AND budget_fen >= 0"
        ),
        "campaign": ("campaign_worst", "worst_fen >= -1"),
        "team_seat": ("team_seat_paid", "paid_fen >= 0"),
    }  # fmt: skip
    for table, (name, condition) in guards.items():
        with op.batch_alter_table(table, schema=None) as batch_op:
            batch_op.create_check_constraint(name, condition)


def _chain() -> None:
    op.create_table(
        "audit_head",
        *_words("name"),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        *_words("hash"),
        sa.Column("from_id", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "audit_link",
        _id("seq"),
        sa.Column("audit_id", sa.BigInteger(), nullable=False),
        *_words("hash"),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("audit_id", name="audit_link_row"),
    )
    # Ids are taken in blocks that begin here or later: whoever writes after this migration is in the chain.
    op.execute("INSERT INTO audit_head (name, seq, hash, from_id) SELECT 'audit', 0, '', next FROM sequence "
               "WHERE name = 'id'")  # fmt: skip
