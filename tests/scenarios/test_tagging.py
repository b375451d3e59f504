"""打标签: what people and rules put on a member never undo each other, and WeCom shows what anybody holds."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.turn import Work
from scenarios import tag_words
from storage import member_tags, oneid
from tests.desk import Desk, start_desk

MARK = "externalcontact/mark_tag"


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with start_desk(database_url) as made:
        await made.bot.employs("boss", "admin")
        for group, name in (("偏好", "羊绒"), ("偏好", "真丝"), ("状态", "沉睡"), ("状态", "VIP")):
            status, _ = await made.ask("tags", group=group, name=name)
            assert status == 200
        yield made


def held(desk: Desk, who: str = "wm1") -> set[tuple[str, str, str]]:
    """A member's tags: (tag, source, by)."""
    rows = desk.bot.rows("SELECT name, source, by FROM member_tag WHERE member_id = :m", m=desk.member(who))
    return {(row[0], row[1], row[2]) for row in rows}


async def marks(desk: Desk) -> list[tuple[str, bool]]:
    """What WeCom was told of tags, call by call: (tag, whether it was taken off)."""
    await desk.bot.deliver()
    return [
        (name, key == "remove")
        for sent in desk.bot.wecom.sent(MARK) for key in ("add", "remove") for _, name in sent.get(key, [])
    ]  # fmt: skip


def pairs(desk: Desk) -> set[tuple[str, str]]:
    """Whose contacts were marked."""
    return {(sent["userid"], sent["external_userid"]) for sent in desk.bot.wecom.sent(MARK)}


@pytest.mark.parametrize(
    ("rest", "put", "off", "days"),
    [
        ("+羊绒 -沉睡", ("羊绒",), ("沉睡",), 0),
        ("羊绒", ("羊绒",), (), 0),
        ("＋羊绒，真丝 －沉睡 30天", ("羊绒", "真丝"), ("沉睡",), 30),
        ("+偏好/羊绒 +羊绒", ("偏好/羊绒", "羊绒"), (), 0),
        ("", (), (), 0),
    ],
)
def test_what_was_typed_is_read(rest: str, put: tuple[str, ...], off: tuple[str, ...], days: int) -> None:
    wish = tag_words.read("王女士", rest)

    assert (wish.put, wish.off, wish.days) == (put, off, days)
    again = tag_words.read("#1", wish.again("#1").partition(" ")[2])
    assert (again.put, again.off, again.days) == (put, off, days)


async def test_several_are_put_on_and_taken_off_at_once(desk: Desk) -> None:
    await desk.says("打标签 王女士 +沉睡")
    answer = await desk.says("打标签 王女士 +羊绒 +vip -沉睡")

    assert "+羊绒 +VIP −沉睡" in answer
    assert held(desk) == {("live", "rule", "sign_up"), ("羊绒", "hand", "lina"), ("VIP", "hand", "lina")}
    assert await marks(desk) == [("沉睡", False), ("羊绒", False), ("VIP", False), ("沉睡", True)]
    assert pairs(desk) == {("lina", "wm1")}
    assert desk.bot.count("audit_log", "action = 'member.tagged' AND actor = 'lina'") == 2


async def test_nothing_is_half_done(desk: Desk) -> None:
    answer = await desk.says("打标签 王女士 +羊绒 +羊毛 -沉睡")
    assert "没有「羊毛」" in answer
    assert held(desk) == {("live", "rule", "sign_up")}

    await desk.says("打标签 王女士 +沉睡")
    await desk.says("打标签 王女士 +羊毛 -沉睡")
    await desk.says("1")  # 偏好/羊绒
    assert held(desk) == {("live", "rule", "sign_up"), ("羊绒", "hand", "lina")}
    assert "没有标签「沉睡」" in await desk.says("打标签 王女士 +真丝 -沉睡")
    assert ("真丝", "hand", "lina") not in held(desk)


async def test_a_rules_tag_and_a_persons_are_two(desk: Desk) -> None:
    assert "规则打的" in await desk.says("打标签 王女士 -live")
    assert (await desk.ask("tags", group="渠道", name="live"))[0] == 200
    await desk.says("打标签 王女士 +live")
    assert {("live", "rule", "sign_up"), ("live", "hand", "lina")} <= held(desk)

    await desk.says("打标签 王女士 -live")
    assert held(desk) == {("live", "rule", "sign_up")}
    assert await marks(desk) == []  # WeCom shows it all the while


