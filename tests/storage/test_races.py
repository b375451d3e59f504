"""竞争: claims from four processes get exactly what there is; without a guard they do not."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.race_scenes import RACES
from tests.races import Rivals

CLAIMS = 200


@pytest.fixture(scope="module")
def rivals() -> Iterator[Rivals]:
    """Four processes for all the races of this file."""
    made = Rivals(4)
    yield made
    made.close()


def test_there_are_races_enough() -> None:
    assert len(RACES) >= 14


@pytest.mark.parametrize("name", RACES)
def test_claims_get_exactly_what_there_is(database_url: str, rivals: Rivals, name: str) -> None:
    assert rivals.run(database_url, name, CLAIMS) == min(RACES[name].there, CLAIMS)


@pytest.mark.parametrize(
    "name",
    [
        "last seats",
        "last cuts",
        "refund or settle",
        "paid or released",
        "a spent balance",
        "messages a day",
        "two payouts",
        "payout or refund",
    ],
)
def test_without_its_guard_a_race_goes_wrong(database_url: str, rivals: Rivals, name: str) -> None:
    assert rivals.run(database_url, name, CLAIMS, naive=True) > RACES[name].there
