"""秒杀、限购 flash sale: so many at a price, so many a person, first come first served.

The campaign's quota, the person's limit and the goods are three stocks held together by one checkout. One that comes
back by a timetable is made session by session: scenarios/timetables.py.
"""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field

from bot.clock import shown
from bot.events import Event, TimerDue
from bot.kf_menu import Choice
from bot.order_events import CheckoutPaid, CheckoutReleased
from bot.router import CampaignKind, Problem, Router, Shelf
from bot.texts import yuan
from bot.turn import Turn
from scenarios import campaigns, checkout, timetables
from scenarios.checkout import Hold, Want
from storage import stock
from storage.tables import Campaign

router = Router("flash_sale")

KIND = "flash_sale"
SHOWN = 6  # sessions that are still to come
router.dailies[timetables.DAY] = timetables.DAILY


class Drive(BaseModel):
    """A flash sale's config: `total` pieces at `price_fen`, `per_member` for one person."""

    model_config = ConfigDict(extra="forbid")

    sku: str = Field(min_length=1, max_length=64)
    price_fen: int = Field(ge=1)
    total: int = Field(ge=1, le=10_000_000)
    per_member: int = Field(default=1, ge=1, le=1000)
    hold_minutes: int = Field(default=15, ge=1, le=120)
    below_cost: bool = False


def quota(campaign: Campaign) -> str:
    """The stock that counts a campaign's pieces."""
    return f"campaign:{campaign.id}"


@router.words("秒杀", public=True)
def list_drives(turn: Turn, event: Event) -> None:
    """Which flash sales are running, and how many pieces are left."""
    assert event.sender is not None
    choices = []
    for campaign in campaigns.running(turn, KIND):
        rules, there = campaigns.rules(campaign, Drive), stock.find(turn.db, quota(campaign))
        label = turn.texts.render(
            "flash_sale/drive", name=campaign.name, price=yuan(rules.price_fen),
            left=there.remaining if there else rules.total, until=shown(campaign.ends_at),
        )  # fmt: skip
        choices.append(Choice(router.word(grab, campaigns.named(campaign)), label))
    coming = _coming(turn)
    if choices:
        turn.ask(event.sender, "flash_sale/drives", choices, coming=coming)
    elif coming:
        turn.say(event.sender, "flash_sale/only_coming", coming=coming)
    else:
        turn.say(event.sender, "flash_sale/no_drives")


def _coming(turn: Turn) -> str:
    """The next sessions of timetables, "" when there are none."""
    lines = []
    for campaign in timetables.coming(turn, KIND, SHOWN):
        rules = campaigns.rules(campaign, Drive)
        lines.append(turn.texts.render(
            "flash_sale/coming_line", when=shown(campaign.starts_at), name=campaign.name, price=yuan(rules.price_fen),
            total=rules.total,
        ))  # fmt: skip
    return turn.texts.render("flash_sale/coming", lines="\n".join(lines)) if lines else ""


@router.on(TimerDue)
def session_due(turn: Turn, event: TimerDue) -> None:
    """Sessions of a timetable are made, begin and end."""
    timetables.due(turn, event, KIND)


@router.words("抢", arg="序号", bare=True, menu=False)
def grab(turn: Turn, event: Event, typed: str) -> None:
    """Hold a piece at the flash price for payment."""
    assert event.sender is not None
    campaign = campaigns.chosen(turn, KIND, typed)
    if campaign is None:
        list_drives(turn, event)
        return
    person = turn.ensure_person(event.sender, "word")
    rules = campaigns.rules(campaign, Drive)
    holds = (
        Hold(quota(campaign), 1, rules.total),
        checkout.one_of(turn, campaign.id, person.id, rules.per_member),
    )
    goods = (checkout.goods(turn, rules.sku, rules.price_fen),)
    want = Want(KIND, campaign.id, goods, rules.price_fen, holds, minutes=rules.hold_minutes)
    held = checkout.open_or_shown(turn, person, want)
    if isinstance(held, str):
        turn.say(event.sender, REFUSED[held])
        return
    turn.say(event.sender, "flash_sale/held", price=yuan(held.price_fen), pay_until=shown(held.hold_until),
             checkout=held.code)  # fmt: skip


REFUSED = {"sold_out": "flash_sale/sold_out", "limit": "flash_sale/limit"}


@router.on(CheckoutPaid)
def bought(turn: Turn, event: CheckoutPaid) -> None:
    """Paid: the piece is sold."""
    if event.checkout_kind == KIND:
        turn.tell(event.member_id, "flash_sale/bought")


@router.on(CheckoutReleased)
def not_paid(turn: Turn, event: CheckoutReleased) -> None:
    """Not paid in time: the piece is for others again. Who gave it up knows."""
    if event.checkout_kind == KIND and event.why == "unpaid":
        turn.tell(event.member_id, "flash_sale/released")


def problems(rules: Drive, shelf: Shelf) -> list[Problem]:
    """What is wrong with a campaign's price and numbers."""
    price, left = ("price_fen", rules.price_fen), shelf.left.get(rules.sku, rules.total)
    found = campaigns.price_problems(shelf.products[rules.sku], price, price, below_cost=rules.below_cost)
    if rules.total > left:
        found.append(Problem("total", "campaigns/over_stock", {"total": rules.total, "left": left}))
    if rules.per_member > rules.total:
        values: dict[str, object] = {"per_member": rules.per_member, "total": rules.total}
        found.append(Problem("per_member", "campaigns/over_quota", values))
    return found


def worst_fen(rules: Drive, shelf: Shelf) -> int:
    """What a campaign can give away at most."""
    return campaigns.pieces_fen(shelf, rules.sku, rules.price_fen, rules.total)


router.campaign = CampaignKind(Drive, problems, worst_fen, campaigns.one_sku, timed=True)
