"""The server of the long connection dies during traffic: a small run of `python -m tests.doors.aibot`."""

from __future__ import annotations

import pytest

from tests.doors.aibot import drill


@pytest.mark.chaos
async def test_no_reply_is_lost_and_nobody_fights(database_url: str) -> None:
    report = await drill(database_url, restarts=8, seed=3)

    assert report.ok, report
    assert report.connections >= 8
    assert report.stored == report.answered - report.twice
