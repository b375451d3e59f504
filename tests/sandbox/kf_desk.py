"""微信客服 in the tests: one customer with the furnished account, as the bot, the page and the receiver see them."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from dataclasses import dataclass, field
from typing import Any

from tests.sandbox.conftest import Desk

HOUR, DAY = 3600, 86_400
NEW, BOT, POOL, HUMAN, ENDED = range(5)


@dataclass
class Chat:
    """A customer and an account; the cursor goes on where it was."""

    desk: Desk
    kfid: str
    customer: str
    cursor: str = ""
    seen: list[dict[str, Any]] = field(default_factory=list)

    async def do(self, act: str, status: int = 200, **body: Any) -> dict[str, Any]:
        """Somebody acts in this chat."""
        answer = await self.desk.do(f"kf/{self.kfid}/{act}", {"external_userid": self.customer, **body}, status=status)
        return dict(answer)

    async def say(self, text: str = "查积分", **more: Any) -> str:
        """The customer writes; the msgid."""
        return str((await self.do("say", text=text, **more))["msgid"])

    async def send(self, msgtype: str = "text", content: Any = None, **more: Any) -> dict[str, Any]:
        """The bot answers by send_msg."""
        content = {"content": "您有 120 积分"} if content is None else content
        body = {"touser": self.customer, "open_kfid": self.kfid, "msgtype": msgtype, msgtype: content, **more}
        return await self.desk.api("kf/send_msg", body)

    async def code(self, msgtype: str = "text", content: Any = None, **more: Any) -> int:
        """What send_msg answers, the errcode alone."""
        return int((await self.send(msgtype, content, **more))["errcode"])

    async def answer(self, code: str | None, text: str = "欢迎", **more: Any) -> int:
        """The bot answers an event; the errcode."""
        body = {"code": code, "msgtype": "text", "text": {"content": text}, **more}
        return await self.desk.code("kf/send_msg_on_event", body)

    async def trans(self, state: int, servicer: str | None = None) -> dict[str, Any]:
        """The bot moves the session."""
        body = {"open_kfid": self.kfid, "external_userid": self.customer, "service_state": state}
        more = {"servicer_userid": servicer} if servicer else {}
        return await self.desk.api("kf/service_state/trans", {**body, **more})

    async def state(self) -> int:
        """Where the session stands, by the API."""
        body = {"open_kfid": self.kfid, "external_userid": self.customer}
        answer = await self.desk.api("kf/service_state/get", body)
        assert answer["errcode"] == 0
        return int(answer["service_state"])

    async def sync(self, **more: Any) -> dict[str, Any]:
        """One sync_msg from where the last one ended."""
        answer = await self.desk.api("kf/sync_msg", {"open_kfid": self.kfid, "cursor": self.cursor, **more})
        if answer["errcode"] == 0:
            self.cursor = answer["next_cursor"]
            self.seen += answer["msg_list"]
        return answer

    async def pull(self, **more: Any) -> list[dict[str, Any]]:
        """Everything that is new."""
        before = len(self.seen)
        while (await self.sync(**more))["has_more"]:
            pass
        return self.seen[before:]

    async def events(self) -> list[dict[str, Any]]:
        """The events among what is new."""
        return [message["event"] for message in await self.pull() if message["msgtype"] == "event"]

    async def bells(self) -> list[dict[str, str]]:
        """What the receiver was rung with, decrypted and parsed."""
        await self.desk.settle()
        roots = [ET.fromstring(plain) for plain in self.desk.receiver.plains]  # noqa: S314 - the sandbox's own
        return [{part.tag: part.text or "" for part in root} for root in roots]

    async def phone(self) -> list[dict[str, Any]]:
        """What the customer's phone shows."""
        state = await self.desk.do("state", method="GET")
        (customer,) = [one for one in state["customers"] if one["external_userid"] == self.customer]
        messages: list[dict[str, Any]] = customer["kf"][self.kfid]["messages"]
        return messages

    async def later(self, seconds: float) -> None:
        """Virtual time passes; a token may grow stale over it."""
        await self.desk.do("clock", {"advance_s": seconds})
        self.desk.token = ""


async def new_chat(desk: Desk, name: str = "小明🎉") -> Chat:
    """A stranger and the furnished account. Empty pages come only when a test asks for them."""
    await desk.do("faults", {"api": {"kf_empty_page": 0}}, method="PUT")
    state = await desk.do("state", method="GET")
    customer = await desk.do("customers", {"name": name})
    return Chat(desk, state["kf_accounts"][0]["open_kfid"], customer["external_userid"])
