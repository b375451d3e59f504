"""一个一个发 singles: broadcasts that go out message by message: through an open 微信客服 window, or to the guide who
passes them on. Shared by the plays, itself none.

A row is `tasked` while its message waits to be carried out; its `task_id` is the outbox row.
"""

from __future__ import annotations

import json
from collections import Counter
from datetime import datetime
from typing import Any

from bot.broadcasts import APP_SEND
from bot.events import ApiAnswered
from bot.reach import NEWS, TEXT_LIMIT
from bot.sizes import clip_bytes
from bot.turn import Turn
from scenarios import broadcast_senders, broadcast_texts, outreach
from storage import audience, broadcasts, coupons, follows, kf, members, outbox, points, touches
from storage.audience import FAILED, LEFT, SENT, SUPPRESSED, TASKED
from storage.broadcasts import source
from storage.tables import Broadcast

AT_ONCE = 100  # members of one step
IN_FLIGHT = 200  # messages that wait to be carried out; what is behind them is held by a pause
REST_S = 0.5


def send_some(turn: Turn, broadcast: Broadcast, place: str) -> tuple[str | None, datetime | None, float]:
    """Owe messages to some more members: where to go on, until when somebody sleeps, how long to rest first."""
    if broadcast.tasked >= IN_FLIGHT:
        return place, None, REST_S
    ids = broadcasts.left_after(turn.db, broadcast.id, int(place or 0), AT_ONCE)
    if not ids:
        return None, None, 0.0
    open_to = _ways(turn, broadcast, ids)
    stopped = outreach.reach_all(turn, list(open_to), source(broadcast.id), topic=broadcast.topic)
    until = broadcast_senders.suppress(turn, broadcast, stopped)
    for member_id, way in open_to.items():
        if member_id not in stopped:
            _send(turn, broadcast, member_id, way)
    return str(ids[-1]), until, 0.0


def _ways(turn: Turn, broadcast: Broadcast, ids: list[int]) -> dict[int, Any]:
    """How each of these members is reached; whoever cannot be is left out of the broadcast."""
    ways: dict[int, Any] = {}
    shut: dict[str, list[int]] = {}
    guides = {member_id: follows.guide_of(turn.db, member_id) or "" for member_id in ids}
    told = Counter(broadcasts.told_by(turn.db, broadcast.id, sorted({*guides.values()})))
    for member_id, userid in guides.items():
        by_kf = broadcast.channel == broadcast_texts.KF
        way, why = _window(turn, member_id) if by_kf else _guide(turn, userid, told)
        if way is None:
            shut.setdefault(why, []).append(member_id)
        else:
            ways[member_id] = way
    for why, members_shut in shut.items():
        audience.move(turn.db, broadcast.id, members_shut, LEFT, SUPPRESSED, turn.now, reason=why)
    return ways


def _window(turn: Turn, member_id: int) -> tuple[kf.Session | None, str]:
    """The member's open window, or why there is none."""
    talks = kf.of_member(turn.db, member_id, turn.now)
    return next((one for one in talks if one.state in (kf.NEW, kf.BOT) and one.sent < NEWS), None), "window_closed"


def _guide(turn: Turn, userid: str, told: Counter[str]) -> tuple[str | None, str]:
    """The guide who passes it on, or why nobody does: one who is asked too often passes nothing on."""
    if not userid:
        return None, "no_guide"
    if told[userid] >= turn.broadcasts.app_per_guide:
        return None, "guide_busy"
    told[userid] += 1
    return userid, ""


def _send(turn: Turn, broadcast: Broadcast, member_id: int, way: Any) -> None:
    userid = way if isinstance(way, str) else follows.guide_of(turn.db, member_id) or ""
    words = clip_bytes(text_for(turn, broadcast, member_id, userid), TEXT_LIMIT)
    about = {"broadcast": broadcast.id, "member_id": member_id}
    if isinstance(way, str):
        broadcasts.set_sender(turn.db, broadcast.id, member_id, way)
        passed = turn.texts.render("common/relay", name=name_of(turn, member_id), text=words)
        body = {"touser": way, "msgtype": "text", "text": {"content": clip_bytes(passed, TEXT_LIMIT)}}
        row = turn.owe(
            APP_SEND, {**about, "message": body}, subject=f"staff:{way}", member_id=member_id, answers=True
        )  # fmt: skip
    elif kf.take(turn.db, way, 1, NEWS, turn.now):
        message = {"touser": way.external_userid, "open_kfid": way.open_kfid, "msgtype": "text",
                   "text": {"content": words}}  # fmt: skip
        row = turn.owe(
            kf.SEND, {**about, "message": message, "words": words}, subject=way.subject, member_id=member_id,
            expires_at=way.ends_at, answers=True,
        )  # fmt: skip
    else:  # somebody else took the window's last place in this very moment
        touches.undo(turn.db, source(broadcast.id), [member_id], turn.now)
        audience.move(turn.db, broadcast.id, [member_id], LEFT, SUPPRESSED, turn.now, reason="window_closed")
        return
    audience.move(turn.db, broadcast.id, [member_id], LEFT, TASKED, turn.now, task_id=row)


def text_for(turn: Turn, broadcast: Broadcast, member_id: int, userid: str) -> str:
    """The message as one member reads it; the coupon it speaks of is the one that it brings."""
    brought = {"coupon": broadcast.coupon} if broadcast.coupon else {}
    values = {**of_member(turn, member_id), **brought, **broadcast_senders.of_sender(turn, userid)}
    return broadcast_texts.fill(broadcast.text, values)


def name_of(turn: Turn, member_id: int) -> str:
    """What a member is called."""
    person = members.find(turn.db, member_id)
    return (person.name if person else "") or turn.texts.render("common/unnamed")


def of_member(turn: Turn, member_id: int) -> dict[str, str]:
    """What a text may say of its reader."""
    person = members.find(turn.db, member_id)
    usable = coupons.usable(turn.db, member_id, turn.now)
    return {
        "name": name_of(turn, member_id), "points": str(points.held(turn.db, member_id)),
        "tier": person.tier if person else "", "coupon": usable[0].template if usable else "",
    }  # fmt: skip


def answered(turn: Turn, event: ApiAnswered) -> None:
    """What became of one message."""
    broadcast_id, member_id = int(event.request["broadcast"]), int(event.request["member_id"])
    if event.ok:
        audience.move(turn.db, broadcast_id, [member_id], TASKED, SENT, turn.now, task_id=event.outbox_id)
        return
    reason = f"errcode_{event.errcode}" if event.errcode else "late"
    if audience.move(
        turn.db, broadcast_id, [member_id], TASKED, FAILED, turn.now, reason=reason, task_id=event.outbox_id
    ):
        touches.undo(turn.db, source(broadcast_id), [member_id], turn.now)


def call_off(turn: Turn, broadcast: Broadcast, to: str, reason: str) -> int:
    """Take back messages that nobody has tried to send: they were not delivered; how many."""
    rows = dict(broadcasts.in_flight(turn.db, broadcast.id))
    taken = broadcasts.call_off(turn.db, list(rows), "paused or stopped", turn.now)
    back = [rows[row_id] for row_id in taken]
    for row_id in taken if broadcast.channel == broadcast_texts.KF else ():
        call = outbox.find(turn.db, row_id)
        if call is not None:
            message = json.loads(call.payload)["message"]
            kf.give_back(turn.db, message["open_kfid"], message["touser"], 1)
    touches.undo(turn.db, source(broadcast.id), back, turn.now)
    return audience.move(turn.db, broadcast.id, back, TASKED, to, turn.now, reason=reason)
