"""智能机器人 the AI bot's rules: what it may say, where, until when, how often (documents 101031, 101138, 101463)."""

from __future__ import annotations

from typing import Any

from sandbox.aibot_world import AiBotWorld
from sandbox.api import Call, route
from sandbox.clock import VirtualClock
from sandbox.world import ApiError

REPLY_S, URL_S, QUICK_S, STREAM_S = 24 * 3600, 3600, 5, 360
PER_MINUTE, PER_HOUR = 30, 1000
TEXT_BYTES, WELCOME_BYTES = 20_480, 2_048
MEDIA = ("file", "image", "voice", "video")
REPLIES = ("stream", "template_card", "stream_with_template_card", "markdown", *MEDIA)
PUSHES = ("markdown", "template_card", *MEDIA)
CARDS = ("text_notice", "news_notice", "button_interaction", "vote_interaction", "multiple_interaction")
NEVER_WROTE = 846610  # WeCom's own number for it is in no document; this one is the sandbox's

Body = dict[str, Any]


class AiBot:
    """One bot. Every refusal is an ApiError with WeCom's number."""

    def __init__(self, world: AiBotWorld, clock: VirtualClock) -> None:
        self.world, self._clock = world, clock

    # -- what is asked ------------------------------------------------------------------------------------------------

    def asked(self, chat: Body, kind: str, userid: str, **more: Any) -> str:
        """Somebody wants something: the req_id of the frame that tells of it."""
        req_id = f"req{self.world.next_number():06d}"
        request = {"req_id": req_id, "chat": chat["chatid"], "kind": kind, "userid": userid, "at": self._clock.time()}
        self.world.requests[req_id] = {**request, "used": False, **more}
        return req_id

    def code_for(self, req_id: str) -> str:
        """A response_code, good once and for an hour."""
        code = f"RC{self.world.next_number():06d}"
        self.world.codes[code] = {"req_id": req_id, "at": self._clock.time(), "used": False}
        return code

    def show(self, chat: Body, sender: str, msgtype: str, text: str, **more: Any) -> Body:
        """Put a message on everybody's phones."""
        message = {"at": self._clock.iso(), "from": sender, "msgtype": msgtype, "text": text, **more}
        chat["messages"].append(message)
        del chat["messages"][:-500]
        return message

    # -- what the bot says --------------------------------------------------------------------------------------------

    def reply(self, req_id: str, body: Body) -> None:
        """aibot_respond_msg, or the passive answer to a message."""
        request = self._request(req_id, "message", REPLY_S)
        chat = self.world.chats[request["chat"]]
        msgtype = _msgtype(body, REPLIES)
        if msgtype.startswith("stream"):
            self._stream(chat, req_id, _part(body, "stream"))
            if "template_card" in body and not request["used"]:
                request["used"] = True
                self._card(chat, _part(body, "template_card"))
            return
        self._count(chat)
        self._plain(chat, msgtype, body)

    def welcome(self, req_id: str, body: Body) -> None:
        """Once, within five seconds of the entrance."""
        request = self._request(req_id, "enter_chat", QUICK_S, once=True)
        chat = self.world.chats[request["chat"]]
        msgtype = _msgtype(body, ("text", "template_card"))
        if msgtype == "template_card":
            self._card(chat, _part(body, "template_card"))
        else:
            self.show(chat, "bot", "text", _content(_part(body, "text"), WELCOME_BYTES))
        request["used"] = True

    def update(self, req_id: str, body: Body) -> None:
        """A clicked card becomes another, once, within five seconds."""
        request = self._request(req_id, "card", QUICK_S, once=True)
        if body.get("response_type") != "update_template_card":
            raise ApiError(40058, "invalid response_type")
        card = _checked(_part(body, "template_card"))
        if card.get("task_id") != request["task_id"]:
            raise ApiError(42014, "task_id is not the clicked card's")
        shown = self.world.cards[request["task_id"]]
        shown["message"]["body"] = card
        shown["message"]["text"] = str(card.get("replace_text") or card.get("main_title", {}).get("title", ""))
        shown["message"]["replaced"] = card.get("replace_text", "")
        request["used"] = True

    def push(self, body: Body) -> None:
        """aibot_send_msg: only where somebody has written to the bot."""
        chat = self.world.chats.get(str(body.get("chatid", "")))
        if chat is None or not any(message["from"] != "bot" for message in chat["messages"]):
            raise ApiError(NEVER_WROTE, "nobody has written to the bot in this chat")
        if body.get("chat_type", 0) not in (0, 2 if chat["chattype"] == "group" else 1):
            raise ApiError(40058, "invalid chat_type")
        msgtype = _msgtype(body, PUSHES)
        self._count(chat)
        self._plain(chat, msgtype, body)

    def by_url(self, code: str, body: Body) -> None:
        """The response_url: once, within an hour, no token."""
        known = self.world.codes.get(code)
        if known is None or known["used"] or self._clock.time() - known["at"] > URL_S:
            raise ApiError(60140, "response_code expired")
        chat = self.world.chats[self.world.requests[known["req_id"]]["chat"]]
        msgtype = _msgtype(body, ("markdown", "template_card") if chat["chattype"] == "single" else ("markdown",))
        self._count(chat)
        self._plain(chat, msgtype, body)
        known["used"] = True

    # -- rules --------------------------------------------------------------------------------------------------------

    def _request(self, req_id: str, kind: str, life_s: float, *, once: bool = False) -> Body:
        request = self.world.requests.get(req_id)
        if request is None or request["kind"] != kind:
            raise ApiError(846605, "invalid req_id")
        if self._clock.time() - request["at"] > life_s or (once and request["used"]):
            raise ApiError(846604, "the request's window is over")
        return request

    def _count(self, chat: Body) -> None:
        """Replies and pushes to one chat: 30 a minute, 1,000 an hour. The frames of one stream are one reply."""
        now = self._clock.time()
        times = [moment for moment in self.world.recent.get(chat["chatid"], []) if now - moment < 3600]
        if sum(1 for moment in times if now - moment < 60) >= PER_MINUTE or len(times) >= PER_HOUR:
            raise ApiError(45009, "api freq out of limit")
        self.world.recent[chat["chatid"]] = [*times, now]

    def _stream(self, chat: Body, req_id: str, stream: Body) -> None:
        """Each frame replaces what stood there. A frame that was seen before changes nothing."""
        made, content = stream.get("id"), str(stream.get("content", ""))
        if not isinstance(made, str) or not made:
            raise ApiError(40058, "invalid stream.id")
        if len(content.encode()) > TEXT_BYTES:
            raise ApiError(45002, "content size out of limit")
        known = self.world.streams.get(made)
        if known is None:
            self._count(chat)
            message = self.show(chat, "bot", "stream", "", req_id=req_id, finish=False)
            known = self.world.streams[made] = {"req_id": req_id, "at": self._clock.time(), "message": message}
        message = known["message"]
        if known["req_id"] != req_id:
            raise ApiError(846605, "the stream belongs to another req_id")
        if message["finish"] and message["text"] == content:
            return
        if message["finish"] or self._clock.time() - known["at"] > STREAM_S:
            raise ApiError(846608, "stream message update expired")
        message["text"], message["finish"] = content, bool(stream.get("finish"))

    def _plain(self, chat: Body, msgtype: str, body: Body) -> None:
        if msgtype == "template_card":
            self._card(chat, _part(body, msgtype))
        elif msgtype == "markdown":
            self.show(chat, "bot", msgtype, _content(_part(body, msgtype), TEXT_BYTES))
        else:
            self.show(chat, "bot", msgtype, msgtype, body=_part(body, msgtype))

    def _card(self, chat: Body, card: Body) -> None:
        _checked(card)
        task_id = card.get("task_id")
        if task_id in self.world.cards:
            raise ApiError(42014, "task_id was used before")
        message = self.show(chat, "bot", "template_card", str(card.get("main_title", {}).get("title", "")), body=card)
        if task_id:
            self.world.cards[str(task_id)] = {"chat": chat["chatid"], "message": message}


