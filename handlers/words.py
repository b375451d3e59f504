"""Words that every audience can use."""

from __future__ import annotations

HELP_WORDS = ("帮助", "菜单", "help", "?")
