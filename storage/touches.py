"""触达 touches: one person's history of marketing, each entry with a number of its own.

A message is counted by the very statement that finds it allowed: it takes the person's next number, and whoever else
takes that number at the same time (another message, their 退订) waits for the other's commit and then finds it gone.
So no two processes pass one cap, and nothing is sent after a refusal that was committed before.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, func, literal, null, select, update
from sqlalchemy.dialects import postgresql, sqlite

from storage.db import Db
from storage.ids import Ids
from storage.rows import Rows
from storage.segment_sql import whole
from storage.sql import Insert, Sql, any_of
from storage.tables import Consent, Follow, Member, OutreachCap, OutreachRule, Touch

_T = Touch.__table__  # type: ignore[attr-defined]
_M = Member.__table__  # type: ignore[attr-defined]
_C = Consent.__table__  # type: ignore[attr-defined]
_F = Follow.__table__  # type: ignore[attr-defined]
_N = _T.c.seq.type
_ADD = Insert(Touch)
_rules, _caps = Rows(OutreachRule), Rows(OutreachCap)
_LAST = Sql(select(func.coalesce(func.max(_T.c.seq), 0)).where(_T.c.member_id == bindparam("of")))
_OF = Sql(select(*_T.columns).where(_T.c.member_id == bindparam("of")).order_by(_T.c.seq))
_UNDO = Sql(
    update(_T)
    .where(_T.c.source == bindparam("by"), any_of(_T.c.member_id, "ids"), _T.c.kind == "send", _T.c.undone_at.is_(None))
    .values(undone_at=bindparam("now"))
)
_REHOME = Sql(
    update(_T)
    .where(
        _T.c.member_id == bindparam("of"), _T.c.seq > bindparam("first", type_=_N),
        _T.c.seq <= bindparam("last", type_=_N),
    )
    .values(member_id=bindparam("to"), seq=_T.c.seq + bindparam("base", type_=_N), moved_at=bindparam("now"))
)  # fmt: skip
_COUNTS = (_T.c.kind == "send") & _T.c.undone_at.is_(None)


class Terms(NamedTuple):
    """How people may be reached: `quiet` are minutes of their day (from, to), `caps` are (days, most)."""

    require_opt_in: bool = False
    quiet: tuple[int, int] | None = None
    caps: tuple[tuple[int, int], ...] = ()


class Message(NamedTuple):
    """One message to count: its topic and source, the shops' day as an ordinal, and the guide who would send it
    ("" = nobody in particular)."""

    topic: str
    source: str
    day: int
    userid: str = ""


def rule_id(db: Db, ids: Ids, terms: Terms, now: datetime) -> int:
    """The row that stands for these terms, made when they are new: every touch says under which it was allowed."""
    digest = hashlib.sha256(repr(terms).encode()).hexdigest()
    there = _rules.one(db, digest=digest)
    if there is not None:
        return there.id
    quiet = terms.quiet or (None, None)
    made = _rules.add(db, OutreachRule(
        id=ids.next(), digest=digest, require_opt_in=int(terms.require_opt_in), quiet_from=quiet[0], quiet_to=quiet[1],
        made_at=now,
    ))  # fmt: skip
    for days, most in terms.caps:
        _caps.add(db, OutreachCap(rule_id=made.id, days=days, most=most))
    return made.id


def take(
    db: Db, member_ids: Sequence[int], terms: Terms, rule: int, message: Message, minute: int, now: datetime
) -> set[int]:
    """Count a message to each of these members who may get it, all in one statement; who those are.

    `minute` is the minute of their day. The others are refused (`why` says why) or another process was faster.
    """
    sql = _take(db.dialect, len(terms.caps), terms.require_opt_in, bool(message.userid))
    given: dict[str, Any] = {
        "ids": sorted(member_ids), "topic_": message.topic, "by": message.source, "rule": rule, "day_": message.day,
        "minute_": minute, "now": now, "sender": message.userid,
    }  # fmt: skip
    for place, (days, most) in enumerate(terms.caps):
        given |= {f"after{place}": message.day - days, f"most{place}": most}
    return {row[0] for row in db.all(sql, **given)}


def _history(caps: int) -> Any:
    """The last number of each of `:ids`, and how many messages they got in each cap's days."""
    counted = [
        func.sum(case((_COUNTS & (_T.c.day > bindparam(f"after{place}", type_=_N)), 1), else_=0)).label(f"n{place}")
        for place in range(caps)
    ]
    return (
        select(_T.c.member_id, func.max(_T.c.seq).label("last"), *counted)
        .where(any_of(_T.c.member_id, "ids"))
        .group_by(_T.c.member_id)
        .subquery("history")
    )


def _stands(state: str) -> Any:
    return select(_C.c.member_id).where(
        _C.c.member_id == _M.c.id, _C.c.topic == bindparam("topic_"), _C.c.state == state
    ).exists()  # fmt: skip


def _followed() -> Any:
    return select(_F.c.id).where(
        _F.c.member_id == _M.c.id, whole(_F.c.userid) == bindparam("sender", type_=_F.c.userid.type),
        _F.c.status == "active",
    ).exists()  # fmt: skip


