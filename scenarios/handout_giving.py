"""发券的额度与发出 giving: what one person may give in a day, and how a coupon comes from them to a member.

The allowance is a stock of somebody and the day, so that no two processes can pass it; the template's own stock,
budget and limits hold as ever. What a second person agreed to is charged to that person's allowance.
"""

from __future__ import annotations

from typing import NamedTuple

from pydantic import BaseModel, ConfigDict, Field

from bot.clock import ZONE, local_day, till
from bot.events import Address
from bot.router import Router
from bot.texts import yuan
from bot.turn import Retry, Turn
from scenarios import finding, vouchers
from storage import coupons, handouts, shop, stock
from storage.coupons import Voucher
from storage.members import Person
from storage.tables import CouponTemplate, Handout

router = Router("handout")  # the whole play's: its other words join it in scenarios/handout.py

GUIDE = "guide"
REFUSED = {
    "again": "handout/limit",
    "limit": "handout/limit",
    "day_limit": "handout/day_limit",
    "sold_out": "handout/sold_out",
    "budget": "handout/sold_out",
    "ended": "handout/ended",
}


class Limits(NamedTuple):
    """Coupons (`pieces`) and fen a day, and what one coupon may cost at most; beyond them a second person agrees."""

    pieces: int
    fen: int
    one_fen: int


class Rules(BaseModel):
    """[scenarios.handout] of config.toml: how many coupons, and how much they may cost at most, one person gives in a
    day: `per_day`, `fen_per_day` for guides, `manager_*` for store managers and above. What is beyond that, or a single
    coupon above `approve_above_fen`, waits at most `approve_hours` for a second person."""

    model_config = ConfigDict(extra="forbid")

    per_day: int = Field(default=10, ge=0, le=10_000)
    fen_per_day: int = Field(default=50_000, ge=0, le=100_000_000)
    approve_above_fen: int = Field(default=20_000, ge=0, le=100_000_000)
    manager_per_day: int = Field(default=100, ge=0, le=100_000)
    manager_fen_per_day: int = Field(default=500_000, ge=0, le=1_000_000_000)
    manager_approve_above_fen: int = Field(default=100_000, ge=0, le=1_000_000_000)
    confirm_minutes: int = Field(default=10, ge=1, le=60)
    approve_hours: int = Field(default=24, ge=1, le=168)

    def of(self, role: str) -> Limits:
        """What somebody of a role may do alone."""
        if role == GUIDE:
            return Limits(self.per_day, self.fen_per_day, self.approve_above_fen)
        return Limits(self.manager_per_day, self.manager_fen_per_day, self.manager_approve_above_fen)


def limits(turn: Turn) -> Limits:
    """What the speaker may do alone."""
    assert turn.staff is not None
    return turn.using(Rules).of(turn.staff.role)


def templates(turn: Turn) -> list[CouponTemplate]:
    """What guides may hand out today."""
    there = shop.templates.all(turn.db, for_guides=1)
    return [one for one in there if one.valid_until is None or one.valid_until > turn.now]


def template_of(turn: Turn, row: Handout) -> CouponTemplate | None:
    """The template that a question was about, when guides may still hand it out."""
    return next((one for one in templates(turn) if one.id == row.template_id), None)


def worth(turn: Turn, template: CouponTemplate) -> str:
    """What a coupon may cost, in words."""
    if template.kind == "gift":
        return turn.texts.render("handout/worth_gift")
    return turn.texts.render("handout/worth", fen=yuan(template.liability_fen))


def left(turn: Turn, userid: str) -> tuple[int, int]:
    """Coupons and fen that somebody of the speaker's role may still give today."""
    day, most = local_day(turn.now), limits(turn)
    return (
        handouts.left(turn.db, handouts.count_stock(userid, day), most.pieces),
        handouts.left(turn.db, handouts.fen_stock(userid, day), most.fen),
    )


def take(turn: Turn, userid: str, day: str, fen: int) -> str:
    """Take a coupon and its worst cost from the day's allowance; what was short, "" when nothing was."""
    most = limits(turn)
    if not stock.take_or_open(turn.db, handouts.count_stock(userid, day), most.pieces):
        return "count"
    if fen and not stock.take_or_open(turn.db, handouts.fen_stock(userid, day), most.fen, fen):
        stock.give_back(turn.db, handouts.count_stock(userid, day))
        return "fen"
    return ""


def put_back(turn: Turn, userid: str, day: str, fen: int) -> None:
    """It was not given after all."""
    stock.give_back(turn.db, handouts.count_stock(userid, day))
    if fen:
        stock.give_back(turn.db, handouts.fen_stock(userid, day), fen)


def give(turn: Turn, row: Handout, person: Person, template: CouponTemplate, by: str) -> Voucher | str:
    """Allowance of `by`, template, coupon: all of it or nothing. What is missing: `count`, `fen`, or why there is no
    coupon (a key of REFUSED)."""
    day, fen = local_day(turn.now), template.liability_fen
    if short := take(turn, by, day, fen):
        return short
    got = vouchers.issue(turn, person, template, f"handout:{row.id}", row.userid)
    if isinstance(got, str):
        put_back(turn, by, day, fen)
        return got
    done = {"status": "done", "coupon_id": got.id, "done_at": turn.now, "day": day, "fen": fen, "charged_to": by}
    if not handouts.rows.change(turn.db, done, id=row.id, status=row.status):
        raise Retry(f"handout {row.id} was answered meanwhile")
    row.coupon_id = got.id
    return got


def tell(turn: Turn, row: Handout, person: Person, got: Voucher, guide: str, **more: str) -> None:
    """The record, and the member."""
    turn.audit(row.userid, "coupon.handed_out", f"coupon:{got.id}", member=person.id, template=got.template,
               worst_fen=got.liability_fen, **more)  # fmt: skip
    turn.stamp = turn.texts.render("handout/stamp", at=f"{turn.now.astimezone(ZONE):%H:%M}", by=guide)
    turn.tell(person.id, "handout/told", guide=guide, template=got.template, code=got.code,
              until=till(got.expires_at, turn.now))  # fmt: skip


def say_done(turn: Turn, to: Address, row: Handout, person: Person) -> None:
    """What was given, to whoever gave it."""
    assert row.coupon_id is not None
    got, (count, fen) = coupons.by_id(turn.db, row.coupon_id), left(turn, row.userid)
    turn.say(
        to, "handout/done", name=finding.called(turn, person), template=got.template, code=got.code,
        until=till(got.expires_at, turn.now), left=count, left_fen=yuan(fen),
    )  # fmt: skip


def named(turn: Turn, person: Person, why: str) -> dict[str, str]:
    """What the text of REFUSED for `why` is filled in with."""
    return {"name": finding.called(turn, person)} if why in ("again", "limit", "day_limit") else {}
