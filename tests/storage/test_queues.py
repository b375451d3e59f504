"""Outbox and timers: in order, once, and taken over when their holder dies."""

from __future__ import annotations

from datetime import timedelta

import pytest

from storage import outbox, timers
from storage.db import Db
from storage.ids import Ids
from storage.outbox import Call
from tests.storage.conftest import NOW

LATER = NOW + timedelta(seconds=30)


def owe(db: Db, ids: Ids, subject: str = "", **changed: object) -> int:
    row = Call(ids.next(), "message/send", "default", subject, "{}", 0, "pending", 0, 0, "test", None, None, NOW, NOW,
               None, None, None)._replace(**changed)  # type: ignore[arg-type] # fmt: skip
    outbox.add(db, row)
    return row.id


def leased(db: Db, limit: int = 10) -> list[int]:
    return [row.id for row in outbox.lease(db, "default", NOW, LATER, limit)]


def test_of_one_subject_only_the_oldest_is_handed_out(db: Db, ids: Ids) -> None:
    first, second, free = owe(db, ids, "lina"), owe(db, ids, "lina"), owe(db, ids)

    assert leased(db) == [first, free]
    assert leased(db) == []
    assert outbox.settle(db, first, "sent", NOW)
    assert leased(db) == [second]
    db.commit()


def test_a_row_put_back_keeps_the_ones_behind_it_waiting(db: Db, ids: Ids) -> None:
    first, _second = owe(db, ids, "lina"), owe(db, ids, "lina")
    assert leased(db) == [first]

    assert outbox.retry(db, first, NOW + timedelta(seconds=5), "busy")

    assert leased(db) == []
    assert outbox.next_due(db, "default") == NOW
    db.commit()


def test_a_dead_senders_rows_are_taken_back_when_its_lease_ends(db: Db, ids: Ids) -> None:
    row = owe(db, ids)
    assert leased(db) == [row]

    assert outbox.free_orphans(db, LATER - timedelta(seconds=1)) == 0
    assert outbox.free_orphans(db, LATER) == 1

    (again,) = outbox.lease(db, "default", NOW, LATER, 1)
    assert (again.id, again.attempts) == (row, 2)
    db.commit()


def test_whoever_lost_the_lease_settles_nothing(db: Db, ids: Ids) -> None:
    row = owe(db, ids)
    leased(db)
    outbox.free_orphans(db, LATER)

    assert not outbox.settle(db, row, "sent", NOW)
    assert not outbox.retry(db, row, NOW, "x")
    db.commit()


def test_a_try_that_was_none_is_not_counted(db: Db, ids: Ids) -> None:
    row = owe(db, ids)
    leased(db)
    outbox.retry(db, row, NOW, "rate limit", untried=True)
    (again,) = outbox.lease(db, "default", NOW, LATER, 1)

    assert again.attempts == 1
    outbox.retry(db, row, NOW, "a bug", blamed=True)
    (again,) = outbox.lease(db, "default", NOW, LATER, 1)
    assert (again.attempts, again.faults) == (2, 1)
    db.commit()


def test_what_is_given_up_says_why(db: Db, ids: Ids) -> None:
    owe(db, ids, "lina")
    owe(db, ids, "lina")

    assert outbox.suppress(db, "lina", "opted out", NOW) == 2
    assert not outbox.is_open(db, "lina")
    db.commit()


def test_timers_come_due_in_order_and_are_closed_once(db: Db, ids: Ids) -> None:
    for minutes in (3, 1, 2, 60):
        timers.add(db, ids.next(), f"in {minutes}", "x", {}, NOW + timedelta(minutes=minutes), NOW)
    due = timers.due(db, NOW + timedelta(minutes=5), 10)

    assert [(row.due_at - NOW).seconds // 60 for row in due] == [1, 2, 3]
    assert timers.close(db, due[0].id, "fired", NOW)
    assert not timers.close(db, due[0].id, "fired", NOW)
    db.commit()


def test_a_timer_set_twice_keeps_its_first_time(db: Db, ids: Ids) -> None:
    for minutes in (1, 2):
        timers.add(db, ids.next(), "once", "x", {}, NOW + timedelta(minutes=minutes), NOW)

    assert timers.next_due(db) == NOW + timedelta(minutes=1)
    assert timers.cancel(db, "once", NOW)
    assert not timers.cancel(db, "once", NOW)
    assert timers.next_due(db) is None
    db.commit()


@pytest.mark.parametrize("rows", [10_000])
def test_a_long_history_does_not_slow_the_question_for_what_is_due(db: Db, ids: Ids, rows: int) -> None:
    """Asked of the planner, not of the clock: the index of open rows is used, not the table."""
    for number in range(rows):
        owe(db, ids, done_at=NOW, status="sent", subject=f"s{number}")
    owe(db, ids)
    db.commit()
    db.begin()

    plan = outbox._DUE.on(db.dialect)
    word = "EXPLAIN QUERY PLAN " if db.dialect == "sqlite" else "EXPLAIN "
    cursor = db.connection.cursor()
    cursor.execute(word + plan.text, plan.values({"lane": "default", "now": NOW, "limit": 5}))
    said = " ".join(str(row) for row in cursor.fetchall())

    assert "outbox_open" in said
    assert "SCAN outbox'" not in said
    assert len(leased(db)) == 1
    db.commit()
