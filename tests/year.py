"""一年的每一天: `python -m tests.year [--members 11] [--days 366] [--first 20280101] [--seed 7] [--db …]`: in four
zones, whether what comes once a day and what comes once a year does come so, to everybody, by their shops' days.

Members ask for the coupon of the day just after midnight, by day and just before the next midnight, in the hour that
comes twice too; their birthdays are 29 February, the days on which clocks are changed, the ends of the year, days on
which nothing ran. Time moves by the scheduler's sweeps; every 17th day the bot is away until the next morning. Days are
judged here by zoneinfo alone. Each zone is lived twice and must leave the same trace. Ends with 1 when something came
twice, or not, or on another day, or when the control (days of UTC in Shanghai) was not found out.
"""

from __future__ import annotations

import asyncio
import io
import sys
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import run as house
from bot.clock import ZONE, FrozenClock
from bot.ids import SeededChance
from bot.logs import set_up
from bot.runtime import Edges
from bot.settings import load
from bot.texts import Texts
from console import auditing
from console.imports.entering import Importer
from console.year import trace
from console.year.living import dressed
from console.year.people import Someone
from console.year.platform import Platform
from console.year.world import WIDE, World
from console.year.writing import NoThreads, SameThread
from storage.engine import Database
from tests.proofs import command, database

ZONES = ("UTC", "Asia/Shanghai", "America/New_York", "Australia/Lord_Howe")
HOME = "Asia/Shanghai"
PLAYS = ["consent", "sign_up", "points", "coupons", "purchase", "tier", "journey"]
BORN = ("02-29", "12-31", "01-01", "02-28", "03-12", "11-05", "04-02", "10-01", "03-01", "01-18", "02-04")
AWAY_EVERY = 17
LEVELS: list[dict[str, Any]] = [{"name": "金卡", "at_least": 100, "birthday_points": 200}]
DAILY: dict[str, Any] = {
    "name": "每日券", "kind": "cash", "value": 100, "threshold_fen": 1_000, "valid_days": 3, "stock": 1_000_000,
    "per_member": 1_000, "per_day": 1, "claimable": True,
}  # fmt: skip
NEWCOMERS: dict[str, Any] = {
    "name": "满100减20券", "kind": "cash", "value": 2_000, "threshold_fen": 10_000, "valid_days": 365,
}  # fmt: skip
RARELY = frozenset({"tier:birthday", "journey:birthday"})


@dataclass(frozen=True)
class Life:
    """Who lives where, for how long. `judged` is whose days count; another than `zone` is the control."""

    zone: str
    judged: str
    members: int
    first: date
    days: int
    seed: int

    def day(self, number: int) -> date:
        """A day by its number."""
        return self.first + timedelta(days=number)

    def away(self, day: date) -> bool:
        """Whether nothing runs from that morning to the next."""
        return day >= self.first and (day - self.first).days % AWAY_EVERY == AWAY_EVERY - 1

    def awake(self, number: int) -> list[datetime]:
        """The moments of a day at which the bot is there."""
        day, zone = self.day(number), ZoneInfo(self.judged)
        since = time(8) if self.away(day - timedelta(days=1)) else time()
        there = [] if self.away(day) else moments(day, zone)
        return [at for at in there if at.astimezone(zone).time() >= since]


