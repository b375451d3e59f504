"""账簿 books: what the one transaction of an import does, by kind: counts, or the lines that cannot enter."""

from __future__ import annotations

from collections.abc import Callable

from bot.turn import Work
from storage import audit_log, imports, member_stats, openings, points, shop, stock
from storage.tables import ImportRow, Product

ACTOR = "rule:import"
CHANGES = (("title", "name"), ("category", "place"), ("price_fen", "amount"), ("cost_fen", "cost_fen"))


def enter(work: Work, run_id: int, kind: str) -> dict[str, int] | list[int]:
    """Let a staged run enter the books, once."""
    run = imports.runs.one(work.db, id=run_id)
    assert run is not None
    if not imports.runs.change(work.db, {"status": "done", "done_at": work.now}, id=run_id, status="staging"):
        return {}
    outcome = ENTER[kind](work, run_id)
    if isinstance(outcome, list):
        imports.runs.change(work.db, {"status": "dropped", "done_at": None}, id=run_id)
    else:
        work.audit(run.made_by, f"import.{kind}", f"import:{run_id}", **outcome)
    return outcome


def _members(work: Work, run_id: int) -> dict[str, int] | list[int]:
    """Who is new, what was missing of who is not, and opening balances."""
    if torn := imports.settle_members(work.db, run_id, once=True):
        return torn
    new = imports.add_members(work.db, run_id, work.now)
    opened = openings.post_all(work.db, run_id, imports.TRANSFER, f"import:{run_id}", work.now)
    for member_id in openings.debtors(work.db, run_id):
        points.settle(work, member_id, f"import:{run_id}:settle:{member_id}", "import")
    return {"new": new, "opened": opened}


def _orders(work: Work, run_id: int) -> dict[str, int] | list[int]:
    """History: who bought before has bought before. It earns nothing and wakes no play: what a shop owed for these
    orders was settled when they were paid, long before we kept books."""
    if torn := imports.settle_members(work.db, run_id, once=False):
        return torn
    new = imports.add_orders(work.db, run_id, work.now)
    for place in imports.places(work.db, run_id):
        subject = f"store:{place}"
        known = shop.stores.one(work.db, code=place) is not None
        if not known and not audit_log.is_there(work.db, "store.unknown", subject):
            work.audit(ACTOR, "store.unknown", subject)
    refunded = _count_refunds(work, run_id)
    member_stats.recount_run(work.db, run_id)
    return {"new": new, "refunded": refunded}


def _count_refunds(work: Work, run_id: int) -> int:
    """Refunds that were told before their order was known."""
    counted = 0
    for refund, order in imports.waiting_refunds(work.db, run_id):
        amount = min(refund.amount_fen, order.amount_fen - order.refunded_fen)
        if not shop.order_refunds.change(work.db, {"applied": 1}, id=refund.id, applied=0):
            continue
        if amount and shop.reduce(work.db, order.id, amount):
            counted += 1
        if amount < refund.amount_fen:
            over = refund.amount_fen - amount
            work.audit(ACTOR, "refund.too_much", f"order:{order.id}", refund=refund.id, over=over)
    return counted


def _products(work: Work, run_id: int) -> dict[str, int] | list[int]:
    """New goods with their stock; title, category, price and cost of those that are there. Their stock stays: what was
    sold since the file was written would come back to life."""
    # All are asked for before any is written: a question would write out what was collected, line by line.
    found = [(line, shop.products.one(work.db, sku=line.code)) for line in imports.lines(work.db, run_id)]
    new = [line for line, product in found if product is None]
    for line in new:
        _add(work, line)
    changed = sum(_change(work, product, line) for line, product in found if product is not None)
    return {"new": len(new), "changed": changed}


def _add(work: Work, line: ImportRow) -> None:
    shop.products.add(work.db, Product(
        id=line.base_id, sku=line.code, title=line.name, category=line.place, price_fen=line.amount,
        cost_fen=line.cost_fen, counted=int(line.stock is not None), status="active", created_at=work.now,
    ))  # fmt: skip
    if line.stock is not None:
        stock.open_stock(work.db, shop.sku_stock(line.code), line.stock)


def _change(work: Work, product: Product, line: ImportRow) -> bool:
    after = {name: getattr(line, of) for name, of in CHANGES if getattr(line, of) != getattr(product, name)}
    if after:
        before = {name: getattr(product, name) for name in after}
        shop.products.change(work.db, after, id=product.id)
        work.audit(ACTOR, "product.changed", product.sku, before=before, after=after)
    return bool(after)


ENTER: dict[str, Callable[[Work, int], dict[str, int] | list[int]]] = {
    "members": _members, "products": _products, "orders": _orders,
}  # fmt: skip
