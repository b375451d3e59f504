"""菜单消息: within KF's limits a menu, beyond them words."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.kf_menu import Choice, clicked, msgmenu
from bot.wecom.checks import check


def listed(*labels: str) -> list[Choice]:
    """Choices whose words are their labels."""
    return [Choice(label, label) for label in labels]


def test_choices_are_numbered_buttons() -> None:
    menu = msgmenu("可以对我说：", [Choice("积分", "积分"), Choice("开团 #12", "三人团：60 元")], "回复「帮助」")
    assert menu is not None
    first, second = menu["msgmenu"]["list"]
    assert (first["type"], first["click"]["content"]) == ("click", "1. 积分")
    assert second["click"]["content"] == "2. 三人团：60 元"
    assert (menu["msgmenu"]["head_content"], menu["msgmenu"]["tail_content"]) == ("可以对我说：", "回复「帮助」")


def test_a_click_means_its_own_menu_only() -> None:
    menu = msgmenu("", listed("拼团", "砍价"))
    assert menu is not None
    menu_id = menu["msgmenu"]["list"][1]["click"]["id"]

    assert clicked(menu_id, ["拼团", "砍价"]) == "砍价"
    assert clicked(menu_id, ["砍价", "拼团"]) is None
    assert clicked(menu_id, []) is None
    assert clicked("c3_" + menu_id[3:], ["拼团", "砍价"]) is None


@pytest.mark.parametrize("menu_id", ["", "menu_1", "c1_", "c0_00000000", "c1_0000000g", "c1_00000000", "𝟙"])
def test_what_is_no_click_of_ours_means_nothing(menu_id: str) -> None:
    assert clicked(menu_id, ["拼团"]) is None


def test_the_eleventh_button_is_a_line() -> None:
    menu = msgmenu("", listed(*[f"词{number}" for number in range(12)]))
    assert menu is not None
    assert [entry["type"] for entry in menu["msgmenu"]["list"]] == ["click"] * 10 + ["text"] * 2
    assert menu["msgmenu"]["list"][11]["text"]["content"] == "12. 词11"
    assert "head_content" not in menu["msgmenu"]


@pytest.mark.parametrize(
    ("head", "choices", "tail"),
    [
        ("", [], ""),
        ("好" * 342, listed("a"), ""),
        ("", listed("a"), "好" * 342),
        ("", listed(*[f"{n}" for n in range(51)]), ""),
    ],
)
def test_what_does_not_fit_is_none(head: str, choices: list[Choice], tail: str) -> None:
    assert msgmenu(head, choices, tail) is None


def test_exactly_the_limits_fit() -> None:
    assert msgmenu("a" * 1024, listed(*[f"{n}" for n in range(50)]), "a" * 1024) is not None


def test_a_long_label_is_cut_between_characters() -> None:
    menu = msgmenu("", listed("好" * 60))
    assert menu is not None
    content = menu["msgmenu"]["list"][0]["click"]["content"]
    assert len(content.encode()) <= 128
    assert content.endswith("好…")


WRITTEN = st.text(st.characters(codec="utf-8"), max_size=600)


@given(WRITTEN, st.lists(st.text(st.characters(codec="utf-8"), max_size=140), max_size=60), WRITTEN)
def test_whatever_is_made_wecom_takes(head: str, entries: list[str], tail: str) -> None:
    menu = msgmenu(head, listed(*entries), tail)
    if menu is not None:
        check("kf/send_msg", {"touser": "wm1", "open_kfid": "wk1", **menu})