async def test_what_a_file_put_on_a_person_may_take_off(desk: Desk) -> None:
    one = desk.member("wm1")

    def imported(work: Work) -> None:
        member_tags.add(work.db, one, "状态", "沉睡", member_tags.IMPORT, "", work.now)

    await desk.bot.writer.call(imported)
    assert "−沉睡" in await desk.says("打标签 王女士 -沉睡")
    assert held(desk) == {("live", "rule", "sign_up")}


async def test_who_may_makes_a_tag_on_the_way(desk: Desk) -> None:
    guide = await desk.says("打标签 王女士 +Longjing")
    assert "新建" not in guide
    assert "请管理员" in guide

    assert "1. 新建「自定义/Longjing」并打上" in await desk.says("打标签 王女士 +Longjing", "boss")
    await desk.says("1", "boss")
    assert ("Longjing", "hand", "boss") in held(desk)
    await marks(desk)
    assert pairs(desk) == {("lina", "wm1")}  # the pair is who follows
    assert "不在你的权限里" in await desk.says("建标签 偏好/红茶")
    assert "建好了：偏好/红茶" in await desk.says("建标签 偏好/红茶", "boss")
    assert "最长" in await desk.says(f"建标签 偏好/{'长' * 31}", "boss")


async def test_one_name_in_two_groups_is_asked_about(desk: Desk) -> None:
    await desk.ask("tags", group="材质", name="羊绒")
    assert "在几个组里都有" in await desk.says("打标签 王女士 +羊绒")
    await desk.says("打标签 王女士 +材质/羊绒")

    assert desk.one("SELECT group_name FROM member_tag WHERE name = '羊绒'") == "材质"


async def test_a_tag_with_an_end_goes_when_its_day_is_over(desk: Desk) -> None:
    assert "+羊绒（到 11-14）" in await desk.says("打标签 王女士 +羊绒 2天")
    await desk.passes(days=2)
    assert ("羊绒", "hand", "lina") in held(desk)
    await desk.passes(days=1)

    assert held(desk) == {("live", "rule", "sign_up")}
    assert await marks(desk) == [("羊绒", False), ("羊绒", True)]


async def test_put_on_again_it_stays_until_the_new_end(desk: Desk) -> None:
    await desk.says("打标签 王女士 +羊绒 2天")
    await desk.says("打标签 王女士 +羊绒")
    await desk.passes(days=4)

    assert ("羊绒", "hand", "lina") in held(desk)


async def test_a_closed_tag_stays_on_who_has_it(desk: Desk) -> None:
    await desk.says("打标签 王女士 +羊绒")
    assert "已经打上的 1 位" in await desk.says("停用标签 羊绒", "boss")
    assert "没有「羊绒」" in await desk.says("打标签 晓明 +羊绒")
    assert ("羊绒", "hand", "lina") in held(desk)
    assert "羊绒" not in await desk.says("标签库")


async def test_tags_follow_a_merge_and_part_again(desk: Desk) -> None:
    await desk.says("打标签 王女士 +羊绒")
    await desk.says("打标签 晓明 +羊绒 +真丝")
    one, two = desk.member("wm1"), desk.member("wm2")

    def merge(work: Work) -> int:
        return oneid.merge(work.db, work.ids, one, two, "phone:test", work.cause, work.now)

    merged = await desk.bot.writer.call(merge)
    assert {("羊绒", "hand", "lina"), ("真丝", "hand", "lina")} <= held(desk)
    await desk.bot.writer.call(lambda work: oneid.undo(work.db, work.ids, merged, "boss", work.cause, work.now))
    assert ("真丝", "hand", "lina") not in held(desk)
    assert ("羊绒", "hand", "lina") in held(desk)


async def test_a_source_counts_holders_once(desk: Desk) -> None:
    await desk.says("打标签 王女士 +羊绒")

    def both(work: Work) -> int:
        member_tags.add(work.db, one, "偏好", "羊绒", member_tags.RULE, "rule:x", work.now)
        return member_tags.holders(work.db, "偏好", "羊绒", work.now)

    one = desk.member("wm1")
    assert await desk.bot.writer.call(both) == 1
