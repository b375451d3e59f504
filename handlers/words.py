"""Words that every audience can use."""

from __future__ import annotations

HELP_WORDS = ("帮助", "菜单", "help", "?")
CONFIRM_WORD = "确认"  # before words that move value: they are meant
CANCEL_WORD = "取消"
