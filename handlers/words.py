"""Words that every audience can use, and how menus are written."""

from __future__ import annotations

HELP_WORDS = ("帮助", "菜单", "help", "?")
HUMAN_WORDS = ("转人工", "人工", "人工客服", "转人工客服")  # of members, in 微信客服


def numbered(items: list[str]) -> str:
    """A menu, one numbered line each; the number works as an answer."""
    return "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))
