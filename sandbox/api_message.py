"""Token, network, app messages and media."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from sandbox.api import Call, route
from sandbox.world import ALPHABET, ApiError, Guide, World

TEXT_BYTES = 2048
PER_HOUR = 1000
TYPES = {
    "text",
    "image",
    "voice",
    "file",
    "video",
    "textcard",
    "news",
    "mpnews",
    "markdown",
    "miniprogram_notice",
    "template_card",
}
TAPPED = ("button_interaction", "vote_interaction", "multiple_interaction")
CARD_LIFE_S = 72 * 3600
TASK_BYTES, BUTTONS, OPTIONS = 128, 6, 20
TASK_LETTERS = set(ALPHABET + "_-@")
MEDIA_LIFE_S = 3 * 86_400
PICTURES = (b"\xff\xd8\xff", b"\x89PNG")  # JPG and PNG, nothing else
MEDIA_BYTES = {"image": 10, "voice": 2, "video": 10, "file": 20}


@route("GET", "gettoken")
def gettoken(call: Call) -> dict[str, Any]:
    """The same token while it is valid."""
    world, now = call.world, call.clock.time()
    if call.query.get("corpid") != world.corp_id:
        raise ApiError(40013, "invalid corpid")
    if call.query.get("corpsecret") != world.secret:
        raise ApiError(40001, "invalid credential")
    world.count("gettoken")
    for token, expires in world.tokens.items():
        if expires > now + 1:
            return {"access_token": token, "expires_in": int(expires - now)}
    token = world.new_id("", 64)
    world.tokens[token] = now + world.expires_in
    return {"access_token": token, "expires_in": world.expires_in}


@route("GET", "getcallbackip")
def getcallbackip(call: Call) -> dict[str, Any]:
    """Where callbacks come from."""
    return {"ip_list": ["127.0.0.1", "101.226.103.*"]}


@route("GET", "get_api_domain_ip")
def get_api_domain_ip(call: Call) -> dict[str, Any]:
    """Where the API lives."""
    return {"ip_list": ["127.0.0.1"]}


@route("GET", "user/get")
def user_get(call: Call) -> dict[str, Any]:
    """A staff member."""
    guide = call.world.guide(call.query.get("userid"))
    return {"userid": guide.userid, "name": guide.name, "department": [1], "status": 1}


@route("GET", "agent/get")
def agent_get(call: Call) -> dict[str, Any]:
    """The app and whom it may see."""
    if call.query.get("agentid") != str(call.world.agent_id):
        raise ApiError(40056, "invalid agentid")
    users = [{"userid": userid} for userid in call.world.guides]
    return {"agentid": call.world.agent_id, "name": "沙盒应用", "allow_userinfos": {"user": users}, "close": 0}


@route("POST", "message/send")
def message_send(call: Call) -> dict[str, Any]:
    """To staff; what is over the limits is dropped without a word, as WeCom does."""
    body, world = call.body, call.world
    if body.get("agentid") != world.agent_id:
        raise ApiError(40056, "invalid agentid")
    msgtype = body.get("msgtype")
    if msgtype not in TYPES or not isinstance(body.get(msgtype), dict):
        raise ApiError(40008, "invalid message type")
    guides, invalid = _receivers(call)
    if not guides:
        raise ApiError(81013, "user & party & tag all invalid")
    content = _content(body, str(msgtype))
    msgid, answer = world.new_id("msg", 40), {"invaliduser": "|".join(invalid), "invalidparty": "", "invalidtag": ""}
    if _repeated(call):
        call.effect = "duplicate"
        world.count("duplicate_messages")
        return {**answer, "msgid": msgid}
    if msgtype == "template_card" and (content["card_type"] in TAPPED or content.get("action_menu")):
        answer["response_code"] = _card(call, content)
    call.effect = (
        "delivered" if [guide for guide in guides if _deliver(call, guide, msgid, str(msgtype), content)] else "dropped"
    )
    return {**answer, "msgid": msgid}


def _receivers(call: Call) -> tuple[list[Guide], list[str]]:
    touser = call.body.get("touser") or ""
    if not touser and not call.body.get("toparty") and not call.body.get("totag"):
        raise ApiError(82001, "All touser & toparty & totag invalid")
    names = list(call.world.guides) if touser == "@all" else [name for name in str(touser).split("|") if name]

    if len(names) > 1000:
        raise ApiError(40058, "touser more than 1000")
    known = [call.world.guides[name] for name in dict.fromkeys(map(str.lower, names)) if name in call.world.guides]
    return known, [name.lower() for name in names if name.lower() not in call.world.guides]


def _content(body: dict[str, Any], msgtype: str) -> dict[str, Any]:
    content: dict[str, Any] = dict(body[msgtype])
    if msgtype in ("text", "markdown"):
        if not content.get("content"):
            raise ApiError(44004, "empty content")
        content["content"] = str(content["content"]).encode()[:TEXT_BYTES].decode(errors="ignore")
    if msgtype == "template_card" and not content.get("card_type"):
        raise ApiError(42027, "missing card_type")
    if msgtype == "template_card":
        _check_card(content)
    return content


def _repeated(call: Call) -> bool:
    """Whole requests are compared, within the interval the request names (1,800 s by default, four hours at most)."""
    if not call.body.get("enable_duplicate_check"):
        return False
    now = call.clock.time()
    interval = min(int(call.body.get("duplicate_check_interval") or 1800), 4 * 3600)
    key = hashlib.sha256(json.dumps(call.body, sort_keys=True).encode()).hexdigest()
    seen = call.world.checked.get(key)
    if seen is not None and now - seen < interval:
        return True
    call.world.checked[key] = now
    return False


def _deliver(call: Call, guide: Guide, msgid: str, msgtype: str, content: dict[str, Any]) -> bool:
    now = call.clock.time()
    times = [moment for moment in call.world.recent.get(guide.userid, []) if now - moment < 3600]
    minute = sum(1 for moment in times if now - moment < 60)
    if minute >= call.world.silent_after or len(times) >= PER_HOUR:
        call.world.count("silent_drops")
        return False
    call.world.recent[guide.userid] = [*times, now]
    text = str(content.get("content") or content.get("title") or content.get("main_title", {}).get("title") or "")
    guide.inbox.append({"at": call.clock.iso(), "msgtype": msgtype, "text": text, "body": content, "msgid": msgid})
    del guide.inbox[:-200]
    return True


def _card(call: Call, content: dict[str, Any]) -> str:
    content["response_code"] = new_response_code(call.world, content.get("task_id", ""), call.clock.time())
    return str(content["response_code"])


def new_response_code(world: World, task_id: str, now: float) -> str:
    """By it a card may be changed once: one comes from sending it, one with every tap."""
    code = world.new_id("rc", 32)
    world.cards[code] = {"task_id": task_id, "made_at": now, "used": False}
    return code


def _check_card(card: dict[str, Any]) -> None:
    """What a card to tap must have."""
    kind, task_id = card["card_type"], str(card.get("task_id") or "")
    if kind not in TAPPED:
        return
    if not task_id or len(task_id.encode()) > TASK_BYTES or not set(task_id) <= TASK_LETTERS:
        raise ApiError(42014, "invalid task_id")
    if not (card.get("main_title") or {}).get("title"):
        raise ApiError(42029, "missing main_title.title")
    if kind == "button_interaction":
        buttons = card.get("button_list")
        if not isinstance(buttons, list) or not 1 <= len(buttons) <= BUTTONS:
            raise ApiError(42016, "invalid button_list")
        if any(not button.get("text") for button in buttons):
            raise ApiError(42018, "missing button text")
        if any(
            not button.get("url") and not 0 < len(str(button.get("key") or "").encode()) <= 1024 for button in buttons
        ):
            raise ApiError(42017, "invalid button key")
    if kind == "vote_interaction":
        options = (card.get("checkbox") or {}).get("option_list")
        if not isinstance(options, list) or not 1 <= len(options) <= OPTIONS or not card.get("submit_button"):
            raise ApiError(42040, "invalid checkbox")


@route("POST", "message/update_template_card")
def update_template_card(call: Call) -> dict[str, Any]:
    """Once, within 72 hours; stale is 60140."""
    card = call.world.cards.get(call.need("response_code"))
    if card is None or card["used"] or call.clock.time() - card["made_at"] > CARD_LIFE_S:
        raise ApiError(60140, "response_code expired")
    card["used"], call.effect = True, "delivered"
    named = {str(userid).lower() for userid in call.body.get("userids") or []}
    for guide in call.world.guides.values():
        if guide.userid not in named and not call.body.get("atall"):
            continue
        for message in guide.inbox:
            if message["body"].get("response_code") == call.body["response_code"] or (
                card["task_id"] and message["body"].get("task_id") == card["task_id"]
            ):
                message["body"].update(call.body.get("template_card") or {})
                message["replaced"] = (call.body.get("button") or {}).get("replace_name", "")
    return {"invaliduser": []}


@route("POST", "message/recall")
def recall(call: Call) -> dict[str, Any]:
    """Take a message back."""
    msgid = call.need("msgid")
    for guide in call.world.guides.values():
        for message in guide.inbox:
            if message["msgid"] == msgid:
                message["recalled"], call.effect = True, "delivered"
    if call.effect == "none":
        raise ApiError(40058, "invalid Request Parameter: msgid")
    return {}


@route("POST", "media/upload")
def upload(call: Call) -> dict[str, Any]:
    """Three days; sizes by type."""
    kind = call.query.get("type", "")
    if kind not in MEDIA_BYTES:
        raise ApiError(40004, "invalid media type")
    if call.upload is None or len(call.upload[1]) <= 5:
        raise ApiError(44001, "empty media data")
    if len(call.upload[1]) > MEDIA_BYTES[kind] * 1024 * 1024:
        raise ApiError(40006, "invalid media size")
    if kind == "image" and not call.upload[1].startswith(PICTURES):
        raise ApiError(40005, "invalid file type")
    media_id = call.world.new_id("3", 60)
    call.world.media[media_id] = {
        "type": kind,
        "name": call.upload[0],
        "made_at": call.clock.time(),
        "data": call.upload[1].hex(),
    }
    call.effect = "delivered"
    return {"type": kind, "media_id": media_id, "created_at": str(int(call.clock.time()))}


@route("POST", "media/uploadimg")
def uploadimg(call: Call) -> dict[str, Any]:
    """A permanent picture url."""
    if call.upload is None:
        raise ApiError(44001, "empty media data")
    return {"url": f"https://wework.qpic.cn/sandbox/{call.world.new_id('', 24)}"}


@route("GET", "media/get")
def media_get(call: Call) -> dict[str, Any]:
    """The bytes, while they live."""
    media = call.world.media.get(call.query.get("media_id", ""))
    if media is None or call.clock.time() - media["made_at"] > MEDIA_LIFE_S:
        raise ApiError(40007, "invalid media_id")
    call.raw = bytes.fromhex(media["data"])
    return {}
