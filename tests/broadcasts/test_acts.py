"""群发: what a draft may say, who approves it, what is shown of it, and what staff say in the app's chat."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from bot.sections import Broadcasts
from tests.broadcasts.office import QUICK, Office, opened
from tests.files import sqlite_in
from tests.office import office_of

STRICT = Broadcasts(poll_s=1.0, approve_above=1)


@pytest.fixture
def file_url(tmp_path: Path) -> str:
    """A database file as `migrate` makes it; what is tried here does not hang on which database it is."""
    return sqlite_in(tmp_path)


@pytest.fixture
async def office(file_url: str) -> AsyncIterator[Office]:
    """A bot and the sandbox."""
    async with opened(file_url, QUICK) as running:
        yield running


async def test_what_a_channel_cannot_do_is_refused_by_its_field(office: Office) -> None:
    link = {"msgtype": "link", "link": {"title": "会员日", "url": "https://shop.example/a"}}
    cases: list[tuple[str, dict[str, Any]]] = [
        ("channel", {"channel": "sms"}),
        ("text", {"text": "", "attachments": []}),
        ("text", {"text": "好" * 1334}),
        ("text", {"text": "$name 你好"}),
        ("text", {"text": "$nmae 你好", "channel": "kf"}),
        ("text", {"text": "只要 $ 9"}),
        ("text", {"text": "好" * 683, "channel": "kf"}),
        ("attachments", {"channel": "kf", "attachments": [link]}),
        ("attachments.0.image.media_id", {"attachments": [{"msgtype": "image", "image": {}}]}),
        ("attachments.0.link", {"attachments": [{"msgtype": "link", "image": {"pic_url": "https://a/b"}}]}),
        ("attachments.0.link.url", {"attachments": [{"msgtype": "link", "link": {"title": "a", "url": "ftp://b"}}]}),
        ("attachments", {"attachments": [link] * 10}),
        ("senders", {"channel": "app", "senders": ["lina"]}),
        ("segment_id", {"segment_id": 99}),
        ("rule", {"segment_id": 1, "rule": {}}),
        ("rule.colour", {"rule": {"colour": "red"}}),
        ("chat_ids", {"chat_ids": ["wr1"]}),
        ("chat_ids", {"channel": "group", "chat_ids": ["wr1"]}),
        ("coupon", {"channel": "group", "coupon": "券"}),
        ("coupon", {"coupon": "没有的券"}),
        ("scheduled_at", {"scheduled_at": "2026-11-11T10:00:00+08:00"}),
        ("scheduled_at", {"scheduled_at": "2026-12-11T10:00:00"}),
        ("scheduled_at", {"scheduled_at": "2027-12-11T10:00:00+08:00"}),
        ("text", {"text": "转发到朋友圈领券"}),
    ]
    for field, body in cases:
        told = await office.asks("broadcasts", **{"name": "双11", "channel": "contact", "text": "你好", **body})
        assert (told["status_code"], told["error"]["field"]) == (422, field), (body, told)
    assert office.bot.count("broadcast") == 0


async def test_a_draft_is_rewritten_until_it_is_approved(office: Office) -> None:
    await office.customers(1)
    broadcast_id = await office.composed()
    told = await office.asks("broadcasts/change", id=broadcast_id, name="双12", channel="contact", text="改了")
    assert told["bytes"] == 6
    await office.asks("broadcasts/approve", id=broadcast_id)
    again = await office.asks("broadcasts/change", id=broadcast_id, name="双12", channel="contact", text="再改")
    assert again["status_code"] == 409
    assert (await office.asks("broadcasts/approve", id=broadcast_id))["status"] == "approved"
    assert (await office.asks("broadcasts/approve", id=7_777))["status_code"] == 404


async def test_a_large_audience_is_approved_by_somebody_else(file_url: str) -> None:
    async with opened(file_url, STRICT) as office:
        await office.customers(2)
        broadcast_id = await office.composed(made_by="lina")
        told = await office.asks("broadcasts/approve", id=broadcast_id, by="Lina ")
        assert (told["status_code"], told["error"]["code"]) == (409, "second_person")
        assert (await office.asks("broadcasts/approve", id=broadcast_id, by="boss"))["status_code"] == 200
        small = await office.composed(made_by="lina", rule={"guides": ["nobody"]})
        assert (await office.asks("broadcasts/approve", id=small, by="lina"))["status_code"] == 200


async def test_staff_read_it_before_members_do(office: Office) -> None:
    link = {"msgtype": "link", "link": {"title": "会员日", "url": "https://shop.example/a"}}
    broadcast_id = await office.composed(text="$guide 邀请您", attachments=[link])
    told = await office.asks("broadcasts/test", id=broadcast_id, userids=["xiaomei"])
    await office.settle()
    assert told["told"] == 1
    assert office.sandbox.world.guides["xiaomei"].inbox[-1]["text"] == "【试发】双11\n您的导购 邀请您\n[link] 会员日"


async def test_the_preview_counts_whom_it_would_not_reach_and_why(office: Office) -> None:
    await office.customers(3)
    lost, refusing, capped = await office.customers(3)
    await office.bot.leaves(lost, "xiaomei")
    members = dict(office.bot.rows("SELECT external_id, member_id FROM identity"))
    await _refuses(office, members[refusing])
    await _was_reached(office, members[capped], 40)
    broadcast_id = await office.composed(text="$guide：今晚见", attachments=[
        {"msgtype": "link", "link": {"title": "会员日", "url": "https://shop.example/a"}}
    ])  # fmt: skip
    async with office_of(office.bot) as api:
        status, shown = await api.get(f"broadcasts/{broadcast_id}/preview")
    assert status == 200
    audience = shown["audience"]
    assert audience["excluded"] == {"no_guide": 1, "opted_out": 1, "capped": 1}
    assert (audience["matched"], audience["reachable"]) == (6, 3)
    assert audience["tasks"] == {"guides": 1, "tasks": 1}
    assert shown["phone"] == ["小美：今晚见", "[link] 会员日"]
    assert (shown["samples"][0]["bytes"], shown["second_person"], shown["cost"]) == (18, False, None)


async def _refuses(office: Office, member_id: int) -> None:
    from storage import consent

    def say(work: Any) -> None:
        said = consent.Said(consent.OUT, "member", "kf")
        consent.record(work.db, work.ids, member_id, said, work.cause, work.now)

    await office.bot.writer.call(say)


async def _was_reached(office: Office, member_id: int, times: int) -> None:
    from storage import touches

    terms = touches.Terms()

    def reach(work: Any) -> None:
        day = work.now.date().toordinal()
        for number in range(times):
            rule = touches.rule_id(work.db, work.ids, terms, work.now)
            message = touches.Message("marketing", f"broadcast:{number}", day)
            touches.take(work.db, [member_id], terms, rule, message, 600, work.now)

    await office.bot.writer.call(reach)


async def test_progress_is_shown_with_every_task_and_reason(office: Office) -> None:
    await office.customers(2)
    await office.customers(1, "aqiang")
    (stranger,) = await office.customers(1, only="bot")
    broadcast_id = await office.launched()
    office.press("xiaomei")
    await office.passes(60)
    async with office_of(office.bot) as api:
        _, one = await api.get(f"broadcasts/{broadcast_id}")
        _, all_of_them = await api.get("broadcasts?status=sending")
        _, failed = await api.get(f"broadcasts/{broadcast_id}/audience?status=failed")
        manager = await api.token_of("mona", "manager", "S1")
        status, _ = await api.get(f"broadcasts/{broadcast_id}", token=manager)
    assert one["numbers"] == {"total": 4, "left": 0, "suppressed": 0, "tasked": 1, "sent": 2, "failed": 1}
    assert (one["percent"], one["confirmed"]) == (75, {"by": 1, "of": 2, "making": 0})
    assert one["reasons"] == [{"status": "failed", "reason": "not_contact", "count": 1}]
    assert [(task["userid"], task["status"]) for task in one["tasks"]] == [("aqiang", "made"), ("xiaomei", "done")]
    assert [item["id"] for item in all_of_them["items"]] == [broadcast_id]
    assert [item["external_userid"] for item in failed["items"]] == [stranger]
    assert status == 404


async def test_a_manager_writes_to_the_stores_own_customers_only(office: Office) -> None:
    mine, _ = await office.customers(1), await office.customers(1, "aqiang")
    await office.bot.employs("xiaomei", "guide", "S1")
    async with office_of(office.bot) as api:
        token = await api.token_of("mona", "manager", "S1")
        body = {"name": "店庆", "channel": "contact", "text": "来坐坐"}
        refused = [
            (await api.post("broadcasts", {**body, **more}, token=token))[0]
            for more in ({"channel": "kf"}, {"senders": ["aqiang"]})
        ]
        status, made = await api.post("broadcasts", body, token=token)
        elsewhere = await api.post("broadcasts", {**body, "rule": {"within_store": "S2"}}, token=token)
        not_hers, _ = await api.post(f"broadcasts/{made['id']}/approve", token=token)
    assert (refused, status, not_hers) == ([422, 422], 201, 403)
    assert (elsewhere[0], elsewhere[1]["error"]["field"]) == (422, "rule.within_store")
    await office.asks("broadcasts/approve", id=made["id"])
    await office.settle()
    assert office.tasks() == [mine]
    assert office.standing(made["id"])["total"] == 1  # others' members are not even counted


async def test_staff_ask_and_act_in_the_apps_chat(office: Office) -> None:
    await office.customers(2)
    await office.bot.employs("boss", "admin")
    await office.bot.employs("mona", "manager", "S1")
    assert await office.says("群发", "boss") == "还没有群发"
    assert "没有等你点" in await office.says("我的群发", "xiaomei")
    broadcast_id = await office.launched()
    assert await office.says("我的群发", "xiaomei") == (
        "等你点「发送」的群发（企业微信「客户联系 · 群发助手」）：\n《双11》2 位客户，等了 0 小时"
    )
    assert f"#{broadcast_id}《双11》进行中 0%：共 2，送达 0，失败 0，不发 0，未完 2；员工已点 0/1" in await office.says(
        "群发进度", "boss"
    )
    assert "群发" not in (await office.says("帮助", "xiaomei")).replace("我的群发", "")
    assert "不在你的权限里" in await office.says("群发", "xiaomei")
    assert await office.says(f"群发 暂停 {broadcast_id}", "mona") == f"没有群发 {broadcast_id}"
    assert "已暂停" in await office.says(f"群发 暂停 {broadcast_id}", "boss")
    assert "没有改变" in await office.says(f"群发暂停 {broadcast_id}", "boss")
    assert "继续发" in await office.says(f"继续群发 {broadcast_id}", "boss")
    assert "提醒了 1 条" in await office.says(f"群发 提醒 {broadcast_id}", "boss")
    assert "正在收回" in await office.says(f"群发停止 #{broadcast_id}", "boss")
    await office.passes(60)
    await office.passes(60)
    assert "群发被停止 2" in await office.says(f"群发 {broadcast_id}", "boss")
    assert await office.says("群发 abc", "boss") == "没有群发 abc"
