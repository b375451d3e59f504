"""积分兑换 redeem: what points buy: coupons, and gifts that are handed over at the counter.

What costs much is asked twice. Points go through the ledger under a key of the redemption; a second tap shows what
the first one brought.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field, model_validator

from bot.clock import shown, till
from bot.events import Event
from bot.kf_menu import Choice
from bot.router import CampaignKind, Problem, Router, Shelf
from bot.turn import Retry, Turn
from scenarios import campaigns, redemptions, vouchers
from storage import coupons, drives, limits, members, oneid, points, shop, stock
from storage.coupons import Voucher
from storage.members import Person
from storage.tables import Campaign, Redemption

router = Router("redeem")

KIND = "redeem"
AGAIN_WITHIN_S = 60.0  # the same once more so soon is a second tap
MOST_FEN_A_POINT = 1_000  # a point that buys more was probably counted wrong


class Rules(BaseModel):
    """[scenarios.redeem] of config.toml. What costs more than `confirm_above` points is asked twice."""

    model_config = ConfigDict(extra="forbid")

    confirm_above: int = Field(default=500, ge=0, le=10_000_000)
    confirm_minutes: int = Field(default=5, ge=1, le=60)


class Drive(BaseModel):
    """What one redemption costs and brings: a coupon of the template `coupon`, or one piece of `gift_sku`.

    `total` times in all, `per_member` for one person, `per_day` for one person in a day (0 = no limit of the day).
    """

    model_config = ConfigDict(extra="forbid")

    points: int = Field(ge=1, le=10_000_000)
    coupon: str = Field(default="", max_length=40)
    gift_sku: str = Field(default="", max_length=64)
    valid_days: int = Field(default=30, ge=1, le=365)
    total: int = Field(ge=1, le=10_000_000)
    per_member: int = Field(default=1, ge=1, le=1000)
    per_day: int = Field(default=0, ge=0, le=1000)

    @model_validator(mode="after")
    def _one_thing(self) -> Drive:
        if bool(self.coupon) == bool(self.gift_sku):
            raise ValueError("coupon: give either coupon or gift_sku")
        return self


@router.words("积分兑换", "积分商城")
def list_drives(turn: Turn, event: Event) -> None:
    """What points buy, and how many there are."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    choices = []
    for campaign in campaigns.running(turn, KIND):
        rules, there = campaigns.rules(campaign, Drive), stock.find(turn.db, f"campaign:{campaign.id}")
        left = there.remaining if there else rules.total
        label = turn.texts.render("redeem/drive", name=campaign.name, points=rules.points, left=left)
        choices.append(Choice(router.word(redeem, campaigns.named(campaign)), label))
    if choices:
        turn.ask(event.sender, "redeem/drives", choices, points=points.held(turn.db, person.id))
    else:
        turn.say(event.sender, "redeem/no_drives")


@router.words("兑换", arg="序号", bare=True, menu=False)
def redeem(turn: Turn, event: Event, typed: str) -> None:
    """Spend points; what costs much waits for a second word."""
    assert event.sender is not None
    campaign = campaigns.chosen(turn, KIND, typed) if typed else None
    if campaign is None:
        list_drives(turn, event)
        return
    person = turn.ensure_person(event.sender, "word")
    before = drives.redemptions.all(
        turn.db, member_id=person.id, campaign_id=campaign.id, made_at__gt=turn.since(-AGAIN_WITHIN_S), status="done"
    )
    if before:
        _say_done(turn, event, before[-1])
        return
    rules, limits = campaigns.rules(campaign, Drive), turn.using(Rules)
    if _refused(turn, event, person, rules.points):
        return
    if rules.points > limits.confirm_above:
        _ask(turn, event, _asked(turn, person, campaign, rules, limits.confirm_minutes), campaign)
        return
    row = _new(turn, person, campaign, rules, turn.now)
    if _do(turn, event, person, row):
        drives.redemptions.add(turn.db, row)
        _say_done(turn, event, row)


