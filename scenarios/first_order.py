"""首单立减 first order: something off a member's very first order, by itself, once in a life.

The discount is found by whoever sells (see `discounts`): this play declares what its campaigns are and shows them. That
an order is the first is proven when it is paid, by person and not by account.
"""

from __future__ import annotations

from bot.clock import shown
from bot.events import Event
from bot.router import CampaignKind, Problem, Router, Shelf
from bot.texts import yuan
from bot.turn import Turn
from scenarios import campaigns, checkout, discounts
from scenarios.discounts import Automatic
from storage import stock
from storage.tables import Campaign

router = Router("first_order")

KIND = "first_order"
LEAST_OFF_FEN = 100  # less than a yuan off was probably meant as yuan

discounts.contribute(KIND, first=True)


@router.words("首单", "首单立减", "首单优惠")
def list_drives(turn: Turn, event: Event) -> None:
    """What a first order saves, and whether this member's is still to come."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    lines = [_line(turn, campaign) for campaign in campaigns.running(turn, KIND)]
    if not lines:
        turn.say(event.sender, "first_order/no_drives")
    elif not checkout.is_first(turn, person):
        turn.say(event.sender, "first_order/bought_before")
    elif discounts.waiting(turn, person):
        turn.say(event.sender, "first_order/waits")
    else:
        turn.say(event.sender, "first_order/drives", lines="\n".join(lines))


def _line(turn: Turn, campaign: Campaign) -> str:
    rules, there = campaigns.rules(campaign, Automatic), stock.find(turn.db, discounts.quota(campaign.id))
    values = {
        "name": campaign.name,
        "left": there.remaining if there else rules.total,
        "until": shown(campaign.ends_at),
    }
    if rules.price_fen:
        return turn.texts.render("first_order/drive_price", price=yuan(rules.price_fen), **values)
    return turn.texts.render(
        "first_order/drive_off", off=yuan(rules.off_fen), threshold=yuan(rules.threshold_fen), **values
    )


def problems(rules: Automatic, shelf: Shelf) -> list[Problem]:
    """What is wrong with a campaign's discount."""
    found = []
    if 0 < rules.off_fen < LEAST_OFF_FEN:
        found.append(Problem("off_fen", "campaigns/fen_or_yuan"))
    for at, sku in enumerate(rules.skus):
        product = shelf.products[sku]
        if rules.price_fen:
            price = ("price_fen", rules.price_fen)
            found += campaigns.price_problems(product, price, price, below_cost=rules.below_cost)
        elif max(product.price_fen, rules.threshold_fen) <= rules.off_fen:
            found.append(Problem("off_fen", "campaigns/off_too_much"))
        elif product.price_fen - rules.off_fen < product.cost_fen and not rules.below_cost:
            left_fen = max(0, product.price_fen - rules.off_fen)
            found.append(campaigns.sold_below_cost(f"skus.{at}", left_fen, product.cost_fen))
    if rules.budget_fen and rules.budget_fen < max(rules.off_fen, 1):
        found.append(Problem("budget_fen", "campaigns/budget_below_one"))
    return found


def worst_fen(rules: Automatic, shelf: Shelf) -> int:
    """What a campaign can give away at most."""
    off = rules.off_fen or shelf.products[rules.skus[0]].price_fen - rules.price_fen
    worst = off * rules.total
    return min(worst, rules.budget_fen) if rules.budget_fen else worst


def named(rules: Automatic) -> dict[str, str]:
    """The goods that the rules name, by field."""
    return {f"skus.{at}": sku for at, sku in enumerate(rules.skus)}


router.campaign = CampaignKind(Automatic, problems, worst_fen, named)
