"""状态机: short stories of every aggregate, the same each time; `python -m tests.machines` tells long ones."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.machines.registry import MACHINES, drive

SINGLE = [name for name in MACHINES if name != "hostile_model"]  # that one runs two whole bots a story


@pytest.mark.slow
@pytest.mark.parametrize("name", SINGLE)
def test_no_story_breaks_an_invariant(name: str) -> None:
    examples, steps = drive(name, 25, 30)

    assert examples >= 25
    assert steps >= 25 * 10


@pytest.mark.slow
def test_a_hostile_model_reaches_nothing_that_words_do_not_reach() -> None:
    counts: Counter[str] = Counter()
    drive("hostile_model", 6, 20, dice=2, counts=counts)

    assert counts["asked"] >= 0.75 * counts["questions"], counts
    assert counts["with_model"] >= 0.6 * counts["steps"] >= 30, counts
    assert counts["said"] >= 3, counts
