"""Words that every audience can use, and how menus are written."""

from __future__ import annotations

HELP_WORDS = ("帮助", "菜单", "help", "?")


def numbered(items: list[str]) -> str:
    """A menu, one numbered line each; the number works as an answer."""
    return "\n".join(f"{number}. {item}" for number, item in enumerate(items, 1))
