"""导入: lines staged outside the books, then entered in one short transaction, set by set.

Natural keys decide what is new: members by unionid, external_userid or phone, products by sku, orders by source and
number. What is there already stays as it is, so the same file twice changes nothing the second time.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, delete, func, insert, literal, select, update

from storage import import_people, names
from storage.db import Db
from storage.rows import Rows
from storage.shop import order_refunds, orders
from storage.sql import Insert, Sql
from storage.tables import (
    Identity,
    ImportField,
    ImportRow,
    ImportRun,
    ImportTag,
    Member,
    MemberTag,
    Order,
    OrderRefund,
    Tag,
)

_R = ImportRow.__table__  # type: ignore[attr-defined]
_G = ImportTag.__table__  # type: ignore[attr-defined]
_F = ImportField.__table__  # type: ignore[attr-defined]
_I = Identity.__table__  # type: ignore[attr-defined]
_M = Member.__table__  # type: ignore[attr-defined]
_MT = MemberTag.__table__  # type: ignore[attr-defined]
_T = Tag.__table__  # type: ignore[attr-defined]
_O = Order.__table__  # type: ignore[attr-defined]
_W = OrderRefund.__table__  # type: ignore[attr-defined]

CHANNELS = ("unionid", "wecom", "phone")
# Which of a line's ids is whose: its member, three identities, a transfer, an order, a word of consent.
TRANSFER, ORDER, WIDTH = 4, 5, import_people.CONSENT + 1
BASIC = "basic"

runs = Rows(ImportRun)
_STAGE, _STAGE_TAG, _STAGE_FIELD = Insert(ImportRow), Insert(ImportTag), Insert(ImportField)
_MINE = _R.c.run_id == bindparam("run")
_NEW = _R.c.member_id == _R.c.base_id
_NOW = bindparam("now", type_=_M.c.created_at.type)
_SOURCE = literal("import")


def _named(channel: str) -> Any:
    return (_I.c.channel == channel) & (_I.c.external_id == _R.c[channel])


def _stands_for_another(channel: str) -> Any:
    return (_R.c[channel] != "") & select(_I.c.id).where(_named(channel), _I.c.member_id != _R.c.member_id).exists()


# Who became known between the checking of the file and now.
_SETTLE = [
    Sql(
        update(_R)
        .where(_MINE, _stands_for_another(channel))
        .values(member_id=select(_I.c.member_id).where(_named(channel)).scalar_subquery())
    )
    for channel in CHANNELS
]
_TORN = [Sql(select(_R.c.line).where(_MINE, _stands_for_another(channel)).limit(50)) for channel in CHANNELS]
_SHARED = Sql(
    select(func.max(_R.c.line)).where(_MINE).group_by(_R.c.member_id).having(func.count() > 1).limit(50)
)  # fmt: skip
_ADD_MEMBERS = Sql(
    insert(_M).from_select(
        ["id", "name", "avatar", "gender", "tier", "created_at"],
        select(_R.c.base_id, _R.c.name, literal(""), literal(0), _R.c.tier, _R.c.at).where(_MINE, _NEW),
    )
)


def _add_names(*where: Any) -> list[Sql]:
    """The names that stand for nobody yet, one statement a channel."""
    return [
        Sql(
            insert(_I).from_select(
                ["id", "channel", "external_id", "member_id", "evidence", "created_at"],
                select(
                    _R.c.base_id + literal(place, _R.c.base_id.type), literal(channel), _R.c[channel], _R.c.member_id,
                    _SOURCE, _NOW,
                ).where(_MINE, _R.c[channel] != "", ~select(_I.c.id).where(_named(channel)).exists(), *where),
            )
        )
        for place, channel in enumerate(CHANNELS, 1)
    ]  # fmt: skip


_ADD_NAMES = _add_names()
_ADD_BUYERS_NAMES = _add_names(_NEW)  # several orders name one buyer: the first of them makes them known
_KNOWN = (_MINE, _R.c.member_id == _M.c.id, ~_NEW)
_FILL = [
    Sql(
        update(_M)
        .where(
            _M.c[name] == empty,
            _M.c.id.in_(select(_R.c.member_id).where(_MINE, ~_NEW, _R.c[name] != empty)),
        )
        .values({name: select(_R.c[name]).where(*_KNOWN).scalar_subquery()})
    )
    for name, empty in (("name", ""), ("tier", BASIC))
]
_TAG = Sql(
    insert(_MT).from_select(
        ["member_id", "group_name", "name", "source", "by", "tagged_at"],
        select(_R.c.member_id, _G.c.group_name, _G.c.name, _SOURCE, literal(""), _NOW)
        .join(_G, (_G.c.run_id == _R.c.run_id) & (_G.c.line == _R.c.line))
        .where(
            _MINE,
            ~select(_MT.c.name).where(
                _MT.c.member_id == _R.c.member_id, _MT.c.group_name == _G.c.group_name, _MT.c.name == _G.c.name,
                _MT.c.source == _SOURCE,
            ).exists(),
        ),
    )
)  # fmt: skip
# A tag that a shop's own file names is one that its people may use.
_OFFER_TAGS = Sql(
    insert(_T).from_select(
        ["group_name", "name", "made_by", "made_at"],
        select(_G.c.group_name, _G.c.name, _SOURCE, _NOW).distinct().where(
            _G.c.run_id == bindparam("run"),
            ~select(_T.c.name).where(_T.c.group_name == _G.c.group_name, _T.c.name == _G.c.name).exists(),
        ),
    )
)  # fmt: skip
_THERE = select(_O.c.id).where(_O.c.source == _R.c.source, _O.c.order_no == _R.c.code).exists()
_ADD_ORDERS = Sql(
    insert(_O).from_select(
        ["id", "source", "order_no", "member_id", "amount_fen", "refunded_fen", "items", "store", "paid_at",
         "created_at"],
        select(
            _R.c.base_id + literal(ORDER, _R.c.base_id.type), _R.c.source, _R.c.code, _R.c.member_id, _R.c.amount,
            literal(0), literal("[]"), _R.c.place, _R.c.at, _NOW,
        ).where(_MINE, ~_THERE),
    )
)  # fmt: skip
_LINES = Sql(select(*_R.columns).where(_MINE).order_by(_R.c.line))
_PLACES = Sql(select(_R.c.place).where(_MINE, _R.c.place != "").distinct())
_WAITING = Sql(
    select(_W.c.id, _O.c.id)
    .join(_O, (_O.c.source == _W.c.source) & (_O.c.order_no == _W.c.order_no))
    .join(_R, (_R.c.source == _O.c.source) & (_R.c.code == _O.c.order_no))
    .where(_MINE, _W.c.applied == 0)
    .order_by(_W.c.id)
)
_UP_TO = bindparam("line", type_=_R.c.line.type)
_DROP = [Sql(delete(table).where(table.c.run_id == bindparam("run"), table.c.line <= _UP_TO)) for table in (_R, _G, _F)]
_NEXT = Sql(select(func.min(_R.c.line)).where(_MINE))


def stage(
    db: Db, row: ImportRow, tags: Sequence[tuple[str, str]], fields: Sequence[tuple[str, str]] = ()
) -> None:  # fmt: skip
    """Keep a checked line."""
    db.add(_STAGE, [getattr(row, name) for name in _STAGE.columns])
    for group, name in tags:
        db.add(_STAGE_TAG, (row.run_id, row.line, group, name))
    for name, value in fields:
        db.add(_STAGE_FIELD, (row.run_id, row.line, name, value))


def lines(db: Db, run_id: int) -> list[ImportRow]:
    """All lines of a run, for kinds that are entered one by one."""
    names = _R.columns.keys()
    return [ImportRow(**dict(zip(names, row, strict=True))) for row in db.all(_LINES, run=run_id)]


def settle_members(db: Db, run_id: int, *, once: bool) -> list[int]:
    """Let every line mean the member whom its names stand for now; the lines that cannot be entered: their names stand
    for different members, or (`once`) another line means the same one."""
    for sql in _SETTLE:
        db.run(sql, run=run_id)
    found = {row[0] for sql in _TORN for row in db.all(sql, run=run_id)}
    if once:
        found |= {row[0] for row in db.all(_SHARED, run=run_id)}
    return sorted(found)


def add_members(db: Db, run_id: int, now: datetime) -> int:
    """Make the members who are new, with all names; fill what was empty of those who are not. How many are new."""
    new = db.run(_ADD_MEMBERS, run=run_id)
    for sql in (*_ADD_NAMES, *_FILL, _TAG, _OFFER_TAGS):
        db.run(sql, run=run_id, now=now)
    names.take_in(db, run_id, now)
    import_people.take_in(db, run_id, now)
    return new


def add_orders(db: Db, run_id: int, now: datetime) -> int:
    """Enter the orders that are not there, and their buyers; how many."""
    db.run(_ADD_MEMBERS, run=run_id)
    for sql in _ADD_BUYERS_NAMES:
        db.run(sql, run=run_id, now=now)
    names.take_in(db, run_id, now)
    return db.run(_ADD_ORDERS, run=run_id, now=now)


def places(db: Db, run_id: int) -> list[str]:
    """The stores that a run's orders name."""
    return sorted(row[0] for row in db.all(_PLACES, run=run_id))


def waiting_refunds(db: Db, run_id: int) -> list[tuple[OrderRefund, Order]]:
    """Refunds that waited for an order of this run, oldest first."""
    found = []
    for refund_id, order_id in db.all(_WAITING, run=run_id):
        refund, order = order_refunds.one(db, id=refund_id), orders.one(db, id=order_id)
        assert refund is not None
        assert order is not None
        found.append((refund, order))
    return found


def drop(db: Db, run_id: int, most: int) -> bool:
    """Forget some `most` lines of a run; whether there are more."""
    first = db.one(_NEXT, run=run_id)
    if first is None or first[0] is None:
        return False
    for sql in _DROP:
        db.run(sql, run=run_id, line=first[0] + most)
    return True
