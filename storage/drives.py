"""活动: campaigns and what they run. What compares two columns of a row is written out here, as one guarded update."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import bindparam, update

from storage.db import Db
from storage.rows import Rows
from storage.sql import Sql
from storage.tables import Bargain, BargainCut, Campaign, PointsAct, Redemption, Reward, Team, TeamSeat

campaigns = Rows(Campaign)
teams = Rows(Team)
seats = Rows(TeamSeat)
bargains = Rows(Bargain)
cuts = Rows(BargainCut)
rewards = Rows(Reward)
redemptions = Rows(Redemption)
points_acts = Rows(PointsAct)

_T = Team.__table__  # type: ignore[attr-defined]
_OF = _T.c.id == bindparam("of")
_OPEN = (_OF, _T.c.status == "open")
_ROOM = _T.c.held + _T.c.paid < _T.c.size
_HOLD_SEAT = Sql(update(_T).where(*_OPEN, _T.c.deadline > bindparam("now"), _ROOM).values(held=_T.c.held + 1))
_PAY_HELD = Sql(
    update(_T)
    .where(*_OPEN, _T.c.deadline > bindparam("now"), _T.c.held > 0)
    .values(held=_T.c.held - 1, paid=_T.c.paid + 1)
)
_FREE_SEAT = Sql(update(_T).where(_OF, _T.c.held > 0).values(held=_T.c.held - 1))
_LEAVE = Sql(update(_T).where(*_OPEN, _T.c.paid > 0).values(paid=_T.c.paid - 1))
_SUCCEED = Sql(update(_T).where(*_OPEN, _T.c.paid == _T.c.size).values(status="success", settled_at=bindparam("now")))
_EXPIRE = Sql(
    update(_T).where(*_OPEN, _T.c.paid < _T.c.size, _T.c.deadline <= bindparam("now")).values(
        status="expired", settled_at=bindparam("now")
    )
)  # fmt: skip


def hold_seat(db: Db, team_id: int, now: datetime) -> bool:
    """Keep a seat for someone who is about to pay; False when the team is full, over or settled."""
    return db.run(_HOLD_SEAT, of=team_id, now=now) == 1


def pay_held_seat(db: Db, team_id: int, now: datetime) -> bool:
    """A held seat was paid; False when the team is over or settled."""
    return db.run(_PAY_HELD, of=team_id, now=now) == 1


def free_seat(db: Db, team_id: int) -> bool:
    """A held seat was not paid."""
    return db.run(_FREE_SEAT, of=team_id) == 1


def leave(db: Db, team_id: int) -> bool:
    """A paid seat is given up while the team is open."""
    return db.run(_LEAVE, of=team_id) == 1


def succeed(db: Db, team_id: int, now: datetime) -> bool:
    """Every seat is paid: the team has made it. True once."""
    return db.run(_SUCCEED, of=team_id, now=now) == 1


def expire(db: Db, team_id: int, now: datetime) -> bool:
    """The deadline passed with seats unpaid. True once."""
    return db.run(_EXPIRE, of=team_id, now=now) == 1
