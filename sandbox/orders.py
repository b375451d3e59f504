"""订单 orders of the stand-in shop: what was sold, what went back, and what the bot was told of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Push:
    """One webhook, told again until the bot says that it is stored.

    `state`: waiting | stored. `answer`: what the last attempt met. `due`: virtual seconds of the next attempt.
    """

    id: str
    type: str
    occurred_at: str
    data: dict[str, Any]
    state: str = "waiting"
    attempts: int = 0
    answer: str = ""
    due: float = 0.0


@dataclass
class Order:
    """A paid order. `buyer` is what the shop knows them by.

    `refunds` holds fen by refund number; `asked` says why, for those that the bot asked for.
    """

    order_no: str
    buyer: dict[str, str]
    amount_fen: int
    items: list[dict[str, Any]]
    checkout: str
    store: str
    at: str
    refunds: dict[str, int] = field(default_factory=dict)
    asked: dict[str, str] = field(default_factory=dict)
    pushes: list[Push] = field(default_factory=list)

    @property
    def refunded_fen(self) -> int:
        """What went back so far."""
        return sum(self.refunds.values())

    @property
    def left_fen(self) -> int:
        """What may still go back."""
        return self.amount_fen - self.refunded_fen

    def paid(self) -> dict[str, Any]:
        """`data` of its order.paid; what the order does not have is left out."""
        told = {"order_no": self.order_no, "buyer": self.buyer, "amount_fen": self.amount_fen, "items": self.items}
        more = {"checkout": self.checkout, "store": self.store}
        return {**told, **{name: value for name, value in more.items() if value}}

    def refunded(self, refund_no: str) -> dict[str, Any]:
        """`data` of the order.refunded of one refund."""
        told = {"order_no": self.order_no, "buyer": self.buyer, "refund_no": refund_no}
        return {**told, "amount_fen": self.refunds[refund_no]}


def loaded(data: dict[str, Any]) -> Order:
    """An order as a state file has it."""
    return Order(**{**data, "pushes": [Push(**push) for push in data["pushes"]]})


def shown_order(order: Order) -> dict[str, Any]:
    """An order for the page and for tests."""
    return {
        **asdict(order),
        "external_userid": order.buyer.get("external_userid", ""),
        "refunded_fen": order.refunded_fen,
    }
