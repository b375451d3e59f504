"""库存: what can run out is never given twice, whoever asks at the same moment."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from storage import stock
from storage.db import Db
from storage.engine import Database
from storage.faults import is_conflict


def open_one(database: Database, total: int) -> None:
    db = database.writer_db()
    db.begin()
    stock.open_stock(db, "gift", total)
    db.commit()
    db.close()


def test_a_stock_keeps_its_sum_through_every_step(db: Db) -> None:
    stock.open_stock(db, "gift", 3)
    steps: list[tuple[Callable[[Db, str], bool], bool, tuple[int, int, int]]] = [
        (stock.reserve, True, (2, 1, 0)),
        (stock.take, True, (1, 1, 1)),
        (stock.commit, True, (1, 0, 2)),
        (stock.commit, False, (1, 0, 2)),
        (stock.release, False, (1, 0, 2)),
        (stock.give_back, True, (2, 0, 1)),
        (stock.reserve, True, (1, 1, 1)),
        (stock.reserve, True, (0, 2, 1)),
        (stock.reserve, False, (0, 2, 1)),
        (stock.take, False, (0, 2, 1)),
        (stock.release, True, (1, 1, 1)),
    ]
    for step, succeeds, (remaining, reserved, taken) in steps:
        assert step(db, "gift") is succeeds
        found = stock.find(db, "gift")
        assert found is not None
        assert (found.remaining, found.reserved, found.taken) == (remaining, reserved, taken)
    db.commit()


def test_a_stock_that_exists_is_not_filled_up_by_opening_it_again(db: Db) -> None:
    stock.open_stock(db, "gift", 1)
    assert stock.take(db, "gift")
    stock.open_stock(db, "gift", 1)

    assert not stock.take(db, "gift")
    db.commit()


def test_an_unknown_stock_gives_nothing(db: Db) -> None:
    assert not stock.take(db, "nothing")
    assert stock.find(db, "nothing") is None


@pytest.mark.parametrize("total", [1, 100, 399])
def test_four_writers_at_once_never_take_more_than_there_is(database: Database, total: int) -> None:
    open_one(database, total)
    taken, start = [0] * 4, threading.Barrier(4)

    def take_often(place: int) -> None:
        db = database.writer_db()
        start.wait()
        for _ in range(100):
            while True:
                try:
                    db.begin()
                    got = stock.take(db, "gift")
                    db.commit()
                    break
                except Exception as error:
                    db.rollback()
                    if not is_conflict(error):
                        raise
            taken[place] += got
        db.close()

    threads = [threading.Thread(target=take_often, args=(place,)) for place in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(taken) == total
