"""Callbacks: signed, encrypted and pushed as WeCom does: five seconds, three retries, order not promised."""

from __future__ import annotations

import asyncio
import hashlib
import random
import re
import secrets
import time
import xml.etree.ElementTree as ET
from typing import Any
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from sandbox.clock import VirtualClock
from sandbox.crypto import Seal, Unreadable
from sandbox.faults import Faults
from sandbox.journal import Journal

TIMEOUT_S = 5.0
AT_ONCE = 64


def cdata(value: object) -> str:
    """A CDATA section; the end mark inside is split."""
    return f"<![CDATA[{str(value).replace(']]>', ']]]]><![CDATA[>')}]]>"


def xml(**fields: object) -> str:
    """A flat callback body: numbers bare, text in CDATA, nested XML as given in a `Raw`."""
    return (
        "<xml>"
        + "".join(f"<{name}>{_value(value)}</{name}>" for name, value in fields.items() if value is not None)
        + "</xml>"
    )


class Raw(str):
    """XML that is already written."""

    __slots__ = ()


def _value(value: object) -> str:
    if isinstance(value, Raw):
        return str(value)
    return str(value) if isinstance(value, int) else cdata(value)


def key_of(plain: str) -> str:
    """The key under which the bot's inbox knows this event."""
    found = re.search(r"<MsgId>(?:<!\[CDATA\[)?(\d+)", plain)
    if found:
        return f"wecom_app:msg:{found[1]}"
    return f"wecom_app:sha256:{hashlib.sha256(plain.encode()).hexdigest()}"


