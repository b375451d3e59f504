"""A few weeks of `python -m tests.outreach`: no answer differs from the judge's, who sees what is overlooked."""

from __future__ import annotations

import pytest

from storage.engine import Database
from tests.files import sqlite_in
from tests.outreach.__main__ import audited
from tests.outreach.world import World, live


def test_whoever_asks_is_told_what_the_judge_would_say(database_url: str) -> None:
    database = Database(database_url)
    world = World(database, people=120, seed=3)
    live(world, 3_000)
    assert world.judge.wrong == []
    assert audited(database, world) == []
    assert world.judge.passed > 300
    assert set(world.judge.refused) == {"capped", "left", "merged", "no_consent", "opted_out", "quiet"}
    world.close()
    database.close()


@pytest.mark.parametrize("blind", ["caps", "quiet", "opt_in"])
def test_the_judge_sees_what_the_house_overlooks(tmp_path_factory: pytest.TempPathFactory, blind: str) -> None:
    database = Database(sqlite_in(tmp_path_factory.mktemp("blind")))
    world = World(database, people=60, seed=3, blind=blind)
    live(world, 1_500)
    assert world.judge.wrong
    world.close()
    database.close()
