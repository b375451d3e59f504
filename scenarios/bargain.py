"""砍价 bargain: friends cut a price down, step by step, exactly to its floor.

Every cut follows from the bargain's seed and its place, so a bargain can be replayed. Cuts are integers of fen; the
last one takes what is left. A cut is one conditional update on the place it takes: of two that come at once one is
first, the other is cut anew.
"""

from __future__ import annotations

import hashlib
from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.clock import shown
from bot.events import Event, TimerDue
from bot.ids import code, read_code
from bot.kf_menu import Choice
from bot.order_events import CheckoutPaid, CheckoutReleased
from bot.own_events import BargainOpened
from bot.router import CampaignKind, Problem, Router, Shelf
from bot.texts import yuan
from bot.turn import Retry, Turn
from scenarios import campaigns, checkout
from scenarios.checkout import Hold, Want
from storage import drives, limits, members, shop, stock
from storage.members import Person
from storage.tables import Bargain, BargainCut, Checkout

router = Router("bargain")

KIND = "bargain"
DEADLINE = "bargain_deadline"
SCALE = 1_000_000


class Drive(BaseModel):
    """A bargain campaign's config. `cuts`: how many cuts reach the floor, the launcher's own first one included.

    Each cut but the last takes `low_permille` to `high_permille` of what may still be cut, at least `least_fen`.
    """

    model_config = ConfigDict(extra="forbid")

    sku: str = Field(min_length=1, max_length=64)
    start_fen: int = Field(ge=1)
    floor_fen: int = Field(ge=0)
    cuts: int = Field(ge=1, le=200)
    least_fen: int = Field(default=1, ge=1)
    low_permille: int = Field(default=200, ge=0, le=1000)
    high_permille: int = Field(default=500, ge=0, le=1000)
    hours: int = Field(default=24, ge=1, le=24 * 14)
    hold_minutes: int = Field(default=15, ge=1, le=120)
    per_member: int = Field(default=1, ge=1, le=100)
    helps_per_member: int = Field(default=3, ge=1, le=1000)
    must_reach_floor: bool = True
    below_cost: bool = False

    @model_validator(mode="after")
    def _can_be_cut(self) -> Drive:
        if self.start_fen - self.floor_fen < self.cuts * self.least_fen:
            raise ValueError("cuts: start_fen - floor_fen is less than cuts * least_fen")
        if self.low_permille > self.high_permille:
            raise ValueError("low_permille: greater than high_permille")
        return self


def chance(seed: str, place: int) -> int:
    """0 to SCALE - 1, the same for the same seed and place."""
    return int.from_bytes(hashlib.sha256(f"{seed}:{place}".encode()).digest()[:8], "big") % SCALE


