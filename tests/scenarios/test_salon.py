"""会员沙龙: seats exact, the queue in order, reminders at their hour, what was paid given back."""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from bot.clock import Quiet
from bot.kf_events import KfEntered
from bot.order_events import AdminAsked
from scenarios.salon_rules import Admission, Guest, ics, refused, remind_at, reminders
from tests.conftest import NOON
from tests.shop import Shop, start_shop

SHANGHAI, NIGHT = ZoneInfo("Asia/Shanghai"), Quiet(time(21), time(9))
DAY, TWO_HOURS = 86_400, 7_200
TEA = {"title": "春茶品鉴🍵", "place": "徐汇店二楼", "seats": 1}


@pytest.fixture
async def mall(database_url: str) -> AsyncIterator[Shop]:
    """Members whom lina follows, and a play of salons."""
    async with start_shop(database_url, {"salon": {}, "points": {}, "coupons": {}, "purchase": {}}) as selling:
        yield selling


async def ask(mall: Shop, act: str, **body: Any) -> tuple[int, dict[str, Any]]:
    event = AdminAsked(key=f"api:{next(mall.bot.numbers)}", source="api", at=mall.bot.clock.now(), act=act, body=body)
    answer = json.loads(await mall.bot.writer.accept(event) or "")
    return answer["status"], answer["body"]


async def salon(mall: Shop, hours: float = 72, **more: Any) -> dict[str, Any]:
    """A salon that begins so many hours from now (noon in Shanghai)."""
    begins = mall.bot.clock.now() + timedelta(hours=hours)
    body = {**TEA, "starts_at": begins.isoformat(), "ends_at": (begins + timedelta(hours=2)).isoformat(), **more}
    status, made = await ask(mall, "salons", **body)
    assert status == 200, made
    return made


def states(mall: Shop) -> dict[str, str]:
    """Every seat's state by the contact."""
    rows = mall.bot.rows(
        "SELECT i.external_id, s.status FROM salon_seat s JOIN identity i ON i.member_id = s.member_id "
        "AND i.channel = 'wecom' ORDER BY i.external_id"
    )
    return {row[0]: row[1] for row in rows}


def token(answer: str) -> str:
    found = re.search(r"报名码：([0-9A-Z-]{19})", answer)
    assert found is not None, answer
    return found[1]


# -- rules ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("starts", "before", "expected"), [
    ("2026-12-03 15:00", DAY, "2026-12-02 15:00"),
    ("2026-12-03 15:00", TWO_HOURS, "2026-12-03 13:00"),
    ("2026-12-03 10:00", TWO_HOURS, "2026-12-03 09:00"),  # 08:00 is quiet: when the night is over
    ("2026-12-03 09:10", TWO_HOURS, "2026-12-02 20:30"),  # 09:00 would be too late: the evening before
    ("2026-12-03 08:00", DAY, "2026-12-02 09:00"),
    ("2026-12-03 22:30", TWO_HOURS, "2026-12-03 20:30"),
    ("2026-12-04 00:30", TWO_HOURS, "2026-12-03 20:30"),
])  # fmt: skip
def test_a_reminder_keeps_out_of_the_night(starts: str, before: int, expected: str) -> None:
    begins = datetime.fromisoformat(starts).replace(tzinfo=SHANGHAI)

    due = remind_at(begins.astimezone(UTC), timedelta(seconds=before), NIGHT, SHANGHAI)

    assert due is not None
    assert f"{due.astimezone(SHANGHAI):%Y-%m-%d %H:%M}" == expected


def test_reminders_that_are_past_or_meet_are_left_out() -> None:
    begins = datetime(2026, 12, 3, 1, 10, tzinfo=UTC)  # 09:10 in Shanghai

    planned = reminders(begins, [DAY, TWO_HOURS, 3_600], NIGHT, SHANGHAI, begins - timedelta(hours=20))

    assert [f"{due.astimezone(SHANGHAI):%d %H:%M}" for _, due in planned] == ["02 20:30"]


def test_the_hour_that_summer_time_skips_is_no_trouble() -> None:
    zone = ZoneInfo("America/New_York")
    begins = datetime(2027, 3, 14, 4, 0, tzinfo=zone).astimezone(UTC)

    due = remind_at(begins, timedelta(hours=2), None, zone)

    assert due == begins - timedelta(hours=2)


@pytest.mark.parametrize(("tier", "absences", "why"), [
    ("gold", 0, ""), ("", 0, "tier"), ("gold", 3, "absent"), ("gold", 2, ""),
])  # fmt: skip
def test_who_may_come(tier: str, absences: int, why: str) -> None:
    assert refused(Guest(tier, absences), Admission(("gold",), 3)) == why


