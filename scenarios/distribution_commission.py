"""佣金: pending once a customer's order is paid, theirs when its refund window ends, less with each refund."""

from __future__ import annotations

import json
from datetime import timedelta

from bot.texts import yuan
from bot.turn import Retry, Turn
from scenarios.distribution_rules import Earned, Rules, capped, earn, nets, read_lines
from storage import distribution, members, purse, shop
from storage.distribution import DUE, EARNED, REFUND, commissions, earning
from storage.ledger import COMMISSION, ISSUER, Move
from storage.tables import Commission, CommissionLine, DistributionCustomer, Distributor, Order

BY_HAND = "by_hand"


def promise(turn: Turn, order: Order, buyer: int, rules: Rules) -> None:
    """What a customer's order earns whoever promoted it, and whoever had brought them: a path of two at most."""
    binding = distribution.binding_of(turn.db, buyer)
    if binding is None or not _covers(binding, order):
        return  # almost every order
    first = distribution.today(turn.db, binding.distributor_id)
    if first is None or first.status != "active" or first.member_id == buyer:
        return
    path = [first, *_second(turn, first, buyer, rules)]
    categories: dict[str, str] = {}

    def category(sku: str) -> str:
        if sku not in categories:
            product = shop.products.one(turn.db, sku=sku) if sku else None
            categories[sku] = product.category if product is not None else ""
        return categories[sku]

    paid = nets(read_lines(json.loads(order.items)), order.amount_fen)
    rates = [lambda sku, level=level: rules.rate(level, category(sku)) for level in range(1, len(path) + 1)]
    for level, lines in enumerate(capped([earn(paid, rate) for rate in rates], rules.most_fen_per_order), 1):
        if not sum(line.amount_fen for line in lines):
            return  # nobody earns by what earned whoever promoted it nothing
        _promise(turn, order, path[:level], binding, lines, rules)


def _covers(binding: DistributionCustomer, order: Order) -> bool:
    return binding.bound_at <= order.paid_at and (binding.ends_at is None or order.paid_at < binding.ends_at)


def _second(turn: Turn, first: Distributor, buyer: int, rules: Rules) -> list[Distributor]:
    """Whoever had brought the promoter, where there are two levels; nobody is paid for their own order, or twice."""
    if rules.levels < 2 or first.sponsor_id is None:
        return []
    second = distribution.today(turn.db, first.sponsor_id)
    if second is None or second.status != "active" or second.member_id in (buyer, first.member_id):
        return []
    return [second]


def _promise(
    turn: Turn, order: Order, path: list[Distributor], binding: DistributionCustomer, lines: list[Earned], rules: Rules
) -> None:  # fmt: skip
    amount = sum(line.amount_fen for line in lines)
    row = Commission(
        id=turn.ids.next(), order_id=order.id, level=len(path), distributor_id=path[-1].id,
        via_id=path[0].id if len(path) > 1 else None, customer_id=binding.member_id, binding_id=binding.id,
        net_fen=sum(line.net_fen for line in lines if line.rate_bp), amount_fen=amount, kept_fen=amount,
        status="pending", reason="", due_at=order.paid_at + timedelta(days=rules.refund_days), made_at=turn.now,
    )  # fmt: skip
    commissions.add(turn.db, row)
    for place, line in enumerate(lines):
        distribution.lines.add(turn.db, CommissionLine(
            commission_id=row.id, place=place, sku=line.sku, net_fen=line.net_fen, rate_bp=line.rate_bp,
            amount_fen=line.amount_fen,
        ))  # fmt: skip
    turn.move(Move(f"commission:{row.id}", ISSUER, earning(row.id), COMMISSION, amount, EARNED))
    turn.at(row.due_at, DUE, f"commission:{row.id}:due", {"commission_id": row.id})


def mature(turn: Turn, commission_id: int) -> None:
    """The refund window is over: what stands becomes the distributor's, unless a person has to look first."""
    row = commissions.one(turn.db, id=commission_id)
    if row is None or row.status != "pending" or row.due_at > turn.now:
        return
    binding = distribution.customers.one(turn.db, id=row.binding_id)
    if binding is None or binding.decided_at is None:
        return
    change = {"status": "available"}
    if not commissions.change(turn.db, change, id=row.id, status="pending", kept_fen=row.kept_fen):
        raise Retry(f"commission {row.id}")
    owner = owner_of(turn, row)
    purse.give(turn, owner, COMMISSION, row.kept_fen, earning(row.id), f"commission:{row.id}:due", EARNED)
    turn.tell(owner, "distribution/credited", fen=yuan(row.kept_fen))


def owner_of(turn: Turn, row: Commission) -> int:
    """Whose a commission is today."""
    promoter = distribution.distributors.one(turn.db, id=row.distributor_id)
    assert promoter is not None
    return members.current_id(turn.db, promoter.member_id)


def reduced(turn: Turn, order_id: int, paid_fen: int, kept_fen: int) -> None:
    """Money of an order went back: what it earned follows; what was paid out already is owed."""
    for row in commissions.all(turn.db, order_id=order_id):
        stands = min(row.kept_fen, distribution.standing(row.amount_fen, paid_fen, kept_fen))
        _shrink(turn, row, stands, REFUND)


def _shrink(turn: Turn, row: Commission, stands: int, reason: str) -> None:
    less, was, owner = row.kept_fen - stands, row.status, owner_of(turn, row)
    if distribution.shrink(turn, row, stands, owner, reason, turn.now) and was == "available":
        owed = purse.owed(turn.db, owner, COMMISSION)
        debt = turn.texts.render("distribution/owes", fen=yuan(owed)) if owed else ""
        turn.tell(owner, "distribution/taken_back", fen=yuan(less), debt=debt)


def decide(turn: Turn, binding: DistributionCustomer, by: str, note: str, *, yes: bool) -> bool:
    """A person has looked at a customer who seemed odd; False when somebody had before."""
    decided = {"decided_at": turn.now, "decided_by": by, "note": note}
    if not distribution.customers.change(turn.db, decided, id=binding.id, decided_at=None):
        return False
    rows = commissions.all(turn.db, binding_id=binding.id)
    if yes:
        for row in rows:
            mature(turn, row.id)
        return True
    distribution.end(turn.db, binding, BY_HAND, turn.now)
    for row in rows:
        _shrink(turn, row, 0, BY_HAND)
    return True