def _msgtype(body: Body, allowed: tuple[str, ...]) -> str:
    msgtype = body.get("msgtype")
    if msgtype not in allowed:
        raise ApiError(40008, "invalid message type")
    return str(msgtype)


def _part(body: Body, name: str) -> Body:
    part = body.get(name)
    if not isinstance(part, dict):
        raise ApiError(40058, f"invalid Request Parameter: {name}")
    return part


def _content(part: Body, most: int) -> str:
    content = part.get("content")
    if not isinstance(content, str) or not content:
        raise ApiError(44004, "empty content")
    if len(content.encode()) > most:
        raise ApiError(45002, "content size out of limit")
    return content


def _checked(card: Body) -> Body:
    if card.get("card_type") not in CARDS:
        raise ApiError(42027, "invalid card_type")
    buttons = card.get("button_list", [])
    if card["card_type"] == "button_interaction":
        if not card.get("task_id"):
            raise ApiError(42014, "missing task_id")
        if not 1 <= len(buttons) <= 6 or not all(button.get("text") and button.get("key") for button in buttons):
            raise ApiError(42017, "invalid button_list")
        if not card.get("main_title", {}).get("title"):
            raise ApiError(42027, "missing main_title.title")
    return card


@route("POST", "aibot/response")
def response(call: Call) -> Body:
    """The response_url of a callback."""
    AiBot(call.world.aibot, call.clock).by_url(call.query.get("response_code", ""), call.body)
    call.effect = "delivered"
    return {}
