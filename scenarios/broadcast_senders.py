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
