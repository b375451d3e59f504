"""社群内容排期: a guide gets what to post at its time, once; done and forgotten are told apart."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.scheduler import Scheduler
from scenarios import posts
from tests.handlers.test_group_assets import known_group
from tests.office import Office, office_of
from tests.shop import Shop, start_shop

MORNING: dict[str, Any] = {
    "name": "早安🌞", "text": "早安，$group！$guide 今天泡的是龙井🍵", "link": "https://example.com/tea",
    "weekdays": [3, 4],
    "times": ["14:00"], "minutes": 120, "first": "2026-11-11", "last": "2026-11-12", "userids": ["lina"],
}  # fmt: skip


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[tuple[Office, Shop]]:
    """Noon of a Wednesday; lina and wang are guides."""
    async with start_shop(database_url, {"tasks": {"morning": False}, "posts": {}}) as mall:
        mall.scheduler = Scheduler(mall.bot.writer, mall.bot.clock, dailies=posts.router.dailies)
        await mall.bot.employs("lina", "guide")
        await mall.bot.employs("wang", "guide")
        async with office_of(mall.bot) as api:
            yield api, mall


async def passes(mall: Shop, **time: float) -> str:
    since = mall.one("SELECT coalesce(max(id), 0) FROM outbox")
    await mall.passes(**time)
    return mall.heard(since)


async def test_at_its_time_a_guide_gets_the_text_and_says_that_it_is_posted(office: tuple[Office, Shop]) -> None:
    api, mall = office
    status, made = await api.post("posts", MORNING)
    assert (status, made["times"]) == (200, 2), made
    assert "龙井" not in await passes(mall, hours=1, minutes=59)
    heard = await passes(mall, minutes=2)
    assert heard.count("早安，你的群！lina 今天泡的是龙井🍵\nhttps://example.com/tea") == 1
    assert "11-11 16:00 之前" in heard
    number = mall.one("SELECT id FROM guide_task WHERE kind = 'post'")
    assert "没有这一条" in await mall.bot.says(f"已发 #{number}", "wang")
    assert "在「你的群」发「早安🌞」" in await mall.bot.says("今日任务", "lina")
    assert "记下了" in await mall.bot.says(f"已发 #{number}", "lina")
    assert "已经记过了" in await mall.bot.says(f"已发 #{number}", "lina")
    await mall.passes(hours=24)
    await mall.passes(hours=3)
    _, shown = await api.get(f"posts/{made['id']}")
    assert shown["numbers"] == {"open": 0, "done": 1, "forgotten": 1}
    assert [one["status"] for one in shown["postings"]] == ["forgotten", "done"]
    assert "时间过了" in await mall.bot.says(f"已发 #{shown['postings'][0]['id']}", "lina")
    await mall.passes(days=7)
    assert mall.bot.count("guide_task", "kind = 'post'") == 2


async def test_each_groups_owner_posts_in_it(office: tuple[Office, Shop]) -> None:
    api, mall = office
    await known_group(mall.bot)
    chat = mall.bot.rows("SELECT chat_id, owner, name FROM group_chat")[0]
    body = {**MORNING, "userids": ["wang"], "chat_ids": [chat[0]]}
    assert (await api.post("posts", body))[0] == 200
    await mall.passes(hours=2, minutes=1)
    tasks = mall.bot.rows("SELECT userid, text FROM guide_task WHERE kind = 'post'")
    assert sorted(userid for userid, _ in tasks) == sorted([chat[1], "wang"])
    assert any(chat[2] in text for _, text in tasks) or not chat[2]


async def test_a_pause_gives_nothing_out_and_a_day_that_was_slept_through_is_not_made_up(
    office: tuple[Office, Shop],
) -> None:
    api, mall = office
    number = (await api.post("posts", MORNING))[1]["id"]
    assert (await api.post(f"posts/{number}/pause"))[0] == 200
    await mall.passes(hours=3)
    assert (await api.post(f"posts/{number}/resume"))[0] == 200
    assert mall.bot.count("guide_task", "kind = 'post'") == 0
    await mall.passes(days=2)  # the bot was down over the whole of the second
    assert mall.bot.count("guide_task", "kind = 'post'") == 0
    assert (await api.post(f"posts/{number}/stop"))[0] == 200
    assert (await api.post(f"posts/{number}/resume"))[0] == 409
    assert json.loads(mall.one("SELECT userids FROM post")) == ["lina"]


@pytest.mark.parametrize(("more", "why"), [
    ({"userids": []}, "至少填一个"), ({"text": "$price"}, "能填的只有 $group"),
    ({"chat_ids": ["wrX"]}, "没有客户群 wrX"),
    ({"text": "好" * 600}, "最多 1500 字节"), ({"weekdays": [6]}, "一场也没有"), ({"times": []}, ""),
    ({"link": "javascript:x"}, ""), ({"minutes": 1}, ""), ({"dates": ["2026-11-12"]}, "只填一个"),
])  # fmt: skip
async def test_what_is_wrong_is_said(office: tuple[Office, Shop], more: dict[str, Any], why: str) -> None:
    api, mall = office
    status, body = await api.post("posts", {**MORNING, **more})
    assert status == 422, body
    assert why in body["error"]["message"]
    assert mall.bot.count("post") == 0
