"""入群方式与欢迎语: asked for by a program, made by WeCom, never made twice by us."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest

from bot.errors import Action, WeComError
from bot.events import GroupChatCreated, GroupChatDismissed
from bot.group_senders import UNSURE
from bot.order_events import AdminAsked
from tests.fakes import Bot

WAY = {"name": "门口海报", "state": "poster-01", "chat_ids": ["wrG"]}
ADD, GET, CHANGE, DELETE = (f"externalcontact/groupchat/{verb}_join_way" for verb in ("add", "get", "update", "del"))
WELCOME = "externalcontact/group_welcome_template/"


async def ask(bot: Bot, act: str, **body: Any) -> tuple[int, dict[str, Any]]:
    """An act of the API; status and answer."""
    key = f"api:{act}:{next(bot.numbers)}"
    kept = await bot.writer.accept(AdminAsked(key=key, source="api", at=bot.clock.now(), act=act, body=body))
    assert kept is not None
    answer = json.loads(kept)
    return answer["status"], answer["body"]


async def known_group(bot: Bot, chat_id: str = "wrG") -> None:
    """A customer group that was read."""
    group = {"chat_id": chat_id, "name": "群", "owner": "lina", "member_list": [], "member_version": "v1"}
    bot.wecom.answers["externalcontact/groupchat/get"] = [{"errcode": 0, "group_chat": group}]
    base: dict[str, Any] = {
        "key": f"wecom_app:sha256:{chat_id}",
        "source": "wecom_app",
        "at": bot.clock.now(),
        "chat_id": chat_id,
    }
    await bot.writer.accept(GroupChatCreated(**base))
    bot.clock.advance(3)
    await bot.deliver()


def asset(bot: Bot) -> tuple[str, str, str]:
    """Status, id at WeCom, code."""
    row = bot.rows("SELECT status, remote_id, qr_code FROM group_asset ORDER BY id DESC LIMIT 1")[0]
    return row[0], row[1], row[2]


async def made(bot: Bot) -> int:
    """A join way that WeCom made."""
    await known_group(bot)
    bot.wecom.answers[ADD] = [{"errcode": 0, "config_id": "CFG"}]
    bot.wecom.answers[GET] = [{"errcode": 0, "join_way": {"config_id": "CFG", "qr_code": "https://qr.example/1"}}]
    status, body = await ask(bot, "join-ways", **WAY)
    assert status == 201
    assert body["status"] == "making"
    await bot.deliver()
    return int(body["id"])


async def test_a_join_way_is_made_and_its_code_is_read(bot: Bot) -> None:
    await made(bot)

    assert asset(bot) == ("made", "CFG", "https://qr.example/1")
    sent = bot.wecom.sent(ADD)[0]
    assert sent["chat_id_list"] == ["wrG"]
    assert (sent["remark"], sent["state"], sent["room_base_name"], sent["scene"]) == (
        "门口海报",
        "poster-01",
        "门口海报",
        2,
    )


async def test_one_state_stands_for_one_way(bot: Bot) -> None:
    number = await made(bot)
    status, body = await ask(bot, "join-ways", **WAY)
    assert (status, body["error"]["field"]) == (409, "state")

    await ask(bot, "join-ways/delete", id=number)
    await bot.deliver()
    assert asset(bot)[0] == "deleted"
    assert (await ask(bot, "join-ways", **WAY))[0] == 201


async def test_an_update_overwrites_all_of_it(bot: Bot) -> None:
    number = await made(bot)
    status, _ = await ask(bot, "join-ways/update", id=number, **{**WAY, "name": "新海报", "auto_create_room": False})
    await bot.deliver()

    sent = bot.wecom.sent(CHANGE)[0]
    assert status == 200
    assert (sent["config_id"], sent["remark"], sent["chat_id_list"]) == ("CFG", "新海报", ["wrG"])
    assert "room_base_name" not in sent
    assert asset(bot)[0] == "made"


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"chat_ids": []}, "chat_ids"),
        ({"chat_ids": ["wr1", "wr2", "wr3", "wr4", "wr5", "wr6"]}, "chat_ids"),
        ({"chat_ids": ["wrG", "wrG"]}, "chat_ids"),
        ({"chat_ids": ["wrNobodyKnows"]}, "chat_ids"),
        ({"state": "长" * 31}, "state"),
        ({"name": ""}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
async def test_what_wecom_would_refuse_is_refused_by_its_field(bot: Bot, change: dict[str, Any], field: str) -> None:
    await known_group(bot)
    status, body = await ask(bot, "join-ways", **{**WAY, **change})

    assert (status, body["error"]["field"]) == (422, field)
    assert bot.count("group_asset") == 0


async def test_a_dismissed_group_takes_no_way(bot: Bot) -> None:
    await known_group(bot)
    base: dict[str, Any] = {
        "key": "wecom_app:sha256:end",
        "source": "wecom_app",
        "at": bot.clock.now(),
        "chat_id": "wrG",
    }
    await bot.writer.accept(GroupChatDismissed(**base))

    assert (await ask(bot, "join-ways", **WAY))[0] == 422


async def test_a_lost_answer_is_not_repeated_until_somebody_says_so(bot: Bot) -> None:
    await known_group(bot)
    bot.wecom.answers[ADD] = [
        WeComError(UNSURE, "unsure", ADD, action=Action.DROP), {"errcode": 0, "config_id": "CFG2"},
    ]  # fmt: skip
    _, body = await ask(bot, "join-ways", **WAY)
    await bot.deliver()
    bot.clock.advance(timedelta(hours=1).total_seconds())
    await bot.deliver()
    assert asset(bot)[0] == "unsure"
    assert len(bot.wecom.sent(ADD)) == 1

    status, again = await ask(bot, "join-ways/update", id=body["id"], **WAY)
    await bot.deliver()
    assert (status, again["status"]) == (200, "making")
    assert asset(bot)[:2] == ("made", "CFG2")


async def test_a_refusal_is_told_and_can_be_put_right(bot: Bot) -> None:
    await known_group(bot)
    bot.wecom.answers[ADD] = [WeComError(48002, "no right", ADD, action=Action.DROP)]
    _, body = await ask(bot, "join-ways", **WAY)
    await bot.deliver()

    assert bot.rows("SELECT status, error FROM group_asset") == [("refused", "48002")]
    assert (await ask(bot, "join-ways/delete", id=body["id"]))[1]["status"] == "deleted"
    assert (await ask(bot, "join-ways/delete", id=body["id"]))[0] == 404


async def test_while_wecom_has_not_answered_nothing_else_is_done(bot: Bot) -> None:
    await known_group(bot)
    _, body = await ask(bot, "join-ways", **WAY)

    assert (await ask(bot, "join-ways/update", id=body["id"], **WAY))[0] == 409
    assert (await ask(bot, "join-ways/delete", id=body["id"]))[0] == 409


async def test_a_welcome_is_put_in_the_library_and_says_who_must_apply_it(bot: Bot) -> None:
    bot.wecom.answers[f"{WELCOME}add"] = [{"errcode": 0, "template_id": "T1"}]
    link = {"title": "群规", "url": "https://shop.example/rules"}
    status, body = await ask(bot, "group-welcomes", name="默认", link=link)
    await bot.deliver()

    assert status == 201
    assert "群主" in body["how"]
    assert asset(bot)[:2] == ("made", "T1")
    sent = bot.wecom.sent(f"{WELCOME}add")[0]
    assert "%NICKNAME%" in sent["text"]["content"]
    assert (sent["link"]["title"], sent["notify"]) == ("群规", 1)

    await ask(bot, "group-welcomes/update", id=body["id"], name="默认", text="你好")
    await bot.deliver()
    edited = bot.wecom.sent(f"{WELCOME}edit")[0]
    assert (edited["template_id"], edited["text"]["content"], "notify" in edited) == ("T1", "你好", False)

    await ask(bot, "group-welcomes/delete", id=body["id"])
    await bot.deliver()
    assert bot.wecom.sent(f"{WELCOME}del") == [{"asset": body["id"], "template_id": "T1"}]
    assert asset(bot)[0] == "deleted"


async def test_a_welcome_has_its_bytes(bot: Bot) -> None:
    assert (await ask(bot, "group-welcomes", name="长", text="好" * 1001))[0] == 422
    assert (await ask(bot, "group-welcomes", name="短", text="好" * 1000))[0] == 201
