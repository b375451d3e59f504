"""调积分 points by hand: an admin gives or takes back points. Much of it needs a second person, and nobody moves more
than so many a day.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.clock import end_of_day, local_day
from bot.own_events import ApprovalDecided
from bot.turn import Turn
from handlers import approving
from handlers.plays import Plays
from handlers.refusals import Refused, read
from scenarios import rewards, second_person
from storage import approvals, drives, members, oneid, points, stock
from storage.ledger import ISSUER
from storage.members import Person
from storage.tables import PointsAct

APPROVE_ABOVE = 5_000  # points that one person may not move alone
DAILY_CAP = 50_000  # points, given and taken together, that one person may move in a day


class Points(BaseModel):
    """Who gets (`amount` above 0) or gives back how many, why, and who says so. `valid_days` 0: they never expire."""

    model_config = ConfigDict(extra="forbid", strict=True)

    member_id: int | None = None
    external_id: str = Field(default="", max_length=128)
    amount: int = Field(ge=-1_000_000, le=1_000_000)
    reason: str = Field(min_length=1, max_length=200)
    by: str = Field(min_length=1, max_length=64)
    valid_days: int = Field(default=365, ge=0, le=3650)


class Approval(BaseModel):
    """The second person's yes."""

    model_config = ConfigDict(extra="forbid")

    id: int
    by: str = Field(min_length=1, max_length=64)


def move(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """Move points, or let them wait for a second person. Once per Idempotency-Key: the event's own key."""
    given: Points = read(turn, Points, body)
    if not given.amount:
        raise Refused(422, "wrong_value", turn.texts.render("admin/no_amount"), "amount")
    person = _member(turn, given)
    cap = f"cap:points:{second_person.folded(given.by)}:{local_day(turn.now)}"
    if not stock.take_or_open(turn.db, cap, DAILY_CAP, abs(given.amount)):
        raise Refused(409, "daily_cap", turn.texts.render("admin/daily_cap", most=DAILY_CAP), "amount")
    act = PointsAct(
        id=turn.ids.next(), key=turn.cause, member_id=person.id, amount=given.amount, valid_days=given.valid_days,
        reason=given.reason, made_by=given.by, approved_by="", status="done", made_at=turn.now,
    )  # fmt: skip
    if abs(given.amount) > APPROVE_ABOVE:
        return _wait(turn, act, person)
    drives.points_acts.add(turn.db, act)
    turn.audit(given.by, "points.moved", f"member:{person.id}", act=act.id, amount=given.amount, reason=given.reason)
    return 201, _do(turn, act, person)


def _wait(turn: Turn, act: PointsAct, person: Person) -> tuple[int, dict[str, Any]]:
    act.status = "waiting"
    drives.points_acts.add(turn.db, act)
    name = person.name or turn.texts.render("common/unnamed")
    says = turn.texts.render("points/asked", name=name, member=person.id, amount=act.amount, reason=act.reason)
    asked = second_person.ask(
        turn, approving.POINTS, f"points:{act.id}", by=act.made_by, may="points.approve", says=says,
        payload={"act": act.id}, subject=f"member:{person.id}", member_id=person.id,
    )  # fmt: skip
    return 202, {"id": act.id, "member_id": person.id, "status": "waiting", "approval": asked.id}


def _member(turn: Turn, given: Points) -> Person:
    """The member of today, however they were named."""
    if (given.member_id is None) == (not given.external_id):
        raise Refused(422, "wrong_value", turn.texts.render("admin/one_name"), "member_id")
    if given.member_id is not None:
        person = oneid.current(turn.db, given.member_id)
    else:
        key = ("wecom", given.external_id)
        person = members.of(turn.db, [key]).get(key)
    if person is None:
        raise Refused(404, "not_found", turn.texts.render("admin/no_member"), "member_id")
    return person


def approve(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """The second person agrees: what waited is done, once."""
    given: Approval = read(turn, Approval, body)
    act = drives.points_acts.one(turn.db, id=given.id)
    row = approvals.rows.one(turn.db, key=f"points:{given.id}")
    if act is None or row is None:
        raise Refused(404, "not_found", turn.texts.render("admin/no_points_act"))
    if second_person.same_person(given.by, act.made_by):
        raise Refused(409, "second_person", turn.texts.render("admin/second_person"), "by")
    if act.status == "waiting":
        approving.settle(turn, row, given.by, yes=True)
        news = turn.news.pop()
        assert isinstance(news, ApprovalDecided)
        approving.told(turn, news, plays)
        return 200, decided(turn, news)["body"]
    if act.status != "done":
        raise Refused(409, "wrong_state", turn.texts.render("admin/wrong_state", status=act.status))
    return 200, _answer(turn, act, _now(turn, act))


def decided(turn: Turn, event: ApprovalDecided) -> dict[str, Any]:
    """It was decided as all else that waits is: in the chat, or over the list of approvals."""
    act = drives.points_acts.one(turn.db, id=event.payload["act"])
    then = {"status": "done", "approved_by": event.by} if event.approved else {"status": "rejected"}
    if act is None or not drives.points_acts.change(turn.db, then, id=act.id, status="waiting"):
        return {}
    return {"status": 200, "body": _do(turn, act, _now(turn, act))} if event.approved else {}


def _now(turn: Turn, act: PointsAct) -> Person:
    """Who the member is today."""
    person = oneid.current(turn.db, act.member_id)
    assert person is not None
    return person


def _do(turn: Turn, act: PointsAct, person: Person) -> dict[str, Any]:
    """Through the ledger, under the key of the request that asked for it; what was spent already becomes debt."""
    if act.amount > 0:
        expires_at = end_of_day(turn.now, act.valid_days) if act.valid_days else None
        rewards.credit(turn, person.id, act.amount, ISSUER, act.key, act.reason, expires_at)
    else:
        points.take_back(turn, person.id, -act.amount, ISSUER, act.key, act.reason)
    return _answer(turn, act, person)


def _answer(turn: Turn, act: PointsAct, person: Person) -> dict[str, Any]:
    held, owed = points.held(turn.db, person.id), points.owed(turn.db, person.id)
    return {"id": act.id, "member_id": person.id, "points": held, "owed": owed, "status": "done"}
