"""过一年 living: opens the shop, lives the days, counts what is there."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from bot.clock import ZONE, FrozenClock
from bot.ids import SeededChance
from bot.runtime import Edges, Runtime
from bot.settings import Settings
from console import showroom
from console.year import seasons, trace
from console.year.days import Days
from console.year.dice import Dice
from console.year.opening import Brand
from console.year.people import Crowd
from console.year.platform import Platform
from console.year.world import WIDE, World
from console.year.writing import NoThreads, SameThread
from storage.engine import Database

BRAND = Path(__file__).with_name("brand.toml")
MONTH = 30
COUNTED = {
    "member": "会员", "inbox": "事件", "shop_order": "订单", "transfer": "流水", "coupon": "券", "outbox": "外发",
    "timer": "定时",
}  # fmt: skip
Progress = Callable[[date, int, int], None]
Wire = Callable[[Settings, Edges], Runtime]


@dataclass(frozen=True)
class Year:
    """What is to be lived: how many members come, from which seed, from which day on, for how long."""

    members: int
    seed: int
    first: date
    days: int = 365


def refuse(database: Database) -> str:
    """Why nothing can be lived on this database, "" when it can: there must be nothing in it."""
    with database.engine.connect() as connection:
        there = [name for name in ("member", "inbox") if connection.exec_driver_sql(
            f'SELECT 1 FROM "{name}" LIMIT 1').first()]  # noqa: S608 - names of ours  # fmt: skip
    if there:
        return "数据库里已经有数据，一年要从空库开始过：换一个 SIYU_DATABASE__URL（例如 sqlite:///data/year.db），或先把旧库移走"
    return ""


def dressed(settings: Settings) -> Settings:
    """The settings as they are, made whole for a bot that nobody calls: a key for the door that stays shut, the
    newcomers' coupon as the shop's own template has it."""
    known = {item["name"] for item in showroom.read()["coupon_templates"]}
    table = settings.scenarios.get("sign_up", {})
    gifts = [{**gift, "valid_days": 0} if gift.get("template") in known else gift for gift in table.get("coupons", [])]
    app = settings.wecom.app.model_copy(update={"encoding_aes_key": SecretStr("A" * 43)})
    return settings.model_copy(update={
        "scenarios": {**settings.scenarios, "sign_up": {**table, "coupons": gifts}},
        "wecom": settings.wecom.model_copy(update={"app": app}),
    })  # fmt: skip


async def live(settings: Settings, wire: Wire, year: Year, tell: Progress) -> tuple[dict[str, int], str]:
    """Live a year on an empty, migrated database; what is there at its end, and the hash of its trace."""
    words = _words(year)
    world, days, shop = _made(dressed(settings), wire, year, words)
    runtime = world.runtime
    asyncio.get_running_loop().set_default_executor(NoThreads())
    runtime.writer.start()
    try:
        await shop.open()
        comers = seasons.comers(year.first, year.days, year.members)
        for number, count in enumerate(comers):
            day = year.first + timedelta(days=number)
            if number % MONTH == 0:
                await world.until(_morning(day))
                await shop.month(number // MONTH)
                await days.tell_birthdays()
            await days.day(day, count)
            tell(day, len(days.crowd.all), world.orders)
        await world.until(_morning(year.first + timedelta(days=year.days)))
        counts = {name: world.count(name) for name in COUNTED}
        return counts, await asyncio.to_thread(trace.sha256, runtime.database)
    finally:
        await runtime.writer.stop()
        await runtime.model.close()
        await runtime.wecom.close()
        runtime.database.close()


def _words(year: Year) -> dict[str, Any]:
    """What the brand is made of; a small one has fewer people at work."""
    words = tomllib.loads(BRAND.read_text(encoding="utf-8"))
    words["guides"] = words["guides"][: max(2, year.members // 500)]
    return words


def _morning(day: date) -> datetime:
    return datetime.combine(day, time(0, 5), tzinfo=ZONE).astimezone(UTC)


def _made(settings: Settings, wire: Wire, year: Year, words: dict[str, Any]) -> tuple[World, Days, Brand]:
    clock = FrozenClock(_morning(year.first) - timedelta(minutes=5))
    platform = Platform(clock, SeededChance(year.seed + 2), [guide["userid"] for guide in words["guides"]])
    runtime = wire(settings, Edges(clock, SeededChance(year.seed), platform, WIDE, SameThread))
    world, dice = World(runtime, clock, platform), Dice(SeededChance(year.seed + 1))
    crowd, shop = Crowd(dice, words, year.seed), Brand(world, words, settings.plays, year.members)
    return world, Days(world, crowd, dice, words), shop
