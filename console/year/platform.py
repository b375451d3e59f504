"""对面 the platform: WeCom answered in the process, with the rules that a bot can break: welcome codes that live once
and for twenty seconds, five messages in a customer-service window, tasks that staff must confirm. No network.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bot.clock import Clock
from bot.ids import Chance
from bot.wecom.answers import JSON, refusal
from bot.wecom.checks import check
from bot.wecom.client import WeCom
from bot.wecom.msg_template import ADD, CANCEL, LIST, REMIND, RESULT, TASK
from console.year.people import Someone

WELCOME_S, WINDOW_S, WINDOW_MOST = 20.0, 48 * 3600, 5
CONFIRMED_AFTER_S = 7_200  # a guide presses send two hours later, but for one in ten who never does
PAGE = 100


@dataclass
class Given:
    """A task that a member of staff is asked to send."""

    userid: str
    names: list[str]
    made_at: float
    body: JSON
    cancelled: bool = False


@dataclass
class Contact:
    """What the platform knows of somebody."""

    someone: Someone
    follows: dict[str, JSON] = field(default_factory=dict)


class Platform(WeCom):
    """The client, with its other side inside. `refused` counts what a real WeCom would not have taken."""

    def __init__(self, clock: Clock, chance: Chance, guides: list[str]) -> None:
        super().__init__(api_base="http://127.0.0.1:9", corp_id="wwYEAR", secret="", clock=clock, chance=chance)
        self._guides = guides
        self._contacts: dict[str, Contact] = {}
        self._codes: dict[str, float] = {}
        self._heard: dict[str, tuple[float, int]] = {}
        self._labels: dict[str, JSON] = {}
        self._ways: dict[str, JSON] = {}
        self._tasks: dict[str, Given] = {}
        self._walk: list[JSON] = []
        self.refused: Counter[tuple[str, int]] = Counter()
        self._paths: Mapping[str, Callable[[JSON], JSON]] = {
            "externalcontact/get": self._contact, "externalcontact/send_welcome_msg": self._welcome,
            "externalcontact/get_follow_user_list": lambda _: {"follow_user": self._guides},
            "externalcontact/batch/get_by_user": self._by_user, "externalcontact/mark_tag": self._mark,
            "externalcontact/get_corp_tag_list": lambda _: {"tag_group": self._groups()},
            "externalcontact/add_corp_tag": self._add_tag, "externalcontact/add_contact_way": self._add_way,
            "externalcontact/list_contact_way": lambda _: {"contact_way": [{"config_id": one} for one in self._ways]},
            "externalcontact/get_contact_way": lambda asked: {"contact_way": self._ways[asked["config_id"]]},
            "externalcontact/groupchat/list": lambda _: {"group_chat_list": []},
            "message/send": lambda _: {"msgid": "year"}, "message/update_template_card": lambda _: {},
            "kf/send_msg": self._kf_send, "kf/customer/batchget": self._kf_customer,
            "kf/service_state/get": lambda _: {"service_state": 1}, "kf/servicer/list": lambda _: {"servicer_list": []},
            "kf/service_state/trans": lambda _: self._refuse("kf/service_state/trans", 95014),
            ADD: self._add_task, TASK: self._task, RESULT: self._results, CANCEL: self._cancel, REMIND: lambda _: {},
            LIST: lambda _: {"group_msg_list": []},
        }  # fmt: skip

    async def call(
        self, path: str, body: JSON | None = None, *, params: Mapping[str, str] | None = None, timeout_s: float = 10.0
    ) -> JSON:
        """As the real client, within the process."""
        if body is not None:
            check(path, body)
        self.stats[(path, "asked")] += 1
        return {"errcode": 0, "errmsg": "ok", **self._paths[path]({**(body or {}), **(params or {})})}

    def _now(self) -> float:
        return self._clock.now().timestamp()

    def _refuse(self, path: str, errcode: int) -> JSON:
        self.refused[(path, errcode)] += 1
        raise refusal(path, errcode, "refused")

    # -- what happens over there --------------------------------------------------------------------------------------

    def adds(self, someone: Someone, welcome_code: str) -> None:
        """A contact adds a guide."""
        contact = self._contacts.setdefault(someone.external_userid, Contact(someone))
        contact.follows[someone.userid] = {
            "userid": someone.userid, "remark": "", "description": "", "createtime": int(self._now()), "tags": [],
            "remark_mobiles": [], "state": someone.state, "add_way": 1,
        }  # fmt: skip
        self._codes[welcome_code] = self._now()

    def leaves(self, someone: Someone) -> None:
        """A contact and a guide part."""
        self._contacts[someone.external_userid].follows.pop(someone.userid, None)

    def writes(self, someone: Someone) -> None:
        """A member opens a new window of 48 hours and five messages."""
        self._heard[someone.external_userid] = (self._now(), 0)

    # -- contacts -----------------------------------------------------------------------------------------------------

    def _profile(self, someone: Someone) -> JSON:
        return {"external_userid": someone.external_userid, "name": someone.name, "type": 1, "gender": 0, "avatar": "",
                "unionid": someone.unionid}  # fmt: skip

    def _contact(self, asked: JSON) -> JSON:
        contact = self._contacts.get(asked["external_userid"])
        if contact is None or not contact.follows:
            return self._refuse("externalcontact/get", 84061)
        follows = [{**one, "tags": [self._labels[tag] for tag in one["tags"]]} for one in contact.follows.values()]
        return {"external_contact": self._profile(contact.someone), "follow_user": follows}

    def _by_user(self, asked: JSON) -> JSON:
        start = int(asked.get("cursor") or 0)
        if not start:
            self._walk = [
                {"external_contact": self._profile(one.someone), "follow_info": {**follow, "tag_id": follow["tags"]}}
                for one in self._contacts.values() for follow in one.follows.values()
            ]  # fmt: skip
        if not self._walk:
            return self._refuse("externalcontact/batch/get_by_user", 84061)
        after = start + PAGE
        following = str(after) if after < len(self._walk) else ""
        return {"external_contact_list": self._walk[start:after], "next_cursor": following}

    def _welcome(self, asked: JSON) -> JSON:
        if self._codes.pop(asked["welcome_code"], 0.0) < self._now() - WELCOME_S:
            return self._refuse("externalcontact/send_welcome_msg", 41050)
        return {}

    def _mark(self, asked: JSON) -> JSON:
        follow = self._contacts[asked["external_userid"]].follows.get(asked["userid"])
        if follow is None:
            return self._refuse("externalcontact/mark_tag", 84061)
        kept = [one for one in follow["tags"] if one not in asked.get("remove_tag", [])]
        follow["tags"] = [*dict.fromkeys([*kept, *asked.get("add_tag", [])])]
        return {}

    def _groups(self) -> list[JSON]:
        found: dict[str, list[JSON]] = {}
        for tag in self._labels.values():
            found.setdefault(tag["group_name"], []).append({"id": tag["tag_id"], "name": tag["tag_name"]})
        return [
            {"group_id": f"grYEAR{number:04d}", "group_name": group, "tag": tags}
            for number, (group, tags) in enumerate(found.items())
        ]

    def _add_tag(self, asked: JSON) -> JSON:
        group, there = asked["group_name"], {(one["group_name"], one["tag_name"]) for one in self._labels.values()}
        for tag in asked["tag"]:
            if (group, tag["name"]) not in there:
                number = f"etYEAR{len(self._labels):04d}"
                self._labels[number] = {"group_name": group, "tag_name": tag["name"], "tag_id": number, "type": 1}
        return {"tag_group": next(one for one in self._groups() if one["group_name"] == group)}

    def _add_way(self, asked: JSON) -> JSON:
        config_id = f"wayYEAR{len(self._ways):06d}"
        self._ways[config_id] = {**asked, "config_id": config_id, "qr_code": f"https://wework.qpic.cn/{config_id}"}
        return {"config_id": config_id, "qr_code": self._ways[config_id]["qr_code"]}

    # -- customer service ---------------------------------------------------------------------------------------------

    def _kf_send(self, asked: JSON) -> JSON:
        heard, sent = self._heard.get(asked["touser"], (0.0, 0))
        if self._now() - heard >= WINDOW_S:
            return self._refuse("kf/send_msg", 95002)
        if sent >= WINDOW_MOST:
            return self._refuse("kf/send_msg", 95001)
        self._heard[asked["touser"]] = (heard, sent + 1)
        return {"msgid": asked["msgid"]}

    def _kf_customer(self, asked: JSON) -> JSON:
        known = [self._contacts[one].someone for one in asked["external_userid_list"] if one in self._contacts]
        return {"customer_list": [{**self._profile(one), "nickname": one.name} for one in known]}

    # -- tasks that staff send ----------------------------------------------------------------------------------------

    def _add_task(self, asked: JSON) -> JSON:
        msgid = f"msgYEAR{len(self._tasks):06d}"
        self._tasks[msgid] = Given(asked["sender"], asked.get("external_userid") or [], self._now(), asked)
        return {"msgid": msgid, "fail_list": []}

    def _sent_at(self, msgid: str) -> float | None:
        """When its sender pressed send, if they did."""
        task = self._tasks[msgid]
        at = task.made_at + CONFIRMED_AFTER_S
        lazy = int(msgid[-1]) == 9
        return None if lazy or task.cancelled or at > self._now() else at

    def _task(self, asked: JSON) -> JSON:
        at, task = self._sent_at(asked["msgid"]), self._tasks[asked["msgid"]]
        standing: JSON = {"userid": task.userid, "status": 2 if at else 0}
        return {"task_list": [{**standing, **({"send_time": int(at)} if at else {})}]}

    def _results(self, asked: JSON) -> JSON:
        at, task = self._sent_at(asked["msgid"]), self._tasks[asked["msgid"]]
        return {"send_list": [self._result(task, one, at) for one in task.names]}

    def _result(self, task: Given, name: str, at: float | None) -> JSON:
        friends = task.userid in self._contacts[name].follows if name in self._contacts else False
        return {"external_userid": name, "userid": task.userid, "status": (1 if friends else 2) if at else 0,
                **({"send_time": int(at)} if at else {})}  # fmt: skip

    def _cancel(self, asked: JSON) -> Any:
        self._tasks[asked["msgid"]].cancelled = True
        return {}
