"""Events of orders: what shops tell us, and what it means once it is entered in our books."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.event_base import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderPaid(Event):
    """An order was paid. `buyer` holds any of unionid, external_userid, mobile_hash, openid, and perhaps the last four
    digits of the phone (mobile_tail), which names nobody; amounts are fen.

    `checkout` is the code that the buyer took from us, if they did.
    """

    shop: str
    order_no: str
    buyer: dict[str, str]
    amount_fen: int
    items: list[dict[str, Any]]
    checkout: str | None = None
    store: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRefunded(Event):
    """Money of an order went back; `refund_no` is the shop's (or ours, when the refund was asked for by us)."""

    shop: str
    order_no: str
    refund_no: str
    amount_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminAsked(Event):
    """A program of the shop's wants something set up; `act` names it, the answer is kept with the event.

    `actor` is the userid whose token asks, "" = the token of the settings, which is the owner's and may speak for
    anybody (`by`).
    """

    act: str
    body: dict[str, Any]
    actor: str = ""
    token_id: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEntered(Event):
    """An order is in our books now, once. `first`: the buyer never bought before."""

    order_id: int
    member_id: int
    amount_fen: int
    first: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReduced(Event):
    """A refund was counted: of `paid_fen`, `kept_fen` stands."""

    order_id: int
    member_id: int
    paid_fen: int
    kept_fen: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutPaid(Event):
    """What was held for a member is paid by an order; `order_id` 0: there was nothing to pay."""

    checkout_id: int
    checkout_kind: str
    subject_id: int
    member_id: int
    order_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckoutReleased(Event):
    """What was held for a member is free again. `why`: `unpaid` in time, `given_up` by the member, `undone` by the
    shop."""

    checkout_id: int
    checkout_kind: str
    subject_id: int
    member_id: int
    why: str = "unpaid"
