"""写者 writing: the bot's own writer without its thread. On a virtual clock nobody waits for anybody: what the event
loop gathered is written at once, so the same year shares the same commits whatever else the machine does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from bot.batch import Job
from bot.writer import Writer

AT_ONCE = 256  # jobs a commit


class SameThread(Writer):
    """Runs each batch in the event loop."""

    _closed = False

    def start(self) -> None:
        """Begin taking work."""
        self._loop = asyncio.get_running_loop()

    async def stop(self) -> None:
        """Write what is waiting, then end."""
        self._hand_over()
        self._closed = True
        self._batch.close()

    @property
    def alive(self) -> bool:
        """Whether it takes work."""
        return not self._closed

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        jobs: list[Job] = []
        for part in gathered:
            jobs += part  # a page stays together
            if len(jobs) >= AT_ONCE:
                self._write(jobs)
                jobs = []
        if jobs:
            self._write(jobs)

    def _write(self, jobs: list[Job]) -> None:
        settled = self._settle(jobs)
        self._hand_back(settled, self._batch.take_owed())


class NoThreads(ThreadPoolExecutor):
    """What is meant for a thread beside the event loop is done at once, in its place."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Do it; the future is done."""
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # whoever waits for it is told
            done.set_exception(error)
        return done
