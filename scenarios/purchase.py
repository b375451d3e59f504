"""购买 purchase: the shelf, a basket at its best price, orders and giving up.

A basket is priced with the member's coupons and with what campaigns take off by themselves, held as one checkout, and
paid by an order of the shop that carries the checkout's code. What costs nothing is taken at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel, ConfigDict, Field

from bot.clock import shown
from bot.events import Event
from bot.ids import read_code
from bot.kf_menu import Choice
from bot.order_events import CheckoutPaid, CheckoutReleased
from bot.router import Router
from bot.texts import yuan
from bot.turn import Turn
from scenarios import baskets, checkout, discounts, receipts, stores, vouchers
from scenarios.baskets import Unclear
from scenarios.checkout import Want
from scenarios.offers import Basket, Offer
from storage import coupons, dialogues, oneid, shop, stock
from storage.members import Person
from storage.tables import Checkout, Product

router = Router("purchase")

KIND = "purchase"
AGAIN_WITHIN_S = 60.0  # the same basket so soon after the first is a second tap


class Rules(BaseModel):
    """[scenarios.purchase] of config.toml. `open_most`: how many checkouts a member may leave unpaid at once."""

    model_config = ConfigDict(extra="forbid")

    hold_minutes: int = Field(default=15, ge=1, le=120)
    page: int = Field(default=10, ge=1, le=30)
    open_most: int = Field(default=3, ge=1, le=50)
    shown: int = Field(default=5, ge=1, le=30)


@dataclass(frozen=True)
class Asked:
    """What is to be bought, and with which coupons: None = the best, else exactly these codes."""

    typed: str
    codes: tuple[str, ...] | None = None
    begins: str = ""


@router.words("商城", "商品", arg="分类", bare=True)
def browse(turn: Turn, event: Event, typed: str) -> None:
    """What is sold, by category, a page at a time."""
    assert event.sender is not None
    *words, last = typed.split() or [""]
    page = int(last) if last.isdigit() and len(last) <= baskets.MOST_DIGITS else 1
    name = " ".join(words if last.isdigit() else [*words, last]).strip()
    category = next((one for one in shop.categories(turn.db) if one.lower() == name), "")
    if name and not category:
        known = turn.texts.render("common/comma").join(filter(None, shop.categories(turn.db)))
        turn.say(event.sender, "purchase/no_category", name=name, known=known)
        return
    size = turn.using(Rules).page
    there = shop.shelf(turn.db, category, max(0, page - 1) * size, size + 1)
    if not there:
        turn.say(event.sender, "purchase/empty")
        return
    choices = [Choice(router.word(buy, f"#{one.id}"), _label(turn, one)) for one in there[:size]]
    if len(there) > size:
        choices.append(
            Choice(router.word(browse, f"{category} {page + 1}".strip()), turn.texts.render("purchase/more"))
        )
    turn.ask(event.sender, "purchase/shelf", choices)


def _label(turn: Turn, product: Product) -> str:
    values = {"title": product.title, "price": yuan(product.price_fen), "category": product.category}
    if not product.counted:
        return turn.texts.render("purchase/goods", **values)
    there = stock.find(turn.db, shop.sku_stock(product.sku))
    return turn.texts.render("purchase/goods_left", **values, left=there.remaining if there else 0)


@router.words("更多", menu=False)
def more(turn: Turn, event: Event) -> None:
    """The next page of what was shown last."""
    assert event.sender is not None
    word = router.word(browse)
    last = [one for one in dialogues.offered(turn.db, *event.sender, turn.now) if one.startswith(f"{word} ")]
    browse(turn, event, last[-1].removeprefix(word).strip() if last else "")


@router.words("买", "购买", arg="商品", bare=True, menu=False)
def buy(turn: Turn, event: Event, typed: str) -> None:
    """Hold goods for payment at the best price."""
    if typed:
        _order(turn, event, Asked(typed, begins=router.word(buy)))
    else:
        browse(turn, event, "")


@router.words("不用券", arg="商品", menu=False)
def buy_without(turn: Turn, event: Event, typed: str) -> None:
    """Keep the coupons for another time."""
    _order(turn, event, Asked(typed, (), router.word(buy_without)))


@router.words("用券", arg="券码 商品", menu=False)
def buy_with(turn: Turn, event: Event, typed: str) -> None:
    """Use these coupons and no others."""
    assert event.sender is not None
    words = typed.split()
    codes: list[str] = []
    while words and coupons.by_code(turn.db, read_code(words[0])) is not None:
        codes.append(read_code(words.pop(0)))
    if not codes:
        turn.say(event.sender, "purchase/no_such_coupon", code=words[0])
        return
    begins = router.word(buy_with, " ".join(codes))
    if words:
        _order(turn, event, Asked(" ".join(words), tuple(dict.fromkeys(codes)), begins))
    else:
        turn.say(event.sender, "purchase/what_with", begins=begins)


def _order(turn: Turn, event: Event, asked: Asked) -> None:
    """From words to a checkout, or to what is missing."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    read = baskets.read(asked.typed, turn.texts.render("purchase/units"), turn.texts.render("purchase/store_word"))
    store = stores.named(turn, read.store) if read.store else None
    if read.store and store is None:
        turn.say(event.sender, "purchase/no_store", name=read.store, known=stores.all_names(turn))
        return
    found = baskets.look_up(turn, event, read, router.word(buy))
    if isinstance(found, Unclear):
        _which(turn, event, asked, found)
    elif not found or len(found) > baskets.MOST_LINES or not all(1 <= n <= baskets.MOST_PIECES for _, n in found):
        turn.say(event.sender, "purchase/how_many", most=baskets.MOST_PIECES, lines=baskets.MOST_LINES)
    else:
        _hold(turn, event, person, baskets.basket(found, store), asked.codes)


