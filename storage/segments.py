"""人群 segments: rules by name, and who fits one now. A rule is compiled once; what is asked often is kept ready."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple

from sqlalchemy import Connection, func, or_, select

from storage import lunar, rfm, staff, tables
from storage.db import Db
from storage.follows import OPEN
from storage.rows import Rows
from storage.segment_rule import LOST_DAYS, NEW_DAYS, RFM_DAYS, SLEEPING_DAYS, Facts, Rule
from storage.segment_sql import Asked, Binder, amount, bounds, span, steps, table_of
from storage.sql import one_of
from storage.tables import Segment
from storage.types import ZONE

segments = Rows(Segment)

MEMBER, TAG, FOLLOW, FIELD, COUPON, CONSENT, ORDERS, STORE, STAFF = map(
    table_of,
    (tables.Member, tables.MemberTag, tables.Follow, tables.MemberField, tables.Coupon, tables.Consent, tables.Order,
     tables.Store, tables.Staff),
)  # fmt: skip
TOPIC = "marketing"
OF_STORE = ("guide", "manager")  # roles whose segments are their store's


def _tags(asked: Asked, facts: Facts) -> None:
    for of in facts.tags:
        t = TAG.alias()
        over = t.c.expires_at.is_(None) | (t.c.expires_at > asked.bind.now(t.c.expires_at))
        asked.among(
            t.c.member_id, over, t.c.group_name == asked.bind.value(t.c.group_name, of.group),
            asked.bind.any(t.c.name, of.any),
        )  # fmt: skip


def _tiers(asked: Asked, facts: Facts) -> None:
    if facts.tiers:
        asked.where.append(asked.bind.any(asked.member.c.tier, facts.tiers))


def _stages(asked: Asked, facts: Facts) -> None:
    if not facts.stages:
        return
    s, joined = asked.stats(needed=not {"new", "prospect"} & {*facts.stages}), asked.member.c.created_at
    newcomer = asked.bind.ago(joined, NEW_DAYS)
    slept, lost = asked.bind.ago(s.last_paid_at, SLEEPING_DAYS), asked.bind.ago(s.last_paid_at, LOST_DAYS)
    is_in = {
        "new": s.member_id.is_(None) & (joined >= newcomer),
        "prospect": s.member_id.is_(None) & (joined < newcomer),
        "first": (s.orders == 1) & (s.last_paid_at >= slept),
        "repeat": (s.orders > 1) & (s.last_paid_at >= slept),
        "sleeping": (s.last_paid_at < slept) & (s.last_paid_at >= lost),
        "lost": s.last_paid_at < lost,
    }
    chosen = [is_in[stage] for stage in sorted({*facts.stages})]
    asked.where.append(or_(*chosen))


def _orders(asked: Asked, facts: Facts) -> None:
    if facts.last_order:
        span(asked, asked.stats(needed=True).last_paid_at, facts.last_order)
    if facts.orders:
        amount(asked, "orders", facts.orders)
    if facts.spend_fen:
        amount(asked, "spend_fen", facts.spend_fen)
    if facts.stores:
        o = ORDERS.alias()
        asked.among(
            o.c.member_id, o.c.refunded_fen < o.c.amount_fen, asked.bind.any(asked.bind.plain(o.c.store), facts.stores)
        )


def _store_types(asked: Asked, facts: Facts) -> None:
    """Of the type of the store that the member bought at last."""
    if not facts.store_types:
        return
    o, later, s = ORDERS.alias(), ORDERS.alias(), STORE.alias()
    last = (
        select(later.c.id)
        .where(later.c.member_id == o.c.member_id, later.c.refunded_fen < later.c.amount_fen, later.c.store != "")
        .order_by(later.c.paid_at.desc(), later.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    typed = select(s.c.code).where(asked.bind.any(s.c.type, facts.store_types))
    asked.among(o.c.member_id, o.c.id == last, o.c.store.in_(typed))


def _rfm(asked: Asked, facts: Facts) -> None:
    if not facts.rfm:
        return
    late, bind = asked.lately(RFM_DAYS, needed=True), asked.bind
    now = bind.now(late.last_paid_at)
    cells = {
        # A moment is the later the larger: within 30 days lies above 30 days ago.
        "r": steps(late.last_paid_at, [rfm.days_before(now, rfm.edge("r", n)) for n in (4, 3, 2, 1)]),
        "f": steps(late.orders, [rfm.edge("f", n) for n in range(1, 5)]),
        "m": steps(late.spend_fen, [rfm.edge("m", n) for n in range(1, 5)]),
    }
    for name, cell in cells.items():
        if wanted := getattr(facts.rfm, name):
            asked.where.append(or_(*[cell == number for number in sorted({*wanted})]))


def _follows(asked: Asked, facts: Facts) -> None:
    f = FOLLOW.alias()
    if facts.channels:
        asked.among(f.c.member_id, asked.bind.any(asked.bind.plain(f.c.state), facts.channels))
    if facts.guides:
        by = asked.bind.any(asked.bind.plain(f.c.userid), facts.guides)
        asked.among(f.c.member_id, by, f.c.status == "active")


def _in_store(asked: Asked, code: str) -> None:
    """The rule of sight: whom somebody of the store follows, now."""
    f, s = FOLLOW.alias(), STAFF.alias()
    colleagues = select(s.c.userid).where(s.c.store_id == asked.bind.value(s.c.store_id, code))
    asked.among(f.c.member_id, one_of(asked.bind.plain(f.c.status), OPEN), f.c.userid.in_(colleagues))


def birthdays(today: date, days: int) -> list[str]:
    """The birthdays (MM-DD, and those by the moon) met from today on for so many days; 29 February on the 28th where
    there is none."""
    met = [today + timedelta(days=ahead) for ahead in range(days + 1)]
    found = {name for day in met for name in (f"{day:%m-%d}", *lunar.met(day))}
    leapless = any((day.month, day.day) == (2, 28) and (day + timedelta(days=1)).month == 3 for day in met)
    return sorted(found | {"02-29"} if leapless else found)


def _birthday(asked: Asked, facts: Facts) -> None:
    if facts.birthday is None:
        return
    column = asked.profile().birthday
    if (days := facts.birthday.within_days) is not None:
        asked.where.append(asked.bind.any_later(column, lambda _, today: birthdays(today, days)))
    else:
        months = sorted({*(facts.birthday.months or [])})
        asked.where.append(asked.bind.any_later(column, lambda _, today: _in_months(today.year, months)))


def _in_months(year: int, months: list[int]) -> list[str]:
    """The birthdays met in these months: those by the moon as they fall this year."""
    found = {f"{m:02}-{d:02}" for m in months for d in range(1, 32)}
    for month in months:
        begin = date(year, month, 1)
        days = ((begin + timedelta(days=31)).replace(day=1) - begin).days
        found |= {name for ahead in range(days) for name in lunar.met(begin + timedelta(days=ahead))}
    return sorted(found)


def _held(asked: Asked, facts: Facts) -> None:
    if facts.points:
        bounds(asked, asked.points(), facts.points.least, facts.points.most)
    if facts.coupons:
        c = COUPON.alias()
        asked.among(
            c.c.member_id, asked.bind.any(asked.bind.plain(c.c.template), facts.coupons), c.c.status == "active",
            c.c.closed_at.is_(None), asked.bind.plain(c.c.expires_at) > asked.bind.now(c.c.expires_at),
        )  # fmt: skip


def _told(asked: Asked, facts: Facts) -> None:
    for of in facts.fields:
        f = FIELD.alias()
        asked.among(f.c.member_id, f.c.name == asked.bind.value(f.c.name, of.name), asked.bind.any(f.c.value, of.any))
    if facts.joined:
        span(asked, asked.member.c.created_at, facts.joined)
    c = CONSENT.alias()
    if facts.consent == "none":
        said = select(c.c.member_id).where(c.c.member_id == asked.member.c.id, c.c.topic == TOPIC)
        asked.where.append(~said.exists())
    elif facts.consent:
        asked.among(c.c.member_id, c.c.topic == TOPIC, c.c.state == facts.consent)


PARTS: tuple[Callable[[Asked, Facts], None], ...] = (
    _tags, _tiers, _stages, _orders, _store_types, _rfm, _follows, _birthday, _held, _told
)  # fmt: skip


def _asked(facts: Facts, binder: Binder) -> Asked:
    asked = Asked(MEMBER.alias(), binder)
    for part in PARTS:
        part(asked, facts)
    return asked


class Chosen(NamedTuple):
    """A rule compiled: `ids` selects who fits (windowed: those with ids in (:after, :upto]), `binder` knows its
    values, `member` is the table it walks."""

    ids: Any
    binder: Binder
    member: Any

    def given(self, now: datetime) -> dict[str, Any]:
        """The rule's values as of a moment."""
        return self.binder.given(now, now.astimezone(ZONE).date())


