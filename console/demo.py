"""The demo: bot and sandbox side by side on this machine, nothing else needed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from datetime import datetime
from pathlib import Path
from typing import Any

import typer

from bot.settings import Settings
from bot.texts import Texts
from bot.wecom.client import WeCom
from console import menu, regulars, showroom

ROOT = Path(__file__).parent.parent
CORP_ID, AGENT_ID, API_TOKEN = "ww0sandbox000001", "1000002", "sandbox-api-token"
SECRET, TOKEN = "sandbox-secret", "sandboxToken"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
MALL, MALL_SECRET = "mall", "mall-secret"
ONEBOT = {"ENABLED": "true", "SECRET": "sandbox-onebot-secret", "ACCESS_TOKEN": "sandbox-onebot-token"}
READY_WITHIN_S = 40.0


def free_port(wanted: int) -> int:
    """`wanted`, or the next port nobody listens on."""
    for port in range(wanted, min(wanted + 200, 65535)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise typer.BadParameter(f"{wanted} 起的 200 个端口都被占用了")


class Demo:
    """Two child processes, one page."""

    def __init__(
        self, settings: Settings, db: Path | None, port: int, sandbox_port: int, *, model: bool = False
    ) -> None:
        self._own, self._model = settings, model
        self._home = tempfile.TemporaryDirectory(prefix="siyu-") if db is None else None
        self._db = db.resolve() if db else Path(self._home.name) / "demo.db" if self._home else Path("demo.db")
        self._port = free_port(port)
        self._sandbox_port = free_port(sandbox_port if sandbox_port != self._port else sandbox_port + 1)
        for wanted, got, name in ((port, self._port, "机器人"), (sandbox_port, self._sandbox_port, "沙盒")):
            if wanted != got:
                typer.echo(f"端口 {wanted} 被占用，{name}改用 {got}")
        self._children: list[subprocess.Popen[bytes]] = []

    def run(self) -> int:
        """Start both, say where to look, wait until told to stop."""
        sandbox, bot = f"http://127.0.0.1:{self._sandbox_port}", f"http://127.0.0.1:{self._port}"
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
        try:
            self._start([sys.executable, "-m", "sandbox", *self._sandbox_words(bot)], {})
            self._start([sys.executable, "run.py", "serve"], self._settings(sandbox))
            for url in (f"{sandbox}/__sandbox/clock", f"{bot}/readyz"):
                self._wait(url)
            self._verify(sandbox)
            self._put_up_menu(sandbox)
            there = self._furnish(sandbox, bot)
            there["regulars"] = self._invite(sandbox, bot)
            self._welcome(sandbox, bot, there)
            while all(child.poll() is None for child in self._children):
                time.sleep(0.3)
            typer.echo("有一个进程自己退出了，看上面的日志", err=True)
            return 1
        except (KeyboardInterrupt, SystemExit):
            typer.echo("\n已停止")
            return 0
        except (RuntimeError, OSError) as error:
            typer.echo(str(error), err=True)
            return 1
        finally:
            self._end()

    def _sandbox_words(self, bot: str) -> list[str]:
        state = str(self._db.with_suffix(".sandbox.json"))
        shop = ["--shop-source", MALL, "--shop-secret", MALL_SECRET]
        words = ["--port", str(self._sandbox_port), "--bot", bot, "--bot-api-token", API_TOKEN, "--state", state]
        return [*words, *shop, "--onebot", "ws"]

    def _settings(self, sandbox: str) -> dict[str, str]:
        """What a deployer would set, with the sandbox in WeCom's place."""
        return {
            "SIYU_SERVER__PORT": str(self._port),
            "SIYU_SERVER__CLOCK_URL": f"{sandbox}/__sandbox/clock",
            "SIYU_DATABASE__URL": f"sqlite:///{self._db}",
            "SIYU_MEDIA__FOLDER": str(self._db.with_suffix(".media")),
            "SIYU_WECOM__API_BASE": sandbox,
            "SIYU_WECOM__CORP_ID": CORP_ID,
            "SIYU_WECOM__APP__AGENT_ID": AGENT_ID,
            "SIYU_WECOM__APP__SECRET": SECRET,
            "SIYU_WECOM__APP__TOKEN": TOKEN,
            "SIYU_WECOM__APP__ENCODING_AES_KEY": AES_KEY,
            "SIYU_WECOM__AIBOT__MODE": "websocket",
            "SIYU_WECOM__AIBOT__BOT_ID": "aib0sandbox",
            "SIYU_WECOM__AIBOT__SECRET": "sandbox-aibot-secret",
            "SIYU_WECOM__AIBOT__WS_URL": f"{sandbox.replace('http', 'ws', 1)}/aibot/ws",
            "SIYU_WECOM__WEBHOOK__ALERTS": "sandbox-webhook-alerts",
            "SIYU_WECOM__WEBHOOK__DAILY": "sandbox-webhook-daily",
            "SIYU_API__TOKEN": API_TOKEN,
            f"SIYU_ORDERS__{MALL.upper()}__KIND": "hmac",
            f"SIYU_ORDERS__{MALL.upper()}__SECRET": MALL_SECRET,
            f"SIYU_ORDERS__{MALL.upper()}__REFUND_URL": f"{sandbox}/shop/refunds",
            "SIYU_SCENARIOS__SIGN_UP__COUPONS": json.dumps(self._newcomers_coupons(), ensure_ascii=False),
            **{f"SIYU_ONEBOT__{name}": value for name, value in ONEBOT.items()},
            **(self._model_settings(sandbox) if self._model else {}),
            "SIYU_LOGS__LEVEL": os.environ.get("SIYU_LOGS__LEVEL", "WARNING"),
        }

    @staticmethod
    def _model_settings(sandbox: str) -> dict[str, str]:
        given = {"BASE_URL": f"{sandbox}/__sandbox/model/v1", "API_KEY": "sandbox-model-key", "MODEL": "sandbox-chat"}
        return {f"SIYU_LLM__{name}": value for name, value in given.items()}

    def _newcomers_coupons(self) -> list[dict[str, Any]]:
        """As configured; one that the showroom has a template for follows it, so that it can be calculated with."""
        gifts = self._own.play_tables.get("sign_up", {}).get("coupons", [])
        known = {item["name"] for item in showroom.read()["coupon_templates"]}
        return [{**gift, "valid_days": 0} if gift.get("template") in known else gift for gift in gifts]

    def _start(self, command: list[str], env: dict[str, str]) -> None:
        child = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **env})  # noqa: S603 - our own programs
        self._children.append(child)

    def _wait(self, url: str) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < deadline:
            if any(child.poll() is not None for child in self._children):
                raise RuntimeError("启动失败：看上面的日志")
            try:
                urllib.request.urlopen(url, timeout=2).close()  # noqa: S310 - loopback
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
            else:
                return
        raise RuntimeError(f"{READY_WITHIN_S:.0f} 秒内没有就绪：{url}")

    def _verify(self, sandbox: str) -> None:
        answer = self._ask(f"{sandbox}/__sandbox/verify", b"{}")
        if not answer["ok"]:
            raise RuntimeError(f"沙盒验证回调地址没有通过：{answer['error']}")

    def _put_up_menu(self, sandbox: str) -> None:
        """What guides can tap under the app's chat."""
        client = WeCom(api_base=sandbox, corp_id=CORP_ID, secret=SECRET, agent_id=int(AGENT_ID))
        if why := asyncio.run(menu.put_up(client, menu.wanted(self._own, Texts()).buttons)):
            raise RuntimeError(f"应用菜单没有放上去：{why}")

    def _furnish(self, sandbox: str, bot: str) -> dict[str, int]:
        """Goods, coupons and running campaigns, by the sandbox's clock."""
        now = datetime.fromisoformat(self._ask(f"{sandbox}/__sandbox/clock")["now"])
        shop = showroom.Showroom(bot, API_TOKEN, self._own.plays, typer.echo)
        return {**shop.furnish(now), "answers": shop.teach()}

    def _invite(self, sandbox: str, bot: str) -> int:
        """Customers from before, where the plays that show them are on."""
        if not {"profile", "tagging"} <= set(self._own.plays):
            return 0
        now = datetime.fromisoformat(self._ask(f"{sandbox}/__sandbox/clock")["now"])
        return regulars.Regulars(sandbox, bot, API_TOKEN, typer.echo).come(now)

    @staticmethod
    def _ask(url: str, body: bytes | None = None) -> Any:
        with urllib.request.urlopen(url, body, timeout=5) as response:  # noqa: S310 - loopback
            return json.loads(response.read())

    def _welcome(self, sandbox: str, bot: str, there: dict[str, int]) -> None:
        kept = f"数据在 {self._db}" if self._home is None else "数据在临时文件里，退出即删（要保留：--db 文件）"
        typer.echo(f"\n  沙盒页面   {sandbox}/   ← 打开它，点「扫码添加」，看欢迎语和新人礼到账")
        units = {"products": "件商品", "coupon_templates": "种券", "campaigns": "个活动", "salons": "场沙龙"}
        shown = " · ".join(f"{there[name]} {unit}" for name, unit in units.items())
        typer.echo(f"  橱窗       {shown}；在「商城」一栏付款、退款")
        typer.echo(f"  知识库     {there['answers']} 条问答、文档和话术；会员直接问，导购说「话术 退货」")
        if there["regulars"]:
            typer.echo(
                f"  导购       {there['regulars']} 位老客；在导购的手机上说「今日任务」「查客 尾号8000」「帮助」"
            )
        typer.echo(f"  机器人     {bot}/readyz · /metrics · /api/v1/…")
        typer.echo(f"  {kept}\n  Ctrl-C 停止\n")

    def _end(self) -> None:
        for child in reversed(self._children):
            if child.poll() is None:
                child.terminate()
        for child in self._children:
            try:
                child.wait(15)
            except subprocess.TimeoutExpired:
                child.kill()
        if self._home is not None:
            self._home.cleanup()
