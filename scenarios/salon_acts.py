"""沙龙的管理: what a shop's programs set up: a salon, its changes, its end, who was there."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, field_validator, model_validator

from bot.clock import ZONE
from bot.ids import code, read_code
from bot.router import Refusal
from bot.turn import Turn
from scenarios import salon_seats, salon_times
from scenarios.sight import sees_store
from storage import salons, shop, stock
from storage.tables import Salon

LONGEST = timedelta(days=31)
MOST_SEATS = 5_000
FURTHEST = 60 * 86_400


class NewSalon(BaseModel):
    """A salon. `remind`: seconds before the start. `points` or `sku` (a ticket) is what a seat costs.

    `tiers`: who may come, empty = everybody. `absences_most`: how often somebody may have stayed away in 90 days before
    they cannot sign up any more, 0 = does not matter. `coupon` and `survey` go to those who came.
    """

    model_config = ConfigDict(extra="forbid")

    title: str = Field(min_length=1, max_length=40)
    store: str = Field(default="", max_length=64)
    place: str = Field(min_length=1, max_length=80)
    intro: str = Field(default="", max_length=500)
    starts_at: AwareDatetime
    ends_at: AwareDatetime
    zone: str = Field(default_factory=lambda: str(ZONE))
    seats: int = Field(ge=1, le=MOST_SEATS)
    points: int = Field(default=0, ge=0, le=1_000_000)
    sku: str = Field(default="", max_length=64)
    tiers: list[str] = []
    absences_most: int = Field(default=3, ge=0, le=100)
    remind: list[int] = Field(default=[86_400, 7_200], max_length=5)
    accept_minutes: int = Field(default=60, ge=5, le=2_880)
    coupon: str = Field(default="", max_length=40)
    survey: str = Field(default="", max_length=200, pattern=r"^(https://\S+)?$")
    by: str = Field(default="api", max_length=64)

    @field_validator("zone")
    @classmethod
    def _known(cls, zone: str) -> str:
        try:
            ZoneInfo(zone)
        except (ZoneInfoNotFoundError, ValueError):
            raise ValueError("zone: a name such as Asia/Shanghai") from None
        return zone

    @model_validator(mode="after")
    def _sensible(self) -> NewSalon:
        if not timedelta() < self.ends_at - self.starts_at <= LONGEST:
            raise ValueError("ends_at: after starts_at, and at most 31 days later")
        if self.points and self.sku:
            raise ValueError("sku: a seat costs points or a ticket, not both")
        if any(not 0 < seconds <= FURTHEST for seconds in self.remind):
            raise ValueError("remind: seconds before the start, up to 60 days")
        return self


class Change(BaseModel):
    """What is to be different; what is not named stays."""

    model_config = ConfigDict(extra="forbid")

    id: int
    title: str | None = Field(default=None, min_length=1, max_length=40)
    place: str | None = Field(default=None, min_length=1, max_length=80)
    intro: str | None = Field(default=None, max_length=500)
    starts_at: AwareDatetime | None = None
    ends_at: AwareDatetime | None = None
    seats: int | None = Field(default=None, ge=1, le=MOST_SEATS)
    by: str = Field(default="api", max_length=64)


class Cancel(BaseModel):
    """Who calls a salon off, and why."""

    model_config = ConfigDict(extra="forbid")

    id: int
    reason: str = Field(default="", max_length=200)
    by: str = Field(default="api", max_length=64)


class CheckIn(BaseModel):
    """Who was there, by the code of their seat."""

    model_config = ConfigDict(extra="forbid")

    token: str = Field(min_length=4, max_length=40)
    by: str = Field(default="api", max_length=64)


def create(turn: Turn, given: NewSalon) -> dict[str, Any] | Refusal:
    """Open a salon for everybody to sign up."""
    if not sees_store(turn, given.store):
        return Refusal(403, "forbidden", "salon/not_your_store")
    if given.starts_at <= turn.now:
        return Refusal(422, "wrong_value", "salon/past")
    if given.sku and shop.products.one(turn.db, sku=given.sku) is None:
        return Refusal(422, "wrong_value", "salon/no_ticket", {"sku": given.sku})
    if given.coupon and shop.templates.one(turn.db, name=given.coupon) is None:
        return Refusal(422, "wrong_value", "salon/no_template", {"name": given.coupon})
    row = Salon(
        id=turn.ids.next(), no=salons.next_no(turn.db), title=given.title, store=given.store, place=given.place,
        intro=given.intro, starts_at=given.starts_at, ends_at=given.ends_at, zone=given.zone, seats=given.seats,
        points=given.points, sku=given.sku, remind=json.dumps(given.remind), accept_minutes=given.accept_minutes,
        who=json.dumps({"tiers": given.tiers, "absences_most": given.absences_most}, ensure_ascii=False),
        follow=json.dumps({"coupon": given.coupon, "survey": given.survey}, ensure_ascii=False),
        check_code=code(turn.chance, 8), version=1, queue=0, status="open", made_by=given.by, created_at=turn.now,
        settled_at=None,
    )  # fmt: skip
    salons.rows.add(turn.db, row)
    stock.open_stock(turn.db, salons.stock_name(row.id), row.seats)
    salon_times.plan(turn, row)
    turn.audit(given.by, "salon.made", f"salon:{row.id}", seats=row.seats)
    return {"id": row.id, "no": f"S{row.no}", "check_code": row.check_code}


def _found(turn: Turn, salon_id: int) -> Salon | Refusal:
    """A salon that is open and within reach, or why not."""
    salon = salons.rows.one(turn.db, id=salon_id)
    if salon is None or not sees_store(turn, salon.store):
        return Refusal(404, "not_found", "salon/no_such")
    return salon if salon.status == "open" else Refusal(409, "wrong_state", "salon/not_open")


def change(turn: Turn, given: Change) -> dict[str, Any] | Refusal:
    """Change a salon; who signed up hears of a new time or place, more seats go to those who wait."""
    salon = _found(turn, given.id)
    if isinstance(salon, Refusal):
        return salon
    wanted = given.model_dump(exclude={"id", "by"}, exclude_none=True)
    begins, ends = wanted.get("starts_at", salon.starts_at), wanted.get("ends_at", salon.ends_at)
    if begins <= turn.now and "starts_at" in wanted:
        return Refusal(422, "wrong_value", "salon/past")
    if not timedelta() < ends - begins <= LONGEST:
        return Refusal(422, "wrong_value", "salon/ends_first")
    more = given.seats - salon.seats if given.seats else 0
    if more and not stock.grow(turn.db, salons.stock_name(salon.id), more):
        return Refusal(409, "wrong_state", "salon/seats_taken")
    told = any(
        wanted.get(name, getattr(salon, name)) != getattr(salon, name) for name in ("starts_at", "place", "title")
    )
    _save(turn, salon, wanted, told=told, ends=ends)
    if more > 0:
        salon_seats.offer_next(turn, salon)
    turn.audit(given.by, "salon.changed", f"salon:{salon.id}", fields=sorted(wanted))
    return {"id": salon.id, "version": salon.version}


def _save(turn: Turn, salon: Salon, wanted: dict[str, Any], *, told: bool, ends: datetime) -> None:
    replanned = told or ends != salon.ends_at
    if replanned:
        salon_times.call_off(turn, salon)
        wanted = {**wanted, "version": salon.version + 1}
    if wanted:
        salons.rows.change(turn.db, wanted, id=salon.id)
        for name, value in wanted.items():
            setattr(salon, name, value)
    if replanned:
        salon_times.plan(turn, salon)
    if told:
        salon_times.tell_all(turn, salon, salon_times.CHANGED)


def cancel(turn: Turn, given: Cancel) -> dict[str, Any] | Refusal:
    """Call a salon off: everybody is told, what was paid goes back."""
    salon = _found(turn, given.id)
    if isinstance(salon, Refusal):
        return salon
    salon_times.call_off(turn, salon)
    salons.rows.change(turn.db, {"status": "cancelled", "settled_at": turn.now}, id=salon.id, status="open")
    salon_times.tell_all(turn, salon, salon_times.CANCELLED)
    turn.audit(given.by, "salon.cancelled", f"salon:{salon.id}", reason=given.reason)
    return {"id": salon.id, "status": "cancelled"}


def check_in(turn: Turn, given: CheckIn) -> dict[str, Any] | Refusal:
    """A program at the door counts somebody in, whatever the hour; the second time changes nothing."""
    seat = salons.seats.one(turn.db, token=read_code(given.token))
    if seat is None or seat.status not in ("confirmed", "attended", "absent"):
        return Refusal(404, "not_found", "salon/no_seat_code")
    salon = salons.rows.one(turn.db, id=seat.salon_id)
    assert salon is not None
    first = salon_seats.check_in(turn, salon, seat)
    if first:
        turn.audit(given.by, "salon.checked_in", f"salon_seat:{seat.id}")
    return {"salon_id": salon.id, "member_id": seat.member_id, "status": seat.status, "first": first}