@lru_cache(maxsize=256)
def compiled(rule_json: str, *, windowed: bool = False) -> Chosen:
    """The rule of some JSON, compiled once."""
    rule, binder = Rule.model_validate_json(rule_json), Binder(windowed=windowed)
    asked = _asked(rule, binder)
    if rule.within_store:
        _in_store(asked, rule.within_store)
    asked.where += binder.inside(asked.member.c.id)
    for facts in rule.exclude:
        out = _asked(facts, binder)
        out.where.append(out.member.c.id == asked.member.c.id)
        asked.where.append(~out.select(out.member.c.id).exists())
    return Chosen(asked.select(asked.member.c.id), binder, asked.member)


Within = Callable[[Any], Any]  # of whom the asker may know, by a column of member ids


def count(connection: Connection, rule: Rule, now: datetime, within: Within | None = None) -> int:
    """How many fit now, of those `within` the asker's sight."""
    chosen = compiled(rule.model_dump_json())
    ids = chosen.ids if within is None else chosen.ids.where(within(chosen.member.c.id))
    asked = select(func.count()).select_from(ids.subquery())
    return int(connection.execute(asked, chosen.given(now)).scalar_one())


def page(
    connection: Connection, rule: Rule, now: datetime, after: int, most: int, within: Within | None = None
) -> list[Any]:  # fmt: skip
    """Rows (id, name, tier) of up to `most` who fit now, by id, beyond the member `after`."""
    chosen = compiled(rule.model_dump_json())
    member = chosen.member.c
    asked = chosen.ids.with_only_columns(member.id, member.name, member.tier).where(member.id > after)
    if within is not None:
        asked = asked.where(within(member.id))
    return list(connection.execute(asked.order_by(member.id).limit(most), chosen.given(now)))


def shared(db: Db, row: Segment) -> bool:
    """Whether a segment is the whole brand's: nobody of a store made it."""
    maker = staff.find(db, row.made_by)
    return maker is None or maker.role not in OF_STORE