def test_a_calendar_file_is_folded_between_characters_and_escaped() -> None:
    when = datetime(2026, 12, 3, 7, 0, tzinfo=UTC)
    body = ics("salon-1@x", "春茶,品鉴;🍵", "徐汇店" * 20, "第一行\n第二行", (when, when, when), 2, cancelled=False)

    lines = body.split(b"\r\n")
    assert max(map(len, lines)) <= 75
    assert "".join(line.decode() for line in lines)
    unfolded = body.replace(b"\r\n ", b"").decode()
    assert "SUMMARY:春茶\\,品鉴\\;🍵" in unfolded
    assert "DESCRIPTION:第一行\\n第二行" in unfolded
    assert "SEQUENCE:2" in unfolded
    assert "DTSTART:20261203T070000Z" in unfolded


# -- signing up -------------------------------------------------------------------------------------------------------


async def test_the_last_seat_goes_to_the_first_and_the_queue_moves_up_in_order(mall: Shop) -> None:
    made = await salon(mall)
    assert "还剩 1 席" in await mall.says("wm1", "沙龙")
    answer = await mall.says("wm1", "1")
    assert "报名成功" in answer
    assert token(await mall.says("wm1", "报名 S1")) == token(answer)  # the second tap
    assert "候补第 1 位" in await mall.says("wm2", "报名 s1")
    assert "候补第 2 位" in await mall.says("wm3", f"报名 {made['no']}")
    assert "已满，可排队" in await mall.says("wm4", "沙龙")

    assert "空出了一个座位" in await mall.says("wm1", "取消报名 S1")
    assert states(mall) == {"wm1": "cancelled", "wm2": "offered", "wm3": "waiting"}
    assert "候补第 2 位" in await mall.says("wm1", "报名 S1")  # anew, behind all others
    assert "报名成功" in await mall.says("wm2", "确认名额 S1")
    assert states(mall) == {"wm1": "waiting", "wm2": "confirmed", "wm3": "waiting"}


async def test_an_offer_that_nobody_takes_goes_on(mall: Shop) -> None:
    await salon(mall)
    for who in ("wm1", "wm2", "wm3"):
        await mall.says(who, "报名 S1")
    await mall.says("wm1", "取消报名 S1")
    await mall.passes(minutes=59)
    assert states(mall)["wm2"] == "offered"
    await mall.passes(minutes=2)
    assert states(mall) == {"wm1": "cancelled", "wm2": "lapsed", "wm3": "offered"}
    assert "候补第 1 位" in await mall.says("wm2", "确认名额 S1")  # too late: the end of the queue


async def test_at_night_nobody_is_asked_and_the_seat_is_not_given_to_a_newcomer(mall: Shop) -> None:
    await salon(mall)
    await mall.says("wm1", "报名 S1")
    await mall.says("wm2", "报名 S1")
    await mall.passes(hours=10)  # 22:00
    assert "空出" not in await mall.says("wm1", "取消报名 S1")
    assert "候补" in await mall.says("wm3", "报名 S1")
    assert states(mall) == {"wm1": "cancelled", "wm2": "waiting", "wm3": "waiting"}
    await mall.passes(hours=11)  # 09:00
    assert states(mall)["wm2"] == "offered"


async def test_a_seat_for_points_is_paid_and_given_back_in_time(mall: Shop) -> None:
    await ask(mall, "points", external_id="wm1", amount=500, reason="补发", by="小王")
    await salon(mall, points=300)
    assert "已用 300 积分" in await mall.says("wm1", "报名 S1")
    assert mall.bot.points("wm1") == 200
    assert "你有 0 积分" in await mall.says("wm2", "报名 S1")
    assert "退还" in await mall.says("wm1", "取消报名 S1")
    assert mall.bot.points("wm1") == 500
    await mall.says("wm1", "报名 S1")
    assert mall.bot.points("wm1") == 200
    await mall.passes(hours=71)
    assert "不再退还" in await mall.says("wm1", "取消报名 S1")
    assert mall.bot.points("wm1") == 200


async def test_a_ticket_is_held_paid_and_refunded(mall: Shop) -> None:
    await mall.product("TICKET", 9_900)
    await salon(mall, sku="TICKET")
    assert "票价 99 元" in await mall.says("wm1", "报名 S1")
    await mall.says("wm2", "报名 S1")
    await mall.passes(minutes=16)
    assert states(mall) == {"wm1": "lapsed", "wm2": "offered"}
    assert "票价 99 元" in await mall.says("wm2", "确认名额 S1")
    await mall.pays("wm2", "o1", 9_900, mall.checkout("wm2"))
    assert states(mall)["wm2"] == "confirmed"
    assert "退还" in await mall.says("wm2", "取消报名 S1")
    assert await mall.owed_refunds_happen() == 1
    assert states(mall)["wm2"] == "cancelled"
    assert "还剩 1 席" in await mall.says("wm3", "沙龙")


