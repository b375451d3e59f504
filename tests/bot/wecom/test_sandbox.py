"""The client and the sandbox, written apart from each other, agree: every typed method against the running process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from bot.clock import SystemClock
from bot.errors import Action, WeComError, WeComUnreachable
from bot.way_sender import WaySender
from bot.wecom.client import WeCom
from storage.outbox import Call
from tests.bot.wecom.server import client_of

ROOT = Path(__file__).parents[3]


def free_port() -> int:
    """A port that nobody listens on right now."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        return int(held.getsockname()[1])


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A sandbox of its own; the bot it would call is not there."""
    port, log = free_port(), tmp_path_factory.mktemp("sandbox")
    command = [sys.executable, "-m", "sandbox", "--port", str(port), "--bot", f"http://127.0.0.1:{free_port()}"]
    with (log / "out.txt").open("wb") as out:
        process = subprocess.Popen([*command, "--log", str(log / "log.jsonl")], cwd=ROOT, stdout=out, stderr=out)
        try:
            for _ in range(150):
                assert process.poll() is None, (log / "out.txt").read_text(encoding="utf-8")
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 0.2):
                    break
                time.sleep(0.1)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(10)


class Control:
    """The sandbox's control plane."""

    def __init__(self, base: str, session: aiohttp.ClientSession) -> None:
        self._base, self._session = base, session

    async def do(self, method: str, path: str, body: Any = None) -> Any:
        """One request; its answer."""
        async with self._session.request(method, f"{self._base}/__sandbox/{path}", json=body) as response:
            assert response.status < 300, await response.text()
            return await response.json()

    async def calls(self, path: str, since: int) -> list[dict[str, Any]]:
        """Calls of one path after an entry of the log; a reset does not shorten the log."""
        entries = (await self.do("GET", f"log?since={since}&limit=10000"))["items"]
        return [entry for entry in entries if entry["type"] == "call" and entry["path"] == path]

    async def now(self) -> int:
        """Where the log stands."""
        return int((await self.do("GET", "log?since=0&limit=100000"))["next"])


@pytest.fixture
async def control(base: str) -> AsyncIterator[Control]:
    async with aiohttp.ClientSession() as session:
        plane = Control(base, session)
        await plane.do("POST", "reset")
        yield plane


@pytest.fixture
async def wecom(base: str, control: Control) -> AsyncIterator[WeCom]:
    async with client_of(base, SystemClock()) as client:
        yield client


async def guide_and_customer(control: Control) -> tuple[str, str, str]:
    """(userid, external_userid, welcome_code) of a customer who has just added a guide."""
    await control.do("POST", "guides", {"userid": "meimei", "name": "梅梅"})
    customer = await control.do("POST", "customers", {"name": "小明🎉"})
    external_userid = str(customer["external_userid"])
    scanned = await control.do("POST", f"customers/{external_userid}/scan", {"userid": "meimei", "state": "live"})
    return "meimei", external_userid, str(scanned["welcome_code"])


async def test_contacts_and_the_welcome(wecom: WeCom, control: Control) -> None:
    userid, external_userid, welcome_code = await guide_and_customer(control)
    assert userid in await wecom.contact.get_follow_user_list()
    assert await wecom.contact.list_external_userid(userid) == [external_userid]
    told = await wecom.contact.get(external_userid)
    assert told["external_contact"]["name"] == "小明🎉"
    assert [(f["userid"], f["state"]) for f in told["follow_user"]] == [(userid, "live")]
    pairs = [entry async for entry in wecom.contact.get_by_user([userid])]
    assert [entry["external_contact"]["external_userid"] for entry in pairs] == [external_userid]
    await wecom.contact.remark(userid, external_userid, remark="老客")
    assert (await wecom.contact.get(external_userid))["follow_user"][0]["remark"] == "老客"
    await wecom.contact.send_welcome_msg(welcome_code, "你好")
    with pytest.raises(WeComError) as caught:
        await wecom.contact.send_welcome_msg(welcome_code, "你好")
    assert caught.value.permanent


async def test_tags(wecom: WeCom, control: Control) -> None:
    userid, external_userid, _ = await guide_and_customer(control)
    group = await wecom.tags.add_corp_tag(["直播"], group_name="渠道试")
    tag_id = group["tag"][0]["id"]
    assert [g["group_name"] for g in await wecom.tags.get_corp_tag_list([tag_id])] == ["渠道试"]
    await wecom.tags.mark_tag(userid, external_userid, [tag_id])
    await wecom.tags.mark_tag(userid, external_userid, [tag_id])
    assert [t["tag_name"] for t in (await wecom.contact.get(external_userid))["follow_user"][0]["tags"]] == ["直播"]
    await wecom.tags.edit_corp_tag(tag_id, "直播间")
    await wecom.tags.mark_tag(userid, external_userid, remove_tag=[tag_id])
    await wecom.tags.del_corp_tag([tag_id])
    with pytest.raises(WeComError) as caught:
        await wecom.tags.mark_tag(userid, "wmNobody", [tag_id])
    assert caught.value.errcode is not None


