"""撤销 undoing: what a shop takes back by hand: a sale that cost nothing, points that were redeemed."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.ids import read_code
from bot.turn import Turn
from handlers.plays import Plays
from handlers.refusals import Refused, read
from scenarios import checkout, redemptions
from storage import coupons, drives, shop


class Undo(BaseModel):
    """`code`: the checkout's or the coupon's, as people see it. `by`: who takes it back."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=64)
    by: str = Field(default="api", min_length=1, max_length=64)


def undo_checkout(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """Take back what was sold for nothing: goods, limits and coupons are to be had again. What an order paid for is
    undone by refunding the order."""
    given: Undo = read(turn, Undo, body)
    sold = shop.checkouts.one(turn.db, code=read_code(given.code))
    if sold is None:
        raise Refused(404, "not_found", turn.texts.render("admin/no_code"), "code")
    news = checkout.undo_free(turn, sold)
    if news is None:
        raise Refused(409, "wrong_state", turn.texts.render("admin/not_free"), "code")
    turn.audit(given.by, "checkout.undone", f"checkout:{sold.id}")
    plays.tell(turn, news)
    return 200, {"code": sold.code, "status": "refused"}


def undo_redemption(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """Take a redeemed coupon back and return its points, as a reversal of what was spent."""
    given: Undo = read(turn, Undo, body)
    voucher = coupons.by_code(turn.db, read_code(given.code))
    found = drives.redemptions.one(turn.db, coupon_id=voucher.id) if voucher else None
    if found is None or voucher is None:
        raise Refused(404, "not_found", turn.texts.render("admin/no_code"), "code")
    if not redemptions.undo(turn, found, voucher):
        raise Refused(409, "wrong_state", turn.texts.render("admin/coupon_not_free", status=voucher.status), "code")
    turn.audit(given.by, "redemption.undone", f"redemption:{found.id}", points=found.points)
    return 200, {"code": voucher.code, "points": found.points, "status": "undone"}
