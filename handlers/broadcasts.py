"""群发 broadcasts: an admin composes one, tries it on staff, has it approved; and holds, reminds, stops it.

Who may do it is in handlers/policy.py. Above a number of members, or of fen that its coupons may cost, it is approved
by somebody else than its maker.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from pydantic import Field

from bot.events import ApiAnswered, TimerDue
from bot.own_events import BroadcastStep
from bot.sizes import size
from bot.turn import Turn
from handlers.approving import second
from handlers.broadcast_bodies import Given, label
from handlers.broadcast_composing import NewBroadcast, check, columns, stay_in_store
from handlers.plays import Plays
from handlers.refusals import Refused, read, refuse
from scenarios import (
    broadcast_answers,
    broadcast_planning,
    broadcast_senders,
    broadcast_singles,
    broadcast_texts,
    broadcasting,
)
from scenarios.sight import sees, sees_staff
from storage import broadcasts, shop
from storage.broadcasts import DRAFTED
from storage.segment_rule import Rule
from storage.tables import Broadcast

Answer = tuple[int, dict[str, Any]]


class Act(Given):
    """Which one, and who acts."""

    id: int
    by: str = Field(default="api", max_length=64)


class Trial(Act):
    """试发: to whom, and as whose customer they read it (no member: the samples)."""

    userids: list[str] = Field(min_length=1, max_length=20)
    member_id: int | None = None


# -- composing ---------------------------------------------------------------------------------------------------------


def new_broadcast(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
    """A draft, checked already: what its channel cannot do is said before anybody approves it."""
    row, warnings = drafted(turn, body)
    broadcasts.rows.add(turn.db, row)
    turn.audit(row.made_by, "broadcast.made", f"broadcast:{row.id}", channel=row.channel)
    return 201, {"id": row.id, "bytes": size(row.text), "warnings": warnings}


def drafted(turn: Turn, body: dict[str, Any]) -> tuple[Broadcast, list[dict[str, str]]]:
    """A draft that is not kept yet, and its warnings. Raises `Refused`."""
    given: NewBroadcast = read(turn, NewBroadcast, body)
    given.made_by = _who(turn, given.made_by)
    stay_in_store(turn, given)
    warnings = check(turn, given)
    row = Broadcast(
        id=turn.ids.next(), status=DRAFTED, topic="marketing", made_by=given.made_by, made_at=turn.now, approved_by="",
        approved_at=None, cursor=0, frozen_at=None, total=0, left=0, suppressed=0, tasked=0, sent=0, failed=0,
        **columns(turn, given),
    )  # fmt: skip
    return row, warnings


def change(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
    """Write a draft anew."""
    broadcast = _find(turn, body)
    if broadcast.status != DRAFTED:
        raise Refused(409, "wrong_state", turn.texts.render("admin/wrong_state", status=broadcast.status))
    given: NewBroadcast = read(turn, NewBroadcast, {key: value for key, value in body.items() if key != "id"})
    stay_in_store(turn, given)
    warnings = check(turn, given)
    before = Rule.model_validate_json(broadcast.rule).within_store or ""
    broadcasts.rows.change(turn.db, columns(turn, given, before), id=broadcast.id, status=DRAFTED)
    turn.audit(_who(turn, given.made_by), "broadcast.changed", f"broadcast:{broadcast.id}")
    return 200, {"id": broadcast.id, "bytes": size(given.text), "warnings": warnings}


def _who(turn: Turn, given: str) -> str:
    """Who acts: the holder of the token where it is somebody's."""
    return turn.staff.userid if turn.staff and turn.staff.userid else given


# -- acting ------------------------------------------------------------------------------------------------------------


def _find(turn: Turn, body: dict[str, Any]) -> Broadcast:
    broadcast = broadcasts.rows.one(turn.db, id=int(body["id"]))
    if broadcast is None or not sees_staff(turn, broadcast.made_by):
        raise Refused(404, "not_found", turn.texts.render("broadcasts/unknown", id=body["id"]))
    return broadcast


