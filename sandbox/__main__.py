"""`python -m sandbox`: start the stand-in for WeCom."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import signal
import sys
from pathlib import Path

from sandbox.app import Options, running


def options(argv: list[str]) -> Options:
    """The command line."""
    known = Options()
    parser = argparse.ArgumentParser(
        prog="python -m sandbox", description="企业微信沙盒：协议真实，只在本机 / a loopback WeCom"
    )
    for name in (
        "host",
        "bot",
        "callback-path",
        "bot-api-token",
        "corp-id",
        "secret",
        "token",
        "aes-key",
        "shop-source",
        "shop-secret",
        "aibot-mode",
        "onebot-secret",
        "onebot-token",
    ):
        parser.add_argument(f"--{name}", default=getattr(known, name.replace("-", "_")))
    for name in ("port", "agent-id", "seed", "expires-in"):
        parser.add_argument(f"--{name}", type=int, default=getattr(known, name.replace("-", "_")))
    parser.add_argument("--onebot", choices=("", "ws", "post"), default="", help="社群：反向 WebSocket 或 HTTP 推送")
    parser.add_argument("--log", type=Path, help="每条回调与调用一行 JSON，落盘后才作答")
    parser.add_argument("--state", type=Path, help="保存世界的文件，重启后接着用")
    return Options(**vars(parser.parse_args(argv)))


async def main(chosen: Options) -> None:
    """Run until told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        with contextlib.suppress(NotImplementedError):
            loop.add_signal_handler(number, stop.set)
    async with running(chosen):
        print(f"沙盒（不是企业微信）/ sandbox, not WeCom: http://{chosen.host}:{chosen.port}/", flush=True)
        await stop.wait()


if __name__ == "__main__":
    try:
        asyncio.run(main(options(sys.argv[1:])))
    except OSError as error:
        raise SystemExit(f"端口打不开：{error}；换一个：--port 9101") from None
