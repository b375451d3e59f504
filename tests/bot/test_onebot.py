"""OneBot 发送: what each answer means, how often a message is tried, and that words stay words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.channels.onebot_line import Lines, NoAnswer, NotSent
from bot.delivery import Delivery
from bot.ids import SeededChance
from bot.onebot import OneBotSender, action_of
from bot.onebot_reach import LANE, SEND
from bot.sections import OneBot
from tests.fakes import Bot

OK = {"status": "ok", "retcode": 0, "data": {"message_id": 9}}
Step = dict[str, Any] | Exception


class FakeLine:
    """A connected client that answers as it is told to, then well."""

    self_id, role, speaks = "10001", "Universal", True

    def __init__(self, *script: Step) -> None:
        self.script, self.asked = list(script), []  # type: ignore[var-annotated]

    async def ask(self, action: str, params: dict[str, Any], within_s: float) -> dict[str, Any]:
        """One action."""
        self.asked.append((action, params))
        step = self.script.pop(0) if self.script else OK
        if isinstance(step, Exception):
            raise step
        return step


class Chat:
    """A bot whose rows go to a scripted client."""

    def __init__(self, bot: Bot) -> None:
        self.bot, self.lines = bot, Lines()
        self.sender = OneBotSender(OneBot(), self.lines, bot.clock, break_s=0.0)
        self.delivery = Delivery(bot.writer, {SEND: self.sender.send}, bot.clock, SeededChance(8))

    def connect(self, *script: Step) -> FakeLine:
        """A client dials."""
        line = FakeLine(*script)
        self.lines._lines = [line]  # type: ignore[list-item]
        return line

    async def owe(self, text: str = "hi", user_id: str = "888") -> None:
        """An answer."""
        payload = {"self_id": "10001", "user_id": user_id, "text": text}
        await self.bot.writer.call(lambda work: work.owe(SEND, payload, lane=LANE, subject=f"onebot:10001:{user_id}"))

    async def passes(self, seconds: int, step: int = 5) -> None:
        """Time goes by, step by step."""
        for _ in range(0, seconds, step):
            await self.delivery.drain()
            self.bot.clock.advance(step)
        await self.delivery.drain()

    @property
    def status(self) -> list[tuple[str, str | None]]:
        """What became of the rows."""
        return [(row[0], row[1]) for row in self.bot.rows("SELECT status, error FROM outbox ORDER BY id")]


@pytest.fixture
async def chat(bot: Bot) -> AsyncIterator[Chat]:
    """Nobody is connected yet."""
    made = Chat(bot)
    yield made
    await made.sender.close()


def failed(retcode: int) -> Step:
    return {"status": "failed", "retcode": retcode, "data": None, "message": "why"}


@pytest.mark.parametrize(
    ("script", "tries", "status"),
    [
        ((), 1, "sent"),
        (({"status": "async", "retcode": 1, "data": None},), 1, "sent"),
        ((failed(100), failed(100)), 3, "sent"),
        ((failed(100),) * 9, 3, "suppressed"),
        ((failed(1400),) * 9, 1, "dead"),
        ((failed(1404),) * 9, 1, "dead"),
        ((failed(1403), failed(1401)), 3, "sent"),
        ((NoAnswer("lost"),), 2, "sent"),
        ((NoAnswer("lost"),) * 9, 2, "suppressed"),
        (({"status": "?", "retcode": None},) * 9, 2, "suppressed"),
        ((NotSent("closed"),) * 30, 31, "sent"),
        ((NoAnswer("lost"), NotSent("closed"), NotSent("closed"), NoAnswer("lost"), OK), 4, "suppressed"),
        ((failed(100), NoAnswer("lost"), OK), 2, "suppressed"),
    ],
)
async def test_how_often_a_message_is_tried(chat: Chat, script: tuple[Step, ...], tries: int, status: str) -> None:
    line = chat.connect(*script)
    await chat.owe()
    await chat.passes(450, step=15)

    assert (len(line.asked), [one for one, _ in chat.status]) == (tries, [status])
    assert chat.delivery.halted is None


async def test_what_is_owed_waits_for_a_client_and_keeps_its_order(chat: Chat) -> None:
    for number in range(5):
        await chat.owe(str(number))
    await chat.passes(600)
    assert {one for one, _ in chat.status} == {"pending"}

    line = chat.connect()
    await chat.passes(30)
    assert [params["message"][0]["data"]["text"] for _, params in line.asked] == ["0", "1", "2", "3", "4"]
    assert {one for one, _ in chat.status} == {"sent"}


async def test_a_chat_is_not_flooded(chat: Chat) -> None:
    line = chat.connect()
    for number in range(50):
        await chat.owe(str(number))
    await chat.owe("me", user_id="999")
    await chat.passes(1)
    assert len(line.asked) == 21
    await chat.passes(130)
    assert len(line.asked) == 51


async def test_what_was_said_is_known_again_by_its_id(chat: Chat) -> None:
    chat.connect()
    await chat.owe()
    await chat.passes(1)
    assert chat.lines.ours("10001", "9")
    assert not chat.lines.ours("10002", "9")


NAME = "[CQ:at,qq=all]"


@pytest.mark.parametrize(
    ("payload", "style", "action"),
    [
        ({"user_id": "888", "text": f"你好 {NAME}"}, "array",
         ("send_private_msg", {"user_id": 888, "message": [{"type": "text", "data": {"text": f"你好 {NAME}"}}]})),
        ({"user_id": "888", "text": f"a,b&{NAME}"}, "string",
         ("send_private_msg", {"user_id": 888, "message": "a,b&amp;&#91;CQ:at,qq=all&#93;"})),
        ({"user_id": "888", "text": "hi", "via_group": "777"}, "string",
         ("send_private_msg", {"user_id": 888, "message": "hi", "group_id": 777})),
        ({"group_id": "777", "text": NAME, "at": "888"}, "string",
         ("send_group_msg", {"group_id": 777, "message": "[CQ:at,qq=888]\n&#91;CQ:at,qq=all&#93;"})),
        ({"group_id": "g-7", "text": "hi"}, "array",
         ("send_group_msg", {"group_id": "g-7", "message": [{"type": "text", "data": {"text": "hi"}}]})),
    ],
)  # fmt: skip
def test_words_stay_words(payload: dict[str, Any], style: str, action: tuple[str, dict[str, Any]]) -> None:
    assert action_of(payload, style) == action


async def test_the_http_api_is_used_while_nobody_is_connected(chat: Chat) -> None:
    asked: list[tuple[str, str, Any]] = []
    answers: list[Callable[[], web.Response]] = [
        lambda: web.Response(status=403),
        lambda: web.Response(text="<html>"),
        lambda: web.json_response(OK),
    ]

    async def act(request: web.Request) -> web.Response:
        asked.append((request.path, request.headers["Authorization"], await request.json()))
        return answers.pop(0)()

    app = web.Application()
    app.router.add_post("/{action}", act)
    async with TestServer(app) as server:
        settings = OneBot(api_base=f"http://127.0.0.1:{server.port}/", access_token="t")  # type: ignore[arg-type]
        chat.sender._settings = settings
        await chat.owe()
        await chat.passes(90)
        message = [{"type": "text", "data": {"text": "hi"}}]
        assert asked == [("/send_private_msg", "Bearer t", {"user_id": 888, "message": message})] * 3
        assert chat.status == [("sent", None)]

    chat.sender._settings = OneBot(api_base="http://127.0.0.1:9")
    await chat.owe()
    await chat.passes(60)
    assert chat.status[1][0] == "pending"
