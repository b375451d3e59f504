"""字数上限: no part is too long, nothing is lost, no character or picture is torn, no name turns a sentence."""

from __future__ import annotations

import re
from xml.etree.ElementTree import fromstring

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.cards import buttons, choice, replaced, tapped, vote
from bot.channels.wecom_app import text_reply
from bot.kf_menu import Choice
from bot.menu import same, tree
from bot.sizes import BYTES, CHARS, clip_bytes, plain, size, split_bytes
from bot.texts import Texts
from bot.wecom.checks import check

NAMES = [
    "小明🎉",
    "👨‍👩‍👧‍👦一家",
    "🇨🇳队长",
    "👍🏽",
    "e\u0301lan",
    "王\u202e女士",
    "\u2067שלום\u2069",
    "a\u0000b",
    "]]>",
    "\u200f",
]
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=600) | st.lists(
    st.sampled_from([*NAMES, "。", "\n", "一二三"]), max_size=120
).map("".join)
WHOLE = ["👨‍👩‍👧‍👦", "🇨🇳", "👍🏽", "e\u0301", "❤️"]


@given(TEXT, st.integers(8, 300))
def test_parts_fit_and_lose_only_the_blank_lines_between_them(text: str, limit: int) -> None:
    parts = split_bytes(text, limit)

    assert all(size(part) <= limit for part in parts)
    assert "".join(parts).replace("\n", "") == text.replace("\n", "")


@pytest.mark.parametrize("picture", WHOLE)
@pytest.mark.parametrize("before", range(24))
def test_no_picture_is_torn(picture: str, before: int) -> None:
    limit = 2 * size(picture) + 20
    parts = split_bytes("a" * before + picture * 40, limit)

    assert all(re.fullmatch(f"a*(?:{picture})*", part) for part in parts)
    assert all(size(part) <= limit for part in parts)


@given(TEXT, st.integers(3, 300))
def test_what_is_clipped_fits(text: str, limit: int) -> None:
    clipped = clip_bytes(text, limit)

    assert size(clipped) <= limit
    assert clipped == text or (clipped.endswith("…") and text.startswith(clipped[:-1]))


@given(TEXT)
def test_a_passive_reply_is_read_as_it_was_said(text: str) -> None:
    document = fromstring(text_reply("lina", "ww1", "1", text))  # noqa: S314 - our own document
    said = document.findtext("Content") or ""
    meant = re.sub("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ufffe\uffff]", "", text)

    assert [child.tag for child in document] == ["ToUserName", "FromUserName", "CreateTime", "MsgType", "Content"]
    assert size(said) <= BYTES["reply"]
    assert re.sub("\r\n?", "\n", meant).startswith(said)
    assert len(said) == len(re.sub("\r\n?", "\n", meant)) or size(said) > BYTES["reply"] - 4 or "\r" in meant


@pytest.mark.parametrize("name", NAMES)
def test_a_name_turns_nothing_around_it(name: str) -> None:
    said = Texts().render("sign_up/welcome_named", name=name)

    assert not re.search("[\u202a-\u202e\u2066-\u2069\u0000]", said)
    assert plain(name) in said


LABELS = st.lists(
    st.tuples(st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=14)).map(lambda pair: Choice(*pair)),
    max_size=24,
)


@given(TEXT, LABELS, st.integers(0, 10**18))
def test_whatever_is_asked_a_card_is_within_the_limits_or_none(text: str, choices: list[Choice], number: int) -> None:
    card = choice(text, choices, f"ask-{number}", "选好了")
    if card is None:
        return
    check("message/send", {"touser": "lina", "msgtype": "template_card", "template_card": card})
    assert 0 < len(card["main_title"]["title"]) <= CHARS["card_title"]
    shown = card.get("button_list") or card["checkbox"]["option_list"]
    assert [one.get("key") or one["id"] for one in shown] == [one.words for one in choices]


def test_six_choices_are_buttons_seven_a_list_twenty_one_neither() -> None:
    def of(count: int) -> list[Choice]:
        return [Choice(f"词{n}", f"词{n}") for n in range(count)]

    assert [choice("选一个", of(n), "t", "好")["card_type"] for n in (1, 6)] == ["button_interaction"] * 2  # type: ignore[index]
    assert [choice("选一个", of(n), "t", "好")["card_type"] for n in (7, 20)] == ["vote_interaction"] * 2  # type: ignore[index]
    assert choice("选一个", of(21), "t", "好") is None
    assert choice("选一个", [], "t", "好") is None
    assert buttons("选一个", [Choice("同", "甲"), Choice("同", "乙")], "t") is None
    assert buttons("选一个", [Choice("词", "长" * 11)], "t") is None
    assert vote("选一个\n" + "长" * 45, of(7), "t", "好") is None


def test_a_tap_on_a_list_says_what_was_picked() -> None:
    assert tapped("choice", {"choice": ["词7"]}) == "词7"
    assert tapped("词1", {}) == "词1"
    assert len(replaced("长" * 40)["replace_name"]) == CHARS["card_replaced"]


WORDS = st.lists(st.text(st.sampled_from("渠道统计核销a🎉"), min_size=1, max_size=16), max_size=30, unique=True)


@given(WORDS)
def test_any_words_make_a_menu_that_wecom_takes(words: list[str]) -> None:
    made = tree(words, "帮助", ["常用", "更多", "其他"])
    check("menu/create", {"button": made.buttons})
    keys = [below["key"] for button in made.buttons for below in button.get("sub_button") or [button]]

    assert keys[-1] == "帮助"
    assert keys[:-1] == [word for word in words if word in keys]
    assert made.left_out == [word for word in words if word not in keys]
    assert len(keys) == len(set(keys)) <= 15
    assert same(made.buttons, [{**button, "sub_button": button.get("sub_button", [])} for button in made.buttons])


def test_three_words_need_no_folders() -> None:
    assert [button["name"] for button in tree(["核销", "渠道统计"], "帮助", ["常用"]).buttons] == [
        "核销",
        "渠道统计",
        "帮助",
    ]
    assert not same(tree(["核销"], "帮助", []).buttons, tree(["渠道"], "帮助", []).buttons)
