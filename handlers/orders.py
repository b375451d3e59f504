"""订单 orders: what shops tell becomes our books, once, in whatever order it arrives; then the plays hear of it."""

from __future__ import annotations

import json

from bot.events import Address, ApiAnswered
from bot.order_events import OrderEntered, OrderPaid, OrderReduced, OrderRefunded
from bot.texts import yuan
from bot.turn import Turn
from handlers.plays import Plays
from scenarios import checkout, refunds, rewards
from storage import audit_log, names, oneid, shop
from storage.members import Person
from storage.tables import Checkout, Order, OrderRefund

# By what a shop may name a buyer, the strongest first, and the channel it stands for with us.
NAMES = (("unionid", "unionid"), ("external_userid", "wecom"), ("mobile_hash", "phone"), ("openid", "openid"))
EVIDENCE = "order webhook"
REFUSED = {
    "unknown": "orders/unknown",
    "amount": "orders/amount",
    "late": "orders/late",
    "paid_before": "orders/paid_before",
    "not_first": "orders/not_first",
    "wrong_store": "orders/wrong_store",
}


def paid(turn: Turn, event: OrderPaid, plays: Plays) -> None:
    """An order was paid. Told twice under two event ids, it is still one order."""
    if shop.orders.one(turn.db, source=event.shop, order_no=event.order_no) is not None:
        return
    person = _buyer(turn, event)
    first = not shop.has_bought_before(turn.db, person.id)
    _know_store(turn, event.store or "")
    order = shop.enter(turn.db, Order(
        id=turn.ids.next(), source=event.shop, order_no=event.order_no, member_id=person.id,
        amount_fen=event.amount_fen, refunded_fen=0, items=json.dumps(event.items, ensure_ascii=False),
        store=event.store or "", checkout_id=None, paid_at=event.at, created_at=turn.now,
    ))  # fmt: skip
    plays.tell(turn, OrderEntered(
        key=event.key, source=event.source, at=event.at, order_id=order.id, member_id=person.id,
        amount_fen=order.amount_fen, first=first,
    ))  # fmt: skip
    if event.checkout:
        _pay_checkout(turn, order, event.checkout, plays)
    for waiting in shop.order_refunds.all(turn.db, source=event.shop, order_no=event.order_no, applied=0):
        _apply(turn, order, waiting, plays)


def _know_store(turn: Turn, code: str) -> None:
    """An order keeps the store it was told; one that nobody set up is recorded once, for a person to look at."""
    if code and shop.stores.one(turn.db, code=code) is None:
        subject = f"store:{code}"
        if not audit_log.is_there(turn.db, "store.unknown", subject):
            turn.audit("rule:orders", "store.unknown", subject, cause=turn.cause)


def _buyer(turn: Turn, event: OrderPaid) -> Person:
    """The member who bought; several names of one buyer prove that they are one person."""
    given = [(channel, event.buyer[name]) for name, channel in NAMES if event.buyer.get(name)]
    if not given:
        given = [("order", f"{event.shop}:{event.order_no}")]
    person = None
    for channel, external_id in given:
        name = f"{event.shop}:{external_id}" if channel == "openid" else external_id
        name = name.lower() if channel == "phone" else name  # a hash in hex, see storage.members.phone_hash
        if person is None:
            person = turn.ensure_person(Address(channel, name), EVIDENCE)
            continue
        known = oneid.link(turn.db, turn.ids, person, (channel, name), EVIDENCE, turn.cause, turn.now)
        if known.id != person.id:
            turn.forget_people()
        person = known
    assert person is not None
    names.learn_tail(turn.db, person.id, event.buyer.get("mobile_tail", ""), "order", turn.now)
    return person


def _pay_checkout(turn: Turn, order: Order, code: str, plays: Plays) -> None:
    """The order pays for what we held; what cannot be honoured is refunded, with the reason."""
    held = shop.checkouts.one(turn.db, code=code)
    news = checkout.pay(turn, held, order) if held is not None else "unknown"
    if isinstance(news, str):
        if refunds.owe(turn, order, order.amount_fen, news, f"order:{order.id}:{news}"):
            turn.tell(order.member_id, REFUSED[news], code=code, amount=yuan(order.amount_fen))
        return
    plays.tell(turn, news)


def refunded(turn: Turn, event: OrderRefunded, plays: Plays) -> None:
    """Money went back. The order may not be known yet: the refund waits for it."""
    if shop.order_refunds.one(turn.db, source=event.shop, refund_no=event.refund_no) is not None:
        return
    row = shop.order_refunds.add(turn.db, OrderRefund(
        id=turn.ids.next(), source=event.shop, refund_no=event.refund_no, order_no=event.order_no,
        amount_fen=event.amount_fen, applied=0, refunded_at=event.at,
    ))  # fmt: skip
    order = shop.orders.one(turn.db, source=event.shop, order_no=event.order_no)
    if order is not None:
        _apply(turn, order, row, plays)


def _apply(turn: Turn, order: Order, refund: OrderRefund, plays: Plays) -> None:
    """Count a refund once; more than was paid is cut to what was left, and recorded for a person to look at."""
    if not shop.order_refunds.change(turn.db, {"applied": 1}, id=refund.id, applied=0):
        return
    amount = min(refund.amount_fen, order.amount_fen - order.refunded_fen)
    if amount < refund.amount_fen:
        turn.audit(
            "rule:orders", "refund.too_much", f"order:{order.id}", refund=refund.id, over=refund.amount_fen - amount
        )
    ours = shop.refunds.one(turn.db, key=refund.refund_no, order_id=order.id)
    if ours is not None:
        shop.refunds.change(turn.db, {"status": "done", "done_at": turn.now}, id=ours.id, status="owed")
    if not amount or not shop.reduce(turn.db, order.id, amount):
        return
    order.refunded_fen += amount
    kept = order.amount_fen - order.refunded_fen
    rewards.reduce_all(turn, order)
    if ours is None or ours.reason not in checkout.GOODS_KEPT:
        _undo_checkout(turn, order, kept)
    plays.tell(turn, OrderReduced(
        key=turn.cause, source=refund.source, at=refund.refunded_at, order_id=order.id, member_id=order.member_id,
        paid_fen=order.amount_fen, kept_fen=kept,
    ))  # fmt: skip


def _undo_checkout(turn: Turn, order: Order, kept_fen: int) -> None:
    """Goods, limits and coupons come back as their rules say: goods when all is refunded, coupons by their template."""
    held: Checkout | None = shop.checkouts.one(turn.db, id=order.checkout_id) if order.checkout_id else None
    if held is None:
        return
    if kept_fen == 0:
        checkout.refuse(turn, held)
    checkout.undo_coupons(turn, held, kept_fen)


def refund_answered(turn: Turn, event: ApiAnswered) -> None:
    """A shop took our refund, or refused it: what was paid back meanwhile makes it too much, so what is left is asked
    for anew after a while. The money's way is told by the shop's own webhook."""
    if event.ok:
        return
    turn.audit("rule:orders", "refund.refused", event.request["refund_no"], errcode=event.errcode)
    if event.errcode is not None:  # without an answer nobody refused: no shop takes refunds, a person must
        refunds.refused(turn, event.request["refund_no"])


def hold_ended(turn: Turn, checkout_id: int, plays: Plays) -> None:
    """The time to pay is over."""
    news = checkout.release(turn, checkout_id)
    if news is not None:
        plays.tell(turn, news)
