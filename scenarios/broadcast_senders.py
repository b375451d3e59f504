"""群发的发送人 senders: what a broadcast knows of whoever sends it, and how it leaves out whom it may not reach.

Shared by the plays, itself none.
"""

from __future__ import annotations

from datetime import datetime

from bot.turn import Turn
from scenarios.outreach import Stopped
from storage import audience, shop, staff
from storage.audience import LEFT, SUPPRESSED
from storage.tables import Broadcast


def of_sender(turn: Turn, userid: str) -> dict[str, str]:
    """What a text may say of its sender."""
    known = staff.rows.one(turn.db, userid=userid)
    store = shop.stores.one(turn.db, code=known.store_id) if known and known.store_id else None
    guide = (known.name if known else "") or turn.texts.render("broadcasts/guide_unnamed")
    return {"guide": guide, "store": store.name if store else ""}


def suppress(turn: Turn, broadcast: Broadcast, stopped: dict[int, Stopped]) -> datetime | None:
    """Whoever may not be reached is left out for good; who sleeps is waited for: until when, if anybody."""
    reasons: dict[str, list[int]] = {}
    until: list[datetime] = []
    for member_id, why in stopped.items():
        if why.until is not None:
            until.append(why.until)
        else:
            reasons.setdefault(why.reason, []).append(member_id)
    for reason, ids in reasons.items():
        audience.move(turn.db, broadcast.id, ids, LEFT, SUPPRESSED, turn.now, reason=reason)
    return min(until, default=None)


def reason(turn: Turn, why: str) -> str:
    """Why somebody was not reached, in words."""
    if why.startswith("errcode_"):
        return turn.texts.render("broadcasts/reason_errcode", code=why.removeprefix("errcode_"))
    return turn.texts.render(REASONS["coupon" if why.startswith("coupon_") else why])


REASONS = {
    "capped": "broadcasts/reason_capped", "coupon": "broadcasts/reason_coupon", "expired": "broadcasts/reason_expired",
    "guide_busy": "broadcasts/reason_guide_busy", "late": "broadcasts/reason_late", "left": "broadcasts/reason_left",
    "left_out": "broadcasts/reason_left_out", "media_gone": "broadcasts/reason_media_gone",
    "merged": "broadcasts/reason_merged",
    "no_consent": "broadcasts/reason_no_consent", "no_friend": "broadcasts/reason_no_friend",
    "no_guide": "broadcasts/reason_no_guide", "not_contact": "broadcasts/reason_not_contact",
    "opted_out": "broadcasts/reason_opted_out", "platform_quota": "broadcasts/reason_platform_quota",
    "quiet": "broadcasts/reason_quiet", "stopped": "broadcasts/reason_stopped",
    "unknown": "broadcasts/reason_unknown", "window_closed": "broadcasts/reason_window_closed",
}  # fmt: skip
