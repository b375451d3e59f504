"""--state keeps 微信客服 whole over a restart, and a world saved before there was any goes on with it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sandbox.app import Sandbox
from tests.sandbox.kf_desk import BOT, DAY, HUMAN, Chat, new_chat
from tests.sandbox.test_state import started


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where the world is kept; not there yet."""
    return tmp_path / "world.json"


async def test_everything_comes_back(file: Path) -> None:
    async with started(file) as desk:
        chat = await new_chat(desk)
        code = (await chat.do("enter", scene="store"))["welcome_code"]
        await chat.say("一")
        await chat.sync(limit=1)
        for number in range(4):
            assert await chat.code(msgid=f"r-{number}") == 0
        await chat.trans(BOT)
        before = await desk.do("state", method="GET")
        bell = next(iter(desk.sandbox.world.kf.bells))
    async with started(file) as desk:
        chat.desk, desk.token = desk, chat.desk.token
        after = await desk.do("state", method="GET")
        assert (after["customers"], after["kf_accounts"]) == (before["customers"], before["kf_accounts"])
        assert await chat.state() == BOT
        assert [message["msgtype"] for message in await chat.pull(token=bell)] == ["text"]
        assert await chat.code(msgid="r-0") == 95033
        assert await chat.answer(code) == 0
        assert [await chat.code() for _ in range(2)] == [0, 95001]


async def test_what_a_restart_keeps_of_the_log_is_three_days_still(file: Path) -> None:
    async with started(file) as desk:
        chat = await new_chat(desk)
        await chat.say("旧")
        await chat.later(2 * DAY)
        await chat.say("新")
    async with started(file) as desk:
        chat = Chat(desk, chat.kfid, chat.customer)
        await chat.later(1.5 * DAY)
        assert [message["text"]["content"] for message in await chat.pull()] == ["新"]


async def test_an_old_world_goes_on_with_a_new_account(file: Path) -> None:
    async with started(file) as desk:
        await desk.do("guides", {"userid": "lina", "name": "丽娜"})
        customers = (await desk.do("state", method="GET"))["customers"]
    saved = json.loads(file.read_text(encoding="utf-8"))
    del saved["world"]["kf"]
    file.write_text(json.dumps(saved), encoding="utf-8")

    async with started(file) as desk:
        state = await desk.do("state", method="GET")
        assert state["customers"] == customers
        (account,) = state["kf_accounts"]
        assert [one["userid"] for one in account["servicers"]] == ["xiaomei", "aqiang", "lina"]
        chat = Chat(desk, account["open_kfid"], customers[0]["external_userid"])
        await chat.say()
        assert (await chat.trans(HUMAN, "lina"))["errcode"] == 0


async def test_accounts_that_were_all_deleted_do_not_come_back(file: Path) -> None:
    async with started(file) as desk:
        kfid = (await desk.do("state", method="GET"))["kf_accounts"][0]["open_kfid"]
        await desk.api("kf/account/del", {"open_kfid": kfid})
    async with started(file) as desk:
        assert (await desk.do("state", method="GET"))["kf_accounts"] == []


async def test_a_reset_begins_with_one_empty_account(file: Path) -> None:
    async with started(file) as desk:
        chat = await new_chat(desk)
        await chat.say()
        await desk.do("reset", {})
        state = await desk.do("state", method="GET")
        (account,) = state["kf_accounts"]
        assert account["open_kfid"] != chat.kfid
        assert [customer["kf"] for customer in state["customers"]] == [{}, {}, {}]


async def test_a_spoilt_file_is_said_so(file: Path) -> None:
    async with started(file) as desk:
        options = desk.sandbox.options
    saved = json.loads(file.read_text(encoding="utf-8"))
    saved["world"]["kf"] = {"accounts": 7}
    file.write_text(json.dumps(saved), encoding="utf-8")

    with pytest.raises(SystemExit, match="读不出来"):
        Sandbox(options)
