"""What people do in the world, and the callbacks that come of it. API actions never come here: they raise none."""

from __future__ import annotations

from typing import Any

from sandbox.api_contact import new_code
from sandbox.api_contact_way import make_way
from sandbox.api_message import new_response_code
from sandbox.callbacks import Pusher, Raw, cdata, xml
from sandbox.clock import VirtualClock
from sandbox.faults import Faults
from sandbox.group_story import GroupStory
from sandbox.world import Customer, Group, Guide, Relation, World


def _picked(selected: dict[str, list[str]]) -> Raw:
    """What was picked on a card, as the event tells it."""
    items = []
    for question, options in selected.items():
        ids = "".join(f"<OptionId>{cdata(option)}</OptionId>" for option in options)
        items.append(
            f"<SelectedItem><QuestionKey>{cdata(question)}</QuestionKey><OptionIds>{ids}</OptionIds></SelectedItem>"
        )
    return Raw("".join(items))


class Impossible(Exception):
    """Someone tried what cannot be done; `field` names the reason's place."""

    def __init__(self, name: str, why: str, status: int = 422) -> None:
        super().__init__(why)
        self.field, self.status = name, status


class Story:
    """Acts of customers, guides and the admin."""

    def __init__(self, world: World, clock: VirtualClock, faults: Faults, pusher: Pusher) -> None:
        self.world, self.clock, self._faults, self.pusher = world, clock, faults, pusher
        self.impossible = Impossible
        self.groups = GroupStory(self)

    def furnish(self) -> None:
        """A first world to play in."""
        for userid, name in (("xiaomei", "小美"), ("aqiang", "阿强")):
            self.world.guides[userid] = Guide(userid, name)
        make_way(self.world, self.clock.time(), {"state": "store-001", "remark": "徐汇店前台", "user": ["xiaomei"]})
        make_way(
            self.world,
            self.clock.time(),
            {"state": "live-1111", "remark": "双十一直播间", "user": ["xiaomei", "aqiang"]},
        )
        for name in ("小明🎉", "王女士", "李雷"):
            self.new_customer(name, self.world.new_id("o", 27))
        group = self.groups.open("小美的会员群", "xiaomei", quiet=True)
        self.groups.new_way(
            {"remark": "门口海报", "state": "poster-01", "chat_id_list": [group.chat_id], "auto_create_room": 1}
        )

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
        found = self.world.person(external_userid)
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
        now = self.clock.time()
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

    def edit(
        self, external_userid: str, userid: str, remark: str | None, mobiles: list[str] | None = None
    ) -> dict[str, Any]:
        """A guide edits a customer's remark and phone numbers in the client."""
        customer, guide = self.find_customer(external_userid), self.find_guide(userid)
        relation = customer.relations.get(guide.userid)
        if relation is None:
            raise Impossible("userid", "他们不是好友", 409)
        relation.remark = remark if remark is not None else relation.remark
        relation.mobiles = [str(one) for one in mobiles] if isinstance(mobiles, list) else relation.mobiles
        return {"callback_id": self._contact("edit_external_contact", customer, guide.userid)}

    def _contact(self, change: str, customer: Customer, userid: str, **more: Any) -> str:
        plain = self.event(
            "change_external_contact", ChangeType=change, UserID=userid, ExternalUserID=customer.external_userid, **more
        )
        return self.pusher.emit(plain)

    def event(self, event: str, *, sender: str = "sys", **fields: object) -> str:
        """An event's plain text."""
        return xml(
            ToUserName=self.world.corp_id,
            FromUserName=sender,
            CreateTime=int(self.clock.time()),
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
            CreateTime=int(self.clock.time()),
            MsgType="text",
            Content=text,
            MsgId=msg_id,
            AgentID=self.world.agent_id,
        )
        guide.inbox.append({"at": self.clock.iso(), "msgtype": "said", "text": text, "body": {}, "msgid": str(msg_id)})
        return await self._ask(plain)

    async def click(
        self, userid: str, key: str, task_id: str | None, response_code: str | None, selected: dict[str, list[str]]
    ) -> dict[str, Any]:
        """A guide taps a menu entry or a card's button; `selected` is what is picked on the card."""
        guide = self.find_guide(userid)
        if not key:
            raise Impossible("key", "要填菜单或按钮的 key")
        if any(card["task_id"] == task_id for card in self.world.cards.values()):
            response_code = new_response_code(self.world, str(task_id), self.clock.time())  # of this very tap
        if task_id is None:
            plain = self.event("click", sender=guide.userid, EventKey=key, AgentID=self.world.agent_id)
        else:
            plain = self.event(
                "template_card_event",
                sender=guide.userid,
                EventKey=key,
                TaskId=task_id,
                CardType="vote_interaction" if selected else "button_interaction",
                ResponseCode=response_code,
                SelectedItems=_picked(selected) if selected else None,
                AgentID=self.world.agent_id,
            )
        return await self._ask(plain)

    async def enter(self, userid: str) -> dict[str, Any]:
        """A guide opens the app."""
        guide = self.find_guide(userid)
        return await self._ask(self.event("enter_agent", sender=guide.userid, EventKey="", AgentID=self.world.agent_id))

    async def _ask(self, plain: str) -> dict[str, Any]:
        callback_id = self.pusher.next_id()
        entry = await self.pusher.send(plain, callback_id)
        return {"callback_id": callback_id, "status": entry["status"], "reply": entry["reply"], "key": entry["key"]}
