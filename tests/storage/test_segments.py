"""人群: whoever a rule means is chosen and nobody else, on both databases, whole or window by window."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from pydantic import ValidationError
from sqlalchemy import Connection, text

from storage import rfm, segments
from storage.engine import Database
from storage.segment_rule import read
from storage.segments import birthdays
from storage.types import to_microseconds
from tests.storage.conftest import NOW

PEOPLE = 90
DAY = timedelta(days=1)


@dataclass
class Someone:
    """A member as a rule may ask about them."""

    id: int
    tier: str
    joined: datetime
    tags: set[tuple[str, str]] = field(default_factory=set)
    orders: list[tuple[datetime, int, int, str]] = field(default_factory=list)  # paid, amount, refunded, store
    states: set[str] = field(default_factory=set)
    guides: set[str] = field(default_factory=set)
    birthday: str = ""
    points: int = 0
    coupons: set[str] = field(default_factory=set)
    fields: dict[str, str] = field(default_factory=dict)
    consent: str = ""

    def bought(self, days: int = 9_999) -> list[tuple[datetime, int, int, str]]:
        return [order for order in self.orders if order[1] > order[2] and order[0] >= NOW - days * DAY]

    def spent(self, days: int = 9_999) -> int:
        return sum(order[1] - order[2] for order in self.bought(days))

    @property
    def last(self) -> datetime | None:
        return max((order[0] for order in self.bought()), default=None)

    @property
    def stage(self) -> str:
        if self.last is None:
            return "new" if self.joined >= NOW - 30 * DAY else "prospect"
        if self.last < NOW - 365 * DAY:
            return "lost"
        return "sleeping" if self.last < NOW - 90 * DAY else "first" if len(self.bought()) == 1 else "repeat"


def somebody(number: int) -> Someone:
    """Everything about a member follows from their number."""
    chance = random.Random(number)
    someone = Someone(number, chance.choice(["basic", "silver", "gold"]), NOW - chance.randint(0, 60) * DAY)
    someone.tags = {("兴趣", name) for name in ("茶", "酒") if chance.random() < 0.4}
    someone.tags |= {("渠道", "门店")} if chance.random() < 0.5 else set()
    for _ in range(chance.choice([0, 0, 1, 2, 4])):
        amount = chance.randint(1, 400) * 1_000
        refunded = chance.choice([0, 0, 0, amount // 2, amount])
        someone.orders.append((NOW - chance.randint(0, 500) * DAY - DAY / 2, amount, refunded, chance.choice("AB")))
    someone.states = {chance.choice(["live", "store", ""])} if chance.random() < 0.8 else set()
    someone.guides = {chance.choice(["lina", "wang"])} if someone.states and chance.random() < 0.8 else set()
    someone.birthday = f"{chance.randint(1, 12):02}-{chance.randint(1, 28):02}" if chance.random() < 0.7 else ""
    someone.birthday = "02-29" if number == 7 else someone.birthday
    someone.points = chance.choice([0, 0, 50, 500])
    someone.coupons = {"满减"} if chance.random() < 0.3 else set()
    someone.fields = {"肤质": chance.choice(["油", "干"])} if chance.random() < 0.5 else {}
    someone.consent = chance.choice(["", "", "in", "out"])
    return someone


RULES: list[tuple[dict[str, Any], Callable[[Someone], bool]]] = [
    ({}, lambda _: True),
    ({"tags": [{"group": "兴趣", "any": ["茶", "酒"]}, {"group": "渠道", "any": ["门店"]}]},
     lambda m: bool({("兴趣", "茶"), ("兴趣", "酒")} & m.tags) and ("渠道", "门店") in m.tags),
    ({"exclude": [{"tags": [{"group": "兴趣", "any": ["茶"]}]}, {"tiers": ["gold"], "points": {"least": 1}}]},
     lambda m: ("兴趣", "茶") not in m.tags and not (m.tier == "gold" and m.points)),
    ({"tiers": ["gold", "silver"]}, lambda m: m.tier != "basic"),
    *[({"stages": [stage]}, lambda m, stage=stage: m.stage == stage)
      for stage in ("new", "prospect", "first", "repeat", "sleeping", "lost")],
    ({"stages": ["new", "repeat"]}, lambda m: m.stage in ("new", "repeat")),
    ({"last_order": {"within_days": 200, "not_within_days": 60}},
     lambda m: m.last is not None and NOW - 200 * DAY <= m.last < NOW - 60 * DAY),
    ({"last_order": {"since": (NOW - 90 * DAY).isoformat(), "until": NOW.isoformat()}},
     lambda m: m.last is not None and m.last >= NOW - 90 * DAY),
    ({"orders": {"least": 2, "most": 3}}, lambda m: 2 <= len(m.bought()) <= 3),
    ({"orders": {"most": 1}}, lambda m: len(m.bought()) <= 1),
    ({"orders": {"least": 1, "within_days": 100}}, lambda m: len(m.bought(100)) >= 1),
    ({"orders": {"most": 0, "within_days": 100}, "spend_fen": {"least": 1}},
     lambda m: not m.bought(100) and m.spent() > 0),
    ({"spend_fen": {"least": 100_000, "within_days": 365}}, lambda m: m.spent(365) >= 100_000),
    ({"rfm": {"r": [4, 5]}}, lambda m: m.last is not None and m.last >= NOW - 60 * DAY),
    ({"rfm": {"r": [1], "f": [1, 2]}},
     lambda m: bool(m.bought(365)) and m.last is not None and m.last < NOW - 180 * DAY and len(m.bought(365)) < 3),
    ({"rfm": {"f": [3], "m": [5]}}, lambda m: len(m.bought(365)) in (3, 4) and m.spent(365) >= 300_000),
    ({"stores": ["A"]}, lambda m: any(order[3] == "A" for order in m.bought())),
    ({"store_types": ["商场店"]}, lambda m: bool(m.bought()) and max(m.bought())[3] == "A"),
    ({"channels": ["live"]}, lambda m: "live" in m.states),
    ({"guides": ["lina"]}, lambda m: "lina" in m.guides),
    ({"within_store": "S1"}, lambda m: "lina" in m.guides),
    ({"within_store": "S1", "guides": ["lina", "wang"], "points": {"least": 1}},
     lambda m: "lina" in m.guides and m.points > 0),
    ({"within_store": "S2", "exclude": [{"tiers": ["gold"]}]}, lambda m: "wang" in m.guides and m.tier != "gold"),
    ({"birthday": {"months": [2, 11]}}, lambda m: m.birthday[:2] in ("02", "11")),
    ({"birthday": {"within_days": 40}}, lambda m: m.birthday in birthdays(date(2026, 11, 11), 40)),
    ({"points": {"least": 50, "most": 100}}, lambda m: m.points == 50),
    ({"points": {"most": 0}}, lambda m: m.points == 0),
    ({"coupons": ["满减"]}, lambda m: bool(m.coupons)),
    ({"fields": [{"name": "肤质", "any": ["油"]}]}, lambda m: m.fields.get("肤质") == "油"),
    ({"joined": {"within_days": 20}}, lambda m: m.joined >= NOW - 20 * DAY),
    *[({"consent": said}, lambda m, said=said: m.consent == ("" if said == "none" else said))
      for said in ("in", "out", "none")],
    ({"tags": [{"group": "兴趣", "any": ["茶"]}], "orders": {"least": 1}, "points": {"most": 60}, "stores": ["A", "B"],
      "exclude": [{"consent": "out"}, {"orders": {"least": 1, "within_days": 100}}]},
     lambda m: ("兴趣", "茶") in m.tags and bool(m.bought()) and m.points <= 60 and m.consent != "out"
     and not m.bought(100)),
]  # fmt: skip


class Books:
    """Rows of a database, written plainly."""

    def __init__(self, connection: Connection) -> None:
        self._connection, self._next = connection, 10_000

    def add(self, table: str, **values: Any) -> int:
        if "id" in values and values["id"] is None:
            self._next += 1
            values["id"] = self._next
        if self._connection.dialect.name == "sqlite":
            values = {n: to_microseconds(v) if isinstance(v, datetime) else v for n, v in values.items()}
        names = ", ".join(f'"{name}"' for name in values)
        self._connection.execute(
            text(f'INSERT INTO "{table}" ({names}) VALUES ({", ".join(f":{name}" for name in values)})'), values
        )
        return self._next

    def someone(self, m: Someone) -> None:
        who = {"member_id": m.id}
        self.add("member", id=m.id, name=f"会员{m.id}", avatar="", gender=0, tier=m.tier, created_at=m.joined)
        for group, name in m.tags:
            self.add("member_tag", **who, group_name=group, name=name, source="import", by="", tagged_at=NOW)
        for at, amount, refunded, store in m.orders:
            number = self.add("shop_order", id=None, source="s", order_no=f"{m.id}-{self._next}", **who,
                              amount_fen=amount, refunded_fen=refunded, items="[]", store=store, paid_at=at,
                              created_at=at)  # fmt: skip
            if refunded:
                self.add("order_refund", id=None, source="s", refund_no=f"r{number}", order_no=f"{m.id}-{number - 1}",
                         amount_fen=refunded, applied=1, refunded_at=at)  # fmt: skip
        for state in m.states:
            guide, status = (min(m.guides), "active") if m.guides else ("gone", "left")
            self.add("follow", id=None, **who, external_userid=f"wm{m.id}", userid=guide, state=state, status=status,
                     remark="", followed_at=NOW, changed_at=NOW)  # fmt: skip
        if m.birthday:
            self.add("member_profile", **who, birthday=m.birthday, source="test", changed_at=NOW)
        if m.points:
            self.add("balance", account=f"member:{m.id}", asset="points", amount=m.points)
            self.add("points_lot", account=f"member:{m.id}", expires_at=NOW, amount=m.points)
            self.add("transfer", id=None, key=f"k{m.id}", debit="issuer", credit=f"member:{m.id}", asset="points",
                     amount=m.points, reason="", cause="", made_at=NOW)  # fmt: skip
        for template in m.coupons:
            grant = self.add("grant", id=None, campaign="x", **who, occurrence="", status="granted", channel="",
                             cause="", granted_at=NOW)  # fmt: skip
            self.add("coupon", id=None, code=f"C{m.id}", template=template, **who, grant_id=grant, status="active",
                     issued_at=NOW, expires_at=NOW + DAY, bearer="brand", liability_fen=0, discount_fen=0, store="",
                     used_by="")  # fmt: skip
        for name, value in m.fields.items():
            self.add("member_field", **who, name=name, value=value, source="test", changed_at=NOW)
        if m.consent:
            act = self.add("consent_act", id=None, **who, topic="marketing", state=m.consent, made_by="", channel="",
                           text_version="", cause="", made_at=NOW)  # fmt: skip
            self.add("consent", **who, topic="marketing", state=m.consent, act_id=act, changed_at=NOW)
            self.add(
                "touch",
                **who,
                seq=1,
                kind=m.consent,
                topic="marketing",
                source=f"consent:{act}",
                rule_id=0,
                day=0,
                minute=0,
                at=NOW,
            )


STATS = (
    "INSERT INTO member_stats SELECT member_id, count(*), sum(amount_fen - refunded_fen), min(paid_at), max(paid_at) "
    "FROM shop_order WHERE refunded_fen < amount_fen GROUP BY member_id"
)


def test_a_rule_chooses_whom_it_means_and_nobody_else(database: Database) -> None:
    people = [somebody(number) for number in range(1, PEOPLE + 1)]
    with database.engine.begin() as connection:
        books = Books(connection)
        for code, kind in (("A", "商场店"), ("B", "街边店")):
            books.add("store", code=code, name=code, franchise="", type=kind)
        for someone in people:
            books.someone(someone)
        books.add("member", id=PEOPLE + 1, name="", avatar="", gender=0, tier="gold", merged_into=1, created_at=NOW)
        for userid, store_id in (("lina", "S1"), ("wang", "S2"), ("gone", "S1")):
            told = {"made_by": "", "made_at": NOW, "changed_at": NOW}
            books.add("staff", userid=userid, name="", role="guide", store_id=store_id, status="active", **told)
        connection.execute(text(STATS))
    with database.engine.connect() as connection:
        for given, fits in RULES:
            rule = read(given)
            meant = [someone.id for someone in people if fits(someone)]
            assert [row.id for row in segments.page(connection, rule, NOW, 0, 1_000)] == meant, given
            assert segments.count(connection, rule, NOW) == len(meant), given
            chosen = segments.compiled(rule.model_dump_json(), windowed=True)
            found: list[int] = []
            for after in range(0, PEOPLE + 1, 30):
                bounds = chosen.given(NOW) | {"after": after, "upto": after + 30}
                found += sorted(connection.execute(chosen.ids, bounds).scalars())
            assert found == meant, given
            assert 0 < len(meant) < PEOPLE or given in ({},), (given, len(meant))


def test_cells_are_measured_by_the_scale_in_force(database: Database) -> None:
    people = [somebody(number) for number in range(1, PEOPLE + 1)]
    with database.engine.begin() as connection:
        books = Books(connection)
        for someone in people:
            books.someone(someone)
        connection.execute(text(STATS))
    db = database.writer_db()
    db.begin()
    assert rfm.current(db) == rfm.Scale()
    assert rfm.keep(db, rfm.Scale((10, 20, 30, 400), (2, 3, 4, 5), (1, 2, 3, 250_000)), rfm.THRESHOLDS, NOW)
    assert not rfm.keep(db, rfm.Scale((10, 20, 30, 400), (2, 3, 4, 5), (1, 2, 3, 250_000)), rfm.THRESHOLDS, NOW)
    assert rfm.current(db).m == (1, 2, 3, 250_000)
    db.commit()
    db.close()
    with database.engine.connect() as connection:
        for given, fits in (
            ({"r": [2]}, lambda m: bool(m.bought(365)) and m.last is not None and m.last < NOW - 30 * DAY),
            ({"f": [4]}, lambda m: len(m.bought(365)) == 4),
            ({"m": [5]}, lambda m: m.spent(365) >= 250_000),
        ):
            meant = [someone.id for someone in people if fits(someone)]
            found = segments.page(connection, read({"rfm": given}), NOW, 0, 1_000)
            assert [row.id for row in found] == meant
            assert meant


def test_quintiles_part_the_buyers_into_fifths(database: Database) -> None:
    with database.engine.begin() as connection:
        books = Books(connection)
        assert rfm.quintiles(connection, NOW) is None
        for number in range(1, 101):
            books.add("member", id=number, name="", avatar="", gender=0, tier="basic", created_at=NOW)
            books.add("shop_order", id=None, source="s", order_no=f"{number}", member_id=number,
                      amount_fen=number * 100, refunded_fen=0, items="[]", store="", created_at=NOW,
                      paid_at=NOW - number * DAY - DAY / 2)  # fmt: skip
        connection.execute(text(STATS))
    with database.engine.connect() as connection:
        scale = rfm.quintiles(connection, NOW)
    assert scale is not None
    assert scale.m == (2_100, 4_100, 6_100, 8_100)
    assert scale.r == (21, 41, 61, 81)
    assert scale.f == (2, 3, 4, 5)  # everybody bought once: nobody is above the lowest cell


@pytest.mark.parametrize(
    ("today", "days", "met", "missed"),
    [
        (date(2026, 2, 28), 0, "02-29", "03-01"), (date(2028, 2, 28), 0, "02-28", "02-29"),
        (date(2028, 2, 29), 0, "02-29", "02-28"), (date(2026, 12, 30), 3, "01-02", "01-03"),
        (date(2026, 2, 27), 1, "02-29", "03-01"),
    ],
)  # fmt: skip
def test_a_birthday_is_met_once_a_year_leap_day_and_new_year_included(
    today: date, days: int, met: str, missed: str
) -> None:
    assert met in birthdays(today, days)
    assert missed not in birthdays(today, days)


@pytest.mark.parametrize(
    "given",
    [
        {"tier": ["gold"]}, {"tags": [{"group": "兴趣"}]}, {"orders": {}}, {"orders": {"least": 3, "most": 2}},
        {"orders": {"least": "3"}}, {"birthday": {}}, {"exclude": [{}]}, {"last_order": {}}, {"tiers": []},
        {"joined": {"since": "2026-11-11T00:00:00"}}, {"exclude": [{"exclude": [{"tiers": ["gold"]}]}]},
    ],
)  # fmt: skip
def test_a_rule_that_cannot_be_meant_is_refused(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(given)
