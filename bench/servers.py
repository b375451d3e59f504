"""What is measured, each in a process of its own: python -m bench.servers bare|decrypt|whole|orm|doors PORT [URL]."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

import xmltodict
from aiohttp import web
from wechatpy.enterprise.crypto import WeChatCrypto

from bench.requests import AES_KEY, CORP_ID, TOKEN
from bot.channels.wecom_app import PATH

READY_WITHIN_S = 30.0
Handler = web.Application


async def bare(_url: str) -> web.Application:
    """An empty aiohttp handler."""

    async def empty(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_post(PATH, empty)
    return app


async def decrypt(_url: str) -> web.Application:
    """wechatpy's decrypt and xmltodict, as they come; nothing is done with the event."""
    crypto = WeChatCrypto(TOKEN, AES_KEY, CORP_ID)

    async def read(request: web.Request) -> web.Response:
        query, body = request.query, await request.read()
        plain = crypto.decrypt_message(body, query["msg_signature"], query["timestamp"], query["nonce"])
        xmltodict.parse(plain)
        return web.Response()

    app = web.Application()
    app.router.add_post(PATH, read)
    return app


async def whole(url: str) -> web.Application:
    """The bot as `run.py serve` wires it: gate, translation, writer, sign-up, commit, answer. Nothing is delivered."""
    os.environ.update(
        SIYU_DATABASE__URL=url,
        SIYU_WECOM__CORP_ID=CORP_ID,
        SIYU_WECOM__APP__TOKEN=TOKEN,
        SIYU_WECOM__APP__ENCODING_AES_KEY=AES_KEY,
        SIYU_WECOM__APP__SECRET="unused",  # noqa: S106 - nothing is called
        SIYU_LOGS__LEVEL="WARNING",
    )
    from console.server import build_app
    from run import settings_or_exit, wire

    runtime = wire(settings_or_exit())
    await asyncio.to_thread(runtime.database.migrate)
    runtime.writer.start()
    return build_app(runtime)


async def doors(url: str) -> web.Application:
    """The bot with every door that its environment opens; of deliveries only the pulls of 微信客服 are made."""
    os.environ["SIYU_DATABASE__URL"] = url
    os.environ.setdefault("SIYU_WECOM__AIBOT__MODE", "callback")
    from bot.delivery import LANES
    from console.server import build_app
    from run import settings_or_exit, wire

    runtime = wire(settings_or_exit())
    await asyncio.to_thread(runtime.database.migrate)
    runtime.writer.start()
    runtime.onebot.lead()
    await runtime.doors.start()
    runtime.delivery._lanes = tuple(lane for lane in LANES if lane.name == "kf")
    await runtime.delivery.start()
    return build_app(runtime)


async def orm(url: str) -> web.Application:
    """The same gate, the same rows and the same durability, by one async ORM session an event."""
    from bench.orm import OrmInlet
    from bot.channels import wecom_app
    from bot.channels.gate import Gate
    from bot.clock import SystemClock

    gate = Gate(token=TOKEN, encoding_aes_key=AES_KEY, receive_id=CORP_ID)
    app = web.Application()
    app.add_routes(wecom_app.routes(gate, await OrmInlet.open(url), SystemClock()))
    return app


SERVERS = {"bare": bare, "decrypt": decrypt, "whole": whole, "orm": orm, "doors": doors}


async def serve(name: str, port: int, url: str) -> None:
    """Listen as `run.py serve` does until told to stop."""
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    runner = web.AppRunner(await SERVERS[name](url), access_log=None, handle_signals=False)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, reuse_port=True).start()
    gc.freeze()
    await stop.wait()
    await runner.cleanup()


@contextlib.contextmanager
def running(
    name: str, port: int, url: str = "", workers: int = 1, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """The server as `workers` processes on one port, gone afterwards."""
    command = [sys.executable, "-m", "bench.servers", name, str(port), url]
    children = []
    try:
        for _ in range(workers):
            children.append(subprocess.Popen(command, env={**os.environ, **(environment or {})}))  # noqa: S603 - ourselves
            _wait(children[-1], port)
        time.sleep(0.5 * (workers - 1))  # the last one is answered for by the first
        yield
    finally:
        for child in children:
            child.terminate()
        for child in children:
            child.wait(20)


def _wait(child: subprocess.Popen[bytes], port: int) -> None:
    deadline = time.monotonic() + READY_WITHIN_S
    while time.monotonic() < deadline and child.poll() is None:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}{urlsplit(PATH).path}", timeout=2)
        except urllib.error.HTTPError:
            return  # it answers
        except OSError:
            time.sleep(0.05)
    raise SystemExit(f"the server {child.args!r} did not start")


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
