"""冻结人群: who fits a broadcast's rule becomes its audience, window by window of member ids, each window in one short
transaction with the cursor and the counts. Whatever is killed when, the next window begins where the last committed
one ended: nobody twice, nobody left out, the counts exact at every moment.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from typing import Any

from sqlalchemy import Text, and_, bindparam, case, func, insert, literal, null, select, update

from storage import segments, tables
from storage.audience import LEFT, SUPPRESSED
from storage.db import Db
from storage.faults import Conflict
from storage.segment_sql import knowing, table_of
from storage.sql import AT_ONCE, Sql, any_of
from storage.tables import Broadcast

_A, _B, _M, _F, _C = map(
    table_of, (tables.Audience, tables.Broadcast, tables.Member, tables.Follow, tables.Consent)
)  # fmt: skip
BY_CONTACT = "contact"
_NEXT = select(_M.c.id).where(_M.c.id > bindparam("after", type_=_M.c.id.type)).order_by(_M.c.id)
_UPTO = Sql(select(func.max(_NEXT.limit(bindparam("most", type_=_M.c.id.type)).subquery().c.id)))
_OF = _B.c.id == bindparam("of")
_ADVANCE = Sql(
    update(_B)
    .where(_OF, _B.c.cursor == bindparam("after"), _B.c.status == "freezing", _B.c.frozen_at.is_(None))
    .values(cursor=bindparam("upto"))
)
_COUNT = Sql(
    select(_A.c.status, func.count())
    .where(
        _A.c.broadcast_id == bindparam("of"), _A.c.member_id > bindparam("after", type_=_A.c.member_id.type),
        _A.c.member_id <= bindparam("upto", type_=_A.c.member_id.type),
    )
    .group_by(_A.c.status)
)  # fmt: skip
_N = {name: bindparam(name, type_=_B.c.total.type) for name in (LEFT, SUPPRESSED)}
_GROW = Sql(
    update(_B)
    .where(_OF)
    .values(
        total=_B.c.total + _N[LEFT] + _N[SUPPRESSED], left=_B.c.left + _N[LEFT],
        suppressed=_B.c.suppressed + _N[SUPPRESSED],
    )
)  # fmt: skip


def window(db: Db, broadcast: Broadcast, most: int, now: datetime, *, require_opt_in: bool = False) -> bool:
    """Freeze the next window, of `most` members at most; True when there was none: the freeze is through.

    Raises a conflict when the broadcast is not being frozen any more, or another process was faster. The rule is read
    as of the moment the broadcast was approved for, so that it means the same in every window.
    """
    row = db.one(_UPTO, after=broadcast.cursor, most=most)
    if row is None or row[0] is None:
        return True
    ids = {"of": broadcast.id, "after": broadcast.cursor, "upto": row[0]}
    if db.run(_ADVANCE, **ids) != 1:
        raise Conflict(f"broadcast {broadcast.id} is not frozen from {broadcast.cursor} any more")
    chosen, sql = _rows(broadcast.rule, broadcast.channel == BY_CONTACT, broadcast.senders != "[]")
    given = chosen.given(broadcast.scheduled_at or broadcast.approved_at or broadcast.made_at)
    knowing(db, "force_custom_plan")
    added = db.run(
        sql, **given, **ids, about=broadcast.topic, senders=json.loads(broadcast.senders), at=now,
        opt_in=int(require_opt_in),
    )  # fmt: skip
    counts = dict(db.all(_COUNT, **ids)) if added else {}
    knowing(db, "auto")
    db.run(_GROW, of=broadcast.id, **{name: counts.get(name, 0) for name in _N})
    broadcast.cursor = row[0]
    return False


def bare(rule: str, channel: str, *, by_senders: bool) -> Sql:
    """The same rows by one INSERT .. SELECT: what the freeze is measured beside."""
    return Sql(_insert(segments.compiled(rule), channel == BY_CONTACT, by_senders))


@lru_cache(maxsize=64)
def _rows(rule: str, by_contact: bool, by_senders: bool) -> tuple[segments.Chosen, Sql]:
    chosen = segments.compiled(rule, windowed=True)
    return chosen, Sql(_insert(chosen, by_contact, by_senders))


def _insert(chosen: segments.Chosen, by_contact: bool, by_senders: bool) -> Any:
    """A row for each chosen member; who may not or cannot be reached is in it too, suppressed with the reason."""
    fits = chosen.ids.subquery("fits")
    f, c = _F.alias("f"), _C.alias("c")
    near = chosen.binder.inside
    of = and_(c.c.member_id == fits.c.id, c.c.topic == bindparam("about"), *near(c.c.member_id))
    source = fits.outerjoin(c, of)
    reasons = [
        (c.c.state == "out", literal("opted_out", Text)),
        ((bindparam("opt_in", type_=_A.c.member_id.type) == 1) & c.c.state.is_(None), literal("no_consent", Text)),
    ]
    names: list[Any] = [literal(""), literal("")]
    if by_contact:
        # Bounded itself: PostgreSQL would read every follow there is for each window.
        source = source.outerjoin(f, and_(f.c.id == _guide(fits.c.id, by_senders), *near(f.c.member_id)))
        reasons.append((f.c.id.is_(None), literal("no_guide", Text)))
        names = [func.coalesce(f.c.external_userid, ""), func.coalesce(f.c.userid, "")]
    reason = case(*reasons, else_=literal("", Text))
    status = case((case(*[(when, 1) for when, _ in reasons], else_=0) == 1, SUPPRESSED), else_=LEFT)
    row = select(
        bindparam("of", type_=_A.c.broadcast_id.type), fits.c.id, *names, status, reason, null(),
        bindparam("at", type_=_A.c.changed_at.type),
    ).select_from(source).order_by(fits.c.id)  # fmt: skip
    return insert(_A).prefix_with(AT_ONCE, dialect="sqlite").from_select([column.name for column in _A.columns], row)


def _guide(member_id: Any, by_senders: bool) -> Any:
    """The guide who follows a member, the latest first; with `by_senders` one of `:senders`."""
    f = _F.alias()
    followed = select(f.c.id).where(f.c.member_id == member_id, f.c.status == "active")
    if by_senders:
        followed = followed.where(any_of(f.c.userid, "senders"))
    return followed.order_by(f.c.followed_at.desc(), f.c.id.desc()).limit(1).scalar_subquery()
