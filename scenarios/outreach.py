"""营销触达 outreach: whether a member may be reached now, asked by whatever is about to send. Shared by the plays,
itself none.

Asked at send time and counted by the same statement: refusals (退订), consent, the guide they left, the caps of all
campaigns together, quiet hours of their own day. Service messages (an order, a reminder of what somebody signed up
for) do not come here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bot.clock import ZONE, quiet_until, read_quiet
from bot.turn import Retry, Turn
from storage import profiles, touches
from storage.consent import MARKETING
from storage.touches import Message


class Stopped(NamedTuple):
    """Why somebody is not reached now: quiet (until `until`), opted_out, no_consent, left, capped, merged, unknown."""

    reason: str
    until: datetime | None = None


def may_reach(
    turn: Turn, member_id: int, source: str, *, topic: str = MARKETING, userid: str = "", quiet: str | None = None
) -> Stopped | None:
    """Count one marketing message to a member, to be sent by this very turn; None = send it.

    `source` says what sends (`broadcast:12`, `coupon_reminder`); with `userid` it is that guide who sends, and must
    still be followed by the member; `quiet` are a play's own hours in place of the house's. Service messages do not
    ask.
    """
    return reach_all(turn, [member_id], source, topic=topic, userid=userid, quiet=quiet).get(member_id)


def reach_all(
    turn: Turn,
    member_ids: Sequence[int],
    source: str,
    *,
    topic: str = MARKETING,
    userid: str = "",
    quiet: str | None = None,
) -> dict[int, Stopped]:
    """`may_reach` for many at once: those who may not, and why. All the others are counted as reached."""
    message = Message(topic, source, turn.now.astimezone(ZONE).toordinal(), userid)
    house = turn.outreach if quiet is None else turn.outreach.model_copy(update={"quiet": quiet})
    terms, hours = house.terms, read_quiet(house.quiet)
    rule = touches.rule_id(turn.db, turn.ids, terms, turn.now)
    stopped: dict[int, Stopped] = {}
    for zone, members in _by_zone(turn, member_ids).items():
        until = quiet_until(turn.now, hours, zone)
        if until is not None:
            stopped |= _quiet(turn, members, message, until)
            continue
        local = turn.now.astimezone(zone)
        taken = touches.take(turn.db, members, terms, rule, message, local.hour * 60 + local.minute, turn.now)
        stopped |= _refused(turn, [one for one in members if one not in taken], message)
    return stopped


def _by_zone(turn: Turn, member_ids: Sequence[int]) -> dict[ZoneInfo, list[int]]:
    zones = profiles.zones(turn.db, member_ids)
    found: dict[ZoneInfo, list[int]] = {}
    for one in sorted(set(member_ids)):
        found.setdefault(ZoneInfo(zones[one]) if one in zones else ZONE, []).append(one)
    return found


def _quiet(turn: Turn, members: Sequence[int], message: Message, until: datetime) -> dict[int, Stopped]:
    """Who may not be reached at all need not wait for the morning to be told so."""
    why = touches.why(turn.db, members, turn.outreach.terms, message)
    return {
        one: Stopped(why[one]) if why.get(one, "capped") != "capped" else Stopped("quiet", until) for one in members
    }


def _refused(turn: Turn, members: Sequence[int], message: Message) -> dict[int, Stopped]:
    """The reasons of those who were not counted. Someone without a reason lost a race, and the turn runs again."""
    if not members:
        return {}
    why = touches.why(turn.db, members, turn.outreach.terms, message)
    lost = [one for one in members if not why.get(one)]
    if lost:
        raise Retry(f"members {lost[:5]} were reached by another process meanwhile")
    return {one: Stopped(why[one]) for one in members}


def undo(turn: Turn, member_ids: Sequence[int], source: str) -> None:
    """What `source` was to send these members was never delivered: it counts no more in their caps."""
    touches.undo(turn.db, source, member_ids, turn.now)
