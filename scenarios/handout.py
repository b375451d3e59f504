"""导购发券 handout: guides give members coupons within a daily allowance, after a yes.

The allowance is a stock of the guide and the day, so that no two processes can pass it; the template's own stock,
budget and limits hold as ever. A question is a row: its second yes shows what the first one gave.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

from bot.clock import ZONE, local_day, shown
from bot.events import Event
from bot.kf_menu import Choice
from bot.router import Router, normalize
from bot.texts import yuan
from bot.turn import Retry, Turn
from scenarios import finding, vouchers
from scenarios.sight import sees
from storage import coupons, handouts, oneid, shop, staff, stock
from storage.coupons import Voucher
from storage.members import Person
from storage.tables import CouponTemplate, Handout

router = Router("handout")

SHOWN = 20
GUIDE, MANAGER = "guide", "manager"


class Rules(BaseModel):
    """[scenarios.handout] of config.toml: how many coupons, and how much they may cost at most, one person gives in a
    day: `per_day`, `fen_per_day` for guides, `manager_*` for store managers and above."""

    model_config = ConfigDict(extra="forbid")

    per_day: int = Field(default=10, ge=0, le=10_000)
    fen_per_day: int = Field(default=50_000, ge=0, le=100_000_000)
    manager_per_day: int = Field(default=100, ge=0, le=100_000)
    manager_fen_per_day: int = Field(default=500_000, ge=0, le=1_000_000_000)
    confirm_minutes: int = Field(default=10, ge=1, le=60)

    def of(self, role: str) -> tuple[int, int]:
        """Coupons and fen a day."""
        if role == GUIDE:
            return self.per_day, self.fen_per_day
        return self.manager_per_day, self.manager_fen_per_day


@router.words("发券", "发", audience="guide", arg="谁 券名", may="coupon.issue", of_member=True)
def offer(turn: Turn, event: Event, typed: str) -> None:
    """`发券 王女士 满200减50券`; without a coupon, see which there are."""
    who, wanted = finding.parted(typed)
    person = finding.member(turn, event, who, lambda ref: router.word(offer, f"{ref} {wanted}".strip()))
    if person is None:
        return
    there = _templates(turn)
    meant = [one for one in there if wanted in (f"#{one.id}", normalize(one.name))]
    meant = meant or [one for one in there if wanted and wanted in normalize(one.name)]
    if len(meant) == 1 and wanted:
        _ask(turn, event, person, meant[0])
    else:
        _choose(turn, event, person, wanted, meant or there)


def _templates(turn: Turn) -> list[CouponTemplate]:
    """What guides may hand out today."""
    there = shop.templates.all(turn.db, for_guides=1)
    return [one for one in there if one.valid_until is None or one.valid_until > turn.now]


def _choose(turn: Turn, event: Event, person: Person, wanted: str, there: list[CouponTemplate]) -> None:
    assert event.sender is not None
    if not there:
        turn.say(event.sender, "handout/none")
        return
    choices = [
        Choice(router.word(offer, f"#{person.id} #{one.id}"), _label(turn, one), one.name[:10])
        for one in there[:SHOWN]
    ]  # fmt: skip
    if wanted:
        turn.ask(event.sender, "handout/unknown", choices, typed=finding.clipped(wanted))
        return
    count, fen = _left(turn)
    name = finding.called(turn, person)
    turn.ask(event.sender, "handout/choose", choices, name=name, left=count, left_fen=yuan(fen))


def _label(turn: Turn, template: CouponTemplate) -> str:
    worth = _worth(turn, template)
    if not template.stock:
        return turn.texts.render("handout/template_free", template=template.name, worth=worth)
    left = handouts.left(turn.db, f"coupon:{template.id}", template.stock)
    return turn.texts.render("handout/template", template=template.name, worth=worth, left=left)


def _worth(turn: Turn, template: CouponTemplate) -> str:
    if template.kind == "gift":
        return turn.texts.render("handout/worth_gift")
    return turn.texts.render("handout/worth", fen=yuan(template.liability_fen))


def _left(turn: Turn) -> tuple[int, int]:
    """Coupons and fen that the speaker may still give today."""
    assert turn.staff is not None
    day, (count, fen) = local_day(turn.now), turn.using(Rules).of(turn.staff.role)
    userid = turn.staff.userid
    return (
        handouts.left(turn.db, handouts.count_stock(userid, day), count),
        handouts.left(turn.db, handouts.fen_stock(userid, day), fen),
    )


def _ask(turn: Turn, event: Event, person: Person, template: CouponTemplate) -> None:
    """Once more before it happens: whom, what, what it may cost."""
    assert event.sender is not None
    count, fen = _left(turn)
    if count < 1 or fen < template.liability_fen:
        _say_over(turn, event, f"#{person.id} #{template.id}", template, fen, by_count=count < 1)
        return
    until = turn.now + timedelta(minutes=turn.using(Rules).confirm_minutes)
    row = handouts.rows.add(turn.db, Handout(
        id=turn.ids.next(), userid=event.sender.external_id, member_id=person.id, template_id=template.id,
        fen=template.liability_fen, status="asked", coupon_id=None, day=local_day(turn.now), made_at=turn.now,
        until=until, done_at=None,
    ))  # fmt: skip
    choices = [
        Choice(router.word(confirm, f"#{row.id}"), turn.texts.render("handout/yes")),
        Choice(router.word(decline, f"#{row.id}"), turn.texts.render("handout/no")),
    ]
    turn.ask(
        event.sender, "handout/sure", choices, name=finding.called(turn, person), template=template.name,
        worth=_worth(turn, template), until=shown(vouchers.expiry(template, turn.now)), left=count - 1,
        left_fen=yuan(fen - template.liability_fen), within=shown(until),
    )  # fmt: skip


def _say_over(
    turn: Turn, event: Event, ref: str, template: CouponTemplate, left_fen: int, *, by_count: bool
) -> None:  # fmt: skip
    assert event.sender is not None
    assert turn.staff is not None
    who = _approvers(turn)
    if by_count:
        count, _ = turn.using(Rules).of(turn.staff.role)
        turn.say(event.sender, "handout/over_count", count=count, who=who, ref=ref)
    else:
        fen = yuan(template.liability_fen)
        turn.say(event.sender, "handout/over_fen", fen=fen, left_fen=yuan(left_fen), who=who, ref=ref)


def _approvers(turn: Turn) -> str:
    """Who has a larger allowance: the store's managers for a guide, else admins."""
    assert turn.staff is not None
    found = []
    if turn.staff.role == GUIDE and turn.staff.store_id:
        found = staff.rows.all(
            turn.db, order="userid", role=MANAGER, store_id=turn.staff.store_id, status=staff.ACTIVE
        )  # fmt: skip
    found = found or staff.rows.all(turn.db, order="userid", role="admin", status=staff.ACTIVE)
    names = [one.name or one.userid for one in found if one.userid != turn.staff.userid][:3]
    return turn.texts.render("common/comma").join(names) or turn.texts.render("handout/nobody")


