"""A batch: one transaction for many jobs. It reads what they have in common once, runs their turns, commits once."""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from loguru import logger

from bot import aibot
from bot.clock import Clock
from bot.events import Event, to_json
from bot.ids import Chance
from bot.texts import Texts
from bot.turn import Turn, Work
from storage import inbox, locks, members
from storage.engine import Database
from storage.ids import Ids

MAX_TRIES = 5
_dumps = json.JSONEncoder(check_circular=False, separators=(",", ":")).encode


@dataclass(slots=True, eq=False)
class Job:
    """An event to run, or an act of the runtime (`act`). `before` must say yes in the same transaction."""

    event: Event | None
    quarantine: str | None = None
    before: Callable[[Work], bool] | None = None
    act: Callable[[Work], Any] | None = None
    attempts: int = 0
    received_at: datetime | None = None
    future: asyncio.Future[Outcome] | None = None


@dataclass(slots=True)
class Outcome:
    """What became of a job. `ran` is False for an event met before or refused by `before`."""

    answer: str | None = None
    value: Any = None
    ran: bool = True


def _key(job: Job, event: Event) -> str:
    """A quarantined event must not stand in the way of the same event when it comes fresh."""
    return f"quarantine:{event.key}" if job.quarantine else event.key


def _nothing(_event: Event) -> str:
    return ""


class Culprit(Exception):
    """One job of the batch raised: it is set apart, the others run without it."""

    def __init__(self, job: Job, error: Exception) -> None:
        super().__init__(repr(error))
        self.job, self.error = job, error


