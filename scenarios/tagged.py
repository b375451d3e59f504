"""打标签的门 tagged: a tag on a member, here and at WeCom. By hand and by rule never undo each other: WeCom shows a tag
while any source holds it. Of an exclusive group the latest that people put stays; a rule gives way to people.

Play-neutral: whoever tags members comes through here.
"""

from __future__ import annotations

from datetime import datetime

from bot.turn import Turn
from scenarios import tag_mirror
from storage import member_tags, tag_groups, tiers
from storage.member_tags import Held

TIMER = "tags_over"


def put(
    turn: Turn, member_id: int, group: str, name: str, source: str, by: str, expires_at: datetime | None = None
) -> bool:
    """Put a tag on a member, or say anew until when it stays; True when nobody held it before. A rule puts nothing
    beside what others hold of an exclusive group."""
    exclusive = bool(tag_groups.exclusive(turn.db, [group]))
    if exclusive:
        tiers.lock(turn.db, [member_id])  # of two processes that put a tag on, the second sees the first one's
    held = member_tags.standing(turn.db, member_id, turn.now)
    others = [one for one in held if one.group == group and one.name != name]
    if others and exclusive:
        if source == member_tags.RULE and any(one.source != member_tags.RULE for one in others):
            return False
        for one in others:
            member_tags.remove(turn.db, member_id, group, one.name, one.source)
    member_tags.put(turn.db, member_id, group, name, source, by, turn.now, expires_at)
    if expires_at is not None:
        ends(turn, expires_at)
    tag_mirror.align(turn, [member_id])
    return not _holds(held, group, name)


def ends(turn: Turn, at: datetime) -> None:
    """Tags are over then: one timer for all of them."""
    turn.at(at, TIMER, f"tags:{at.isoformat()}", {})


def take_off(turn: Turn, member_id: int, group: str, name: str, *sources: str) -> bool:
    """Take off what these sources put there; False when none had. WeCom hears of it when nobody holds it any more."""
    gone = [member_tags.remove(turn.db, member_id, group, name, source) for source in sources]
    if any(gone):
        tag_mirror.align(turn, [member_id])
    return any(gone)


def end_over(turn: Turn, most: int) -> int:
    """Take off what is over; how many were found."""
    over = member_tags.over(turn.db, turn.now, most)
    ids = sorted({member_id for member_id, *_ in over})
    if ids:
        member_tags.end(turn.db, ids, turn.now)
        tag_mirror.align(turn, ids)
    return len(over)


def _holds(held: list[Held], group: str, name: str) -> bool:
    return any((one.group, one.name) == (group, name) for one in held)
