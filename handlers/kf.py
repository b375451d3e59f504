"""微信客服 KF: members chat with the bot here one to one; people take over when they are asked to."""

from __future__ import annotations

import json
from datetime import timedelta

from bot.events import Address, ApiAnswered, TextReceived
from bot.kf import HAND_OVER, ON_EVENT, PROFILE, SEND, STATE, msgid, owe_pull, row_of
from bot.kf_events import (
    KfAccountsChanged,
    KfEntered,
    KfMessage,
    KfRang,
    KfSendFailed,
    KfServicerWrote,
    KfSessionChanged,
    KfSessionEntered,
)
from bot.own_events import HandoverWanted
from bot.router import normalize
from bot.texts import numbered
from bot.turn import STAFF, Turn
from handlers import contact, member
from handlers.plays import Plays
from handlers.words import HUMAN_WORDS
from scenarios import handover
from storage import kf, members, outbox
from storage.members import Person

HISTORY = timedelta(minutes=10)  # written so long before we knew the account, it was not written to us
NUDGE_EVERY = timedelta(hours=6)
LOOK_AGAIN = timedelta(hours=1)
WELCOME_WITHIN = timedelta(seconds=20)
STATES = {1: kf.HUMAN, 2: kf.HUMAN, 3: kf.ENDED, 4: kf.HUMAN}  # session_status_change's change_type
FULL = {95001, 95002, 95031}  # more than five, past 48 hours, nothing written for 48 hours
ENDED, OTHER_STATE = 95013, 95018
LATE_OR_FULL, CLOSED = (4, 6), 5  # msg_send_fail's fail_type
NOT_PASSED_ON = (10, 13)  # refused by the member, or for its content: no guide should say it instead


# -- what is to be pulled -------------------------------------------------------------------------------------------


def rang(turn: Turn, event: KfRang, plays: Plays) -> None:
    """有新消息: owe a pull."""
    if plays.kf.enabled:
        kf.meet(turn.db, event.open_kfid, turn.now)
        kf.rang(turn.db, event.open_kfid, event.token, event.at)
        owe_pull(turn, event.open_kfid)


def accounts_changed(turn: Turn, event: KfAccountsChanged, plays: Plays) -> None:
    """客服账号授权变更: pull what was given to us, leave what was taken."""
    for open_kfid in event.added:
        kf.meet(turn.db, open_kfid, turn.now)
        kf.activate(turn.db, open_kfid, active=True)
        if plays.kf.enabled:
            owe_pull(turn, open_kfid)
    for open_kfid in event.removed:
        kf.activate(turn.db, open_kfid, active=False)


# -- what members say -----------------------------------------------------------------------------------------------


def text_received(turn: Turn, event: TextReceived, plays: Plays) -> None:
    """A member wrote: to people, when they have the conversation or are wanted; else to the bot."""
    assert event.sender is not None
    person = _met(turn, event.sender, "wecom kf")
    talk = _heard(turn, event)
    if talk is None:
        return
    if normalize(event.text).replace(" ", "") in HUMAN_WORDS:
        handover.wanted(turn, person, talk, event.text)
    else:
        member.text_received(turn, event, plays)


def other_received(turn: Turn, event: KfMessage, plays: Plays) -> None:
    """A picture, a place, a card: kept; the member hears once in a while what can be said."""
    assert event.sender is not None
    _met(turn, event.sender, "wecom kf")
    talk = _heard(turn, event)
    if talk is not None and kf.nudge(turn.db, talk, turn.now, NUDGE_EVERY):
        turn.ask(event.sender, "kf/not_text", plays.menu("member", turn.grants))


def _met(turn: Turn, sender: Address, evidence: str) -> Person:
    person = turn.ensure_person(sender, evidence)
    if person.fresh:
        payload = {"external_userid": sender.external_id}
        turn.owe(PROFILE, payload, answers=True, member_id=person.id, expires_at=turn.now + kf.WINDOW)
    return person


def _heard(turn: Turn, event: TextReceived | KfMessage) -> kf.Session | None:
    """Open a new window; the conversation, if it is the bot that should answer."""
    assert event.sender is not None
    assert event.open_kfid is not None
    talk = kf.session(turn.db, event.open_kfid, event.sender.external_id)
    kf.heard(turn.db, talk, event.at)
    account = kf.account(turn.db, event.open_kfid)
    if account is not None and event.at < account.seen_at - HISTORY:
        turn.route.append("kf.history")
        return None
    if talk.with_people(turn.now):
        turn.route.append("kf.silent")
        if turn.now - talk.state_at > LOOK_AGAIN:
            _look(turn, talk)
        return None
    return talk


def _look(turn: Turn, talk: kf.Session) -> None:
    """Ask who has the conversation: the event that told it may be lost."""
    subject = f"kf-state:{talk.open_kfid}:{talk.external_userid}"
    if not outbox.is_open(turn.db, subject):
        payload = {"open_kfid": talk.open_kfid, "external_userid": talk.external_userid}
        turn.owe(STATE, payload, subject=subject, answers=True, expires_at=turn.now + LOOK_AGAIN)


# -- what happens to conversations ----------------------------------------------------------------------------------


