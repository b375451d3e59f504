"""Group robots: alerts once, the day's numbers, byte limits, and what is owed while a robot is slow or gone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from bot import webhook
from bot.doors import robots
from bot.errors import RequestRefused
from bot.events import Address, Event, TextReceived
from bot.sections import Webhook
from bot.turn import Turn, Work
from bot.watch import look
from bot.wecom.tokenless import Tokenless
from handlers.robots import day_before
from storage import shop, stock
from storage.tables import CouponTemplate
from tests.doors.house import House, standing
from tests.shop import start_shop

ALERTS, DAILY = "sandbox-webhook-alerts", "sandbox-webhook-daily"
BOTH: dict[str, Any] = {
    "webhook": {"alerts": ALERTS, "daily": f"https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key={DAILY}"}
}
HOUR = timedelta(hours=1)


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    async with standing(database_url, "", **BOTH) as made:
        yield made


def said(house: House, key: str = ALERTS) -> list[str]:
    """What a robot's group reads."""
    return [message["text"] for message in house.sandbox.world.robots[key]["messages"]]


async def owe(house: House, content: str, **more: Any) -> None:
    await house.runtime.writer.call(lambda work: webhook.owe(work, "alerts", content, good_for=HOUR, **more))


async def look_and_sweep(house: House) -> None:
    await house.runtime.writer.call(look)
    await house.runtime.scheduler.sweep()


@pytest.mark.parametrize(("msgtype", "limit"), [("text", 2048), ("markdown", 4096)])
async def test_a_long_text_is_parted_within_the_limit(house: House, msgtype: str, limit: int) -> None:
    await owe(house, "长" * 3000, msgtype=msgtype)
    await house.until(lambda: sum(text.count("长") for text in said(house)) == 3000)

    assert all(len(text.encode()) <= limit for text in said(house))


async def test_a_card_is_sent_whole(house: House) -> None:
    card = {
        "card_type": "text_notice",
        "main_title": {"title": "到店预约"},
        "card_action": {"type": 1, "url": "https://x"},
    }
    message = {"msgtype": "template_card", "template_card": card}
    await house.runtime.writer.call(lambda work: webhook.owe_message(work, "alerts", message, good_for=HOUR))

    assert await house.until(lambda: said(house)) == ["到店预约"]


async def test_twenty_a_minute_are_sent_and_the_rest_waits(house: House) -> None:
    for number in range(23):
        await owe(house, f"第{number:02d}条")
    await house.until(lambda: len(said(house)) == 20)
    house.sandbox.clock.advance(61)
    house.runtime.clock.offset += timedelta(seconds=61)
    await house.until(lambda: len(said(house)) == 23)

    assert said(house) == sorted(said(house))
    calls = [entry for entry in house.sandbox.journal.entries if entry.get("path") == "webhook/send"]
    assert {entry["reply"]["errcode"] for entry in calls} == {0}


async def test_a_robot_that_says_too_often_is_left_alone_for_a_minute(house: House) -> None:
    await house.do("faults/next", {"path": "webhook/send", "fault": "rate"})
    await owe(house, "稍后再发")
    sql = "SELECT error FROM outbox WHERE call = 'webhook/send' AND status = 'pending' AND error IS NOT NULL"
    rows = await house.until(lambda: house.rows(sql))

    assert "45009" in rows[0][0]
    assert said(house) == []
    house.runtime.clock.offset += timedelta(seconds=61)
    await house.until(lambda: said(house))


async def test_a_removed_robot_makes_no_alert_of_itself_and_its_key_stays_secret(house: House) -> None:
    house.sandbox.world.robots[ALERTS]["stopped"] = True
    await owe(house, "没人听得到")
    rows = await house.until(lambda: house.rows("SELECT error FROM outbox WHERE status = 'dead'"))
    await look_and_sweep(house)

    assert ALERTS not in rows[0][0]
    assert house.rows("SELECT count(*) FROM timer WHERE name = 'webhook.alert'") == [(0,)]
    assert house.runtime.delivery.halted is None


async def test_a_dead_event_is_told_once(house: House) -> None:
    def fail(turn: Turn, event: Event) -> None:
        if event.kind == "TextReceived":
            raise RuntimeError("a bug")
        dispatch(turn, event)

    batch = house.runtime.writer._batch
    dispatch: Callable[[Turn, Event], None] = batch._dispatch
    batch._dispatch = fail
    event = TextReceived(key="wecom_app:msg:1", source="wecom_app", at=house.runtime.clock.now(), msg_id="1",
                         sender=Address("wecom_staff", "xiaomei"), text="帮助")  # fmt: skip
    await house.runtime.writer.accept(event)
    for _ in range(5):
        house.runtime.clock.offset += timedelta(minutes=2)
        await house.runtime.scheduler.sweep()
    for _ in range(3):
        await look_and_sweep(house)
    await house.until(lambda: said(house))

    assert len(said(house)) == 1
    assert "TextReceived" in said(house)[0]
    assert "1 个事件" in said(house)[0]


async def test_a_dead_call_is_told_once(house: House) -> None:
    house.runtime.delivery._senders["message/send"] = refuse
    await house.runtime.writer.call(lambda work: work.owe("message/send", {"touser": "x"}, subject="staff:x") and None)
    await house.until(lambda: house.rows("SELECT 1 FROM outbox WHERE status = 'dead'"))
    for _ in range(3):
        await look_and_sweep(house)
    await house.until(lambda: said(house))

    assert len(said(house)) == 1
    assert "message/send" in said(house)[0]


