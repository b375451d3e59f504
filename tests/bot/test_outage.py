"""定时: a small run of `python -m tests.timers`."""

from __future__ import annotations

import pytest

from tests.timers import run


@pytest.mark.slow
def test_after_an_outage_each_thing_happens_once(database_url: str) -> None:
    wrong, line = run(database_url, items=30, processes=2)

    assert wrong == [], line