def next_cut(rules: Drive, seed: str, left_fen: int, place: int) -> int:
    """The cut at `place` (0 = the launcher's own) when `left_fen` may still be cut."""
    missing = rules.cuts - place
    if missing <= 1:
        return left_fen
    most = left_fen - rules.least_fen * (missing - 1)
    permille = rules.low_permille * SCALE + chance(seed, place) * (rules.high_permille - rules.low_permille)
    return min(max(most * permille // (1000 * SCALE), rules.least_fen), most)


@router.words("砍价", public=True)
def list_drives(turn: Turn, event: Event) -> None:
    """Which bargains can be launched."""
    assert event.sender is not None
    choices = []
    for campaign in campaigns.running(turn, KIND):
        rules = campaigns.rules(campaign, Drive)
        label = turn.texts.render("bargain/drive", name=campaign.name, start=yuan(rules.start_fen),
                                  floor=yuan(rules.floor_fen), cuts=rules.cuts)  # fmt: skip
        choices.append(Choice(router.word(launch, campaigns.named(campaign)), label))
    if choices:
        turn.ask(event.sender, "bargain/drives", choices)
    else:
        turn.say(event.sender, "bargain/no_drives")


@router.words("发起砍价", arg="序号", bare=True, menu=False)
def launch(turn: Turn, event: Event, typed: str) -> None:
    """Start a bargain; the launcher cuts first."""
    assert event.sender is not None
    campaign = campaigns.chosen(turn, KIND, typed)
    if campaign is None:
        list_drives(turn, event)
        return
    person = turn.ensure_person(event.sender, "word")
    rules = campaigns.rules(campaign, Drive)
    if not _may(turn, "campaign", campaign.id, members.everyone(turn.db, person.id), rules.per_member):
        turn.say(event.sender, "bargain/launched_before")
        return
    bargain = Bargain(
        id=turn.ids.next(), code=code(turn.chance, 8), campaign_id=campaign.id, member_id=person.id,
        rules=rules.model_dump_json(), seed=f"{turn.chance.bits(64):016x}", start_fen=rules.start_fen,
        floor_fen=rules.floor_fen, price_fen=rules.start_fen, needed=rules.cuts, cuts=0, status="open",
        checkout_id=None, deadline=min(turn.now + timedelta(hours=rules.hours), campaign.ends_at), opened_at=turn.now,
    )  # fmt: skip
    drives.bargains.add(turn.db, bargain)
    turn.at(bargain.deadline, DEADLINE, f"bargain:{bargain.id}", {"bargain_id": bargain.id})
    turn.announce(BargainOpened(key=turn.cause, source=event.source, at=turn.now, bargain_id=bargain.id,
                                member_id=person.id, deadline=bargain.deadline))  # fmt: skip
    fen = cut(turn, bargain, person, rules)
    turn.say(event.sender, "bargain/launched", code=bargain.code, cut=yuan(fen), price=yuan(bargain.price_fen),
             until=shown(bargain.deadline))  # fmt: skip


def cut(turn: Turn, bargain: Bargain, helper: Person, rules: Drive) -> int:
    """Make the next cut; raises `Retry` when another process took its place."""
    fen = next_cut(rules, bargain.seed, bargain.price_fen - bargain.floor_fen, bargain.cuts)
    took = drives.bargains.change(
        turn.db, {}, plus={"price_fen": -fen, "cuts": 1}, id=bargain.id, cuts=bargain.cuts, status="open"
    )
    if not took:
        raise Retry(f"bargain {bargain.id} place {bargain.cuts}")
    row = BargainCut(id=turn.ids.next(), bargain_id=bargain.id, helper_id=helper.id, place=bargain.cuts, cut_fen=fen,
                     cut_at=turn.now)  # fmt: skip
    drives.cuts.add(turn.db, row)
    bargain.price_fen -= fen
    bargain.cuts += 1
    return fen


@router.words("帮砍", arg="砍价码", menu=False)
def help_friend(turn: Turn, event: Event, typed: str) -> None:
    """Cut somebody's price, once."""
    assert event.sender is not None
    bargain = drives.bargains.one(turn.db, code=read_code(typed))
    if bargain is None:
        turn.say(event.sender, "bargain/unknown", code=typed)
        return
    person = turn.ensure_person(event.sender, "word")
    rules = Drive.model_validate_json(bargain.rules)
    refusal = _may_help(turn, bargain, person, rules)
    if refusal:
        turn.say(event.sender, refusal)
        return
    fen = cut(turn, bargain, person, rules)
    left = bargain.price_fen - bargain.floor_fen
    turn.say(event.sender, "bargain/helped", cut=yuan(fen), price=yuan(bargain.price_fen), left=yuan(left))
    if left:
        turn.tell(bargain.member_id, "bargain/cut", code=bargain.code, cut=yuan(fen), price=yuan(bargain.price_fen),
                  missing=bargain.needed - bargain.cuts)  # fmt: skip
    else:
        turn.tell(bargain.member_id, "bargain/reached", code=bargain.code, price=yuan(bargain.price_fen))


def _may_help(turn: Turn, bargain: Bargain, person: Person, rules: Drive) -> str:
    """Why somebody may not cut, or nothing; the right to help is used up when they may."""
    if bargain.status != "open" or bargain.deadline <= turn.now:
        return "bargain/over"
    if bargain.cuts >= bargain.needed:
        return "bargain/at_floor"
    known_as = members.everyone(turn.db, person.id)
    if any(drives.cuts.one(turn.db, bargain_id=bargain.id, helper_id=one) is not None for one in known_as):
        return "bargain/helped_before"
    if not _may(turn, "help", bargain.campaign_id, known_as, rules.helps_per_member):
        return "bargain/helps_used"
    return ""


def _may(turn: Turn, what: str, campaign_id: int, known_as: list[int], most: int) -> bool:
    """One more of somebody's `most` launches or helps in a campaign."""
    name, spare = limits.of(turn.db, known_as, lambda one: f"limit:{what}:{campaign_id}:{one}")
    return stock.take_or_open(turn.db, name, most, spare=spare)


@router.words("砍价下单", arg="砍价码", menu=False)
def buy(turn: Turn, event: Event, typed: str) -> None:
    """Lock the price and hold the goods for payment."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    bargain = drives.bargains.one(turn.db, code=read_code(typed), member_id=person.id)
    if bargain is None:
        turn.say(event.sender, "bargain/unknown", code=typed)
        return
    rules = Drive.model_validate_json(bargain.rules)
    if bargain.status == "locked":
        held = shop.checkouts.one(turn.db, id=bargain.checkout_id)
    elif bargain.status != "open" or bargain.deadline <= turn.now:
        turn.say(event.sender, "bargain/over")
        return
    elif rules.must_reach_floor and bargain.price_fen > bargain.floor_fen:
        turn.say(event.sender, "bargain/not_yet", left=yuan(bargain.price_fen - bargain.floor_fen))
        return
    else:
        held = _lock(turn, bargain, person, rules)
    if held is None:
        turn.say(event.sender, "bargain/sold_out")
        return
    if not held.price_fen:
        return  # nothing to pay: it is bought, and said so
    turn.say(event.sender, "bargain/locked", price=yuan(held.price_fen), pay_until=shown(held.hold_until),
             checkout=held.code)  # fmt: skip


def _lock(turn: Turn, bargain: Bargain, person: Person, rules: Drive) -> Checkout | None:
    """The price as it is, held; None when the goods are sold out."""
    goods = (checkout.goods(turn, rules.sku, bargain.start_fen),)
    once = Hold(f"limit:bargain:{bargain.id}", 1, 1)
    want = Want(KIND, bargain.id, goods, bargain.price_fen, (once,), minutes=rules.hold_minutes)
    held = checkout.open_checkout(turn, person, want)
    if isinstance(held, str):
        return None
    if not drives.bargains.change(
        turn.db, {"status": "locked", "checkout_id": held.id}, id=bargain.id, status="open", cuts=bargain.cuts
    ):
        raise Retry(f"bargain {bargain.id} was cut or locked meanwhile")
    return held


@router.on(CheckoutReleased)
def not_paid(turn: Turn, event: CheckoutReleased) -> None:
    """Not paid in time: the bargain is open again until its deadline, the price as it was."""
    if event.checkout_kind != KIND:
        return
    back = {"status": "open", "checkout_id": None}
    if not drives.bargains.change(
        turn.db, back, id=event.subject_id, status="locked", checkout_id=event.checkout_id, deadline__gt=turn.now
    ):
        over = {"status": "expired", "checkout_id": None}
        drives.bargains.change(turn.db, over, id=event.subject_id, status="locked", checkout_id=event.checkout_id)


@router.on(CheckoutPaid)
def bought(turn: Turn, event: CheckoutPaid) -> None:
    """Paid at the locked price; a late payment is honoured as long as the goods were still there."""
    if event.checkout_kind == KIND:
        sold = {"status": "bought", "checkout_id": event.checkout_id}
        drives.bargains.change(turn.db, sold, id=event.subject_id, status__ne="bought")
        turn.tell(event.member_id, "bargain/bought" if event.order_id else "bargain/bought_free")


@router.on(TimerDue)
def deadline_passed(turn: Turn, event: TimerDue) -> None:
    """A bargain that nobody bought is over; one that is being paid for keeps its hold."""
    if event.name != DEADLINE:
        return
    bargain = drives.bargains.one(turn.db, id=event.payload["bargain_id"])
    if bargain is not None and drives.bargains.change(
        turn.db, {"status": "expired"}, id=bargain.id, status="open", deadline__lte=turn.now
    ):
        turn.tell(bargain.member_id, "bargain/expired", code=bargain.code)


def problems(rules: Drive, shelf: Shelf) -> list[Problem]:
    """What is wrong with a campaign's prices."""
    if rules.floor_fen == 0 and not rules.below_cost:
        return [Problem("floor_fen", "campaigns/floor_zero")]
    start, floor = ("start_fen", rules.start_fen), ("floor_fen", rules.floor_fen)
    return campaigns.price_problems(shelf.products[rules.sku], start, floor, below_cost=rules.below_cost)


def worst_fen(rules: Drive, shelf: Shelf) -> int:
    """What a campaign can give away at most."""
    return campaigns.pieces_fen(shelf, rules.sku, rules.floor_fen)


router.campaign = CampaignKind(Drive, problems, worst_fen, campaigns.one_sku)
