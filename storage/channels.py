"""渠道: what came of each contact way's `state`, counted from the facts themselves."""

from __future__ import annotations

from typing import NamedTuple

from sqlalchemy import bindparam, case, distinct, func, select

from storage.db import Db
from storage.follows import OPEN
from storage.sql import Sql, one_of
from storage.tables import Follow, Grant

_F = Follow.__table__  # type: ignore[attr-defined]
_G = Grant.__table__  # type: ignore[attr-defined]
_active = case((one_of(_F.c.status, OPEN), _F.c.member_id))
FOLLOWS = (
    select(_F.c.state, func.count(distinct(_F.c.member_id)), func.count(distinct(_active)))
    .group_by(_F.c.state)
    .order_by(_F.c.state)
)
GIFTS = (
    select(_G.c.channel, func.count())
    .where(_G.c.campaign == bindparam("campaign_"), _G.c.status == "granted")
    .group_by(_G.c.channel)
)
_FOLLOWS, _GIFTS = Sql(FOLLOWS), Sql(GIFTS)


class Channel(NamedTuple):
    """One channel: members who came by it, how many still follow, gifts given through it."""

    state: str
    joined: int
    active: int
    gifts: int


def statistics(db: Db, campaign: str) -> list[Channel]:
    """Every channel by name; "" stands for contacts who came by none."""
    gifts = {row[0]: row[1] for row in db.all(_GIFTS, campaign_=campaign)}
    return [Channel(row[0], row[1], row[2], gifts.get(row[0], 0)) for row in db.all(_FOLLOWS)]
