"""审批 approvals: what waits for a second person, as those see it who may decide: a list, yes and no."""

from __future__ import annotations

from bot.clock import shown
from bot.events import Event, TimerDue
from bot.kf_menu import Choice
from bot.router import Router
from bot.turn import Turn
from scenarios import second_person
from storage import approvals
from storage.tables import Approval

router = Router("approvals")

LISTED = 5


@router.words("待审批", "审批", audience="guide", may="approval.read")
def waiting(turn: Turn, event: Event) -> None:
    """What the speaker could decide now, the oldest first."""
    assert event.sender is not None
    by = event.sender.external_id
    mine = [row for row in approvals.rows.all(turn.db, decided_at=None) if not second_person.why_not(turn, row, by)]
    if not mine:
        turn.say(event.sender, "approvals/none")
        return
    lines = "\n".join(_line(turn, row) for row in mine[:LISTED])
    words = [router.word(approve, str(row.id)) for row in mine[:LISTED]]
    choices = [Choice(word, word) for word in words]
    turn.ask(event.sender, "approvals/list", choices, count=len(mine), lines=lines)


def _line(turn: Turn, row: Approval) -> str:
    by, until = second_person.name_of(turn, row.made_by), shown(row.expires_at)
    return turn.texts.render("approvals/line", id=row.id, says=row.says, by=by, until=until)


def _sure(turn: Turn, event: Event, typed: str) -> str:
    """What would be agreed to; "" when that cannot be, and why was said."""
    assert event.sender is not None
    number = typed.partition(" ")[0]
    row = _row(turn, number)
    why = second_person.why_not(turn, row, event.sender.external_id) if row else "approvals/unknown"
    if row is None or why:
        turn.say(event.sender, why, **({} if row else {"number": number}))
        return ""
    return turn.texts.render("approvals/sure", says=row.says, by=second_person.name_of(turn, row.made_by))


@router.words("同意", audience="guide", arg="审批号", confirm=True, menu=False, may="approval.read", preview=_sure)
def approve(turn: Turn, event: Event, typed: str) -> None:
    """Agree: 「同意 号」."""
    _decide(turn, event, typed, yes=True)


@router.words("拒绝", audience="guide", arg="审批号", menu=False, may="approval.read")
def reject(turn: Turn, event: Event, typed: str) -> None:
    """Refuse: 「拒绝 号 原因」."""
    _decide(turn, event, typed, yes=False)


def _decide(turn: Turn, event: Event, typed: str, *, yes: bool) -> None:
    assert event.sender is not None
    number, _, reason = typed.partition(" ")
    row = _row(turn, number)
    if row is None:
        turn.say(event.sender, "approvals/unknown", number=number)
        return
    why = second_person.decide(turn, row, event.sender.external_id, yes=yes, reason=reason)
    turn.say(event.sender, why or ("approvals/approved" if yes else "approvals/rejected"), says=row.says)


def _row(turn: Turn, number: str) -> Approval | None:
    known = number.isascii() and number.isdigit() and len(number) <= 18
    return approvals.rows.one(turn.db, id=int(number)) if known else None


@router.on(TimerDue)
def over(turn: Turn, event: TimerDue) -> None:
    """Nobody decided in time."""
    if event.name == second_person.OVER:
        second_person.expire(turn, event.payload["id"])
