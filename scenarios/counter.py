"""柜台 counter: a coupon and a bill at a store's counter: what comes off, or why nothing does."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from bot.ids import read_code
from bot.texts import yuan
from bot.turn import Turn
from scenarios import stores, vouchers
from scenarios.offers import Basket, Coupon, Line, price, why_not
from storage import coupons, shop
from storage.coupons import Voucher
from storage.tables import Store

CODE_SYMBOLS = 16
_YUAN = re.compile(r"[¥￥]?(\d{1,7})(?:\.(\d{1,2}))?\D?")


@dataclass(frozen=True)
class Bill:
    """What a coupon takes off; `amount_fen` None: nothing was to be paid (a gift)."""

    off_fen: int
    amount_fen: int | None = None
    store: Store | None = None


@dataclass(frozen=True)
class Refusal:
    """Why a coupon is not taken: a text with its values."""

    text: str
    values: dict[str, object] = field(default_factory=dict)


def coupon(turn: Turn, words: list[str]) -> tuple[Voucher | None, list[str]]:
    """The coupon meant, and the words after its code. A code may be typed in groups with blanks between."""
    symbols = 0
    for end, word in enumerate(words, 1):
        symbols += sum(symbol.isalnum() for symbol in word)
        if symbols >= CODE_SYMBOLS or end == len(words):
            found = coupons.by_code(turn.db, read_code("".join(words[:end])))
            return found, words[end:]
    return None, []


def fen(typed: str) -> int | None:
    """An amount in yuan, such as `128`, `128.5` or one with its unit, as fen."""
    match = _YUAN.fullmatch(typed)
    return int(match[1]) * 100 + int((match[2] or "0").ljust(2, "0")) if match else None


def one_line(rule: Coupon, amount_fen: int, store: Store | None) -> Basket:
    """A bill as a basket of one line of what the coupon is for: the counter names the sum of what it applies to."""
    meant = min(rule.scope_items, default="")
    line = Line(meant, meant, meant, 1, amount_fen)
    return Basket((line,), store.code if store else "", store.franchise if store else "")


def bill(turn: Turn, voucher: Voucher, words: list[str]) -> Bill | Refusal:
    """What an active coupon takes off what was typed after its code: the amount, and the store."""
    template = shop.templates.one(turn.db, id=voucher.template_id) if voucher.template_id is not None else None
    amounts = [found for word in words if (found := fen(word)) is not None]
    named = " ".join(word for word in words if fen(word) is None)
    store = stores.named(turn, named) if named else None
    if named and store is None:
        return Refusal("coupons/no_store", {"store": named, "known": stores.all_names(turn)})
    if len(amounts) > 1:
        return Refusal("coupons/which_amount")
    if template is None:
        return Bill(voucher.liability_fen, None, store)
    if template.valid_from is not None and template.valid_from > turn.now:
        return Refusal("coupons/not_yet")
    rule = vouchers.as_rule(voucher, template)
    if template.scope in stores.PLACED and store is None:
        return Refusal("coupons/which_store", {"known": stores.all_names(turn)})
    if rule.kind != "gift" and not amounts:
        return Refusal("coupons/what_amount", {"code": rule.code})
    return _taken(rule, amounts[0] if amounts else None, store)


def _taken(rule: Coupon, amount_fen: int | None, store: Store | None) -> Bill | Refusal:
    """The rules of the coupon against the bill."""
    basket = one_line(rule, amount_fen or 0, store)
    why = why_not(rule, basket)
    if why == "scope":
        return Refusal("coupons/elsewhere", {"store": store.name if store else ""})
    if why and amount_fen is None:
        return Refusal("coupons/what_amount", {"code": rule.code})
    if why:
        return Refusal("coupons/below_threshold", {"missing": yuan(rule.threshold_fen - basket.total_fen)})
    return Bill(price(basket, [rule]).savings[0].fen, amount_fen, store)
