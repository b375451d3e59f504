"""沙龙: a small run of `python -m tests.salons`."""

from __future__ import annotations

import pytest

from tests.salons import run


@pytest.mark.slow
def test_more_people_than_seats_from_two_processes(database_url: str) -> None:
    found, line = run(database_url, salons=6, processes=2)

    assert found == [], line
    assert line.startswith("6 salons, 60 people")
