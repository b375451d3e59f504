"""盯 watch: looks now and then for what somebody should know of. Only the leading process runs one.

Each finding is a timer of its own name and key: the key keeps several looks, restarts and processes from telling one
thing twice; the timer's turn writes the message.
"""

from __future__ import annotations

import asyncio

from loguru import logger

from bot.errors import NotStored
from bot.turn import Work
from bot.writer import Writer
from storage import watch

EVERY_S = 60.0
ALERT = "webhook.alert"


class Watch:
    """A look every minute."""

    def __init__(self, writer: Writer, every_s: float = EVERY_S) -> None:
        self._writer, self._every_s = writer, every_s
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.create_task(self._run(), name="watch")

    async def stop(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
            self._task = None

    async def _run(self) -> None:
        while True:
            try:
                await self.look()
            except NotStored:
                logger.bind(action="watch_skipped").warning("the database does not take work")
            await asyncio.sleep(self._every_s)

    async def look(self) -> None:
        """One look, in one transaction."""
        await self._writer.call(look)


def look(work: Work) -> None:
    """Tell of what is new; when their number or the newest one changed, that is news."""
    for what, dead in (("dead_events", watch.dead_events(work.db)), ("dead_calls", watch.dead_calls(work.db))):
        if dead.number:
            told = {"what": what, "count": dead.number, "kind": dead.kind}
            work.at(work.now, ALERT, f"alert:{what}:{dead.newest}:{dead.number}", told)
    for budget in watch.empty_budgets(work.db):
        told = {"what": "budget", "coupon": budget.coupon, "total_fen": budget.total_fen}
        work.at(work.now, ALERT, f"alert:{budget.stock}:{budget.total_fen}", told)
