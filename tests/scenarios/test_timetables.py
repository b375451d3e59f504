"""活动时刻表: sessions made ahead once each, begun and ended at their moments, by the clocks of the zone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from bot.events import TimerDue
from scenarios.timetables import Times, sessions, wrong
from tests.office import Office, office_of
from tests.shop import Shop, start_shop

EVENING: dict[str, Any] = {
    "kind": "flash_sale", "name": "晚场秒杀🔥", "weekdays": [3, 4], "times": ["20:00"], "minutes": 60,
    "first": "2026-11-11", "last": "2026-11-30",
    "items": [{"sku": "A", "price_fen": 6_000, "total": 2}, {"sku": "B", "price_fen": 9_000, "total": 5}],
}  # fmt: skip


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[tuple[Office, Shop]]:
    """A shop with two products; it is noon of a Wednesday."""
    async with start_shop(database_url, {"purchase": {}, "flash_sale": {}, "approvals": {}}) as mall:
        await mall.product("A", 10_000, 50)
        await mall.product("B", 12_000, 50)
        async with office_of(mall.bot) as api:
            yield api, mall


def of(**more: Any) -> Times:
    given = {key: value for key, value in EVENING.items() if key not in ("kind", "name", "items")}
    return Times(**{**given, **more})


@pytest.mark.parametrize(("zone", "day", "starts"), [
    ("Asia/Shanghai", date(2026, 11, 11), ["2026-11-11T12:00"]),
    ("America/New_York", date(2026, 3, 8), ["2026-03-08T06:30", "2026-03-08T07:30"]),  # 02:30 is not there: 03:30
    ("America/New_York", date(2026, 11, 1), ["2026-11-01T05:30", "2026-11-01T07:30"]),  # 01:30 twice: the first
    ("Australia/Lord_Howe", date(2026, 10, 4), ["2026-10-03T15:00", "2026-10-03T15:30"]),
])  # fmt: skip
def test_sessions_follow_the_clocks_of_the_zone(zone: str, day: date, starts: list[str]) -> None:
    hours = ["20:00"] if zone.startswith("Asia") else ["01:30", "02:30"]
    times = of(weekdays=[], dates=[day], times=hours, first=day, last=day, zone=zone, minutes=10)
    found = sessions(times, datetime(2026, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))

    assert [f"{start:%Y-%m-%dT%H:%M}" for start, _ in found] == starts


def test_a_window_parts_the_sessions_and_loses_none() -> None:
    times, begin = of(weekdays=[1, 3, 5], times=["00:10", "23:40"], minutes=20), datetime(2026, 11, 1, tzinfo=UTC)
    days = [sessions(times, begin + timedelta(days=n), begin + timedelta(days=n + 1)) for n in range(40)]

    assert [one for day in days for one in day] == sessions(times, begin, begin + timedelta(days=40))
    assert len(sessions(times, begin, begin + timedelta(days=40))) == 2 * 9


@pytest.mark.parametrize(("field", "more"), [
    ("zone", {"zone": "Mars"}), ("weekdays", {"dates": ["2026-11-12"]}), ("weekdays", {"weekdays": []}),
    ("last", {"last": "2026-11-10"}), ("last", {"last": "2028-11-10"}), ("times", {"times": ["20:00", "20:00"]}),
    ("times", {"times": ["20:00:30"]}), ("minutes", {"times": ["20:00", "20:30"]}),
    ("minutes", {"times": ["00:10", "23:30"]}), ("", {}), ("", {"times": ["23:30", "00:30"]}),
])  # fmt: skip
def test_hours_that_cannot_be_kept(field: str, more: dict[str, Any]) -> None:
    assert wrong(of(**more))[0] == field


async def test_sessions_are_announced_sold_and_ended_at_their_moments(office: tuple[Office, Shop]) -> None:
    api, mall = office
    status, made = await api.post("timetables", EVENING)
    assert (status, made["sessions"]) == (201, 6), made
    assert "没有秒杀" in await mall.says("wm1", "秒杀")
    number = made["id"]
    assert (await api.post(f"timetables/{number}/publish"))[0] == 200
    assert (await api.post(f"timetables/{number}/publish"))[0] == 200  # the second click
    said = await mall.says("wm1", "秒杀")
    assert "接下来：\n11-11 20:00 晚场秒杀🔥·商品A：60 元，限 2 件" in said
    assert said.count("晚场秒杀🔥") == 4  # today and tomorrow, two products
    assert "没有" in await mall.says("wm1", "抢 1")  # not yet
    await mall.passes(hours=8, minutes=1)
    said = await mall.says("wm1", "秒杀")
    assert "1. 晚场秒杀🔥·商品A：60 元，还剩 2 件" in said
    assert "11-12 20:00" in said
    assert "60 元" in await mall.says("wm1", "抢 1")
    await mall.pays("wm1", "o1", 6_000, mall.checkout("wm1"))
    await mall.passes(hours=1)
    assert "正在进行的秒杀\n" not in await mall.says("wm2", "秒杀")
    _, shown = await api.get(f"timetables/{number}")
    assert shown["numbers"] == {"over": 2, "planned": 2}
    first = [one for one in shown["sessions"] if one["status"] == "over" and one["place"] == 0]
    assert [(one["taken"], one["reserved"]) for one in first] == [(1, 0)]
    for _ in range(21):
        await mall.passes(days=1)
    _, shown = await api.get(f"timetables/{number}")
    assert sum(shown["numbers"].values()) == 12
    assert set(shown["numbers"]) <= {"over", "skipped"}  # a day's hop passes over a whole session


async def test_each_session_is_made_once_however_often_the_day_begins(office: tuple[Office, Shop]) -> None:
    api, mall = office
    number = (await api.post("timetables", EVENING))[1]["id"]
    await api.post(f"timetables/{number}/publish")
    for place in range(3):
        await mall.bot.writer.accept(TimerDue(key=f"timer:x{place}", source="timer", at=mall.bot.clock.now(),
                                              timer_id=place, name="timetable_day", payload={}))  # fmt: skip
    assert mall.bot.count("timetable_session") == mall.bot.count("campaign") == 4
    await mall.passes(hours=8)
    assert mall.bot.count("campaign", "status = 'published'") == 2
    await mall.passes(seconds=1)
    assert mall.bot.count("audit_log", "action = 'campaign.published'") == 2


async def test_a_pause_passes_over_sessions_and_an_end_stops_them(office: tuple[Office, Shop]) -> None:
    api, mall = office
    number = (await api.post("timetables", EVENING))[1]["id"]
    await api.post(f"timetables/{number}/publish")
    assert (await api.post(f"timetables/{number}/pause"))[0] == 200
    await mall.passes(hours=8, minutes=1)
    assert mall.bot.count("timetable_session", "status = 'skipped' AND why = 'paused'") == 2
    assert (await api.post(f"timetables/{number}/publish"))[0] == 200
    await mall.passes(hours=24)
    assert mall.bot.count("campaign", "status = 'published'") == 2
    assert (await api.post(f"timetables/{number}/end"))[0] == 200
    assert mall.bot.count("campaign", "status <> 'ended'") == 0
    assert (await api.post(f"timetables/{number}/publish"))[0] == 409


async def test_what_went_off_the_shelf_is_not_sold(office: tuple[Office, Shop]) -> None:
    api, mall = office
    number = (await api.post("timetables", EVENING))[1]["id"]
    await api.post(f"timetables/{number}/publish")
    assert (await api.post("products/B", {"status": "off"}))[0] in (200, 422)
    with mall.bot.database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE product SET status = 'off' WHERE sku = 'B'")
    await mall.passes(hours=8, minutes=1)
    assert mall.bot.rows("SELECT why, status FROM timetable_session ORDER BY starts_at, place")[:2] == [
        ("", "open"), ("off_shelf", "skipped"),
    ]  # fmt: skip


async def test_dear_timetables_need_a_second_person(office: tuple[Office, Shop]) -> None:
    api, mall = office
    dear = {**EVENING, "items": [{"sku": "A", "price_fen": 1_000, "total": 50}], "made_by": "wang"}
    status, made = await api.post("timetables", dear)
    assert status == 201, made
    assert made["worst_fen"] == 9_000 * 50 * 6
    status, body = await api.post(f"timetables/{made['id']}/publish", {"by": "wang"})
    assert (status, body["error"]["code"]) == (409, "second_person")
    assert (await api.post(f"timetables/{made['id']}/publish", {"by": "chen"}))[0] == 200
    assert mall.one("SELECT approved_by FROM timetable") == "chen"


@pytest.mark.parametrize(("more", "field", "why"), [
    ({"minutes": 1500}, "minutes", ""), ({"times": ["20:00", "20:30"]}, "minutes", "碰到一起"),
    ({"weekdays": []}, "weekdays", "只填一个"), ({"kind": "group_buy"}, "kind", "flash_sale"),
    ({"items": [{"sku": "X", "price_fen": 1, "total": 1}]}, "items.0.sku", ""),
    ({"items": [{"sku": "A", "price_fen": 60, "total": 1}]}, "items.0.price_fen", "分"),
    ({"items": [{"sku": "A", "price_fen": 6_000, "total": 99}]}, "items.0.total", ""),
    ({"first": "2026-11-13", "last": "2026-11-14"}, "last", "一场也没有"),
    ({"zone": "Mars"}, "zone", "Asia/Shanghai"), ({"colour": 1}, "colour", ""),
])  # fmt: skip
async def test_what_is_wrong_is_said_by_its_field(
    office: tuple[Office, Shop], more: dict[str, Any], field: str, why: str
) -> None:
    api, mall = office
    status, body = await api.post("timetables", {**EVENING, **more})
    assert (status, body["error"]["field"]) == (422, field), body
    assert why in body["error"]["message"]
    assert mall.bot.count("timetable") == 0
