"""回调 the AI bot's callback mode: JSON, an empty receiver, passive answers, and asking on while a stream is not
finished (documents 101033, 101031)."""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from sandbox.aibot import STREAM_S, AiBot
from sandbox.clock import VirtualClock
from sandbox.crypto import Seal, Unreadable
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.world import ApiError

TIMEOUT_S = 5.0

Body = dict[str, Any]


class AiBotCaller:
    """Calls the bot's URL as WeCom does: five seconds, three more tries."""

    def __init__(
        self,
        bot: AiBot,
        seal: Seal,
        url: str,
        clock: VirtualClock,
        faults: Faults,
        journal: Journal,
        pauses: tuple[float, ...] = (0.3, 0.6, 1.2),
        ask_every_s: float = 0.5,
    ) -> None:
        self.bot, self.seal, self.url = bot, seal, url
        self._clock, self._faults, self._journal = clock, faults, journal
        self.pauses, self.ask_every_s = pauses, ask_every_s
        self._session: aiohttp.ClientSession | None = None
        self._asking: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        """Stop asking."""
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def call(self, body: Body, req_id: str) -> Body:
        """Tell the bot; what it answered is shown where it belongs. {"status","reply","error","key"}."""
        if self._faults.happens("lose"):
            self._journal.add("fault", fault="lose", plain=json.dumps(body, ensure_ascii=False))
            return {"status": None, "reply": None, "error": "lost", "key": _key(body)}
        told: Body = {}
        for number, pause in enumerate((*self.pauses, 0.0), 1):
            told = await self.attempt(body, number)
            if told["status"] == 200:
                break
            await asyncio.sleep(pause)
        if self._faults.happens("duplicate"):
            await self.attempt(body, 9)
        if told["reply"]:
            told["error"] = self._apply(req_id, body, told["reply"])
        return told

    async def flush(self) -> None:
        """Until no stream is open."""
        while self._asking:
            await asyncio.wait(self._asking)

    def _apply(self, req_id: str, body: Body, reply: Body) -> str | None:
        """Show what was answered; why it cannot be, where it is wrong."""
        kind = self.bot.world.requests[req_id]["kind"]
        try:
            {"message": self.bot.reply, "enter_chat": self.bot.welcome, "card": self.bot.update}[kind](req_id, reply)
        except ApiError as error:
            self._journal.add("fault", fault="wrong_reply", plain=json.dumps(reply, ensure_ascii=False), why=str(error))
            return f"{error.errcode} {error.errmsg}"
        stream = reply.get("stream")
        if isinstance(stream, dict) and not stream.get("finish"):
            task = asyncio.ensure_future(self._ask_on(req_id, body, str(stream["id"])))
            self._asking.add(task)
            task.add_done_callback(self._asking.discard)
        return None

    async def _ask_on(self, req_id: str, body: Body, stream_id: str) -> None:
        """Until the stream is finished, for six minutes."""
        began = self._clock.time()
        while self._clock.time() - began < STREAM_S:
            await asyncio.sleep(self.ask_every_s)
            asked: Body = {name: body[name] for name in ("aibotid", "chatid", "chattype", "from") if name in body}
            asked |= {"msgid": f"m{secrets.token_hex(8)}", "msgtype": "stream", "stream": {"id": stream_id}}
            told = await self.attempt(asked, 1)
            reply = told["reply"]
            if not reply:
                continue
            try:
                self.bot.reply(req_id, reply)
            except ApiError:
                return
            if reply.get("stream", {}).get("finish"):
                return

    async def attempt(self, body: Body, number: int) -> Body:
        """One call, journalled."""
        plain = json.dumps(body, ensure_ascii=False)
        encrypt, timestamp, nonce = self.seal.encrypt(plain), str(int(self._clock.time())), secrets.token_hex(8)
        query = {
            "msg_signature": self.seal.sign(timestamp, nonce, encrypt),
            "timestamp": timestamp,
            "nonce": nonce,
        }
        status, raw, error, began = None, "", None, time.perf_counter()
        try:
            url = URL(self.url).with_query(query)
            async with self._http().post(url, json={"encrypt": encrypt}) as response:
                status, raw = response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError) as failed:
            error = type(failed).__name__
        reply, wrong = self._opened(raw, nonce) if status == 200 and raw else (None, None)
        ms = round((time.perf_counter() - began) * 1000, 2)
        shown = json.dumps(reply, ensure_ascii=False) if reply else wrong or ""
        self._journal.add(
            "callback", id=_key(body), callback_id=_key(body), attempt=number, plain=plain, cipher=encrypt, query=query,
            status=status, reply=shown, ms=ms, error=error or wrong, key=_key(body), forged=False, title=_title(body),
        )  # fmt: skip
        return {"status": status, "reply": reply, "error": error or wrong, "key": _key(body)}

    def _opened(self, raw: str, nonce: str) -> tuple[Body | None, str | None]:
        """The bot's answer, or what is wrong with it."""
        try:
            outer = json.loads(raw)
            signed = (str(outer["msgsignature"]), str(outer["timestamp"]), str(outer["nonce"]), str(outer["encrypt"]))
            if not self.seal.is_signed(*signed):
                return None, "签名不对的被动回复"
            if outer["nonce"] != nonce:
                return None, "nonce 不是回调里的那一个"
            inner = json.loads(self.seal.decrypt(signed[3]))
        except (ValueError, KeyError, TypeError, Unreadable) as error:
            return None, f"读不懂的被动回复：{error}"
        return (inner, None) if isinstance(inner, dict) else (None, "被动回复不是 JSON 对象")

    async def verify(self) -> Body:
        """URL verification: one second, the exact plain text back."""
        plain, timestamp, nonce = str(secrets.randbits(62)), str(int(self._clock.time())), secrets.token_hex(8)
        encrypt = self.seal.encrypt(plain)
        query = {"msg_signature": self.seal.sign(timestamp, nonce, encrypt), "timestamp": timestamp, "nonce": nonce}
        url = URL(f"{self.url}?{urlencode({**query, 'echostr': encrypt})}", encoded=True)
        try:
            async with self._http().get(url, timeout=aiohttp.ClientTimeout(total=1.0)) as response:
                same = await response.read() == plain.encode()
                return {"ok": response.status == 200 and same, "status": response.status}
        except (aiohttp.ClientError, TimeoutError) as error:
            return {"ok": False, "status": None, "error": type(error).__name__}

    def _http(self) -> aiohttp.ClientSession:
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        return self._session


def _key(body: Body) -> str:
    """The key under which the bot's inbox knows this."""
    return f"wecom_aibot:msg:{body.get('msgid', '')}"


def _title(body: Body) -> str:
    kind = body.get("event", {}).get("eventtype", "") if body.get("msgtype") == "event" else body.get("msgtype")
    return f"智能机器人 · {kind}"
