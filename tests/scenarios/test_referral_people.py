"""老带新: one person by two names, a person who looks, the QR code that carries a code."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest

from bot.errors import Action, WeComError
from bot.events import Event
from bot.turn import Work
from scenarios.referral import came_by_link, router
from storage import members
from tests.scenarios.referring import CONFIG, LADDER, ask, brought, code_of, parent, row_id, state
from tests.shop import Shop, start_shop

# -- one person, two accounts -----------------------------------------------------------------------------------------


async def test_a_pair_that_is_one_person_earns_nothing(club: Shop) -> None:
    await club.campaign("referral", **CONFIG)
    code = await code_of(club, "wm1")
    await club.pays("wm1", "old", 100, buyer={"external_userid": "wm1", "mobile_hash": "p1"})
    await brought(club, "second", code)

    await club.pays("second", "o1", 6_000, buyer={"external_userid": "second", "mobile_hash": "p1"})

    assert club.bot.rows("SELECT status, reason FROM referral") == [("rejected", "same_person")]
    await club.passes(days=8)
    assert club.bot.points("wm1") == 0


async def test_a_pair_found_out_after_it_was_paid_gives_all_back(club: Shop) -> None:
    await club.campaign("referral", days=90, **CONFIG)
    await brought(club, "second", await code_of(club, "wm1"))
    await club.pays("second", "o1", 6_000)
    await club.passes(days=8)
    assert club.bot.points("wm1") == 100

    await club.pays("second", "o2", 6_000, buyer={"external_userid": "second", "unionid": "u1"})
    await club.pays("wm1", "o3", 6_000, buyer={"external_userid": "wm1", "unionid": "u1"})

    assert club.bot.rows("SELECT status, reason FROM referral") == [("clawed_back", "same_person")]
    assert club.bot.points("wm1") == 0
    await club.passes(days=8)
    assert club.bot.rows("SELECT referrer_id FROM member WHERE referrer_id IS NOT NULL") == []


async def test_an_old_customer_by_another_name_is_not_new(club: Shop) -> None:
    await club.campaign("referral", **CONFIG)
    await club.pays("", "old", 100, buyer={"mobile_hash": "p9"})
    await club.passes(days=1)
    await brought(club, "again", await code_of(club, "wm1"))
    await club.pays("again", "o1", 6_000, buyer={"external_userid": "again", "mobile_hash": "p9"})

    assert club.bot.rows("SELECT status, reason FROM referral") == [("rejected", "not_new")]


async def test_an_order_under_another_name_counts_once_they_are_one(club: Shop) -> None:
    await club.campaign("referral", **CONFIG)
    await brought(club, "new1", await code_of(club, "wm1"))
    await club.bot.deliver()
    await club.passes(hours=1)
    await club.pays("", "o1", 6_000, buyer={"unionid": "u8"})
    assert state(club, "new1")[0] == "pending"

    club.bot.wecom.unionids["new1"] = "u8"
    await club.bot.joins("new1", "mei", state=None)
    await club.bot.deliver()
    await club.passes(seconds=1)

    assert state(club, "new1") == ("held", "")
    await club.passes(days=8)
    assert (club.bot.points("wm1"), club.bot.points("new1")) == (100, 50)


async def test_a_second_order_told_under_the_other_name_is_no_first_one(club: Shop) -> None:
    await club.campaign("referral", **CONFIG)
    await brought(club, "new1", await code_of(club, "wm1"))
    await club.passes(hours=1)
    await club.pays("", "o1", 6_000, buyer={"mobile_hash": "p8"})
    await club.pays("new1", "o2", 9_000, buyer={"external_userid": "new1", "mobile_hash": "p8"})
    assert state(club, "new1") == ("rejected", "bought")


async def test_the_people_of_two_names_count_together(club: Shop) -> None:
    await club.campaign("referral", days=90, **{**CONFIG, "ladder": LADDER})
    for by, who in (("wm1", "n1"), ("wm2", "n2")):
        await brought(club, who, await code_of(club, by))
        await club.pays(who, f"o-{who}", 6_000)
    await club.passes(days=8)
    assert (club.bot.points("wm1"), club.bot.points("wm2")) == (100, 100)
    code = await code_of(club, "wm2")

    await club.pays("wm1", "o1", 100, buyer={"external_userid": "wm1", "unionid": "u1"})
    await club.pays("wm2", "o2", 100, buyer={"external_userid": "wm2", "unionid": "u1"})
    await club.passes(seconds=1)

    assert club.bot.points("wm1") == 200 + 1_000
    assert parent(club, "n2") == "wm1" or parent(club, "n2") == "wm2"  # one member has both names
    assert await brought(club, "n3", code) == "pending"  # the old code works on


async def test_a_farm_of_second_accounts_earns_nothing(database_url: str) -> None:
    """Each buys for real; the phone of every order is the inviter's own, before it is paid or after."""
    async with start_shop(database_url, {"referral": {"velocity_per_hour": 10_000}}) as mall:
        await mall.campaign("referral", days=300, **{**CONFIG, "per_member_day": 0, "per_member_total": 0})
        code = await code_of(mall, "wm1")
        await mall.pays("wm1", "old", 100, buyer={"external_userid": "wm1", "mobile_hash": "mine"})
        for number in range(40):
            who, told = f"fake{number}", number % 2
            await brought(mall, who, code)
            buyer = {"external_userid": who, **({"mobile_hash": "mine"} if told else {})}
            await mall.pays(who, f"o{number}", 6_000, buyer=buyer)
        await mall.passes(days=8)
        assert mall.bot.points("wm1") == 20 * 100  # those of whom nothing was known
        for number in range(0, 40, 2):
            buyer = {"external_userid": f"fake{number}", "mobile_hash": "mine"}
            await mall.pays(f"fake{number}", f"again{number}", 100, buyer=buyer)
        assert mall.bot.points("wm1") == 0
        assert mall.bot.rows("SELECT DISTINCT reason FROM referral") == [("same_person",)]
        assert mall.bot.count("referral", "status = 'paid'") == 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkOpened(Event):
    """What a channel tells of somebody who came by a link with something appended."""

    external_userid: str
    scene_param: str


