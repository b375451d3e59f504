"""套餐 bundle: several goods at one price. Quota, limit and every counted good are held together or not at all.

The price is parted over the goods by largest remainder, so that what each brought in sums to it exactly.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.clock import shown
from bot.events import Event
from bot.kf_menu import Choice
from bot.order_events import CheckoutPaid, CheckoutReleased
from bot.router import CampaignKind, Problem, Router, Shelf
from bot.texts import yuan
from bot.turn import Turn
from scenarios import campaigns, checkout
from scenarios.checkout import Goods, Hold, Want
from storage import shop, stock
from storage.tables import Campaign

router = Router("bundle")

KIND = "bundle"


class Item(BaseModel):
    """One kind of goods in a bundle."""

    model_config = ConfigDict(extra="forbid")

    sku: str = Field(min_length=1, max_length=64)
    qty: int = Field(default=1, ge=1, le=99)


class Drive(BaseModel):
    """A bundle's config: its goods together for `price_fen`, `total` times, `per_member` for one person."""

    model_config = ConfigDict(extra="forbid")

    items: list[Item] = Field(min_length=1, max_length=20)
    price_fen: int = Field(ge=1)
    total: int = Field(ge=1, le=10_000_000)
    per_member: int = Field(default=1, ge=1, le=1000)
    hold_minutes: int = Field(default=15, ge=1, le=120)
    below_cost: bool = False

    @model_validator(mode="after")
    def _more_than_one_piece(self) -> Drive:
        if sum(item.qty for item in self.items) < 2:
            raise ValueError("items: a bundle has two pieces at least")
        return self


def goods(turn: Turn, rules: Drive) -> tuple[Goods, ...]:
    """The bundle's goods at their list prices of today."""
    found = []
    for item in rules.items:
        product = shop.products.one(turn.db, sku=item.sku)
        title, fen = (product.title, product.price_fen) if product else (item.sku, rules.price_fen)
        found.append(Goods(item.sku, title, item.qty, fen))
    return tuple(found)


def contents(turn: Turn, wanted: tuple[Goods, ...]) -> str:
    """The goods in a few words."""
    named = [turn.texts.render("bundle/item", title=item.title, qty=item.qty) for item in wanted]
    return turn.texts.render("common/comma").join(named)


@router.words("套餐")
def list_drives(turn: Turn, event: Event) -> None:
    """Which bundles there are, what is in them, what they save."""
    assert event.sender is not None
    choices = []
    for campaign in campaigns.running(turn, KIND):
        rules, there = campaigns.rules(campaign, Drive), stock.find(turn.db, f"campaign:{campaign.id}")
        wanted = goods(turn, rules)
        label = turn.texts.render(
            "bundle/drive", name=campaign.name, contents=contents(turn, wanted), price=yuan(rules.price_fen),
            saved=yuan(max(0, sum(item.qty * item.price_fen for item in wanted) - rules.price_fen)),
            left=there.remaining if there else rules.total, until=shown(campaign.ends_at),
        )  # fmt: skip
        choices.append(Choice(router.word(buy, campaigns.named(campaign)), label))
    if choices:
        turn.ask(event.sender, "bundle/drives", choices)
    else:
        turn.say(event.sender, "bundle/no_drives")


@router.words("买套餐", arg="序号", bare=True, menu=False)
def buy(turn: Turn, event: Event, typed: str) -> None:
    """Hold a bundle for payment."""
    assert event.sender is not None
    campaign = campaigns.chosen(turn, KIND, typed)
    if campaign is None:
        list_drives(turn, event)
        return
    person = turn.ensure_person(event.sender, "word")
    wanted = goods(turn, campaigns.rules(campaign, Drive))
    held = checkout.open_or_shown(turn, person, _want(turn, campaign, person.id, wanted))
    if isinstance(held, str):
        turn.say(event.sender, REFUSED[held])
        return
    turn.say(event.sender, "bundle/held", contents=contents(turn, wanted), price=yuan(held.price_fen),
             pay_until=shown(held.hold_until), checkout=held.code)  # fmt: skip


def _want(turn: Turn, campaign: Campaign, member_id: int, wanted: tuple[Goods, ...]) -> Want:
    rules = campaigns.rules(campaign, Drive)
    holds = (
        Hold(f"campaign:{campaign.id}", 1, rules.total),
        checkout.one_of(turn, campaign.id, member_id, rules.per_member),
    )
    return Want(KIND, campaign.id, wanted, rules.price_fen, holds, minutes=rules.hold_minutes)


REFUSED = {"sold_out": "bundle/sold_out", "limit": "bundle/limit"}


@router.on(CheckoutPaid)
def bought(turn: Turn, event: CheckoutPaid) -> None:
    """Paid: the goods are sold."""
    if event.checkout_kind == KIND:
        turn.tell(event.member_id, "bundle/bought")


@router.on(CheckoutReleased)
def not_paid(turn: Turn, event: CheckoutReleased) -> None:
    """Not paid in time: the goods are for others again. Who gave it up knows."""
    if event.checkout_kind == KIND and event.why == "unpaid":
        turn.tell(event.member_id, "bundle/released")


def problems(rules: Drive, shelf: Shelf) -> list[Problem]:
    """What is wrong with a bundle's price, beside its goods'."""
    list_fen = sum(item.qty * shelf.products[item.sku].price_fen for item in rules.items)
    cost_fen = sum(item.qty * shelf.products[item.sku].cost_fen for item in rules.items)
    found = []
    if len({item.sku for item in rules.items}) < len(rules.items):
        found.append(Problem("items", "campaigns/same_sku"))
    if rules.price_fen > list_fen:
        found.append(Problem("price_fen", "campaigns/above_list"))
    if rules.price_fen < cost_fen and not rules.below_cost:
        found.append(campaigns.sold_below_cost("price_fen", rules.price_fen, cost_fen))
    if rules.price_fen * campaigns.FEN_NOT_YUAN < list_fen:
        found.append(Problem("price_fen", "campaigns/fen_or_yuan"))
    return found


def worst_fen(rules: Drive, shelf: Shelf) -> int:
    """What a campaign can give away at most: as often as the quota and the scarcest of the goods allow."""
    list_fen = sum(item.qty * shelf.products[item.sku].price_fen for item in rules.items)
    often = min([rules.total, *[shelf.left[one.sku] // one.qty for one in rules.items if one.sku in shelf.left]])
    return max(0, list_fen - rules.price_fen) * often


def named(rules: Drive) -> dict[str, str]:
    """The goods that the rules name, by field."""
    return {f"items.{at}.sku": item.sku for at, item in enumerate(rules.items)}


router.campaign = CampaignKind(Drive, problems, worst_fen, named)