async def test_a_ticket_refunded_by_the_shop_frees_its_seat(mall: Shop) -> None:
    await mall.product("TICKET", 9_900)
    await salon(mall, sku="TICKET")
    await mall.says("wm1", "报名 S1")
    await mall.pays("wm1", "o1", 9_900, mall.checkout("wm1"))
    await mall.says("wm2", "报名 S1")
    await mall.refunds("o1", 9_900)
    assert states(mall) == {"wm1": "cancelled", "wm2": "offered"}


# -- times ------------------------------------------------------------------------------------------------------------


async def test_who_comes_is_reminded_a_day_and_two_hours_before_and_their_guide_gets_a_task(mall: Shop) -> None:
    await salon(mall, hours=51)  # 15:00 in Shanghai, two days on
    await mall.says("wm1", "报名 S1")
    await mall.says("wm2", "报名 S1")
    since = mall.one("SELECT max(id) FROM outbox")
    await mall.passes(hours=27)
    await mall.scheduler.sweep()
    assert mall.heard(since).count("快开始了") == 1  # wm1 alone: wm2 waits
    assert mall.one("SELECT count(*) FROM guide_task WHERE kind = 'salon' AND userid = 'lina'") == 1
    await mall.passes(hours=22)
    assert mall.heard(since).count("快开始了") == 2
    assert mall.bot.rows("SELECT status FROM timer WHERE name = 'salon_remind'") == [("fired",), ("fired",)]


async def test_a_reminder_later_than_its_salon_is_called_off(mall: Shop) -> None:
    await salon(mall, hours=51)
    await mall.says("wm1", "报名 S1")
    since = mall.one("SELECT max(id) FROM outbox")
    await mall.passes(hours=52)  # nothing ran for two days
    assert "快开始了" not in mall.heard(since)
    assert mall.bot.rows("SELECT DISTINCT status FROM timer WHERE name = 'salon_remind'") == [("cancelled",)]


async def test_a_change_is_told_and_moves_the_reminders(mall: Shop) -> None:
    made = await salon(mall, hours=51)
    await mall.says("wm1", "报名 S1")
    begins = mall.bot.clock.now() + timedelta(hours=75)
    status, body = await ask(
        mall, "salons/change", id=made["id"], starts_at=begins.isoformat(),
        ends_at=(begins + timedelta(hours=2)).isoformat(),
    )  # fmt: skip
    assert (status, body["version"]) == (200, 2)
    since = mall.one("SELECT max(id) FROM outbox")
    await mall.passes(minutes=1)
    assert "有变动" in mall.heard(since)
    await mall.passes(hours=50)
    assert "快开始了" not in mall.heard(since)
    await mall.passes(hours=1)
    assert "快开始了" in mall.heard(since)


async def test_more_seats_go_to_those_who_wait(mall: Shop) -> None:
    made = await salon(mall)
    for who in ("wm1", "wm2", "wm3"):
        await mall.says(who, "报名 S1")
    assert (await ask(mall, "salons/change", id=made["id"], seats=2))[0] == 200
    assert states(mall) == {"wm1": "confirmed", "wm2": "offered", "wm3": "waiting"}
    status, body = await ask(mall, "salons/change", id=made["id"], seats=1)
    assert (status, body["error"]["code"]) == (409, "wrong_state")


async def test_a_salon_called_off_gives_everything_back(mall: Shop) -> None:
    await ask(mall, "points", external_id="wm1", amount=500, reason="补发", by="小王")
    await ask(mall, "points", external_id="wm2", amount=500, reason="补发", by="小王")
    made = await salon(mall, points=300)
    await mall.says("wm1", "报名 S1")
    await mall.says("wm2", "报名 S1")
    since = mall.one("SELECT max(id) FROM outbox")
    assert (await ask(mall, "salons/cancel", id=made["id"], reason="台风"))[0] == 200
    await mall.passes(minutes=1)
    assert states(mall) == {"wm1": "cancelled", "wm2": "cancelled"}
    assert mall.heard(since).count("取消了") == 2
    assert (mall.bot.points("wm1"), mall.bot.points("wm2")) == (500, 500)
    assert (await ask(mall, "salons/cancel", id=made["id"]))[0] == 409
    assert "不能报名" in await mall.says("wm3", "报名 S1")


