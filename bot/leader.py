"""领头进程 leader: of all processes on one database, one sends, ticks and compares. WeCom's limits are per corp.

On PostgreSQL a session's advisory lock decides; it is let go the moment its process dies. On SQLite there is one
process.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from loguru import logger

from storage.engine import Database

# Advisory locks belong to the whole database: the schema's name keeps two bots in two schemas apart.
_TRY = "SELECT pg_try_advisory_lock(7306, hashtext(current_schema()))"
ASK_EVERY_S = 2.0

Change = Callable[[], Awaitable[None]]


class Leader:
    """Waits to lead, calls `begin`, watches its lock, calls `end` when it is lost."""

    def __init__(self, database: Database, begin: Change, end: Change) -> None:
        self._database, self._begin, self._end = database, begin, end
        self._task: asyncio.Task[None] | None = None
        self._session: Any = None
        self.leading = False

    async def start(self) -> None:
        """Lead at once if nobody does; otherwise keep asking."""
        if self._database.dialect == "sqlite":
            await self._lead()
            return
        if await asyncio.to_thread(self._try_lock):
            await self._lead()
        self._task = asyncio.create_task(self._watch(), name="leader")

    async def stop(self) -> None:
        """Stop leading and let the next one."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        if self.leading:
            self.leading = False
            await self._end()
        await asyncio.to_thread(self._let_go)

    async def _lead(self) -> None:
        self.leading = True
        logger.bind(action="leading").info("this process sends and ticks")
        await self._begin()

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(ASK_EVERY_S)
            if self.leading:
                if not await asyncio.to_thread(self._holds):
                    self.leading = False
                    logger.bind(action="lead_lost").warning("the database session is gone; another process will lead")
                    await self._end()
            elif await asyncio.to_thread(self._try_lock):
                await self._lead()

    def _try_lock(self) -> bool:
        try:
            if self._session is None:
                # A connection of its own: the lock lives and dies with it.
                self._session = self._database.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
            return bool(self._session.exec_driver_sql(_TRY).scalar())
        except Exception as error:
            logger.bind(action="lead_unasked").warning("error={!r}", error)
            self._let_go()
            return False

    def _holds(self) -> bool:
        try:
            self._session.exec_driver_sql("SELECT 1")
        except Exception as error:
            logger.bind(action="lead_session_gone").warning("error={!r}", error)
            self._let_go()
            return False
        return True

    def _let_go(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.invalidate()
            session.close()
