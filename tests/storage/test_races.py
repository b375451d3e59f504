"""竞争: a thousand claims from four processes get exactly what there is; without a guard they do not."""

from __future__ import annotations

import pytest

from tests.races import RACES, run


@pytest.mark.parametrize("name", RACES)
def test_a_thousand_claims_get_exactly_what_there_is(database_url: str, name: str) -> None:
    assert run(database_url, name, 1000, 4) == RACES[name].there


@pytest.mark.parametrize("name", ["stock of 100", "last seats", "last cuts", "one link code"])
def test_without_its_guard_a_race_goes_wrong(database_url: str, name: str) -> None:
    assert run(database_url, name, 1000, 4, naive=True) > RACES[name].there
