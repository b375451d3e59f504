"""投递 delivery: what was owed to the outside is carried out, in order, within the limits, until it is done or has
lost its sense.

A row is leased in one transaction and settled in another; in between stands the outside world. A process that dies
there leaves the row leased, the next one takes it back and tries again: every call here either has a key on the
other side or changes nothing twice.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from loguru import logger

from bot.clock import Clock
from bot.errors import Action, NotStored, WeComError
from bot.events import ApiAnswered
from bot.ids import Chance
from bot.limits import HOUR, MINUTE, Buckets, Rate
from bot.senders import Sender
from bot.turn import Work
from bot.writer import Writer
from storage import outbox
from storage.outbox import Call

LEASE = timedelta(seconds=30)
MAX_TRIES = 5  # of rows that fail for no reason of the platform's
IDLE_POLL_S = 1.0
WELCOMES = {"externalcontact/send_welcome_msg", "kf/send_msg_on_event"}


@dataclass(frozen=True)
class Lane:
    """A queue of its own: how many calls at once, and how a failed one backs off (seconds)."""

    name: str
    workers: int
    backoff_s: float
    longest_s: float


LANES = (
    Lane("welcome", workers=24, backoff_s=0.2, longest_s=1.5),  # a welcome code lives 20 seconds
    Lane("default", workers=16, backoff_s=1.0, longest_s=60.0),
    Lane("kf", workers=8, backoff_s=0.5, longest_s=15.0),  # pulls: behind them members wait for an answer
    Lane("aibot", workers=8, backoff_s=0.5, longest_s=10.0),  # while its connection is away nobody else waits
    Lane("onebot", workers=8, backoff_s=1.0, longest_s=30.0),  # a client that hangs holds up nobody in WeCom
    Lane("broadcast", workers=8, backoff_s=1.0, longest_s=60.0),  # long walks, and tasks that are made once
    Lane("model", workers=4, backoff_s=1.0, longest_s=5.0),  # a model thinks for seconds: only questions wait for it
    Lane("tags", workers=1, backoff_s=1.0, longest_s=30.0),  # WeCom refuses two changes of tags at a time
    Lane("media", workers=3, backoff_s=1.0, longest_s=20.0),  # a link lives five minutes
    Lane("slow", workers=2, backoff_s=2.0, longest_s=30.0),
)


class Delivery:
    """Leases rows lane by lane and has the senders make the calls. Only the leading process runs one."""

    def __init__(
        self,
        writer: Writer,
        senders: dict[str, Sender],
        clock: Clock,
        chance: Chance,
        lanes: tuple[Lane, ...] = LANES,
        member_rates: tuple[Rate, ...] = (Rate(20, MINUTE), Rate(600, HOUR)),
        more_rates: Mapping[str, tuple[Rate, ...]] | None = None,
    ) -> None:
        """`more_rates`: limits of each subject, by the first part of the calls' names, beside those of message/send."""
        self._writer, self._senders, self._clock, self._chance, self._lanes = writer, senders, clock, chance, lanes
        rates = {"message": member_rates, **(more_rates or {})}
        self._buckets = {family: Buckets(*of) for family, of in rates.items()}
        self._wake = {lane.name: asyncio.Event() for lane in lanes}
        self._running: set[asyncio.Task[None]] = set()
        self._loops: list[asyncio.Task[None]] = []
        self.stats: Counter[str] = Counter()
        self.halted: str | None = None
        self._unsettled: list[int] = []
        writer.on_owed(self.wake)

    async def start(self) -> None:
        """Take over from whoever sent before: their leases are void, their recent messages count in our limits."""
        far = self._clock.now() + timedelta(days=36_500)
        freed = await self._writer.call(lambda work: outbox.free_orphans(work.db, far))
        since = self._clock.now() - timedelta(seconds=HOUR)
        await self._remember([call for call in self._senders if _family(call) in self._buckets], since)
        logger.bind(action="delivery_started").info("orphans={}", freed)
        self._loops = [asyncio.create_task(self._run(lane), name=f"lane-{lane.name}") for lane in self._lanes]

    async def _remember(self, calls: list[str], since: datetime) -> None:
        """What was sent lately counts in our limits."""
        sent = [
            (at, call, subject)
            for call in calls
            for subject, at in await self._writer.call(partial(_sent_since, call, since))
        ]
        for at, call, subject in sorted(sent):
            self._buckets[_family(call)].hit(subject, self._seconds_of(at))

    async def stop(self) -> None:
        """Finish the calls under way, lease no more."""
        for task in self._loops:
            task.cancel()
        await asyncio.gather(*self._loops, *self._running, return_exceptions=True)
        self._loops = []

    async def drain(self) -> int:
        """Carry out what is due now, lane by lane, until nothing is; how many rows. For tests and orderly ends."""
        done = 0
        while True:
            taken = await asyncio.gather(*[self._take(lane, lane.workers) for lane in self._lanes])
            rows = [(lane, row) for lane, of_lane in zip(self._lanes, taken, strict=True) for row in of_lane]
            if not rows:
                return done
            await asyncio.gather(*[self._deliver(lane, row) for lane, row in rows])
            done += len(rows)

    def wake(self) -> None:
        """Something was owed: look at once."""
        for event in self._wake.values():
            event.set()

    async def _run(self, lane: Lane) -> None:
        mine: set[asyncio.Task[None]] = set()
        wake = self._wake[lane.name]
        while True:
            wake.clear()
            await self._put_back()
            taken = await self._take(lane, lane.workers - len(mine))
            for row in taken:
                task = asyncio.create_task(self._deliver(lane, row))
                for keeper in (mine, self._running):
                    keeper.add(task)
                    task.add_done_callback(keeper.discard)
                task.add_done_callback(lambda _: wake.set())
            if not taken:
                await self._rest(wake)

    async def _put_back(self) -> None:
        """Rows whose outcome the database did not take are tried again; what was carried out has a key there."""
        rows, self._unsettled = self._unsettled, []

        def put_back(work: Work) -> None:
            for row_id in rows:
                outbox.retry(work.db, row_id, work.now, "the outcome was not stored")

        try:
            if rows:
                await self._writer.call(put_back)
        except NotStored:
            self._unsettled += rows

    async def _rest(self, wake: asyncio.Event) -> None:
        try:
            async with asyncio.timeout(IDLE_POLL_S):
                await wake.wait()
        except TimeoutError:
            for buckets in self._buckets.values():
                buckets.forget_idle(self._seconds_of(self._clock.now()))

    async def _take(self, lane: Lane, count: int) -> list[Call]:
        if count <= 0:
            return []
        try:
            return await self._writer.call(
                lambda work: outbox.lease(work.db, lane.name, work.now, work.now + LEASE, count)
            )
        except NotStored:
            await asyncio.sleep(IDLE_POLL_S)
            return []

    # -- one row --------------------------------------------------------------------------------------------------

    async def _deliver(self, lane: Lane, row: Call) -> None:
        try:
            await self._attempt(lane, row)
        except NotStored:
            self._unsettled.append(row.id)
            logger.bind(action="settle_failed").warning("row={}: it is tried again", row.id)
        except Exception as error:
            logger.opt(exception=error).bind(action="delivery_bug").error("row={} call={}", row.id, row.call)
            await self._blame(lane, row, error)

    async def _attempt(self, lane: Lane, row: Call) -> None:
        now = self._clock.now()
        if row.expires_at is not None and now >= row.expires_at:
            await self._end(row, "suppressed", "late", ok=False)
            return
        buckets = self._buckets.get(_family(row.call)) if row.subject else None
        if buckets is not None:
            seconds = self._seconds_of(now)
            wait = buckets.wait(row.subject, seconds)
            if wait > 0:
                await self._again(row, wait, "rate limit of the receiver", untried=True)
                return
            buckets.hit(row.subject, seconds)
        try:
            try:
                answer = await self._senders[row.call](json.loads(row.payload), row)
            finally:
                if buckets is not None:
                    buckets.arrived(row.subject, seconds, self._seconds_of(self._clock.now()))
        except WeComError as error:
            await self._failed(lane, row, error)
        else:
            self.halted = None
            await self._end(row, "sent", None, ok=True, answer=answer)

    async def _failed(self, lane: Lane, row: Call, error: WeComError) -> None:
        if row.call in WELCOMES and error.errcode == 41051:
            # Used already: by an earlier try of ours whose answer was lost, or because the two are chatting.
            await self._end(row, "sent" if row.attempts > 1 else "suppressed", "41051", ok=row.attempts > 1)
        elif error.action in (Action.RETRY, Action.SLOW):
            await self._again(row, self._backoff(lane, row.attempts), str(error), blamed=error.blames)
        elif error.action is Action.WAIT:
            await self._again(row, error.wait_s or MINUTE, str(error))
        elif error.action in (Action.STOP, Action.CONFIG):
            if self.halted != str(error):
                logger.bind(action="delivery_halted").critical("{}", error)
            self.halted = str(error)
            await self._again(row, MINUTE, str(error))
        elif error.action is Action.DROP:
            await self._end(row, "suppressed", str(error), ok=False, errcode=error.errcode)
        else:
            logger.bind(action="call_dead").error("row={} call={} error={}", row.id, row.call, error)
            await self._end(row, "dead", str(error), ok=False, errcode=error.errcode)

    async def _blame(self, lane: Lane, row: Call, error: Exception) -> None:
        """The row itself, or our code, is wrong: five tries, then it is set aside for a person to look at."""
        why = f"{type(error).__name__}: {error}"[:500]
        try:
            if row.faults + 1 >= MAX_TRIES:
                await self._end(row, "dead", why, ok=False)
            else:
                await self._again(row, self._backoff(lane, row.attempts), why, blamed=True)
        except NotStored:
            self._unsettled.append(row.id)
            logger.bind(action="settle_failed").warning("row={}: it is tried again", row.id)

    def _backoff(self, lane: Lane, attempts: int) -> float:
        """Full jitter under a doubling ceiling, in seconds."""
        ceiling = min(lane.longest_s, lane.backoff_s * 2.0 ** min(max(attempts - 1, 0), 16))
        return ceiling * (0.2 + 0.8 * self._chance.fraction())

    async def _again(self, row: Call, wait_s: float, why: str, *, untried: bool = False, blamed: bool = False) -> None:
        self.stats["retried"] += 1

        def put_back(work: Work) -> bool:
            at = work.now + timedelta(seconds=wait_s)
            return outbox.retry(work.db, row.id, at, why[:500], untried=untried, blamed=blamed)

        await self._writer.call(put_back)

    async def _end(
        self,
        row: Call,
        status: str,
        why: str | None,
        *,
        ok: bool,
        errcode: int | None = None,
        answer: dict[str, Any] | None = None,
    ) -> None:
        """Settle the row; when its cause waits for the outcome, that is told in the same transaction."""
        self.stats[status] += 1

        def settle(work: Work) -> bool:
            return outbox.settle(work.db, row.id, status, work.now, why)

        if not row.answers:
            await self._writer.call(settle)
            return
        event = ApiAnswered(
            key=f"outbox:{row.id}", source="outbox", at=self._clock.now(), outbox_id=row.id, call=row.call,
            request=json.loads(row.payload), ok=ok, errcode=errcode, answer=answer or {},
        )  # fmt: skip
        await self._writer.feed(event, settle)

    @staticmethod
    def _seconds_of(moment: datetime) -> float:
        return moment.timestamp()


def _family(call: str) -> str:
    """`message` of `message/send`: calls of one family share their limits."""
    return call.partition("/")[0]


def _sent_since(call: str, since: datetime, work: Work) -> list[tuple[str, datetime]]:
    return list(outbox.sent_since(work.db, call, since))
