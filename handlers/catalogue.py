"""商品与门店 catalogue: what a shop sells, and where."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.router import Problem
from bot.texts import yuan
from bot.turn import Turn
from handlers.plays import Plays
from handlers.refusals import Refused, read, refuse
from handlers.signing import settle
from storage import shop, stock
from storage.tables import Product, Store

FEN_NOT_YUAN = 50  # a price that changes by so much was probably written in the other unit


class NewProduct(BaseModel):
    """商品. `stock` None: it never runs out."""

    model_config = ConfigDict(extra="forbid")

    sku: str = Field(min_length=1, max_length=64)
    title: str = Field(min_length=1, max_length=64)
    category: str = Field(default="", max_length=64)
    price_fen: int = Field(ge=1, le=100_000_000)
    cost_fen: int = Field(default=0, ge=0, le=100_000_000)
    stock: int | None = Field(default=None, ge=0, le=1_000_000_000)


class ProductChange(BaseModel):
    """What of a product changes; what is not given stays. `restock`: so many pieces more, or fewer when negative.

    `status` off: no new campaign may sell it. `sure`: the price really changes as much as it seems to.
    """

    model_config = ConfigDict(extra="forbid")

    sku: str
    title: str | None = Field(default=None, min_length=1, max_length=64)
    category: str | None = Field(default=None, max_length=64)
    price_fen: int | None = Field(default=None, ge=1, le=100_000_000)
    cost_fen: int | None = Field(default=None, ge=0, le=100_000_000)
    status: Literal["active", "off"] | None = None
    restock: int = Field(default=0, ge=-1_000_000_000, le=1_000_000_000)
    sure: bool = False
    by: str = Field(default="api", max_length=64)


class NewStore(BaseModel):
    """门店. `franchise`: who runs it, empty = the brand itself. `type`: 商场店 and the like, for layers of members."""

    model_config = ConfigDict(extra="forbid")

    code: str = Field(min_length=1, max_length=64)
    name: str = Field(min_length=1, max_length=64)
    franchise: str = Field(default="", max_length=64)
    type: str = Field(default="", max_length=30)


class StoreChange(BaseModel):
    """What of a store changes."""

    model_config = ConfigDict(extra="forbid")

    code: str
    name: str | None = Field(default=None, min_length=1, max_length=64)
    franchise: str | None = Field(default=None, max_length=64)
    type: str | None = Field(default=None, max_length=30)
    by: str = Field(default="api", max_length=64)


def new_product(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """Put goods on the shelf."""
    given: NewProduct = read(turn, NewProduct, body)
    if shop.products.one(turn.db, sku=given.sku) is not None:
        raise Refused(409, "exists", turn.texts.render("admin/exists", name=given.sku), "sku")
    problems = _prices(given.price_fen, given.cost_fen)
    problems += [Problem("stock", "catalogue/stock_zero", level="hint")] if given.stock == 0 else []
    warnings = settle(turn, problems, None, "api", None)
    row = Product(id=turn.ids.next(), status="active", created_at=turn.now, counted=int(given.stock is not None),
                  **given.model_dump(exclude={"stock"}))  # fmt: skip
    shop.products.add(turn.db, row)
    if given.stock is not None:
        stock.open_stock(turn.db, shop.sku_stock(given.sku), given.stock)
    turn.audit(turn.actor, "product.made", given.sku)
    return 201, {"id": row.id, "warnings": warnings}


def _prices(price_fen: int, cost_fen: int) -> list[Problem]:
    if cost_fen >= price_fen * FEN_NOT_YUAN:
        return [Problem("price_fen", "catalogue/cost_yuan")]
    return [Problem("price_fen", "catalogue/below_cost", level="hint")] if cost_fen > price_fen else []


def change_product(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """Change what is given of a product; what is held or sold of its stock is never touched."""
    given: ProductChange = read(turn, ProductChange, body)
    product = shop.products.one(turn.db, sku=given.sku)
    if product is None:
        raise Refused(404, "not_found", turn.texts.render("catalogue/no_product"), "sku")
    fields = given.model_dump(include={"title", "category", "price_fen", "cost_fen", "status"}, exclude_none=True)
    if not fields and not given.restock:
        refuse(turn, "", "catalogue/nothing")
    changed = {name: value for name, value in fields.items() if getattr(product, name) != value}
    problems = _prices(fields.get("price_fen", product.price_fen), fields.get("cost_fen", product.cost_fen))
    if "price_fen" in changed and not given.sure:
        problems += _jump(product.price_fen, changed["price_fen"])
    warnings = settle(turn, problems, None, given.by, None)
    grown = _restock(turn, product, given) if given.restock else {}
    if changed:
        before = {name: getattr(product, name) for name in changed}
        shop.products.change(turn.db, changed, id=product.id)
        turn.audit(given.by, "product.changed", given.sku, before=before, after=changed, **grown)
    elif grown:
        turn.audit(given.by, "stock.grown", shop.sku_stock(given.sku), **grown)
    there = stock.find(turn.db, shop.sku_stock(given.sku)) if product.counted or given.restock else None
    return 200, {"id": product.id, "sku": given.sku, "stock": there.remaining if there else None, "warnings": warnings}


def _jump(was_fen: int, is_fen: int) -> list[Problem]:
    if max(was_fen, is_fen) < min(was_fen, is_fen) * FEN_NOT_YUAN:
        return []
    return [Problem("price_fen", "catalogue/price_jump", {"now": yuan(was_fen)})]


def _restock(turn: Turn, product: Product, given: ProductChange) -> dict[str, int]:
    """More pieces, or fewer; what there is then."""
    name = shop.sku_stock(given.sku)
    if not product.counted:
        if given.restock < 0:
            refuse(turn, "restock", "catalogue/uncounted")
        stock.open_stock(turn.db, name, 0)  # pieces of an earlier time of counting stay as they are
        shop.products.change(turn.db, {"counted": 1}, id=product.id)
    if not stock.grow(turn.db, name, given.restock):
        there = stock.find(turn.db, name)
        assert there is not None
        raise Refused(409, "short_stock", turn.texts.render(
            "catalogue/short_stock", left=there.remaining, held=there.reserved, taken=there.taken, wanted=-given.restock
        ), "restock")  # fmt: skip
    there = stock.find(turn.db, name)
    assert there is not None
    return {"by": given.restock, "total": there.total, "remaining": there.remaining}


def new_store(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """Open a store."""
    given: NewStore = read(turn, NewStore, body)
    if shop.stores.one(turn.db, code=given.code) is not None:
        raise Refused(409, "exists", turn.texts.render("admin/exists", name=given.code), "code")
    shop.stores.add(turn.db, Store(**given.model_dump()))
    turn.audit(turn.actor, "store.made", f"store:{given.code}", name=given.name, franchise=given.franchise)
    return 201, given.model_dump()


def change_store(turn: Turn, body: dict[str, Any], plays: Plays) -> tuple[int, dict[str, Any]]:
    """Rename a store, hand it over to another franchisee, say what type it is."""
    given: StoreChange = read(turn, StoreChange, body)
    store = shop.stores.one(turn.db, code=given.code)
    if store is None:
        raise Refused(404, "not_found", turn.texts.render("catalogue/no_store"), "code")
    fields = given.model_dump(include={"name", "franchise", "type"}, exclude_none=True)
    if not fields:
        refuse(turn, "", "catalogue/no_store_change")
    changed = {name: value for name, value in fields.items() if getattr(store, name) != value}
    if changed:
        before = {name: getattr(store, name) for name in changed}
        shop.stores.change(turn.db, changed, code=given.code)
        turn.audit(given.by, "store.changed", f"store:{given.code}", before=before, after=changed)
    return 200, {"code": given.code, "name": store.name, "franchise": store.franchise, "type": store.type,
                 **changed}  # fmt: skip
