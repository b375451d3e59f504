"""渠道: what came of each contact way's `state`, counted from the facts themselves."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import bindparam, case, distinct, func, literal, select

from storage.db import Db
from storage.follows import OPEN
from storage.kf import NEVER
from storage.sql import Sql, one_of
from storage.tables import Follow, Grant, KfSession

_F = Follow.__table__  # type: ignore[attr-defined]
_G = Grant.__table__  # type: ignore[attr-defined]
REFERRAL = "ref"  # every member's own QR code is one channel together; its states are `ref:<code>`


def _family(state: Any) -> Any:
    return case((state.like(f"{REFERRAL}:%"), REFERRAL), else_=state).label("family")


def family(state: str) -> str:
    """The channel that a contact way's state belongs to."""
    return REFERRAL if state.startswith(f"{REFERRAL}:") else state


_active = case((one_of(_F.c.status, OPEN), _F.c.member_id))
FOLLOWS = (
    select(_family(_F.c.state), func.count(distinct(_F.c.member_id)), func.count(distinct(_active)))
    .group_by("family")
    .order_by("family")
)
GIFTS = (
    select(_family(_G.c.channel), func.count())
    .where(_G.c.campaign == bindparam("campaign_"), _G.c.status == "granted")
    .group_by("family")
)
_S = KfSession.__table__  # type: ignore[attr-defined]
_wrote = case((_S.c.heard_at > literal(NEVER, _S.c.heard_at.type), _S.c.external_userid))
SCENES = (
    select(_S.c.scene, func.count(distinct(_S.c.external_userid)), func.count(distinct(_wrote)))
    .where(_S.c.scene != "")
    .group_by(_S.c.scene)
    .order_by(_S.c.scene)
)
_FOLLOWS, _GIFTS, _SCENES = Sql(FOLLOWS), Sql(GIFTS), Sql(SCENES)


class Channel(NamedTuple):
    """One channel: members who came by it, how many still follow, gifts given through it."""

    state: str
    joined: int
    active: int
    gifts: int


class Scene(NamedTuple):
    """One link into 微信客服: people whose latest way in it was, and how many of them wrote."""

    scene: str
    entered: int
    wrote: int


def scenes(db: Db) -> list[Scene]:
    """Every link into 微信客服 by which somebody came, by name."""
    return [Scene(*row) for row in db.all(_SCENES)]


def statistics(db: Db, campaign: str) -> list[Channel]:
    """Every channel by name; "" stands for contacts who came by none."""
    gifts = {row[0]: row[1] for row in db.all(_GIFTS, campaign_=campaign)}
    return [Channel(row[0], row[1], row[2], gifts.get(row[0], 0)) for row in db.all(_FOLLOWS)]
