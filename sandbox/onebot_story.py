"""What people do in the community group and in private chats with the bot there."""

from __future__ import annotations

from typing import Any

from sandbox.clock import VirtualClock
from sandbox.onebot_cq import Segments, shown, understood, written
from sandbox.onebot_wire import MODES, Wire
from sandbox.onebot_world import OneBotWorld, Person
from sandbox.story import Impossible
from sandbox.world import World

FORMATS = ("array", "string")
LONGEST = 4500


class OneBotStory:
    """Acts of members and strangers. `format`: how this implementation writes messages."""

    def __init__(self, world: World, clock: VirtualClock, wire: Wire) -> None:
        self.world, self._clock, self.wire, self.format = world, clock, wire, "array"

    @property
    def _there(self) -> OneBotWorld:
        return self.world.onebot

    def furnish(self) -> None:
        """The customers are in the group, and strangers: one whom nobody may write to in private."""
        self.world.onebot = OneBotWorld(mode=self.wire.mode)
        for customer in self.world.customers.values():
            self._enter(self._there.add(customer.name, friend=True, external_userid=customer.external_userid))
        self._enter(self._there.add("路人甲", temp=False))
        self._enter(self._there.add("小红", role="admin"))

    def _enter(self, person: Person) -> None:
        self._there.members.append(person.user_id)

    def find(self, user_id: object) -> Person:
        """An account that exists."""
        found = self._there.people.get(str(user_id))
        if found is None:
            raise Impossible("user_id", "没有这个社群账号", 404)
        return found

    # -- speaking ------------------------------------------------------------------------------------------------------

    def group_say(self, user_id: object, said: Any, *, mention: bool, reply: object) -> dict[str, Any]:
        """A member writes in the group, to the bot (`mention`, `reply`: a message's id) or to all."""
        person, there = self.find(user_id), self._there
        if person.user_id not in there.members:
            raise Impossible("user_id", "不在群里", 409)
        segments = self._segments(said)
        if mention:
            segments = [{"type": "at", "data": {"qq": str(there.self_id)}}, _led(segments[0]), *segments[1:]]
        if reply:
            segments = [{"type": "reply", "data": {"id": str(reply)}}, *segments]
        message = there.keep(self._shown(person, segments), there.chat)
        return self._told(person, message, message_type="group", sub_type="normal", group_id=there.group_id,
                          anonymous=None)  # fmt: skip

    def private_say(self, user_id: object, said: Any) -> dict[str, Any]:
        """Somebody writes to the bot alone: a friend, or a stranger through the common group."""
        person, there = self.find(user_id), self._there
        if not person.friend and person.user_id not in there.members:
            raise Impossible("user_id", "不是好友也不在群里，没法私聊", 409)
        message = there.keep(self._shown(person, self._segments(said)), person.private)
        if person.friend:
            return self._told(person, message, message_type="private", sub_type="friend")
        return self._told(person, message, message_type="private", sub_type="group", group=there.group_id)

    @staticmethod
    def _segments(said: Any) -> Segments:
        if isinstance(said, list):
            return understood(said)
        if not isinstance(said, str) or not said.strip() or len(said) > LONGEST:
            raise Impossible("text", f"写 1 到 {LONGEST} 个字再发送")
        return [{"type": "text", "data": {"text": said}}]

    def _shown(self, person: Person, segments: Segments) -> dict[str, Any]:
        text = shown(segments, self._there.name)
        return {"at": self._clock.iso(), "user_id": person.user_id, "segments": segments, "text": text}

    def _told(self, person: Person, message: dict[str, Any], group: int = 0, **fields: Any) -> dict[str, Any]:
        raw = written(message["segments"])
        sender = {"user_id": person.user_id, "nickname": person.nickname, "card": "", "role": person.role}
        frame = self.wire.frame(
            "message", **fields, message_id=message["message_id"], user_id=person.user_id,
            message=raw if self.format == "string" else message["segments"], raw_message=raw, font=0,
            sender={**sender, "group_id": group} if group else sender,
        )  # fmt: skip
        return {"key": self.wire.emit(frame), "message_id": message["message_id"]}

    # -- coming and going ----------------------------------------------------------------------------------------------

    def join(self, user_id: object, nickname: str) -> dict[str, Any]:
        """Somebody joins: an account that left, or a new one."""
        person = self.find(user_id) if user_id else self._there.add(nickname.strip() or "新成员")
        if person.user_id in self._there.members:
            raise Impossible("user_id", "已经在群里了", 409)
        self._enter(person)
        return {"user_id": person.user_id, "key": self._notice("group_increase", "approve", person, 0)}

    def leave(self, user_id: object, *, kick: bool) -> dict[str, Any]:
        """Somebody leaves, or is removed."""
        person = self.find(user_id)
        if person.user_id not in self._there.members:
            raise Impossible("user_id", "不在群里", 409)
        self._there.members.remove(person.user_id)
        by = 20_000 if kick else person.user_id
        return {"key": self._notice("group_decrease", "kick" if kick else "leave", person, by)}

    def _notice(self, kind: str, sub_type: str, person: Person, operator: int) -> str:
        fields = {"group_id": self._there.group_id, "operator_id": operator, "user_id": person.user_id}
        return self.wire.emit(self.wire.frame("notice", notice_type=kind, sub_type=sub_type, **fields))

    # -- settings ------------------------------------------------------------------------------------------------------

    async def settle(self, mode: object, form: object) -> dict[str, Any]:
        """How this implementation speaks to the bot; what is None stays."""
        if mode is not None and mode not in MODES:
            raise Impossible("mode", "mode 要填 ws、post 或空")
        if form is not None and form not in FORMATS:
            raise Impossible("format", f"format 要填 {'、'.join(FORMATS)}")
        self.format = self.format if form is None else str(form)
        if mode is not None and mode != self.wire.mode:
            await self.wire.switch(str(mode))
        return {"mode": self.wire.mode, "format": self.format}


def _led(segment: dict[str, Any]) -> dict[str, Any]:
    """A blank stands between a mention and the words."""
    if segment["type"] != "text":
        return segment
    return {"type": "text", "data": {"text": f" {segment['data'].get('text', '')}"}}
