"""RFM 的五等分 rfm sender: where the fifths of the brand's buyers begin. Asked over a connection of its own, because it
reads every order of a year: the writer waits for nobody."""

from __future__ import annotations

import asyncio
from typing import Any

from bot.clock import Clock
from storage import rfm
from storage.engine import Database
from storage.outbox import Call

SCALE = "rfm/scale"


class RfmSender:
    """Computes the scale; its answer comes back as an event."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database, self._clock = database, clock

    def table(self) -> dict[str, Any]:
        """The call by name."""
        return {SCALE: self.send}

    async def send(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """`scale` with the edges of r, f and m; None while there are too few buyers."""
        scale = await asyncio.to_thread(self._measured)
        return {"errcode": 0, "scale": scale and scale._asdict()}

    def _measured(self) -> rfm.Scale | None:
        with self._database.engine.connect() as connection:
            return rfm.quintiles(connection, self._clock.now())
