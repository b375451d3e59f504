"""双字: one way to read texts and questions, whatever they were typed with."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from storage import bigrams, questions

KNOWN = tomllib.loads(Path(bigrams.__file__).with_suffix(".toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("退貨運費誰出？", "退货运费谁出"),
        ("ＶＩＰ　会员", "vip 会员"),
        ("请问一下，怎么退货呀", "怎么退货"),
        ("优惠卷咋用啊", "优惠券怎么用"),
        ("邮费多少", "运费多少"),
        ("發票抬頭可以改嗎", "发票抬头可以改"),
    ],
)
def test_what_means_the_same_reads_the_same(one: str, other: str) -> None:
    assert bigrams.words(one) == bigrams.words(other)
    assert bigrams.key(one) == bigrams.key(other)


def test_texts_become_characters_pairs_and_whole_words() -> None:
    assert bigrams.words("V60手冲壶 3.5折") == ("v60", "手", "冲", "壶", "手冲", "冲壶", "3", "5", "折")
    assert bigrams.words("x" * 100) == ("x" * bigrams.LONGEST,)
    assert bigrams.words("？！🎉 ——") == ()


def test_a_question_of_empty_words_alone_keeps_them() -> None:
    assert bigrams.words("在吗") != ()
    assert bigrams.words("请问退货") == bigrams.words("退货")


def test_nothing_said_can_break_a_search() -> None:
    for typed in ('" OR "', "NEAR(退 货)", "head:退货", "*", "'", "退货\0", "-退货", "|", "a" * 5000, "退" * 5000):
        assert all(word.isalnum() for word in bigrams.words(typed))


def test_each_traditional_character_has_its_simplified_one() -> None:
    traditional, simplified = KNOWN["traditional"], KNOWN["simplified"]
    assert len(traditional) == len(simplified) == len(set(traditional)) > 600
    assert not set(traditional) & set(simplified)
    for char in simplified:
        char.encode("gb2312")


def test_no_word_is_taken_for_two() -> None:
    words = [word for group in KNOWN["same"] for word in group]
    assert len(words) == len(set(words))
    assert len(KNOWN["empty"]) == len(set(KNOWN["empty"]))


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        ("我的手机 138 0013-8000 收不到码", "我的手机 *** 收不到码"),
        ("订单E20261111001到哪了", "订单***到哪了"),
        ("发到 ming@example.com 可以吗", "发到 *** 可以吗"),
        ("满200减50怎么用", "满200减50怎么用"),
        ("卡号6222 0212 3456 7890", "卡号***"),
    ],
)
def test_who_asks_is_masked(said: str, kept: str) -> None:
    assert questions.masked(said) == kept
