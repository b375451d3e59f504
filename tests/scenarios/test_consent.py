"""退订与订阅: a word stops marketing within its own event, wherever it is said, and brings it back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.channels.onebot_translate import Ear
from bot.events import ContactDeleted
from bot.order_events import AdminAsked
from bot.turn import Turn, Work
from scenarios import outreach
from scenarios.consent import meant
from storage import kf
from tests.community import GROUP_PLAYS, Community
from tests.fakes import Bot
from tests.kf import Desk, start_desk
from tests.shop import start_shop

PLAYS: dict[str, dict[str, Any]] = {"consent": {}}


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    """A shop with nothing but this play."""
    async with start_desk(database_url, PLAYS) as running:
        yield running


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("退订", "out"), ("td", "out"), ("ＴＤ", "out"), ("退订。", "out"), (" T D！", "out"), ("【退订】", "out"),
        ("恢复订阅~", "in"), ("订阅", "in"), ("怎么退订", ""), ("退订会员", ""), ("", ""), ("T", ""),
    ],
)  # fmt: skip
def test_a_word_alone_is_meant_whatever_is_around_it(text: str, state: str) -> None:
    assert meant(text) == state


async def reached(bot: Bot, member_id: int, userid: str = "") -> str:
    """Why a member may not be reached now; "" when they are."""

    def ask(work: Work) -> str:
        event = ContactDeleted(key="t", source="t", at=work.now, sender=None, userid="", external_userid="")
        turn = Turn(work.db, work.ids, work.now, "t", work.texts, work.chance, event, {})
        stopped = outreach.may_reach(turn, member_id, "test", userid=userid)
        return stopped.reason if stopped else ""

    return await bot.writer.call(ask)


def of(bot: Bot, name: str) -> int:
    return int(bot.rows("SELECT member_id FROM identity WHERE external_id = :name", name=name)[0][0])


async def test_a_word_stops_marketing_and_another_brings_it_back(desk: Desk) -> None:
    (out,) = await desk.hears("wm1", "ＴＤ。")
    assert out.startswith("已退订")
    assert await reached(desk.bot, of(desk.bot, "wm1")) == "opted_out"
    (again,) = await desk.hears("wm1", "退订")
    assert again.startswith("你已经退订")
    (back,) = await desk.hears("wm1", "恢复订阅")
    assert "1 天最多 1 条" in back
    assert [await reached(desk.bot, of(desk.bot, "wm1")) for _ in range(2)] == ["", "capped"]
    rows = desk.bot.rows("SELECT state, made_by, channel, text_version FROM consent_act ORDER BY id")
    assert [tuple(row) for row in rows] == [
        ("out", "member", "kf", ""),
        ("in", "member", "kf", "prompts/consent/out.md"),
    ]


async def test_a_word_written_to_a_person_counts_and_the_bot_stays_silent(desk: Desk) -> None:
    await desk.hears("wm1", "你好")
    desk.kf.happens("session_status_change", external_userid="wm1", change_type=1, new_servicer_userid="lina")
    await desk.settles()
    assert desk.session("wm1").state == kf.HUMAN
    assert await desk.hears("wm1", "退订！") == []
    assert await reached(desk.bot, of(desk.bot, "wm1")) == "opted_out"


async def test_who_removed_every_guide_is_reached_by_nobody(desk: Desk) -> None:
    who = of(desk.bot, "wm1")
    await desk.bot.joins("wm1", "wang")
    await desk.bot.leaves("wm1", "lina")
    assert [await reached(desk.bot, who, "lina"), await reached(desk.bot, who, "wang")] == ["left", ""]
    await desk.bot.deletes("wm1", "wang")
    assert await reached(desk.bot, who) == "left"
    await desk.bot.joins("wm2")
    await desk.bot.deletes("wm2")  # the guide's doing is no word of the member
    assert await reached(desk.bot, of(desk.bot, "wm2")) == ""


@pytest.mark.parametrize("at", [True, False])
async def test_in_a_community_group_the_word_counts_and_is_answered_in_private(database_url: str, at: bool) -> None:
    async with start_shop(database_url, {"consent": {}, **GROUP_PLAYS}) as shop:
        group = Community(shop)
        (answer,) = await group.says(888, "退订", at=at, ear=Ear(at_required=at))
        assert (answer["user_id"], answer["text"][:3]) == ("888", "已退订")
        assert await reached(shop.bot, group.member(888)) == "opted_out"


@pytest.mark.parametrize(("who", "status", "changed"), [("known", 200, True), ("nobody", 404, None)])
async def test_staff_enter_what_was_said_elsewhere(desk: Desk, who: str, status: int, changed: bool | None) -> None:
    body = {"id": of(desk.bot, "wm1") if who == "known" else 9, "state": "out", "channel": "phone", "by": "boss"}
    event = AdminAsked(key="api:1", source="api", at=desk.bot.clock.now(), act="members/consent", body=body)
    answer = json.loads(await desk.bot.writer.accept(event) or "")
    assert (answer["status"], answer["body"].get("changed")) == (status, changed)