def _refused(turn: Turn, event: Event, person: Person, price: int) -> bool:
    """Say why somebody cannot pay, if they cannot."""
    assert event.sender is not None
    held, owed = points.held(turn.db, person.id), points.owed(turn.db, person.id)
    if owed:
        turn.say(event.sender, "redeem/in_debt", owed=owed)
    elif held < price:
        turn.say(event.sender, "redeem/missing", held=held, missing=price - held)
    return bool(owed) or held < price


def _new(turn: Turn, person: Person, campaign: Campaign, rules: Drive, until: datetime) -> Redemption:
    return Redemption(
        id=turn.ids.next(), campaign_id=campaign.id, member_id=person.id, rules=rules.model_dump_json(),
        points=rules.points, holds="[]", lots="[]", coupon_id=None, status="asked", made_at=turn.now, until=until,
    )  # fmt: skip


def _asked(turn: Turn, person: Person, campaign: Campaign, rules: Drive, minutes: int) -> Redemption:
    """The question that is open, or a new one."""
    there = drives.redemptions.all(
        turn.db, member_id=person.id, campaign_id=campaign.id, status="asked", until__gt=turn.now
    )
    if there and there[-1].rules == rules.model_dump_json():
        return there[-1]
    row = _new(turn, person, campaign, rules, turn.now + timedelta(minutes=minutes))
    return drives.redemptions.add(turn.db, row)


def _ask(turn: Turn, event: Event, row: Redemption, campaign: Campaign) -> None:
    assert event.sender is not None
    choices = [
        Choice(router.word(confirm, f"#{row.id}"), turn.texts.render("redeem/yes")),
        Choice(router.word(decline, f"#{row.id}"), turn.texts.render("redeem/no")),
    ]
    turn.ask(event.sender, "redeem/sure", choices, name=campaign.name, points=row.points, until=shown(row.until))


