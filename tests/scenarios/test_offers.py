"""算价: the cheapest offer, shares that sum exactly, rules that refuse."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scenarios.offers import Basket, Coupon, Line, best, may_combine, price, share, why_not

END = datetime(2026, 12, 1, tzinfo=UTC)


def coupon(number: int = 1, kind: str = "cash", value: int = 2_000, **more: Any) -> Coupon:
    """A coupon of 20 yuan unless told otherwise."""
    return Coupon(**{
        "id": number, "code": f"C{number}", "name": f"券{number}", "kind": kind, "value": value, "threshold_fen": 0,
        "scope": "all", "scope_items": frozenset(), "stackable": False, "most_fen": 0, "expires_at": END, **more,
    })  # fmt: skip


def basket(*prices: int, **more: Any) -> Basket:
    """Lines of one piece each, SKUs a, b, c …"""
    return Basket(tuple(Line(chr(97 + at), chr(97 + at), "茶", 1, fen) for at, fen in enumerate(prices)), **more)


@pytest.mark.parametrize(
    ("prices", "coupons", "pays"),
    [
        ((10_000,), [], 10_000),
        ((10_000,), [coupon()], 8_000),
        ((1_500,), [coupon()], 0),  # never below nothing
        ((10_000,), [coupon(threshold_fen=10_000)], 8_000),
        ((9_999,), [coupon(threshold_fen=10_000)], 9_999),
        ((10_000,), [coupon(kind="discount", value=850)], 8_500),
        ((9_999,), [coupon(kind="discount", value=850)], 8_499),  # 8499.15: the part of a fen is the shop's
        ((10_000,), [coupon(kind="discount", value=500, most_fen=3_000)], 7_000),
        ((10_000, 5_000), [coupon(scope="product", scope_items=frozenset("b"), value=9_000)], 10_000),
        ((10_000,), [coupon(scope="product", scope_items=frozenset("z"))], 10_000),
        ((10_000,), [coupon(scope="category", scope_items=frozenset(["茶"]))], 8_000),
        ((10_000,), [coupon(1), coupon(2)], 8_000),  # one alone
        ((10_000,), [coupon(1, stackable=True), coupon(2, stackable=True)], 6_000),
        ((10_000,), [coupon(1, stackable=True), coupon(2, stackable=True, name="券1")], 8_000),  # a template once
        ((10_000,), [coupon(1, stackable=True), coupon(2, value=4_500)], 5_500),
        ((10_000,), [coupon(1, stackable=True), coupon(2, "discount", 500, stackable=True)], 3_000),  # percent first
        ((10_000,), [coupon(kind="free_order", value=6_000)], 4_000),
        ((10_000,), [coupon(kind="gift", value=0, gift_sku="g")], 10_000),
    ],
)
def test_what_a_basket_costs(prices: tuple[int, ...], coupons: list[Coupon], pays: int) -> None:
    assert best(basket(*prices), coupons).price_fen == pays


@pytest.mark.parametrize(
    ("scope", "items", "there"), [("store", "s1", True), ("store", "s2", False), ("franchise", "f1", True)]
)
def test_store_and_franchise_coupons(scope: str, items: str, there: bool) -> None:
    sold_at = basket(10_000, store="s1", franchise="f1")
    assert (why_not(coupon(scope=scope, scope_items=frozenset([items])), sold_at) == "") is there


AMOUNTS = st.lists(st.integers(0, 10**7), min_size=1, max_size=8)


@given(AMOUNTS, st.integers(0, 10**7))
def test_shares_sum_exactly_and_none_passes_its_line(weights: list[int], amount: int) -> None:
    amount = min(amount, sum(weights))
    parts = share(amount, weights)
    assert sum(parts) == amount
    assert all(0 <= part <= weight for part, weight in zip(parts, weights, strict=True))


COUPONS = st.lists(
    st.builds(
        coupon, st.integers(1, 50), st.sampled_from(["cash", "discount", "free_order"]), st.integers(100, 999),
        threshold_fen=st.integers(0, 5_000), stackable=st.booleans(), most_fen=st.integers(0, 2_000),
        name=st.sampled_from("甲乙丙丁戊"), scope=st.sampled_from(["all", "product"]),
        scope_items=st.sampled_from([frozenset("a"), frozenset("ab"), frozenset()]),
    ), max_size=5, unique_by=lambda c: c.id,
)  # fmt: skip


@given(st.lists(st.integers(1, 5_000), min_size=1, max_size=4), COUPONS)
@settings(max_examples=200)
def test_the_best_is_as_good_as_trying_everything(prices: list[int], coupons: list[Coupon]) -> None:
    goods = basket(*prices)
    found = best(goods, coupons)
    usable = [c for c in coupons if not why_not(c, goods)]
    tried = [
        price(goods, chosen).price_fen for n in range(4) for chosen in combinations(usable, n) if may_combine(chosen)
    ]
    assert found.price_fen == min(tried)
    assert 0 <= found.price_fen <= found.list_fen
    for saving in found.savings:
        assert sum(saving.shares) == saving.fen
    taken = [sum(saving.shares[at] for saving in found.savings) for at in range(len(prices))]
    assert all(part <= whole for part, whole in zip(taken, prices, strict=True))
