"""What people do in customer groups, and the callbacks that come of it. What they say there reaches no API."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sandbox.api_contact import group_chat
from sandbox.api_group import make_join_way
from sandbox.callbacks import Raw, cdata
from sandbox.world import Group

if TYPE_CHECKING:
    from sandbox.story import Story

GROUP_LAG_S = 1.0
INVITED, LINK, CODE = 1, 2, 3  # join_scene of the list
TOLD = {INVITED: 0, LINK: 0, CODE: 3}  # JoinScene of the event: a link is told as an invitation
ROOM_SIZE = 500


class GroupStory:
    """Acts of the owners and members of groups."""

    def __init__(self, story: Story) -> None:
        self._story, self.world, self._clock = story, story.world, story.clock

    def open(self, name: str, owner: str, *, quiet: bool = False) -> Group:
        """A guide opens a customer group."""
        guide = self._story.find_guide(owner)
        now = int(self._clock.time())
        group = Group(self.world.new_id("wr"), name or "未命名的群", guide.userid, now, self.world.new_id("", 8))
        group.members.append({"userid": guide.userid, "type": 1, "join_time": now, "join_scene": 1, "name": guide.name})
        self.world.groups[group.chat_id] = group
        if not quiet:
            self._tell(group, "create")
        return group

    def join(
        self, chat_id: str, external_userid: str, scene: int, state: str, invitor: str | None = None
    ) -> dict[str, Any]:
        """A customer comes in; `scene` 0 or 1 invited, 2 by a link, 3 by a code. `invitor` must be in the group."""
        group, customer = self._story.find_group(chat_id), self._story.find_customer(external_userid)
        inside = {member["userid"] for member in group.members}
        if external_userid in inside:
            raise self._story.impossible("external_userid", "已经在群里了", 409)
        if invitor is not None and invitor not in inside:
            raise self._story.impossible("invitor", "邀请人不在群里")
        listed = scene if scene in (LINK, CODE) else INVITED
        last = self._change(group)
        member = {
            "userid": external_userid,
            "type": 2,
            "join_time": int(self._clock.time()),
            "join_scene": listed,
            "name": customer.name,
            "unionid": customer.unionid,
            "invitor": {"userid": invitor or group.owner},
            "group_nickname": "",
        }
        group.members.append({**member, "state": state} if state else member)
        return self._members(group, "add_member", external_userid, last, JoinScene=TOLD[listed])

    def scan(self, config_id: str, external_userid: str) -> dict[str, Any]:
        """A customer scans a join way: into its first group with room, into a new one when it may be made."""
        way = self.world.join_ways.get(config_id)
        if way is None:
            raise self._story.impossible("config_id", "这个入群方式不存在或已删除", 404)
        rooms = [self.world.groups[chat_id] for chat_id in way["chat_id_list"] if chat_id in self.world.groups]
        rooms = [room for room in rooms if not room.dismissed]
        if any(member["userid"] == external_userid for room in rooms for member in room.members):
            raise self._story.impossible("external_userid", "已经在群里了", 409)
        room = next((one for one in rooms if len(one.members) < ROOM_SIZE), None)
        if room is None:
            if not way.get("auto_create_room") or not rooms:
                raise self._story.impossible("config_id", "群都满了或解散了", 409)
            number = int(way.get("room_base_id") or 1)
            room = self.open(f"{way.get('room_base_name') or rooms[0].name}{number}", rooms[0].owner)
            way["room_base_id"], way["chat_id_list"] = number + 1, [*way["chat_id_list"], room.chat_id]
        return {"chat_id": room.chat_id, **self.join(room.chat_id, external_userid, CODE, way.get("state") or "")}

    def new_way(self, fields: dict[str, Any]) -> dict[str, Any]:
        """A join way made in the admin's browser: no callback, no API call."""
        return make_join_way(self.world, {"scene": 2, **fields})

    def say(self, chat_id: str, external_userid: str) -> dict[str, Any]:
        """A member says something. Nobody is told of it; tomorrow it is one more in the numbers."""
        group = self._story.find_group(chat_id)
        if all(member["userid"] != external_userid for member in group.members):
            raise self._story.impossible("external_userid", "不在群里", 409)
        group.said.append((self._clock.time(), external_userid))
        return {"said": len(group.said)}

    def leave(self, chat_id: str, external_userid: str, scene: int) -> dict[str, Any]:
        """A customer goes, or is removed."""
        group = self._story.find_group(chat_id)
        kept = [member for member in group.members if member["userid"] != external_userid]
        if len(kept) == len(group.members):
            raise self._story.impossible("external_userid", "不在群里", 409)
        last = self._change(group)
        group.members = kept
        return self._members(group, "del_member", external_userid, last, QuitScene=scene)

    def rename(self, chat_id: str, name: str) -> dict[str, Any]:
        """The owner renames the group."""
        group = self._story.find_group(chat_id)
        self._lag(group)
        group.name = name
        return {"callback_id": self._tell(group, "update", UpdateDetail="change_name")}

    def dismiss(self, chat_id: str) -> dict[str, Any]:
        """The group is dissolved."""
        group = self._story.find_group(chat_id)
        group.dismissed = True
        return {"callback_id": self._tell(group, "dismiss")}

    def _change(self, group: Group) -> str:
        self._lag(group)
        last, group.member_version = group.member_version, self.world.new_id("", 8)
        return last

    def _lag(self, group: Group) -> None:
        """The API shows the old state for a moment."""
        if self._clock.time() >= group.visible_at:
            group.shown = group_chat(group)
        group.visible_at = self._clock.time() + GROUP_LAG_S

    def _members(self, group: Group, detail: str, person: str, last: str, **scene: int) -> dict[str, Any]:
        changed = Raw(f"<Item>{cdata(person)}</Item>")
        callback_id = self._tell(
            group,
            "update",
            UpdateDetail=detail,
            **scene,
            MemChangeCnt=1,
            MemChangeList=changed,
            LastMemVer=last,
            CurMemVer=group.member_version,
        )
        return {"callback_id": callback_id}

    def _tell(self, group: Group, change: str, **fields: Any) -> str:
        plain = self._story.event("change_external_chat", ChatId=group.chat_id, ChangeType=change, **fields)
        return self._story.pusher.emit(plain, also_lost_by="lose_group")
