"""客户群: an event is applied only when its version follows what is known; otherwise the group is read anew."""

from __future__ import annotations

from typing import Any

from bot.events import GroupChatCreated, GroupChatDismissed, GroupMemberJoined, GroupMemberLeft
from tests.fakes import Bot

NUMBER = iter(range(10_000))


def base(bot: Bot, chat_id: str = "wrG") -> dict[str, Any]:
    key = f"wecom_app:sha256:g{next(NUMBER):060d}"
    return {"key": key, "source": "wecom_app", "at": bot.clock.now(), "chat_id": chat_id}


def group(version: str, *people: str, chat_id: str = "wrG") -> dict[str, Any]:
    members = [{"userid": person, "type": 2, "join_time": 1, "name": person} for person in people]
    return {
        "errcode": 0,
        "group_chat": {
            "chat_id": chat_id, "name": "福利群🎉", "owner": "lina", "member_list": members, "member_version": version
        },
    }  # fmt: skip


async def look(bot: Bot) -> None:
    """The platform's details lag behind its events: the bot waits a little before it looks."""
    bot.clock.advance(3)
    await bot.deliver()


async def known_group(bot: Bot, version: str, *people: str) -> None:
    bot.wecom.answers["externalcontact/groupchat/get"] = [group(version, *people)]
    await bot.writer.accept(GroupChatCreated(**base(bot)))
    await look(bot)


def people(bot: Bot) -> set[str]:
    return {row[0] for row in bot.rows("SELECT person FROM group_member WHERE chat_id = 'wrG'")}


def version(bot: Bot) -> str:
    return str(bot.rows("SELECT member_version FROM group_chat")[0][0])


async def test_a_new_group_is_read_with_its_members(bot: Bot) -> None:
    await known_group(bot, "v1", "wmA", "wmB")

    assert people(bot) == {"wmA", "wmB"}
    assert version(bot) == "v1"


async def test_a_join_that_follows_is_applied_without_asking(bot: Bot) -> None:
    await known_group(bot, "v1", "wmA")
    asked = len(bot.wecom.sent("externalcontact/groupchat/get"))

    joined = GroupMemberJoined(**base(bot), members=("wmC",), last_mem_ver="v1", cur_mem_ver="v2", join_scene=3)
    await bot.writer.accept(joined)
    await look(bot)

    assert people(bot) == {"wmA", "wmC"}
    assert version(bot) == "v2"
    assert len(bot.wecom.sent("externalcontact/groupchat/get")) == asked


async def test_after_a_gap_the_group_is_read_anew(bot: Bot) -> None:
    await known_group(bot, "v1", "wmA")
    bot.wecom.answers["externalcontact/groupchat/get"] = [group("v5", "wmA", "wmD", "wmE")]

    joined = GroupMemberJoined(**base(bot), members=("wmE",), last_mem_ver="v4", cur_mem_ver="v5", join_scene=3)
    await bot.writer.accept(joined)
    await look(bot)

    assert people(bot) == {"wmA", "wmD", "wmE"}
    assert version(bot) == "v5"


async def test_an_old_event_that_comes_late_undoes_nothing(bot: Bot) -> None:
    await known_group(bot, "v3", "wmA", "wmB")

    left = GroupMemberLeft(**base(bot), members=("wmB",), last_mem_ver="v1", cur_mem_ver="v2", quit_scene=0)
    bot.wecom.answers["externalcontact/groupchat/get"] = [group("v3", "wmA", "wmB")]
    await bot.writer.accept(left)
    await look(bot)

    assert people(bot) == {"wmA", "wmB"}


async def test_a_leave_that_follows_is_applied(bot: Bot) -> None:
    await known_group(bot, "v1", "wmA", "wmB")

    left = GroupMemberLeft(**base(bot), members=("wmB",), last_mem_ver="v1", cur_mem_ver="v2", quit_scene=1)
    await bot.writer.accept(left)
    await look(bot)

    assert people(bot) == {"wmA"}


async def test_a_group_that_is_no_more_is_kept_as_dismissed(bot: Bot) -> None:
    await known_group(bot, "v1", "wmA")
    await bot.writer.accept(GroupChatDismissed(**base(bot)))
    await look(bot)

    assert bot.rows("SELECT status FROM group_chat") == [("dismissed",)]
