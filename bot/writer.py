"""写者 writer: one thread, one connection, one transaction for whatever is waiting (group commit).

An event is accepted once, its turn runs, and the caller is answered after the commit, never before. The fast road
collects rows of many turns and writes them set by set; whatever goes wrong there is rolled back and takes the exact
road, one event a transaction.
"""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from queue import Empty, SimpleQueue
from typing import Any, TypeVar

from loguru import logger

from bot.batch import Batch, Culprit, Job, Outcome
from bot.clock import Clock
from bot.errors import NotStored
from bot.events import Event
from bot.ids import Chance
from bot.texts import Texts
from bot.turn import Turn, Work
from storage.engine import Database
from storage.faults import is_conflict, is_unavailable

T = TypeVar("T")
Dispatch = Callable[[Turn, Event], None]

MAX_WAITING = 20_000
MAX_RERUNS = 5
PATIENCE = 2  # turns of the event loop that bring nothing new: a request takes two from the socket to here


@dataclass(frozen=True)
class Limits:
    """How much one commit may carry."""

    batch: int = 64


class Writer:
    """Takes events and jobs from the event loop, hands back what became of them. Implements `Inlet`."""

    def __init__(
        self,
        database: Database,
        dispatch: Dispatch,
        clock: Clock,
        chance: Chance,
        texts: Texts,
        limits: Limits | None = None,
    ) -> None:
        self._database, self._limits = database, limits or Limits()
        self._batch = Batch(database, dispatch, clock, chance, texts)
        # What is handed in together stays together: a page of events shares its transaction with its last act.
        self._queue: SimpleQueue[list[Job] | None] = SimpleQueue()
        self._gathered: list[list[Job]] = []
        self._thread = threading.Thread(target=self._run, name="writer", daemon=True)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._after_commit: list[Callable[[], None]] = []
        self.stats: Counter[str] = self._batch.stats

    # -- for the event loop ---------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin taking work; call inside the running event loop."""
        self._loop = asyncio.get_running_loop()
        self._thread.start()

    async def stop(self) -> None:
        """Finish what is waiting, then end."""
        self._hand_over()
        self._queue.put(None)
        await asyncio.to_thread(self._thread.join)

    @property
    def backlog(self) -> int:
        """How much is waiting."""
        return self._queue.qsize() + len(self._gathered)

    @property
    def alive(self) -> bool:
        """Whether the thread runs."""
        return self._thread.is_alive()

    def on_owed(self, wake: Callable[[], None]) -> None:
        """Call `wake` in the event loop after each commit that owes the outside something."""
        self._after_commit.append(wake)

    async def accept(self, event: Event) -> str | None:
        """Store an event and run its turn, once; the passive reply, if any. Durable when it returns."""
        return (await self._submit(Job(event))).answer

    async def quarantine(self, event: Event, reason: str) -> None:
        """Store an event without acting on it."""
        await self._submit(Job(event, quarantine=reason))

    async def feed(
        self, event: Event, before: Callable[[Work], bool], attempts: int = 0, received_at: datetime | None = None
    ) -> bool:
        """Accept an event of our own if `before` says yes in the same transaction; whether it ran."""
        return (await self._submit(Job(event, before=before, attempts=attempts, received_at=received_at))).ran

    async def call(self, act: Callable[[Work], T]) -> T:
        """Run `act` in a transaction (shared with others) and give back what it returns."""
        value: T = (await self._submit(Job(None, act=act))).value
        return value

    async def accept_page(self, events: Sequence[Event], act: Callable[[Work], T]) -> T:
        """Accept `events`, then run `act`, in one transaction; what `act` returned.

        When it cannot commit, its jobs run one by one in this order: `act` comes last and must look for itself
        whether all of the page is stored. Raises what `act` raised, NotStored when the database refused.
        """
        jobs = [*[Job(event) for event in events], Job(None, act=act)]
        settled = await asyncio.gather(*self._hand_in(jobs), return_exceptions=True)
        if isinstance(settled[-1], BaseException):
            raise settled[-1]
        value: T = settled[-1].value
        return value

    async def _submit(self, job: Job) -> Outcome:
        return await self._hand_in([job])[0]

    def _hand_in(self, jobs: list[Job]) -> list[asyncio.Future[Outcome]]:
        if self._loop is None or not self.alive or self.backlog > MAX_WAITING:
            raise NotStored
        futures = []
        for job in jobs:
            job.future = self._loop.create_future()
            futures.append(job.future)
        self._gathered.append(jobs)
        if len(self._gathered) == 1:
            self._loop.call_soon(self._pass_on, 0, 0)
        return futures

    def _pass_on(self, seen: int, quiet: int) -> None:
        """Hand over what the event loop gathered, once no more comes for `PATIENCE` turns of the loop.

        Two threads that both want the interpreter slow each other down more than either works: whatever the loop has
        read already is worth waiting for, and a larger batch shares its commit.
        """
        assert self._loop is not None
        gathered = len(self._gathered)
        quiet = 0 if gathered > seen else quiet + 1
        if quiet < PATIENCE and gathered < self._limits.batch:
            self._loop.call_soon(self._pass_on, gathered, quiet)
            return
        self._hand_over()

    def _hand_over(self) -> None:
        gathered, self._gathered = self._gathered, []
        for jobs in gathered:
            self._queue.put(jobs)

    # -- the thread -----------------------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            jobs, last = self._take()
            if jobs:
                self._serve(jobs)
            if last:
                break
        self._batch.close()

    def _take(self) -> tuple[list[Job], bool]:
        """Wait for work, then take all that is there, up to the limit."""
        first = self._queue.get()
        if first is None:
            return [], True
        jobs = [*first]
        try:
            while len(jobs) < self._limits.batch:
                more = self._queue.get_nowait()
                if more is None:
                    return jobs, True
                jobs += more
        except Empty:
            pass
        return jobs, False

    def _serve(self, jobs: list[Job]) -> None:
        try:
            settled = self._settle(jobs)
        except Exception as error:  # the last resort: nobody may wait for ever
            logger.exception("action=writer_failed")
            settled = [(job, NotStored(str(error))) for job in jobs]
        owed = self._batch.take_owed()
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._hand_back, settled, owed)
        except RuntimeError:
            logger.warning("action=loop_closed answers={}", len(settled))

    def _hand_back(self, settled: list[tuple[Job, Outcome | Exception]], owed: bool) -> None:
        for job, result in settled:
            future: Any = job.future
            if future.done():
                continue
            if isinstance(result, Exception):
                future.set_exception(result)
            else:
                future.set_result(result)
        if owed:
            for wake in self._after_commit:
                wake()

    def _settle(self, jobs: list[Job]) -> list[tuple[Job, Outcome | Exception]]:
        """Run jobs together; set apart the one that raises; when nobody can be blamed, run each alone."""
        settled: list[tuple[Job, Outcome | Exception]] = []
        while len(jobs) > 1:
            try:
                outcomes = self._batch.run(jobs)
            except Culprit as culprit:
                self._batch.rollback()
                jobs = [job for job in jobs if job is not culprit.job]
                settled.append((culprit.job, self._alone(culprit.job)))
            except Exception as error:
                self._batch.rollback()
                if is_unavailable(error):
                    return settled + self._unstored(jobs, error)
                self.stats["batches_split"] += 1
                return settled + [(job, self._alone(job)) for job in jobs]
            else:
                return settled + list(zip(jobs, outcomes, strict=True))
        return settled + [(job, self._alone(job)) for job in jobs]

    def _alone(self, job: Job) -> Outcome | Exception:
        """The exact road: one job, one transaction, tried again when another process was faster."""
        for _ in range(MAX_RERUNS):
            try:
                return self._batch.run([job], exact=True)[0]
            except Exception as raised:
                self._batch.rollback()
                error = raised.error if isinstance(raised, Culprit) else raised
                if is_unavailable(error):
                    return self._unstored([job], error)[0][1]
                if not is_conflict(error):
                    return self._failed(job, error)
                self.stats["reruns"] += 1
        return self._failed(job, error)

    def _failed(self, job: Job, error: Exception) -> Outcome | Exception:
        if job.event is None:
            return error
        try:
            return self._batch.record_failure(job, error)
        except Exception as second:
            self._batch.rollback()
            logger.opt(exception=second).error("action=failure_not_recorded key={}", job.event.key)
            return NotStored(str(second))

    def _unstored(self, jobs: list[Job], error: Exception) -> list[tuple[Job, Outcome | Exception]]:
        logger.error("action=not_stored jobs={} error={!r}", len(jobs), error)
        self.stats["not_stored"] += len(jobs)
        self._batch.reconnect()
        return [(job, NotStored(str(error))) for job in jobs]
