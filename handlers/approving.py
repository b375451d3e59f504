"""审批 approving: programs decide about what waits for a second person; whoever may decide is asked in the chat.

`hold` lets an act of the API wait: it is done, in the name of who asked, when the second person agrees.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.events import Address
from bot.kf_menu import Choice
from bot.own_events import ApprovalAsked, ApprovalDecided
from bot.turn import STAFF, Turn
from handlers import policy
from handlers.plays import Plays
from handlers.refusals import Refused, read
from handlers.words import APPROVE_WORD, REJECT_WORD
from scenarios import second_person
from storage import approvals, staff
from storage.tables import Approval

Answer = tuple[int, dict[str, Any]]
ACT, POINTS = "act", "points"  # what waits was asked for by programs
ASKED_MOST = 20


class Decision(BaseModel):
    """Who decides, and why."""

    model_config = ConfigDict(extra="forbid")

    id: int
    by: str = Field(default="api", min_length=1, max_length=64)
    reason: str = Field(default="", max_length=200)


class Held(Exception):
    """An act that may not be done alone; `says` tells the second person what it is."""

    def __init__(self, says: str) -> None:
        super().__init__(says)
        self.says = says


def second(turn: Turn, maker: str, by: str, says: str) -> str:
    """The second person who agrees to what `maker` made: `by`, when that is another one. Somebody with a token of
    their own cannot name another one: what they ask waits. Raises `Held`, or `Refused` for the owner's token."""
    if turn.signer:
        return turn.signer
    if not second_person.same_person(maker, by):
        return by
    if turn.staff is not None and turn.staff.userid:
        raise Held(says)
    raise Refused(409, "second_person", turn.texts.render("admin/second_person"), "by")


def hold(turn: Turn, act: str, body: dict[str, Any], may: str, held: Held) -> Answer:
    """Let an act wait."""
    says = turn.texts.render("approvals/says_act", act=act, why=held.says)
    row = second_person.ask(turn, ACT, f"act:{turn.cause}", by=turn.actor, may=may, says=says, subject=act,
                            payload={"act": act, "body": body})  # fmt: skip
    return 202, {"approval": row.id, "status": row.status, "says": says}


def decide(*, yes: bool) -> Callable[[Turn, dict[str, Any], Plays], Answer]:
    """Agree, or refuse."""

    def act(turn: Turn, body: dict[str, Any], plays: Plays) -> Answer:
        given: Decision = read(turn, Decision, body)
        row = approvals.rows.one(turn.db, id=given.id)
        if row is None:
            raise Refused(404, "not_found", turn.texts.render("approvals/no_such"), "id")
        settle(turn, row, given.by, yes=yes, reason=given.reason)
        return 200, {"id": row.id, "status": approvals.APPROVED if yes else approvals.REJECTED}

    return act


def settle(turn: Turn, row: Approval, by: str, *, yes: bool, reason: str = "") -> None:
    """`second_person.decide`, its refusals in the API's shape."""
    why = second_person.decide(turn, row, by, yes=yes, reason=reason)
    if why:
        status, code, field = REFUSALS[why]
        raise Refused(status, code, turn.texts.render(why), field)


REFUSALS = {
    "approvals/over": (409, "wrong_state", "id"),
    "approvals/may_not": (403, "forbidden", "id"),
    "approvals/oneself": (409, "second_person", "by"),
}


def asked(turn: Turn, event: ApprovalAsked, plays: Plays) -> None:
    """Ask whoever may decide, where the words to answer with are enabled."""
    row = approvals.rows.one(turn.db, id=event.approval_id)
    if row is None or plays.taking("guide", f"{APPROVE_WORD} {row.id}") is None:
        return
    choices = [
        Choice(f"{word} {row.id}", turn.texts.render(label))
        for word, label in ((APPROVE_WORD, "approvals/yes"), (REJECT_WORD, "approvals/no"))
    ]
    by = second_person.name_of(turn, row.made_by)
    for userid in deciders(turn, row, plays):
        turn.ask(Address(STAFF, userid), "approvals/asked", choices, by=by, says=row.says, id=row.id)


def deciders(turn: Turn, row: Approval, plays: Plays) -> list[str]:
    """Who may decide: those of the store before those who may everywhere; never who asked."""
    reach = {role: scope for role in policy.ROLES if (scope := policy.grants(role).get(row.may))}
    people = staff.rows.all(turn.db, order="userid", status=staff.ACTIVE, role__in=list(reach))
    near = [p.userid for p in people if reach[p.role] == "store" and row.store_id and p.store_id == row.store_id]
    far = [p.userid for p in people if reach[p.role] == "all"] + plays.staff.owners
    found = [near, list(dict.fromkeys(far))]
    others = [[who for who in group if not second_person.same_person(who, row.made_by)] for group in found]
    return (others[0] or others[1])[:ASKED_MOST]


def told(turn: Turn, event: ApprovalDecided, plays: Plays) -> None:
    """Let whoever asked know, when they are staff who read the chat."""
    person = staff.find(turn.db, event.made_by)
    row = approvals.rows.one(turn.db, id=event.approval_id)
    if row is None or second_person.is_member(event.made_by) or (event.what in (ACT, POINTS) and person is None):
        return  # a program's own name is nobody's; to a member the play speaks that they asked
    to = Address(STAFF, event.made_by)
    if event.approved:
        turn.say(to, "approvals/told_yes", by=second_person.name_of(turn, event.by), says=row.says)
    elif event.by:
        reason = event.reason or turn.texts.render("approvals/no_reason")
        by = second_person.name_of(turn, event.by)
        turn.say(to, "approvals/told_no", by=by, says=row.says, reason=reason)
    else:
        turn.say(to, "approvals/told_over", says=row.says)


ACTS: dict[str, Callable[[Turn, dict[str, Any], Plays], Answer]] = {
    "approvals/approve": decide(yes=True),
    "approvals/reject": decide(yes=False),
}
