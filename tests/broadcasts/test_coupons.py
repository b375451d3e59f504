"""群发带券: everybody who is written to has the coupon that the message speaks of, once, within stock and budget."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.events import Address, TextReceived
from bot.own_events import BroadcastStep
from scenarios import broadcast_coupons
from tests.broadcasts.office import QUICK, Office, opened

CASH: dict[str, Any] = {
    "name": "满100减20🎫", "kind": "cash", "value": 2_000, "threshold_fen": 10_000, "valid_days": 30, "stock": 100,
    "per_member": 1,
}  # fmt: skip


@pytest.fixture
async def office(database_url: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Office]:
    """A bot and the sandbox; coupons are given two at a time, so that there is something between two steps."""
    monkeypatch.setattr(broadcast_coupons, "AT_ONCE", 2)
    async with opened(database_url, QUICK) as running:
        yield running


async def template(office: Office, **more: Any) -> int:
    told = await office.asks("coupon-templates", **{**CASH, **more})
    assert told["status_code"] == 201, told
    return int(told["id"])


def given(office: Office) -> list[str]:
    """Who has a coupon, by WeCom's name."""
    rows = office.bot.rows(
        "SELECT i.external_id FROM coupon c JOIN identity i ON i.member_id = c.member_id AND i.channel = 'wecom' "
        "WHERE c.template_id IS NOT NULL ORDER BY i.external_id"
    )
    return [row[0] for row in rows]


def stock(office: Office, name: str) -> tuple[int, int]:
    """Remaining and taken."""
    row = office.bot.rows("SELECT remaining, taken FROM stock WHERE name = :n", n=name)[0]
    return row[0], row[1]


def reached(office: Office) -> list[str]:
    return sorted(name for task in office.tasks() for name in task)


async def steps(office: Office, broadcast_id: int, count: int) -> None:
    """A drive that goes so many steps and is killed."""
    for number in range(count):
        await office.bot.writer.accept(BroadcastStep(
            key=f"killed:{broadcast_id}:{next(office.numbers)}:{number}", source="broadcast",
            at=office.bot.clock.now(), broadcast_id=broadcast_id,
        ))  # fmt: skip


async def begun(office: Office, **body: Any) -> int:
    """Approved, and due; nothing of it is done yet."""
    broadcast_id = await office.composed(coupon=CASH["name"], **body)
    assert (await office.asks("broadcasts/approve", id=broadcast_id, by="boss"))["status_code"] == 200
    await office.scheduler.sweep()
    return broadcast_id


async def test_everybody_gets_one_and_then_the_message(office: Office) -> None:
    number = await template(office)
    people = await office.customers(5)
    broadcast_id = await office.launched(coupon=CASH["name"])

    assert (given(office), reached(office)) == (people, people)
    assert stock(office, f"coupon:{number}") == (95, 5)
    assert office.numbers_of(broadcast_id) == (0, 0, 5, 0, 0)
    await office.passes(hours=1)
    assert given(office) == people


async def test_stock_ends_and_who_got_none_is_not_written_to(office: Office) -> None:
    number = await template(office, stock=3)
    people = await office.customers(5)
    broadcast_id = await office.launched(coupon=CASH["name"])

    assert (given(office), reached(office)) == (people[:3], people[:3])
    assert stock(office, f"coupon:{number}") == (0, 3)
    assert office.reasons(broadcast_id) == {("suppressed", "coupon_sold_out"): 2}


async def test_the_budget_ends_as_well(office: Office) -> None:
    number = await template(office, budget_fen=5_000)
    people = await office.customers(4)
    broadcast_id = await office.launched(coupon=CASH["name"])

    assert (given(office), reached(office)) == (people[:2], people[:2])
    assert stock(office, f"budget:coupon:{number}") == (1_000, 4_000)
    assert stock(office, f"coupon:{number}") == (98, 2)  # what the budget refused went back
    assert office.reasons(broadcast_id) == {("suppressed", "coupon_budget"): 2}


