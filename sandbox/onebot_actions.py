"""Actions of OneBot v11 as the sandbox's implementation carries them out, with its retcodes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sandbox.clock import VirtualClock
from sandbox.onebot_cq import shown, understood
from sandbox.onebot_world import OneBotWorld, Person
from sandbox.world import World

Params = dict[str, Any]
BAD_REQUEST, UNKNOWN_ACTION, NOT_DONE = 1400, 1404, 100
LONGEST = 4500


class Failed(Exception):
    """An action that is not done."""

    def __init__(self, retcode: int, message: str) -> None:
        super().__init__(message)
        self.retcode = retcode


class Actions:
    """Carries out one action at a time."""

    def __init__(self, world: World, clock: VirtualClock) -> None:
        self._world, self._clock = world, clock
        self._table: dict[str, Callable[[Params], Any]] = {
            "send_private_msg": self.send_private,
            "send_group_msg": self.send_group,
            "send_msg": self.send,
            "delete_msg": self.delete,
            "get_msg": self.message,
            "get_login_info": lambda params: {"user_id": self._there.self_id, "nickname": self._there.nickname},
            "get_group_info": self.group_info,
            "get_group_list": lambda params: [self.group_info({"group_id": self._there.group_id})],
            "get_group_member_info": lambda params: self.member_info(self._person(params)),
            "get_group_member_list": self.member_list,
            "get_friend_list": lambda params: [
                {"user_id": one.user_id, "nickname": one.nickname, "remark": ""}
                for one in self._there.people.values()
                if one.friend
            ],
            "get_status": lambda params: {"online": True, "good": True},
            "get_version_info": lambda params: {
                "app_name": "sandbox", "app_version": "1", "protocol_version": "v11",
            },
        }  # fmt: skip

    @property
    def _there(self) -> OneBotWorld:
        return self._world.onebot

    def do(self, action: str, params: Any) -> dict[str, Any]:
        """The answer to an action, without its echo."""
        bare = action.removesuffix("_async").removesuffix("_rate_limited")
        try:
            if not isinstance(params, dict | None):
                raise Failed(BAD_REQUEST, "params")
            known = self._table.get(bare)
            if known is None:
                raise Failed(UNKNOWN_ACTION, f"unsupported action: {action}")
            data = known(params or {})
        except Failed as failed:
            return {"status": "failed", "retcode": failed.retcode, "data": None, "message": str(failed)}
        if action != bare:
            return {"status": "async", "retcode": 1, "data": None}
        return {"status": "ok", "retcode": 0, "data": data}

    # -- speaking ------------------------------------------------------------------------------------------------------

    def send(self, params: Params) -> Params:
        """By message_type, or by what is given."""
        return self.send_group(params) if "group_id" in params and not params.get("user_id") else (
            self.send_private(params)
        )  # fmt: skip

    def send_private(self, params: Params) -> Params:
        """To one person: a friend, or somebody of a common group who lets strangers write."""
        person = self._person(params)
        common = params.get("group_id") == self._there.group_id and person.user_id in self._there.members
        if not person.friend and not (common and person.temp):
            raise Failed(NOT_DONE, "不是好友，也不能发起临时会话")
        return self._spoken(params, person.private)

    def send_group(self, params: Params) -> Params:
        """To the group."""
        self.group_info(params)
        return self._spoken(params, self._there.chat)

    def _spoken(self, params: Params, where: list[dict[str, Any]]) -> Params:
        try:
            segments = understood(params["message"], plain=bool(params.get("auto_escape")))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Failed(BAD_REQUEST, "message") from None
        text = shown(segments, self._there.name)
        if not text or len(text) > LONGEST:
            raise Failed(NOT_DONE, "消息为空，或太长")
        said = {"at": self._clock.iso(), "user_id": self._there.self_id, "segments": segments, "text": text}
        return {"message_id": self._there.keep(said, where)["message_id"]}

    def delete(self, params: Params) -> None:
        """Recall."""
        self.message(params)
        self._there.messages[str(params["message_id"])]["recalled"] = True

    # -- reading -------------------------------------------------------------------------------------------------------

    def message(self, params: Params) -> Params:
        """A message by its id."""
        found = self._there.messages.get(str(params.get("message_id")))
        if found is None:
            raise Failed(NOT_DONE, "消息不存在")
        kind = "group" if found in self._there.chat else "private"
        return {"message_id": found["message_id"], "real_id": found["message_id"], "message_type": kind,
                "message": found["segments"], "time": int(self._clock.time()),
                "sender": {"user_id": found["user_id"], "nickname": self._there.name(found["user_id"])}}  # fmt: skip

    def group_info(self, params: Params) -> Params:
        """The group; another is not ours."""
        there = self._there
        if params.get("group_id") != there.group_id:
            raise Failed(NOT_DONE, "群不存在，或不在群里")
        return {"group_id": there.group_id, "group_name": there.group_name, "member_count": len(there.members) + 1,
                "max_member_count": 500}  # fmt: skip

    def member_list(self, params: Params) -> list[Params]:
        """Everybody in the group."""
        self.group_info(params)
        return [self.member_info(self._there.people[str(user_id)]) for user_id in self._there.members]

    def member_info(self, person: Person) -> Params:
        """One of the group."""
        return {"group_id": self._there.group_id, "user_id": person.user_id, "nickname": person.nickname, "card": "",
                "role": person.role}  # fmt: skip

    def _person(self, params: Params) -> Person:
        found = self._there.people.get(str(params.get("user_id")))
        if found is None:
            raise Failed(NOT_DONE, "没有这个人")
        return found
