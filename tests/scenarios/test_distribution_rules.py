"""分销规则: what an order earns is exact in fen, whatever its lines, rates and refunds; there is no third level."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from bot.errors import ConfigError
from bot.router import load_plays
from scenarios.distribution_payouts import read_yuan
from scenarios.distribution_rules import (
    Earned,
    Line,
    Newcomer,
    Rules,
    capped,
    earn,
    kept_lines,
    nets,
    read_lines,
    refusal,
)
from storage.distribution import standing

amounts = st.integers(0, 10_000_000)


@given(st.lists(st.integers(0, 1_000_000), max_size=20), amounts)
def test_what_was_paid_for_the_lines_is_what_was_paid(weights: list[int], paid: int) -> None:
    found = nets([Line(str(n), weight) for n, weight in enumerate(weights)], paid)
    assert sum(net for _, net in found) == paid


@given(st.lists(st.tuples(amounts, st.integers(0, 5_000)), max_size=20))
def test_lines_earn_the_floor_of_the_whole_together(lines: list[tuple[int, int]]) -> None:
    rates = {str(n): rate for n, (_, rate) in enumerate(lines)}
    found = earn([(str(n), net) for n, (net, _) in enumerate(lines)], rates.__getitem__)
    assert sum(line.amount_fen for line in found) == sum(net * rate for net, rate in lines) // 10_000
    for line in found:  # each within a fen of its own exact part
        assert abs(line.amount_fen * 10_000 - line.net_fen * line.rate_bp) < 10_000
        assert line.amount_fen <= line.net_fen


@given(st.lists(st.lists(st.integers(0, 100_000), max_size=6), min_size=1, max_size=2), st.integers(1, 200_000))
def test_all_levels_together_stay_below_the_cap(levels: list[list[int]], most: int) -> None:
    before = [[Earned("", 10**6, 100, amount) for amount in level] for level in levels]
    after = capped(before, most)
    whole = sum(map(sum, levels))
    assert sum(line.amount_fen for level in after for line in level) == min(whole, most)


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=8), st.lists(st.integers(1, 5_000), max_size=5))
def test_partial_refunds_are_exact(parts: list[int], refunds: list[int]) -> None:
    amount, paid, kept, taken = sum(parts), 12_345, 12_345, 0
    before = amount
    for refund in refunds:
        kept -= min(refund, kept)
        stands = standing(amount, paid, kept)
        taken += before - stands
        assert before >= stands
        before = stands
        assert sum(kept_lines(parts, stands)) == stands
        assert all(0 <= left <= part for left, part in zip(kept_lines(parts, stands), parts, strict=True))
    assert before + taken == amount
    assert standing(amount, paid, 0) == 0


@pytest.mark.parametrize(
    ("item", "weight"),
    [
        ({"sku": "A", "qty": 3, "price_fen": 100}, 300),
        ({"sku": "A", "price_fen": 100}, 100),
        ({"sku": "A", "qty": 2, "price_fen": 100, "paid_fen": 150}, 150),
        ({"sku": "A", "paid_fen": 0, "price_fen": 100}, 0),
        ({"title": "运费"}, 0),
        ({"sku": None, "qty": "2", "price_fen": 100}, 0),
        ({"qty": -1, "price_fen": 100}, 0),
        ({"qty": True, "price_fen": 10**13}, 0),
    ],
)
def test_lines_are_read_as_shops_write_them(item: dict[str, Any], weight: int) -> None:
    assert [line.weight for line in read_lines([item])] == [weight]


def test_an_order_without_lines_is_one() -> None:
    assert nets([], 900) == [("", 900)]
    assert nets(read_lines([{"sku": "A"}, {"sku": "B"}]), 900) == [("", 900)]


@pytest.mark.parametrize(
    "given",
    [{"levels": level} for level in (3, 4, 99, 0, -1, "三")] + [{"levels": 2.5}, {"third_rate_bp": 100}]
    + [{"rate_bp": 5_001}, {"category_rate_bp": {"茶": 5_001}}, {"entry_fee_fen": 100}, {"per_head_fen": 1}]
    + [{"levels": 2, "rate_bp": 4_000, "second_rate_bp": 1_001}, {"levels": 2, "category_rate_bp": {"茶": 4_950}}],
)  # fmt: skip
def test_no_config_reaches_a_third_level_or_pays_for_heads(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Rules(**given)
    with pytest.raises(ConfigError, match=r"scenarios\.distribution"):
        load_plays(["distribution"], {"distribution": given})


def test_what_earns_the_promoter_nothing_earns_nobody() -> None:
    rules = Rules(levels=2, category_rate_bp={"卡": 0})
    assert [rules.rate(level, "卡") for level in (1, 2)] == [0, 0]
    assert [rules.rate(level, "茶") for level in (1, 2)] == [500, 100]


@pytest.mark.parametrize(
    ("who", "why"),
    [
        (Newcomer(), ""),
        (Newcomer(same_person=True, staff=True), "self"),
        (Newcomer(staff=True, bought=True), "staff"),
        (Newcomer(bound="mine", bought=True), "mine"),
        (Newcomer(promotes=True), "promotes"),
        (Newcomer(bound="theirs"), "theirs"),
        (Newcomer(bought=True), "bought"),
    ],
)
def test_who_cannot_become_a_customer(who: Newcomer, why: str) -> None:
    assert refusal(who, new_only=True) == why
    assert refusal(Newcomer(bought=True), new_only=False) == ""


@pytest.mark.parametrize(
    ("typed", "fen"), [("50", 5_000), ("50.5元", 5_050), ("0.07", 7), ("1 000", 100_000), ("五十", None), ("-3", None),
                       ("1.234", None), ("", None)]
)  # fmt: skip
def test_sums_of_money_are_read(typed: str, fen: int | None) -> None:
    assert read_yuan(typed) == fen
