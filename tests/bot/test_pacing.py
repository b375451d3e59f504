"""A long walk's steps are as long as people may wait, whatever the machine."""

from __future__ import annotations

import pytest

from bot.pacing import ALONE_S, LEAST, MOST, SHARED_S, paced


@pytest.mark.parametrize(
    ("size", "took_s", "shared", "following"),
    [
        (2_000, 0.0, False, 4_000),  # a clock that stands still
        (2_000, ALONE_S / 8, False, 4_000),  # fast, but never more than twice at once
        (8_000, ALONE_S, False, 8_000),
        (8_000, ALONE_S * 2, False, 4_000),
        (8_000, ALONE_S, True, int(8_000 * SHARED_S / ALONE_S)),  # somebody came meanwhile
        (16_000, 0.001, False, MOST),
        (1_200, 60.0, True, LEAST),  # a machine that has other things to do: on, in small steps
    ],
)  # fmt: skip
def test_the_next_step_fits_what_the_last_one_took(size: int, took_s: float, shared: bool, following: int) -> None:
    assert paced(size, took_s, shared=shared) == following


@pytest.mark.parametrize("machine", [1e-6, 1e-5, 1e-4])
def test_steps_settle_at_what_may_be_waited_for(machine: float) -> None:
    """Seconds a row, from fast to very slow: soon no step takes longer than it should, and none is needlessly short."""
    size = 2_000
    for _ in range(6):
        size = paced(size, size * machine, shared=True)

    assert size in (LEAST, MOST) or SHARED_S / 2 < size * machine <= SHARED_S
