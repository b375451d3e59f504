"""现成的旅程: each ready-made journey from its beginning to its end, by a clock that runs, on both databases."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scenarios.journey_files import FOLDER
from scenarios.journey_steps import in_control
from tests.scenarios.test_journey import ask, born, member, notes, plays, runs, until
from tests.shop import Shop, start_shop

TASTING = {"name": "试饮券", "kind": "gift", "gift_sku": "A", "valid_days": 30, "stock": 50, "per_member": 9}
CASH = {"name": "满50减5券", "kind": "cash", "value": 500, "threshold_fen": 5_000, "valid_days": 10, "stock": 50,
        "claimable": True}  # fmt: skip
LEVELS = [{"name": "银卡", "at_least": 100_000}]
SELLING: dict[str, dict[str, Any]] = {
    "purchase": {}, "group_buy": {}, "bargain": {}, "salon": {}, "tier": {},
}  # fmt: skip


def with_(on: list[str], folder: Path | str = "") -> dict[str, dict[str, Any]]:
    return {**plays(on, folder), **SELLING}


def variant(folder: Path, name: str, **changes: str) -> None:
    """A ready-made journey with some of its lines written otherwise."""
    text = (FOLDER / f"{name}.toml").read_text(encoding="utf-8")
    for key, value in changes.items():
        line = f"{key} = {value}"
        found = re.search(rf"(?m)^{key} = .*$", text)
        text = text.replace(found[0], line, 1) if found else text.replace('title = "', f'{line}\ntitle = "', 1)
    (folder / f"{name}.toml").write_text(text, encoding="utf-8")


async def days(mall: Shop, count: float) -> str:
    """Days pass; what was said on them."""
    since = mall.one("SELECT coalesce(max(id), 0) FROM outbox")
    await until(mall, mall.bot.clock.now() + timedelta(days=count))
    return mall.heard(since)


# -- 首单到四单 ---------------------------------------------------------------------------------------------------


async def test_four_purchases_each_bring_the_next_offer_and_then_it_is_over(database_url: str) -> None:
    async with start_shop(database_url, with_(["first_four"])) as mall:
        await mall.product("A", 2_000)
        assert (await ask(mall, "coupon-templates", **TASTING))[0] == 201
        for number, says in enumerate(("第一次买的还喜欢吗", "第二单啦", "还差一单", "四单满了"), 1):
            await mall.pays("wm1", f"o{number}", 5_000)
            heard = await days(mall, 4)
            assert heard.count("会员1，") == 1, heard
            assert says in heard
        assert mall.bot.count("coupon", "template = '试饮券'") == 3
        assert mall.bot.points("wm1") >= 100
        await mall.pays("wm1", "o5", 5_000)
        assert "会员1，" not in await days(mall, 5)
        assert runs(mall, "first_four") == [("wm1", "done")] * 4


async def test_who_buys_on_goes_on_and_a_refunded_order_brings_no_second_gift(database_url: str) -> None:
    async with start_shop(database_url, with_(["first_four"])) as mall:
        await mall.product("A", 2_000)
        assert (await ask(mall, "coupon-templates", **TASTING))[0] == 201
        await mall.pays("wm1", "o1", 5_000)
        await mall.pays("wm1", "o2", 5_000)  # the same day: the first leg is over
        assert runs(mall, "first_four") == [("wm1", "left"), ("wm1", "running")]
        heard = await days(mall, 4)
        assert "第二单" in heard
        assert "第一次" not in heard
        await mall.refunds("o2", 5_000)
        await mall.pays("wm1", "o3", 5_000)  # the second that stands: they had its gift
        assert "会员1，" not in await days(mall, 5)
        assert mall.bot.count("coupon", "template = '试饮券'") == 1


async def test_without_its_coupon_nothing_is_praised(database_url: str) -> None:
    async with start_shop(database_url, with_(["first_four"])) as mall:
        await mall.pays("wm1", "o1", 5_000)
        assert "会员1，" not in await days(mall, 4)
        assert notes(mall, "wm1", "first_four") == [("branch", "on"), ("grant", "no_template"), ("send", "no_coupon")]


# -- 券快到期 -----------------------------------------------------------------------------------------------------


async def test_a_coupon_that_ends_is_spoken_of_once_unless_it_is_used(database_url: str) -> None:
    async with start_shop(database_url, with_(["coupon_ending"])) as mall:
        assert (await ask(mall, "coupon-templates", **CASH))[0] == 201
        await mall.says("wm1", "领券 1")
        await mall.says("wm2", "领券 1")
        assert "到期" not in await days(mall, 6)
        code = mall.one("SELECT code FROM coupon c JOIN identity i ON i.member_id = c.member_id "
                        "WHERE i.external_id = 'wm2'")  # fmt: skip
        assert "核销" in await mall.bot.says(f"核销 {code} 100") or mall.bot.count("coupon", "status = 'redeemed'")
        heard = await days(mall, 6)
        assert heard.count("会员1，你的「满50减5券」") == 1
        assert "会员2，你的" not in heard
        assert runs(mall, "coupon_ending") == [("wm1", "done")]


async def test_a_template_that_reminds_by_itself_is_left_to_it(database_url: str) -> None:
    async with start_shop(database_url, with_(["coupon_ending"])) as mall:
        assert (await ask(mall, "coupon-templates", **{**CASH, "remind_days": 2}))[0] == 201
        await mall.says("wm1", "领券 1")
        heard = await days(mall, 12)
        assert runs(mall, "coupon_ending") == []
        assert heard.count("满50减5券") == 1


async def test_those_to_compare_with_are_told_of_no_coupon_at_all(database_url: str, tmp_path: Path) -> None:
    variant(tmp_path, "coupon_ending", control="50")
    async with start_shop(database_url, with_(["coupon_ending"], tmp_path)) as mall:
        assert (await ask(mall, "coupon-templates", **CASH))[0] == 201
        for who in ("wm1", "wm2", "wm3", "wm4", "wm5"):
            await mall.says(who, "领券 1")
        heard = await days(mall, 11)
        states = [state for _, state in runs(mall, "coupon_ending")]
        assert len(states) == 5
        assert heard.count("到期，别忘了用") == states.count("done")
        assert states.count("control") == mall.bot.count("journey_run", "status = 'control'") > 0
        assert mall.bot.count("journey_note") == states.count("done")


# -- 等级快降 -----------------------------------------------------------------------------------------------------


async def test_who_is_about_to_fall_hears_it_again_a_week_after_the_notice(database_url: str) -> None:
    async with start_shop(database_url, with_(["tier_drop"])) as mall:
        rules = {"months": 6, "review_months": 6, "notice_days": 30, "grace_days": 0, "levels": LEVELS}
        assert (await ask(mall, "tiers", rules=rules, made_by="小王"))[0] == 200
        for who, order in (("wm1", "o1"), ("wm2", "o2")):
            await mall.pays(who, order, 120_000)
        heard = await days(mall, 162)
        assert heard.count("「银卡」将在 2027-05-11 复核，还差 1000 元") == 2
        assert heard.count("再有 1000 元，「银卡」就能保住，2027-05-11 复核") == 2
        assert runs(mall, "tier_drop") == [("wm1", "running"), ("wm2", "running")]
        await mall.pays("wm2", "o3", 120_000)
        await days(mall, 6)
        assert runs(mall, "tier_drop") == [("wm1", "done"), ("wm2", "left")]
        assert mall.bot.count("guide_task", "kind = 'journey'") == 1
        assert mall.one("SELECT why FROM journey_run WHERE status = 'left'") == "earned"


# -- 拼团、砍价催一催 ----------------------------------------------------------------------------------------------


async def test_a_team_that_lacks_people_is_nudged_and_a_full_one_is_not(database_url: str) -> None:
    async with start_shop(database_url, with_(["team_nudge"])) as mall:
        await mall.product("A", 10_000)
        await mall.campaign("group_buy", sku="A", size=3, price_fen=6_000, hours=8)
        for who, order in (("wm1", "o1"), ("wm2", "o2")):
            assert "团号" in await mall.says(who, "开团 1")
            await mall.pays(who, order, 6_000, mall.checkout(who))
        codes = [row[0] for row in mall.bot.rows("SELECT code FROM team ORDER BY id")]
        for who, order in (("wm3", "o3"), ("wm4", "o4")):
            await mall.says(who, f"参团 {codes[1]}")
            await mall.pays(who, order, 6_000, mall.checkout(who))
        await mall.says("wm5", f"参团 {codes[0]}")  # a seat that is not paid
        since = mall.one("SELECT max(id) FROM outbox")
        await mall.passes(hours=4)
        assert "还差" not in mall.heard(since)
        await mall.passes(hours=1, minutes=5)
        heard = mall.heard(since)
        assert heard.count(f"会员1，你的团 {codes[0]} 还差 2 人") == 1
        assert codes[1] not in heard
        assert runs(mall, "team_nudge") == [("wm1", "done")]
        await mall.passes(hours=9)
        assert len(runs(mall, "team_nudge")) == 1


@pytest.mark.parametrize(("changes", "told"), [
    ({"tell": '"leader"', "lacks_most": "0"}, ["wm1"]),
    ({"lacks_most": "0"}, ["wm1", "wm2"]),
    ({"lacks_most": "2"}, []),
    ({"guard": "{ orders_least = 9 }"}, []),
])  # fmt: skip
async def test_who_of_a_team_is_told(
    database_url: str, tmp_path: Path, changes: dict[str, str], told: list[str]
) -> None:
    variant(tmp_path, "team_nudge", **changes)
    async with start_shop(database_url, with_(["team_nudge"], tmp_path)) as mall:
        await mall.product("A", 10_000)
        await mall.campaign("group_buy", sku="A", size=5, price_fen=6_000, hours=8)
        await mall.says("wm1", "开团 1")
        await mall.pays("wm1", "o1", 6_000, mall.checkout("wm1"))
        await mall.says("wm2", f"参团 {mall.one('SELECT code FROM team')}")
        await mall.pays("wm2", "o2", 6_000, mall.checkout("wm2"))
        await mall.passes(hours=5, minutes=1)
        assert [who for who, _ in runs(mall, "team_nudge")] == told


async def test_a_nudge_of_the_night_that_comes_too_late_is_not_sent(database_url: str) -> None:
    async with start_shop(database_url, with_(["team_nudge"])) as mall:
        await mall.product("A", 10_000)
        await mall.campaign("group_buy", sku="A", size=3, price_fen=6_000, hours=13)  # noon to 01:00
        await mall.says("wm1", "开团 1")
        await mall.pays("wm1", "o1", 6_000, mall.checkout("wm1"))
        await mall.passes(hours=10, minutes=1)
        assert runs(mall, "team_nudge") == [("wm1", "running")]  # 22:01: the text waits for the morning
        await mall.passes(hours=12)
        assert runs(mall, "team_nudge") == [("wm1", "left")]
        assert notes(mall, "wm1", "team_nudge") == [("send", "quiet")]
        assert mall.one("SELECT why FROM journey_run") == "over"


async def test_an_open_bargain_is_nudged_and_one_at_its_floor_or_bought_is_not(database_url: str) -> None:
    async with start_shop(database_url, with_(["bargain_nudge"])) as mall:
        await mall.product("A", 10_000)
        await mall.campaign("bargain", sku="A", start_fen=10_000, floor_fen=1_000, cuts=2, hours=8)
        assert "砍价码" in await mall.says("wm1", "发起砍价 1")
        await mall.says("wm2", "发起砍价 1")
        codes = [row[0] for row in mall.bot.rows("SELECT code FROM bargain ORDER BY id")]
        await mall.says("wm3", f"帮砍 {codes[1]}")
        since = mall.one("SELECT max(id) FROM outbox")
        await mall.passes(hours=5, minutes=1)
        heard = mall.heard(since)
        assert f"会员1，你的砍价 {codes[0]} 现在" in heard
        assert "差 1 刀" in heard
        assert codes[1] not in heard
        assert runs(mall, "bargain_nudge") == [("wm1", "done")]


# -- 沙龙之后 -----------------------------------------------------------------------------------------------------


async def test_after_a_salon_the_salon_thanks_and_the_journey_follows_days_later(database_url: str) -> None:
    async with start_shop(database_url, with_(["post_salon"])) as mall:
        await mall.product("A", 2_000)
        assert (await ask(mall, "coupon-templates", **{**TASTING, "name": "沙龙回礼券"}))[0] == 201
        begins = mall.bot.clock.now() + timedelta(hours=24)
        body = {"title": "春茶品鉴🍵", "place": "徐汇店", "seats": 3, "starts_at": begins.isoformat(),
                "ends_at": (begins + timedelta(hours=2)).isoformat()}  # fmt: skip
        assert (await ask(mall, "salons", **body))[0] == 200
        for who in ("wm1", "wm2", "wm3"):
            await mall.says(who, "报名 S1")
        await mall.passes(hours=24, minutes=10)
        for who in ("wm1", "wm2"):
            token = mall.one("SELECT token FROM salon_seat s JOIN identity i ON i.member_id = s.member_id "
                             "WHERE i.external_id = :who", who=who)  # fmt: skip
            assert (await ask(mall, "salons/check-in", token=token))[0] == 200
        since = mall.one("SELECT max(id) FROM outbox")
        await mall.passes(hours=3)
        assert runs(mall, "post_salon") == [("wm1", "running"), ("wm2", "running")]  # who stayed away is not in it
        assert "喜欢的那一款" not in mall.heard(since)
        heard = await days(mall, 4)
        assert heard.count("「春茶品鉴🍵」上喜欢的那一款还记得吗？送你一张「沙龙回礼券」") == 2
        await mall.pays("wm2", "o2", 5_000)
        await days(mall, 12)
        assert runs(mall, "post_salon") == [("wm1", "done"), ("wm2", "left")]
        assert mall.bot.count("guide_task", "kind = 'journey'") == 1


# -- 农历生日 -----------------------------------------------------------------------------------------------------


async def test_a_birthday_by_the_moon_is_kept_by_the_moon(database_url: str) -> None:
    async with start_shop(database_url, with_(["birthday"])) as mall:
        await born(mall, "wm1", "L10-06")  # 2026-11-14
        await born(mall, "wm2", "LL10-06")  # of a leap month: no such month this year
        await born(mall, "wm3", "10-06")
        await until(mall, datetime(2026, 11, 14, 1, 0, tzinfo=UTC))
        assert [mall.bot.points(who) for who in ("wm1", "wm2", "wm3")] == [0, 0, 0]
        await until(mall, datetime(2026, 11, 14, 2, 0, tzinfo=UTC))
        assert [mall.bot.points(who) for who in ("wm1", "wm2", "wm3")] == [88, 88, 0]


# -- what programs ask -------------------------------------------------------------------------------------------


async def test_a_pause_of_many_goes_on_window_by_window(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scenarios.journey.AT_ONCE", 2)
    async with start_shop(database_url, with_(["nurture"])) as mall:
        assert (await ask(mall, "journeys/pause", name="nurture"))[0] == 200
        await days(mall, 4)
        assert (await ask(mall, "journeys/resume", name="nurture"))[0] == 200
        for _ in range(4):
            await mall.passes(seconds=1)
        assert mall.heard().count("第一次下单有立减") == 5
        assert member(mall, "wm1")


def test_control_differs_by_journey() -> None:
    from scenarios.journey_files import load

    [one] = [made.model_copy(update={"control": 50}) for made in load(["team_nudge"], "")]
    drawn = [in_control(one, member_id, f"team:{member_id}") for member_id in range(400)]
    assert 140 < sum(drawn) < 260
