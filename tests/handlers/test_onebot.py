"""社群: the same words as in private; what is somebody's own never stands in the group; newcomers are welcomed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from bot.channels.onebot_translate import Ear
from bot.errors import Action, WeComError
from bot.router import load_plays
from bot.settings import load
from bot.texts import Texts
from tests.community import Community, start_community


@pytest.fixture
async def group(database_url: str) -> AsyncIterator[Community]:
    """Two drives are running."""
    async with start_community(database_url) as there:
        await there.shop.product("A", 10_000)
        await there.shop.campaign("group_buy", sku="A", size=2, price_fen=6_000)
        yield there


async def test_a_public_list_is_answered_in_the_group_to_who_asked(group: Community) -> None:
    for words in ("拼团", "帮助", "＠", "绑定"):
        (answer,) = await group.says(888, words)
        assert (answer["group_id"], answer["at"]) == ("777", "888"), words
        assert "user_id" not in answer


async def test_a_personal_answer_goes_to_the_asker_alone_and_the_group_sees_a_pointer(group: Community) -> None:
    (answer,) = await group.says(888, "我的积分")
    assert (answer["user_id"], answer["via_group"], answer["asked_in"]) == ("888", "777", "10001:777")
    assert "可用积分" in answer["text"]

    (pointer,) = await group.delivered()
    assert (pointer["group_id"], pointer["at"]) == ("777", "888")
    assert "已私聊" in pointer["text"]
    assert "积分" not in pointer["text"]


async def test_who_cannot_be_written_to_is_asked_to_befriend_us(group: Community) -> None:
    await group.says(888, "我的积分")
    refusal = WeComError(100, "not a friend", "onebot/send", action=Action.DROP)
    group.shop.bot.wecom.answers["onebot/send"] = [refusal]
    (pointer,) = await group.delivered()
    assert pointer["group_id"] == "777"
    assert "加我为好友" in pointer["text"]
    assert "可用积分" not in pointer["text"]


async def test_an_unknown_outcome_is_no_refusal(group: Community) -> None:
    await group.says(888, "我的积分")
    lost = WeComError(None, "outcome unknown", "onebot/send", action=Action.DROP)
    group.shop.bot.wecom.answers["onebot/send"] = [lost]
    (pointer,) = await group.delivered()
    assert "已私聊" in pointer["text"]


@pytest.mark.parametrize("words", ["我的积分", "我的券", "我的拼团", "领券", "开团 1", "绑定社群", "绑定 AAAA-BBBB"])
async def test_whatever_is_somebodys_own_is_never_in_the_group(group: Community, words: str) -> None:
    owed = await group.says(888, words)
    owed += await group.delivered()
    assert owed[0]["user_id"] == "888"
    in_group = [row["text"] for row in owed if "group_id" in row]
    pointer = Texts().render("onebot/pointer")
    assert in_group == [pointer], words


def test_the_table_of_public_words() -> None:
    settings = load(Texts(), environ={})
    plays = load_plays([*settings.plays, "linking"], settings.play_tables)
    public = {
        words.words
        for play in plays
        for words in play.router.words_taken
        if words.public and words.audience == "member"
    }
    assert public == {("拼团",), ("砍价",), ("秒杀",), ("沙龙", "活动报名")}


async def test_a_number_in_the_group_means_what_was_shown_there(group: Community) -> None:
    await group.says(888, "拼团")
    (answer,) = await group.says(888, "１")
    assert answer["user_id"] == "888"
    assert group.shop.bot.count("team") == 1


async def test_private_chats_are_answered_in_private_without_a_pointer(group: Community) -> None:
    (row,) = await group.tells(message_type="private", sub_type="friend", user_id=888, message="拼团")
    assert row["user_id"] == "888"
    assert "asked_in" not in row
    assert await group.delivered() == []


async def test_a_stranger_in_a_temporary_session_is_answered_through_the_group(group: Community) -> None:
    sender = {"nickname": "群友", "group_id": 777}
    (row,) = await group.tells(message_type="private", sub_type="group", user_id=888, message="帮助", sender=sender)
    assert row["via_group"] == "777"


async def test_talk_that_is_not_for_us_is_left_alone(group: Community) -> None:
    loose = Ear(at_required=False)
    assert await group.says(888, "今天天气不错", at=False, ear=loose) == []
    assert group.shop.bot.rows("SELECT id FROM identity WHERE channel = 'onebot'") == []
    (answer,) = await group.says(888, "拼团", at=False, ear=loose)
    assert answer["group_id"] == "777"


async def test_whoever_speaks_is_a_member_with_a_name(group: Community) -> None:
    await group.says(888, "帮助")
    assert group.shop.one("SELECT name FROM member WHERE id = :id", id=group.member(888)) == "群友888"


async def test_the_same_message_twice_is_answered_once(group: Community) -> None:
    frame: dict[str, Any] = {
        "message_type": "private",
        "sub_type": "friend",
        "user_id": 888,
        "message": "帮助",
        "message_id": 5,
    }
    assert len(await group.tells(**frame)) == 1
    assert await group.tells(**frame) == []


async def test_news_reach_a_member_whom_no_guide_follows(group: Community) -> None:
    await group.whispers(888, "帮助")
    member = group.member(888)
    before = group.newest
    await group.shop.bot.writer.call(lambda work: _name(work, member))
    await group.shop.pays("", "N1", 10_000, buyer={"unionid": "u888"})
    await group.shop.passes(days=7, minutes=1)
    (news,) = [row for row in group.owed(before) if "积分已到账" in row["text"]]
    assert news["user_id"] == "888"


def _name(work, member: int) -> None:
    from storage import members

    members.add_identity(work.db, work.ids, member, ("unionid", "u888"), "test", work.now)


async def test_newcomers_are_welcomed_but_not_one_by_one(group: Community) -> None:
    (welcome,) = await group.joins(901)
    assert (welcome["group_id"], welcome["at"]) == ("777", "901")
    assert "欢迎" in welcome["text"]
    for number in range(902, 910):
        assert await group.joins(number) == []
    group.shop.bot.clock.advance(61)
    assert len(await group.joins(910)) == 1
    assert await group.joins(10001) == []


async def test_a_name_with_a_code_in_it_cannot_speak_for_us(group: Community) -> None:
    name = "[CQ:at,qq=all]"
    frame: dict[str, Any] = {"message_type": "group", "sub_type": "normal", "group_id": 777, "user_id": 888}
    (answer,) = await group.tells(**frame, message="[CQ:at,qq=10001] 帮助", sender={"nickname": name})
    from bot.onebot import action_of

    for style in ("array", "string"):
        assert "CQ:at,qq=all" not in str(action_of(answer, style))


def test_the_door_brings_its_play_and_hides_its_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "linking" not in load(Texts()).plays
    for name, value in (("ENABLED", "true"), ("SECRET", "s-e-c-r-e-t"), ("GROUPS", "[777]"), ("SELF_ID", "10001")):
        monkeypatch.setenv(f"SIYU_ONEBOT__{name}", value)
    settings = load(Texts())
    assert settings.plays[-1] == "linking"
    assert settings.onebot.groups == ["777"]
    assert settings.onebot.self_id == "10001"
    assert "s-e-c-r-e-t" in settings.secret_values()
    assert "s-e-c-r-e-t" not in repr(settings)