async def test_contact_ways(wecom: WeCom, control: Control) -> None:
    userid, _, _ = await guide_and_customer(control)
    config_id, qr_code = await wecom.contact_way.add_contact_way([userid], state="expo", remark="展会")
    assert qr_code
    assert config_id in [way async for way in wecom.contact_way.list_contact_way()]
    await wecom.contact_way.update_contact_way(config_id, state="expo2")
    assert (await wecom.contact_way.get_contact_way(config_id))["state"] == "expo2"
    await wecom.contact_way.del_contact_way(config_id)
    with pytest.raises(WeComError):
        await wecom.contact_way.get_contact_way(config_id)


def owed(attempts: int) -> Call:
    """An outbox row that asks for a way, at its so-many-th try."""
    return Call(1, "externalcontact/add_contact_way", "default", "", "{}", 1, "leased", attempts, 0, "e", None, None,
                SystemClock().now(), SystemClock().now(), None, None, None)  # fmt: skip


async def test_a_way_whose_answer_was_lost_is_found_not_made_again(wecom: WeCom, control: Control) -> None:
    userid, _, _ = await guide_and_customer(control)
    payload = {"type": 1, "scene": 2, "state": "ref:AAAA-0001", "remark": "x", "user": [userid], "skip_verify": True}
    send = WaySender(wecom).send
    await control.do("POST", "faults/next", {"path": "externalcontact/add_contact_way", "fault": "commit_then_drop"})
    with pytest.raises(WeComUnreachable) as caught:
        await send(payload, owed(1))
    assert caught.value.ambiguous

    found = await send(payload, owed(2))
    assert found["qr_code"]
    ways = [await wecom.contact_way.get_contact_way(one) async for one in wecom.contact_way.list_contact_way()]
    assert [way["config_id"] for way in ways if way.get("state") == payload["state"]] == [found["config_id"]]
    other = await send({**payload, "state": "ref:AAAA-0002"}, owed(2))
    assert other["config_id"] != found["config_id"]


async def test_without_a_licence_the_way_alone_is_given_up(wecom: WeCom, control: Control) -> None:
    userid, _, _ = await guide_and_customer(control)
    no_licence = {"path": "externalcontact/add_contact_way", "fault": "rate", "errcode": 701008}
    await control.do("POST", "faults/next", no_licence)
    with pytest.raises(WeComError) as caught:
        await WaySender(wecom).send({"type": 1, "scene": 2, "state": "s", "user": [userid]}, owed(1))
    assert (caught.value.errcode, caught.value.action) == (701008, Action.DROP)


async def test_groups(wecom: WeCom, control: Control) -> None:
    userid, external_userid, _ = await guide_and_customer(control)
    made = await control.do("POST", "groups", {"name": "福利群", "owner": userid})
    chat_id = str(made["chat_id"])
    await control.do("POST", f"groups/{chat_id}/join", {"external_userid": external_userid})
    await control.do("POST", "clock", {"advance_s": 5})  # groupchat/get may lag behind
    assert chat_id in [group["chat_id"] async for group in wecom.group_chat.list_groupchat()]
    group = await wecom.group_chat.get(chat_id)
    assert external_userid in [member["userid"] for member in group["member_list"]]
    with pytest.raises(WeComError) as caught:
        await wecom.group_chat.get("wrNone")
    assert caught.value.permanent


async def test_messages_cards_media_and_addresses(wecom: WeCom, control: Control) -> None:
    userid, _, _ = await guide_and_customer(control)
    assert (await wecom.message.send("text", {"content": "满100减20"}, touser=[userid]))["msgid"]
    card = {
        "card_type": "button_interaction", "main_title": {"title": "退款审核"}, "task_id": "refund-1",
        "button_list": [{"text": "同意", "style": 1, "key": "ok"}],
    }  # fmt: skip
    told = await wecom.message.send("template_card", card, touser=[userid])
    await wecom.message.update_template_card(told["response_code"], [userid], replace_name="已同意")
    with pytest.raises(WeComError) as caught:
        await wecom.message.update_template_card(told["response_code"], [userid], replace_name="已同意")
    assert (caught.value.errcode, caught.value.action) == (60140, Action.DROP)
    data = b"\x89PNG" + bytes(range(256))
    media_id = (await wecom.media.upload("image", "海报.png", data))["media_id"]
    assert await wecom.media.get(media_id) == data
    assert await wecom.network.getcallbackip()
    assert await wecom.network.get_api_domain_ip()


async def test_a_revoked_token_is_survived_by_many_at_once(wecom: WeCom, control: Control) -> None:
    _, external_userid, _ = await guide_and_customer(control)
    await wecom.contact.get(external_userid)
    since = await control.now()
    await control.do("POST", "faults/next", {"path": "externalcontact/get", "fault": "revoke", "times": 1})
    await asyncio.gather(*[wecom.contact.get(external_userid) for _ in range(100)])
    assert len(await control.calls("gettoken", since)) == 1


async def test_a_wrong_secret_is_asked_for_once(base: str, control: Control) -> None:
    since = await control.now()
    async with client_of(base, SystemClock(), secret="not-the-secret") as wecom:
        for _ in range(5):
            with pytest.raises(WeComError) as caught:
                await wecom.network.getcallbackip()
            assert caught.value.action is Action.STOP
    asked = await control.calls("gettoken", since)
    assert len(asked) == 1
    assert "not-the-secret" not in str(asked)
