"""外部联系人 contacts: who follows whom. Every callback is a hint; what `externalcontact/get` says is the truth."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.events import (
    Address,
    ApiAnswered,
    ContactAdded,
    ContactDeleted,
    ContactEdited,
    ContactHalfAdded,
    ContactLeft,
    TransferFailed,
)
from bot.own_events import ContactFound, ContactGone, ContactProfiled
from bot.turn import Turn
from handlers.plays import Plays
from storage import follows, members, names, oneid
from storage.members import Person

GET = "externalcontact/get"
NO_RELATION = 84061
NAME_WITHIN = timedelta(seconds=8)  # after that the welcome goes out without the name
CALLBACK_WITHIN = timedelta(seconds=60)  # WeCom's retries end within seconds
REFRESH_WITHIN = timedelta(days=3)


def added(turn: Turn, event: ContactAdded, plays: Plays) -> None:
    """导购添加了客户: the contact is a member from now on."""
    _joined(turn, event, "active")


def half_added(turn: Turn, event: ContactHalfAdded, plays: Plays) -> None:
    """客户免验证添加了导购, who has not confirmed yet."""
    _joined(turn, event, "half")


def _joined(turn: Turn, event: ContactAdded | ContactHalfAdded, status: str) -> None:
    person = turn.ensure_person(Address("wecom", event.external_userid), "wecom callback")
    news = follows.opened(
        turn.db, turn.ids, person, event.external_userid, event.userid, status, event.state or "", event.at
    )
    if event.welcome_code:
        # The lane's deadline counts from the event itself: time spent in WeCom's retries is gone.
        payload = _question(event, event.welcome_code, told=not news)
        turn.owe(GET, payload, lane="welcome", expires_at=event.at + NAME_WITHIN, answers=True, member_id=person.id)
    elif news:
        payload = _question(event, None)
        turn.owe(GET, payload, answers=True, expires_at=turn.now + REFRESH_WITHIN, member_id=person.id)


def _question(
    event: ContactAdded | ContactHalfAdded | ContactFound,
    welcome_code: str | None,
    *,
    found: bool = False,
    told: bool = False,
) -> dict[str, Any]:
    """A look at the contact, with what must be known when its answer comes."""
    context = {
        "userid": event.userid,
        "state": event.state,
        "welcome_code": welcome_code,
        "cause": event.key,
        "joined_at": event.at.isoformat(),
        "found": found,
        "told": told,
    }
    return {"external_userid": event.external_userid, "context": context}


def deleted(turn: Turn, event: ContactDeleted, plays: Plays) -> None:
    """导购删除了客户."""
    _ended(turn, event.external_userid, event.userid, "deleted", event)


def left(turn: Turn, event: ContactLeft, plays: Plays) -> None:
    """客户删除了导购: what was earned stays, the guide may not be greeted for them again."""
    _ended(turn, event.external_userid, event.userid, "left", event)


def _ended(turn: Turn, external_userid: str, userid: str, status: str, event: ContactDeleted | ContactLeft) -> None:
    person = turn.ensure_person(Address("wecom", external_userid), "wecom callback")
    follows.closed(turn.db, turn.ids, person, external_userid, userid, status, event.at)
    refresh(turn, external_userid, person.id)


def edited(turn: Turn, event: ContactEdited | TransferFailed, plays: Plays) -> None:
    """Remark, mobile or tags were changed in the client, or a hand-over failed: read the contact again."""
    person = turn.ensure_person(Address("wecom", event.external_userid), "wecom callback")
    refresh(turn, event.external_userid, person.id)


def refresh(turn: Turn, external_userid: str, member_id: int) -> None:
    """Owe a fresh look at a contact."""
    payload = {"external_userid": external_userid}
    turn.owe(GET, payload, answers=True, subject=f"contact:{external_userid}", member_id=member_id,
             expires_at=turn.now + REFRESH_WITHIN)  # fmt: skip


def found(turn: Turn, event: ContactFound, plays: Plays) -> None:
    """The comparison found a contact whose callback was lost: a member like any other, only without a welcome."""
    person = turn.ensure_person(Address("wecom", event.external_userid), "reconcile")
    if follows.opened(
        turn.db, turn.ids, person, event.external_userid, event.userid, "active", event.state or "", event.at
    ):
        payload = _question(event, None, found=True)
        turn.owe(GET, payload, answers=True, expires_at=turn.now + REFRESH_WITHIN, member_id=person.id)


def gone(turn: Turn, event: ContactGone, plays: Plays) -> None:
    """The comparison did not find a pair that we believed in: look at the contact before believing it."""
    person = turn.person(Address("wecom", event.external_userid))
    if person is not None:
        refresh(turn, event.external_userid, person.id)


def profiled(turn: Turn, event: ApiAnswered, plays: Plays) -> None:
    """The contact's profile came, or did not: bring members and follows to the truth, then tell the plays who it is."""
    external_userid = event.request["external_userid"]
    person = turn.ensure_person(Address("wecom", external_userid), "wecom api")
    name = None
    if event.ok:
        profile = event.answer["external_contact"]
        name = str(profile.get("name") or "")
        person = learn(turn, person, profile)
        _follow_truth(turn, person, external_userid, event.answer.get("follow_user", []), plays)
    elif event.errcode == NO_RELATION:
        _follow_truth(turn, person, external_userid, [], plays)
    elif event.request.get("context"):
        refresh(turn, external_userid, person.id)  # too late for the welcome, not for the member's name
    context = event.request.get("context")
    if context:
        plays.tell(turn, _profiled(event, external_userid, name, context))


