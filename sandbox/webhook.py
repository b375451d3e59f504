"""消息推送 group webhook robots: a key instead of a token, byte limits, 20 a minute (document 99110)."""

from __future__ import annotations

from typing import Any

from sandbox.api import Call, route
from sandbox.world import ApiError

PER_MINUTE = 20
BYTES = {"text": 2_048, "markdown": 4_096, "markdown_v2": 4_096}
PICTURE_BYTES = 2 * 1024 * 1024
CARDS = ("text_notice", "news_notice")
KNOWN = (*BYTES, "image", "news", "file", "voice", "template_card")


@route("POST", "webhook/send")
def webhook_send(call: Call) -> dict[str, Any]:
    """One message into the robot's group."""
    robot = call.world.robots.get(call.query.get("key", ""))
    if robot is None:
        raise ApiError(93000, "invalid webhook url")
    if robot["stopped"]:
        raise ApiError(93004, "robot is disabled")
    msgtype = call.body.get("msgtype")
    body = call.body.get(str(msgtype))
    if msgtype not in KNOWN or not isinstance(body, dict):
        raise ApiError(40008, "invalid message type")
    text = _checked(str(msgtype), body)
    now = call.clock.time()
    lately = [moment for moment in robot["recent"] if now - moment < 60]
    if len(lately) >= PER_MINUTE:
        raise ApiError(45009, "api freq out of limit")
    robot["recent"] = [*lately, now]
    robot["messages"].append({"at": call.clock.iso(), "msgtype": msgtype, "text": text, "body": body})
    del robot["messages"][:-200]
    call.effect = "delivered"
    return {}


def _checked(msgtype: str, body: dict[str, Any]) -> str:
    """What people read of it."""
    if msgtype in BYTES:
        content = body.get("content")
        if not isinstance(content, str) or not content:
            raise ApiError(44004 if msgtype == "text" else 93017, "empty content")
        if len(content.encode()) > BYTES[msgtype]:
            raise ApiError(45002, "content size out of limit")
        return content
    if msgtype == "template_card" and body.get("card_type") not in CARDS:
        raise ApiError(42027, "invalid card_type")
    if msgtype == "image" and len(str(body.get("base64", ""))) * 3 // 4 > PICTURE_BYTES:
        raise ApiError(93018, "image size out of limit")
    return str(body.get("main_title", {}).get("title") or f"[{msgtype}]")


def robots() -> dict[str, dict[str, Any]]:
    """The robots of a new world, by key."""
    names = {"sandbox-webhook-alerts": "值班告警群", "sandbox-webhook-daily": "门店日报群"}
    return {key: {"name": name, "stopped": False, "recent": [], "messages": []} for key, name in names.items()}
