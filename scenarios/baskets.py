"""读单 baskets: what people type when they want to buy, as goods and quantities: 「茶叶礼盒 x2 龙井 x1 门店 徐汇店」.

Goods are meant by sku, by title, by part of it, by the number they had when they were last shown, or by `#id` as
choices write it. Rules read the words; one step looks the goods up.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace

from bot.events import Event
from bot.router import normalize
from bot.turn import Turn
from scenarios.offers import Basket, Line
from storage import dialogues, shop
from storage.tables import Product, Store

MOST_PIECES = 99
MOST_LINES = 20
MOST_DIGITS = 4
_TIMES = re.compile(r"(.+?)[x×*](\d{1,4})")


@dataclass(frozen=True)
class Wish:
    """One kind of goods as it was typed, and how many."""

    name: str
    qty: int = 1


@dataclass(frozen=True)
class Order:
    """What was typed: goods, and the store it is for ("" = not said)."""

    wishes: tuple[Wish, ...]
    store: str = ""

    def words(self, at: int, name: str) -> str:
        """The same once more, with the goods at `at` called `name`."""
        wishes = [*self.wishes[:at], replace(self.wishes[at], name=name), *self.wishes[at + 1 :]]
        return " ".join(f"{wish.name} x{wish.qty}" for wish in wishes)


def read(typed: str, units: str, store_word: str) -> Order:
    """What somebody typed. `units`: the words that may follow a number, `store_word` what comes before a store."""
    text = re.sub(r"(?<= )([x×*]) (?=\d)", r"\1", re.sub(r"[,、;+]", " | ", normalize(typed)))
    text, store = _store(text, store_word)
    after = "|".join(map(re.escape, units.split()))
    count = re.compile(rf"([x×*]?)(\d{{1,4}})({after})?")
    before = re.compile(rf"(\d{{1,4}})(?:{after})(.+)")
    wishes: list[Wish] = []
    name: list[str] = []
    for word in [*text.split(), "|"]:
        told = count.fullmatch(word)
        first = before.fullmatch(word)
        if told and name and (told[1] or told[3]):
            wishes.append(Wish(" ".join(name), int(told[2])))
            name = []
        elif word == "|" and name:
            wishes.append(Wish(" ".join(name)))
            name = []
        elif first and not name:
            wishes.append(Wish(first[2], int(first[1])))
        elif word != "|":
            name.append(word)
    return Order(tuple(wishes), store)


def _store(text: str, word: str) -> tuple[str, str]:
    """The words without the store, and the store."""
    match = re.search(rf"(?:^| ){re.escape(word)}[ :]*(\S+)", text)
    if match is None:
        return text, ""
    return f"{text[: match.start()]} {text[match.end() :]}".strip(), match[1]


@dataclass(frozen=True)
class Unclear:
    """Goods at `at` of `order` that are not one: none, or several to choose from."""

    order: Order
    at: int
    found: tuple[Product, ...]


def look_up(turn: Turn, event: Event, order: Order, word: str) -> list[tuple[Product, int]] | Unclear:
    """The goods and how many of each; `word` is what choices of goods begin with when they are shown."""
    todo, done = list(order.wishes), dict[int, tuple[Product, int]]()
    at = 0
    while at < len(todo):
        wish = todo[at]
        found = _find(turn, event, wish.name, word)
        if not found and (split := _split(wish)):
            todo[at : at + 1] = split
            continue
        if len(found) != 1:
            return Unclear(replace(order, wishes=tuple(todo)), at, tuple(found))
        product = found[0]
        done[product.id] = (product, wish.qty + done.get(product.id, (product, 0))[1])
        at += 1
    return list(done.values())


def _split(wish: Wish) -> list[Wish]:
    """Words that are no goods together: a number after a name, one written to it, or several goods of one piece each.

    Asked only when the whole is no title, so that `iPhone 15` is one phone and not fifteen.
    """
    words = wish.name.split()
    for at in range(1, len(words)):
        if words[at].isdigit() and len(words[at]) <= MOST_DIGITS and not words[at - 1].isdigit():
            rest = [Wish(" ".join(words[at + 1 :]), wish.qty)] if words[at + 1 :] else []
            return [Wish(" ".join(words[:at]), int(words[at])), *rest]
    if len(words) > 1:
        return [*map(Wish, words[:-1]), Wish(words[-1], wish.qty)]
    times = _TIMES.fullmatch(wish.name)
    return [Wish(times[1], int(times[2]))] if times else []


def _find(turn: Turn, event: Event, name: str, word: str) -> list[Product]:
    """What goods a name may mean."""
    if name.startswith("#") and name[1:].isdigit():
        return _sold(turn, [int(name[1:])])
    there = [(number, normalize(sku), normalize(title)) for number, sku, title in shop.names(turn.db)]
    exact = [number for number, sku, title in there if name in (sku, title)]
    if not exact and name.isdigit() and event.sender is not None:
        shown = dialogues.offered(turn.db, *event.sender, turn.now)
        meant = normalize(shown[int(name) - 1]) if 1 <= int(name) <= len(shown) else ""
        return _find(turn, event, meant.split(" ")[1], word) if meant.startswith(f"{word} #") else []
    return _sold(turn, exact or [number for number, sku, title in there if name in title])


def _sold(turn: Turn, ids: list[int]) -> list[Product]:
    found = [shop.products.one(turn.db, id=number, status="active") for number in ids]
    return [product for product in found if product is not None]


def basket(goods: list[tuple[Product, int]], store: Store | None) -> Basket:
    """The goods as the calculation of offers sees them."""
    lines = tuple(Line(one.sku, one.title, one.category, qty, one.price_fen) for one, qty in goods)
    return Basket(lines, store.code if store else "", store.franchise if store else "")
