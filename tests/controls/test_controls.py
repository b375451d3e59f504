"""对照: with a guard taken out its machine fails. Quick ones run here, all of them by `python -m tests.controls`."""

from __future__ import annotations

import pytest

from tests.controls.catching import caught
from tests.controls.model_guards import GUARDS
from tests.machines.registry import MACHINES

QUICK = (
    "conditional_stock", "release_of_what_was_held", "grant_key", "helper_once", "floor_clamp", "refund_at_expiry",
    "refund_of_a_late_payer",
    "room_for_a_seat", "order_key", "inbox_key", "conditional_reserve", "limit_per_member", "budget",
    "commission_follows_refunds", "commission_debt",
    "model_words_are_no_commands",
)  # fmt: skip


def test_every_machine_is_tried_by_several_guards() -> None:
    assert {guard.machine for guard in GUARDS.values()} == set(MACHINES)
    assert len(GUARDS) >= 15


@pytest.mark.parametrize("name", QUICK)
def test_a_missing_guard_is_seen(name: str) -> None:
    assert caught(name, 200, 40)


def test_nothing_is_seen_where_nothing_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(GUARDS, "none", GUARDS["conditional_stock"].__class__("flash_sale", lambda _: None))
    assert caught("none", 10, 20) == ""
