"""审计链 the chain of the audit: each link holds a hash over the link before it and the row it stands for, so that a
row changed, taken out, put in or moved shows in all that follows.

Linked are the acts of people: of staff, of programs with a token, of the command line. What rules of the house note
(actor `rule:…`) is not: there is much of it, and it follows from events that are kept. Links are made when a
transaction ends, under the lock of the head's row: several writers make one chain, and who writes no such row never
waits. Whoever can write the whole database can write the chain anew as well; therefore its head is printed, to be kept
elsewhere: `run.py audit --since`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, NamedTuple

from sqlalchemy import Connection, Select, bindparam, func, select, update

from storage.db import Db
from storage.sql import Insert, Sql
from storage.tables import AuditHead, AuditLink, AuditLog

_H = AuditHead.__table__  # type: ignore[attr-defined]
_L = AuditLink.__table__  # type: ignore[attr-defined]
_A = AuditLog.__table__  # type: ignore[attr-defined]
_MINE = _H.c.name == "audit"
_COUNT = bindparam("count", type_=_H.c.seq.type)
_ADVANCE = Sql(update(_H).where(_MINE).values(seq=_H.c.seq + _COUNT).returning(_H.c.seq, _H.c.hash))
_NEW_HEAD = Sql(update(_H).where(_MINE).values(hash=bindparam("now", type_=_H.c.hash.type)))
_ADD = Insert(AuditLink)
BY_PAGES = {"yield_per": 1_000}  # of the statement: said of a connection, it would hold for all that it asks later

RULE = "rule:"


class Row(NamedTuple):
    """An audit row, its values in the order of the table's columns."""

    id: int
    actor: str
    action: str
    subject: str
    data: str
    cause: str
    made_at: datetime


class Head(NamedTuple):
    """The newest link."""

    seq: int
    hash: str


def linked(actor: str) -> bool:
    """Whether what an actor does is linked."""
    return not actor.startswith(RULE)


def canonical(seq: int, row: Row) -> str:
    """What is hashed of a row: one JSON array, the time in UTC to the microsecond."""
    at = row.made_at.astimezone(UTC).isoformat(timespec="microseconds")
    return json.dumps([seq, *row[:-1], at], ensure_ascii=False, separators=(",", ":"))


def link(before: str, seq: int, row: Row) -> str:
    """The hash of link `seq`: SHA-256, lower hex, of the hash before it, a line end, and the row."""
    return hashlib.sha256(f"{before}\n{canonical(seq, row)}".encode()).hexdigest()


def seal(db: Db, rows: Sequence[Row]) -> None:
    """Link rows of the transaction that is about to end. All else is written by then: who holds the head waits for
    nobody."""
    head = db.one(_ADVANCE, count=len(rows))
    assert head is not None
    seq, last = head[0] - len(rows), head[1]
    for row in rows:
        seq += 1
        last = link(last, seq, row)
        db.add(_ADD, (seq, row.id, last))
    db.run(_NEW_HEAD, now=last)


def head(connection: Connection) -> Head:
    """The newest link; 0 and "" before the first."""
    row = connection.execute(select(_H.c.seq, _H.c.hash).where(_MINE)).one()
    return Head(row.seq, row.hash)


def unlinked(_: datetime) -> Select[Any]:
    """Acts of people that no link stands for, since there is a chain."""
    begin = select(_H.c.from_id).where(_MINE).scalar_subquery()
    there = select(_L.c.seq).where(_L.c.audit_id == _A.c.id).exists()
    return select(_A.c.id, _A.c.actor, _A.c.action).where(
        _A.c.id >= begin, func.substr(_A.c.actor, 1, len(RULE)) != RULE, ~there
    )


def links(connection: Connection, after: int, limit: int | None) -> Iterator[tuple[int, str, Row]]:
    """Links after one, with their hashes and rows; a link whose row is gone is left out."""
    rows = select(_L.c.seq, _L.c.hash, *_A.columns).join(_A, _A.c.id == _L.c.audit_id).where(_L.c.seq > after)
    for found in connection.execute(rows.order_by(_L.c.seq).limit(limit), execution_options=BY_PAGES):
        yield found[0], found[1], Row(*found[2:])


def walk(connection: Connection) -> Iterator[str]:
    """Walk the chain from its beginning; what is wrong with it, in words, in order."""
    rows = select(_L.c.seq, _L.c.hash, _L.c.audit_id, *_A.columns).outerjoin(_A, _A.c.id == _L.c.audit_id)
    before, seq = "", 0
    for found in connection.execute(rows.order_by(_L.c.seq), execution_options=BY_PAGES):
        seq += 1
        if found[0] != seq:
            yield f"link {seq} is missing"
            seq = found[0]
        elif found.id is None:
            yield f"link {seq}: its row {found.audit_id} is gone"
        elif link(before, seq, Row(*found[3:])) != found.hash:
            yield f"link {seq}: row {found.audit_id} or a link before it is not what it was"
        before = found.hash
    newest = head(connection)
    if newest != (seq, before):
        yield f"the head says {newest.seq}, the last link is {seq}"


def holds(connection: Connection, known: Head) -> bool:
    """Whether a head that was noted earlier is still in the chain."""
    row = connection.execute(select(_L.c.hash).where(_L.c.seq == known.seq)).one_or_none()
    return row is not None and row.hash == known.hash