async def test_who_has_it_already_is_told_so_by_the_reason(office: Office) -> None:
    await template(office)
    people = await office.customers(2)
    await office.launched(coupon=CASH["name"])
    more = await office.customers(1)
    second = await office.launched(coupon=CASH["name"])

    assert given(office) == sorted([*people, *more])
    assert office.reasons(second) == {("suppressed", "coupon_limit"): 2}


async def test_who_cannot_be_reached_gets_no_coupon(office: Office) -> None:
    await template(office)
    refuser, friend = await office.customers(2)
    await office.bot.writer.accept(TextReceived(
        key="out", source="wecom_kf", at=office.bot.clock.now(), sender=Address("wecom", refuser), text="退订",
        msg_id="out", open_kfid="wkA",
    ))  # fmt: skip
    await office.launched(coupon=CASH["name"])

    assert (given(office), reached(office)) == ([friend], [friend])


@pytest.mark.parametrize("killed_after", range(1, 6))
async def test_killed_at_any_step_it_gives_each_one_coupon(office: Office, killed_after: int) -> None:
    number = await template(office)
    people = await office.customers(5)
    broadcast_id = await begun(office)
    await steps(office, broadcast_id, killed_after)
    await office.settle()

    assert (given(office), reached(office)) == (people, people)
    assert stock(office, f"coupon:{number}") == (95, 5)


async def test_a_pause_in_the_middle_gives_no_more_until_it_goes_on(office: Office) -> None:
    await template(office)
    people = await office.customers(5)
    broadcast_id = await begun(office)
    await steps(office, broadcast_id, 3)  # frozen in two, the first two have theirs
    before = given(office)
    assert 0 < len(before) < 5
    await office.asks("broadcasts/pause", id=broadcast_id)
    await office.settle()
    assert (given(office), reached(office)) == (before, [])

    await office.asks("broadcasts/resume", id=broadcast_id)
    await office.settle()
    assert (given(office), reached(office)) == (people, people)


async def test_a_stop_in_the_middle_gives_no_more_and_takes_nothing_back(office: Office) -> None:
    number = await template(office)
    await office.customers(5)
    broadcast_id = await begun(office)
    await steps(office, broadcast_id, 3)
    before = given(office)
    await office.asks("broadcasts/stop", id=broadcast_id)
    await office.settle()

    assert (given(office), reached(office)) == (before, [])
    assert stock(office, f"coupon:{number}") == (100 - len(before), len(before))
    assert office.reasons(broadcast_id) == {("suppressed", "stopped"): 5}


async def test_a_message_one_by_one_names_the_coupon_it_brings(office: Office) -> None:
    await template(office, name="旧券", valid_days=1)  # of several the first to end is the member's usual one
    await template(office)
    await office.customers(2)
    await office.launched(coupon="旧券")
    await office.launched(channel="app", text="$name，你有一张「$coupon」", coupon=CASH["name"])

    rows = office.bot.rows("SELECT payload FROM outbox WHERE call = 'message/broadcast'")
    assert len(rows) == 2
    assert all("你有一张「满100减20🎫」" in row[0] for row in rows)


async def test_a_coupon_that_costs_much_waits_for_another_person(office: Office) -> None:
    await template(office, value=2_000_000, threshold_fen=5_000_000)
    await office.customers(3)
    broadcast_id = await office.composed(coupon=CASH["name"], made_by="wang")
    told = await office.asks("broadcasts/approve", id=broadcast_id, by="wang")
    assert (told["status_code"], told["error"]["code"]) == (409, "second_person")
    assert (await office.asks("broadcasts/approve", id=broadcast_id, by="chen"))["status_code"] == 200


async def test_an_unknown_coupon_is_refused_by_its_field(office: Office) -> None:
    told = await office.asks("broadcasts", name="x", channel="contact", text="y", coupon="没有的券")
    assert (told["status_code"], told["error"]["field"]) == (422, "coupon")
