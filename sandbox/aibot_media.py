"""图片与文件 what people send to the AI bot: sealed, behind a link that lives five minutes (100719, 101463)."""

from __future__ import annotations

import base64
import binascii
import io
import secrets
import struct
import zlib
from typing import Any

from aiohttp import web

from sandbox.clock import VirtualClock
from sandbox.crypto import Seal, seal_file
from sandbox.story import Impossible

PATH = "/aibot/media/"
LINK_S = 300
KEPT = 50  # links beyond this are forgotten, oldest first
LARGEST = 16 << 20

Body = dict[str, Any]


class AiBotMedia:
    """Seals, links and serves. What is linked lives too short to be saved with the world."""

    def __init__(self, seal: Seal, clock: VirtualClock, base: str) -> None:
        self._seal, self._clock, self._base = seal, clock, base
        self._kept: dict[str, tuple[float, bytes]] = {}

    def route(self) -> web.RouteDef:
        """Where links lead."""
        return web.get(PATH + "{id}", self.serve)

    def link(self, msgtype: str, body: Body, mode: str) -> Body:
        """What stands in the message: a link, and over the WebSocket the key that opens it alone."""
        if body.get("url"):
            return {"url": str(body["url"]), **({"aeskey": str(body["aeskey"])} if body.get("aeskey") else {})}
        data = _given(body) if body.get("data") else _sample(msgtype)
        key = secrets.token_bytes(32)
        sealed = seal_file(data, key) if mode == "websocket" else self._seal.seal_file(data)
        name = secrets.token_hex(12)
        self._kept[name] = (self._clock.time(), sealed)
        while len(self._kept) > KEPT:
            del self._kept[next(iter(self._kept))]
        found = {"url": f"{self._base}{PATH}{name}?sign=q-sign-time%3D{int(self._clock.time())}"}
        return {**found, "aeskey": base64.b64encode(key).decode()} if mode == "websocket" else found

    async def serve(self, request: web.Request) -> web.Response:
        """The sealed bytes while the link lives; then what object storage says of a stale signature."""
        at, sealed = self._kept.get(request.match_info["id"], (0.0, b""))
        if not sealed:
            return web.Response(
                status=404, text="<Error><Code>NoSuchKey</Code></Error>", content_type="application/xml"
            )
        if self._clock.time() - at > LINK_S:
            denied = "<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>"
            return web.Response(status=403, text=denied, content_type="application/xml")
        return web.Response(body=io.BytesIO(sealed), content_type="application/octet-stream")


def _given(body: Body) -> bytes:
    try:
        data = base64.b64decode(str(body["data"]), validate=True)
    except (binascii.Error, ValueError):
        raise Impossible("data", "data 要是 base64") from None
    if not 0 < len(data) <= LARGEST:
        raise Impossible("data", f"文件要有内容，最大 {LARGEST >> 20} MB")
    return data


def _sample(msgtype: str) -> bytes:
    """A picture of its own for everybody who sends none; a table where a file is sent."""
    if msgtype == "file":
        return f"门店,到店人数\n南山店,{secrets.randbelow(1000)}\n".encode()
    red, green, blue = secrets.token_bytes(3)
    rows = b"".join(b"\x00" + bytes((red, green, blue)) * 48 for _ in range(32))
    head = struct.pack(">IIBBBBB", 48, 32, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows)) + _chunk(b"IEND", b"")


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