def _profiled(event: ApiAnswered, external_userid: str, name: str | None, context: dict[str, Any]) -> ContactProfiled:
    return ContactProfiled(
        key=event.key, source=event.source, at=event.at, sender=Address("wecom", external_userid),
        userid=context["userid"], external_userid=external_userid, cause=context["cause"], name=name,
        joined_at=datetime.fromisoformat(context["joined_at"]),
        state=context["state"], welcome_code=context["welcome_code"], found=context["found"], told=context["told"],
    )  # fmt: skip


def learn(turn: Turn, person: Person, profile: dict[str, Any]) -> Person:
    """Keep name and picture; a unionid proves who it is across channels."""
    members.set_profile(
        turn.db,
        person,
        str(profile.get("name") or person.name),
        str(profile.get("avatar") or ""),
        int(profile.get("gender") or 0),
    )
    unionid = profile.get("unionid")
    if not unionid:
        return person
    known = oneid.link(
        turn.db, turn.ids, person, ("unionid", str(unionid)), "externalcontact/get", turn.cause, turn.now
    )
    if known.id != person.id:
        turn.forget_people()
    return known


def _follow_truth(
    turn: Turn, person: Person, external_userid: str, follow_user: list[dict[str, Any]], plays: Plays
) -> None:
    """Make our pairs equal to WeCom's, whatever was lost or came in the wrong order."""
    known = {link.userid: link for link in follows.of_contact(turn.db, external_userid)}
    for follower in follow_user:
        link = known.pop(follower["userid"], None)
        if link is None or link.followed_at == follows.NEVER:
            _unheard(turn, external_userid, follower, plays)
        else:
            state, remark = str(follower.get("state") or ""), str(follower.get("remark") or "")
            follows.change(turn.db, link, "active", turn.now, state=link.state or state, remark=remark)
        for number in follower.get("remark_mobiles") or []:
            names.learn_tail(turn.db, person.id, str(number)[-4:], "remark", turn.now)
    for link in known.values():
        if link.status in follows.OPEN:
            follows.change(turn.db, link, "left", turn.now)


def _unheard(turn: Turn, external_userid: str, follower: dict[str, Any], plays: Plays) -> None:
    """A pair whose beginning nobody told us of: its callback may still be on its way; an old one was lost."""
    began = datetime.fromtimestamp(int(follower.get("createtime") or 0), UTC)
    if turn.now - began < CALLBACK_WITHIN:
        return
    event = ContactFound(
        key=turn.cause,
        source="reconcile",
        at=began,
        sender=Address("wecom", external_userid),
        userid=follower["userid"],
        external_userid=external_userid,
        state=follower.get("state") or None,
    )
    found(turn, event, plays)
    plays.tell(turn, event)
