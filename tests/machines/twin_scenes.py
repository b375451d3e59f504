"""双生的场景 scenes of the twins: what a shop has, and what members, a guide and other programs do in one house."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

from bot.events import Address, CardClicked, TextReceived
from bot.order_events import AdminAsked, OrderPaid
from bot.turn import Work
from storage import articles
from storage.articles import Draft, Section
from storage.drives import campaigns
from storage.tables import Campaign
from tests.kf import Desk
from tests.machines.model_words import ARTICLE
from tests.redteam.house import _write

PEOPLE, GUIDE = ("wm1", "wm2", "wm3"), "lina"


def _article(work: Work) -> None:
    title, said = ARTICLE
    made = Draft("care", "faq", title, (Section("", said),), ("大衣起球怎么办", "能机洗吗"))
    articles.replace(work.db, work.ids, "care.csv", [made], "test", work.now)


async def furnish(desk: Desk) -> None:
    """Goods, answers, drives, coupons, and members with points."""
    await desk.bot.writer.call(_write)
    await desk.bot.writer.call(_article)
    await desk.bot.employs(GUIDE, "guide")
    for who in PEOPLE[1:]:
        await desk.bot.joins(who)
    await desk.bot.writer.call(_drives)
    for claimable, name in ((True, "满100减20"), (False, "满200减50")):
        body = {"name": name, "kind": "cash", "value": 2_000, "threshold_fen": 10_000, "valid_days": 30, "stock": 50,
                "claimable": claimable, "per_member": 100, "for_guides": True}  # fmt: skip
        await asks(desk, "coupon-templates", body)
    for who in PEOPLE:
        await asks(desk, "points", {"external_id": who, "amount": 900, "reason": "补发", "by": "小王"})
    await desk.bot.deliver()


def _drives(work: Work) -> None:
    for kind, config in (
        ("bargain", {"sku": "SCARF", "start_fen": 29_900, "floor_fen": 9_900, "cuts": 5}),
        ("group_buy", {"sku": "TEA", "size": 2, "price_fen": 9_900}),
        ("flash_sale", {"sku": "COAT", "price_fen": 99_900, "total": 2}),
        ("redeem", {"points": 100, "coupon": "满200减50", "total": 30, "per_member": 20}),
        ("referral", {"inviter": {"points": 100}, "invitee": {"points": 50}, "least_fen": 5_000, "hold_days": 7}),
    ):
        campaigns.add(work.db, Campaign(
            id=work.ids.next(), kind=kind, name=kind, status="published", starts_at=work.now,
            ends_at=work.now + timedelta(days=60), config=json.dumps(config, ensure_ascii=False), worst_fen=0,
            made_by="test", approved_by="", created_at=work.now,
        ))  # fmt: skip


async def asks(desk: Desk, act: str, body: dict[str, Any]) -> None:
    """The owner's program asks for something."""
    key, now = f"api:{next(desk.bot.numbers)}", desk.bot.clock.now()
    answer = await desk.bot.writer.accept(AdminAsked(key=key, source="api", at=now, act=act, body=body))
    assert json.loads(answer or "{}")["status"] in (200, 201), answer


async def pays(desk: Desk, who: str, order_no: str, fen: int, checkout: str | None) -> None:
    """A shop tells of a paid order."""
    await desk.bot.writer.accept(OrderPaid(
        key=f"orders:{order_no}:paid", source="orders", at=desk.bot.clock.now(), shop="mall", order_no=order_no,
        buyer={"external_userid": who}, amount_fen=fen, items=[], checkout=checkout,
    ))  # fmt: skip


async def tells(desk: Desk, words: str, number: int) -> None:
    """The guide writes to the app."""
    await desk.bot.writer.accept(TextReceived(
        key=f"wecom_app:msg:t{number}", source="wecom_app", at=desk.bot.clock.now(),
        sender=Address("wecom_staff", GUIDE), text=words, msg_id=f"t{number}",
    ))  # fmt: skip
    await desk.bot.deliver()


async def taps(desk: Desk, place: int, number: int) -> None:
    """The guide taps a button of the card that came last."""
    cards = desk.bot.wecom.cards_of(GUIDE)
    buttons = cards[-1].get("button_list") if cards else None
    if buttons:
        await desk.bot.writer.accept(CardClicked(
            key=f"wecom_app:sha256:t{number}", source="wecom_app", at=desk.bot.clock.now(),
            sender=Address("wecom_staff", GUIDE), task_id=cards[-1]["task_id"],
            event_key=buttons[place % len(buttons)]["key"], response_code=f"RC{number}",
        ))  # fmt: skip
        await desk.bot.deliver()
