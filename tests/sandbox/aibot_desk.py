"""A desk for the AI bot: the sandbox with a bot in the test's hands, over the WebSocket or behind a callback URL."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import aiohttp
from aiohttp import web

from sandbox.app import Options, Sandbox

Frame = dict[str, Any]


class Client:
    """A bot's side of the WebSocket, frame by frame."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket, self._number = socket, 0
        self.told: list[Frame] = []

    async def ask(self, cmd: str, body: Frame | None = None, req_id: str = "") -> Frame:
        """One request and its answer; callbacks that come between are kept in `told`."""
        self._number += 1
        frame: Frame = {"cmd": cmd, "headers": {"req_id": req_id or f"{cmd}_{self._number}"}}
        if body is not None:
            frame["body"] = body
        await self.socket.send_str(json.dumps(frame))
        while True:
            answer = await self.next()
            if "cmd" not in answer:
                assert answer["headers"] == frame["headers"]
                return answer
            self.told.append(answer)

    async def code(self, cmd: str, body: Frame | None = None, req_id: str = "") -> int:
        """The errcode alone."""
        return int((await self.ask(cmd, body, req_id))["errcode"])

    async def next(self) -> Frame:
        """The next frame."""
        async with asyncio.timeout(5):
            frame: Frame = json.loads(await self.socket.receive_str())
            return frame

    async def callback(self) -> Frame:
        """The next callback."""
        if self.told:
            return self.told.pop(0)
        frame = await self.next()
        assert frame["cmd"].endswith("_callback"), frame
        return frame


class Receiver:
    """A bot's callback URL: answers what `answer` makes of the opened body."""

    def __init__(self) -> None:
        self.sandbox: Sandbox | None = None
        self.got: list[Frame] = []
        self.answer: Callable[[Frame], Frame | int | None] = lambda _: None

    async def receive(self, request: web.Request) -> web.Response:
        """One callback."""
        assert self.sandbox is not None
        seal, query = self.sandbox.aibot.caller.seal, request.query
        encrypt = (await request.json())["encrypt"]
        assert seal.is_signed(query["msg_signature"], query["timestamp"], query["nonce"], encrypt)
        body = json.loads(seal.decrypt(encrypt))
        self.got.append(body)
        made = self.answer(body)
        if made is None or isinstance(made, int):
            return web.Response(status=made or 200)
        sealed = seal.encrypt(json.dumps(made))
        signature = seal.sign("1700000000", query["nonce"], sealed)
        return web.json_response(
            {"encrypt": sealed, "msgsignature": signature, "timestamp": 1_700_000_000, "nonce": query["nonce"]}
        )


def sandbox_for(port: int, bot_port: int, mode: str) -> Sandbox:
    """A quick sandbox."""
    sandbox = Sandbox(Options(port=port, bot=f"http://127.0.0.1:{bot_port}", aibot_mode=mode))
    sandbox.aibot.caller.pauses, sandbox.aibot.caller.ask_every_s = (0.0, 0.0, 0.0), 0.01
    return sandbox
