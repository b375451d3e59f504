"""What is made at WeCom without a key is made once; cards that are not taken become texts; numbers are counted."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any, cast

import pytest

from bot.clock import FrozenClock
from bot.errors import Action, WeComError, WeComUnreachable
from bot.events import GroupMemberJoined, GroupMemberLeft
from bot.group_numbers import GroupNumbers
from bot.group_senders import MAKING, UNSURE, GroupSenders
from bot.own_events import GroupChatSeen
from bot.senders import WeComSenders
from bot.wecom.client import WeCom
from storage.outbox import Call
from tests.conftest import NOON
from tests.fakes import Bot

Script = dict[str, Any] | WeComError


class Client:
    """Answers calls from a script."""

    def __init__(self, *answers: Script) -> None:
        self.answers, self.calls = list(answers), list[tuple[str, dict[str, Any]]]()

    async def call(self, path: str, body: dict[str, Any] | None = None, **_: Any) -> dict[str, Any]:
        """The next answer."""
        self.calls.append((path, body or {}))
        answer = self.answers.pop(0)
        if isinstance(answer, WeComError):
            raise answer
        return answer


def row(call: str, attempts: int = 1, error: str | None = None) -> Call:
    """An outbox row as it is leased."""
    return Call(7, call, "default", "", "{}", 1, "leased", attempts, 0, "c", None, error, NOON, NOON, None, None, None)


def senders(client: Client) -> dict[str, Any]:
    """The table of a bot."""
    return WeComSenders(cast(WeCom, client), 1000002, FrozenClock(NOON)).table()


@pytest.mark.parametrize("path", MAKING)
async def test_an_answer_that_was_lost_makes_the_row_unsure(path: str) -> None:
    client = Client(WeComUnreachable(path, "no answer", ambiguous=True))
    with pytest.raises(WeComError) as raised:
        await senders(client)[path]({"asset": 1}, row(path))
    assert (raised.value.errcode, raised.value.action) == (UNSURE, Action.DROP)

    with pytest.raises(WeComError):  # a process died while it waited: no error was written down
        await senders(Client({"errcode": 0}))[path]({"asset": 1}, row(path, attempts=2))


@pytest.mark.parametrize("path", MAKING)
async def test_what_was_surely_not_made_is_tried_again(path: str) -> None:
    refused = WeComUnreachable(path, "connection refused", ambiguous=False)
    with pytest.raises(WeComUnreachable):
        await senders(Client(refused))[path]({"asset": 1}, row(path))
    client = Client({"errcode": 0, "config_id": "C"})
    assert (await senders(client)[path]({"asset": 1}, row(path, 2, "busy")))["config_id"] == "C"
    assert client.calls == [(path, {})]


async def test_a_missing_right_stops_nothing_else() -> None:
    client = Client(WeComError(48002, "no right", MAKING[0], action=Action.CONFIG))
    with pytest.raises(WeComError) as raised:
        await senders(client)[MAKING[0]]({"asset": 1}, row(MAKING[0]))
    assert raised.value.action is Action.DROP


async def test_a_look_says_when_it_was_asked() -> None:
    client = Client({"group_chat": {}})
    answer = await GroupSenders(cast(WeCom, client), FrozenClock(NOON)).look(
        {"chat_id": "wr1", "need_name": 1, "want": "v", "tries": 2}, row("x")
    )
    assert answer["asked_at"] == NOON.isoformat()
    assert client.calls[0][1] == {"chat_id": "wr1", "need_name": 1}


CARD = {
    "touser": "lina",
    "msgtype": "template_card",
    "template_card": {"card_type": "x"},
    "text": {"content": "1. 核销"},
}


@pytest.mark.parametrize("errcode", [43012, 42014, 42045])
async def test_a_card_that_is_not_taken_is_said_in_words(errcode: int) -> None:
    client = Client(WeComError(errcode, "card", "message/send"), {"errcode": 0})
    await senders(client)["message/send"](CARD, row("message/send"))

    first, second = [body for _, body in client.calls]
    assert "text" not in first
    assert (second["msgtype"], second["text"], "template_card" in second) == ("text", {"content": "1. 核销"}, False)


async def test_another_failure_of_a_card_is_a_failure() -> None:
    with pytest.raises(WeComError):
        await senders(Client(WeComError(81013, "nobody", "message/send")))["message/send"](CARD, row("message/send"))


async def test_a_used_code_on_a_later_try_was_our_own_try() -> None:
    path, used = "message/update_template_card", WeComError(60140, "gone", "x", action=Action.DROP)
    assert (await senders(Client(used))[path]({}, row(path, 2, "timeout")))["errcode"] == 0
    with pytest.raises(WeComError):
        await senders(Client(used))[path]({}, row(path))


# -- numbers ----------------------------------------------------------------------------------------------------------


async def lived(bot: Bot) -> None:
    """Yesterday: two came (one brought by wmA), one of them went; a third came long before."""
    then = NOON - timedelta(days=3)
    old = [{"userid": who, "type": kind, "join_time": int(then.timestamp())} for who, kind in (("lina", 1), ("wmA", 2))]
    group = {"chat_id": "wrG", "name": "群", "owner": "lina", "member_list": old, "member_version": "v1"}
    bot.clock.advance(timedelta(days=-2).total_seconds())
    await bot.writer.accept(GroupChatSeen(key="s1", source="reconcile", at=bot.clock.now(), group_chat=group))
    bot.clock.advance(timedelta(days=1).total_seconds())
    base: dict[str, Any] = {"source": "wecom_app", "at": bot.clock.now(), "chat_id": "wrG"}
    joins: dict[str, Any] = {"join_scene": 0, "last_mem_ver": "v1", "cur_mem_ver": "v2"}
    await bot.writer.accept(GroupMemberJoined(key="k1", members=("wmB", "wmC"), **joins, **base))
    came = [{"userid": who, "type": 2, "join_time": int(bot.clock.now().timestamp()), "invitor": {"userid": "wmA"}}
            for who in ("wmB", "wmC")]  # fmt: skip
    bot.clock.advance(60)
    read = {**group, "member_list": [*old, *came], "member_version": "v2"}
    await bot.writer.accept(GroupChatSeen(key="s2", source="reconcile", at=bot.clock.now(), group_chat=read))
    left: dict[str, Any] = {"quit_scene": 0, "last_mem_ver": "v2", "cur_mem_ver": "v3"}
    await bot.writer.accept(GroupMemberLeft(key="k2", members=("wmB",), **left, **{**base, "at": bot.clock.now()}))
    bot.clock.advance(timedelta(days=1).total_seconds() - 60)


async def test_yesterday_is_counted_once_and_corrected_when_counted_again(bot: Bot) -> None:
    await lived(bot)
    data = {"chat_total": 1, "chat_has_msg": 1, "member_total": 4, "member_has_msg": 3, "msg_total": 17}
    for _ in range(2):
        client = Client({"total": 1, "next_offset": 1, "items": [{"owner": "lina", "data": data}]})
        await GroupNumbers(cast(WeCom, client), bot.writer, bot.clock).yesterday()

    rows = bot.rows('SELECT day, members, contacts, joined, "left", invited, whole FROM group_day')
    assert rows == [("2026-11-10", 3, 2, 2, 1, json.dumps({"wmA": 2}), 1)]
    assert bot.rows("SELECT owner, members_active, messages FROM group_owner_day") == [("lina", 3, 17)]
    path, body = client.calls[0]
    assert (path, body["owner_filter"]) == ("externalcontact/groupchat/statistic", {"userid_list": ["lina"]})
    assert body["day_begin_time"] % 86_400 == 57_600  # midnight in Shanghai


async def test_without_the_right_to_statistics_our_own_numbers_stand(bot: Bot) -> None:
    await lived(bot)
    client = Client(WeComError(48002, "no right", "groupchat/statistic", action=Action.CONFIG))
    await GroupNumbers(cast(WeCom, client), bot.writer, bot.clock).yesterday()

    assert bot.count("group_day") == 1
    assert bot.count("group_owner_day") == 0
