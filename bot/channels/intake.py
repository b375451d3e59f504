"""接收 intake: events of a connection on which nobody sends twice: bounded, and kept while the database is away."""

from __future__ import annotations

import asyncio
from collections import Counter

from loguru import logger

from bot.channels.inlet import Inlet
from bot.errors import NotStored
from bot.events import Event

MOST_WAITING = 1_000
STORE_AGAIN_S = (0.2, 0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 32.0)


class Intake:
    """Hands events to the inlet in the order of arrival. `door` names the connection in the log."""

    def __init__(self, inlet: Inlet, stats: Counter[str], door: str) -> None:
        self._inlet, self._stats, self._door = inlet, stats, door
        self.waiting: set[asyncio.Task[None]] = set()

    async def take(self, event: Event) -> None:
        """Begin to store an event; with too many waiting the reader rests, and so the other side."""
        while len(self.waiting) >= MOST_WAITING:
            await asyncio.wait(self.waiting, return_when=asyncio.FIRST_COMPLETED)
        task = asyncio.create_task(self._accept(event))
        self.waiting.add(task)
        task.add_done_callback(self.waiting.discard)

    async def _accept(self, event: Event) -> None:
        for pause_s in (*STORE_AGAIN_S, 0.0):
            try:
                await self._inlet.accept(event)
            except NotStored:
                self._stats["not_stored"] += 1
                await asyncio.sleep(pause_s)
            else:
                self._stats["accepted"] += 1
                return
        logger.bind(action=f"{self._door}_lost").critical(
            "kind={} key={}: the database took nothing", event.kind, event.key
        )

    async def settle(self, within_s: float) -> None:
        """The connection ends: store what has come."""
        if self.waiting:
            await asyncio.wait(self.waiting, timeout=within_s)
        for task in list(self.waiting):
            task.cancel()
