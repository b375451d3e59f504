"""How long it takes to find a member: python -m bench.finding [--members 1000000] [--db postgresql].

Names as WeChat has them, 2,000 members a guide, 10 guides a store, phone tails for most. Every search beside the scan
that it replaces, in one run; memory before and after; the plans that the database makes.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

from sqlalchemy import text

from bench.callbacks import a_database
from bench.growth import contact
from storage import finding, follows, members, names
from storage.db import Db
from storage.engine import Database
from storage.ids import Ids

CHUNK, PER_GUIDE, PER_STORE = 5_000, 2_000, 10
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕苏卢蒋蔡贾丁魏薛叶阎"
GIVEN = "明晓丽华伟芳娜敏静强磊军洋勇艳杰娟涛超霞平刚桂英文辉玲红梅兰云飞雪晨宇轩浩然梓涵欣怡子萱诗雨佳琪思远志国建新"
TAILS = ("女士", "先生", "小姐姐", "同学", "老师", "妈妈", "🎉", "🌸", " Lily", "的茶", "~")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--db", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--members", type=int, default=1_000_000)
    parser.add_argument("--searches", type=int, default=300)
    return parser.parse_args()


def name(number: int) -> str:
    """A nickname: often a full name, sometimes more, sometimes something in front."""
    chance = random.Random(number)
    made = chance.choice(SURNAMES) + "".join(chance.choice(GIVEN) for _ in range(chance.choice((1, 2, 2))))
    if chance.random() < 0.4:
        made += chance.choice(TAILS)
    return chance.choice(("A", "小", "🍵")) + made if chance.random() < 0.1 else made


def guide(number: int) -> str:
    return f"guide{number:05d}"


def plant(database: Database, count: int) -> float:
    """Members with names, guides and phone tails; seconds."""
    db, now = database.writer_db(), datetime.now(UTC) - timedelta(days=30)
    ids, started = Ids(db), time.monotonic()
    for start in range(0, count, CHUNK):
        db.begin()
        for number in range(start, min(start + CHUNK, count)):
            person = members.create(db, ids, ("wecom", contact(number)), "bench", now)
            follows.opened(db, ids, person, contact(number), guide(number // PER_GUIDE), "active", "live", now)
            members.set_profile(db, person, name(number), "", 0)
            if number % 5:
                names.learn_tail(db, person.id, f"{number % 10_000:04d}", "import", now)
        db.commit()
    db.close()
    with database.engine.connect() as connection:
        connection.exec_driver_sql("ANALYZE")
        connection.commit()
    return time.monotonic() - started


def timed(searches: list[Callable[[], object]]) -> str:
    """Median and 99 % of some searches, and the most CPU that one took in this process, in milliseconds."""
    took, busy = [], []
    for search in searches:
        started, worked = time.perf_counter(), time.thread_time()
        search()
        took.append((time.perf_counter() - started) * 1000)
        busy.append((time.thread_time() - worked) * 1000)
    took.sort()
    p99 = took[int(len(took) * 0.99)]
    return f"median {statistics.median(took):7.2f} ms   p99 {p99:7.2f} ms   most CPU {max(busy):7.2f} ms"


def scan(db: Db, database: Database, piece: str) -> object:
    """What stands in the index's place: every name is looked at."""
    with database.engine.connect() as connection:
        asked = text("SELECT id FROM member WHERE name LIKE :p AND merged_into IS NULL LIMIT 7")
        return connection.execute(asked, {"p": f"%{piece}%"}).all()


def kinds(db: Db, database: Database, count: int) -> dict[str, Callable[[int], object]]:
    """Searches by kind; each gets a member who is there to be found."""
    guides = -(-count // PER_GUIDE)

    def own(number: int) -> list[str]:
        return [guide(number // PER_GUIDE)]

    def store(number: int) -> list[str]:
        first = number // PER_GUIDE // PER_STORE * PER_STORE
        return [guide(one) for one in range(first, min(first + PER_STORE, guides))]

    def piece(number: int, size: int) -> str:
        return names.searched(name(number))[:size]

    return {
        "own, two letters": lambda n: finding.by_name(db, piece(n, 2), own(n)[0], own(n), 7),
        "own, phone tail": lambda n: finding.by_tail(db, f"{n % 10_000:04d}", own(n), 7),
        "own, nobody: nearest": lambda n: finding.nearest(db, piece(n, 1) + "某某", own(n)[0], own(n), 3),
        "store, two letters": lambda n: finding.by_name(db, piece(n, 2), own(n)[0], store(n), 7),
        "store, whole name": lambda n: finding.by_name(db, name(n), own(n)[0], store(n), 7),
        "store, phone tail": lambda n: finding.by_tail(db, f"{n % 10_000:04d}", store(n), 7),
        "everybody, two letters": lambda n: finding.by_name(db, piece(n, 2), "boss", None, 7),
        "everybody, whole name": lambda n: finding.by_name(db, name(n), "boss", None, 7),
        "everybody, nobody: nearest": lambda n: finding.nearest(db, piece(n, 1) + "某某", "boss", None, 3),
        "everybody, phone tail": lambda n: finding.by_tail(db, f"{n % 10_000:04d}", None, 7),
        "a scan of all names, found early": lambda n: scan(db, database, piece(n, 2)),
        "a scan of all names, nobody there": lambda n: scan(db, database, "某某某"),
    }


def plans(database: Database) -> None:
    """How the database means to find them."""
    asked = {
        "a piece of a name": "SELECT member_id FROM member_name WHERE part >= '晓明' AND part < '晓昏' LIMIT 20",
        "a phone's tail": "SELECT member_id FROM phone_tail WHERE tail = '8000' LIMIT 7",
    }
    with database.engine.connect() as connection:
        for what, sql in asked.items():
            explain = "EXPLAIN QUERY PLAN " if database.dialect == "sqlite" else "EXPLAIN "
            rows = connection.exec_driver_sql(explain + sql).all()
            print(f"  {what}: {' / '.join(str(row[-1]).strip() for row in rows)}")


def sizes(database: Database) -> str:
    """What finding costs on the disk."""
    with database.engine.connect() as connection:
        rows = connection.exec_driver_sql("SELECT count(*) FROM member_name").scalar()
        if database.dialect == "postgresql":
            size = connection.exec_driver_sql(
                "SELECT pg_total_relation_size('member_name') + pg_total_relation_size('phone_tail')"
            ).scalar()
            return f"{rows} parts of names, {int(size or 0) >> 20} MB with the tails"
        return f"{rows} parts of names"


def anonymous_mb() -> int:
    """What the process holds besides mapped files."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("RssAnon")) >> 10


def main() -> None:
    """Plant, search, print."""
    given = arguments()
    with a_database(given.db) as url:
        database = Database(url)
        database.migrate()
        print(f"{given.members} members planted in {plant(database, given.members):.0f} s: {sizes(database)}")
        plans(database)
        db, chance = database.writer_db(), random.Random(7)
        before = anonymous_mb()
        db.begin()
        for what, search in kinds(db, database, given.members).items():
            chosen = [chance.randrange(given.members) for _ in range(given.searches)]
            print(f"  {what:34} {timed([lambda n=n, s=search: s(n) for n in chosen])}")  # type: ignore[misc]
        db.commit()
        print(f"memory of this process, without the mapped file: {before} MB before, {anonymous_mb()} MB after")
        db.close()
        database.close()


if __name__ == "__main__":
    main()
