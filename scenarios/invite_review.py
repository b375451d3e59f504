"""推荐审核: a person decides about referrals that look odd. What they decide is written down with their name."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.router import Refusal
from bot.turn import Turn
from scenarios import invite_rewards
from storage import referrals


class Decision(BaseModel):
    """Who decides, and why."""

    model_config = ConfigDict(extra="forbid")

    id: int
    by: str = Field(default="api", min_length=1, max_length=64)
    reason: str = Field(default="", max_length=200)


def approve(turn: Turn, given: Decision) -> dict[str, Any] | Refusal:
    """Let a referral pass: it is paid when its time comes, or now when that has passed."""
    row = referrals.rows.one(turn.db, id=given.id)
    if row is None:
        return Refusal(404, "not_found", "referral/no_such")
    if not (row.decided_by and row.status in ("pending", "approved", "paid")):
        then = {"pending": "pending", "held": "approved"}.get(row.status)
        change = {"status": then, "decided_by": given.by, "note": given.reason}
        if then is None or not referrals.rows.change(turn.db, change, id=row.id, status=row.status):
            return Refusal(409, "wrong_state", "referral/wrong_state", {"status": row.status})
        turn.audit(given.by, "referral.approved", f"referral:{row.id}", was=row.status, reason=given.reason)
        invite_rewards.settle(turn, row.id)
    return _shown(turn, row.id)


def reject(turn: Turn, given: Decision) -> dict[str, Any] | Refusal:
    """Let a referral end without a reward; what was paid already is not touched."""
    row = referrals.rows.one(turn.db, id=given.id)
    if row is None:
        return Refusal(404, "not_found", "referral/no_such")
    if row.status != "rejected" and not invite_rewards.reject(turn, row, "by_hand", given.by, given.reason):
        return Refusal(409, "wrong_state", "referral/wrong_state", {"status": row.status})
    return _shown(turn, row.id)


def _shown(turn: Turn, row_id: int) -> dict[str, Any]:
    row = referrals.rows.one(turn.db, id=row_id)
    assert row is not None
    return {"id": row.id, "status": row.status, "reason": row.reason, "decided_by": row.decided_by}
