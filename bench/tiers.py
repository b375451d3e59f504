"""Reviews of levels and the preview of new rules with few and many members: python -m bench.tiers [--many 1000000].

One fifth of the members hold a level that is due. Windows of the review of the small and of the large database are
run in turns, then previews of other rules. At last the review goes on in the large one, a window a second as it does
at night, and a preview is asked, while others' events come in: what they wait for meanwhile.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import statistics
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import text

from bench import crowd
from bench.callbacks import a_database
from bench.freezing import others
from bench.growth import events
from bot.clock import SystemClock
from bot.events import TimerDue
from bot.ids import SystemChance
from bot.router import load_plays
from bot.settings import load
from bot.texts import Texts
from bot.turn import Work
from bot.writer import Writer
from console.tier_reads import preview
from handlers.dispatch import Dispatcher
from scenarios.tier_review import MORE, REVIEWED
from scenarios.tier_rules import Level, TierRules
from storage import tiers
from storage.engine import Database
from storage.tables import TierRule

LEVELS = [Level(name="silver", at_least=60_000), Level(name="gold", at_least=150_000)]
RULES = TierRules(levels=LEVELS, months=24)
OTHERS = RULES.model_copy(update={"months": 12})
WARM, MEASURED, BESIDE, MOST = 2, 6, 20, 20_000
HOLDERS = """INSERT INTO member_tier (member_id, level, card, card_until, stage, value, review_at, look_at, rule_id,
changed_at) SELECT id, tier, '', NULL, 'kept', 0, created_at, created_at, :rule, created_at FROM member
WHERE tier <> 'basic'"""
numbers = itertools.count()


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--few", type=int, default=10_000)
    parser.add_argument("--many", type=int, default=1_000_000)
    return parser.parse_args()


class Shop:
    """A bot whose members' levels are due."""

    def __init__(self, url: str, members: int) -> None:
        self.database, self.members = Database(url), members
        self.database.migrate()
        crowd.plant(self.database, members)
        settings = load(Texts())
        plays = load_plays(settings.plays, settings.play_tables)
        self.writer = Writer(self.database, Dispatcher(plays), SystemClock(), SystemChance(), Texts())

    async def open(self) -> None:
        """Start the writer and put the rules in force."""
        self.writer.start()
        rule_id = await self.writer.call(_rule)
        with self.database.engine.begin() as connection:
            connection.execute(text(HOLDERS), {"rule": rule_id})
        with self.database.engine.connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").exec_driver_sql("ANALYZE")

    async def window(self) -> float:
        """Microseconds a member of one window of the review."""
        number = next(numbers)
        began = time.perf_counter()
        await self.writer.accept(TimerDue(
            key=f"bench:{number}", source="timer", at=datetime.now(UTC), sender=None, timer_id=number, name=MORE,
            payload={},
        ))  # fmt: skip
        return (time.perf_counter() - began) / REVIEWED * 1e6

    async def preview(self) -> float:
        """Microseconds a member of one preview of other rules."""
        began = time.perf_counter()
        told = await asyncio.to_thread(self._preview)
        assert told["members"] >= self.members, told
        return (time.perf_counter() - began) / self.members * 1e6

    def _preview(self) -> dict[str, Any]:
        with self.database.engine.connect() as connection:
            return preview(connection, {"rules": OTHERS.model_dump()}, datetime.now(UTC))

    def looked_at(self) -> int:
        """How many have been reviewed."""
        with self.database.engine.connect() as connection:
            asked = text("SELECT count(*) FROM member_tier WHERE look_at > changed_at OR look_at IS NULL")
            return int(connection.execute(asked).scalar_one())


def _rule(work: Work) -> int:
    row = TierRule(id=work.ids.next(), rules=RULES.model_dump_json(), made_by="bench", made_at=work.now)
    tiers.rules.add(work.db, row)
    return row.id


async def reviewing(shop: Shop) -> None:
    """Window after window, a second apart as the review sets its timers."""
    for _ in range(BESIDE):
        await asyncio.gather(shop.window(), asyncio.sleep(1))


async def previewing(shop: Shop) -> None:
    """One preview after the other."""
    for _ in range(3):
        await shop.preview()


async def nothing(_shop: Shop) -> None:
    """As long as the review takes."""
    await asyncio.sleep(BESIDE)


async def beside(shop: Shop, work: Callable[[Shop], Awaitable[None]]) -> str:
    """What others wait for while `work` runs."""
    waits: list[float] = []
    stream = asyncio.create_task(others(shop.writer, events(MOST, 1), waits))
    await work(shop)
    stream.cancel()
    await asyncio.gather(stream, return_exceptions=True)
    waits.sort()
    p50, p99 = waits[len(waits) // 2] * 1000, waits[len(waits) * 99 // 100] * 1000
    return f"p50 {p50:6.1f} ms, p99 {p99:6.1f} ms, worst {waits[-1] * 1000:6.1f} ms of {len(waits)}"


async def measure(few: Shop, many: Shop) -> None:
    """Both in turns, then the large one with others beside."""
    shops = (few, many)
    for shop in shops:
        await shop.open()
    for what, act, warm, rounds in (
        ("review", Shop.window, WARM, MEASURED), ("preview", Shop.preview, 1, 3),
    ):  # fmt: skip
        seen: dict[int, list[float]] = {shop.members: [] for shop in shops}
        for _ in range(warm + rounds):
            for shop in shops:
                seen[shop.members].append(await act(shop))
        cost = {members: statistics.median(got[warm:]) for members, got in seen.items()}
        for members, each in cost.items():
            print(f"{what:7} {members:>9,} members: {each:8.1f} us a member")
        print(f"{what} many/few = {cost[many.members] / cost[few.members]:.2f}")
    for shop in shops:
        if (done := shop.looked_at()) != REVIEWED * (WARM + MEASURED):
            raise SystemExit(f"{done} of {REVIEWED * (WARM + MEASURED)} were reviewed among {shop.members}")
    for name, work in (("without", nothing), ("during a review", reviewing), ("during a preview", previewing)):
        print(f"others' events {name:16} {await beside(many, work)}", flush=True)
    for shop in shops:
        await shop.writer.stop()
        shop.database.close()


def main() -> None:
    """Two databases, measured in turns."""
    given = arguments()
    with a_database(given.db) as small, a_database(given.db) as large:
        shops = Shop(small, given.few), Shop(large, given.many)
        asyncio.run(measure(*shops))


if __name__ == "__main__":
    main()
