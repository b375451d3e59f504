"""菜单消息: within KF's limits a menu, beyond them words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.kf_menu import Choice, choices, msgmenu
from bot.wecom.checks import check


def test_words_are_buttons_and_words_with_something_behind_are_lines() -> None:
    menu = msgmenu("可以对我说：", choices(["积分", "帮砍 code"]), "回复「帮助」")
    assert menu == {
        "msgtype": "msgmenu",
        "msgmenu": {
            "head_content": "可以对我说：",
            "list": [
                {"type": "click", "click": {"id": "menu_1", "content": "积分"}},
                {"type": "text", "text": {"content": "2. 帮砍 code", "no_newline": 0}},
            ],
            "tail_content": "回复「帮助」",
        },
    }


def test_the_eleventh_button_is_a_line() -> None:
    menu = msgmenu("", choices([f"词{number}" for number in range(12)]))
    assert menu is not None
    assert [entry["type"] for entry in menu["msgmenu"]["list"]] == ["click"] * 10 + ["text"] * 2
    assert "head_content" not in menu["msgmenu"]


@pytest.mark.parametrize(
    ("head", "entries", "tail"),
    [
        ("", [], ""),
        ("好" * 342, [Choice("a", "1")], ""),
        ("", [Choice("a", "1")], "好" * 342),
        ("", [Choice("好" * 43, "1")], ""),
        ("", [Choice("", "1")], ""),
        ("", [Choice("a", "a#1")], ""),
        ("", [Choice("a", "a\n")], ""),
        ("", [Choice("a", "x" * 129)], ""),
        ("", [Choice("a", "1"), Choice("b", "1")], ""),
        ("", [Choice(f"{n}", f"{n}") for n in range(11)], ""),
        ("", [Choice(f"{n}") for n in range(51)], ""),
    ],
)
def test_what_does_not_fit_is_none(head: str, entries: list[Choice], tail: str) -> None:
    assert msgmenu(head, entries, tail) is None


def test_exactly_the_limits_fit() -> None:
    entries = [Choice("a" * 128, "x" * 127 + f"{n}") for n in range(10)] + [Choice("b")] * 40
    assert msgmenu("a" * 1024, entries, "a" * 1024) is not None


WRITTEN = st.text(st.characters(codec="utf-8"), max_size=600)


@given(WRITTEN, st.lists(st.text(st.characters(codec="utf-8"), max_size=140), max_size=60), WRITTEN)
def test_whatever_is_made_wecom_takes(head: str, entries: list[str], tail: str) -> None:
    menu = msgmenu(head, choices(entries), tail)
    if menu is not None:
        check("kf/send_msg", {"touser": "wm1", "open_kfid": "wk1", **menu})
