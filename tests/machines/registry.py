"""The machines by name, and how one is run."""

from __future__ import annotations

from collections import Counter

from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test

from tests.machines.bargain import Bargain
from tests.machines.coupons import Coupons
from tests.machines.distribution import Distribution
from tests.machines.flash_sale import FlashSale
from tests.machines.group_buy import GroupBuy
from tests.machines.hostile_model import HostileModel
from tests.machines.house import Ground
from tests.machines.orders import Orders
from tests.machines.points import Points

MACHINES: dict[str, type[RuleBasedStateMachine]] = {
    "coupons": Coupons,
    "points": Points,
    "group_buy": GroupBuy,
    "bargain": Bargain,
    "orders": Orders,
    "flash_sale": FlashSale,
    "distribution": Distribution,
    "hostile_model": HostileModel,
}


def drive(
    name: str,
    examples: int,
    steps: int,
    *,
    ground: Ground | None = None,
    dice: int | None = None,
    shrink: bool = True,
    counts: Counter[str] | None = None,
) -> tuple[int, int]:
    """Run a machine; (examples, steps) that were run. Raises what went wrong, with the story. Without `dice` the same
    stories are told each time. `counts`: what the machine counts is put there."""
    machine = MACHINES[name]
    ground = ground or Ground.shared()
    counts = Counter() if counts is None else counts
    # A class of its own, so that its seed and its counts are its own.
    told = type(machine.__name__, (machine,), {"ground": ground, "counts": counts})
    how = settings(
        max_examples=examples, stateful_step_count=steps, deadline=None, database=None, derandomize=dice is None,
        phases=[Phase.generate, Phase.shrink] if shrink else [Phase.generate], report_multiple_bugs=False,
        suppress_health_check=list(HealthCheck), print_blob=False,
    )  # fmt: skip
    run_state_machine_as_test(told if dice is None else seed(dice)(told), settings=how)
    return counts["examples"], counts["steps"]
