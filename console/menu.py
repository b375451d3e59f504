"""应用菜单 on the command line: what the plays offer guides becomes the app's menu."""

from __future__ import annotations

from typing import Any

from bot.errors import WeComError
from bot.menu import TITLES, Tree, same, tree
from bot.router import load_plays
from bot.settings import Settings
from bot.texts import Texts
from bot.wecom.client import WeCom
from handlers import policy
from handlers.plays import Plays
from handlers.talk import GUIDE
from handlers.words import HELP_WORDS


def wanted(settings: Settings, texts: Texts) -> Tree:
    """The menu made of the enabled plays' words for guides."""
    plays = Plays(load_plays(settings.plays, settings.play_tables))
    everyones = [choice.words for choice in plays.menu(GUIDE.name, policy.grants("guide"))]  # one menu for all
    return tree(everyones, HELP_WORDS[0], [texts.render(title) for title in TITLES])


def drawn(made: Tree) -> str:
    """The tree as lines for a terminal."""
    lines: list[str] = []
    for button in made.buttons:
        lines.append(button["name"])
        lines += [f"  └ {below['name']}" for below in button.get("sub_button", [])]
    if made.left_out:
        lines.append(f"（放不下，仍可直接发文字：{'、'.join(made.left_out)}）")
    return "\n".join(lines)


def client_of(settings: Settings) -> WeCom:
    """A client of the app that is configured."""
    app = settings.wecom.app
    return WeCom(
        api_base=settings.wecom.api_base, corp_id=settings.wecom.corp_id, secret=app.secret.get_secret_value(),
        agent_id=app.agent_id,
    )  # fmt: skip


async def put_up(client: WeCom, buttons: list[Any]) -> str:
    """Make it the app's menu, or take the menu away when there are no buttons; why not, "" = done. Ends the client."""
    try:
        await (client.menu.create(buttons) if buttons else client.menu.delete())
    except WeComError as error:
        return str(error)
    finally:
        await client.close()
    return ""


def compared(ours: Tree, theirs: list[Any]) -> tuple[bool, str]:
    """Whether the app's menu is what the plays offer, and what to do about it."""
    if not theirs:
        return True, "应用还没有菜单：python run.py menu 放上去，导购点一下就能用"
    if same(ours.buttons, theirs):
        return True, "与开着的玩法一致"
    return False, "和开着的玩法不一样：运行 python run.py menu 更新（先加 --dry-run 看看）"
