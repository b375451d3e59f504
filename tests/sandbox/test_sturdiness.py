"""What a careless caller sends, and what a restart must not repeat."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from sandbox.app import Options, Sandbox
from tests.sandbox.conftest import Desk, Receiver


@contextlib.asynccontextmanager
async def started(state: Path) -> AsyncIterator[Desk]:
    """A sandbox on this file whose bot is away."""
    sandbox = Sandbox(Options(bot="http://127.0.0.1:1", state=state))
    sandbox.pusher._pauses = ()
    async with TestClient(TestServer(sandbox.app()), timeout=aiohttp.ClientTimeout(total=10)) as client:
        yield Desk(sandbox, client, Receiver(sandbox))


async def test_a_restart_repeats_no_id(tmp_path: Path) -> None:
    given: list[str] = []
    for _ in range(3):
        async with started(tmp_path / "world.json") as desk:
            await desk.do("guides/xiaomei/say", {"text": "在吗"})
            given.append(str(desk.sandbox.world.last_msg_id))
            given.append((await desk.do("groups", {"name": "群", "owner": "xiaomei"}))["chat_id"])
            way = {"state": "s", "remark": "r", "user": ["xiaomei"]}
            given.append((await desk.do("contact_ways", way))["config_id"])
            groups, ways = len(desk.sandbox.world.groups), len(desk.sandbox.world.ways)
    assert len(set(given)) == 9
    assert (groups, ways) == (1 + 3, 2 + 3)  # nothing was overwritten


def test_a_broken_state_file_is_named(tmp_path: Path) -> None:
    file = tmp_path / "world.json"
    file.write_text('{"world": ')
    with pytest.raises(SystemExit, match=r"world\.json"):
        Sandbox(Options(state=file))


@pytest.mark.parametrize("seconds", [1e15, -1e15, 1e308])
async def test_the_clock_cannot_be_broken(desk: Desk, seconds: float) -> None:
    await desk.do("clock", {"advance_s": seconds}, status=422)
    assert abs(desk.sandbox.clock.time() - time.time()) < 5
    await desk.do("clock", {"advance_s": 60})
    await desk.do("state", method="GET")


@pytest.mark.parametrize("word", ["NaN", "Infinity"])
async def test_not_a_number_of_seconds(desk: Desk, word: str) -> None:
    data = f'{{"advance_s": {word}}}'
    async with desk.client.post("/__sandbox/clock", data=data) as response:
        assert response.status == 422
    await desk.do("clock", method="GET")


async def test_flush_does_not_wait_for_late_callbacks_already_sent(desk: Desk) -> None:
    await desk.do("faults", {"callback": {"late": 1.0, "late_s": 60}}, method="PUT")
    customer = (await desk.do("customers", {"name": "小明"}))["external_userid"]
    await desk.do(f"customers/{customer}/scan", {"userid": "xiaomei"})
    began = time.monotonic()
    await desk.settle()
    assert time.monotonic() - began < 10
    assert len(desk.receiver.plains) == 1


@pytest.mark.parametrize(
    "wrong",
    [
        {"callback": {"duplicate": 0.5}, "api": {"busy": 2}},
        {"callback": {"duplicate": 0.5}, "nonsense": {}},
        {"callback": {"duplicate": True}},
        {"callback": ["duplicate"]},
        {"callback": {"duplicate": 0.5}, "seed": "x"},
        {"callback": {"duplicate": 0.5}, "silent_after": "many"},
        {"callback": {"duplicate": 0.5}, "api_paths": "message/send"},
        {"callback": {"duplicate": 0.5}, "untrusted_ip": "yes"},
    ],
)
async def test_wrong_faults_change_nothing(desk: Desk, wrong: dict[str, Any]) -> None:
    before = await desk.do("faults", method="GET")
    refused = await desk.do("faults", wrong, method="PUT", status=422)
    assert refused["error"]["field"]
    assert await desk.do("faults", method="GET") == before


async def test_silence_from_the_first_message(desk: Desk) -> None:
    await desk.do("faults", {"silent_after": 0}, method="PUT")
    text = {"touser": "xiaomei", "msgtype": "text", "agentid": 1000002, "text": {"content": "你好"}}
    assert await desk.code("message/send", text) == 0
    assert desk.sandbox.world.guides["xiaomei"].inbox == []


async def test_a_scripted_fault_hits_its_path_alone(desk: Desk) -> None:
    await desk.do("faults/next", {"path": "externalcontact/get", "fault": "rate"})
    assert await desk.code("externalcontact/get_follow_user_list") == 0
    assert await desk.code("externalcontact/get", external_userid="wmnone") == 45009


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("faults/next", {"path": "gettoken", "fault": "rate", "times": "x"}),
        ("clock", {"advance_s": [1]}),
        ("customers", {"name": "小明", "gender": "女"}),
        ("burst", {"customers": [], "userid": "xiaomei"}),
        ("burst", {"customers": "many", "userid": "xiaomei"}),
    ],
)
async def test_a_value_of_the_wrong_kind_is_refused(desk: Desk, path: str, body: dict[str, Any]) -> None:
    await desk.do(path, body, status=422)


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("externalcontact/send_welcome_msg", {"welcome_code": "c", "text": "hi"}),
        ("externalcontact/send_welcome_msg", {"welcome_code": "c", "attachments": {"a": 1}}),
        ("externalcontact/add_corp_tag", {"group_name": "g", "tag": ["x"]}),
        ("externalcontact/batch/get_by_user", {"userid_list": ["xiaomei"], "limit": "x"}),
        ("message/send", {"touser": "xiaomei", "agentid": 1000002, "msgtype": ["text"]}),
        ("message/send", {"touser": "x|x", "agentid": 1000002, "msgtype": "template_card", "template_card": "c"}),
    ],
)
async def test_the_api_answers_wrong_kinds_with_a_code(desk: Desk, path: str, body: dict[str, Any]) -> None:
    assert await desk.code(path, body) != 0


async def test_a_duplicate_receiver_is_one_receiver(desk: Desk) -> None:
    text = {"touser": "xiaomei|XiaoMei", "msgtype": "text", "agentid": 1000002, "text": {"content": "你好"}}
    assert await desk.code("message/send", text) == 0
    assert len(desk.sandbox.world.guides["xiaomei"].inbox) == 1


async def test_a_change_of_a_contact_way_is_checked_like_a_new_one(desk: Desk) -> None:
    config_id = next(iter(desk.sandbox.world.ways))
    change = {"config_id": config_id, "user": ["nobody"]}
    assert await desk.code("externalcontact/update_contact_way", change) == 40003
    change = {"config_id": config_id, "remark": "备" * 31}
    assert await desk.code("externalcontact/update_contact_way", change) == 41043
    assert "nobody" not in desk.sandbox.world.ways[config_id]["user"]