def session_entered(turn: Turn, event: KfSessionEntered, plays: Plays) -> None:
    """A link was opened: keep which, greet, tell the plays."""
    person = _met(turn, Address("wecom", event.external_userid), "wecom kf enter_session")
    scene, scene_param = event.scene or "", event.scene_param or ""
    kf.entered(turn.db, kf.session(turn.db, event.open_kfid, event.external_userid), scene, scene_param, event.at)
    if event.welcome_code and plays.kf.welcome:
        _welcome(turn, event, person, plays)
    plays.tell(turn, KfEntered(
        key=event.key, source=event.source, at=event.at, sender=event.sender, open_kfid=event.open_kfid,
        external_userid=event.external_userid, scene=scene, scene_param=scene_param,
    ))  # fmt: skip


def _welcome(turn: Turn, event: KfSessionEntered, person: Person, plays: Plays) -> None:
    """One message by the welcome code, while it lives."""
    menu = plays.menu("member", turn.grants)
    turn.offer(Address("wecom", event.external_userid), menu)
    content = turn.texts.render("kf/welcome", choices=numbered(choice.label for choice in menu))
    body = turn.menu("kf/welcome", menu) or {"msgtype": "text", "text": {"content": content}}
    message = {"code": event.welcome_code, **body}
    turn.owe(ON_EVENT, {"message": message}, lane="welcome", member_id=person.id, expires_at=event.at + WELCOME_WITHIN)


def session_changed(turn: Turn, event: KfSessionChanged, plays: Plays) -> None:
    """A servicer took, handed on, ended or began a conversation."""
    state = STATES.get(event.change_type)
    if state is not None:
        talk = kf.session(turn.db, event.open_kfid, event.external_userid)
        kf.set_state(turn.db, talk, state, event.new_servicer_userid or "", event.at)


def servicer_wrote(turn: Turn, event: KfServicerWrote, plays: Plays) -> None:
    """接待人员 wrote: whatever event was lost, the conversation is theirs."""
    talk = kf.session(turn.db, event.open_kfid, event.external_userid)
    kf.set_state(turn.db, talk, kf.HUMAN, event.servicer_userid or talk.servicer, event.at)


def send_failed(turn: Turn, event: KfSendFailed, plays: Plays) -> None:
    """发送失败: what was accepted did not arrive; the guide passes it on where that makes sense."""
    talk = kf.session(turn.db, event.open_kfid, event.external_userid)
    if event.fail_type == CLOSED:
        kf.set_state(turn.db, talk, kf.ENDED, "", event.at)
    elif event.fail_type in LATE_OR_FULL and event.at >= talk.heard_at:
        kf.shut(turn.db, talk)
    row_id = row_of(event.fail_msgid)
    row = outbox.find(turn.db, row_id) if row_id is not None else None
    if row is None or msgid(row) != event.fail_msgid:
        turn.route.append("kf.not_ours")
        return
    outbox.note(turn.db, row.id, f"msg_send_fail {event.fail_type}")
    if row.call == SEND and row.status not in ("suppressed", "dead") and event.fail_type not in NOT_PASSED_ON:
        payload = json.loads(row.payload)
        turn.relay(payload["member_id"], payload["words"])


# -- what WeCom answered --------------------------------------------------------------------------------------------


def _sent(turn: Turn, event: ApiAnswered) -> None:
    """Accepted, or refused: then the window is as WeCom sees it, and the guide passes the words on."""
    message = event.request["message"]
    talk = kf.session(turn.db, message["open_kfid"], message["touser"])
    if event.ok:
        kf.accepted(turn.db, talk, turn.now)
        return
    if event.errcode in FULL:
        kf.shut(turn.db, talk)
    elif event.errcode == ENDED:
        kf.set_state(turn.db, talk, kf.ENDED, "", turn.now)
    elif event.errcode == OTHER_STATE:
        _look(turn, talk)
    if "broadcast" not in event.request:  # what went to many is not worth a guide's hand
        turn.relay(event.request["member_id"], event.request["words"])


def _handed_over(turn: Turn, event: ApiAnswered) -> None:
    """People have it now, or nobody can take it: then the guide hears of it."""
    if event.ok:
        _looked(turn, event)
        return
    sender, guide = Address("wecom", event.request["external_userid"]), event.request["guide"]
    if guide is None:
        turn.say(sender, "kf/nobody")
        return
    person = members.find(turn.db, event.request["member_id"])
    name = (person.name if person else "") or turn.texts.render("common/unnamed")
    turn.say(Address(STAFF, guide), "kf/wanted", name=name)
    turn.announce(HandoverWanted(
        key=turn.cause, source=event.source, at=turn.now, member_id=event.request["member_id"], userid=guide
    ))  # fmt: skip
    turn.say(sender, "kf/nobody_but_guide")


def _looked(turn: Turn, event: ApiAnswered) -> None:
    """The conversation's state, as WeCom says."""
    state = event.answer.get("service_state")
    if event.ok and isinstance(state, int) and kf.NEW <= state <= kf.ENDED:
        talk = kf.session(turn.db, event.request["open_kfid"], event.request["external_userid"])
        kf.set_state(turn.db, talk, state, str(event.answer.get("servicer_userid") or ""), turn.now)


def _profiled(turn: Turn, event: ApiAnswered) -> None:
    """Who wrote for the first time: the name, and the unionid that makes one person of several."""
    for customer in event.answer.get("customer_list") or []:
        person = turn.person(Address("wecom", str(customer.get("external_userid"))))
        if person is not None:
            contact.learn(turn, person, {**customer, "name": customer.get("nickname")})


CALLS = {SEND: _sent, HAND_OVER: _handed_over, STATE: _looked, PROFILE: _profiled}


def answered(turn: Turn, event: ApiAnswered) -> None:
    """Hand an answer on by its call."""
    CALLS[event.call](turn, event)
