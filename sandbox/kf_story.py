"""What customers and servicers do in a 微信客服 chat, and the bells that come of it."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs, urlsplit

from sandbox.callbacks import Pusher
from sandbox.clock import VirtualClock
from sandbox.kf_log import event, new_code, record
from sandbox.kf_world import ENDED, HUMAN, OFF, POOL, Account, Session
from sandbox.story import Impossible, Story
from sandbox.world import World

TAKEN, MOVED, OVER, REOPENED = 1, 2, 3, 4  # change_type of session_status_change
PARAM_BYTES = 128
# What each type of message must hold; what is not here cannot be sent from a phone.
FIELDS: dict[str, tuple[str, ...]] = {
    "image": (), "voice": (), "video": (), "file": (),
    "location": ("latitude", "longitude", "name", "address"), "link": ("title", "url"), "business_card": ("userid",),
    "miniprogram": ("title", "appid", "pagepath"), "channels_shop_product": ("product_id", "title", "sales_price"),
    "channels_shop_order": ("order_id", "product_titles", "state"), "merged_msg": ("title", "item"),
    "channels": ("sub_type", "nickname", "title"), "meeting": (), "calendar": (), "note": (),
}  # fmt: skip
MEDIA_MB = {"image": 2, "voice": 2, "video": 10, "file": 20}
TOO_BIG = {"image": "图片", "voice": "语音", "video": "视频", "file": "文件"}


class KfStory:
    """Acts in the chats of the KF accounts. No contact relation is needed: any customer may write."""

    def __init__(self, world: World, clock: VirtualClock, pusher: Pusher, story: Story) -> None:
        self.world, self._clock, self._pusher, self._story = world, clock, pusher, story

    def furnish(self) -> None:
        """One account that every guide answers for."""
        account = Account(self.world.new_id("wk"), "品牌客服")
        account.servicers = {userid: {"status": 0, "stop_type": 0} for userid in self.world.guides}
        self.world.kf.accounts[account.open_kfid] = account

    def _session(self, open_kfid: str, external_userid: str) -> tuple[Account, Session]:
        account = self.find_account(open_kfid)
        customer = self._story.find_customer(external_userid)
        return account, account.session(customer.external_userid, self._clock.time())

    def find_account(self, open_kfid: str) -> Account:
        """An account that exists."""
        found = self.world.kf.accounts.get(open_kfid)
        if found is None:
            raise Impossible("open_kfid", "没有这个客服账号，或已经删除", 404)
        return found

    # -- the customer ------------------------------------------------------------------------------------------------

    def enter(self, open_kfid: str, external_userid: str, scene: str, scene_param: str, url: str) -> dict[str, Any]:
        """A link is opened (`url`, or its scene and parameter); the chat list would tell nobody."""
        account, session = self._session(open_kfid, external_userid)
        if url:
            scene, scene_param = self._link(account, url)
        if len(scene_param.encode()) > PARAM_BYTES:
            raise Impossible("scene_param", f"scene_param 最多 {PARAM_BYTES} 字节")
        now = self._clock.time()
        code = new_code(self.world, "welcome", account, external_userid, now) if session.may_welcome(now) else None
        session.entered_at, session.scene, session.scene_param = now, scene, scene_param
        fields = {"scene": scene, "scene_param": scene_param, "welcome_code": code}
        bell = event(self.world, account, now, external_userid, "enter_session", **fields)
        return {"callback_id": self._pusher.emit(bell), "welcome_code": code}

    def _link(self, account: Account, url: str) -> tuple[str, str]:
        query = parse_qs(urlsplit(url.strip()).query)
        scene = account.ways.get(query.get("enc_scene", [""])[0])
        if scene is None:
            raise Impossible("url", "这不是这个客服账号的链接")
        return scene, query.get("scene_param", [""])[0]

    def say(self, open_kfid: str, external_userid: str, text: str, menu_id: str | None) -> dict[str, Any]:
        """Words, or a tap on a menu entry: its words with its id."""
        if not text.strip():
            raise Impossible("text", "写点什么再发送")
        content = {"content": text, "menu_id": menu_id} if menu_id else {"content": text}
        return self._speak(open_kfid, external_userid, "text", content)

    def send(self, open_kfid: str, external_userid: str, msgtype: str, content: Any) -> dict[str, Any]:
        """Any other type of message; media that is not named is made up."""
        if msgtype not in FIELDS:
            raise Impossible("msgtype", f"可以发：{', '.join(FIELDS)}")
        content = {} if content is None else content
        missing = [name for name in FIELDS[msgtype] if not isinstance(content, dict) or name not in content]
        if missing or not isinstance(content, dict):
            raise Impossible(msgtype, f"还要填：{', '.join(missing)}")
        if msgtype not in MEDIA_MB:
            return self._speak(open_kfid, external_userid, msgtype, content)
        media_id = str(content.get("media_id") or self._new_media(msgtype))
        if media_id not in self.world.media:
            raise Impossible("media_id", "没有这份素材", 404)
        if len(self.world.media[media_id]["data"]) / 2 > MEDIA_MB[msgtype] * 1024 * 1024:
            note = {"content": f"[{TOO_BIG[msgtype]}超过 {MEDIA_MB[msgtype]} MB，请在客户端查看]"}
            return self._speak(open_kfid, external_userid, "text", note)
        return self._speak(open_kfid, external_userid, msgtype, {"media_id": media_id})

    def _new_media(self, kind: str) -> str:
        media_id = self.world.new_id("3", 60)
        data = f"sandbox {kind}".encode().hex()
        self.world.media[media_id] = {"type": kind, "name": kind, "made_at": self._clock.time(), "data": data}
        return media_id

    def _speak(self, open_kfid: str, external_userid: str, msgtype: str, content: dict[str, Any]) -> dict[str, Any]:
        account, session = self._session(open_kfid, external_userid)
        session.heard(self._clock.time())
        return self._spoken(account, session, "customer", msgtype, content, origin=3)

    def _spoken(
        self, account: Account, session: Session, sender: str, msgtype: str, content: dict[str, Any], **fields: Any
    ) -> dict[str, Any]:
        msgid = self.world.new_id("", 32)
        session.show(self._clock.iso(), sender, msgid, msgtype, content)
        message = {"external_userid": session.external_userid, **fields, "msgtype": msgtype}
        if content:
            message[msgtype] = content
        bell = record(self.world, account, self._clock.time(), msgid, **message)
        return {"callback_id": self._pusher.emit(bell), "msgid": msgid, "state": session.state}

    def recall(self, open_kfid: str, external_userid: str, msgid: str) -> dict[str, Any]:
        """Whoever wrote it takes it back, a customer or a servicer."""
        account, session = self._session(open_kfid, external_userid)
        found = next((one for one in session.messages if one["msgid"] == msgid and one["from"] != "bot"), None)
        if found is None or found.get("recalled"):
            raise Impossible("msgid", "没有这条消息，或已经撤回", 404)
        found["recalled"] = True
        name = "user_recall_msg" if found["from"] == "customer" else "servicer_recall_msg"
        fields = {"recall_msgid": msgid, "servicer_userid": found.get("userid")}
        bell = event(self.world, account, self._clock.time(), external_userid, name, **fields)
        return {"callback_id": self._pusher.emit(bell)}

    def refuse(self, open_kfid: str, external_userid: str, *, on: bool) -> dict[str, Any]:
        """From now on the customer refuses the account's messages, or takes them again; nobody is told."""
        _, session = self._session(open_kfid, external_userid)
        session.refuses = on
        return {"refuses": on}

    # -- the servicer ------------------------------------------------------------------------------------------------

    def servicer_say(self, open_kfid: str, external_userid: str, userid: str, text: str) -> dict[str, Any]:
        """A servicer writes in the client; writing after the end opens the session again."""
        account, session = self._session(open_kfid, external_userid)
        servicer = self._servicer(account, userid)
        if not text.strip():
            raise Impossible("text", "写点什么再发送")
        if session.state == ENDED:
            if not session.messages:
                raise Impossible("external_userid", "这位客户还没有来过", 409)
            session.alive_at = self._clock.time()
            self._change(account, session, REOPENED, HUMAN, servicer)
        elif session.state != HUMAN or session.servicer_userid != servicer:
            raise Impossible("userid", "会话不在这位接待人员手里，先接待再回复", 409)
        said = self._spoken(account, session, "servicer", "text", {"content": text}, origin=5, servicer_userid=servicer)
        session.messages[-1]["userid"] = servicer
        return said

    def take(self, open_kfid: str, external_userid: str, userid: str) -> dict[str, Any]:
        """A servicer takes a session from the pool, or gets it from a colleague."""
        account, session = self._session(open_kfid, external_userid)
        servicer = self._servicer(account, userid)
        if account.servicers[servicer]["status"] == OFF:
            raise Impossible("userid", "这位接待人员停止接待了，先恢复接待", 409)
        if session.state not in (POOL, HUMAN) or session.servicer_userid == servicer:
            raise Impossible("external_userid", "会话不在待接入池里，也不在同事手里", 409)
        return self._change(account, session, TAKEN if session.state == POOL else MOVED, HUMAN, servicer)

    def end(self, open_kfid: str, external_userid: str) -> dict[str, Any]:
        """The servicer ends the session."""
        account, session = self._session(open_kfid, external_userid)
        if session.state != HUMAN:
            raise Impossible("external_userid", "会话不在人工接待里", 409)
        return self._change(account, session, OVER, ENDED, None)

    def duty(self, open_kfid: str, userid: str, status: int, stop_type: int) -> dict[str, Any]:
        """A servicer begins (0) or stops (1) to receive."""
        account = self.find_account(open_kfid)
        servicer = self._servicer(account, userid)
        if status not in (0, OFF) or stop_type not in (0, 1):
            raise Impossible("status", "status 要填 0（接待中）或 1（停止接待）")
        duty = account.servicers[servicer]
        changed = duty["status"] != status
        duty |= {"status": status, "stop_type": stop_type if status == OFF else 0}
        if not changed:
            return {"userid": servicer, **duty}
        fields: dict[str, Any] = {"servicer_userid": servicer, "status": 2 if status == OFF else 1}
        fields |= {"open_kfid": open_kfid} | ({"stop_type": stop_type} if status == OFF else {})
        told = {"event_type": "servicer_status_change", **fields}
        bell = record(self.world, account, self._clock.time(), origin=4, msgtype="event", event=told)
        return {"userid": servicer, **duty, "callback_id": self._pusher.emit(bell)}

    def _servicer(self, account: Account, userid: str) -> str:
        guide = self._story.find_guide(userid)
        if guide.userid not in account.servicers:
            raise Impossible("userid", "这位导购不是这个客服账号的接待人员", 409)
        return guide.userid

    def _change(
        self, account: Account, session: Session, change: int, state: int, servicer: str | None
    ) -> dict[str, Any]:
        """A servicer moved the session in the client: an event tells, and taking and ending give a code."""
        now, kind = self._clock.time(), {TAKEN: "taken", OVER: "ended"}.get(change)
        code = new_code(self.world, kind, account, session.external_userid, now) if kind else None
        fields = {
            "change_type": change,
            "old_servicer_userid": session.servicer_userid or None,
            "new_servicer_userid": servicer,
            "msg_code": code,
        }
        session.move(state, servicer or "")
        bell = event(self.world, account, now, session.external_userid, "session_status_change", **fields)
        return {"callback_id": self._pusher.emit(bell), "msg_code": code, "state": state}
