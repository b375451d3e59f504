"""状态机: short stories of every aggregate, the same each time; `python -m tests.machines` tells long ones."""

from __future__ import annotations

import pytest

from tests.machines.registry import MACHINES, drive


@pytest.mark.slow
@pytest.mark.parametrize("name", MACHINES)
def test_no_story_breaks_an_invariant(name: str) -> None:
    examples, steps = drive(name, 25, 30)

    assert examples >= 25
    assert steps >= 25 * 10
