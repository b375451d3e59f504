"""转人工 hand-over: people take a conversation in 微信客服; out of their hours the member hears when they are back, and
then the guide hears what was asked."""

from __future__ import annotations

from datetime import timedelta

from bot.clock import local_day, shown
from bot.events import Address
from bot.hours import back_at
from bot.kf import HAND_OVER
from bot.turn import STAFF, Turn
from storage import follows, kf
from storage.members import Person

OPENING = "kf_opening"  # the timer at which people are back
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
    key = f"{OPENING}:{talk.open_kfid}:{talk.external_userid}:{local_day(back)}"
    turn.at(back, OPENING, key, {"external_userid": talk.external_userid, "said": said}, late_by=back + LATE_BY)
    turn.say(Address("wecom", talk.external_userid), closed, back=shown(back))
    return False


def opened(turn: Turn, external_userid: str, said: str) -> None:
    """People are back: who follows the member hears what was asked."""
    person = turn.person(Address("wecom", external_userid))
    guide = follows.guide_of(turn.db, person.id) if person else None
    if person is None or guide is None:
        turn.audit("rule:handover", "member.unheard", f"external_userid:{external_userid}", text=said)
        return
    name = person.name or turn.texts.render("common/unnamed")
    turn.say(Address(STAFF, guide), "replies/waiting", name=name, text=said)
