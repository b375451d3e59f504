"""同意与退订 consent: what a member said of marketing, append-only, and how they stand now.

Nobody who never said anything has a row: whether that means yes is `[outreach] require_opt_in`. A word counts from the
transaction that stores it (see `storage.touches`).
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, select, update

from storage import touches
from storage.db import Db
from storage.ids import Ids
from storage.sql import Insert, Sql
from storage.tables import Consent, ConsentAct

MARKETING = "marketing"  # the one topic of today; a member may refuse it and still hear of their orders
IN, OUT = "in", "out"
SOURCE = "consent:"  # and the act: what a word is called among what reached a member

_A = ConsentAct.__table__  # type: ignore[attr-defined]
_C = Consent.__table__  # type: ignore[attr-defined]
_ADD, _OPEN = Insert(ConsentAct), Insert(Consent)
_STATE = Sql(select(_C.c.state).where(_C.c.member_id == bindparam("of"), _C.c.topic == bindparam("about")))
_ACTS = Sql(select(*_A.columns).where(_A.c.member_id == bindparam("of")).order_by(_A.c.made_at, _A.c.id))
_STANDS = Sql(select(_C.c.topic, _C.c.state).where(_C.c.member_id == bindparam("of")).order_by(_C.c.topic))
_FORGET = Sql(delete(_C).where(_C.c.member_id == bindparam("of")))
_SET = Sql(
    update(_C)
    .where(_C.c.member_id == bindparam("of"), _C.c.topic == bindparam("about"))
    .values(state=bindparam("to"), act_id=bindparam("act"), changed_at=bindparam("now"))
)


class Said(NamedTuple):
    """What was said: `by` is a userid, `member` or a rule; `text_version` the prompt they had read."""

    state: str
    by: str
    channel: str
    text_version: str = ""
    topic: str = MARKETING


def state_of(db: Db, member_id: int, topic: str = MARKETING) -> str:
    """`in`, `out`, or "" for who never said anything."""
    row = db.one(_STATE, of=member_id, about=topic)
    return row[0] if row else ""


def record(db: Db, ids: Ids, member_id: int, said: Said, cause: str, now: datetime) -> bool:
    """Keep what a member said; in force with this transaction. False when they stand there already: nothing is written.

    Raises a conflict when another process reaches the member at this moment: the turn runs again.
    """
    there = state_of(db, member_id, said.topic)
    if there != said.state:
        _write(db, ids, member_id, said, there, cause, now)
    return there != said.state


def _write(db: Db, ids: Ids, member_id: int, said: Said, there: str, cause: str, now: datetime) -> None:
    act = ids.next()
    touches.note(db, member_id, said.state, said.topic, f"{SOURCE}{act}", now)
    db.add(_ADD, (act, member_id, said.topic, said.state, said.by, said.channel, said.text_version, cause, now))
    if there:
        db.run(_SET, of=member_id, about=said.topic, to=said.state, act=act, now=now)
    else:
        db.add(_OPEN, (member_id, said.topic, said.state, act, now))


def merge(db: Db, ids: Ids, survivor: int, absorbed: int, cause: str, now: datetime) -> None:
    """Two members are one, their histories too (`touches.rehome`): a refusal of either is the person's."""
    for topic, state in db.all(_STANDS, of=absorbed):
        there = state_of(db, survivor, topic)
        said = Said(OUT if OUT in (state, there) else state, "rule:oneid", "merge", topic=topic)
        _write(db, ids, survivor, said, there, cause, now)
    db.run(_FORGET, of=absorbed)


def part(db: Db, ids: Ids, survivor: int, absorbed: int, cause: str, now: datetime) -> None:
    """They were not one: the absorbed stands by their own words again, and by a refusal that both gave together."""
    words = [row for row in touches.of_member(db, absorbed) if row.kind in (IN, OUT)]
    for topic, row in {row.topic: row for row in words}.items():
        db.add(_OPEN, (absorbed, topic, row.kind, int(row.source.removeprefix(SOURCE)), now))
    for topic, state in db.all(_STANDS, of=survivor):
        if state == OUT:
            record(db, ids, absorbed, Said(OUT, "rule:oneid", "merge", topic=topic), cause, now)


def acts(db: Db, member_id: int) -> list[ConsentAct]:
    """All that a member ever said, oldest first."""
    names = _A.columns.keys()
    return [ConsentAct(**dict(zip(names, row, strict=True))) for row in db.all(_ACTS, of=member_id)]