@router.words("确认发券", audience="guide", arg="序号", may="coupon.issue", menu=False)
def confirm(turn: Turn, event: Event, typed: str) -> None:
    """The yes: the coupon is given, once."""
    assert event.sender is not None
    row = _asked(turn, event, typed)
    person = oneid.current(turn.db, row.member_id) if row is not None else None
    if row is None or person is None or not sees(turn, person.id):
        turn.say(event.sender, "handout/nothing_asked")
    elif row.status == "done":
        _say_done(turn, event, row, person)
    elif row.status != "asked" or row.until <= turn.now:
        turn.say(event.sender, "handout/nothing_asked")
    else:
        _give(turn, event, row, person)


@router.words("不发券", audience="guide", arg="序号", may="coupon.issue", menu=False)
def decline(turn: Turn, event: Event, typed: str) -> None:
    """The no: nothing moved."""
    assert event.sender is not None
    row = _asked(turn, event, typed)
    change = {"status": "declined", "done_at": turn.now}
    if row is not None and handouts.rows.change(turn.db, change, id=row.id, status="asked"):
        turn.say(event.sender, "handout/declined")
    else:
        turn.say(event.sender, "handout/nothing_asked")


def _asked(turn: Turn, event: Event, typed: str) -> Handout | None:
    """The question that is answered, if it was the speaker's own."""
    assert event.sender is not None
    if not typed.startswith("#") or not typed[1:].isdigit():
        return None
    row = handouts.rows.one(turn.db, id=int(typed[1:]))
    return row if row is not None and row.userid == event.sender.external_id else None


