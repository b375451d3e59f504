"""Group webhook robots: a key, byte limits, twenty a minute."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from tests.sandbox.conftest import Desk

KEY = "sandbox-webhook-alerts"
GOOD = {"msgtype": "text", "text": {"content": "好"}}


async def send(desk: Desk, body: Any, key: str = KEY) -> int:
    data = io.BytesIO(json.dumps(body).encode())
    headers = {"Content-Type": "application/json"}
    async with desk.client.post("/cgi-bin/webhook/send", params={"key": key}, data=data, headers=headers) as response:
        assert response.status == 200
        return int((await response.json())["errcode"])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (GOOD, 0),
        ({"msgtype": "text", "text": {"content": "a" * 2048}}, 0),
        ({"msgtype": "text", "text": {"content": "好" * 683}}, 45002),
        ({"msgtype": "text", "text": {"content": ""}}, 44004),
        ({"msgtype": "markdown", "markdown": {"content": "a" * 4096}}, 0),
        ({"msgtype": "markdown", "markdown": {"content": "a" * 4097}}, 45002),
        ({"msgtype": "markdown_v2", "markdown_v2": {"content": ""}}, 93017),
        ({"msgtype": "template_card", "template_card": {"card_type": "text_notice", "main_title": {"title": "x"}}}, 0),
        ({"msgtype": "template_card", "template_card": {"card_type": "button_interaction"}}, 42027),
        ({"msgtype": "image", "image": {"base64": "A" * 3_000_000}}, 93018),
        ({"msgtype": "video", "video": {}}, 40008),
        ({"msgtype": "text"}, 40008),
    ],
)  # fmt: skip
async def test_a_message_is_taken_or_refused(desk: Desk, body: Any, code: int) -> None:
    assert await send(desk, body) == code
    assert len(desk.sandbox.world.robots[KEY]["messages"]) == (code == 0)


async def test_twenty_a_minute_for_each_robot(desk: Desk) -> None:
    assert [await send(desk, GOOD) for _ in range(21)] == [0] * 20 + [45009]
    assert await send(desk, GOOD, "sandbox-webhook-daily") == 0
    await desk.do("clock", {"advance_s": 61})
    assert await send(desk, GOOD) == 0


async def test_an_unknown_or_stopped_robot_says_so_and_the_key_stays_secret(desk: Desk) -> None:
    assert await send(desk, GOOD, "somebody-elses-key") == 93000
    desk.sandbox.world.robots[KEY]["stopped"] = True
    assert await send(desk, GOOD) == 93004
    assert "somebody-elses-key" not in str(list(desk.sandbox.journal.entries))