@router.words("确认", arg="序号", bare=True, menu=False)
def confirm(turn: Turn, event: Event, typed: str) -> None:
    """The second word: what was asked is done."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    row = _meant(turn, person, typed)
    if row is not None and row.status == "done":
        _say_done(turn, event, row)
    elif row is None or row.status != "asked" or row.until <= turn.now:
        turn.say(event.sender, "redeem/nothing_asked")
    elif all(campaign.id != row.campaign_id for campaign in campaigns.running(turn, KIND)):
        turn.say(event.sender, "redeem/over")
    elif not _refused(turn, event, person, row.points) and _do(turn, event, person, row):
        done = {"status": "done", "coupon_id": row.coupon_id, "holds": row.holds, "lots": row.lots, "made_at": turn.now}
        if not drives.redemptions.change(turn.db, done, id=row.id, status="asked"):
            raise Retry(f"redemption {row.id} was answered meanwhile")
        _say_done(turn, event, row)


def _meant(turn: Turn, person: Person, typed: str) -> Redemption | None:
    """The redemption that a yes or a no is for: by `#id`, or the last one asked or done."""
    mine = oneid.same(turn.db, person.id)
    if typed.startswith("#") and typed[1:].isdigit():
        row = drives.redemptions.one(turn.db, id=int(typed[1:]))
        return row if row is not None and row.member_id in mine else None
    found = drives.redemptions.all(turn.db, member_id=person.id, order="-id", limit=1)
    return found[0] if found and not typed and found[0].until > turn.now else None


@router.words("取消兑换", arg="序号", bare=True, menu=False)
def decline(turn: Turn, event: Event, typed: str) -> None:
    """The second word: leave it."""
    assert event.sender is not None
    row = _meant(turn, turn.ensure_person(event.sender, "word"), typed)
    if row is not None and drives.redemptions.change(turn.db, {"status": "declined"}, id=row.id, status="asked"):
        turn.say(event.sender, "redeem/declined")
    else:
        turn.say(event.sender, "redeem/nothing_asked")


REFUSED = {
    "sold_out": "redeem/sold_out",
    "budget": "redeem/sold_out",
    "ended": "redeem/over",
    "limit": "redeem/limit",
    "day_limit": "redeem/day_limit",
    "again": "redeem/limit",
}


def _do(turn: Turn, event: Event, person: Person, row: Redemption) -> bool:
    """Take the points, hand the coupon over; or say why not, with nothing taken."""
    assert event.sender is not None
    rules = Drive.model_validate_json(row.rules)
    got = _take_all(turn, row, rules) or _hand_over(turn, person, row, rules)
    if isinstance(got, str):
        turn.say(event.sender, REFUSED[got])
        return False
    row.coupon_id, row.status = got.id, "done"
    redemptions.pay(turn, person, row)
    return True


def _take_all(turn: Turn, row: Redemption, rules: Drive) -> str:
    """One of everything that can run out; what was taken goes back when a later one is missing."""
    totals = (rules.total, rules.per_member, rules.per_day)
    whys = ("sold_out", "limit", "day_limit")
    names, known_as = redemptions.limits(row, turn.now), members.everyone(turn.db, row.member_id)
    for place, (name, total) in enumerate(zip(names, totals, strict=True)):
        spare = limits.of(turn.db, known_as, _limit_of(turn, row, place))[1] if place else 0
        if total and not stock.take_or_open(turn.db, name, total, spare=spare):
            for earlier in names[:place]:
                stock.give_back(turn.db, earlier)
            return whys[place]
    return ""


def _limit_of(turn: Turn, row: Redemption, place: int) -> Callable[[int], str]:
    return lambda member_id: redemptions.limits(row, turn.now, member_id)[place]


def _hand_over(turn: Turn, person: Person, row: Redemption, rules: Drive) -> Voucher | str:
    """The coupon, or why there is none any more."""
    template = shop.templates.one(turn.db, name=rules.coupon) if rules.coupon else None
    got: Voucher | str
    if rules.gift_sku:
        got = redemptions.gift(turn, person, row, rules.gift_sku, rules.valid_days)
    else:
        occasion = redemptions.occasion(row)
        got = vouchers.issue(turn, person, template, occasion) if template is not None else "ended"
    if isinstance(got, str):
        for name in redemptions.limits(row, turn.now):
            stock.give_back(turn.db, name)
    return got


def _say_done(turn: Turn, event: Event, row: Redemption) -> None:
    """What was redeemed, and how to use it."""
    assert event.sender is not None
    assert row.coupon_id is not None
    voucher = coupons.by_id(turn.db, row.coupon_id)
    text = "redeem/done_gift" if voucher.template_id is None else "redeem/done"
    turn.say(event.sender, text, name=voucher.template, points=row.points, code=voucher.code,
             until=till(voucher.expires_at, turn.now))  # fmt: skip


def worth_fen(rules: Drive, shelf: Shelf) -> int:
    """What one redemption costs the shop at most."""
    if rules.gift_sku:
        return shelf.products[rules.gift_sku].price_fen
    return shelf.templates[rules.coupon].liability_fen


def problems(rules: Drive, shelf: Shelf) -> list[Problem]:
    """What is wrong with a campaign's price in points."""
    too_cheap = worth_fen(rules, shelf) > rules.points * MOST_FEN_A_POINT
    return [Problem("points", "campaigns/points_too_few")] if too_cheap else []


def worst_fen(rules: Drive, shelf: Shelf) -> int:
    """What a campaign can give away at most."""
    return worth_fen(rules, shelf) * min(rules.total, shelf.left.get(rules.gift_sku, rules.total))


router.campaign = CampaignKind(
    Drive, problems, worst_fen,
    lambda rules: {"gift_sku": rules.gift_sku} if rules.gift_sku else {},
    lambda rules: {"coupon": rules.coupon} if rules.coupon else {},
)  # fmt: skip
