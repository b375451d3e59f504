"""The log sync_msg reads, the bell that says it grew, and the cursor that tells how far a reader came."""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import Any

from sandbox.callbacks import xml
from sandbox.kf_world import BELL_S, LOG_S, Account, EventCode
from sandbox.world import ApiError, World

CURSOR_BYTES = 64


def record(world: World, account: Account, now: float, msgid: str = "", **message: Any) -> str:
    """A message or event enters the log; the bell to ring for it. The bell says nothing but where to look."""
    account.last_seq += 1
    stamp = {"msgid": msgid or world.new_id("", 32), "send_time": int(now)}
    if message["msgtype"] != "event":
        stamp = {**stamp, "open_kfid": account.open_kfid}
    while account.log and now - account.log[0]["at"] > LOG_S:
        del account.log[0]
    account.log.append({"seq": account.last_seq, "at": now, "msg": {**stamp, **message}})
    return _bell(world, account, now)


def event(world: World, account: Account, now: float, external_userid: str, event_type: str, **fields: Any) -> str:
    """A system event enters the log; fields that are None stay out. The bell to ring for it."""
    who = {"open_kfid": account.open_kfid, "external_userid": external_userid}
    told = {"event_type": event_type, **who, **fields}
    return record(
        world,
        account,
        now,
        origin=4,
        msgtype="event",
        event={name: value for name, value in told.items() if value is not None},
    )


def _bell(world: World, account: Account, now: float) -> str:
    bells = world.kf.bells
    while bells and now - bells[next(iter(bells))][1] > BELL_S:
        del bells[next(iter(bells))]
    token = world.new_id("ENC", 40)
    bells[token] = (account.open_kfid, now)
    return xml(
        ToUserName=world.corp_id,
        CreateTime=int(now),
        MsgType="event",
        Event="kf_msg_or_event",
        Token=token,
        OpenKfId=account.open_kfid,
    )


def new_code(world: World, kind: str, account: Account, external_userid: str, now: float) -> str:
    """A code for one message in answer to an event."""
    code = world.new_id("KFC", 40)
    world.kf.codes[code] = EventCode(kind, account.open_kfid, external_userid, now)
    return code


# -- reading ---------------------------------------------------------------------------------------------------------


def cursor_at(account: Account, seq: int, salt: int) -> str:
    """A cursor behind `seq`; good for this account alone."""
    return base64.urlsafe_b64encode(f"{seq}.{_mark(account)}.{salt}".encode()).decode()


def position(account: Account, cursor: object) -> int:
    """The seq a cursor stands behind; 50100 when it is none of this account's."""
    if not isinstance(cursor, str) or len(cursor.encode()) > CURSOR_BYTES:
        raise ApiError(40058, f"cursor is longer than {CURSOR_BYTES} bytes")
    if not cursor:
        return 0
    try:
        seq, mark, _ = base64.b64decode(cursor, b"-_", validate=True).decode().split(".")
        if int(mark) == _mark(account) and 0 <= int(seq) <= account.last_seq:
            return int(seq)
    except (ValueError, binascii.Error):
        pass
    raise ApiError(50100, "invalid cursor")


def _mark(account: Account) -> int:
    return zlib.crc32(account.open_kfid.encode())


def unread(account: Account, seq: int, now: float) -> list[dict[str, Any]]:
    """Entries behind `seq` that the log still holds; their numbers have no gaps."""
    known = max(0, seq - account.log[0]["seq"] + 1) if account.log else 0
    return [entry for entry in account.log[known:] if now - entry["at"] <= LOG_S]
