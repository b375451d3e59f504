"""写者: nobody pays for another's fault, nothing is acknowledged that is not stored, and everything happens once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta

import pytest

from bot.clock import FrozenClock
from bot.errors import NotStored
from bot.events import Address, Event, TextReceived
from bot.ids import SeededChance
from bot.scheduler import Scheduler
from bot.texts import Texts
from bot.turn import Retry, Turn
from bot.writer import Writer
from storage.engine import Database
from tests.conftest import NOON


@dataclass
class House:
    """A writer whose turns do what the test says."""

    database: Database
    clock: FrozenClock
    writer: Writer
    steps: dict[str, Callable[[Turn], None]] = field(default_factory=dict)
    ran: list[str] = field(default_factory=list)

    def dispatch(self, turn: Turn, event: Event) -> None:
        """The step scripted for this text, or a plain answer."""
        assert isinstance(event, TextReceived)
        self.ran.append(event.text)
        turn.audit("test", "heard", event.text)
        self.steps.get(event.text, lambda turn: None)(turn)
        turn.answer = f"heard {event.text}"

    def rows(self, sql: str) -> list[tuple[object, ...]]:
        """The database as it is."""
        with self.database.engine.connect() as connection:
            return [tuple(row) for row in connection.exec_driver_sql(sql)]

    def heard(self) -> list[str]:
        """What was committed."""
        return sorted(str(row[0]) for row in self.rows("SELECT subject FROM audit_log"))


def said(text: str) -> TextReceived:
    return TextReceived(
        key=f"test:msg:{text}", source="test", at=NOON, sender=Address("wecom_staff", "lina"), text=text, msg_id=text
    )


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    """On either database."""
    database, clock = Database(database_url), FrozenClock(NOON)
    database.migrate()
    made = House(database, clock, None)  # type: ignore[arg-type]
    made.writer = Writer(database, made.dispatch, clock, SeededChance(1), Texts())
    made.writer.start()
    yield made
    await made.writer.stop()
    database.close()


def explode(_turn: Turn) -> None:
    raise RuntimeError("a bug in a play")


async def test_one_poisoned_event_costs_the_other_sixty_three_nothing(house: House) -> None:
    house.steps["13"] = explode
    answers = await asyncio.gather(*[house.writer.accept(said(str(number))) for number in range(64)])

    assert [answer for answer in answers if answer] == [f"heard {number}" for number in range(64) if number != 13]
    assert house.heard() == sorted(str(number) for number in range(64) if number != 13)
    assert house.rows("SELECT key, status, attempts FROM inbox WHERE status <> 'done'") == [
        ("test:msg:13", "failed", 1)
    ]


async def test_a_poisoned_event_is_tried_five_times_and_then_dead(house: House) -> None:
    house.steps["bad"] = explode
    await house.writer.accept(said("bad"))
    scheduler = Scheduler(house.writer, house.clock)
    for _ in range(8):
        house.clock.advance(3600)
        await scheduler.sweep()

    assert house.ran.count("bad") == 5
    ((status, attempts, error),) = house.rows("SELECT status, attempts, error FROM inbox WHERE key = 'test:msg:bad'")
    assert (status, attempts) == ("dead", 5)
    assert "a bug in a play" in str(error)


async def test_an_event_that_heals_is_done_and_told_so(house: House) -> None:
    house.steps["flaky"] = explode
    await house.writer.accept(said("flaky"))
    house.steps.clear()
    house.clock.advance(10)

    await Scheduler(house.writer, house.clock).sweep()

    assert house.rows("SELECT status, attempts FROM inbox WHERE key = 'test:msg:flaky'") == [("done", 2)]
    assert house.heard() == ["flaky"]


async def test_the_same_event_hundred_times_at_once_runs_once(house: House) -> None:
    answers = await asyncio.gather(*[house.writer.accept(said("hello")) for _ in range(100)])
    again = await house.writer.accept(said("hello"))

    assert set(answers) == {"heard hello"} == {again}
    assert house.ran == ["hello"]
    assert house.rows("SELECT count(*) FROM inbox") == [(1,)]


async def test_two_writers_on_one_database_run_an_event_once(house: House) -> None:
    other = Writer(house.database, house.dispatch, house.clock, SeededChance(2), Texts())
    other.start()
    try:
        for round_ in range(20):
            answers = await asyncio.gather(
                *[writer.accept(said(f"e{round_}")) for writer in (house.writer, other) for _ in range(3)]
            )
            assert set(answers) == {f"heard e{round_}"}
    finally:
        await other.stop()

    assert house.heard() == sorted(f"e{number}" for number in range(20))


async def test_a_lost_race_runs_the_turn_again_from_its_beginning(house: House) -> None:
    tries: list[int] = []

    def lose_twice(_turn: Turn) -> None:
        tries.append(1)
        if len(tries) < 3:
            raise Retry("another was faster")

    house.steps["race"] = lose_twice
    assert await house.writer.accept(said("race")) == "heard race"
    assert len(tries) == 3
    assert house.heard() == ["race"]


async def test_a_stale_event_kept_aside_does_not_bar_the_fresh_one(house: House) -> None:
    await house.writer.quarantine(said("x"), "stale")
    assert house.ran == []

    assert await house.writer.accept(said("x")) == "heard x"

    assert house.rows("SELECT status, error FROM inbox ORDER BY id") == [("quarantined", "stale"), ("done", None)]


async def test_a_call_returns_its_value_and_raises_its_own_error(house: House) -> None:
    assert await house.writer.call(lambda work: work.now) == NOON
    with pytest.raises(ZeroDivisionError):
        await house.writer.call(lambda work: 1 // 0)
    assert await house.writer.accept(said("after")) == "heard after"


async def test_what_was_waiting_at_the_end_is_stored(house: House) -> None:
    waiting = [asyncio.ensure_future(house.writer.accept(said(str(number)))) for number in range(200)]
    await asyncio.sleep(0)
    await house.writer.stop()

    assert len(await asyncio.gather(*waiting)) == 200
    assert len(house.heard()) == 200
    with pytest.raises(NotStored):
        await house.writer.accept(said("too late"))


async def test_a_database_that_goes_away_acknowledges_nothing_and_heals(house: House) -> None:
    if house.database.dialect == "sqlite":
        with house.database.engine.connect() as blocker:  # another program holds the file's only write lock
            blocker.exec_driver_sql("PRAGMA busy_timeout = 1")
            house.writer._batch._db.connection.execute("PRAGMA busy_timeout = 50")
            blocker.exec_driver_sql("CREATE TABLE IF NOT EXISTS blocker (x)")
            with pytest.raises(NotStored):
                await house.writer.accept(said("lost"))
            blocker.rollback()
    else:
        mine = house.writer._batch._db.connection.info.backend_pid
        house.rows(f"SELECT pg_terminate_backend({mine})")
        with pytest.raises(NotStored):
            await house.writer.accept(said("lost"))

    assert house.heard() == []
    assert await house.writer.accept(said("lost")) == "heard lost"
    assert house.heard() == ["lost"]


async def test_an_owed_call_is_announced_after_the_commit(house: House) -> None:
    woken = asyncio.Event()
    house.writer.on_owed(woken.set)

    def owe(turn: Turn) -> None:
        turn.owe("message/send", {"x": 1})

    house.steps["owes"] = owe

    await house.writer.accept(said("nothing"))
    assert not woken.is_set()
    await house.writer.accept(said("owes"))
    assert woken.is_set()


async def test_a_timer_fires_once_even_when_two_sweep(house: House) -> None:
    fired: list[str] = []
    house.writer._batch._dispatch = lambda turn, event: fired.append(event.key)
    await house.writer.call(lambda work: work.at(NOON + timedelta(hours=1), "x", "t1", {}))
    late = NOON + timedelta(hours=2)
    await house.writer.call(lambda work: work.at(NOON + timedelta(hours=1), "x", "t2", {}, late_by=late))
    house.clock.advance(3 * 3600)

    sweeps = [Scheduler(house.writer, house.clock).sweep() for _ in range(3)]
    await asyncio.gather(*sweeps)

    timers = {
        str(key): (f"timer:{row}", status) for row, key, status in house.rows("SELECT id, key, status FROM timer")
    }
    assert {key: status for key, (_, status) in timers.items() if key.startswith("t")} == {
        "t1": "fired",
        "t2": "cancelled",
    }
    assert fired.count(timers["t1"][0]) == 1
    assert timers["t2"][0] not in fired


async def test_a_page_larger_than_a_batch_shares_one_transaction_with_its_last_act(house: House) -> None:
    page = [said(str(number)) for number in range(150)]
    others = [house.writer.accept(said(f"other {number}")) for number in range(10)]
    *_, seen = await asyncio.gather(*others, house.writer.accept_page(page, lambda _: len(house.heard())))

    assert seen == 0  # nothing of the page was committed before its act ran
    assert len(house.heard()) == 160


async def test_an_act_of_a_page_that_raises_leaves_the_events_stored(house: House) -> None:
    def refuse(_: object) -> None:
        raise RuntimeError("no")

    house.steps["2"] = explode
    with pytest.raises(RuntimeError, match="no"):
        await house.writer.accept_page([said(str(number)) for number in range(4)], refuse)
    assert house.heard() == ["0", "1", "3"]
    assert house.rows("SELECT status FROM inbox WHERE key = 'test:msg:2'") == [("failed",)]


async def test_an_empty_page_is_its_act_alone(house: House) -> None:
    assert await house.writer.accept_page([], lambda work: work.cause) == "runtime"


async def test_timers_of_a_start_are_planned_at_every_start(house: House) -> None:
    for _ in range(2):
        scheduler = Scheduler(house.writer, house.clock, starts=["tagging.start"])
        await scheduler.start()
        await scheduler.stop()
        house.clock.advance(1)

    assert house.rows("SELECT name, count(*) FROM timer WHERE name = 'tagging.start' GROUP BY name") == [
        ("tagging.start", 2)
    ]
