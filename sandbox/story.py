"""What people do in the world, and the callbacks that come of it. API actions never come here: they raise none."""

from __future__ import annotations

from typing import Any

from sandbox.api_contact import group_chat, new_code
from sandbox.api_contact_way import make_way
from sandbox.callbacks import Pusher, Raw, cdata, xml
from sandbox.clock import VirtualClock
from sandbox.faults import Faults
from sandbox.world import Customer, Group, Guide, Relation, World

GROUP_LAG_S = 1.0


class Impossible(Exception):
    """Someone tried what cannot be done; `field` names the reason's place."""

    def __init__(self, name: str, why: str, status: int = 422) -> None:
        super().__init__(why)
        self.field, self.status = name, status


class Story:
    """Acts of customers, guides and the admin."""

    def __init__(self, world: World, clock: VirtualClock, faults: Faults, pusher: Pusher) -> None:
        self.world, self._clock, self._faults, self.pusher = world, clock, faults, pusher

    def furnish(self) -> None:
        """A first world to play in."""
        for userid, name in (("xiaomei", "小美"), ("aqiang", "阿强")):
            self.world.guides[userid] = Guide(userid, name)
        make_way(self.world, self._clock.time(), {"state": "store-001", "remark": "徐汇店前台", "user": ["xiaomei"]})
        make_way(
            self.world,
            self._clock.time(),
            {"state": "live-1111", "remark": "双十一直播间", "user": ["xiaomei", "aqiang"]},
        )
        for name in ("小明🎉", "王女士", "李雷"):
            self.new_customer(name, self.world.new_id("o", 27))
        self.new_group("小美的会员群", "xiaomei", quiet=True)

    # -- who is there ------------------------------------------------------------------------------------------------

    def new_customer(
        self, name: str, unionid: str | None = None, gender: int = 0, external_userid: str | None = None
    ) -> Customer:
        """A WeChat user who is nobody's contact yet."""
        if not name.strip() or len(name) > 64:
            raise Impossible("name", "要填 1 到 64 个字的名字")
        wanted = external_userid or self.world.new_id("wm")
        if wanted in self.world.customers:
            raise Impossible("external_userid", "这个 external_userid 已经有人用了", 409)
        customer = Customer(wanted, name, unionid or "", gender)
        self.world.customers[wanted] = customer
        return customer

    def new_guide(self, userid: str, name: str) -> Guide:
        """A new staff member."""
        if not userid or not userid.isascii() or len(userid) > 64:
            raise Impossible("userid", "要填 1 到 64 位的英文、数字")
        if userid.lower() in self.world.guides:
            raise Impossible("userid", "这个 userid 已经有人用了", 409)
        guide = self.world.guides[userid.lower()] = Guide(userid.lower(), name or userid)
        return guide

    def find_customer(self, external_userid: str) -> Customer:
        """A customer who exists."""
        found = self.world.customers.get(external_userid)
        if found is None:
            raise Impossible("external_userid", "没有这个客户", 404)
        return found

    def find_guide(self, userid: str) -> Guide:
        """A guide who exists."""
        found = self.world.guides.get(str(userid).lower())
        if found is None:
            raise Impossible("userid", "没有这个导购", 404)
        return found

    def find_group(self, chat_id: str) -> Group:
        """A group that exists."""
        found = self.world.groups.get(chat_id)
        if found is None or found.dismissed:
            raise Impossible("chat_id", "没有这个客户群，或已经解散", 404)
        return found

    # -- contacts ------------------------------------------------------------------------------------------------------

    def scan(
        self, external_userid: str, config_id: str | None, userid: str | None, state: str | None
    ) -> dict[str, Any]:
        """A customer adds a guide, by a contact way or directly."""
        customer = self.find_customer(external_userid)
        if config_id:
            way = self.world.ways.get(config_id)
            if way is None:
                raise Impossible("config_id", "这个渠道码不存在或已删除", 404)
            state, users = way.get("state") or "", way["user"]
            userid = next((user for user in users if user not in customer.relations), None)
            if userid is None:
                raise Impossible("config_id", "已经加过这个渠道码的导购了", 409)
        guide = self.find_guide(userid or "")
        if guide.userid in customer.relations:
            raise Impossible("userid", "已经是好友了", 409)
        joined = self._join(customer, guide.userid, state or "")
        if self._faults.happens("twin"):
            self._join(self.new_customer(f"{customer.name}的双胞胎"), guide.userid, state or "")
        return joined

    def _join(self, customer: Customer, userid: str, state: str) -> dict[str, Any]:
        now = self._clock.time()
        customer.relations[userid] = Relation(userid, state, int(now), add_way=1 if state else 3)
        code = new_code(self.world, customer.external_userid, userid, now)
        callback_id = self._contact("add_external_contact", customer, userid, State=state or None, WelcomeCode=code)
        return {
            "callback_id": callback_id,
            "welcome_code": code,
            "userid": userid,
            "external_userid": customer.external_userid,
        }

    def burst(self, count: int, userid: str, state: str) -> list[dict[str, Any]]:
        """Many customers join in one virtual second."""
        if not 1 <= count <= 5000:
            raise Impossible("customers", "一次 1 到 5000 人")
        guide = self.find_guide(userid)
        return [self._join(self.new_customer(f"客户{number + 1}"), guide.userid, state) for number in range(count)]

    def part(self, external_userid: str, userid: str, change: str) -> dict[str, Any]:
        """The pair is no more: del_follow_user (the customer did it) or del_external_contact (the guide)."""
        customer, guide = self.find_customer(external_userid), self.find_guide(userid)
        if customer.relations.pop(guide.userid, None) is None:
            raise Impossible("userid", "他们不是好友", 409)
        return {"callback_id": self._contact(change, customer, guide.userid)}

    def edit(self, external_userid: str, userid: str, remark: str | None) -> dict[str, Any]:
        """A guide edits a customer's remark in the client."""
        customer, guide = self.find_customer(external_userid), self.find_guide(userid)
        relation = customer.relations.get(guide.userid)
        if relation is None:
            raise Impossible("userid", "他们不是好友", 409)
        relation.remark = remark if remark is not None else relation.remark
        return {"callback_id": self._contact("edit_external_contact", customer, guide.userid)}

    def _contact(self, change: str, customer: Customer, userid: str, **more: Any) -> str:
        plain = self._event(
            "change_external_contact", ChangeType=change, UserID=userid, ExternalUserID=customer.external_userid, **more
        )
        return self.pusher.emit(plain)

    def _event(self, event: str, *, sender: str = "sys", **fields: object) -> str:
        return xml(
            ToUserName=self.world.corp_id,
            FromUserName=sender,
            CreateTime=int(self._clock.time()),
            MsgType="event",
            Event=event,
            **fields,
        )

    # -- guides and the app --------------------------------------------------------------------------------------------

    async def say(self, userid: str, text: str) -> dict[str, Any]:
        """A guide writes to the app."""
        guide = self.find_guide(userid)
        if not text.strip():
            raise Impossible("text", "写点什么再发送")
        msg_id = self.world.next_msg_id()
        plain = xml(
            ToUserName=self.world.corp_id,
            FromUserName=guide.userid,
            CreateTime=int(self._clock.time()),
            MsgType="text",
            Content=text,
            MsgId=msg_id,
            AgentID=self.world.agent_id,
        )
        guide.inbox.append({"at": self._clock.iso(), "msgtype": "said", "text": text, "body": {}, "msgid": str(msg_id)})
        return await self._ask(plain)

    async def click(self, userid: str, key: str, task_id: str | None, response_code: str | None) -> dict[str, Any]:
        """A guide taps a menu entry or a card's button."""
        guide = self.find_guide(userid)
        if not key:
            raise Impossible("key", "要填菜单或按钮的 key")
        if task_id is None:
            plain = self._event("click", sender=guide.userid, EventKey=key, AgentID=self.world.agent_id)
        else:
            plain = self._event(
                "template_card_event",
                sender=guide.userid,
                EventKey=key,
                TaskId=task_id,
                CardType="button_interaction",
                ResponseCode=response_code,
                AgentID=self.world.agent_id,
            )
        return await self._ask(plain)

    async def enter(self, userid: str) -> dict[str, Any]:
        """A guide opens the app."""
        guide = self.find_guide(userid)
        return await self._ask(
            self._event("enter_agent", sender=guide.userid, EventKey="", AgentID=self.world.agent_id)
        )

    async def _ask(self, plain: str) -> dict[str, Any]:
        callback_id = self.pusher.next_id()
        entry = await self.pusher.send(plain, callback_id)
        return {"callback_id": callback_id, "status": entry["status"], "reply": entry["reply"], "key": entry["key"]}

    # -- groups --------------------------------------------------------------------------------------------------------

    def new_group(self, name: str, owner: str, *, quiet: bool = False) -> Group:
        """A guide opens a customer group."""
        guide = self.find_guide(owner)
        now = int(self._clock.time())
        group = Group(self.world.new_id("wr"), name or "未命名的群", guide.userid, now, self.world.new_id("", 8))
        group.members.append({"userid": guide.userid, "type": 1, "join_time": now, "join_scene": 1, "name": guide.name})
        self.world.groups[group.chat_id] = group
        if not quiet:
            self._group(group, "create")
        return group

    def join_group(self, chat_id: str, external_userid: str, scene: int, state: str) -> dict[str, Any]:
        """A customer comes in."""
        group, customer = self.find_group(chat_id), self.find_customer(external_userid)
        if any(member["userid"] == external_userid for member in group.members):
            raise Impossible("external_userid", "已经在群里了", 409)
        last = self._change_group(group)
        member = {
            "userid": external_userid,
            "type": 2,
            "join_time": int(self._clock.time()),
            "join_scene": 3 if scene == 3 else 1,
            "name": customer.name,
            "unionid": customer.unionid,
            "invitor": {"userid": group.owner},
            "group_nickname": "",
        }
        group.members.append({**member, "state": state} if state else member)
        return self._members(group, "add_member", external_userid, last, JoinScene=scene)

    def leave_group(self, chat_id: str, external_userid: str, scene: int) -> dict[str, Any]:
        """A customer goes, or is removed."""
        group = self.find_group(chat_id)
        kept = [member for member in group.members if member["userid"] != external_userid]
        if len(kept) == len(group.members):
            raise Impossible("external_userid", "不在群里", 409)
        last = self._change_group(group)
        group.members = kept
        return self._members(group, "del_member", external_userid, last, QuitScene=scene)

    def rename_group(self, chat_id: str, name: str) -> dict[str, Any]:
        """The owner renames the group."""
        group = self.find_group(chat_id)
        self._lag(group)
        group.name = name
        return {"callback_id": self._group(group, "update", UpdateDetail="change_name")}

    def dismiss_group(self, chat_id: str) -> dict[str, Any]:
        """The group is dissolved."""
        group = self.find_group(chat_id)
        group.dismissed = True
        return {"callback_id": self._group(group, "dismiss")}

    def _change_group(self, group: Group) -> str:
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
        callback_id = self._group(
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

    def _group(self, group: Group, change: str, **fields: Any) -> str:
        return self.pusher.emit(self._event("change_external_chat", ChatId=group.chat_id, ChangeType=change, **fields))
