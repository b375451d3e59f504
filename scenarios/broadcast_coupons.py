"""群发带券: everybody in a broadcast gets a coupon before the message that speaks of it. Shared by the plays, itself
none."""

from __future__ import annotations

from bot.clock import ZONE
from bot.turn import Turn
from scenarios import vouchers
from storage import audience, broadcasts, members, shop, touches
from storage.audience import LEFT, SUPPRESSED
from storage.broadcasts import source
from storage.tables import Broadcast
from storage.touches import Message

AT_ONCE = 100  # members of one step
THROUGH = -1  # the cursor when everybody has theirs


def give_some(turn: Turn, broadcast: Broadcast) -> bool:
    """Give coupons to some more members; False when all have theirs. Who gets none is not written to either: the
    message would speak of a coupon that is not there."""
    if not broadcast.coupon or broadcast.coupon_cursor == THROUGH:
        return False
    template = shop.templates.one(turn.db, name=broadcast.coupon)
    ids = broadcasts.left_after(turn.db, broadcast.id, broadcast.coupon_cursor, AT_ONCE)
    cursor = ids[-1] if ids and template is not None else THROUGH
    broadcasts.rows.change(turn.db, {"coupon_cursor": cursor}, id=broadcast.id)
    if template is None or not ids:
        return bool(ids)
    message = Message(broadcast.topic, source(broadcast.id), turn.now.astimezone(ZONE).toordinal())
    reasons: dict[str, list[int]] = {}
    unreachable = touches.why(turn.db, ids, turn.outreach.terms, message)
    for member_id in ids:
        why = unreachable.get(member_id) or _give(turn, broadcast, member_id)
        if why:
            reasons.setdefault(why, []).append(member_id)
    for reason, refused in reasons.items():
        audience.move(turn.db, broadcast.id, refused, LEFT, SUPPRESSED, turn.now, reason=reason)
    return True


def _give(turn: Turn, broadcast: Broadcast, member_id: int) -> str:
    """Why a member gets no coupon; "" when they have it."""
    person, template = members.find(turn.db, member_id), shop.templates.one(turn.db, name=broadcast.coupon)
    if person is None or template is None:
        return "unknown"
    issued = vouchers.issue(turn, person, template, source(broadcast.id), "broadcast")
    return f"coupon_{issued}" if isinstance(issued, str) and issued != "again" else ""
