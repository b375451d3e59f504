"""What staff do with the AI bot, and the control plane's words for it: /__sandbox/aibot/…"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Any

from aiohttp import web

from sandbox.aibot import AiBot
from sandbox.aibot_callback import AiBotCaller
from sandbox.aibot_media import AiBotMedia
from sandbox.aibot_ws import AiBotSocket
from sandbox.clock import VirtualClock
from sandbox.plain_json import Act, acting
from sandbox.story import Impossible, Story

Body = dict[str, Any]
WORDS = ("text", "voice")
ALONE = ("image", "file", "video")  # in a group WeCom lets nobody send these to the bot


class AiBotStory:
    """`mode` websocket or callback: one at a time, as the bot's owner sets it."""

    def __init__(
        self, bot: AiBot, socket: AiBotSocket, caller: AiBotCaller, story: Story, clock: VirtualClock, *,
        bot_id: str, mode: str, base: str, media: AiBotMedia,
    ) -> None:  # fmt: skip
        self._media = media
        self.bot, self.socket, self.caller, self._story, self._clock = bot, socket, caller, story, clock
        self._bot_id, self.mode, self._base = bot_id, mode, base

    def routes(self, after: Callable[[], None]) -> list[web.RouteDef]:
        """The control plane's paths."""
        acts: dict[str, Act] = {
            "say": self.say,
            "enter": self.enter,
            "card_click": self.card_click,
            "feedback": self.feedback,
            "verify": self.verify,
            "mode": self.set_mode,
            "flush": self.flush,
        }
        return [web.post(f"/__sandbox/aibot/{path}", acting(act, after)) for path, act in acts.items()]

    async def say(self, request: web.Request, body: Body) -> Body:
        """{"userid","text","chatid"?,"chattype"?,"name"?,"quote"?,"msgtype"?,"mixed"?}; a picture or file is {"data":
        base64} or a "url" of one's own, else it is made up. Entries of `mixed` may bring "data" too."""
        chat, userid = self._chat(body), self._userid(body)
        text, msgtype = str(body.get("text") or ""), str(body.get("msgtype") or "text")
        if msgtype in WORDS and not text.strip():
            raise Impossible("text", "要说点什么")
        if chat["chattype"] == "group" and msgtype in WORDS and not text.startswith("@"):
            text = f"@运营助手 {text}"
        if chat["chattype"] == "group" and msgtype in ALONE:
            raise Impossible("msgtype", "图片、文件、视频只能在单聊里发；群里用图文混排", 409)
        if msgtype in WORDS:
            content: Body = {msgtype: {"content": text}}
        elif msgtype == "mixed":
            content = {"mixed": {"msg_item": [self._item(item) for item in body.get("mixed") or []]}}
        else:
            content = {msgtype: self._media.link(msgtype, body, self.mode)}
        if isinstance(body.get("quote"), dict):
            content["quote"] = body["quote"]
        self.bot.show(chat, userid, msgtype, text or f"[{msgtype}]")
        return await self._tell(chat, userid, "message", {"msgtype": msgtype, **content})

    def _item(self, item: Body) -> Body:
        """A piece of a mixed message, with a link for what it brings."""
        kind = str(item.get("msgtype"))
        return {"msgtype": kind, kind: self._media.link(kind, item, self.mode)} if "data" in item else item

    async def enter(self, request: web.Request, body: Body) -> Body:
        """{"userid"}: the first visit of the day to the single chat."""
        userid = self._userid(body)
        event = {"eventtype": "enter_chat"}
        return await self._tell(self.bot.world.chat(userid), userid, "enter_chat", _event(event))

    async def card_click(self, request: web.Request, body: Body) -> Body:
        """{"userid","task_id","key"}: a button is pressed; it is told once, whoever listens or not."""
        userid, task_id = self._userid(body), str(body.get("task_id") or "")
        shown = self.bot.world.cards.get(task_id)
        if shown is None:
            raise Impossible("task_id", "没有这张卡片", 404)
        card, key = shown["message"]["body"], str(body.get("key") or "")
        if card.get("replace_text"):
            raise Impossible("task_id", "这张卡片已经点过了", 409)
        if key not in [button.get("key") for button in card.get("button_list", [])]:
            raise Impossible("key", "卡片上没有这个按钮")
        clicked = {"card_type": card["card_type"], "event_key": key, "task_id": task_id}
        event = {"eventtype": "template_card_event", "template_card_event": clicked}
        return await self._tell(self.bot.world.chats[shown["chat"]], userid, "card", _event(event), task_id=task_id)

    async def feedback(self, request: web.Request, body: Body) -> Body:
        """{"userid","id","type","content"?,"reasons"?}: somebody rates a reply."""
        userid = self._userid(body)
        rated = {"id": str(body.get("id") or ""), "type": int(body.get("type") or 1)}
        rated |= {"content": str(body.get("content") or ""), "inaccurate_reason_list": list(body.get("reasons") or [])}
        event = {"eventtype": "feedback_event", "feedback_event": rated}
        return await self._tell(self._chat(body), userid, "feedback", _event(event))

    async def verify(self, request: web.Request, body: Body) -> Body:
        """The GET verification of the AI bot's callback url."""
        return await self.caller.verify()

    def set_mode(self, request: web.Request, body: Body) -> Body:
        """{"mode"}: websocket or callback."""
        if body.get("mode") not in ("websocket", "callback"):
            raise Impossible("mode", "要填 websocket 或 callback")
        self.mode = str(body["mode"])
        return {"mode": self.mode}

    async def flush(self, request: web.Request, body: Body) -> None:
        """Until no stream is open."""
        await self.caller.flush()

    # -- telling ------------------------------------------------------------------------------------------------------

    async def _tell(self, chat: Body, userid: str, kind: str, what: Body, **more: Any) -> Body:
        req_id = self.bot.asked(chat, kind, userid, **more)
        body: Body = {"msgid": f"m{secrets.token_hex(10)}", "aibotid": self._bot_id}
        if chat["chattype"] == "group":
            body["chatid"] = chat["chatid"]
        body |= {"chattype": chat["chattype"], "from": {"userid": userid}, **what}
        if what["msgtype"] == "event":
            body["create_time"] = int(self._clock.time())
        if self.mode == "callback":
            if kind in ("message", "card"):
                code = self.bot.code_for(req_id)
                body["response_url"] = f"{self._base}/cgi-bin/aibot/response?response_code={code}"
            told = await self.caller.call(body, req_id)
            return {**told, "msgid": body["msgid"], "req_id": req_id, "delivered": told["status"] == 200}
        cmd = "aibot_event_callback" if what["msgtype"] == "event" else "aibot_msg_callback"
        delivered = await self.socket.tell({"cmd": cmd, "headers": {"req_id": req_id}, "body": body})
        return {"msgid": body["msgid"], "req_id": req_id, "delivered": delivered}

    def _userid(self, body: Body) -> str:
        return self._story.find_guide(str(body.get("userid") or "")).userid

    def _chat(self, body: Body) -> Body:
        userid, chatid = self._userid(body), str(body.get("chatid") or "")
        kind = str(body.get("chattype") or ("group" if chatid else "single"))
        if kind not in ("group", "single") or (kind == "group") != bool(chatid):
            raise Impossible("chatid", "群聊要有 chatid，单聊不要")
        return self.bot.world.chat(userid, chatid, str(body.get("name") or ""))


def _event(event: Body) -> Body:
    return {"msgtype": "event", "event": event}
