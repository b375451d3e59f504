"""打标签的门 tagged: a tag on a member, here and at WeCom. By hand and by rule never undo each other: WeCom shows a tag
while any source holds it.

Play-neutral: whoever tags members comes through here.
"""

from __future__ import annotations

from datetime import datetime

from bot.turn import Turn
from storage import follows, member_tags, members
from storage.follows import Link

TIMER = "tags_over"
CALL = "externalcontact/mark_tag"


def put(
    turn: Turn, member_id: int, group: str, name: str, source: str, by: str, expires_at: datetime | None = None
) -> bool:
    """Put a tag on a member, or say anew until when it stays; True when nobody held it before."""
    held = _held(turn, member_id, group, name)
    member_tags.put(turn.db, member_id, group, name, source, by, turn.now, expires_at)
    if expires_at is not None:
        turn.at(expires_at, TIMER, f"tags:{expires_at.isoformat()}", {})
    if not held:
        _mirror(turn, member_id, group, name, by, remove=False)
    return not held


def take_off(turn: Turn, member_id: int, group: str, name: str, source: str, by: str) -> bool:
    """Take off what one source put there; False when it had not. WeCom hears of it when no source holds it any more."""
    if not member_tags.remove(turn.db, member_id, group, name, source):
        return False
    if not _held(turn, member_id, group, name):
        _mirror(turn, member_id, group, name, by, remove=True)
    return True


def end_over(turn: Turn, most: int) -> int:
    """Take off what is over; how many were."""
    over = member_tags.over(turn.db, turn.now, most)
    for member_id, group, name, source in over:
        take_off(turn, member_id, group, name, source, "")
    return len(over)


def _held(turn: Turn, member_id: int, group: str, name: str) -> bool:
    return any((one.group, one.name) == (group, name) for one in member_tags.standing(turn.db, member_id, turn.now))


def _mirror(turn: Turn, member_id: int, group: str, name: str, by: str, *, remove: bool) -> None:
    """Mark the contact at WeCom in the eyes of who tags, else of whoever follows; nobody does: there is no mark."""
    for external_userid in _contacts(turn, member_id):
        links = [link for link in follows.of_contact(turn.db, external_userid) if link.status in follows.OPEN]
        link = _seen_by(links, by)
        if link is None:
            continue
        payload = {"userid": link.userid, "external_userid": external_userid, "group": group, "tag": name}
        subject = f"pair:{link.userid}:{external_userid}"
        more = {"remove": True} if remove else {}
        turn.owe(CALL, {**payload, **more}, subject=subject, member_id=member_id)


def _contacts(turn: Turn, member_id: int) -> list[str]:
    return [name for channel, name in members.identities(turn.db, member_id) if channel == "wecom"]


def _seen_by(links: list[Link], by: str) -> Link | None:
    return next((link for link in links if link.userid == by), links[0] if links else None)
