"""自建应用 the WeCom app channel: GET and POST of /wecom/app, from the socket to the inlet and back."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Mapping
from datetime import datetime

from aiohttp import web
from loguru import logger

from bot.channels.gate import MAX_BODY, Gate, GateError
from bot.channels.inlet import Inlet
from bot.channels.wecom_fields import STAFF
from bot.channels.wecom_translate import translate
from bot.channels.xml import XmlError
from bot.clock import Clock
from bot.errors import NotStored
from bot.events import Event, UnknownReceived
from bot.sizes import BYTES

PATH = "/wecom/app"
MAX_REPLY_BYTES = BYTES["reply"]
HEAVY_BODY = 4096
"""Callbacks are about 1 KB. A larger one can cost milliseconds: such are opened one per turn of the event loop."""
BODY_TIMEOUT_S = 10.0
_TIMESTAMP_DIGITS = 12

# What XML 1.0 cannot carry, and lone surrogates, which UTF-8 cannot.
_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff\ufffe\uffff]")


def routes(
    gate: Gate,
    inlet: Inlet,
    clock: Clock,
    *,
    path: str = PATH,
    body_timeout_s: float = BODY_TIMEOUT_S,
) -> list[web.RouteDef]:
    """GET verifies the URL, POST receives callbacks. Every answer to bad input is a bare 400, 401 or 413."""
    channel = WeComApp(gate, inlet, clock, body_timeout_s)
    return [web.get(path, channel.verify), web.post(path, channel.receive)]


class WeComApp:
    """The two requests that WeCom makes of us."""

    def __init__(self, gate: Gate, inlet: Inlet, clock: Clock, body_timeout_s: float) -> None:
        self._gate, self._inlet, self._clock = gate, inlet, clock
        self._stats = gate.stats
        self._body_timeout_s = body_timeout_s
        self._heavy = asyncio.Lock()

    async def verify(self, request: web.Request) -> web.Response:
        """Answer the decrypted echostr as it is; a saved URL is old news to nobody, so no freshness here."""
        try:
            plain = self._gate.open(_echostr(request.query), request.query)
        except GateError as error:
            return self._refuse(error)
        self._stats["verified"] += 1
        return web.Response(body=plain, content_type="text/plain")

    async def receive(self, request: web.Request) -> web.Response:
        """Open, check, translate, hand over; acknowledge only what the inlet has made durable."""
        try:
            body = await read_body(request, timeout_s=self._body_timeout_s)
            now = self._clock.now()
            if len(body) <= HEAVY_BODY:
                event, stale_s = self._open(body, request.query, now)
            else:
                async with self._heavy:
                    await asyncio.sleep(0)
                    event, stale_s = self._open(body, request.query, now)
        except GateError as error:
            return self._refuse(error)
        except XmlError as error:
            return self._refuse(GateError(400, f"xml_{error}"))
        try:
            if stale_s is not None:
                return await self._quarantine(event, stale_s)
            reply = await self._inlet.accept(event)
        except NotStored:
            # Not acknowledged: WeCom sends it again.
            self._stats["not_stored"] += 1
            return web.Response(status=503)
        self._stats["accepted"] += 1
        if type(event) is UnknownReceived:
            self._stats["unknown"] += 1
        if not reply:
            return web.Response()
        return self._reply(event, reply, now, request.query)

    def _open(self, body: bytes, query: Mapping[str, str], now: datetime) -> tuple[Event, int | None]:
        plain = self._gate.open_body(body, query)
        stale_s = self._stale_s(query, now)
        return translate(plain, received_at=now), stale_s

    def _stale_s(self, query: Mapping[str, str], now: datetime) -> int | None:
        """Seconds outside of the present when that is too far, else None. The timestamp is signed."""
        window = self._gate.replay_window_s
        if not window:
            return None
        timestamp = query["timestamp"]
        if len(timestamp) > _TIMESTAMP_DIGITS or not (timestamp.isascii() and timestamp.isdigit()):
            raise GateError(400, "timestamp")
        away = abs(now.timestamp() - int(timestamp))
        return int(away) if away > window else None

    async def _quarantine(self, event: Event, stale_s: int) -> web.Response:
        await self._inlet.quarantine(event, "stale")
        self._stats["stale"] += 1
        logger.bind(action="stale", event=event.kind, key=event.key, stale_s=stale_s).warning(
            "a callback outside of the replay window is kept aside"
        )
        return web.Response()

    def _reply(self, event: Event, reply: str, now: datetime, query: Mapping[str, str]) -> web.Response:
        if event.sender is None or event.sender.channel != STAFF:
            logger.bind(action="reply_dropped", event=event.kind, key=event.key).warning("nobody there to reply to")
            return web.Response()
        timestamp = str(int(now.timestamp()))
        message = text_reply(event.sender.external_id, self._gate.receive_id, timestamp, reply)
        sealed = self._gate.seal(message, timestamp, secrets.token_hex(8))
        return web.Response(text=sealed, content_type="application/xml")

    def _refuse(self, error: GateError) -> web.Response:
        """Counted; logged at the 1st, 10th, 100th .. time of a reason, so that a flood cannot fill the disk."""
        name = f"refused.{error.reason}"
        self._stats[name] += 1
        count = self._stats[name]
        if str(count).strip("0") == "1":
            logger.bind(action="refused", reason=error.reason, status=error.status, count=count).warning(
                "a request at the callback URL was refused"
            )
        response = web.Response(status=error.status)
        if error.reason in ("size", "slow_body", "body"):
            response.force_close()  # the rest of the body is not worth reading
        return response


def _echostr(query: Mapping[str, str]) -> bytes:
    try:
        return query["echostr"].encode("ascii")
    except (KeyError, UnicodeEncodeError) as error:
        raise GateError(400, "echostr") from error


async def read_body(request: web.Request, *, limit: int = MAX_BODY, timeout_s: float = BODY_TIMEOUT_S) -> bytes:
    """At most `limit` bytes within `timeout_s`. Raises GateError: 413 "size"; 400 "encoding", "slow_body", "body"."""
    if "Content-Encoding" in request.headers:
        raise GateError(400, "encoding")  # WeCom never compresses; a bomb would
    if (request.content_length or 0) > limit:
        raise GateError(413, "size")
    content = request.content
    body = bytearray()
    try:
        if content.is_eof():  # it came with the headers, as almost always: no timer needed
            body += content.read_nowait()
        else:
            async with asyncio.timeout(timeout_s):
                while chunk := await content.readany():
                    body += chunk
                    if len(body) > limit:
                        break
    except TimeoutError as error:
        raise GateError(400, "slow_body") from error
    except (web.RequestPayloadError, ConnectionError) as error:
        raise GateError(400, "body") from error
    if len(body) > limit:
        raise GateError(413, "size")
    return bytes(body)


def text_reply(userid: str, corp_id: str, timestamp: str, text: str) -> str:
    """A passive text reply: control characters dropped, cut to what WeCom takes on a character's border."""
    content = _UNPRINTABLE.sub("", text).encode()[:MAX_REPLY_BYTES].decode("utf-8", "ignore")
    return (
        f"<xml><ToUserName>{_cdata(userid)}</ToUserName><FromUserName>{_cdata(corp_id)}</FromUserName>"
        f"<CreateTime>{timestamp}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content>{_cdata(content)}</Content></xml>"
    )


def _cdata(text: str) -> str:
    # `]]>` would end the section early and let the text go on as markup.
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"
