"""Serving: one process, or several behind one port with a parent that watches them."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import time

from aiohttp import web
from loguru import logger

from bot.runtime import Runtime
from bot.settings import Settings
from console.doctor_doors import missing_for_aibot
from console.server import build_app

SHARED = "SIYU_SHARED_PORT"  # set for children: several processes listen on one port
RESTART_PAUSE_S = 1.0
STOP_WITHIN_S = 20.0


def refuse_to_serve(settings: Settings, workers: int) -> str:
    """Why this cannot be served, in one sentence; empty when it can."""
    if workers > 1 and settings.database.url.startswith("sqlite"):
        return "SQLite 只有一个写者，多进程会互相等锁：请用 --workers 1，或把 database.url 换成 PostgreSQL"
    app = settings.wecom.app
    for name, value in (("TOKEN", app.token), ("ENCODING_AES_KEY", app.encoding_aes_key), ("SECRET", app.secret)):
        if not value.get_secret_value():
            return f"没有设置 SIYU_WECOM__APP__{name}：照 README 的「接真实企业微信」填好，或先用 make run 试沙盒"
    if not settings.wecom.corp_id:
        return "没有设置 wecom.corp_id：填企业 ID（ww 开头）"
    return next(iter(missing_for_aibot(settings)), "")


async def serve_one(runtime: Runtime) -> None:
    """Migrate, start the parts, listen, and end in order when told to."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    await asyncio.to_thread(runtime.database.migrate)
    await runtime.start()
    runner = web.AppRunner(build_app(runtime), access_log=None, handle_signals=False, shutdown_timeout=5.0)
    await runner.setup()
    server = runtime.settings.server
    try:
        site = web.TCPSite(runner, server.host, server.port, reuse_port=SHARED in os.environ or None)
        await site.start()
        logger.bind(action="serving").info("http://{}:{}", server.host, server.port)
        await stop.wait()
    finally:
        # No more callbacks first: whoever is answered was stored, whoever is not comes again.
        await runner.cleanup()
        await runtime.stop()
        logger.bind(action="stopped").info("nothing is left half done")


def supervise(workers: int, port: int) -> int:
    """Start `workers` processes on one port; one that dies is started again."""
    command = [sys.executable, sys.argv[0], "serve", "--workers", "1", "--port", str(port)]
    env = {**os.environ, SHARED: "1"}
    children = [subprocess.Popen(command, env=env) for _ in range(workers)]  # noqa: S603 - our own command line
    ending = False

    def end(_number: int, _frame: object) -> None:
        nonlocal ending
        ending = True

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, end)
    while not ending:
        time.sleep(0.2)
        for place, child in enumerate(children):
            if child.poll() is not None and not ending:
                if child.returncode == 2:  # a wrong setting does not heal by itself
                    ending = True
                    break
                logger.bind(action="worker_died").error("pid={} status={}", child.pid, child.returncode)
                time.sleep(RESTART_PAUSE_S)
                children[place] = subprocess.Popen(command, env=env)  # noqa: S603 - as above
    return _end(children)


def _end(children: list[subprocess.Popen[bytes]]) -> int:
    for child in children:
        if child.poll() is None:
            child.terminate()
    deadline = time.monotonic() + STOP_WITHIN_S
    for child in children:
        try:
            child.wait(max(0.1, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            child.kill()
    return max((child.returncode or 0) for child in children) if children else 0