def _which(turn: Turn, event: Event, asked: Asked, unclear: Unclear) -> None:
    """Nothing is called so, or several things are."""
    assert event.sender is not None
    name = unclear.order.wishes[unclear.at].name
    if not unclear.found:
        turn.say(event.sender, "purchase/unknown", name=name)
        return
    store = f"{turn.texts.render('purchase/store_word')} {unclear.order.store}" if unclear.order.store else ""
    choices = [
        Choice(f"{asked.begins} {unclear.order.words(unclear.at, f'#{one.id}')} {store}".strip(), _label(turn, one))
        for one in unclear.found[: turn.using(Rules).page]
    ]
    turn.ask(event.sender, "purchase/which", choices, name=name)


def _hold(turn: Turn, event: Event, person: Person, basket: Basket, codes: Sequence[str] | None) -> None:
    """Price the basket, hold it, explain the price."""
    assert event.sender is not None
    waiting = shop.checkouts.all(turn.db, member_id=person.id, status="held", kind=KIND, order="-id")
    fresh = [one for one in waiting if one.created_at > turn.since(-AGAIN_WITHIN_S)]
    again = [one for one in fresh if receipts.asked_again(turn, one, basket, codes)]
    if again:
        _say_held(turn, event, again[0], "purchase/held_before")
        return
    if len(waiting) >= turn.using(Rules).open_most:
        turn.say(event.sender, "purchase/too_many_open", most=len(waiting))
        return
    mine = [one for one in vouchers.usable(turn, person) if one.kind != "gift"]
    automatic = discounts.offered(turn, person, basket)
    priced = receipts.priced(basket, mine, automatic, codes)
    if isinstance(priced, receipts.Refusal):
        turn.say(event.sender, priced.text, **priced.values)
        return
    held = _open(turn, person, basket, priced)
    if held == discounts.GONE:  # somebody was faster: the discount is over, the goods may still be there
        priced = receipts.priced(basket, mine, (), codes)
        assert isinstance(priced, Offer)  # as before, without what campaigns take off
        held = _open(turn, person, basket, priced)
    if isinstance(held, str):
        turn.say(event.sender, "purchase/short", goods=receipts.what_is_short(turn, basket))
        return
    lines = receipts.explain(turn, person, basket, priced, [*mine, *automatic])
    _say_held(turn, event, held, "purchase/held" if held.price_fen else "purchase/free", lines=lines)


def _open(turn: Turn, person: Person, basket: Basket, priced: Offer) -> Checkout | str:
    """The checkout, or why not."""
    savings = tuple((saving.coupon.id, saving.fen) for saving in priced.savings if saving.coupon.id > 0)
    want = Want(
        KIND, 0, receipts.sold(basket, priced), priced.price_fen, tuple(discounts.holds(turn, person, priced.savings)),
        savings, discounts.terms(turn, priced.savings), basket.store, turn.using(Rules).hold_minutes,
    )  # fmt: skip
    return checkout.open_checkout(turn, person, want)


def _say_held(turn: Turn, event: Event, held: Checkout, text: str, **more: object) -> None:
    """What to pay, until when, by which code."""
    assert event.sender is not None
    values = {"price": yuan(held.price_fen), "pay_until": shown(held.hold_until)} if held.price_fen else {}
    turn.say(event.sender, text, checkout=held.code, **values, **more)


@router.words("我的订单", "订单")
def my_orders(turn: Turn, event: Event) -> None:
    """What waits for payment, what was bought."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    waiting = [line for _, line in receipts.open_lines(turn, person)]
    lines = [*waiting, *receipts.order_lines(turn, person, turn.using(Rules).shown)]
    if lines:
        turn.say(event.sender, "purchase/mine", lines="\n".join(lines))
    else:
        turn.say(event.sender, "purchase/none_mine")


@router.words("取消", "取消订单", arg="下单码", bare=True, menu=False)
def cancel(turn: Turn, event: Event, typed: str) -> None:
    """Give up a checkout that is not paid, of whatever play: what it held is free at once."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    if not typed:
        _which_to_cancel(turn, event, person)
        return
    held = shop.checkouts.one(turn.db, code=read_code(typed))
    if held is None or held.member_id not in oneid.same(turn.db, person.id):
        turn.say(event.sender, "purchase/unknown_code", code=typed)
        return
    news = checkout.release(turn, held.id, "given_up")
    if news is not None:
        turn.announce(news)
        turn.say(event.sender, "purchase/cancelled", checkout=held.code)
    else:
        turn.say(event.sender, CANNOT_CANCEL[held.status], checkout=held.code)


CANNOT_CANCEL = {
    "paid": "purchase/paid_already",
    "released": "purchase/cancelled_before",
    "refused": "purchase/cancelled_before",
}


def _which_to_cancel(turn: Turn, event: Event, person: Person) -> None:
    assert event.sender is not None
    choices = [Choice(router.word(cancel, held.code), line) for held, line in receipts.open_lines(turn, person)]
    if choices:
        turn.ask(event.sender, "purchase/which_to_cancel", choices)
    else:
        turn.say(event.sender, "purchase/nothing_open")


@router.on(CheckoutPaid)
def bought(turn: Turn, event: CheckoutPaid) -> None:
    """Paid; what cost nothing was said already."""
    if event.checkout_kind == KIND and event.order_id:
        turn.tell(event.member_id, "purchase/paid")


TOLD = {"unpaid": "purchase/released", "undone": "purchase/undone"}


@router.on(CheckoutReleased)
def given_back(turn: Turn, event: CheckoutReleased) -> None:
    """Not paid in time, or undone by the shop; who gave it up knows."""
    if event.checkout_kind == KIND and event.why in TOLD:
        turn.tell(event.member_id, TOLD[event.why])