class Batch:
    """The writer's connection and how a transaction is run on it."""

    def __init__(
        self, database: Database, dispatch: Callable[[Turn, Event], None], clock: Clock, chance: Chance, texts: Texts
    ) -> None:
        self._database, self._dispatch = database, dispatch
        self._contended: Callable[[Event], str] = getattr(dispatch, "contended", _nothing)
        self._clock, self._chance, self._texts = clock, chance, texts
        self.stats: Counter[str] = Counter()
        self._owed = False
        self._open()

    def _open(self) -> None:
        self._db = self._database.writer_db()
        self._ids = Ids(self._db)

    def run(self, jobs: list[Job], *, exact: bool = False) -> list[Outcome]:
        """Run `jobs` in one transaction and commit. Raises what went wrong, `Culprit` when one job is to blame."""
        db = self._db
        db.exact = exact
        now = self._clock.now()
        db.begin()
        known, people = self._common(jobs)
        outcomes, owed = [], False
        for job in jobs:
            try:
                outcomes.append(self._one(job, now, known, people))
            except Exception as error:
                raise Culprit(job, error) from error
            owed = owed or "outbox" in db.touched
        db.commit()
        self._owed = self._owed or owed
        self.stats["batches"] += 1
        return outcomes

    def _common(self, jobs: list[Job]) -> tuple[dict[str, str | None], dict[members.Key, members.Person | None]]:
        """What the jobs have in common, in one round trip: which events are known, who their senders are. What many
        want at once is taken first, see `storage.locks`."""
        events = [(job, job.event) for job in jobs if job.event is not None]
        if not events:
            return {}, {}
        addresses = {event.sender for _, event in events if event.sender is not None}
        asked = members.asking(addresses)
        first = locks.taking(self._wanted(events)) if self._db.dialect == "postgresql" else []
        answers = self._db.all_of([*first, inbox.asking(_key(job, event) for job, event in events), *asked])
        met, *rows = answers[len(first) :]
        found = members.read(asked, rows)
        return {row[0]: row[1] for row in met}, {key: found.get(key) for key in addresses}

    def _wanted(self, events: list[tuple[Job, Event]]) -> set[str]:
        """What many want at once of what these events are about."""
        return {name for job, event in events if job.quarantine is None and (name := self._contended(event))}

    def _one(
        self, job: Job, now: datetime, known: dict[str, str | None], people: dict[members.Key, members.Person | None]
    ) -> Outcome:
        db, event = self._db, job.event
        db.touched = {}
        if event is None:
            assert job.act is not None
            return Outcome(value=job.act(self._work(now, "runtime")))
        if job.before is not None and not job.before(self._work(now, event.key)):
            return Outcome(ran=False)
        key = _key(job, event)
        if key in known and not job.attempts:
            self.stats["duplicates"] += 1
            return Outcome(answer=known[key], ran=False)
        started = self._clock.monotonic()
        turn = Turn(db, self._ids, now, event.key, self._texts, self._chance, event, people)
        if job.quarantine is None:
            self._dispatch(turn, event)
            aibot.close(turn, late=job.attempts > 0)
            for person in turn.made:
                person.fresh = False
        took_us = int((self._clock.monotonic() - started) * 1e6)
        self._record(job, event, turn, now, took_us)
        known[key] = turn.answer
        self.stats["quarantined" if job.quarantine else "events"] += 1
        return Outcome(answer=turn.answer)

    def _record(self, job: Job, event: Event, turn: Turn, now: datetime, took_us: int) -> None:
        status = "quarantined" if job.quarantine else "done"
        entry = inbox.Entry(
            id=self._ids.next(),
            key=_key(job, event),
            kind=event.kind,
            source=event.source,
            status=status,
            payload=to_json(event),
            route=",".join(turn.route),
            changes=_dumps(self._db.touched),
            took_us=took_us,
            answer=turn.answer,
            attempts=job.attempts + 1,
            error=job.quarantine,
            received_at=job.received_at or now,
            next_at=None,
            done_at=now,
        )
        inbox.add(self._db, entry)

    def record_failure(self, job: Job, error: Exception) -> Outcome:
        """Keep an event whose turn raised: tried again with backoff, dead after `MAX_TRIES`."""
        event, db, now = job.event, self._db, self._clock.now()
        assert event is not None
        db.exact = True
        db.begin()
        if job.before is not None and not job.before(self._work(now, event.key)):
            db.commit()
            return Outcome(ran=False)
        attempts = job.attempts + 1
        dead = attempts >= MAX_TRIES
        next_at = None if dead else now + timedelta(seconds=2**attempts)
        entry = inbox.Entry(
            id=self._ids.next(),
            key=event.key,
            kind=event.kind,
            source=event.source,
            status="dead" if dead else "failed",
            payload=to_json(event),
            route="",
            changes="{}",
            took_us=0,
            answer=None,
            attempts=attempts,
            error=f"{type(error).__name__}: {error}"[:500],
            received_at=job.received_at or now,
            next_at=next_at,
            done_at=None,
        )
        inbox.add(db, entry)
        db.commit()
        self.stats["dead" if dead else "failed"] += 1
        log = logger.opt(exception=error)
        log.bind(action="event_dead" if dead else "event_failed").error(
            "kind={} key={} try={}", event.kind, event.key, attempts
        )
        return Outcome()

    def _work(self, now: datetime, cause: str) -> Work:
        return Work(self._db, self._ids, now, cause, self._texts, self._chance)

    def take_owed(self) -> bool:
        """Whether something was owed to the outside since the last question."""
        owed, self._owed = self._owed, False
        return owed

    def rollback(self) -> None:
        """Undo the transaction that went wrong."""
        self._ids.drop()
        try:
            self._db.rollback()
        except Exception:
            logger.exception("action=rollback_failed")
            self.reconnect()

    def reconnect(self) -> None:
        """Leave a connection that may be broken; nothing uncommitted survives."""
        try:
            self._db.close()
        except Exception as error:
            logger.warning("action=close_failed error={!r}", error)
        try:
            self._open()
        except Exception as error:  # the database is still away: the next batch fails and comes here again
            logger.error("action=reconnect_failed error={!r}", error)

    def close(self) -> None:
        """Give the connection back."""
        self._db.close()