def approve(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
    """Let it begin at its time."""
    broadcast, given = _find(turn, body), read(turn, Act, body)
    by = _who(turn, given.by)
    if broadcast.status != DRAFTED:
        if broadcast.approved_by:
            return 200, _told(broadcast)
        raise Refused(409, "wrong_state", turn.texts.render("admin/wrong_state", status=broadcast.status))
    if broadcast.scheduled_at is not None and broadcast.scheduled_at <= turn.now:
        refuse(turn, "scheduled_at", "admin/past")
    if needs_second(turn, broadcast, plays.approve_above_fen):
        by = second(turn, broadcast.made_by, by, turn.texts.render("broadcasts/says", name=broadcast.name))
    broadcasting.approve(turn, broadcast, by)
    return 200, _told(_find(turn, body))


def needs_second(turn: Turn, broadcast: Broadcast, above_fen: int) -> bool:
    """Whether so many are reached, or it may cost so much, that a second person must look."""
    above = turn.broadcasts.approve_above
    many = broadcasts.count(turn.db, broadcast, above + 1, turn.now)
    template = shop.templates.one(turn.db, name=broadcast.coupon) if broadcast.coupon else None
    if template is not None and template.liability_fen:
        return many > above or many * template.liability_fen > above_fen
    return many > above


def acting(step: Callable[[Turn, Broadcast, str], Any]) -> Callable[[Turn, dict[str, Any], Plays], Answer]:
    """Hold, resume, stop or remind: taken again without a change when it was taken before."""

    def act(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
        broadcast, given = _find(turn, body), read(turn, Act, body)
        done = step(turn, broadcast, _who(turn, given.by))
        told = _told(_find(turn, body))
        return 200, told | ({"reminded": done} if isinstance(done, int) else {})

    return act


def trial(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
    """Let staff read it in the app's chat before members do."""
    broadcast, given = _find(turn, body), read(turn, Trial, body)
    if given.member_id is not None and not sees(turn, given.member_id):
        raise Refused(404, "not_found", turn.texts.render("admin/no_member"), "member_id")
    for userid in given.userids:
        values = samples(turn) | broadcast_senders.of_sender(turn, userid)
        if given.member_id is not None:
            values |= broadcast_singles.of_member(turn, given.member_id)
        values |= {"coupon": broadcast.coupon} if broadcast.coupon else {}
        words = broadcast_texts.fill(broadcast.text, values)
        more = [turn.texts.render("broadcasts/attached", kind=item["msgtype"],
                                  title=label(item))
                for item in json.loads(broadcast.attachments)]  # fmt: skip
        content = "\n".join([words, *more])
        turn.to_staff(userid, turn.texts.render("broadcasts/trial", name=broadcast.name, text=content))
    turn.audit(_who(turn, given.by), "broadcast.tried", f"broadcast:{broadcast.id}", userids=given.userids)
    return 200, {"id": broadcast.id, "told": len(given.userids)}


def samples(turn: Turn) -> dict[str, str]:
    """What each variable may look like."""
    names = (*broadcast_texts.OF_MEMBER, *broadcast_texts.OF_SENDER)
    lines = turn.texts.render("broadcasts/samples").splitlines()
    return dict(zip(names, lines, strict=True))


def _told(broadcast: Broadcast) -> dict[str, Any]:
    counts = ("total", "left", "suppressed", "tasked", "sent", "failed")
    return {"id": broadcast.id, "status": broadcast.status, **{name: getattr(broadcast, name) for name in counts}}


ACTS: dict[str, Callable[[Turn, dict[str, Any], Plays], Answer]] = {
    "broadcasts": new_broadcast,
    "broadcasts/change": change,
    "broadcasts/approve": approve,
    "broadcasts/test": trial,
    "broadcasts/pause": acting(broadcasting.pause),
    "broadcasts/resume": acting(broadcasting.resume),
    "broadcasts/stop": acting(broadcasting.stop),
    "broadcasts/remind": acting(broadcasting.remind),
    "broadcasts/refresh": acting(broadcasting.refresh),
}


# -- what happens ------------------------------------------------------------------------------------------------------


def step(turn: Turn, event: BroadcastStep, plays: Plays) -> None:
    """A broadcast goes on."""
    broadcast_planning.step(turn, event)


def answered(turn: Turn, event: ApiAnswered) -> None:
    """What came of a call of a broadcast."""
    broadcast_answers.answered(turn, event)


def due(turn: Turn, event: TimerDue) -> None:
    """A broadcast's timer."""
    broadcasting.due(turn, event)
