"""A small run of the chaos suite on both databases, and the judge's own examination."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.chaos import checker, story
from tests.chaos.__main__ import trial
from tests.chaos.driver import Plan
from tests.chaos.processes import World


@pytest.mark.chaos
@pytest.mark.slow
@pytest.mark.timeout(180)
def test_killed_bot_owes_nobody_anything(database_url: str, tmp_path: Path):
    """Kills, lost and doubled callbacks, failing calls: everyone owns what the script says, once."""
    plan = Plan(World(tmp_path, database_url, seed=7), events=150, kills=4, pace=15)
    played, verdict, summary = trial(plan)
    assert played.kills >= 4
    assert not any(verdict.values()), f"{summary}\n{checker.report(verdict)}"


def test_script_is_made_by_its_seed_alone():
    """The same seed tells the same story, another one another."""
    assert story.write(3, 400) == story.write(3, 400)
    assert story.write(3, 400) != story.write(4, 400)
    told = [step["op"] for step in story.write(3, 400)]
    assert {"join", "twins", "scan", "leave", "dismiss", "edit", "say", "unknown"} <= set(told)
