"""优惠券 coupons: members claim and see them, guides verify them (核销), time reminds and ends."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field, field_validator

from bot.clock import ZONE, quiet_until, read_quiet, shown, till
from bot.events import Event, TimerDue
from bot.kf_menu import Choice
from bot.router import Router
from bot.texts import yuan
from bot.turn import Retry, Turn
from scenarios import counter, finding, outreach, portrait, vouchers
from storage import coupons, grants, members, shop
from storage.coupons import Voucher
from storage.tables import CouponTemplate

router = Router("coupons")

AT_ONCE = 200
REMINDER = "coupon_reminder"


class Rules(BaseModel):
    """[scenarios.coupons] of config.toml. `shown`: how many coupons a member's list names; `quiet`: when nobody is
    reminded."""

    model_config = ConfigDict(extra="forbid")

    shown: int = Field(default=20, ge=1, le=100)
    quiet: str = "21:00-09:00"

    @field_validator("quiet")
    @classmethod
    def _are_hours(cls, typed: str) -> str:
        read_quiet(typed)
        return typed


def _claimable(turn: Turn) -> list[CouponTemplate]:
    open_ones = shop.templates.all(turn.db, claimable=1)
    return [one for one in open_ones if one.valid_until is None or one.valid_until > turn.now]


@router.words("领券", arg="序号", bare=True)
def claim(turn: Turn, event: Event, typed: str) -> None:
    """Take a coupon that anyone may take; without a number, see which there are."""
    assert event.sender is not None
    there = _claimable(turn)
    template = _chosen(there, typed)
    if template is None:
        _offer(turn, event, there)
        return
    person = turn.ensure_person(event.sender, "word")
    got = vouchers.issue(turn, person, template, event.key)
    if isinstance(got, str):
        turn.say(event.sender, REFUSED[got])
        return
    turn.say(event.sender, "coupons/claimed", name=got.template, code=got.code, until=till(got.expires_at, turn.now))


def _chosen(there: list[CouponTemplate], typed: str) -> CouponTemplate | None:
    """The template somebody means: by its id (`#12`) or its place in the list."""
    if typed.startswith("#"):
        return next((one for one in there if f"#{one.id}" == typed), None)
    return there[int(typed) - 1] if typed.isdigit() and 1 <= int(typed) <= len(there) else None


REFUSED = {
    "again": "coupons/limit",
    "limit": "coupons/limit",
    "day_limit": "coupons/day_limit",
    "sold_out": "coupons/sold_out",
    "budget": "coupons/sold_out",
    "ended": "coupons/ended",
}


def _offer(turn: Turn, event: Event, there: list[CouponTemplate]) -> None:
    assert event.sender is not None
    if not there:
        turn.say(event.sender, "coupons/none_to_claim")
        return
    choices = [
        Choice(router.word(claim, f"#{one.id}"), turn.texts.render("coupons/to_claim", name=one.name)) for one in there
    ]
    turn.ask(event.sender, "coupons/offers", choices)


@router.on(TimerDue)
def day_over(turn: Turn, event: TimerDue) -> None:
    """End what is over, remind of what ends soon; the rest of a long list a second later."""
    if event.name != vouchers.DAY:
        return
    over = coupons.due(turn.db, turn.now, AT_ONCE)
    for voucher in over:
        vouchers.end(turn, voucher)
    reminded = sum(_remind(turn, template) for template in shop.templates.all(turn.db, remind_days__gt=0))
    if len(over) == AT_ONCE or reminded:
        turn.at(turn.since(1), vouchers.DAY, f"coupons:more:{turn.cause}", {})


def _remind(turn: Turn, template: CouponTemplate) -> int:
    """Tell the owners of coupons that end soon, each once; how many were told.

    In quiet hours only those are told whose coupon would be over when the quiet ends; the others wait until then. Who
    refused marketing hears nothing; who has heard enough for today may hear tomorrow.
    """
    told, after = 0, 0
    until = turn.now + timedelta(days=template.remind_days)
    quiet = turn.using(Rules).quiet
    morning = quiet_until(turn.now, read_quiet(quiet))
    if morning is not None:
        until = min(until, morning)
        turn.at(morning, vouchers.DAY, f"coupons:morning:{morning.isoformat()}", {})
        quiet = ""  # who is told now could not be told later
    while told < AT_ONCE and (page := coupons.soon(turn.db, template.id, turn.now, until, after, AT_ONCE)):
        after = page[-1].id
        for voucher in page:
            told += _told(turn, voucher, quiet)
    return told


def _told(turn: Turn, voucher: Voucher, quiet: str) -> bool:
    """Tell one owner, once and only if they may be told."""
    person = members.find(turn.db, voucher.member_id)
    if person is None or grants.used(turn.db, person, REMINDER, str(voucher.id)):
        return False
    stopped = outreach.may_reach(turn, person.id, REMINDER, quiet=quiet)
    if stopped is not None:
        if stopped.until is not None:  # it is night where they live
            turn.at(stopped.until, vouchers.DAY, f"coupons:morning:{stopped.until.isoformat()}", {})
        return False
    grants.claim(turn.db, turn.ids, person, REMINDER, str(voucher.id), "", turn.cause, turn.now)
    turn.tell(person.id, "coupons/ends_soon", name=voucher.template, until=till(voucher.expires_at, turn.now))
    return True


@router.words("我的券", "优惠券", "卡包")
def my_coupons(turn: Turn, event: Event) -> None:
    """What a member can use, the first to end first."""
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    usable = coupons.usable(turn.db, person.id, turn.now)[: turn.using(Rules).shown]
    if not usable:
        turn.say(event.sender, "coupons/none_mine")
        return
    lines = [
        turn.texts.render("coupons/mine_line", name=one.template, code=one.code, until=till(one.expires_at, turn.now))
        for one in usable
    ]
    turn.say(event.sender, "coupons/mine", lines="\n".join(lines))


@router.words("查券", audience="guide", arg="谁", may="member.read", of_member=True, menu=False)
def of_member(turn: Turn, event: Event, typed: str) -> None:
    """What a member can use, at the counter: choosing one verifies it."""
    assert event.sender is not None
    person = finding.member(turn, event, typed, lambda ref: router.word(of_member, ref))
    if person is None:
        return
    name = finding.called(turn, person)
    usable = coupons.usable(turn.db, person.id, turn.now)[: turn.using(Rules).shown]
    choices = [
        Choice(
            router.word(verify, one.code),
            turn.texts.render(
                "coupons/of_member_line",
                name=one.template,
                code=one.code,
                until=f"{one.expires_at.astimezone(ZONE):%m-%d}",
            ),
            one.template[:10],
        )
        for one in usable
    ]
    if choices:
        turn.ask(event.sender, "coupons/of_member", choices, name=name)
    else:
        turn.say(event.sender, "coupons/none_of_member", name=name)


def _sure(turn: Turn, event: Event, typed: str) -> str:
    """What verifying would take off, for the question before it."""
    found = _billed(turn, event, typed)
    if found is None:
        return ""
    voucher, bill = found
    if bill.amount_fen is None:
        return turn.texts.render("coupons/sure_gift", name=finding.clipped(voucher.template))
    return turn.texts.render(
        "coupons/sure", name=finding.clipped(voucher.template), bill=yuan(bill.amount_fen), off=yuan(bill.off_fen),
        pays=yuan(bill.amount_fen - bill.off_fen),
    )  # fmt: skip


@router.words(
    "核销", audience="guide", arg="券码", confirm=True, may="coupon.redeem", public=True, preview=_sure
)  # fmt: skip
def verify(turn: Turn, event: Event, typed: str) -> None:
    """Use a coupon at the counter, once: 「核销 券码 金额 门店」. The second is told when and by whom it was used."""
    found = _billed(turn, event, typed)
    if found is not None:
        _use(turn, event, *found)


def _billed(turn: Turn, event: Event, typed: str) -> tuple[Voucher, counter.Bill] | None:
    """The coupon and what it takes off; None when it cannot be used, and the guide was told why."""
    assert event.sender is not None
    words = typed.split()
    voucher, rest = counter.coupon(turn, words)
    if voucher is None:
        turn.say(event.sender, "coupons/unknown", code=words[0])
    elif voucher.status == "redeemed" and voucher.used_at is not None:
        turn.say(event.sender, "coupons/used_before", name=voucher.template, at=shown(voucher.used_at),
                 by=_by(turn, voucher))  # fmt: skip
    elif voucher.status != "active" or voucher.expires_at <= turn.now:
        turn.say(event.sender, WHY[voucher.status], name=voucher.template)
    else:
        bill = counter.bill(turn, voucher, rest)
        if isinstance(bill, counter.Bill):
            return voucher, bill
        turn.say(event.sender, bill.text, name=voucher.template, **bill.values)
    return None


def _by(turn: Turn, voucher: Voucher) -> str:
    """Who used a coupon, as people know them."""
    if not voucher.used_by:
        return turn.texts.render("coupons/by_order")
    return portrait.staff_name(turn, voucher.used_by)


def _use(turn: Turn, event: Event, voucher: Voucher, bill: counter.Bill) -> None:
    """Take it off the bill; who pays for it is on the coupon's row."""
    assert event.sender is not None
    store = bill.store.code if bill.store else ""
    if not coupons.redeem(turn.db, voucher.id, bill.off_fen, turn.now, store, event.sender.external_id):
        raise Retry(f"coupon {voucher.id} was used meanwhile")
    vouchers.ended(turn, voucher, bill.off_fen, used=True)
    turn.audit(event.sender.external_id, "coupon.verified", f"coupon:{voucher.id}", cost_fen=bill.off_fen,
               bill_fen=bill.amount_fen, store=store, bearer=voucher.bearer)  # fmt: skip
    by = (turn.staff.name if turn.staff else "") or event.sender.external_id
    turn.stamp = turn.texts.render("coupons/stamp", at=f"{turn.now.astimezone(ZONE):%H:%M}", by=by)
    values = {"name": voucher.template, "bearer": turn.texts.render(BEARERS[voucher.bearer])}
    if bill.amount_fen is None:
        turn.say(event.sender, "coupons/verified_gift", **values)
    else:
        pays = yuan(bill.amount_fen - bill.off_fen)
        turn.say(event.sender, "coupons/verified", off=yuan(bill.off_fen), pays=pays, **values)
    turn.tell(voucher.member_id, "coupons/used", name=voucher.template)


WHY = {
    "active": "coupons/over",
    "expired": "coupons/over",
    "reserved": "coupons/held",
    "voided": "coupons/voided",
}
BEARERS = {
    "brand": "coupons/bearer_brand",
    "store": "coupons/bearer_store",
    "franchisee": "coupons/bearer_franchisee",
}
