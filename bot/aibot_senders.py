"""The AI bot's senders: what each of its outbox calls means, and the way round when the first way is closed."""

from __future__ import annotations

from typing import Any

from yarl import URL

from bot import aibot
from bot.channels.wecom_aibot_ws import LongConnection
from bot.errors import RequestRefused, WeComError
from bot.senders import CARD_REFUSED, Sender, WeComSenders
from bot.texts import split_bytes
from bot.turn import TEXT_LIMIT
from bot.wecom.tokenless import Tokenless
from storage.outbox import Call

QYAPI = "https://qyapi.weixin.qq.com"
# 846604 the window of the request is over, 846605 no such req_id (any more), 846608 the stream is closed: the question
# can be answered no more, but its chat can still be written to.
UNANSWERABLE = (846604, 846605, 846608)


class AiBotSenders:
    """`line` is there in WebSocket mode; `app` writes to staff when the bot may not."""

    def __init__(self, line: LongConnection | None, poster: Tokenless, app: WeComSenders, api_base: str) -> None:
        self._line, self._poster, self._app = line, poster, app
        self._origins = {URL(api_base).origin(), URL(QYAPI).origin()}

    def table(self) -> dict[str, Sender]:
        """Every call by name."""
        calls: dict[str, Sender] = {aibot.RESPONSE: self.response}
        if self._line is not None:
            calls |= {
                aibot.REPLY: self.reply,
                aibot.WELCOME: self.welcome,
                aibot.UPDATE: self.update,
                aibot.SEND: self.send,
            }
        return calls

    async def reply(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Answer a message by its req_id; the stream's id makes a repetition harmless. Too late: write to the chat. A
        card that is not taken is said in words."""
        try:
            return await self._ask("aibot_respond_msg", payload["body"], payload["req_id"])
        except WeComError as error:
            if _is_card(payload) and error.errcode in CARD_REFUSED:
                words = aibot.stream(row.cause, payload["text"])
                return await self._ask("aibot_respond_msg", words, payload["req_id"])
            if error.errcode not in UNANSWERABLE:
                raise
        return await self.send(payload if _is_card(payload) else {**payload, "body": None}, row)

    async def welcome(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Within five seconds of the entrance."""
        return await self._ask("aibot_respond_welcome_msg", payload["body"], payload["req_id"])

    async def update(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Within five seconds of the click."""
        return await self._ask("aibot_respond_update_msg", payload["body"], payload["req_id"])

    async def send(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Write to a chat: a card where there is one, else words. Who never wrote to the bot may not be written to: the
        app does it."""
        to = {"chatid": payload["chat"], "chat_type": 2 if payload["group"] else 1}
        words = aibot.markdown(payload["text"])
        try:
            try:
                return await self._ask("aibot_send_msg", {**to, **(payload.get("body") or words)})
            except WeComError as error:
                if not _is_card(payload) or error.errcode not in CARD_REFUSED:
                    raise
            return await self._ask("aibot_send_msg", {**to, **words})
        except WeComError as error:
            if payload["group"] or error.errcode is None or not error.permanent:
                raise
        answer: dict[str, Any] = {}
        for part in split_bytes(payload["text"], TEXT_LIMIT):
            text = {"touser": payload["userid"], "msgtype": "text", "text": {"content": part}}
            answer = await self._app.message(text, row)
        return answer

    async def response(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Answer by the response_url of a callback: once, within an hour."""
        url = URL(payload["url"])
        if url.origin() not in self._origins:
            raise RequestRefused(aibot.RESPONSE, "response_url", "an address that is not WeCom's")
        return await self._poster.post(aibot.RESPONSE, str(url), payload["body"])

    async def _ask(self, cmd: str, body: dict[str, Any], req_id: str = "") -> dict[str, Any]:
        assert self._line is not None
        return await self._line.ask(cmd, body, req_id)


def _is_card(payload: dict[str, Any]) -> bool:
    return bool(payload.get("body")) and payload["body"]["msgtype"] == "template_card"
