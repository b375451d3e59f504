"""作答 answers: what the database says to a member's free words: texts of prompts/, each with the facts that it rests
on, so that it can be looked at again before it is sent."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from bot.clock import till
from bot.texts import yuan
from bot.turn import Turn
from scenarios import receipts
from scenarios.utterances import Ear, Mention, Title, mentioned
from storage import articles, coupons, drives, points, shop, stock
from storage.members import Person
from storage.tables import CouponTemplate, Product

SHOWN = 5
FEW = 10  # so few pieces are named
FEW_WORDS = 40


class Fact(NamedTuple):
    """Something in the database that a text says: its kind, of what, and how it stood."""

    kind: str
    of: str
    value: str


@dataclass(frozen=True)
class Answer:
    """A text for a member. `made_by`: template, knowledge, model, guide."""

    text: str
    intent: str
    made_by: str = "template"
    basis: tuple[Fact, ...] = ()
    cites: tuple[str, ...] = ()


def both(first: Answer, second: Answer) -> Answer:
    """One answer after the other, over the facts of both."""
    return replace(
        first, text=f"{first.text}\n{second.text}", basis=first.basis + second.basis, cites=first.cites + second.cites
    )


def changed(turn: Turn, person: Person, basis: Sequence[Fact]) -> Fact | None:
    """The first fact that is another one now, as it stands now; None when everything is as it was."""
    for fact in basis:
        now = READERS[fact.kind](turn, person, fact.of)
        if now != fact.value:
            return fact._replace(value=now)
    return None


def again(turn: Turn, person: Person, basis: Sequence[Fact]) -> list[Fact]:
    """The same facts as they stand now."""
    return [_fact(turn, person, fact.kind, fact.of) for fact in basis]


def _fact(turn: Turn, person: Person, kind: str, of: str = "") -> Fact:
    return Fact(kind, of, READERS[kind](turn, person, of))


# -- the member's own -----------------------------------------------------------------------------------------------


def own(turn: Turn, person: Person, intent: str) -> Answer:
    """Orders, points or coupons of whoever asks, and of nobody else."""
    return Answer(OWN[intent](turn, person), intent, basis=(_fact(turn, person, intent),))


def has_orders(turn: Turn, person: Person) -> bool:
    """Whether there is anything to say of orders."""
    return bool(_order_lines(turn, person))


def _order_lines(turn: Turn, person: Person) -> list[str]:
    waiting = [line for _, line in receipts.open_lines(turn, person)]
    return [*waiting, *receipts.order_lines(turn, person, SHOWN)]


def _orders(turn: Turn, person: Person) -> str:
    lines = _order_lines(turn, person)
    return turn.texts.render("replies/orders", lines="\n".join(lines)) if lines else turn.texts.render(
        "replies/orders_none"
    )  # fmt: skip


def _points(turn: Turn, person: Person) -> str:
    held, owed = points.held(turn.db, person.id), points.owed(turn.db, person.id)
    if owed:
        return turn.texts.render("replies/points_owed", points=held, owed=owed)
    waiting = sum(reward.kept for reward in drives.rewards.all(turn.db, member_id=person.id, status="pending"))
    return turn.texts.render("replies/points", points=held, waiting=waiting)


def _coupons(turn: Turn, person: Person) -> str:
    usable = coupons.usable(turn.db, person.id, turn.now)[:SHOWN]
    if not usable:
        return turn.texts.render("coupons/none_mine")
    lines = [
        turn.texts.render("coupons/mine_line", name=one.template, code=one.code, until=till(one.expires_at, turn.now))
        for one in usable
    ]
    return turn.texts.render("coupons/mine", lines="\n".join(lines))


OWN: dict[str, Callable[[Turn, Person], str]] = {"orders": _orders, "points": _points, "coupons": _coupons}


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


# -- what can be had ------------------------------------------------------------------------------------------------


def claimable(turn: Turn, intent: str) -> Answer:
    """Coupons that anyone may take: all that may be promised to whoever asks for a discount."""
    names = _claimable(turn)
    if not names:
        text = turn.texts.render("replies/claim_none" if intent == "claim" else "replies/discount_none")
    elif intent == "claim":
        text = turn.texts.render("replies/claim", names=names)
    else:
        text = turn.texts.render("replies/discount", names=names)
    return Answer(text, intent, basis=(Fact("claimable", "", names),))


def _claimable(turn: Turn) -> str:
    there = [one for one in shop.templates.all(turn.db, claimable=1) if _open(turn, one)]
    return turn.texts.render("common/comma").join(one.name for one in there[:SHOWN])


def _open(turn: Turn, template: CouponTemplate) -> bool:
    return template.valid_until is None or template.valid_until > turn.now


# -- goods ----------------------------------------------------------------------------------------------------------


def mention(turn: Turn, ear: Ear, said: str, part: float = 0.5) -> Mention:
    """The goods that plain words name, or a whole category of them; `part`: how much of the words must be a name."""
    names = shop.names(turn.db)
    titles = [Title(number, ear.plain(title), "") for number, _, title in names]
    kinds = {ear.plain(one): one for one in shop.categories(turn.db) if one}
    titles += [Title(-place, plain, plain) for place, plain in enumerate(kinds, 1)]
    found = mentioned(ear.cores(said), titles, part)
    ids = list(dict.fromkeys(goods for number in found.ids for goods in _of(turn, number, list(kinds.values()))))
    return found._replace(ids=tuple(ids))


def _of(turn: Turn, number: int, categories: list[str]) -> list[int]:
    if number > 0:
        return [number]
    return [product.id for product in shop.shelf(turn.db, categories[-number - 1], 0, FEW_WORDS)]


def goods(turn: Turn, person: Person, found: Mention, intent: str, buy: str) -> Answer:
    """What the goods cost and whether they are there; `buy`: the word that buys the only one, "" = none."""
    there = goods_of(turn, found.ids[:SHOWN])
    lines = "\n".join(line(turn, product) for product in there)
    if len(found.ids) > SHOWN:
        text = turn.texts.render("replies/goods_more", lines=lines, count=len(found.ids))
    else:
        text = turn.texts.render("replies/goods", lines=lines)
    if buy and len(there) == 1 and left(turn, there[0]) != "0":
        text += "\n" + turn.texts.render("replies/how_to_buy", word=buy, title=there[0].title)
    basis = [_fact(turn, person, kind, product.sku) for product in there for kind in ("price", "stock")]
    return Answer(text, intent, basis=tuple(basis), cites=tuple(product.title for product in there))


def goods_of(turn: Turn, ids: Sequence[int]) -> list[Product]:
    """Those that are sold now."""
    there = [shop.products.one(turn.db, id=number, status="active") for number in ids]
    return [product for product in there if product is not None]


def line(turn: Turn, product: Product) -> str:
    """What a product costs and whether it is there."""
    pieces = left(turn, product)
    if pieces == "0":
        said = turn.texts.render("replies/stock_none")
    elif pieces:
        said = turn.texts.render("replies/stock_few", left=pieces)
    else:
        said = turn.texts.render("replies/stock_plenty")
    return turn.texts.render("replies/goods_line", title=product.title, price=yuan(product.price_fen), stock=said)


def left(turn: Turn, product: Product) -> str:
    """How many pieces are left, where that is worth saying; "" = enough."""
    if not product.counted:
        return ""
    there = stock.find(turn.db, shop.sku_stock(product.sku))
    remaining = there.remaining if there else 0
    return str(remaining) if remaining <= FEW else ""


# -- how facts are read ---------------------------------------------------------------------------------------------


def _price_of(turn: Turn, person: Person, sku: str) -> str:
    product = shop.products.one(turn.db, sku=sku, status="active")
    return str(product.price_fen) if product else ""


def _stock_of(turn: Turn, person: Person, sku: str) -> str:
    product = shop.products.one(turn.db, sku=sku, status="active")
    return left(turn, product) if product else "0"


def _version_of(turn: Turn, person: Person, article_id: str) -> str:
    """Which version of an article may be said now; "" when none may any more."""
    row = articles.articles.one(turn.db, id=int(article_id), status="live")
    if row is None or (row.valid_from is not None and row.valid_from > turn.now):
        return ""
    return str(row.version) if row.valid_until is None or row.valid_until > turn.now else ""


READERS: dict[str, Callable[[Turn, Person, str], str]] = {
    "price": _price_of,
    "stock": _stock_of,
    "orders": lambda turn, person, _: _digest("\n".join(receipts.order_lines(turn, person, SHOWN))),
    "points": lambda turn, person, _: _digest(_points(turn, person)),
    "coupons": lambda turn, person, _: _digest(_coupons(turn, person)),
    "knowledge": _version_of,
    "claimable": lambda turn, person, _: _claimable(turn),
}
