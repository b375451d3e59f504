"""应退: what we owe back to a buyer. The shop is asked under a number of its own; what it refuses is asked for anew."""

from __future__ import annotations

from bot.turn import Turn
from storage import shop
from storage.tables import Order, Refund

CALL = "order/refund"
TIMER = "refund_again"
AGAIN, AGAIN_S, MOST_AGAIN = ":again", 600.0, 5


def owe(turn: Turn, order: Order, amount_fen: int, reason: str, key: str) -> bool:
    """Owe a buyer money back, once per `key`; the shop is told until it has answered. False when it is owed already
    or there is nothing left to refund."""
    owed = sum(row.amount_fen for row in shop.refunds.all(turn.db, order_id=order.id, status="owed"))
    amount_fen = min(amount_fen, order.amount_fen - order.refunded_fen - owed)
    if amount_fen <= 0 or shop.refunds.one(turn.db, key=key) is not None:
        return False
    row = Refund(id=turn.ids.next(), key=key, order_id=order.id, amount_fen=amount_fen, reason=reason, status="owed",
                 created_at=turn.now, done_at=None)  # fmt: skip
    shop.refunds.add(turn.db, row)
    _tell_shop(turn, order, row)
    return True


def _tell_shop(turn: Turn, order: Order, row: Refund) -> None:
    payload = {"shop": order.source, "order_no": order.order_no, "refund_no": row.key, "amount_fen": row.amount_fen,
               "reason": row.reason}  # fmt: skip
    turn.owe(CALL, payload, subject=f"order:{order.id}", member_id=order.member_id, answers=True)


def refused(turn: Turn, key: str) -> None:
    """The shop would not pay `key` back: look again later, when its own refunds have been told."""
    row = shop.refunds.one(turn.db, key=key, status="owed")
    if row is None:
        return
    tries = key.count(AGAIN) + 1
    if tries > MOST_AGAIN:
        turn.audit("rule:refunds", "refund.given_up", f"order:{row.order_id}", amount_fen=row.amount_fen)
        return
    turn.at(turn.since(AGAIN_S * tries), TIMER, f"refund:{row.id}", {"refund_id": row.id})


def ask_again(turn: Turn, refund_id: int) -> None:
    """Ask for what is still owed of a refund that was refused, under a number of its own."""
    row = shop.refunds.one(turn.db, id=refund_id)
    if row is None or not shop.refunds.change(turn.db, {"status": "refused"}, id=refund_id, status="owed"):
        return
    order = shop.orders.one(turn.db, id=row.order_id)
    assert order is not None
    owe(turn, order, row.amount_fen, row.reason, f"{row.key}{AGAIN}")
