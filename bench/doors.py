"""Each door's own language, sealed and signed before anything is measured: the same people asking for help everywhere.

Everybody speaks twice: the first time makes them known, the second is measured. Shops tell of a paid order instead.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from bench.requests import AES_KEY, CORP_ID, TOKEN
from bot.channels import onebot, wecom_aibot, wecom_app
from tests.sealing import Sealer

WORDS = "帮助"
ACCOUNT, BOT_ID, SELF_ID, GROUP_ID = "wkBench", "aibBench", 10001, 777
SECRET = "bench-secret"  # noqa: S105 - of every door, on this machine for a minute
XML, JSON = {"Content-Type": "text/xml"}, {"Content-Type": "application/json"}
ENVIRONMENT = {
    "SIYU_WECOM__CORP_ID": CORP_ID,
    "SIYU_WECOM__APP__TOKEN": TOKEN,
    "SIYU_WECOM__APP__ENCODING_AES_KEY": AES_KEY,
    "SIYU_WECOM__APP__SECRET": SECRET,
    "SIYU_WECOM__AIBOT__TOKEN": TOKEN,
    "SIYU_WECOM__AIBOT__ENCODING_AES_KEY": AES_KEY,
    "SIYU_WECOM__AIBOT__BOT_ID": BOT_ID,
    "SIYU_WECOM__AIBOT__SECRET": SECRET,
    "SIYU_ONEBOT__ENABLED": "true",
    "SIYU_ONEBOT__SECRET": SECRET,
    "SIYU_ONEBOT__ACCESS_TOKEN": SECRET,
    "SIYU_ORDERS__MALL__KIND": "hmac",
    "SIYU_ORDERS__MALL__SECRET": SECRET,
    "SIYU_LOGS__LEVEL": "WARNING",
}

Frame = dict[str, Any]
Requests = Callable[[str, int], list[bytes]]


def _post(path: str, body: bytes, headers: dict[str, str], query: dict[str, str] | None = None) -> bytes:
    more = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    asked = f"{path}?{urlencode(query)}" if query else path
    head = f"POST {asked} HTTP/1.1\r\nHost: 127.0.0.1\r\n{more}Content-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def app(run: str, count: int) -> list[bytes]:
    """Guides writing to the self-built app."""
    sealer, at, made = Sealer(), int(time.time()), []
    for number in range(count):
        plain = (
            f"<xml><ToUserName><![CDATA[{CORP_ID}]]></ToUserName>"
            f"<FromUserName><![CDATA[guide{number:06d}]]></FromUserName><CreateTime>{at}</CreateTime>"
            f"<MsgType><![CDATA[text]]></MsgType><Content><![CDATA[{WORDS}]]></Content>"
            f"<MsgId>{int(run, 16)}{number:08d}</MsgId><AgentID>1000002</AgentID></xml>"
        )
        sealed = sealer.seal(plain.encode(), str(at), f"n{number}", secrets.token_bytes(16))
        made.append(_post(wecom_app.PATH, sealed.body, XML, sealed.query))
    return made


def bell(token: str) -> bytes:
    """微信客服 has something to be pulled."""
    at = str(int(time.time()))
    plain = (
        f"<xml><ToUserName><![CDATA[{CORP_ID}]]></ToUserName><CreateTime>{at}</CreateTime>"
        f"<MsgType><![CDATA[event]]></MsgType><Event><![CDATA[kf_msg_or_event]]></Event>"
        f"<Token><![CDATA[{token}]]></Token><OpenKfId><![CDATA[{ACCOUNT}]]></OpenKfId></xml>"
    )
    sealed = Sealer().seal(plain.encode(), at, "bell", secrets.token_bytes(16))
    return _post(wecom_app.PATH, sealed.body, XML, sealed.query)


def kf_messages(run: str, count: int) -> list[Frame]:
    """What sync_msg gives: members' texts."""
    at = int(time.time())
    return [
        {"msgid": f"{run}{number}", "open_kfid": ACCOUNT, "external_userid": f"wmBench{number:08d}", "send_time": at,
         "origin": 3, "msgtype": "text", "text": {"content": WORDS}}
        for number in range(count)
    ]  # fmt: skip