async def refuse(payload: dict[str, Any], row: Any) -> dict[str, Any]:
    """A call that WeCom refuses for good."""
    raise RequestRefused("message/send", "touser", "somebody")


async def test_a_used_up_budget_is_told_once(house: House) -> None:
    def spend(work: Work) -> None:
        template = CouponTemplate(
            id=work.ids.next(), name="满100减20券", kind="cash", value=2000, gift_sku="", threshold_fen=10_000,
            scope="all", scope_items="[]", stackable=0, liability_fen=2000, stock=0, budget_fen=5_000, per_member=0,
            per_day=0, valid_days=7, valid_from=None, valid_until=None, bearer="brand", give_back="full",
            remind_days=0, claimable=0, created_at=work.now,
        )  # fmt: skip
        shop.templates.add(work.db, template)
        stock.open_stock(work.db, f"budget:coupon:{template.id}", 5_000)
        stock.take(work.db, f"budget:coupon:{template.id}", 4_000)

    await house.runtime.writer.call(spend)
    for _ in range(3):
        await look_and_sweep(house)
    await house.until(lambda: said(house))

    assert len(said(house)) == 1
    assert "满100减20券" in said(house)[0]
    assert "50 元" in said(house)[0]


async def test_the_daily_summary_comes_once_in_the_morning(house: House) -> None:
    local_eight = datetime(2030, 1, 2, 0, 0, tzinfo=UTC)  # 08:00 in the shops
    house.runtime.clock.offset = local_eight - datetime.now(UTC)
    await house.runtime.scheduler.sweep()
    assert said(house, DAILY) == []
    house.runtime.clock.offset += timedelta(minutes=68)
    for _ in range(3):
        await house.runtime.scheduler.sweep()
    await house.until(lambda: any("01-01 日报" in text for text in said(house, DAILY)))

    assert sum("01-01 日报" in text for text in said(house, DAILY)) == 1
    assert "新会员：0 人" in said(house, DAILY)[-1]


async def test_the_numbers_are_those_of_the_day(database_url: str) -> None:
    from storage import digest

    async with start_shop(database_url) as selling:
        now = selling.bot.clock.now()
        await selling.pays("wm1", "O1", 12_345)
        await selling.pays("wm2", "O2", 55)
        since, until = day_before(now + timedelta(days=1))
        day = await selling.bot.writer.call(lambda work: digest.of(work.db, since, until))
        none = await selling.bot.writer.call(lambda work: digest.of(work.db, until, until + timedelta(days=1)))

    assert (day.members, day.orders, day.orders_fen, day.coupons, day.refunds) == (5, 2, 12_400, 0, 0)
    assert none == (0, 0, 0, 0, 0, 0)


def test_the_day_before_is_the_shops_own() -> None:
    night = datetime(2026, 11, 11, 17, 0, tzinfo=UTC)  # 01:00 of the 12th in the shops

    assert day_before(night) == (datetime(2026, 11, 10, 16, 0, tzinfo=UTC), datetime(2026, 11, 11, 16, 0, tzinfo=UTC))


@pytest.mark.parametrize(
    ("configured", "key"),
    [
        ("693a91f6-7xxx-4bc4", "693a91f6-7xxx-4bc4"), (f" {DAILY}\n", DAILY),
        ("https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=abc-123-def", "abc-123-def"), ("", None),
        ("https://example.com/", None), ("key with blanks", None),
    ],
)  # fmt: skip
def test_an_address_or_a_key_is_read(configured: str, key: str | None) -> None:
    assert webhook.key_of(configured) == key
    assert robots(Webhook.model_validate({"alerts": configured})).get("alerts") == key


@pytest.mark.parametrize(
    "message",
    [
        {}, {"msgtype": "text"}, {"msgtype": "text", "text": {"content": ""}}, {"msgtype": "file", "file": {}},
        {"msgtype": "markdown", "markdown": {"content": "好" * 1400}},
        {"msgtype": "template_card", "template_card": {"card_type": "button_interaction"}},
    ],
)  # fmt: skip
async def test_what_wecom_would_refuse_is_not_sent(message: dict[str, Any]) -> None:
    sender = webhook.WebhookSender({"alerts": ALERTS}, "http://127.0.0.1:9", Tokenless())
    with pytest.raises(RequestRefused):
        await sender.send({"robot": "alerts", "message": message}, None)  # type: ignore[arg-type]
    with pytest.raises(RequestRefused):
        await sender.send({"robot": "nobody", "message": message}, None)  # type: ignore[arg-type]


async def test_without_a_robot_nothing_is_watched_and_nothing_is_owed(database_url: str) -> None:
    async with standing(database_url, "") as house:
        await house.runtime.scheduler.sweep()

        assert house.runtime.doors.dailies.keys() == {"media/sweep"}
        assert house.runtime.doors._watch is None
        assert house.rows("SELECT count(*) FROM outbox WHERE call = 'webhook/send'") == [(0,)]
        async with house.session.get(f"http://127.0.0.1:{house.sandbox.aibot.caller.url.split(':')[2]}") as response:
            assert response.status == 404  # no door where none is configured