async def test_a_link_binds_as_a_qr_code_does(database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(router, "events_taken", [*router.events_taken, (LinkOpened, came_by_link)])
    async with start_shop(database_url, {"referral": {}}) as mall:
        await mall.campaign("referral", **CONFIG)
        code = await code_of(mall, "wm1")
        for place, param in enumerate([f"ref:{code}", "menu", f"ref:{code}"]):
            await mall.bot.writer.accept(LinkOpened(
                key=f"kf:{place}", source="kf", at=mall.bot.clock.now(), external_userid="new1", scene_param=param
            ))  # fmt: skip
        assert (state(mall, "new1"), parent(mall, "new1")) == (("pending", ""), "wm1")


# -- a person looks ---------------------------------------------------------------------------------------------------


async def test_too_many_in_an_hour_wait_for_a_person(club: Shop) -> None:
    await club.campaign("referral", days=90, **CONFIG)
    code = await code_of(club, "wm1")
    for number in range(7):
        await brought(club, f"n{number}", code)
        await club.pays(f"n{number}", f"o{number}", 6_000)
    await club.passes(days=8)
    assert [state(club, f"n{number}")[0] for number in range(7)] == ["paid"] * 5 + ["held"] * 2
    assert "核对中" in await club.says("wm1", "我的推荐")

    status, body = await ask(club, "referrals/approve", id=row_id(club, "n5"), by="小李")
    assert (status, body["status"], body["decided_by"]) == (200, "paid", "小李")
    assert (await ask(club, "referrals/approve", id=row_id(club, "n5"), by="小李"))[0] == 200
    status, body = await ask(club, "referrals/reject", id=row_id(club, "n6"), by="小李", reason="同一批号")
    assert (status, body["status"], body["reason"]) == (200, "rejected", "by_hand")
    assert club.bot.points("wm1") == 600

    assert (await ask(club, "referrals/reject", id=row_id(club, "n5")))[0] == 409
    assert (await ask(club, "referrals/approve", id=row_id(club, "n6")))[0] == 409
    assert (await ask(club, "referrals/approve", id=0))[0] == 404
    assert (await ask(club, "referrals/approve", id=1, colour="red"))[0] == 422
    acts = club.bot.rows("SELECT actor FROM audit_log WHERE action IN ('referral.approved', 'referral.rejected')")
    assert acts == [("小李",), ("小李",)]


async def test_what_is_approved_early_is_paid_in_time_and_not_after_a_refund(club: Shop) -> None:
    await club.campaign("referral", days=90, **CONFIG)
    code = await code_of(club, "wm1")
    for number in range(7):
        await brought(club, f"n{number}", code)
        await club.pays(f"n{number}", f"o{number}", 6_000)
    for who in ("n5", "n6"):
        assert (await ask(club, "referrals/approve", id=row_id(club, who), by="小李"))[1]["status"] == "approved"
    await club.refunds("o6", 6_000)
    await club.passes(days=8)
    assert (state(club, "n5")[0], state(club, "n6")) == ("paid", ("rejected", "refunded"))


async def test_the_same_picture_is_looked_at(club: Shop) -> None:
    await club.campaign("referral", days=90, **CONFIG)
    await brought(club, "new1", await code_of(club, "wm1"))
    ids = [club.one("SELECT member_id FROM identity WHERE external_id = :w", w=who) for who in ("wm1", "new1")]

    def paint(work: Work) -> None:
        for member_id in ids:
            person = members.find(work.db, member_id)
            assert person is not None
            members.set_profile(work.db, person, person.name, "https://wx/one.png", 0)

    await club.bot.writer.call(paint)
    await club.pays("new1", "o1", 6_000)
    await club.passes(days=8)
    assert state(club, "new1")[0] == "held"
    assert club.bot.rows("SELECT flags FROM referral") == [("avatar",)]


async def test_acts_of_a_play_that_is_off_are_not_there(database_url: str) -> None:
    async with start_shop(database_url) as mall:
        assert (await ask(mall, "referrals/approve", id=1))[0] == 404


async def test_a_campaign_without_goods_goes_through_the_linter(club: Shop) -> None:
    now = club.bot.clock.now()
    dates = {"starts_at": now.isoformat(), "ends_at": (now + timedelta(days=9)).isoformat()}
    body = {"kind": "referral", "name": "老带新", "made_by": "小王", **dates}
    status, made_one = await ask(club, "campaigns", config={**CONFIG, "total": 100}, **body)
    assert (status, made_one["worst_fen"]) == (201, 15_000)
    assert (await ask(club, "campaigns/publish", id=made_one["id"], by="小王"))[0] == 200
    endless = (await ask(club, "campaigns", config=CONFIG, **body))[1]
    assert endless["worst_fen"] == -1
    assert (await ask(club, "campaigns/publish", id=endless["id"], by="小王"))[1]["error"]["code"] == "second_person"
    for config, field in (
        ({**CONFIG, "levels": 3, "second": {"points": 1}}, "config.levels"),
        ({**CONFIG, "entry_fen": 100}, "config.entry_fen"),
        ({**CONFIG, "inviter": {"coupons": [{"template": "没有"}]}}, "config.inviter.coupons.0.template"),
        ({**CONFIG, "qualify": "contact"}, "config.qualify"),
    ):
        status, refused = await ask(club, "campaigns", config=config, **body)
        assert (status, refused["error"]["field"]) == (422, field)
        assert refused["error"]["message"]


# -- the QR code ------------------------------------------------------------------------------------------------------


async def test_a_qr_code_is_asked_for_once_and_kept(club: Shop) -> None:
    await club.campaign("referral", **CONFIG)
    club.bot.wecom.answers["externalcontact/add_contact_way"] = [{"config_id": "cfg1", "qr_code": "https://qr/1"}]
    code = await code_of(club, "wm1")
    await club.says("wm1", "我的邀请码")
    await club.bot.deliver()

    asked = club.bot.wecom.sent("externalcontact/add_contact_way")
    assert len(asked) == 1
    assert (asked[0]["type"], asked[0]["scene"], asked[0]["user"]) == (1, 2, ["lina"])
    assert len(asked[0]["state"].encode()) <= 30
    assert asked[0]["state"] == f"ref:{code}"
    assert "https://qr/1" in await club.says("wm1", "邀请")
    assert club.bot.rows("SELECT config_id, state FROM contact_way") == [("cfg1", f"ref:{code}")]
    await club.bot.deliver()
    assert len(club.bot.wecom.sent("externalcontact/add_contact_way")) == 1


async def test_without_a_licence_the_code_alone_works(club: Shop) -> None:
    await club.campaign("referral", **CONFIG)
    no_licence = WeComError(701008, "no licence", "externalcontact/add_contact_way", action=Action.DROP)
    club.bot.wecom.answers["externalcontact/add_contact_way"] = [no_licence]
    code = await code_of(club, "wm1")
    await club.bot.deliver()
    await code_of(club, "wm1")
    await club.bot.deliver()
    assert len(club.bot.wecom.sent("externalcontact/add_contact_way")) == 1  # not again today
    await club.bot.joins("new1")
    assert "邀请码填好了" in await club.says("new1", f"填邀请码 {code}")
    await club.passes(days=1, hours=1)
    await code_of(club, "wm1")
    await club.bot.deliver()
    assert len(club.bot.wecom.sent("externalcontact/add_contact_way")) == 2