def aibot_bodies(run: str, count: int) -> list[Frame]:
    """What staff say to the AI bot, as both of its modes carry it."""
    return [
        {"msgid": f"{run}{number}", "aibotid": BOT_ID, "chattype": "single", "from": {"userid": f"guide{number:06d}"},
         "msgtype": "text", "text": {"content": WORDS}}
        for number in range(count)
    ]  # fmt: skip


def aibot(run: str, count: int) -> list[bytes]:
    """The AI bot's callback mode: JSON inside, no receiver."""
    sealer, at, made = Sealer(receive_id=""), str(int(time.time())), []
    for number, body in enumerate(aibot_bodies(run, count)):
        plain = json.dumps(body, ensure_ascii=False).encode()
        sealed = sealer.seal(plain, at, f"n{number}", secrets.token_bytes(16))
        posted = json.dumps({"encrypt": sealed.encrypted}).encode()
        made.append(_post(wecom_aibot.PATH, posted, JSON, sealed.query))
    return made


def onebot_frames(run: str, count: int) -> list[Frame]:
    """What people of a community group say to the bot."""
    at, first = int(time.time()), int(run, 16)
    return [
        {"time": at, "self_id": SELF_ID, "post_type": "message", "message_type": "group", "sub_type": "normal",
         "message_id": first * 1_000_000 + number, "group_id": GROUP_ID, "user_id": 100_000 + number,
         "anonymous": None, "font": 0, "raw_message": f"[CQ:at,qq={SELF_ID}] {WORDS}",
         "message": [{"type": "at", "data": {"qq": str(SELF_ID)}}, {"type": "text", "data": {"text": f" {WORDS}"}}],
         "sender": {"user_id": 100_000 + number, "nickname": f"群友{number}", "card": "", "role": "member"}}
        for number in range(count)
    ]  # fmt: skip


def onebot_posts(run: str, count: int) -> list[bytes]:
    """OneBot's HTTP POST, signed over the raw body."""
    made = []
    for frame in onebot_frames(run, count):
        body = json.dumps(frame, ensure_ascii=False).encode()
        signature = "sha1=" + hmac.new(SECRET.encode(), body, hashlib.sha1).hexdigest()
        headers = {**JSON, "X-Self-ID": str(SELF_ID), "X-Signature": signature}
        made.append(_post(onebot.PATH, body, headers))
    return made


def orders(run: str, count: int) -> list[bytes]:
    """A shop tells of paid orders."""
    at, when, made = str(int(time.time())), datetime.now(UTC).isoformat(), []
    for number in range(count):
        data = {
            "order_no": f"E{run}{number}", "buyer": {"external_userid": f"wmBench{number:08d}"}, "amount_fen": 9900,
            "items": [{"sku": "A", "title": "护手霜", "qty": 1, "price_fen": 9900}],
        }  # fmt: skip
        told = {"id": f"{run}{number}", "type": "order.paid", "occurred_at": when, "data": data}
        body = json.dumps(told, ensure_ascii=False).encode()
        signed = hmac.new(SECRET.encode(), at.encode() + b"." + body, hashlib.sha256).hexdigest()
        headers = {**JSON, "X-Timestamp": at, "X-Signature": f"sha256={signed}"}
        made.append(_post("/hooks/orders/mall", body, headers))
    return made


KINDS = {
    "app": "TextReceived", "app_joins": "ContactAdded", "kf": "TextReceived", "aibot": "TextReceived",
    "aibot_ws": "TextReceived", "onebot": "OneBotSaid", "onebot_ws": "OneBotSaid", "orders": "OrderPaid",
}  # fmt: skip
"""As what each door's words must have been stored."""
POSTED: dict[str, Requests] = {"app": app, "aibot": aibot, "onebot": onebot_posts, "orders": orders}
