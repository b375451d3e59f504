"""微信客服 KF: cursors of accounts, and the window in which a member may be written to.

WeCom takes at most five messages within 48 hours of a member's last one. We count ours before they are owed, by one
conditional UPDATE, so that a sixth is never sent, whoever else is writing at the same moment.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import and_, bindparam, func, or_, select, update

from storage import inbox
from storage.db import Db
from storage.faults import Conflict
from storage.sql import Insert, Sql
from storage.tables import Identity, KfAccount, KfSession, Outbox
from storage.types import to_microseconds

NEW, BOT, POOL, HUMAN, ENDED = range(5)
WINDOW = timedelta(hours=48)
MOST = 5
SEND = "kf/send_msg"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)

_A = KfAccount.__table__  # type: ignore[attr-defined]
_S = KfSession.__table__  # type: ignore[attr-defined]
_I = Identity.__table__  # type: ignore[attr-defined]
_O = Outbox.__table__  # type: ignore[attr-defined]
_ADD_ACCOUNT = Insert(KfAccount, "nothing")
_ADD_SESSION = Insert(KfSession, "nothing")
_ACCOUNT = Sql(select(*_A.columns).where(_A.c.open_kfid == bindparam("of")))
_ACTIVE = Sql(select(_A.c.open_kfid).where(_A.c.active == 1).order_by(_A.c.open_kfid))
_BELL = Sql(
    update(_A)
    .where(_A.c.open_kfid == bindparam("of"), _A.c.token_at <= bindparam("at"))
    .values(token=bindparam("token_"), token_at=bindparam("at"), active=1)
)
_ACTIVATE = Sql(
    update(_A).where(_A.c.open_kfid == bindparam("of")).values(active=bindparam("to", type_=_A.c.active.type))
)
_ADVANCE = Sql(
    update(_A)
    .where(_A.c.open_kfid == bindparam("of"), _A.c.cursor == bindparam("held"))
    .values(cursor=bindparam("next"))
)
_pair = and_(_S.c.open_kfid == bindparam("of"), _S.c.external_userid == bindparam("who"))
_FIND = Sql(select(*_S.columns).where(_pair))
_OF_MEMBER = Sql(
    select(*_S.columns)
    .join(_I, and_(_I.c.channel == "wecom", _I.c.external_id == _S.c.external_userid))
    .where(_I.c.member_id == bindparam("member"), _S.c.heard_at > bindparam("since"))
    .order_by(_S.c.heard_at.desc(), _S.c.open_kfid)
)
_TAKE = Sql(
    update(_S)
    .where(
        _pair,
        or_(_S.c.state == NEW, _S.c.state == BOT),
        _S.c.heard_at > bindparam("since"),
        _S.c.sent <= bindparam("room", type_=_S.c.sent.type),
    )
    .values(sent=_S.c.sent + bindparam("count", type_=_S.c.sent.type))
)
_GIVE_BACK = Sql(
    update(_S)
    .where(_pair, _S.c.sent >= bindparam("count", type_=_S.c.sent.type))
    .values(sent=_S.c.sent - bindparam("count", type_=_S.c.sent.type))
)
_HEARD = Sql(
    update(_S)
    .where(_pair, _S.c.heard_at == bindparam("was_at"), _S.c.sent == bindparam("was", type_=_S.c.sent.type))
    .values(heard_at=bindparam("at"), sent=bindparam("count", type_=_S.c.sent.type))
)
_UNDER_WAY = Sql(
    select(func.count()).where(_O.c.done_at.is_(None), _O.c.subject == bindparam("subject_"), _O.c.call == SEND)
)
_ACCEPTED = Sql(update(_S).where(_pair, _S.c.sent_at == bindparam("was")).values(sent_at=bindparam("times")))
_STATE = Sql(
    update(_S)
    .where(_pair, _S.c.state_at <= bindparam("at"))
    .values(state=bindparam("to", type_=_S.c.state.type), servicer=bindparam("by"), state_at=bindparam("at"))
)
_SHUT = Sql(update(_S).where(_pair, _S.c.heard_at <= bindparam("at")).values(sent=MOST))
_ENTERED = Sql(
    update(_S)
    .where(_pair, _S.c.entered_at <= bindparam("at"))
    .values(scene=bindparam("scene_"), scene_param=bindparam("param"), entered_at=bindparam("at"))
)
_NUDGE = Sql(update(_S).where(_pair, _S.c.nudged_at <= bindparam("before")).values(nudged_at=bindparam("now")))


@dataclass(slots=True)
class Account:
    """An account as it stands, in the order of the table's columns."""

    open_kfid: str
    cursor: str
    token: str
    token_at: datetime
    active: int
    seen_at: datetime


@dataclass(slots=True)
class Session:
    """A conversation as it stands, in the order of the table's columns."""

    open_kfid: str
    external_userid: str
    heard_at: datetime
    sent: int
    sent_at: str
    state: int
    state_at: datetime
    servicer: str
    scene: str
    scene_param: str
    entered_at: datetime
    nudged_at: datetime

    @property
    def subject(self) -> str:
        """Under which a member's messages stay in order."""
        return f"kf:{self.open_kfid}:{self.external_userid}"

    @property
    def ends_at(self) -> datetime:
        """When the window closes."""
        return self.heard_at + WINDOW

    def with_people(self, now: datetime) -> bool:
        """Whether a human has the conversation, or will take it; a session is over 48 hours after it began."""
        return self.state in (POOL, HUMAN) and now - self.state_at < WINDOW


_LAST_HEARD = Sql(
    select(func.max(_S.c.heard_at))
    .join(_I, (_I.c.external_id == _S.c.external_userid) & (_I.c.channel == "wecom"))
    .where(_I.c.member_id == bindparam("of"))
)


