"""One hot row beside many: python -m bench.promotions [--db sqlite|postgresql] [--events 4000] [--rounds 3].

The same work twice in one run: cuts on ONE bargain at a time beside cuts spread over 1,000 bargains (writer, play,
commit); pieces of ONE stock beside pieces of 1,000 stocks (writer, conditional update, commit). The ratio should
stay below 1.5.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from bench.callbacks import a_database
from bot.clock import SystemClock
from bot.events import Address, TextReceived
from bot.ids import SystemChance
from bot.router import load_plays
from bot.texts import Texts
from bot.turn import Work
from bot.writer import Writer
from handlers.dispatch import Dispatcher
from scenarios.bargain import Drive
from storage import drives, stock
from storage.engine import Database
from storage.tables import Bargain

IN_FLIGHT, MANY = 32, 1_000
NUMBERS = itertools.count()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--events", type=int, default=4_000)
    parser.add_argument("--rounds", type=int, default=3)
    return parser.parse_args()


def a_code(number: int) -> str:
    """A code that no two bargains share; only digits, as codes are read."""
    return f"{number // 10_000:04d}-{number % 10_000:04d}"


def bargains(count: int, cuts: int, *, in_turn: bool) -> Callable[[Work], list[str]]:
    """So many open bargains, each with room for `cuts`; what to say to cut them, one after the other or in turn."""

    def put(work: Work) -> list[str]:
        rules = Drive(sku="A", start_fen=cuts * 100, floor_fen=0, cuts=cuts, helps_per_member=1000)
        said = []
        for _ in range(count):
            number = next(NUMBERS)
            drives.bargains.add(work.db, Bargain(
                id=work.ids.next(), code=a_code(number), campaign_id=number, member_id=1, seed="s",
                rules=rules.model_dump_json(), start_fen=cuts * 100, floor_fen=0, price_fen=cuts * 100, needed=cuts,
                cuts=0, status="open", checkout_id=None, deadline=work.now + timedelta(days=1), opened_at=work.now,
            ))  # fmt: skip
            said.append(f"帮砍 {a_code(number)}")
        return said * cuts if in_turn else [word for word in said for _ in range(cuts)]

    return put


def stocks(count: int, total: int) -> Callable[[Work], list[str]]:
    """So many stocks of `total` pieces; their names."""

    def put(work: Work) -> list[str]:
        names = [f"bench:{next(NUMBERS)}" for _ in range(count)]
        for name in names:
            stock.open_stock(work.db, name, total)
        return names

    return put


async def say(writer: Writer, words: str) -> None:
    """Somebody new says it."""
    number = next(NUMBERS)
    await writer.accept(TextReceived(
        key=f"bench:{number}", source="bench", at=datetime.now(UTC), sender=Address("wecom", f"wmBench{number}"),
        text=words, msg_id=str(number),
    ))  # fmt: skip


async def grab(writer: Writer, name: str) -> None:
    """Take one piece."""
    if not await writer.call(lambda work: stock.take(work.db, name)):
        raise SystemExit(f"{name} ran out")


Act = Callable[[Writer, str], Awaitable[None]]


async def rate(writer: Writer, act: Act, things: list[str], count: int) -> float:
    """Acts a second, `IN_FLIGHT` at once."""
    left = itertools.islice(itertools.cycle(things), count)

    async def work() -> None:
        for thing in left:
            await act(writer, thing)

    began = time.perf_counter()
    await asyncio.gather(*[work() for _ in range(IN_FLIGHT)])
    return count / (time.perf_counter() - began)


async def measure(url: str, given: argparse.Namespace) -> None:
    """Hot and spread in turns, median of the rounds."""
    database = Database(url)
    database.migrate()
    writer = Writer(database, Dispatcher(load_plays(["bargain"], {})), SystemClock(), SystemChance(), Texts())
    writer.start()
    count = given.events
    scenes: dict[str, tuple[Act, Any, Any]] = {
        "cuts": (say, bargains(-(-count // 200), 200, in_turn=False),
                 bargains(MANY, -(-count // MANY), in_turn=True)),
        "stock": (grab, stocks(1, count), stocks(MANY, -(-count // MANY))),
    }  # fmt: skip
    for name, (act, *scene) in scenes.items():
        rates: dict[str, list[float]] = {"hot": [], "spread": []}
        for _ in range(given.rounds):
            for kind, put in zip(rates, scene, strict=True):
                rates[kind].append(await rate(writer, act, await writer.call(put), count))
        hot, spread = (statistics.median(rates[kind]) for kind in ("hot", "spread"))
        print(f"{name:6} hot {hot:7.0f}/s   spread over {MANY} rows {spread:7.0f}/s")
        print(f"{name} spread/hot = {spread / hot:.2f}")
    done = await writer.call(lambda work: len(drives.cuts.all(work.db)))
    if done != count * given.rounds * 2:
        raise SystemExit(f"{done} cuts were made of {count * given.rounds * 2}")
    await writer.stop()
    database.close()


if __name__ == "__main__":
    chosen = arguments()
    with a_database(chosen.db) as where:
        asyncio.run(measure(where, chosen))
