"""竞争 races: `python -m tests.races [--claims 1000] [--processes 4] [--without-guard]`: rivals in processes of their
own.

Every rival opens the same database, waits for the others, then makes its share of the claims, each in a transaction
of its own as the writer would on its exact road. Printed is what was got beside what there was; ends with 1 when
they differ. Without its guard each race must go wrong: `--without-guard` shows that the race can see it.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

from storage import community, coupons, drives, stock
from storage.coupons import Voucher
from storage.db import Db
from storage.engine import Database
from storage.faults import is_conflict
from storage.ids import Ids
from storage.tables import Bargain, BargainCut, Team
from tests.conftest import NOON
from tests.postgres import SCHEMA_FREE, postgres_url, why_not

LATER = NOON.replace(year=2027)
SEATS, CUTS = 7, 9


@dataclass(frozen=True)
class Race:
    """`prepare` sets the scene, `claim` tries once (True = got it), `there` is how many can be got.

    `naive` does the same without its guard: look first, then write.
    """

    prepare: Callable[[Db], None]
    claim: Callable[[Db, int], bool]
    naive: Callable[[Db, int], bool]
    there: int


def _write(db: Db, sql: str, *values: Any) -> None:
    """A plain statement, for what the house itself never does."""
    mark = "?" if db.dialect == "sqlite" else None
    text = sql if mark else "".join(f"${sql[:at].count('?') + 1}" if c == "?" else c for at, c in enumerate(sql))
    db.connection.cursor().execute(text, list(values))


def _look(db: Db, name: str) -> int:
    found = stock.find(db, name)
    assert found is not None
    time.sleep(0.0005)  # as long as a rule takes
    return found.remaining


def _naive_stock(db: Db, number: int) -> bool:
    left = _look(db, "sku:A")
    if left < 1:
        return False
    _write(db, "UPDATE stock SET remaining = ?, taken = total - ? WHERE name = 'sku:A'", left - 1, left - 1)
    return True


def _team(db: Db) -> None:
    drives.teams.add(db, Team(id=1, code="T", campaign_id=1, leader_id=1, rules="{}", size=SEATS, held=0, paid=0,
                              status="open", deadline=LATER, opened_at=NOON, settled_at=None))  # fmt: skip


def _naive_seat(db: Db, number: int) -> bool:
    team = drives.teams.one(db, id=1)
    assert team is not None
    time.sleep(0.0005)
    if team.held + team.paid >= team.size:
        return False
    return drives.teams.change(db, {"held": team.held + 1}, id=1) == 1


def _bargain(db: Db) -> None:
    drives.bargains.add(db, Bargain(
        id=1, code="B", campaign_id=1, member_id=1, rules="{}", seed="s", start_fen=CUTS, floor_fen=0, price_fen=CUTS,
        needed=CUTS, cuts=0, status="open", checkout_id=None, deadline=LATER, opened_at=NOON,
    ))  # fmt: skip


def _cut(db: Db, number: int) -> bool:
    """A cut as the play makes it: the place that was read is the guard; who comes second reads again."""
    while True:
        bargain = drives.bargains.one(db, id=1)
        assert bargain is not None
        if bargain.cuts >= bargain.needed:
            return False
        plus = {"price_fen": -1, "cuts": 1}
        if drives.bargains.change(db, {}, plus=plus, id=1, cuts=bargain.cuts, status="open"):
            place = bargain.cuts
            row = BargainCut(id=number + 10, bargain_id=1, helper_id=number, place=place, cut_fen=1, cut_at=NOON)
            drives.cuts.add(db, row)
            return True


def _naive_cut(db: Db, number: int) -> bool:
    bargain = drives.bargains.one(db, id=1)
    assert bargain is not None
    time.sleep(0.0005)
    if bargain.cuts >= bargain.needed:
        return False
    return drives.bargains.change(db, {"price_fen": bargain.price_fen - 1, "cuts": bargain.cuts + 1}, id=1) == 1


def _coupon(db: Db) -> None:
    coupons.issue(db, Voucher(1, "C", "t", 1, 1, "active", NOON, LATER))


def _use(db: Db, number: int) -> bool:
    return coupons.reserve(db, 1, number + 10, 100, NOON)


def _naive_use(db: Db, number: int) -> bool:
    voucher = coupons.by_code(db, "C")
    assert voucher is not None
    time.sleep(0.0005)
    if voucher.status != "active":
        return False
    _write(db, "UPDATE coupon SET status = 'reserved', checkout_id = ? WHERE id = 1", number + 10)
    return True


def _help_once(db: Db, number: int) -> bool:
    """One helper, many taps: the unique key of (bargain, helper)."""
    if drives.cuts.one(db, bargain_id=1, helper_id=5) is not None:
        return False
    time.sleep(0.0005)
    drives.cuts.add(db, BargainCut(id=number + 10, bargain_id=1, helper_id=5, place=number, cut_fen=1, cut_at=NOON))
    return True


def _settle(db: Db, number: int) -> bool:
    """The timer and a sweep settle one team together."""
    return drives.expire(db, 1, LATER)


def _naive_settle(db: Db, number: int) -> bool:
    team = drives.teams.one(db, id=1)
    assert team is not None
    time.sleep(0.0005)
    return team.status == "open" and drives.teams.change(db, {"status": "expired"}, id=1) == 1


def _link_code(db: Db) -> None:
    community.open_code(db, 1, "AAAA-BBBB", 1, LATER, NOON)


def _link(db: Db, number: int) -> bool:
    return community.use_code(db, "AAAA-BBBB", str(number), NOON) is not None


def _naive_link(db: Db, number: int) -> bool:
    mark = "?" if db.dialect == "sqlite" else "$1"
    cursor = db.connection.cursor()
    cursor.execute(f"SELECT count(*) FROM link_code WHERE id = {mark} AND ended_at IS NULL", [1])
    (there,) = cursor.fetchone()
    time.sleep(0.0005)
    if there:
        _write(db, "UPDATE link_code SET used_by = ?, ended_at = made_at WHERE id = 1", str(number))
    return bool(there)


def _stock_of(total: int) -> Race:
    return Race(
        lambda db: stock.open_stock(db, "sku:A", total), lambda db, _: stock.take(db, "sku:A"), _naive_stock, total
    )


RACES = {
    "stock of 1": _stock_of(1),
    "stock of 100": _stock_of(100),
    "stock of 999": _stock_of(999),
    "last seats": Race(_team, lambda db, _: drives.hold_seat(db, 1, NOON), _naive_seat, SEATS),
    "last cuts": Race(_bargain, _cut, _naive_cut, CUTS),
    "one coupon": Race(_coupon, _use, _naive_use, 1),
    "one helper": Race(_bargain, _help_once, _help_once, 1),
    "one link code": Race(_link_code, _link, _naive_link, 1),
    "one settlement": Race(_team, _settle, _naive_settle, 1),
}


def rival(url: str, name: str, numbers: range, start: Barrier, got: Any, naive: bool) -> None:
    """One process: its share of the claims."""
    database = Database(url)
    db, race, won = database.writer_db(), RACES[name], 0
    db.exact = True
    if naive and db.dialect == "postgresql":
        db.connection.isolation_level = 2  # READ COMMITTED, as it comes
    start.wait()
    for number in numbers:
        won += _claim(db, race, number, naive)
    got.put(won)
    db.close()
    database.close()


def _claim(db: Db, race: Race, number: int, naive: bool) -> bool:
    while True:
        try:
            if not naive or db.dialect != "sqlite":
                db.begin()
            won = (race.naive if naive else race.claim)(db, number)
            db.commit()
        except Exception as error:
            db.rollback()
            if not is_conflict(error) and "locked" not in str(error):
                raise
        else:
            return won


def run(url: str, name: str, claims: int, processes: int, *, naive: bool = False) -> int:
    """How many claims were granted."""
    database = Database(url)
    database.migrate()
    db = database.writer_db()
    db.begin()
    Ids(db)
    RACES[name].prepare(db)
    if naive:
        _drop_guards(db, name)
    db.commit()
    db.close()
    database.close()
    context = multiprocessing.get_context("spawn")
    start, got = context.Barrier(processes), context.Queue()
    share = claims // processes
    rivals = [
        context.Process(target=rival, args=(url, name, range(n * share, (n + 1) * share), start, got, naive))
        for n in range(processes)
    ]
    for one in rivals:
        one.start()
    won: int = sum(got.get(timeout=300) for _ in rivals)
    for one in rivals:
        one.join()
    return won


def _drop_guards(db: Db, name: str) -> None:
    """Where a constraint of the schema is the guard, take it away."""
    if name == "one helper":
        if db.dialect == "sqlite":
            _write(db, "DROP TABLE bargain_cut")
            _write(db, "CREATE TABLE bargain_cut (id INTEGER PRIMARY KEY, bargain_id BIGINT, helper_id BIGINT, "
                       "place BIGINT, cut_fen BIGINT, cut_at BIGINT)")  # fmt: skip
        else:
            _write(db, "ALTER TABLE bargain_cut DROP CONSTRAINT bargain_cut_key")


def main() -> int:
    """Every race on every database that there is."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--claims", type=int, default=1000)
    parser.add_argument("--processes", type=int, default=4)
    parser.add_argument("--without-guard", action="store_true")
    given = parser.parse_args()
    wrong = 0
    for kind in ["sqlite"] if why_not() else ["sqlite", "postgresql"]:
        for name, race in RACES.items():
            began = time.monotonic()
            if kind == "sqlite":
                with tempfile.TemporaryDirectory() as home:
                    url = f"sqlite:///{Path(home) / 'x.db'}"
                    won = run(url, name, given.claims, given.processes, naive=given.without_guard)
            else:
                with SCHEMA_FREE.schema() as schema:
                    url = postgres_url(schema)
                    won = run(url, name, given.claims, given.processes, naive=given.without_guard)
            exact = won == min(race.there, given.claims)
            wrong += exact == given.without_guard
            took = time.monotonic() - began
            sys.stdout.write(
                f"{kind:10} {name:15} granted {won:4} of {race.there:4} {'exact' if exact else 'WRONG'} {took:5.1f} s\n"
            )
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
