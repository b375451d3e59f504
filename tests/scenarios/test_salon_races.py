"""沙龙: several processes at one salon: a small run of `python -m tests.salons`, and two moments of it by hand."""

from __future__ import annotations

import asyncio
import itertools

import pytest

from bot.ids import SeededChance
from bot.router import load_plays
from bot.texts import Texts
from bot.writer import Writer
from handlers.dispatch import Dispatcher
from storage import salons, stock
from storage.engine import Database
from storage.tables import SalonSeat
from tests.conftest import NOON
from tests.fakes import start_bot
from tests.salons import make, run, say


@pytest.mark.slow
def test_more_people_than_seats_from_two_processes(database_url: str) -> None:
    found, line = run(database_url, salons=6, processes=2)

    assert found == [], line
    assert line.startswith("6 salons, 60 people")


async def test_batches_that_want_the_same_salons_crosswise_wait_and_need_no_second_run(database_url: str) -> None:
    await make(database_url, 2)
    async with start_bot(database_url, NOON, {"points": 0}, {"salon": {}}) as one:
        two = Writer(Database(database_url), Dispatcher(load_plays(["salon"], {})), one.clock, SeededChance(9), Texts())
        two.start()
        numbers = itertools.count()
        try:
            for _ in range(8):
                forth = [say(one, f"a{next(numbers)}", f"报名 {no}") for no in ("S1", "S2") * 4]
                back = [say(one, f"b{next(numbers)}", f"报名 {no}", two) for no in ("s2", "１") * 4]
                await asyncio.gather(*forth, *back)
        finally:
            await two.stop()

        turns = one.writer.stats["events"] + two.stats["events"]
        assert (turns, one.writer.stats["reruns"], two.stats["reruns"]) == (128, 0, 0)
        places = [row[0] for row in one.rows("SELECT place FROM salon_seat ORDER BY salon_id, place")]
        assert places == [*range(1, 65)] * 2


async def test_a_seat_given_up_is_kept_for_who_began_to_wait_at_that_very_moment(database_url: str) -> None:
    await make(database_url, 1)
    async with start_bot(database_url, NOON, {"points": 0}, {"salon": {}}) as bot:
        for who in ("p1", "p2", "p3"):
            await say(bot, who, "报名 S1")
        (salon_id, member_id), *_ = bot.rows("SELECT salon_id, max(member_id) + 100000 FROM salon_seat GROUP BY 1")
        other = bot.database.writer_db()  # another process: its turn has found no seat and will wait
        other.begin()
        place = salons.next_place(other, salon_id)
        assert not stock.take(other, salons.stock_name(salon_id))
        salons.seats.add(other, SalonSeat(
            id=member_id, salon_id=salon_id, member_id=member_id, status="waiting", place=place, token="T", points=0,
            paid_key="", checkout_id=None, by="", offered_until=None, made_at=NOON, changed_at=NOON, attended_at=None,
        ))  # fmt: skip
        leaving = asyncio.create_task(say(bot, "p1", "取消报名 S1"))
        await asyncio.sleep(0.3)
        other.commit()
        other.close()
        await leaving

        assert bot.rows("SELECT status FROM salon_seat ORDER BY place") == [
            ("cancelled",), ("confirmed",), ("confirmed",), ("offered",),
        ]  # fmt: skip