def last_heard(db: Db, member_id: int) -> datetime | None:
    """When a member last wrote."""
    row = db.one(_LAST_HEARD, of=member_id)
    return None if row is None or row[0] is None or row[0] <= NEVER else row[0]


# -- accounts -------------------------------------------------------------------------------------------------------


def meet(db: Db, open_kfid: str, now: datetime) -> None:
    """Know an account from now on."""
    db.add(_ADD_ACCOUNT, (open_kfid, "", "", NEVER, 1, now))


def rang(db: Db, open_kfid: str, token: str, at: datetime) -> None:
    """Keep the newest bell's token."""
    db.run(_BELL, of=open_kfid, token_=token, at=at)


def activate(db: Db, open_kfid: str, *, active: bool) -> None:
    """The account was given to the app, or taken from it."""
    db.run(_ACTIVATE, of=open_kfid, to=int(active))


def account(db: Db, open_kfid: str) -> Account | None:
    """What we know of an account."""
    row = db.one(_ACCOUNT, of=open_kfid)
    return Account(*row) if row else None


def active_accounts(db: Db) -> list[str]:
    """Every account that is ours as far as we know."""
    return [row[0] for row in db.all(_ACTIVE)]


def advance(db: Db, open_kfid: str, held: str, cursor: str, keys: list[str]) -> bool:
    """Move the cursor on from `held`, if its page's events (`keys`) are all in the inbox and nobody moved it before."""
    sql, given = inbox.asking(keys)
    if len({row[0] for row in db.all(sql, **given)}) < len(set(keys)):
        return False
    return db.run(_ADVANCE, of=open_kfid, held=held, next=cursor) == 1


# -- conversations --------------------------------------------------------------------------------------------------


def session(db: Db, open_kfid: str, external_userid: str) -> Session:
    """A conversation, begun now when there is none."""
    row = db.one(_FIND, of=open_kfid, who=external_userid)
    if row is None:
        db.add(_ADD_SESSION, (open_kfid, external_userid, NEVER, 0, "[]", NEW, NEVER, "", "", "", NEVER, NEVER))
        row = db.one(_FIND, of=open_kfid, who=external_userid)
        if row is None:  # another process made it in the same moment and has not committed
            raise Conflict(f"kf_session {open_kfid} {external_userid}")
    return Session(*row)


def of_member(db: Db, member_id: int, now: datetime) -> list[Session]:
    """Conversations in which a member wrote within the last 48 hours, the latest first."""
    return [Session(*row) for row in db.all(_OF_MEMBER, member=member_id, since=now - WINDOW)]


def heard(db: Db, talk: Session, at: datetime) -> None:
    """The member wrote at `at`: a new window. What of ours is under way, or was accepted after `at`, counts in it.

    Raises Conflict when the row changed meanwhile.
    """
    if at <= talk.heard_at:
        return
    under_way = db.one(_UNDER_WAY, subject_=talk.subject)
    moment = to_microseconds(at)
    count = (under_way[0] if under_way else 0) + sum(1 for sent in json.loads(talk.sent_at) if sent >= moment)
    count = min(MOST, count)
    if db.run(_HEARD, of=talk.open_kfid, who=talk.external_userid, was_at=talk.heard_at, was=talk.sent, at=at,
              count=count) != 1:  # fmt: skip
        raise Conflict(talk.subject)
    talk.heard_at, talk.sent = at, count
    if talk.state == ENDED or (talk.state in (POOL, HUMAN) and not talk.with_people(at)):
        set_state(db, talk, NEW, "", at)


def take(db: Db, talk: Session, count: int, most: int, now: datetime) -> bool:
    """Count `count` messages into the window, `most` in all; False when it is shut, full, or with people."""
    return count <= most and db.run(
        _TAKE, of=talk.open_kfid, who=talk.external_userid, since=now - WINDOW, room=most - count, count=count
    ) == 1  # fmt: skip


def give_back(db: Db, open_kfid: str, external_userid: str, count: int) -> None:
    """Messages that were counted into the window and never tried need no room in it."""
    db.run(_GIVE_BACK, of=open_kfid, who=external_userid, count=count)


def accepted(db: Db, talk: Session, now: datetime) -> None:
    """One of ours was accepted. Raises Conflict when the row changed meanwhile."""
    times = json.dumps([*json.loads(talk.sent_at), to_microseconds(now)][-MOST:])
    if db.run(_ACCEPTED, of=talk.open_kfid, who=talk.external_userid, was=talk.sent_at, times=times) != 1:
        raise Conflict(talk.subject)


def set_state(db: Db, talk: Session, state: int, servicer: str, at: datetime) -> bool:
    """The conversation's state as of `at`; False when something newer is known."""
    if db.run(_STATE, of=talk.open_kfid, who=talk.external_userid, to=state, by=servicer, at=at) != 1:
        return False
    talk.state, talk.servicer, talk.state_at = state, servicer, at
    return True


def shut(db: Db, talk: Session) -> None:
    """WeCom says the window is shut: nothing more before the member writes again."""
    db.run(_SHUT, of=talk.open_kfid, who=talk.external_userid, at=talk.heard_at)


def entered(db: Db, talk: Session, scene: str, scene_param: str, at: datetime) -> None:
    """By which link the member came in."""
    db.run(_ENTERED, of=talk.open_kfid, who=talk.external_userid, scene_=scene, param=scene_param, at=at)


def nudge(db: Db, talk: Session, now: datetime, every: timedelta) -> bool:
    """Whether the member may be told how to talk to us; once within `every`."""
    return db.run(_NUDGE, of=talk.open_kfid, who=talk.external_userid, before=now - every, now=now) == 1