def moments(day: date, zone: ZoneInfo) -> list[datetime]:
    """When members ask: near both midnights, at noon, and both times of an hour that comes twice."""
    at = [time(0, 0, 30), time(0, 20), time(8, 30), time(9, 50), time(12), time(23, 59, 30)]
    found = {datetime.combine(day, one, tzinfo=zone).astimezone(UTC) for one in at}
    for half_hours in range(8):
        once = datetime.combine(day, time(half_hours // 2, 30 * (half_hours % 2) + 5), tzinfo=zone)
        if once.utcoffset() != once.replace(fold=1).utcoffset():
            found |= {once.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}
    return sorted(found)


def kept_on(born: str, year: int) -> date:
    """The day of a year on which a birthday is kept."""
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    month, day = map(int, born.split("-"))
    return date(year, month, day) if leap or born != "02-29" else date(year, 2, 28)


def made(url: str, life: Life) -> World:
    """The whole bot on a clock that begins at the first midnight."""
    settings = dressed(load(Texts()))
    settings.database.url = url
    settings = settings.model_copy(update={"scenarios": {**settings.scenarios, "enabled": PLAYS}})
    ZONE.live_in(life.zone)
    clock = FrozenClock(datetime.combine(life.first, time(), tzinfo=ZoneInfo(life.judged)).astimezone(UTC))
    platform = Platform(clock, SeededChance(life.seed + 1), ["lina"])
    empty = Database(url)
    empty.migrate()
    empty.close()
    edges = Edges(clock, SeededChance(life.seed), platform, WIDE, SameThread)
    return World(house.wire(settings, edges), clock, platform)


async def begin(world: World, life: Life) -> list[Someone]:
    """The members come, buy once, and tell their birthdays."""
    tiers: dict[str, Any] = {"rules": {"review_months": 24, "levels": LEVELS}}
    there = [("coupon-templates", NEWCOMERS), ("coupon-templates", DAILY), ("tiers", tiers)]
    for act, body in there:
        status, answer = await world.ask(act, body)
        assert status < 300, answer
    people = [
        Someone(f"wm{n:04d}", f"会员{n}🎂", "lina", "live", f"o{n}", f"138{n:08d}", BORN[n % len(BORN)], 1)
        for n in range(life.members)
    ]
    await world.happen([world.joins(one) for one in people])
    await world.settle()
    await world.happen([world.pays({"external_userid": one.external_userid}, 500, []) for one in people])
    lines = "".join(f"{one.external_userid},{one.phone},{one.born}\n" for one in people)
    importer = Importer(world.runtime.writer, world.runtime.database, world.clock)
    file = io.BytesIO(f"external_userid,手机号,生日\n{lines}".encode())
    done = await importer.take("members", file, "test", lambda _stage, _rows: None)
    assert not done.report.wrong_count
    return people


async def live(url: str, life: Life) -> tuple[list[str], str, Counter[str]]:
    """What is not as it must be, the trace, and how much there was."""
    world = made(url, life)
    asyncio.get_running_loop().set_default_executor(NoThreads())
    world.runtime.writer.start()
    people = await begin(world, life)
    for number in range(life.days):
        for at in life.awake(number):
            await world.until(at)
            await world.happen([world.says(one, "领券 1") for one in people])
        await world.settle()
    await world.until(world.clock.now() + timedelta(hours=30))
    wrong, counts = judged(world, life, people)
    lines, violations = auditing.audit_lines(world.runtime.database, None)
    wrong += [line for line in lines if violations and "ok" not in line][:3]
    found = trace.sha256(world.runtime.database)
    await world.runtime.writer.stop()
    await world.runtime.model.close()
    world.runtime.database.close()
    return wrong, found, counts


def judged(world: World, life: Life, people: list[Someone]) -> tuple[list[str], Counter[str]]:
    """By local days of zoneinfo's own: one coupon a day that they asked on, one reward a birthday, one timer a day."""
    zone, wrong, counts = ZoneInfo(life.judged), list[str](), Counter[str]()
    asked = {life.day(n) for n in range(life.days) if not life.away(life.day(n))}
    for one in people:
        got = Counter(_day(at, zone) for (at,) in world.rows(COUPONS, who=one.external_userid))
        counts["daily"] += sum(got.values())
        wrong += [f"{one.name} {day}: {got[day]} coupons of the day" for day in asked if got[day] != 1]
        wrong += [f"{one.name} {day}: a coupon on a day without a word" for day in got if day not in asked]
        for campaign in sorted(RARELY):
            days = [_day(at, zone) for (at,) in world.rows(GRANTS, who=one.external_userid, campaign=campaign)]
            met = sorted(day for day in days if day < life.day(life.days))  # what comes after the life is not judged
            counts[campaign] += len(met)
            meant = sorted(_meant(one, life))
            if met != meant:
                wrong.append(f"{one.name} born {one.born}: {campaign} on {met} instead of {meant}")
    return wrong + _timers(world, life, counts), counts


COUPONS = ("SELECT c.issued_at FROM coupon c JOIN identity i ON i.member_id = c.member_id AND i.channel = 'wecom' "
           "WHERE i.external_id = :who AND c.template = '每日券'")  # fmt: skip
GRANTS = ('SELECT g.granted_at FROM "grant" g JOIN identity i ON i.member_id = g.member_id AND i.channel = \'wecom\' '
          "WHERE i.external_id = :who AND g.campaign = :campaign AND g.status = 'granted'")  # fmt: skip
TIMERS = "SELECT key, status FROM timer WHERE name = :name AND key LIKE :begins"


def _meant(one: Someone, life: Life) -> list[date]:
    """The days on which somebody's birthdays are met: the next one when nothing ran."""
    found = []
    for year in range(life.first.year, life.day(life.days).year + 1):
        day = kept_on(one.born, year)
        if life.first <= day < life.day(life.days):
            found.append(day + timedelta(days=life.away(day)))
    return found


def _timers(world: World, life: Life, counts: Counter[str]) -> list[str]:
    wrong = []
    for name in ("tier.birthday", "journey_day", "tier.review"):
        status = dict(world.rows(TIMERS, name=name, begins=f"{name}:%"))
        counts["timers"] += len(status)
        for number in range(life.days):
            key = f"{name}:{life.day(number)}"
            if status.get(key) != "fired":
                wrong.append(f"{key} is {status.get(key, 'not there')}")
    return wrong


def _day(moment: Any, zone: ZoneInfo) -> date:
    at = moment if isinstance(moment, datetime) else datetime.fromtimestamp(moment / 1_000_000, UTC)
    return at.astimezone(zone).date()


def once(kind: str, life: Life) -> tuple[list[str], str, Counter[str]]:
    """A life on a database of its own."""
    try:
        with database(kind) as url:
            return asyncio.run(live(url, life))
    finally:
        ZONE.live_in(HOME)


def run(url: str, members: int, days: int, first: int, seed: int) -> tuple[list[str], str]:
    """Four zones, each twice, and the control."""
    kind, begins, wrong, shown = url.split(":", maxsplit=1)[0], date.fromisoformat(str(first)), [], []
    for zone in ZONES:
        life = Life(zone, zone, members, begins, days, seed)
        found, left, counts = once(kind, life)
        again = once(kind, life)[1]
        wrong += [f"{zone}: {one}" for one in found]
        wrong += [f"{zone}: {left} and then {again}"] * (left != again)
        shown.append(f"{zone} {dict(counts)} {left[:16]}")
    caught = once(kind, Life("UTC", HOME, members, begins, min(days, 30), seed))[0]
    if not caught:
        wrong.append("control: days of UTC in Shanghai were not found out")
    return wrong, f"seed {seed}; " + "; ".join(shown) + f"; control caught {len(caught)}"


if __name__ == "__main__":
    set_up("ERROR", [])
    sys.exit(command(__doc__, {"members": 11, "days": 366, "first": 20280101, "seed": 7}, run))
