"""应用菜单 the app's menu: the guides' words as a tree of at most three times five buttons. Pure.

A button's key is the word itself, so tapping it is saying it; a word that wants more is answered with what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from bot.sizes import BYTES, size

TOP, SUB = 3, 5
TITLES = ("menu/first", "menu/second", "menu/third")  # texts of the top buttons when there are more words than three

Button = dict[str, Any]


class Tree(NamedTuple):
    """The buttons, and the words that found no place: they can be typed all the same."""

    buttons: list[Button]
    left_out: list[str]


def tree(words: Sequence[str], help_word: str, titles: Sequence[str]) -> Tree:
    """A button for each of `words` in their order, help last."""
    known = [word for word in dict.fromkeys(words) if word != help_word]
    fitting = [word for word in known if size(word) <= min(BYTES["menu_sub"], BYTES["menu_key"])]
    shown = [*fitting[: TOP * SUB - 1], help_word]
    left_out = [word for word in known if word not in shown]
    if len(shown) <= TOP and all(size(word) <= BYTES["menu_top"] for word in shown):
        return Tree([_click(word) for word in shown], left_out)
    tops = zip(titles, _parted(shown), strict=False)
    return Tree([{"name": title, "sub_button": below} for title, below in tops], left_out)


def _click(word: str) -> Button:
    return {"type": "click", "name": word, "key": word}


def _parted(words: list[str]) -> list[list[Button]]:
    """As few parts as hold them, all of nearly one length."""
    count = -(-len(words) // SUB)
    base, more = divmod(len(words), count)
    parts, start = [], 0
    for place in range(count):
        end = start + base + (place < more)
        parts.append([_click(word) for word in words[start:end]])
        start = end
    return parts


def same(ours: list[Button], theirs: list[Button]) -> bool:
    """Whether two menus are one to whoever taps; WeCom adds empty fields of its own."""
    return [_essence(button) for button in ours] == [_essence(button) for button in theirs]


def _essence(button: Button) -> Any:
    below = button.get("sub_button") or []
    if below:
        return button.get("name"), [_essence(one) for one in below]
    return button.get("name"), button.get("type"), button.get("key") or button.get("url")
