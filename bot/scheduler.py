"""调度 scheduler: APScheduler only ticks; the database is the schedule.

A tick looks for timers that are due and failed events whose next try has come. Missed ticks cost nothing: what was
due then is due now.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

from apscheduler.schedulers.asyncio import AsyncIOScheduler
from loguru import logger

from bot.clock import ZONE, Clock
from bot.errors import NotStored
from bot.events import KINDS, TimerDue, from_json
from bot.turn import Work
from bot.writer import Writer
from storage import inbox, outbox, timers
from storage.inbox import Failed
from storage.timers import Due

TICK_S = 1.0
AT_ONCE = 200
MOST_ROUNDS = 25  # of so many, in one sweep: what is due after an outage must not wait a second for each two hundred
RECONCILE_AT = (3, 30)  # local hour and minute, off the full and half hour's rush of everyone else's jobs
RECONCILE = "reconcile"
CATCH_UP = timedelta(hours=24)
MISSED = range(1, 8)  # days before a missed one, in which its job was at work


class Scheduler:
    """Fires timers and retries failed events. Only the leading process runs one."""

    def __init__(
        self,
        writer: Writer,
        clock: Clock,
        zone: ZoneInfo = ZONE,
        dailies: Mapping[str, tuple[int, int]] | None = None,
        starts: Sequence[str] = (),
    ) -> None:
        """`dailies`: more daily timers, by name, with their local hour and minute; `starts`: timers due at once."""
        self._writer, self._clock, self._zone = writer, clock, zone
        self._dailies, self._starts = {RECONCILE: RECONCILE_AT, **(dailies or {})}, starts
        self._ticker: Any = None
        self._planned: date | None = None
        self.stats: Counter[str] = Counter()

    async def start(self) -> None:
        """Begin to tick; the daily comparison with WeCom and the plays' timers of a start also run at every start."""
        await self._writer.call(owe_reconcile)
        await self._writer.call(self._plan_starts)
        # APScheduler's memory holds nothing but this tick: killing it loses nothing.
        self._ticker = AsyncIOScheduler(timezone="UTC")
        self._ticker.add_job(
            self._tick, "interval", seconds=TICK_S, max_instances=1, coalesce=True, misfire_grace_time=None, id="sweep"
        )
        self._ticker.start()

    async def stop(self) -> None:
        """Tick no more."""
        if self._ticker is not None:
            self._ticker.shutdown(wait=False)
            self._ticker = None

    async def _tick(self) -> None:
        try:
            await self.sweep()
        except NotStored:
            logger.bind(action="sweep_skipped").warning("the database does not take work; what is due stays due")

    async def sweep(self) -> int:
        """Everything due now; how many ran. Tests call it at any date without sleeping."""
        ran = 0
        await self._plan_daily()
        for _ in range(MOST_ROUNDS):
            found = await self._writer.call(lambda work: timers.due(work.db, work.now, AT_ONCE))
            # Together: the writer takes them in this order, many in one commit.
            ran += sum(await asyncio.gather(*[self._fire(due) for due in found]))
            if len(found) < AT_ONCE:
                break
        failed = await self._writer.call(lambda work: inbox.due(work.db, work.now))
        ran += sum(await asyncio.gather(*[self._again(row) for row in failed]))
        return ran

    def _plan_starts(self, work: Work) -> None:
        for name in self._starts:
            work.at(work.now, name, f"{name}:{work.now.isoformat()}", {})

    async def _plan_daily(self) -> None:
        """One timer per job and local day; its key keeps several processes and restarts from planning it twice."""
        local = self._clock.now().astimezone(self._zone)
        if local.date() == self._planned:
            return
        for name, (hour, minute) in self._dailies.items():
            at = time(hour, minute)
            await self._writer.call(partial(_plan_missed, name, local.date() - timedelta(days=1), at, self._zone))
            await self._writer.call(partial(_plan, name, local.date(), at, self._zone))
        self._planned = local.date()

    async def _fire(self, due: Due) -> bool:
        if due.late_by is not None and self._clock.now() > due.late_by:
            logger.bind(action="timer_too_late").warning(
                "timer={} due={} late_by={}", due.name, due.due_at, due.late_by
            )
            self.stats["too_late"] += 1
            return await self._writer.call(partial(_call_off, due))
        event = TimerDue(
            key=f"timer:{due.id}",
            source="timer",
            at=due.due_at,
            timer_id=due.id,
            name=due.name,
            payload=_payload(due.payload),
        )
        self.stats["fired"] += 1
        return await self._writer.feed(event, partial(_mark_fired, due.id))

    async def _again(self, row: Failed) -> bool:
        if row.kind not in KINDS:
            logger.bind(action="event_kind_gone").error("inbox={} kind={}", row.id, row.kind)
            return False
        event = from_json(row.kind, row.payload)
        self.stats["retried"] += 1
        return await self._writer.feed(event, partial(_take_out, row.id), row.attempts, row.received_at)


def owe_reconcile(work: Work) -> None:
    """Compare with WeCom; one comparison that is still owed is enough, however often the bot is started."""
    if not outbox.is_open(work.db, RECONCILE):
        work.owe(RECONCILE, {}, lane="slow", subject=RECONCILE)


def _plan(name: str, day: date, at: time, zone: ZoneInfo, work: Work) -> None:
    due_at = datetime.combine(day, at, tzinfo=zone).astimezone(UTC)
    work.at(due_at, name, f"{name}:{day}", {}, late_by=due_at + CATCH_UP)


def _plan_missed(name: str, day: date, at: time, zone: ZoneInfo, work: Work) -> None:
    """A day on which nothing ran at all: its job is made good while there is sense in it. A job that is new here, as on
    a first start, has missed nothing."""
    over = datetime.combine(day, at, tzinfo=zone).astimezone(UTC) + CATCH_UP < work.now
    if not over and any(timers.is_set(work.db, f"{name}:{day - timedelta(days=back)}") for back in MISSED):
        _plan(name, day, at, zone, work)


def _call_off(due: Due, work: Work) -> bool:
    """Too late to do any good: cancelled, and written down for whoever asks why nothing came."""
    closed = timers.close(work.db, due.id, "cancelled", work.now)
    if closed:
        work.audit("rule:scheduler", "timer.too_late", f"timer:{due.id}", name=due.name, due_at=due.due_at.isoformat())
    return closed


def _mark_fired(row_id: int, work: Work) -> bool:
    return timers.close(work.db, row_id, "fired", work.now)


def _take_out(row_id: int, work: Work) -> bool:
    return inbox.remove_failed(work.db, row_id)


def _payload(text: str) -> dict[str, Any]:
    value: dict[str, Any] = json.loads(text)
    return value