class Pusher:
    """Sends callbacks to the bot's url."""

    def __init__(
        self,
        seal: Seal,
        url: str,
        agent_id: int,
        clock: VirtualClock,
        faults: Faults,
        journal: Journal,
        pauses: tuple[float, ...] = (0.3, 0.6, 1.2),
    ) -> None:
        self.seal, self.url, self._agent_id, self._clock, self._faults = seal, url, agent_id, clock, faults
        self._journal, self._pauses = journal, pauses
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[Any]] = set()
        self._held: list[tuple[str, str]] = []
        self._late: dict[asyncio.Task[Any], tuple[str, str]] = {}
        self._number = 0
        self.verified = False

    async def open(self) -> None:
        """Get ready to send."""
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=TIMEOUT_S), connector=aiohttp.TCPConnector(limit=AT_ONCE)
        )

    async def close(self) -> None:
        """Stop sending."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    # -- what happens to an event before it leaves ------------------------------------------------------------------

    def next_id(self) -> str:
        """A callback's id."""
        self._number += 1
        return f"cb{self._number}"

    def emit(self, plain: str, also_lost_by: str = "") -> str:
        """An event happened; it is pushed in the background, as the faults allow. Returns the callback's id."""
        callback_id = self.next_id()
        dice, faults = self._faults.dice, self._faults
        lost = faults.happens("lose") or bool(also_lost_by and faults.strikes_callback(also_lost_by))
        if lost:
            self._journal.add("fault", id=callback_id, fault="lose", plain=plain, key=key_of(plain))
            return callback_id
        copies = dice.randint(2, max(2, int(faults.callback["copies"]))) if faults.happens("duplicate") else 1
        if faults.happens("bad_signature"):
            self._go(self._send_forged(plain, callback_id))
        window = int(faults.callback["reorder"])
        for _ in range(copies):
            if window > 1:
                self._held.append((plain, callback_id))
            else:
                self._depart(plain, callback_id)
        if window > 1 and len(self._held) >= window:
            self._release()
        return callback_id

    def _release(self) -> None:
        held, self._held = self._held, []
        self._faults.dice.shuffle(held)
        for plain, callback_id in held:
            self._depart(plain, callback_id)

    def _depart(self, plain: str, callback_id: str) -> None:
        if self._faults.happens("late"):
            task = self._go(self._send_late(plain, callback_id))
            self._late[task] = (plain, callback_id)
        else:
            self._go(self.send(plain, callback_id))

    async def _send_late(self, plain: str, callback_id: str) -> None:
        await asyncio.sleep(self._faults.callback["late_s"])
        task = asyncio.current_task()
        if task in self._late:
            del self._late[task]
            await self.send(plain, callback_id)

    async def _send_forged(self, plain: str, callback_id: str) -> None:
        await self.attempt(plain, callback_id, 0, forged=True)

    def _go(self, work: Any) -> asyncio.Task[Any]:
        task: asyncio.Task[Any] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def flush(self) -> None:
        """Send what is held back, then wait until nothing is in the air."""
        self._release()
        late, self._late = self._late, {}
        for task, (plain, callback_id) in late.items():
            task.cancel()
            self._go(self.send(plain, callback_id))
        while self._tasks:
            await asyncio.wait(self._tasks)

    @property
    def in_flight(self) -> int:
        """Callbacks that have not come to rest."""
        return len(self._tasks) + len(self._held)

    # -- one push -------------------------------------------------------------------------------------------------

    async def send(self, plain: str, callback_id: str = "") -> dict[str, Any]:
        """Push until it is taken or the retries are used up; the last attempt's entry."""
        entry: dict[str, Any] = {}
        for number, pause in enumerate((*self._pauses, 0.0), 1):
            async with self._gate:
                entry = await self.attempt(plain, callback_id, number)
            if entry["status"] == 200:
                break
            await asyncio.sleep(pause)
        return entry

    def parcel(self, plain: str, *, forged: bool = False, at_s: int | None = None) -> tuple[dict[str, str], str, str]:
        """Query, body and cipher text of one push, freshly encrypted."""
        encrypt = self.seal.encrypt(plain)
        timestamp = str(int(self._clock.time()) if at_s is None else at_s)
        nonce = secrets.token_hex(8)
        signature = secrets.token_hex(20) if forged else self.seal.sign(timestamp, nonce, encrypt)
        body = (
            f"<xml><ToUserName>{cdata(self.seal.receiver)}</ToUserName><AgentID>{cdata(self._agent_id)}</AgentID>"
            f"<Encrypt>{cdata(encrypt)}</Encrypt></xml>"
        )
        return {"msg_signature": signature, "timestamp": timestamp, "nonce": nonce}, body, encrypt

    async def attempt(
        self, plain: str, callback_id: str, number: int, *, forged: bool = False, at_s: int | None = None
    ) -> dict[str, Any]:
        """One push, journalled."""
        query, body, encrypt = self.parcel(plain, forged=forged, at_s=at_s)
        status, reply, error, began = None, "", None, time.perf_counter()
        assert self._session is not None
        try:
            async with self._session.post(URL(self.url).with_query(query), data=body.encode()) as response:
                status, reply = response.status, await response.text()
        except (aiohttp.ClientError, TimeoutError) as failed:
            error = type(failed).__name__
        ms = round((time.perf_counter() - began) * 1000, 2)
        return self._journal.add(
            "callback",
            id=callback_id,
            callback_id=callback_id,
            attempt=number,
            plain=plain,
            cipher=encrypt,
            query=query,
            status=status,
            reply=self.opened(reply),
            ms=ms,
            error=error,
            key=key_of(plain),
            forged=forged,
        )

    def opened(self, reply: str) -> str:
        """A passive reply's plain text; anything else as it is."""
        if not reply.startswith("<xml>"):
            return reply
        try:
            root = ET.fromstring(reply)  # noqa: S314 - the bot's own answer on loopback
            encrypt = root.findtext("Encrypt") or ""
            signature, timestamp = root.findtext("MsgSignature") or "", root.findtext("TimeStamp") or ""
            if not self.seal.is_signed(signature, timestamp, root.findtext("Nonce") or "", encrypt):
                return "签名不对的被动回复"
            return self.seal.decrypt(encrypt)
        except (ET.ParseError, Unreadable) as error:
            return f"读不懂的被动回复：{error}"

    async def verify(self) -> dict[str, Any]:
        """URL verification: one second, the exact plain text back."""
        plain = str(random.Random(secrets.randbits(64)).randint(10**15, 10**19))
        encrypt, timestamp, nonce = self.seal.encrypt(plain), str(int(self._clock.time())), secrets.token_hex(8)
        query = {
            "msg_signature": self.seal.sign(timestamp, nonce, encrypt),
            "timestamp": timestamp,
            "nonce": nonce,
            "echostr": encrypt,
        }
        began, error = time.perf_counter(), None
        assert self._session is not None
        try:
            timeout = aiohttp.ClientTimeout(total=1.0)
            async with self._session.get(
                URL(f"{self.url}?{urlencode(query)}", encoded=True), timeout=timeout
            ) as response:
                body = await response.read()
                if response.status != 200:
                    error = f"回答了 {response.status}：Token 或 EncodingAESKey 可能不一致"
                elif body != plain.encode():
                    error = "回答的不是解密后的明文"
        except (aiohttp.ClientError, TimeoutError) as failed:
            error = f"连不上回调地址（{type(failed).__name__}）：机器人启动了吗？"
        self.verified = error is None
        return {"ok": self.verified, "ms": round((time.perf_counter() - began) * 1000, 2), "error": error}
