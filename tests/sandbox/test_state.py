"""--state: the world is in its file soon after each change and whole again after a restart."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestClient, TestServer

from sandbox import app as sandbox_app
from sandbox.__main__ import options
from sandbox.app import Options, Sandbox
from tests.sandbox.conftest import Desk, Receiver

NOBODY = "http://127.0.0.1:1"  # no bot: what is pushed there fails at once


@contextlib.asynccontextmanager
async def started(state: Path | None) -> AsyncIterator[Desk]:
    """A sandbox on this file, from start to stop."""
    sandbox = Sandbox(Options(bot=NOBODY, state=state))
    sandbox.pusher._pauses = ()
    async with TestClient(TestServer(sandbox.app()), timeout=aiohttp.ClientTimeout(total=10)) as client:
        yield Desk(sandbox, client, Receiver(sandbox))


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the world is kept; not there yet."""
    return tmp_path / "world.json"


@pytest.fixture
def saved_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Changes are saved every hundredth of a second."""
    monkeypatch.setattr(sandbox_app, "SAVE_EVERY_S", 0.01)


async def world(desk: Desk) -> dict[str, Any]:
    """What a restart must not change."""
    state = await desk.do("state", method="GET")
    return {name: state[name] for name in ("guides", "customers", "contact_ways", "groups", "tags", "counters")}


async def lived(desk: Desk) -> tuple[str, str]:
    """A little of everything happens; the customer and an unused welcome code."""
    customer = (await desk.do("customers", {"name": "小明🎉", "unionid": "o1", "gender": 2}))["external_userid"]
    code = (await desk.do(f"customers/{customer}/scan", {"userid": "xiaomei", "state": "live"}))["welcome_code"]
    chat_id = (await desk.do("groups", {"name": "福利群", "owner": "aqiang"}))["chat_id"]
    await desk.do(f"groups/{chat_id}/join", {"external_userid": customer})
    await desk.do("guides", {"userid": "lina", "name": "丽娜"})
    made = await desk.api("externalcontact/add_corp_tag", {"group_name": "渠道", "tag": [{"name": "直播"}]})
    pair = {"userid": "xiaomei", "external_userid": customer, "add_tag": [made["tag_group"]["tag"][0]["id"]]}
    await desk.api("externalcontact/mark_tag", pair)
    await desk.api("externalcontact/add_contact_way", {"type": 1, "scene": 2, "user": ["lina"], "state": "expo"})
    text = {"touser": "lina", "msgtype": "text", "agentid": 1000002, "text": {"content": "你好"}}
    await desk.api("message/send", text)
    await desk.settle()
    return customer, code


def test_the_command_line_takes_the_option(file: Path) -> None:
    assert options(["--state", str(file)]).state == file
    assert options([]).state is None


async def test_the_whole_world_comes_back(file: Path) -> None:
    async with started(file) as desk:
        await lived(desk)
        before = await world(desk)
    async with started(file) as desk:
        assert await world(desk) == before


async def test_tokens_and_welcome_codes_are_still_good(file: Path) -> None:
    async with started(file) as desk:
        customer, code = await lived(desk)
        token = desk.token
    async with started(file) as desk:
        desk.token = token
        body = {"welcome_code": code, "text": {"content": "欢迎"}}
        assert await desk.code("externalcontact/send_welcome_msg", body) == 0
        assert (await desk.api("externalcontact/get", external_userid=customer))["external_contact"]["name"] == "小明🎉"
    async with started(file) as desk:
        desk.token = token
        assert await desk.code("externalcontact/send_welcome_msg", body) == 41051


async def test_an_upload_is_still_there(file: Path) -> None:
    async with started(file) as desk:
        query = {"access_token": await desk.new_token(), "type": "image"}
        form = {"media": io.BytesIO(b"\x89PNG\x00\xff")}
        async with desk.client.post("/cgi-bin/media/upload", params=query, data=form) as response:
            media_id = (await response.json())["media_id"]
    async with started(file) as desk:
        query = {"access_token": await desk.new_token(), "media_id": media_id}
        async with desk.client.get("/cgi-bin/media/get", params=query) as response:
            assert await response.read() == b"\x89PNG\x00\xff"


async def test_virtual_time_goes_on_and_old_codes_stay_dead(file: Path) -> None:
    async with started(file) as desk:
        _, code = await lived(desk)
        await desk.do("clock", {"advance_s": 86_400})
    async with started(file) as desk:
        assert (await desk.do("clock", method="GET"))["offset_s"] == 86_400
        body = {"welcome_code": code, "text": {"content": "晚了"}}
        assert await desk.code("externalcontact/send_welcome_msg", body) == 41050


@pytest.mark.usefixtures("saved_at_once")
async def test_a_change_is_on_disk_before_the_sandbox_stops(file: Path) -> None:
    async with started(file) as desk:
        customer = (await desk.do("customers", {"name": "王女士"}))["external_userid"]
        async with asyncio.timeout(5):
            while not file.exists() or customer not in file.read_text(encoding="utf-8"):
                await asyncio.sleep(0.01)
        assert "王女士" in file.read_text(encoding="utf-8")


@pytest.mark.usefixtures("saved_at_once")
async def test_a_change_by_the_api_is_on_disk_as_well(file: Path) -> None:
    async with started(file) as desk:
        await desk.api("externalcontact/add_corp_tag", {"group_name": "渠道", "tag": [{"name": "直播"}]})
        async with asyncio.timeout(5):
            while not file.exists() or "直播" not in file.read_text(encoding="utf-8"):
                await asyncio.sleep(0.01)


async def test_the_file_is_whole_json_and_nothing_lies_beside_it(file: Path) -> None:
    async with started(file) as desk:
        await lived(desk)
    assert set(json.loads(file.read_text(encoding="utf-8"))) == {"world", "offset_s"}
    assert list(file.parent.iterdir()) == [file]


async def test_a_reset_is_remembered(file: Path) -> None:
    async with started(file) as desk:
        customer, _ = await lived(desk)
        await desk.do("reset", {})
        before = await world(desk)
    async with started(file) as desk:
        assert await world(desk) == before
        assert customer not in str(before)


async def test_without_the_option_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    async with started(None) as desk:
        customer, _ = await lived(desk)
    async with started(None) as desk:
        assert customer not in str(await world(desk))
    assert list(tmp_path.iterdir()) == []


async def test_the_same_seed_furnishes_the_same_world() -> None:
    async with started(None) as one, started(None) as other:
        first, second = await world(one), await world(other)
    for made in (first, second):
        for item in (*made["contact_ways"], *made["groups"]):
            item.pop("create_time")
        for group in made["groups"]:
            for member in group["members"]:
                member.pop("join_time")
    assert first == second
