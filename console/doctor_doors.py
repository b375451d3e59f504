"""体检 the doctor's lines for the AI bot and the group robots; none where nothing is switched on."""

from __future__ import annotations

import re

import aiohttp

from bot.media import writable
from bot.settings import Settings
from bot.webhook import key_of
from console.findings import Finding

_BASE64_KEY = re.compile(r"[A-Za-z0-9]{43}")
_TOKEN = re.compile(r"[A-Za-z0-9]{1,32}")
OPEN_WITHIN_S = 5.0


async def examine_doors(settings: Settings) -> list[Finding]:
    """What is configured, what is missing, whether the long connection's server answers."""
    missing = [Finding(False, "智能机器人", one) for one in missing_for_aibot(settings)]
    bot = settings.wecom.aibot
    if missing or not bot.mode:
        return missing + _robots(settings)
    if bot.mode == "callback":
        found = Finding(True, "智能机器人", "回调方式，地址填 https://…/wecom/aibot")
    else:
        found = await _reach(bot.ws_url)
    return [found, _folder(settings.media.folder), *_robots(settings)]


def missing_for_aibot(settings: Settings) -> list[str]:
    """What the chosen mode needs and has not got, each with its remedy."""
    bot = settings.wecom.aibot
    token, key = bot.token.get_secret_value(), bot.encoding_aes_key.get_secret_value()
    checks: dict[str, list[tuple[object, str]]] = {
        "callback": [
            (_TOKEN.fullmatch(token), "SIYU_WECOM__AIBOT__TOKEN 没有设置，或含空格等不该有的字符"),
            (
                _BASE64_KEY.fullmatch(key),
                f"SIYU_WECOM__AIBOT__ENCODING_AES_KEY 有 {len(key)} 个字符，应为 43 个字母数字",
            ),
        ],
        "websocket": [
            (bot.bot_id, "wecom.aibot.bot_id 没有填：在智能机器人的「API 配置 - 长连接」里"),
            (bot.secret.get_secret_value(), "SIYU_WECOM__AIBOT__SECRET 没有设置：和 BotID 在同一处，不是企业的 Secret"),
            (bot.ws_url.startswith(("wss://", "ws://")), "wecom.aibot.ws_url 要以 wss:// 开头"),
        ],
    }
    return [remedy for good, remedy in checks.get(bot.mode, []) if not good]


def _folder(folder: str) -> Finding:
    """Whether what staff send can be put away."""
    good = writable(folder)
    says = f"图片和文件存在 {folder}" if good else f"media.folder = {folder} 写不进去：换一个目录，或改它的权限"
    return Finding(good, "素材", says)


async def _reach(url: str) -> Finding:
    """The handshake alone: subscribing would take the connection away from the bot that is running."""
    timeout = aiohttp.ClientTimeout(total=OPEN_WITHIN_S)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.ws_connect(url):
            pass
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        says = f"{url} 连不上（{type(error).__name__}）：检查 wecom.aibot.ws_url 和出网防火墙"
        return Finding(False, "智能机器人", says)
    return Finding(True, "智能机器人", f"长连接方式，{url} 有回答（没有登录，免得顶掉正在运行的机器人）")


def _robots(settings: Settings) -> list[Finding]:
    found = []
    for name in ("alerts", "daily"):
        value = getattr(settings.wecom.webhook, name).get_secret_value()
        if not value:
            continue
        says = (
            "已设置" if key_of(value) else f"SIYU_WECOM__WEBHOOK__{name.upper()} 不是推送地址也不是 key：重新复制一遍"
        )
        found.append(Finding(key_of(value) is not None, f"群机器人 {name}", says))
    return found