def _give(turn: Turn, event: Event, row: Handout, person: Person) -> None:
    """Allowance, template, coupon: all of it or nothing."""
    assert event.sender is not None
    template = next((one for one in _templates(turn) if one.id == row.template_id), None)
    if template is None:
        turn.say(event.sender, "handout/gone")
        return
    day = local_day(turn.now)
    short = _take(turn, row.userid, day, template.liability_fen)
    if short:
        _say_over(turn, event, f"#{person.id} #{template.id}", template, _left(turn)[1], by_count=short == "count")
        return
    got = vouchers.issue(turn, person, template, f"handout:{row.id}", row.userid)
    if isinstance(got, str):
        _put_back(turn, row.userid, day, template.liability_fen)
        turn.say(event.sender, REFUSED[got], **_named(turn, person, got))
        return
    done = {"status": "done", "coupon_id": got.id, "done_at": turn.now, "day": day, "fen": template.liability_fen}
    if not handouts.rows.change(turn.db, done, id=row.id, status="asked"):
        raise Retry(f"handout {row.id} was answered meanwhile")
    row.coupon_id = got.id
    _tell(turn, event, row, person, got)


REFUSED = {
    "again": "handout/limit",
    "limit": "handout/limit",
    "day_limit": "handout/day_limit",
    "sold_out": "handout/sold_out",
    "budget": "handout/sold_out",
    "ended": "handout/ended",
}


def _named(turn: Turn, person: Person, why: str) -> dict[str, str]:
    return {"name": finding.called(turn, person)} if why in ("again", "limit", "day_limit") else {}


def _take(turn: Turn, userid: str, day: str, fen: int) -> str:
    """Take a coupon and its worst cost from the day's allowance; what was short, "" when nothing was."""
    assert turn.staff is not None
    most, most_fen = turn.using(Rules).of(turn.staff.role)
    if not stock.take_or_open(turn.db, handouts.count_stock(userid, day), most):
        return "count"
    if fen and not stock.take_or_open(turn.db, handouts.fen_stock(userid, day), most_fen, fen):
        stock.give_back(turn.db, handouts.count_stock(userid, day))
        return "fen"
    return ""


def _put_back(turn: Turn, userid: str, day: str, fen: int) -> None:
    stock.give_back(turn.db, handouts.count_stock(userid, day))
    if fen:
        stock.give_back(turn.db, handouts.fen_stock(userid, day), fen)


def _tell(turn: Turn, event: Event, row: Handout, person: Person, got: Voucher) -> None:
    """The guide, the member, the record."""
    assert turn.staff is not None
    turn.audit(row.userid, "coupon.handed_out", f"coupon:{got.id}", member=person.id, template=got.template,
               worst_fen=got.liability_fen)  # fmt: skip
    guide = turn.staff.name or turn.staff.userid
    turn.stamp = turn.texts.render("handout/stamp", at=f"{turn.now.astimezone(ZONE):%H:%M}", by=guide)
    _say_done(turn, event, row, person)
    turn.tell(person.id, "handout/told", guide=guide, template=got.template, code=got.code,
              until=shown(got.expires_at))  # fmt: skip


def _say_done(turn: Turn, event: Event, row: Handout, person: Person) -> None:
    assert event.sender is not None
    assert row.coupon_id is not None
    got, (count, fen) = coupons.by_id(turn.db, row.coupon_id), _left(turn)
    turn.say(
        event.sender, "handout/done", name=finding.called(turn, person), template=got.template, code=got.code,
        until=shown(got.expires_at), left=count, left_fen=yuan(fen),
    )  # fmt: skip
