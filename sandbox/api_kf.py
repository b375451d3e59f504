"""微信客服 messages: pulled by a cursor, sent within 48 hours and five at a time, answered to events by a code."""

from __future__ import annotations

import re
from typing import Any

from sandbox.api import Call, route
from sandbox.kf_content import CHECKS, checked
from sandbox.kf_log import cursor_at, event, position, unread
from sandbox.kf_world import BELL_S, BOT, CODE_S, CODE_STATE, NEW, PER_TURN, SESSION_S, Account, Session
from sandbox.world import ApiError

MOST, UNBIDDEN_PER_MINUTE = 1000, 60  # the second is the sandbox's own: WeCom says "strict" and no number
MSGID = re.compile(r"[0-9a-zA-Z_-]{1,32}")
REFUSED = 10


def account_of(call: Call) -> Account:
    """The account a call names: 95000 when it names none, 95004 when there is no such account."""
    open_kfid = call.body.get("open_kfid", call.query.get("open_kfid"))
    if not isinstance(open_kfid, str) or not open_kfid:
        raise ApiError(95000, "invalid open_kfid")
    account = call.world.kf.accounts.get(open_kfid)
    if account is None:
        raise ApiError(95004, "open_kfid does not exist")
    return account


# -- reading ---------------------------------------------------------------------------------------------------------


@route("POST", "kf/sync_msg")
def sync_msg(call: Call) -> dict[str, Any]:
    """Three days of what customers, servicers and WeCom did; never what the API sent."""
    account, now = account_of(call), call.clock.time()
    limit = _limit(call)
    _bidden(call, account, now)
    seq = position(account, call.body.get("cursor") or "")
    waiting = unread(account, seq, now)
    page = [] if _hollow(call, account, seq, bool(waiting)) else waiting[:limit]
    last = page[-1]["seq"] if page else seq
    return {
        "next_cursor": cursor_at(account, last, int(not page)),
        "has_more": int(len(page) < len(waiting)),
        "msg_list": [entry["msg"] for entry in page],
    }


def _limit(call: Call) -> int:
    if call.body.get("voice_format") not in (None, 0, 1):
        raise ApiError(40058, "invalid Request Parameter: voice_format")
    limit = call.body.get("limit") or MOST
    if isinstance(limit, bool) or not isinstance(limit, int) or not 0 < limit <= MOST:
        raise ApiError(40058, f"limit is not 1 to {MOST}")
    return limit


def _bidden(call: Call, account: Account, now: float) -> None:
    """A bell's token lives ten minutes; reading without one is allowed, but rarely."""
    token = call.body.get("token")
    if token:
        open_kfid, at = call.world.kf.bells.get(str(token), ("", 0.0))
        if open_kfid != account.open_kfid or now - at > BELL_S:
            raise ApiError(95007, "invalid msgtoken")
        return
    recent = [moment for moment in account.unbidden if now - moment < 60]
    if len(recent) >= UNBIDDEN_PER_MINUTE:
        raise ApiError(45009, "api freq out of limit")
    account.unbidden = [*recent, now]


def _hollow(call: Call, account: Account, seq: int, waiting: bool) -> bool:
    """Whether this page is empty though more is to come: by the dice, once for one position at most."""
    if not waiting or account.hollow == seq or not call.faults.chance("kf_empty_page"):
        return False
    account.hollow = seq
    return True


# -- sending ---------------------------------------------------------------------------------------------------------


@route("POST", "kf/send_msg")
def send_msg(call: Call) -> dict[str, Any]:
    """To a customer who wrote within 48 hours, five times at most, while no human has the session."""
    account = account_of(call)
    customer = call.world.customer(call.body.get("touser"))
    msgid = _msgid(call, account)
    msgtype, content = checked(call, tuple(CHECKS))
    now = call.clock.time()
    session = account.session(customer.external_userid, now)
    if session.spoke_at is None:
        raise ApiError(95031, "customer has not sent a message in 48 hours")
    if now - session.spoke_at > SESSION_S:
        raise ApiError(95002, "more than 48 hours since the customer's last message")
    if session.state not in (NEW, BOT):
        raise ApiError(95018, "session state does not allow sending")
    if session.sent >= PER_TURN:
        raise ApiError(95001, f"more than {PER_TURN} messages")
    session.sent += 1
    return _accept(call, account, session, msgid, msgtype, content)


@route("POST", "kf/send_msg_on_event")
def send_msg_on_event(call: Call) -> dict[str, Any]:
    """One message for a code, while the code lives and the session is still where the code came from."""
    now = call.clock.time()
    code = call.world.kf.codes.get(call.need("code"))
    if code is None or (not code.used and now - code.made_at > CODE_S[code.kind]):
        raise ApiError(41050, "invalid code")
    if code.used:
        raise ApiError(41051, "code has been used")
    account = call.world.kf.accounts.get(code.open_kfid)
    if account is None:
        raise ApiError(95004, "open_kfid does not exist")
    msgid = _msgid(call, account)
    msgtype, content = checked(call, ("text", "msgmenu") if code.kind in ("welcome", "ended") else ("text",))
    session = account.session(code.external_userid, now)
    if session.state != CODE_STATE.get(code.kind, session.state):
        raise ApiError(95018, "session state does not allow sending")
    code.used = True
    if code.kind == "welcome":
        session.welcomed_at = now
    return _accept(call, account, session, msgid, msgtype, content)


def _msgid(call: Call, account: Account) -> str:
    """The caller's own id, good for one message of an account; a fresh one when none is given."""
    msgid = call.body.get("msgid")
    if msgid is None or msgid == "":
        return call.world.new_id("", 32)
    if not isinstance(msgid, str) or not MSGID.fullmatch(msgid):
        raise ApiError(40058, "invalid Request Parameter: msgid")
    if msgid in account.spent:
        call.effect = "duplicate"
        raise ApiError(95033, "msgid repeated")
    return msgid


def _accept(
    call: Call, account: Account, session: Session, msgid: str, msgtype: str, content: dict[str, Any]
) -> dict[str, Any]:
    """errcode 0; whether it arrives is another matter, told by msg_send_fail when it does not."""
    now = call.clock.time()
    account.spent[msgid] = now
    fail_type = REFUSED if session.refuses else None
    if fail_type is None and call.faults.chance("kf_undelivered"):
        fail_type = int(call.faults.api["kf_fail_type"])
    if fail_type is None:
        session.show(call.clock.iso(), "bot", msgid, msgtype, content)
        call.effect = "delivered"
    else:
        fields = {"fail_msgid": msgid, "fail_type": fail_type}
        call.bells.append(event(call.world, account, now, session.external_userid, "msg_send_fail", **fields))
        call.effect = "undelivered"
    return {"msgid": msgid}
