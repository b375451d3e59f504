"""素材清理 the daily sweep of kept files: what nobody sent for `media.keep_days` and nothing refers to is deleted."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from loguru import logger

from bot.clock import Clock
from bot.sections import Media
from bot.senders import Sender
from bot.turn import Work
from bot.writer import Writer
from storage import media_sweep, outbox
from storage.outbox import Call

SWEEP, LANE = "media/sweep", "media"  # the timer, and the call
SWEEP_AT = (4, 20)  # local hour and minute, when nobody sends files
AT_ONCE = 100


def owe_sweep(work: Work) -> None:
    """One sweep that is still owed is enough."""
    if not outbox.is_open(work.db, SWEEP):
        work.owe(SWEEP, {}, lane=LANE, subject=SWEEP)


class MediaSweep:
    """Makes `media/sweep` rows happen. Rows go before the file: what is killed between the two leaves a file that
    nobody names, never a name without a file."""

    def __init__(self, section: Media, writer: Writer, clock: Clock) -> None:
        self._days, self._folder, self._writer, self._clock = section.keep_days, Path(section.folder), writer, clock

    def table(self) -> dict[str, Sender]:
        """The one call."""
        return {SWEEP: self.run}

    async def run(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Every old file, a hundred a transaction: {"deleted"}."""
        if not self._days:
            return {"errcode": 0, "deleted": 0}
        before, after, deleted = self._clock.now() - timedelta(days=self._days), 0, 0
        while True:
            last, paths = await self._writer.call(partial(_drop, before, after))
            deleted += await asyncio.to_thread(self._unlink, paths, before)
            if last is None:
                break
            after = last
        logger.bind(action="media_swept").info("deleted={}", deleted)
        return {"errcode": 0, "deleted": deleted}

    def _unlink(self, paths: list[str], before: datetime) -> int:
        """Delete files; one that was put away again meanwhile stays."""
        count = 0
        for path in paths:
            file = self._folder / path
            if file.exists() and file.stat().st_mtime < before.timestamp():
                file.unlink()
                count += 1
        return count


def _drop(before: datetime, after: int, work: Work) -> tuple[int | None, list[str]]:
    found = media_sweep.old(work.db, before, after, AT_ONCE)
    paths = media_sweep.drop(work.db, found, before)
    if paths:
        work.audit("rule:media", "media.swept", "media", files=len(paths))
    return (found[-1].id if len(found) == AT_ONCE else None), paths
