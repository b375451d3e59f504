"""第二个人 a second person: what one person may not do alone waits here until another one agrees.

Whoever needs it calls `ask` and, later, hears `ApprovalDecided` with its own `what`: approved, rejected, or over
without an answer. Nothing is done before that; what is reserved meanwhile is given back by whoever reserved it.
"""

from __future__ import annotations

import json
import unicodedata
from datetime import timedelta
from typing import Any

from bot.own_events import ApprovalAsked, ApprovalDecided
from bot.turn import Turn
from storage import approvals, members, staff
from storage.tables import Approval

OVER = "approval.over"  # the timer
GOOD_FOR = timedelta(days=3)
RULE = "rule:approvals"
MEMBER = "member:"


def same_person(one: str, other: str) -> bool:
    """Whether two names are one, however they are typed: width, case, blanks and invisible symbols do not count."""
    return folded(one) == folded(other)


def folded(typed: str) -> str:
    """A name as we compare it."""
    shown = unicodedata.normalize("NFKC", typed).casefold()
    return "".join(symbol for symbol in shown if not symbol.isspace() and unicodedata.category(symbol) != "Cf")


def of_member(member_id: int) -> str:
    """Who asks, when a member does."""
    return f"{MEMBER}{member_id}"


def is_member(made_by: str) -> bool:
    """Whether a member asked."""
    return made_by.startswith(MEMBER)


def name_of(turn: Turn, userid: str) -> str:
    """How somebody is called among staff; a member who asks, by their name."""
    if is_member(userid):
        person = members.find(turn.db, int(userid.removeprefix(MEMBER)))
        return (person.name if person else "") or turn.texts.render("common/unnamed")
    known = staff.find(turn.db, userid)
    return (known.name if known else "") or userid


def ask(
    turn: Turn,
    what: str,
    key: str,
    *,
    by: str,
    may: str,
    says: str,
    payload: dict[str, Any],
    subject: str = "",
    member_id: int | None = None,
    store_id: str = "",
    good_for: timedelta = GOOD_FOR,
) -> Approval:
    """Let something wait for somebody who has the permission `may` (for `store_id`, where there is one). `says` tells
    them in a sentence what will be done; `key` is unique, asked again it is the same."""
    known = approvals.rows.one(turn.db, key=key)
    if known is not None:
        return known
    row = Approval(
        id=turn.ids.next(), key=key, kind=what, subject=subject, member_id=member_id, store_id=store_id, may=may,
        says=says, payload=json.dumps(payload, ensure_ascii=False), status=approvals.WAITING, made_by=by,
        made_at=turn.now, expires_at=turn.now + good_for, decided_by="", decided_at=None, reason="",
    )  # fmt: skip
    approvals.rows.add(turn.db, row)
    turn.audit(by, "approval.asked", f"approval:{row.id}", what=what, about=subject, says=says)
    turn.at(row.expires_at, OVER, f"approval:{row.id}:over", {"id": row.id})
    turn.announce(ApprovalAsked(key=turn.cause, source="approvals", at=turn.now, approval_id=row.id))
    return row


def why_not(turn: Turn, row: Approval, by: str, *, yes: bool = True) -> str:
    """Why somebody cannot decide: a text of prompts/approvals/; "" when they can. Who asked may take it back."""
    if row.status != approvals.WAITING or row.expires_at <= turn.now:
        return "approvals/over"
    if same_person(row.made_by, by):
        return "approvals/oneself" if yes else ""
    scope = turn.grants.get(row.may, "")
    here = turn.staff.store_id if turn.staff else ""
    near = scope == "store" and row.store_id and row.store_id == here
    return "" if scope == "all" or near else "approvals/may_not"


def decide(turn: Turn, row: Approval, by: str, *, yes: bool, reason: str = "") -> str:
    """Agree or refuse; why that could not be, a text of prompts/approvals/, "" = done."""
    if why := why_not(turn, row, by, yes=yes):
        return why
    if not approvals.decide(turn.db, row.id, approvals.APPROVED if yes else approvals.REJECTED, by, reason, turn.now):
        return "approvals/over"
    turn.audit(by, "approval.approved" if yes else "approval.rejected", f"approval:{row.id}", what=row.kind,
               about=row.subject, asked_by=row.made_by, says=row.says, reason=reason)  # fmt: skip
    _tell(turn, row, by, yes=yes, reason=reason)
    return ""


def expire(turn: Turn, approval_id: int) -> None:
    """Nobody answered in time."""
    row = approvals.rows.one(turn.db, id=approval_id)
    if row is not None and approvals.decide(turn.db, row.id, approvals.EXPIRED, "", "", turn.now):
        turn.audit(RULE, "approval.expired", f"approval:{row.id}", what=row.kind, about=row.subject)
        _tell(turn, row, "", yes=False, reason="")


def _tell(turn: Turn, row: Approval, by: str, *, yes: bool, reason: str) -> None:
    turn.announce(ApprovalDecided(
        key=turn.cause, source="approvals", at=turn.now, approval_id=row.id, what=row.kind, subject=row.subject,
        payload=json.loads(row.payload), made_by=row.made_by, approved=yes, by=by, reason=reason,
    ))  # fmt: skip
