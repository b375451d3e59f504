"""分销接口: what programs may ask: hand a distributor over, stop one, decide about odd customers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.router import Refusal
from bot.turn import Turn
from scenarios import distribution_commission, distribution_managing
from scenarios.distribution_managing import STEPS, shown, within
from storage import distribution
from storage.tables import Distributor

Answer = dict[str, Any] | Refusal


class Assign(BaseModel):
    """`userid` serves a distributor from now on, as `role`."""

    model_config = ConfigDict(extra="forbid")

    id: int
    role: Literal["customer", "service"]
    userid: str = Field(min_length=1, max_length=64)
    reason: str = Field(default="", max_length=200)
    by: str = Field(default="api", min_length=1, max_length=64)


class HandOver(BaseModel):
    """Everybody whom one served is served by another: somebody leaves."""

    model_config = ConfigDict(extra="forbid")

    old: str = Field(min_length=1, max_length=64)
    new: str = Field(min_length=1, max_length=64)
    reason: str = Field(default="", max_length=200)
    by: str = Field(default="api", min_length=1, max_length=64)


class Step(BaseModel):
    """Suspend, resume or terminate, and why."""

    model_config = ConfigDict(extra="forbid")

    id: int
    reason: str = Field(default="", max_length=200)
    by: str = Field(default="api", min_length=1, max_length=64)


def assign(turn: Turn, given: Assign) -> Answer:
    """Hand one distributor over."""
    row = distribution.distributors.one(turn.db, id=given.id)
    if row is None or not within(turn, row):
        return Refusal(404, "not_found", "distribution/no_distributor")
    why = distribution_managing.assign(turn, row, given.role, given.userid, given.by, given.reason)
    return Refusal(422, "wrong_value", why) if why else shown(row)


def hand_over(turn: Turn, given: HandOver) -> Answer:
    """Hand over everybody whom somebody serves."""
    if why := distribution_managing.why_not(turn, given.new):
        return Refusal(422, "wrong_value", why)
    return {"handed_over": distribution_managing.hand_over(turn, given.old, given.new, given.by, given.reason)}


def step(name: str) -> Callable[[Turn, Step], Answer]:
    """Suspend, resume or terminate: done before, it is done again without a change."""

    def act(turn: Turn, given: Step) -> Answer:
        row: Distributor | None = distribution.distributors.one(turn.db, id=given.id)
        if row is None or not within(turn, row):
            return Refusal(404, "not_found", "distribution/no_distributor")
        if not distribution_managing.take_step(turn, row, name, given.by, given.reason):
            return Refusal(409, "wrong_state", "distribution/wrong_state", {"status": row.status})
        return shown(row)

    return act


def decide(*, yes: bool) -> Callable[[Turn, Step], Answer]:
    """Let a customer who seemed odd count, or not."""

    def act(turn: Turn, given: Step) -> Answer:
        row = distribution.customers.one(turn.db, id=given.id)
        promoter = distribution.distributors.one(turn.db, id=row.distributor_id) if row is not None else None
        if row is None or promoter is None or not within(turn, promoter):
            return Refusal(404, "not_found", "distribution/no_customer")
        if not distribution_commission.decide(turn, row, given.by, given.reason, yes=yes):
            return Refusal(409, "wrong_state", "distribution/customer_decided")
        done = "approved" if yes else "rejected"
        turn.audit(given.by, f"distribution.customer_{done}", f"distribution_customer:{row.id}", reason=given.reason)
        return {"id": row.id, "status": done}

    return act


STEP_ACTS = {name: step(name) for name in STEPS}
