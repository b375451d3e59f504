"""转人工 hand-over: people take a conversation in 微信客服; out of their hours the member hears when they are back, and
then the guide hears what was asked."""

from __future__ import annotations

from datetime import timedelta

from bot.clock import local_day, shown
from bot.events import Address
from bot.hours import back_at
from bot.kf import HAND_OVER
from bot.turn import STAFF, Turn
from storage import follows, kf, tasks
from storage.members import Person

OPENING = "kf_opening"  # the timer at which people are back
TASK = "reply"
LATE_BY = timedelta(days=2)


def give(turn: Turn, person: Person, talk: kf.Session, text: str = "kf/handing_over") -> None:
    """Say so while we may, then give the session to people; both stay in order."""
    turn.say(Address("wecom", talk.external_userid), text)
    payload = {
        "open_kfid": talk.open_kfid, "external_userid": talk.external_userid,
        "guide": follows.guide_of(turn.db, person.id), "member_id": person.id,
    }  # fmt: skip
    turn.owe(HAND_OVER, payload, subject=talk.subject, answers=True, member_id=person.id, expires_at=talk.ends_at)


def wanted(
    turn: Turn,
    person: Person,
    talk: kf.Session,
    said: str,
    *,
    text: str = "kf/handing_over",
    closed: str = "replies/closed",
) -> bool:
    """People are wanted: now, or when they are back; False when nobody is there now."""
    back = back_at(turn.now, turn.hours)
    if back is None:
        give(turn, person, talk, text)
        return True
    turn.say(Address("wecom", talk.external_userid), closed, back=shown(back))
    key = f"{OPENING}:{talk.open_kfid}:{talk.external_userid}:{local_day(back)}"
    guide = follows.guide_of(turn.db, person.id)
    if guide is None:
        turn.audit("rule:handover", "member.unheard", f"member:{person.id}", text=said)
        return False
    name = person.name or turn.texts.render("common/unnamed")
    text = turn.texts.render("replies/task", name=name, text=said)
    if tasks.add(turn.db, turn.ids, guide, TASK, text, back, key, "rule:handover", turn.now, person.id) is not None:
        turn.at(back, OPENING, key, {"key": key}, late_by=back + LATE_BY)
    return False


def opened(turn: Turn, key: str) -> None:
    """People are back: whoever has the task hears of it, unless it is done."""
    task = tasks.rows.one(turn.db, key=key, status="open")
    if task is not None:
        turn.say(Address(STAFF, task.userid), "replies/waiting", text=task.text)


def taken(turn: Turn, person: Person) -> None:
    """Somebody of us talks with the member: what was to be done about it is."""
    guide = follows.guide_of(turn.db, person.id)
    if guide is not None:
        tasks.drop_of_member(turn.db, person.id, TASK, guide, "rule:handover", turn.now)
