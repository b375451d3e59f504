"""进程 processes: the sandbox and the bot as programs of their own; the bot may be killed at any moment."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import aiohttp

ROOT = Path(__file__).parents[2]
CORP = {"corp_id": "ww0sandbox000001", "agent_id": "1000002", "secret": "sandbox-secret", "token": "sandboxToken",
        "aes_key": "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"}  # fmt: skip
API_TOKEN = "sandbox-api-token"
MALL_SECRET = "mall-secret"
POINTS, COUPONS, TAG_GROUP = 100, {"满100减20券": 1, "包邮券": 2}, "渠道"
READY_WITHIN_S = 30.0


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Program:
    """One child process in a session of its own, its output in a file."""

    command: list[str]
    env: dict[str, str]
    log: Path
    process: subprocess.Popen[bytes] | None = None
    _out: TextIO | None = None

    def start(self) -> None:
        """Start it."""
        self._out = self.log.open("a", encoding="utf-8")
        self.process = subprocess.Popen(
            self.command, cwd=ROOT, env={**os.environ, "PYTHONHASHSEED": "0", **self.env}, stdout=self._out,
            stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip

    def end(self, how: signal.Signals = signal.SIGKILL) -> None:
        """End it and everything it started."""
        if self.process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, how)
        self.process.wait()
        self.process = None
        if self._out is not None:
            self._out.close()

    @property
    def ended(self) -> int | None:
        """The exit status of a program that ended by itself."""
        return None if self.process is None else self.process.poll()


@dataclass
class World:
    """Where a run lives: its directory, database, ports, and the guard that is missing (a control) or none."""

    workdir: Path
    database_url: str
    guard: str = ""
    seed: int = 1
    cards: bool = False  # the judge of the crash tests reads words
    bot_port: int = field(default_factory=free_port)
    sandbox_port: int = field(default_factory=free_port)
    boots: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.sandbox_log = self.workdir / "sandbox.jsonl"
        self.sandbox = Program(self._sandbox_command(), {}, self.workdir / "sandbox.out")
        self.bot = Program(self.bot_command("serve"), self.bot_env(), self.workdir / "bot.out")

    def _sandbox_command(self) -> list[str]:
        return [
            sys.executable, "-m", "sandbox", "--port", str(self.sandbox_port), "--bot",
            f"http://127.0.0.1:{self.bot_port}", "--callback-path", "/wecom/app", "--bot-api-token", API_TOKEN,
            "--corp-id", CORP["corp_id"], "--agent-id", CORP["agent_id"], "--secret", CORP["secret"],
            "--token", CORP["token"], "--aes-key", CORP["aes_key"], "--log", str(self.sandbox_log),
            "--seed", str(self.seed), "--shop-secret", MALL_SECRET,
        ]  # fmt: skip

    def bot_command(self, *words: str, ahead_s: int = 0) -> list[str]:
        """The bot's own command line; under the launcher only when a guard is missing or its clock runs ahead."""
        if self.guard or ahead_s:
            return [sys.executable, "-m", "tests.chaos.mutants", self.guard or "none", str(ahead_s), *words]
        return [sys.executable, "run.py", *words]

    def bot_env(self) -> dict[str, str]:
        """Settings as a deployer would give them."""
        play = "SIYU_SCENARIOS__SIGN_UP__"
        coupons = ",".join(f'{{"template":"{name}","count":{count}}}' for name, count in COUPONS.items())
        return {
            "SIYU_SERVER__PORT": str(self.bot_port), "SIYU_DATABASE__URL": self.database_url,
            "SIYU_WECOM__API_BASE": f"http://127.0.0.1:{self.sandbox_port}", "SIYU_WECOM__CORP_ID": CORP["corp_id"],
            "SIYU_WECOM__APP__AGENT_ID": CORP["agent_id"], "SIYU_WECOM__APP__SECRET": CORP["secret"],
            "SIYU_WECOM__APP__TOKEN": CORP["token"], "SIYU_WECOM__APP__ENCODING_AES_KEY": CORP["aes_key"],
            "SIYU_API__TOKEN": API_TOKEN, f"{play}POINTS": str(POINTS), f"{play}COUPONS": f"[{coupons}]",
            f"{play}TAG_GROUP": TAG_GROUP,
            "SIYU_SCENARIOS__TASKS__MORNING": "false",  # the judge counts what guides are told by what they said
            "SIYU_WECOM__APP__CARDS": str(self.cards).lower(),
            "SIYU_ORDERS__MALL__KIND": "hmac", "SIYU_ORDERS__MALL__SECRET": MALL_SECRET,
            "SIYU_ORDERS__MALL__REFUND_URL": f"http://127.0.0.1:{self.sandbox_port}/shop/refunds",
        }  # fmt: skip

    def run(self, *words: str, ahead_s: int = 0, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """One command of the bot that ends by itself; `env` over its usual settings."""
        return subprocess.run(
            self.bot_command(*words, ahead_s=ahead_s), cwd=ROOT, env={**os.environ, **self.bot_env(), **(env or {})},
            capture_output=True, text=True, check=False, timeout=120,
        )  # fmt: skip

    def end(self) -> None:
        """Leave nothing running."""
        self.bot.end()
        self.sandbox.end()


@dataclass
class Hands:
    """HTTP to both programs."""

    world: World
    session: aiohttp.ClientSession

    async def sandbox(self, method: str, path: str, body: Any = None, *, may_refuse: bool = False) -> Any:
        """A word on the sandbox's control plane; its answer. `may_refuse`: a refusal is an answer too."""
        url = f"http://127.0.0.1:{self.world.sandbox_port}/__sandbox/{path}"
        async with self.session.request(method, url, json=body) as response:
            if response.status >= 400 and not may_refuse:
                raise RuntimeError(f"sandbox: {method} {path}: {response.status} {await response.text()}")
            return await response.json()

    async def bot(self, path: str) -> Any:
        """An answer of the bot's JSON API."""
        url = f"http://127.0.0.1:{self.world.bot_port}{path}"
        async with self.session.get(url, headers={"Authorization": f"Bearer {API_TOKEN}"}) as response:
            response.raise_for_status()
            return await response.json()

    async def bot_post(self, path: str, body: Any) -> Any:
        """Something set up by the bot's JSON API; its answer."""
        url = f"http://127.0.0.1:{self.world.bot_port}/api/v1/{path}"
        async with self.session.post(url, json=body, headers={"Authorization": f"Bearer {API_TOKEN}"}) as response:
            if response.status >= 400:
                raise RuntimeError(f"bot: {path}: {response.status} {await response.text()}")
            return await response.json()

    async def boot(self) -> None:
        """Start the bot and wait until it says it is ready; the seconds are kept."""
        began = time.monotonic()
        self.world.bot.start()
        await self._answers(self.world.bot, f"http://127.0.0.1:{self.world.bot_port}/healthz")
        self.world.boots.append(time.monotonic() - began)

    async def open_sandbox(self) -> None:
        """Start the sandbox and wait for it."""
        self.world.sandbox.start()
        await self._answers(self.world.sandbox, f"http://127.0.0.1:{self.world.sandbox_port}/__sandbox/clock")

    async def _answers(self, program: Program, url: str) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            if program.ended is not None:
                raise RuntimeError(f"{program.command[1:4]} ended by itself: see {program.log}")
            try:
                async with self.session.get(url) as response:
                    if response.status == 200:
                        return
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.02)
        raise RuntimeError(f"{program.command[1:4]} is not ready after {READY_WITHIN_S:.0f} s: see {program.log}")