def _left() -> Any:
    """Whether a member removed a guide and none is left who follows them: that is a refusal too."""
    by, other = _F.alias(), _F.alias()
    gone = select(by.c.id).where(by.c.member_id == _M.c.id, by.c.status == "left").exists()
    return gone & ~select(other.c.id).where(other.c.member_id == _M.c.id, other.c.status == "active").exists()


@cache
def _take(dialect: str, caps: int, opt_in: bool, followed: bool) -> Sql:
    """The one conditional write, for so many caps."""
    history = _history(caps)
    allowed = [any_of(_M.c.id, "ids"), _M.c.merged_into.is_(None), ~_stands("out")]
    allowed += [_stands("in")] if opt_in else []
    allowed.append(_followed() if followed else ~_left())
    for place in range(caps):
        allowed.append(func.coalesce(history.c[f"n{place}"], 0) < bindparam(f"most{place}", type_=_N))
    row = select(
        _M.c.id, func.coalesce(history.c.last, 0) + 1, literal("send"), bindparam("topic_", type_=_T.c.topic.type),
        bindparam("by", type_=_T.c.source.type), *[bindparam(n, type_=_N) for n in ("rule", "day_", "minute_")],
        bindparam("now", type_=_T.c.at.type), null(), null(),
    ).select_from(_M.outerjoin(history, history.c.member_id == _M.c.id)).where(*allowed).order_by(_M.c.id)  # fmt: skip
    into: Any = (sqlite if dialect == "sqlite" else postgresql).insert(_T)
    return Sql(into.from_select(_T.columns.keys(), row).on_conflict_do_nothing().returning(_T.c.member_id))


@cache
def _why(caps: int) -> Sql:
    history = _history(caps)
    return Sql(
        select(
            _M.c.id, _M.c.merged_into, case((_stands("out"), "out"), (_stands("in"), "in"), else_=""),
            case((_followed(), 1), else_=0), case((_left(), 1), else_=0),
            *[func.coalesce(history.c[f"n{place}"], 0) for place in range(caps)],
        )
        .select_from(_M.outerjoin(history, history.c.member_id == _M.c.id))
        .where(any_of(_M.c.id, "ids"))
    )  # fmt: skip


def why(db: Db, member_ids: Sequence[int], terms: Terms, message: Message) -> dict[int, str]:
    """Why these members may not be reached now: unknown, merged, opted_out, no_consent, left (the
    guide; without one: every guide), capped. Who may be is not in it; quiet hours are the caller's to know."""
    given: dict[str, Any] = {"ids": sorted(member_ids), "topic_": message.topic, "sender": message.userid}
    given |= {f"after{place}": message.day - days for place, (days, _) in enumerate(terms.caps)}
    found = dict.fromkeys(member_ids, "unknown")
    for member_id, merged, consent, followed, left, *counts in db.all(_why(len(terms.caps)), **given):
        capped = any(n >= most for n, (_, most) in zip(counts, terms.caps, strict=True))
        reasons = (
            (merged is not None, "merged"),
            (consent == "out", "opted_out"),
            (terms.require_opt_in and consent != "in", "no_consent"),
            (not followed if message.userid else bool(left), "left"),
            (capped, "capped"),
        )
        del found[member_id]
        if reason := next((reason for holds, reason in reasons if holds), ""):
            found[member_id] = reason
    return found


def _last(db: Db, member_id: int) -> int:
    row = db.one(_LAST, of=member_id)
    assert row is not None
    return int(row[0])


def note(db: Db, member_id: int, kind: str, topic: str, source: str, now: datetime) -> None:
    """Give what a member said (`in`, `out`) its place in their history."""
    db.add(_ADD, (member_id, _last(db, member_id) + 1, kind, topic, source, 0, 0, 0, now, None, None))
    db.flush()  # the number is taken now or not at all


def undo(db: Db, source: str, member_ids: Sequence[int], now: datetime) -> int:
    """What `source` was to send these members was never delivered: it counts no more. How many rows that were."""
    return db.run(_UNDO, by=source, ids=list(member_ids), now=now)


def rehome(db: Db, absorbed: int, survivor: int, now: datetime) -> list[int]:
    """Two members are one: what reached either counts for both. What `part` needs; [] when there was nothing."""
    base, count = _last(db, survivor), _last(db, absorbed)
    if not count:
        return []
    db.run(_REHOME, of=absorbed, to=survivor, base=base, first=0, last=count, now=now)
    return [base, count]


def part(db: Db, survivor: int, absorbed: int, moved: list[int], now: datetime) -> None:
    """They were not one after all: what came with the absorbed goes back with them."""
    if moved:
        base, count = moved
        db.run(_REHOME, of=survivor, to=absorbed, base=-base, first=base, last=base + count, now=now)


def of_member(db: Db, member_id: int) -> list[Touch]:
    """A member's history, oldest first."""
    names = _T.columns.keys()
    return [Touch(**dict(zip(names, row, strict=True))) for row in db.all(_OF, of=member_id)]