# -- the day itself ---------------------------------------------------------------------------------------------------


async def test_the_door_counts_each_once_and_the_end_thanks_who_came(mall: Shop) -> None:
    coupon = {"name": "沙龙礼券", "kind": "cash", "value": 1_000, "threshold_fen": 5_000, "valid_days": 30, "stock": 9}
    assert (await ask(mall, "coupon-templates", **coupon))[0] == 201
    made = await salon(mall, seats=4, coupon="沙龙礼券", survey="https://example.com/s")
    codes = {who: token(await mall.says(who, "报名 S1")) for who in ("wm1", "wm2", "wm3", "wm4")}
    assert "还没开始签到" in await mall.says("wm1", f"签到 {made['check_code']}")
    await mall.passes(hours=71)
    assert "签到成功" in await mall.says("wm1", f"签到 {made['check_code'].lower()}")
    assert "已经签到过" in await mall.says("wm1", f"签到 {made['check_code']}")
    assert "没有这个签到码" in await mall.says("wm1", "签到 0000-0000")
    assert "你没有" in await mall.says("wm5", f"签到 {made['check_code']}")
    assert "会员2 签到成功" in await mall.bot.says(f"沙龙签到 {codes['wm2']}")
    status, body = await ask(mall, "salons/check-in", token=codes["wm3"])
    assert (status, body["first"]) == (200, True)
    since = mall.one("SELECT max(id) FROM outbox")
    await mall.passes(hours=4)
    assert states(mall) == {"wm1": "attended", "wm2": "attended", "wm3": "attended", "wm4": "absent"}
    heard = mall.heard(since)
    assert heard.count("沙龙礼券") == 3
    assert heard.count("没有见到你") == 1
    assert mall.bot.count("coupon", "template = '沙龙礼券'") == 3
    assert mall.one("SELECT status FROM salon") == "done"


async def test_the_code_at_the_door_may_be_scanned(mall: Shop) -> None:
    made = await salon(mall)
    await mall.says("wm1", "报名 S1")
    await mall.passes(hours=71)
    await mall.bot.writer.accept(KfEntered(
        key="scan", source="wecom_kf", at=mall.bot.clock.now(), sender=None, open_kfid="wk1",
        external_userid="wm1", scene="door", scene_param=f"salon-{made['check_code']}",
    ))  # fmt: skip
    assert states(mall) == {"wm1": "attended"}


async def test_who_stays_away_too_often_waits_for_a_while(mall: Shop) -> None:
    for number in (1, 2):
        await salon(mall, hours=24, absences_most=2)
        assert "报名成功" in await mall.says("wm1", f"报名 S{number}")
        await mall.passes(hours=30)
    await salon(mall, absences_most=2)
    assert "暂时不能" in await mall.says("wm1", "报名 S3")
    await mall.passes(days=91)
    await salon(mall, absences_most=2)
    assert "报名成功" in await mall.says("wm1", "报名 S4")


# -- guides -----------------------------------------------------------------------------------------------------------


async def test_a_guide_signs_a_member_up_and_sees_who_comes(mall: Shop) -> None:
    await salon(mall)
    assert "0/1 人" in await mall.bot.says("沙龙安排")
    assert "会员1" in (answer := await mall.bot.says("报名 S1 会员1"))
    assert "报名成功" in answer
    assert "排进候补" in await mall.bot.says("报名 S1 会员2")
    assert "找到" in await mall.bot.says("报名 S1 会员")
    named = await mall.bot.says("沙龙名单 S1")
    assert "会员1｜已报名" in named
    assert "会员2｜候补中" in named
    assert mall.one("SELECT count(*) FROM salon_seat WHERE \"by\" = 'lina'") == 2


@pytest.mark.parametrize(("change", "field"), [
    ({"ends_at": NOON.isoformat()}, "ends_at"),
    ({"points": 5, "sku": "A"}, "sku"),
    ({"remind": [0]}, "remind"),
    ({"zone": "Mars/Phobos"}, "zone"),
    ({"seats": 0}, "seats"),
    ({"title": ""}, "title"),
    ({"survey": "http://plain"}, "survey"),
    ({"sku": "GONE"}, None),
    ({"coupon": "没有"}, None),
])  # fmt: skip
async def test_a_wrong_salon_is_refused_by_its_field(mall: Shop, change: dict[str, Any], field: str | None) -> None:
    begins = NOON + timedelta(hours=5)
    body = {**TEA, "starts_at": begins.isoformat(), "ends_at": (begins + timedelta(hours=2)).isoformat(), **change}
    status, answer = await ask(mall, "salons", **body)
    assert status == 422
    assert (answer["error"].get("field") or None) == field
