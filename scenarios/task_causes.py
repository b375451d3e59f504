"""任务从哪来 task_causes: what makes a task for a guide, when its cause is over. Each cause makes one task, ever."""

from __future__ import annotations

import json
from datetime import datetime, timedelta

from pydantic import BaseModel, ConfigDict, Field

from bot.clock import end_of_day, local_day, till
from bot.events import TimerDue
from bot.order_events import CheckoutPaid, CheckoutReleased
from bot.own_events import ContactProfiled, HandoverWanted
from bot.texts import yuan
from bot.turn import Turn
from scenarios import finding
from storage import coupons, expiring, follows, members, oneid, shop, stock, tasks
from storage.coupons import Voucher
from storage.members import Person
from storage.tables import GuideTask

GREET, COUPON, UNPAID, WANTED = "greet", "coupon", "unpaid", "wanted"
BY = "rule:tasks"
AT_ONCE = 200


class Causes(BaseModel):
    """Which causes make tasks, 0 = none: a new contact is to be greeted within `greet_hours`; coupons worth
    `coupon_least_fen` are named `coupon_days` before their end, `coupon_most` a guide and day; a checkout that nobody
    paid is to be looked at within `unpaid_hours`, who wanted a person within `wanted_hours`."""

    model_config = ConfigDict(extra="forbid")

    greet_hours: int = Field(default=24, ge=0, le=168)
    coupon_days: int = Field(default=3, ge=0, le=14)
    coupon_least_fen: int = Field(default=1_000, ge=0, le=10_000_000)
    coupon_most: int = Field(default=10, ge=0, le=100)
    unpaid_hours: int = Field(default=24, ge=0, le=168)
    wanted_hours: int = Field(default=2, ge=0, le=48)


def _give(
    turn: Turn, userid: str, kind: str, key: str, due_at: datetime, member_id: int, text: str, **values: object
) -> None:
    content = turn.texts.render(text, **values)
    tasks.add(turn.db, turn.ids, userid, kind, content, due_at, key, BY, turn.now, member_id)


def _name(turn: Turn, person: Person | None) -> str:
    return finding.shown_name(turn, person.name if person else "")


def greet(turn: Turn, event: ContactProfiled, rules: Causes) -> None:
    """A new contact; those that the comparison found have been there for long."""
    person = members.of(turn.db, [("wecom", event.external_userid)]).get(("wecom", event.external_userid))
    if not rules.greet_hours or event.found or person is None:
        return
    due_at = event.joined_at + timedelta(hours=rules.greet_hours)
    key = f"greet:{event.userid}:{event.external_userid}"
    _give(turn, event.userid, GREET, key, due_at, person.id, "tasks/greet", name=_name(turn, person))


def wanted(turn: Turn, event: HandoverWanted, rules: Causes) -> None:
    """Somebody asked for a person; asking again the same day is one task."""
    if rules.wanted_hours:
        person = members.find(turn.db, event.member_id)
        key = f"wanted:{event.member_id}:{event.userid}:{local_day(turn.now)}"
        due_at = turn.now + timedelta(hours=rules.wanted_hours)
        _give(turn, event.userid, WANTED, key, due_at, event.member_id, "tasks/wanted", name=_name(turn, person))


def unpaid(turn: Turn, event: CheckoutReleased, rules: Causes) -> None:
    """What was held for a member ended without money."""
    held = shop.checkouts.one(turn.db, id=event.checkout_id)
    userid = follows.guide_of(turn.db, event.member_id)
    if not rules.unpaid_hours or event.why != "unpaid" or held is None or userid is None:
        return
    goods = turn.texts.render("common/comma").join(str(item["title"]) for item in json.loads(held.items))
    due_at = turn.now + timedelta(hours=rules.unpaid_hours)
    name = _name(turn, members.find(turn.db, event.member_id))
    _give(turn, userid, UNPAID, f"unpaid:{held.id}", due_at, event.member_id, "tasks/unpaid", name=name,
          goods=finding.clipped(goods), fen=yuan(held.price_fen))  # fmt: skip


def paid(turn: Turn, event: CheckoutPaid) -> None:
    """They bought after all."""
    userid = follows.guide_of(turn.db, event.member_id)
    if userid is not None:
        tasks.drop_of_member(turn.db, event.member_id, UNPAID, userid, BY, turn.now)


def expiring_page(turn: Turn, event: TimerDue, rules: Causes) -> dict[str, object] | None:
    """Tasks for a page of the coupons that end soon; where the next page begins, None when there is none."""
    if not rules.coupon_days or not rules.coupon_most:
        return None
    after = datetime.fromisoformat(event.payload["after"]) if "after" in event.payload else turn.now
    until = end_of_day(turn.now, rules.coupon_days - 1)
    page = expiring.page(turn.db, (after, int(event.payload.get("id", 0))), until, AT_ONCE)
    for voucher in page:
        if voucher.liability_fen >= rules.coupon_least_fen:
            _remind(turn, voucher, rules)
    if len(page) < AT_ONCE:
        return None
    return {"after": page[-1].expires_at.isoformat(), "id": page[-1].id}


def _remind(turn: Turn, voucher: Voucher, rules: Causes) -> None:
    key, userid = f"coupon:{voucher.id}", follows.guide_of(turn.db, voucher.member_id)
    if userid is None or tasks.rows.one(turn.db, key=key) is not None:
        return
    if not stock.take_or_open(turn.db, f"tasks:coupon:{userid}:{local_day(turn.now)}", rules.coupon_most):
        return  # the others tomorrow, while they last
    name = _name(turn, members.find(turn.db, voucher.member_id))
    _give(turn, userid, COUPON, key, min(voucher.expires_at, end_of_day(turn.now, 1)), voucher.member_id,
          "tasks/coupon", name=name, coupon=voucher.template, until=till(voucher.expires_at, turn.now))  # fmt: skip


def is_over(turn: Turn, task: GuideTask) -> bool:
    """Whether nobody needs to do it any more: the coupon is used or over, the contact is gone."""
    if task.kind == COUPON:
        voucher = coupons.by_id(turn.db, int(task.key.partition(":")[2]))
        return voucher.status not in ("active", "reserved") or voucher.expires_at <= turn.now
    if task.kind == GREET and task.member_id is not None:
        person = oneid.current(turn.db, task.member_id)
        links = follows.of_member(turn.db, person.id) if person else []
        return all(link.userid != task.userid for link in links)
    return False
