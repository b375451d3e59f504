"""The drill of `python -m tests.broadcasts`, small: real processes, one of which is killed while it makes tasks."""

from __future__ import annotations

from pathlib import Path

from tests.broadcasts.scale import Drill, Scene
from tests.files import sqlite_in


async def test_a_bot_that_is_killed_while_it_makes_tasks_writes_to_nobody_twice(tmp_path: Path) -> None:
    drill = Drill(Scene(tmp_path, sqlite_in(tmp_path)), members=600, kills=1, guides=6)
    report = await drill.run()
    assert report.wrong == []
    assert (dict(report.kills), report.tasks) == ({"tasks": 1}, 6)
    assert report.stop_s < 2
