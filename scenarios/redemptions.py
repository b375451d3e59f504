"""兑换单 redemptions: points become a coupon, once, and can be turned back while the coupon is not used.

What is redeemed is a coupon of a template, or a coupon for one piece of goods to be handed over at a counter (核销);
the piece is set aside until the coupon is used or ends.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from bot.clock import end_of_day, local_day
from bot.ids import code
from bot.turn import Retry, Turn
from scenarios import rewards, vouchers
from scenarios.vouchers import DAY
from storage import coupons, drives, grants, lots, points, shop, stock
from storage.coupons import Voucher
from storage.ledger import account
from storage.members import Person
from storage.tables import Redemption

REDEEMED = "redeemed"  # the account that spent points go to
LEAST_DAYS = 30  # points that come back live at least so long, whatever they had left


def gift(turn: Turn, person: Person, row: Redemption, sku: str, valid_days: int) -> Voucher | str:
    """A coupon for one piece of goods, set aside for it; `sold_out` when there is none."""
    product = shop.products.one(turn.db, sku=sku)
    if product is None:
        return "sold_out"
    holds = [(shop.sku_stock(sku), 1)] if product.counted else []
    for name, n in holds:
        if not stock.reserve(turn.db, name, n):
            return "sold_out"
    row.holds = json.dumps(holds)
    grant_id = grants.claim(turn.db, turn.ids, person, occasion(row), "", "", turn.cause, turn.now)
    assert grant_id is not None  # the redemption is new
    expires_at = end_of_day(turn.now, valid_days)
    voucher = Voucher(turn.ids.next(), code(turn.chance), product.title, person.id, grant_id, "active", turn.now,
                      expires_at)  # fmt: skip
    coupons.issue(turn.db, voucher)
    turn.at(expires_at, DAY, f"coupons:{local_day(expires_at - timedelta(days=1))}", {})
    return voucher


def occasion(row: Redemption) -> str:
    """What a redemption's grant is called."""
    return f"redeem:{row.id}"


def pay(turn: Turn, person: Person, row: Redemption) -> None:
    """Spend the points, the first to expire first; that there were enough was asked before."""
    row.lots = json.dumps([[at.isoformat(), n] for at, n in lots.oldest(turn.db, account(person.id), row.points)])
    if not points.spend(turn, person.id, row.points, REDEEMED, occasion(row), "redeem"):
        raise Retry(f"redemption {row.id}: the points went elsewhere meanwhile")


def undo(turn: Turn, row: Redemption, voucher: Voucher) -> bool:
    """Take the coupon back and return the points; False when it is used, held, over or undone already.

    The template's own stock stays as it is: a voided coupon was given out.
    """
    if not coupons.close(turn.db, voucher.id, "active", "voided", turn.now):
        return False
    if not drives.redemptions.change(turn.db, {"status": "undone"}, id=row.id, status="done"):
        raise Retry(f"redemption {row.id} was undone meanwhile")
    vouchers.ended(turn, voucher, 0)
    for name in limits(row, row.made_at):
        stock.give_back(turn.db, name)
    for place, (moment, n) in enumerate(json.loads(row.lots)):
        expires_at = datetime.fromisoformat(moment)
        until = None if expires_at == lots.NEVER else max(expires_at, end_of_day(turn.now, LEAST_DAYS))
        key, why = f"{occasion(row)}:undo:{place}", f"reversal of {occasion(row)}"
        rewards.credit(turn, voucher.member_id, n, REDEEMED, key, why, until)
    turn.tell(voucher.member_id, "redeem/undone", name=voucher.template, points=row.points)
    return True


def limits(row: Redemption, made_at: datetime, member_id: int = 0) -> list[str]:
    """The stocks that count a campaign's redemptions: all, this member's (or another's), theirs of the day."""
    base, of = f"campaign:{row.campaign_id}", member_id or row.member_id
    return [base, f"limit:{base}:{of}", f"limit:{base}:{of}:{local_day(made_at)}"]
