"""会员画像: guides find whom they may see by what they know of them, read one screen, write down what to remember."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.desk import Desk, start_desk

FAMILY = "👨‍👩‍👧"


@pytest.fixture
async def desk(database_url: str) -> AsyncIterator[Desk]:
    async with start_desk(database_url) as made:
        await made.has_phone("wm1", "13800138000")
        await made.has_phone("wm3", "13900139000")
        await made.remarks("wm1", "茶友王姐")
        yield made


@pytest.mark.parametrize(
    "typed",
    [
        "王女士",
        "女士",
        "茶友",
        "王姐",
        "尾号8000",
        "8000",
        "138****8000",
        "13800138000",
        "王 8000",
        "王 尾号：８０００",
    ],
)
async def test_a_member_is_found_by_what_a_guide_knows(desk: Desk, typed: str) -> None:
    answer = await desk.says(f"查客 {typed}")

    assert answer.startswith("茶友王姐（尾号 8000、昵称 王女士🎉）")
    assert "积分 100" in answer
    assert "13800138000" not in answer


async def test_a_piece_that_fits_several_is_asked_about_and_a_number_chooses(desk: Desk) -> None:
    answer = await desk.says("查王")  # one letter before a letter is no word of ours
    assert "还不认识" in answer or "你是想说" in answer

    answer = await desk.says("查 王")
    assert "找到 2 位「王」" in answer
    assert "茶友王姐（尾号 8000、没下过单）" in answer
    assert (await desk.says("2" if "2. 王晓明" in answer else "1")).startswith("王晓明")


async def test_more_than_a_card_holds_are_to_be_narrowed(desk: Desk) -> None:
    for number in range(9):
        await desk.joins(f"wmX{number}", f"赵{number}")

    answer = await desk.says("查客 赵")
    assert "先列 6 位" in answer
    assert "6. 赵" in answer
    assert "7. 赵" not in answer
    assert (await desk.says("查客 赵3")).startswith("赵3")


async def test_nobody_is_answered_with_the_nearest_names(desk: Desk) -> None:
    answer = await desk.says("查客 王小明")

    assert "是不是" in answer
    assert "1. 王晓明" in answer
    assert (await desk.says("1")).startswith("王晓明")
    assert "没找到「欧阳」" in await desk.says("查客 欧阳")
    assert "只存了指纹" in await desk.says("查客 尾号1234")
    assert "没有你能看的会员是这个手机号" in await desk.says("查客 13700137000")


async def test_others_members_are_not_there_for_a_guide(desk: Desk) -> None:
    other = desk.member("wm3")

    assert "没找到" in await desk.says("查客 李雷")
    assert "没有你能看的" in await desk.says("查客 13900139000")
    assert "只存了指纹" in await desk.says("查客 9000")
    assert "不归你跟进" in await desk.says(f"画像 #{other}")
    assert "不归你跟进" in await desk.says("画像 #999999")
    assert (await desk.says("查客 李雷", "aqiang")).startswith("李雷 Lei")


async def test_a_manager_sees_the_store_an_admin_everybody(desk: Desk) -> None:
    await desk.bot.employs("aqiang", "guide", "store-001")
    await desk.bot.employs("chief", "manager", "store-001")
    await desk.bot.employs("other", "manager", "store-002")
    await desk.bot.employs("boss", "admin")

    for said in ("查客 李雷", "查客 9000", "查客 lei"):
        assert (await desk.says(said, "chief")).startswith("李雷 Lei"), said
        assert "没" in await desk.says(said, "other"), said
        assert (await desk.says(said, "boss")).startswith("李雷 Lei"), said
    assert "太短了" in await desk.says("查客 雷", "chief")
    assert "没找到" in await desk.says("查客 王女士", "chief")
    assert (await desk.says("查客 王女士", "boss")).startswith("王女士🎉")


async def test_a_new_name_is_found_and_the_old_one_no_more(desk: Desk) -> None:
    await desk.bot.employs("boss", "admin")
    desk.bot.wecom.names["wm3"] = "韩梅梅"
    await desk.bot.joins("wm3", "lina")
    await desk.bot.deliver()

    assert (await desk.says("查客 梅梅", "boss")).startswith("韩梅梅")
    assert "没找到" in await desk.says("查客 李雷", "boss")


async def test_a_profile_shows_what_helps_to_serve(desk: Desk) -> None:
    await desk.template()
    await desk.pays("wm1", "E1", 16_800)
    answer = await desk.says("画像 王女士")

    assert "会员：普通会员 · 积分 100，待到账 168" in answer
    assert "标签：渠道：live（规则）" in answer
    assert "订单：1 单共 168 元；11-11 168 元" in answer
    assert "可用券：1 张；满100减20券 12-11 到期" in answer
    assert "推荐：可以发一张「满100减20」" in answer
    assert "跟进：lina（11-11 起）" in answer
    assert "1. 备注" in answer


async def test_what_the_own_coupons_make_cheaper_is_recommended(desk: Desk) -> None:
    status, _ = await desk.ask("products", sku="TEA", title="龙井", category="茶", price_fen=16_800, stock=9)
    assert status == 201
    await desk.template(claimable=True, per_member=1)
    await desk.says("发券 王女士 满100减20")
    await desk.says("1")

    assert "推荐：龙井 168 元，用「满100减20」148 元" in await desk.says("画像 王女士")


async def test_notes_are_added_and_never_changed(desk: Desk) -> None:
    assert "还没有备注" in await desk.says("备注 王女士")
    await desk.says("备注 王女士 喜欢 Longjing，不要凉的")
    answer = await desk.says("备注 8000 生日 3月5日")

    assert answer.index("生日 3月5日") < answer.index("喜欢 Longjing，不要凉的")
    assert "11-11 lina：" in answer
    assert "喜欢 Longjing，不要凉的" in await desk.says("画像 王女士")
    assert desk.bot.count("member_note") == 2
    assert "最长 200 个字" in await desk.says(f"备注 王女士 {'长' * 201}")
    assert desk.bot.count("member_note") == 2


async def test_a_note_keeps_its_words_through_a_choice(desk: Desk) -> None:
    await desk.says("备注 王 VIP 客户")
    await desk.says("1")

    assert desk.one("SELECT text FROM member_note") == "VIP 客户"


async def test_the_longest_profile_is_one_message(desk: Desk) -> None:
    await desk.joins("wmL", FAMILY * 40)
    await desk.template(name="券" * 40)
    for number in range(12):
        assert (await desk.ask("tags", group="组" * 30, name=f"{number}{'签' * 28}"))[0] == 200
        await desk.pays("wmL", f"L{number}", 99_999_99)
    member_id = desk.member("wmL")
    await desk.says(f"打标签 #{member_id} " + " ".join(f"+{number}{'签' * 28}" for number in range(12)))
    for _ in range(4):
        await desk.says(f"备注 #{member_id} {'记' * 200}")
        await desk.says(f"发券 #{member_id} 券券")
        await desk.says("1")
    before = desk.bot.count("outbox")
    await desk.says(f"画像 #{member_id}")

    assert desk.bot.count("outbox") == before + 1


async def test_a_profile_is_a_card_with_lines_and_buttons(database_url: str) -> None:
    async with start_desk(database_url, cards=True) as desk:
        await desk.has_phone("wm1", "13800138000")
        card = await desk.card("查客 8000")

        assert card["card_type"] == "button_interaction"
        assert card["main_title"]["title"] == "王女士🎉（尾号 8000）"
        assert [row["keyname"] for row in card["horizontal_content_list"]][:3] == ["会员", "标签", "订单"]
        assert len(card["horizontal_content_list"]) <= 6
        assert [button["text"] for button in card["button_list"]] == ["备注", "发券", "打标签", "查券"]
        await desk.tap(card, 3)
        choice = await desk.shown()
        assert choice["button_list"][0]["key"].startswith("核销 ")
