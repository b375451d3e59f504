"""提现: a distributor asks for what is theirs; a person moves the money and writes down with what slip. Nothing here
moves cash by itself. What left already is recorded as it was, even where a refund came in between: then it is owed."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.router import Refusal
from bot.texts import yuan
from bot.turn import Retry, Turn
from scenarios import second_person, spoken
from scenarios.distribution_rules import Rules
from storage import distribution, members, purse
from storage.distribution import ASKED, PAID, PAID_OUT, asked_for, payouts
from storage.ledger import COMMISSION, Move
from storage.tables import Distributor, Payout

PAY = "distribution.payout"  # what a second person agrees to
MAY = "commission.pay"


class Paid(BaseModel):
    """Money has left: `reference` is the slip, `fen` what was paid, None = what is open."""

    model_config = ConfigDict(extra="forbid")

    id: int
    reference: str = Field(min_length=1, max_length=64)
    fen: int | None = Field(default=None, ge=1)
    by: str = Field(default="api", min_length=1, max_length=64)


class Returned(BaseModel):
    """Nothing was paid, and why."""

    model_config = ConfigDict(extra="forbid")

    id: int
    reason: str = Field(min_length=1, max_length=200)
    by: str = Field(default="api", min_length=1, max_length=64)


def read_yuan(typed: str) -> int | None:
    """`50`, `50.5元` in fen; None when it is no sum of money."""
    found = spoken.YUAN.fullmatch(typed.replace(" ", ""))
    return int(found[1]) * 100 + int((found[2] or "0").ljust(2, "0")) if found else None


def why_not(turn: Turn, promoter: Distributor, fen: int, rules: Rules) -> str:
    """Why a distributor cannot have so much; a terminated one takes what is left, however little."""
    if promoter.status == "suspended":
        return "distribution/payout_suspended"
    held = purse.held(turn.db, promoter.member_id, COMMISSION)
    if not held:
        return "distribution/payout_nothing"
    if fen > held:
        return "distribution/payout_short"
    last = promoter.status == "terminated" and fen == held
    return "distribution/payout_small" if fen < rules.min_payout_fen and not last else ""


def ask(turn: Turn, promoter: Distributor, fen: int) -> Payout:
    """Set aside what is asked for; it is out of the balance from now on. Raises `Retry` when it just ran out."""
    row = Payout(
        id=turn.ids.next(), distributor_id=promoter.id, member_id=promoter.member_id, asked_fen=fen, amount_fen=fen,
        status="requested", asked_at=turn.now, decided_at=None, decided_by="", reference="", note="",
    )  # fmt: skip
    payouts.add(turn.db, row)
    if not purse.spend(turn, promoter.member_id, COMMISSION, fen, asked_for(row.id), f"payout:{row.id}", ASKED):
        raise Retry(f"payout {row.id}")
    turn.audit(second_person.of_member(promoter.member_id), "payout.asked", f"payout:{row.id}", fen=fen)
    return row


def pay(turn: Turn, given: Paid) -> dict[str, Any] | Refusal:
    """Write down that the money has left; above a sum, once a second person agrees."""
    row = payouts.one(turn.db, id=given.id)
    if row is None:
        return Refusal(404, "not_found", "distribution/no_payout")
    if row.status == "paid" and row.reference == given.reference:
        return shown(turn, row)
    fen = row.amount_fen if given.fen is None else given.fen
    if wrong := _wrong(turn, row, fen):
        return wrong
    if fen > turn.using(Rules).payout_second_fen:
        return _second(turn, row, given, fen)
    record(turn, row, fen, given.reference, given.by)
    return shown(turn, row)


def _wrong(turn: Turn, row: Payout, fen: int) -> Refusal | None:
    if row.status not in ("requested", "cancelled"):
        return Refusal(409, "wrong_state", "distribution/payout_decided", {"status": row.status})
    if not row.amount_fen <= fen <= row.asked_fen or not fen:
        most = {"least": yuan(row.amount_fen), "most": yuan(row.asked_fen)}
        return Refusal(409, "wrong_amount", "distribution/payout_amount", most)
    promoter = distribution.distributors.one(turn.db, id=row.distributor_id)
    if promoter is not None and promoter.status == "suspended":
        return Refusal(409, "wrong_state", "distribution/payout_frozen")
    return None


def _second(turn: Turn, row: Payout, given: Paid, fen: int) -> dict[str, Any]:
    person = members.find(turn.db, row.member_id)
    name = (person.name if person else "") or turn.texts.render("common/unnamed")
    says = turn.texts.render("distribution/says_payout", name=name, fen=yuan(fen), reference=given.reference)
    payload = {"payout": row.id, "reference": given.reference, "fen": fen}
    key = f"payout:{row.id}:{given.reference}:{fen}"
    waits = second_person.ask(
        turn, PAY, key, by=given.by, may=MAY, says=says, payload=payload, subject=f"payout:{row.id}",
        member_id=row.member_id,
    )  # fmt: skip
    return {**shown(turn, row), "approval": waits.id, "waiting": waits.status == "waiting"}


def agreed(turn: Turn, payload: dict[str, Any], by: str) -> None:
    """A second person agrees; what has become of it meanwhile is looked at again."""
    row = payouts.one(turn.db, id=payload["payout"])
    if row is None:
        return
    if _wrong(turn, row, payload["fen"]):
        turn.audit(by, "payout.not_paid", f"payout:{row.id}", status=row.status)
        return
    record(turn, row, payload["fen"], payload["reference"], by)


def record(turn: Turn, row: Payout, fen: int, reference: str, by: str) -> None:
    """The money has left. What a refund took from it in between is taken from the purse, or owed. Raises `Retry` when
    a refund was faster."""
    paid = {"status": "paid", "amount_fen": fen, "reference": reference, "decided_by": by, "decided_at": turn.now}
    if not payouts.change(turn.db, paid, id=row.id, status=row.status, amount_fen=row.amount_fen):
        raise Retry(f"payout {row.id}")
    key = f"payout:{row.id}:paid"
    if row.amount_fen:
        turn.move(Move(key, asked_for(row.id), PAID_OUT, COMMISSION, row.amount_fen, PAID))
    owner = members.current_id(turn.db, row.member_id)
    purse.take_back(turn, owner, COMMISSION, fen - row.amount_fen, PAID_OUT, f"{key}:more", PAID)
    row.status, row.amount_fen, row.reference, row.decided_by = "paid", fen, reference, by
    turn.audit(by, "payout.paid", f"payout:{row.id}", fen=fen, reference=reference)
    turn.tell(owner, "distribution/paid", fen=yuan(fen), reference=reference)


def reject(turn: Turn, given: Returned) -> dict[str, Any] | Refusal:
    """Nothing was paid: it is in the purse again."""
    row = payouts.one(turn.db, id=given.id)
    if row is None:
        return Refusal(404, "not_found", "distribution/no_payout")
    if row.status != "requested":
        return Refusal(409, "wrong_state", "distribution/payout_decided", {"status": row.status})
    if not distribution.give_back(turn, row, {"decided_at": turn.now, "decided_by": given.by, "note": given.reason}):
        raise Retry(f"payout {row.id}")
    row.status = "rejected"
    turn.audit(given.by, "payout.rejected", f"payout:{row.id}", fen=row.amount_fen, reason=given.reason)
    turn.tell(row.member_id, "distribution/returned", fen=yuan(row.amount_fen), reason=given.reason)
    return shown(turn, row)


def shown(turn: Turn, row: Payout) -> dict[str, Any]:
    """A payout as programs see it."""
    return {"id": row.id, "status": row.status, "fen": row.amount_fen, "reference": row.reference}
