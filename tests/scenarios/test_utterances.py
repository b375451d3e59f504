"""听话: tables of words read whole, applied to anything that people can type."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.texts import Texts
from scenarios.utterances import INTENTS, Title, ear, is_slip, mentioned, read_rules

EAR = ear(Texts())
TITLES = [Title(1, "明前龙井250g", ""), Title(2, "熟普洱茶饼357g", ""), Title(3, "茉莉花茶100g", "")]


def test_the_table_means_what_the_closed_list_has() -> None:
    assert {rule.intent for rule in EAR.rules} <= set(INTENTS)
    assert len(EAR.rules) > 20


@pytest.mark.parametrize("line", ["nobody: 你好", "greeting:", "没有冒号的一行", ": 你好"])
def test_a_line_that_is_no_rule_is_named(line: str) -> None:
    with pytest.raises(ValueError, match=r"intents\.md"):
        read_rules(f"# 说明\n\n{line}", "啊")


@given(st.text(max_size=600))
def test_whatever_is_typed_is_read(text: str) -> None:
    assert EAR.intent(text) in ("", *INTENTS)
    said = EAR.plain(text)
    found = mentioned(EAR.cores(said), TITLES)
    assert set(found.ids) <= {1, 2, 3}
    assert not is_slip(said, "")
    assert EAR.is_question(text) in (True, False)


@pytest.mark.parametrize(
    ("said", "named", "whole"),
    [
        ("龙井", {1}, True),
        ("龙井和普洱", {1, 2}, True),
        ("龙井茶", {1}, False),
        ("龙井怎么泡", {1}, False),
        ("茶", {2, 3}, True),
        ("红茶", set(), False),
        ("", set(), False),
    ],
)
def test_things_are_named_by_what_they_share_with_their_names(said: str, named: set[int], whole: bool) -> None:
    assert mentioned(EAR.cores(said), TITLES) == (tuple(sorted(named)), whole)
