"""群发审计: tasks account for everybody in them, nothing goes out after a stop, a coupon that is spoken of is there.

That nobody is written to who refused, too often or at night is looked at in storage/outreach_checks.py, where the
histories are.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, case, func, literal, not_, or_, select, union_all
from sqlalchemy.orm import aliased

from storage import tables

t: Any = tables
LIVE = ("making", "made", "confirmed", "cancelled")  # of a task from which something may still come


def _ended(model: Any) -> Any:
    """What became of the receivers of each task."""
    count = [func.sum(case((model.status == state, 1), else_=0)).label(state) for state in ("sent", "failed", "tasked")]
    return select(model.task_id, *count).where(model.task_id.is_not(None)).group_by(model.task_id).subquery()


def tasks_differ(_: datetime) -> Select[Any]:
    """A task says of its receivers what their rows say, and has none that wait once it is over."""
    k, b, found = t.BroadcastTask, t.Broadcast, []
    for model, channel in ((t.Audience, b.channel == "contact"), (t.AudienceChat, b.channel == "group")):
        of = _ended(model)
        counts = [func.coalesce(of.c[state], 0) for state in ("sent", "failed", "tasked")]
        differs = or_(k.sent != counts[0], k.failed != counts[1], sum(counts[1:], counts[0]) > k.size)
        waits = and_(k.status.not_in(LIVE), counts[2] > 0)
        rows = select(k.id, k.broadcast_id, k.sent, k.failed, k.status).join(b, b.id == k.broadcast_id)
        found.append(rows.outerjoin(of, of.c.task_id == k.id).where(channel, or_(differs, waits)))
    return select(union_all(*found).subquery())


def in_no_task(_: datetime) -> Select[Any]:
    """Whoever is in a task is in one of their own broadcast and guide."""
    k, b, found = t.BroadcastTask, t.Broadcast, []
    for model, who, channel in (
        (t.Audience, t.Audience.external_userid, "contact"), (t.AudienceChat, t.AudienceChat.chat_id, "group")
    ):  # fmt: skip
        mine = and_(k.id == model.task_id, k.broadcast_id == model.broadcast_id, k.userid == model.userid)
        rows = select(model.broadcast_id, who.label("who"), model.status).join(b, b.id == model.broadcast_id)
        in_one = or_(model.status == "tasked", model.status == "sent")
        found.append(rows.where(b.channel == channel, in_one, ~select(k.id).where(mine).exists()))
    return select(union_all(*found).subquery())


def msgid_odd(_: datetime) -> Select[Any]:
    """What WeCom has it has under one name of its own: two tasks under one would be one message."""
    k, other = t.BroadcastTask, aliased(t.BroadcastTask)
    twice = select(other.id).where(other.msgid == k.msgid, other.id != k.id).exists()
    nameless = and_(k.status.in_(("made", "confirmed")), k.msgid == "")
    return select(k.id, k.status, k.msgid).where(or_(nameless, and_(k.msgid != "", twice)))


def _stopped() -> Any:
    """Broadcasts that were stopped, and when."""
    b, a = t.Broadcast, t.AuditLog
    subject = literal("broadcast:") + b.id.cast(a.subject.type)
    return (
        select(b.id, func.min(a.made_at).label("at"))
        .join(a, and_(a.subject == subject, a.action == "broadcast.stopped"))
        .where(b.status == "stopped")
        .group_by(b.id)
        .subquery()
    )


def sent_after_stop(_: datetime) -> Select[Any]:
    """No call of a broadcast is owed after its stop: neither a task nor a message to one member."""
    k, a, o = t.BroadcastTask, t.Audience, t.Outbox
    over = _stopped()
    tasks = select(over.c.id, o.id.label("call"), o.created_at).join(k, k.broadcast_id == over.c.id)
    tasks = tasks.join(o, o.id == k.outbox_id).where(o.created_at > over.c.at)
    singles = select(over.c.id, o.id.label("call"), o.created_at).join(a, a.broadcast_id == over.c.id)
    singles = singles.join(o, o.id == a.task_id).where(o.created_at > over.c.at)
    return select(union_all(tasks, singles).subquery())


def done_too_soon(_: datetime) -> Select[Any]:
    """What is done has nobody who waits."""
    b = t.Broadcast
    waits = or_(b.left > 0, b.tasked > 0, b.frozen_at.is_(None))
    return select(b.id, b.left, b.tasked).where(b.status == "done", waits)


def coupon_missing(_: datetime) -> Select[Any]:
    """Whoever was sent a message that speaks of a coupon was given it."""
    a, b, c, g, m = t.Audience, t.Broadcast, t.CouponTemplate, t.Grant, t.Member
    right = and_(
        g.member_id == a.member_id, g.campaign == literal("coupon:") + c.id.cast(g.campaign.type),
        g.occurrence == literal("broadcast:") + b.id.cast(g.occurrence.type),
    )  # fmt: skip
    moved_on = select(m.id).where(m.id == a.member_id, m.merged_into.is_not(None)).exists()
    rows = select(a.broadcast_id, a.member_id, a.status).join(b, b.id == a.broadcast_id)
    return rows.join(c, c.name == b.coupon).where(
        b.coupon != "", a.status.in_(("tasked", "sent")), not_(select(g.id).where(right).exists()), not_(moved_on)
    )


BROADCASTS = (
    ("broadcast: a task accounts for its receivers", tasks_differ),
    ("broadcast: who is in a task is in one of their guide's", in_no_task),
    ("broadcast: each task at WeCom is one", msgid_odd),
    ("broadcast: nothing is owed after a stop", sent_after_stop),
    ("broadcast: what is done has nobody who waits", done_too_soon),
    ("broadcast: the coupon that is spoken of was given", coupon_missing),
)
