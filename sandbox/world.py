"""The world: a corp with guides, customers, their relations, contact ways, groups, tags and phones to read on."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, field
from typing import Any

from sandbox import aibot_world, broadcast_world, crowd, model_world, onebot_world
from sandbox.aibot_world import AiBotWorld
from sandbox.broadcast_world import BroadcastWorld
from sandbox.crowd import Crowd
from sandbox.kf_world import Kf, restored
from sandbox.model_world import ModelWorld
from sandbox.onebot_world import OneBotWorld
from sandbox.orders import Order, loaded

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


YOUNGER = ("join_ways", "welcomes", "menu")  # worlds saved before there were any have none


class ApiError(Exception):
    """WeCom's answer to a call that cannot be done."""

    def __init__(self, errcode: int, errmsg: str) -> None:
        super().__init__(errmsg)
        self.errcode, self.errmsg = errcode, errmsg


@dataclass
class Guide:
    """A staff member with a phone that shows app messages."""

    userid: str
    name: str
    inbox: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class Relation:
    """A guide following a customer."""

    userid: str
    state: str
    createtime: int
    status: str = "active"
    remark: str = ""
    add_way: int = 1
    tags: list[str] = field(default_factory=list)
    mobiles: list[str] = field(default_factory=list)


@dataclass
class Customer:
    """A WeChat user and what their phone shows."""

    external_userid: str
    name: str
    unionid: str = ""
    gender: int = 0
    relations: dict[str, Relation] = field(default_factory=dict)
    chats: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class WelcomeCode:
    """Works once, for twenty virtual seconds."""

    external_userid: str
    userid: str
    made_at: float
    used: bool = False


@dataclass
class Group:
    """A customer group; `shown` is what the API tells, which may lag behind the truth."""

    chat_id: str
    name: str
    owner: str
    create_time: int
    member_version: str
    members: list[dict[str, Any]] = field(default_factory=list)
    shown: dict[str, Any] = field(default_factory=dict)
    visible_at: float = 0.0
    dismissed: bool = False
    said: list[tuple[float, str]] = field(default_factory=list)
    posts: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class World:
    """Everything that exists. Ids come from one seeded source, so a seed makes the same world again."""

    corp_id: str
    agent_id: int
    secret: str
    expires_in: int = 7200
    seed: int = 1
    guides: dict[str, Guide] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    ways: dict[str, dict[str, Any]] = field(default_factory=dict)
    join_ways: dict[str, dict[str, Any]] = field(default_factory=dict)
    welcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    menu: list[dict[str, Any]] = field(default_factory=list)
    groups: dict[str, Group] = field(default_factory=dict)
    tags: dict[str, dict[str, Any]] = field(default_factory=dict)
    codes: dict[str, WelcomeCode] = field(default_factory=dict)
    media: dict[str, dict[str, Any]] = field(default_factory=dict)
    tokens: dict[str, float] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    cards: dict[str, dict[str, Any]] = field(default_factory=dict)
    counters: dict[str, int] = field(default_factory=dict)
    kf: Kf = field(default_factory=Kf)
    aibot: AiBotWorld = field(default_factory=AiBotWorld)
    robots: dict[str, dict[str, Any]] = field(default_factory=dict)
    onebot: OneBotWorld = field(default_factory=OneBotWorld)
    broadcasts: BroadcastWorld = field(default_factory=BroadcastWorld)
    model: ModelWorld = field(default_factory=ModelWorld)
    crowds: dict[str, Crowd] = field(default_factory=dict)
    recent: dict[str, list[float]] = field(default_factory=dict)
    checked: dict[str, float] = field(default_factory=dict)
    silent_after: int = 30
    last_msg_id: int = 7_300_000_000_000_000_000
    dice: random.Random = field(default_factory=lambda: random.Random(1))

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def new_id(self, prefix: str, length: int = 26) -> str:
        """A random-looking id with WeCom's prefix."""
        return prefix + "".join(self.dice.choices(ALPHABET, k=length))

    def next_msg_id(self) -> int:
        """The MsgId of what somebody says next."""
        self.last_msg_id += 1
        return self.last_msg_id

    def count(self, name: str) -> None:
        """Count something for the page and the tests."""
        self.counters[name] = self.counters.get(name, 0) + 1

    # -- lookups that answer as WeCom does ----------------------------------------------------------------------------

    def guide(self, userid: object) -> Guide:
        """A staff member; 40003 when there is none."""
        found = self.guides.get(str(userid).lower()) if isinstance(userid, str) else None
        if found is None:
            raise ApiError(40003, "invalid UserID")
        return found

    def customer(self, external_userid: object) -> Customer:
        """A customer; 40096 when there is none."""
        found = self.person(external_userid) if isinstance(external_userid, str) else None
        if found is None:
            raise ApiError(40096, "invalid external userid")
        return found

    def person(self, external_userid: str) -> Customer | None:
        """A customer; of a crowd's member something is kept from now on."""
        found = self.customers.get(external_userid) or crowd.figure(self, external_userid)
        return None if found is None else self.customers.setdefault(external_userid, found)

    def relation(self, external_userid: object, userid: object) -> Relation:
        """A pair that is related; 84061 when it is not."""
        relation = self.customer(external_userid).relations.get(self.guide(userid).userid)
        if relation is None:
            raise ApiError(84061, "not external contact")
        return relation

    def group(self, chat_id: object) -> Group:
        """A customer group; 90501 when it is none, 49008 when it is dismissed."""
        found = self.groups.get(chat_id) if isinstance(chat_id, str) else None
        if found is None:
            raise ApiError(90501, "chatid is not a customer group")
        if found.dismissed:
            raise ApiError(49008, "group has been dismissed")
        return found

    # -- saving ---------------------------------------------------------------------------------------------------

    def dump(self) -> dict[str, Any]:
        """The world as JSON, to go on after a restart."""
        parts = ("guides", "customers", "groups", "codes", "orders")
        out: dict[str, Any] = {
            part: {key: asdict(value) for key, value in getattr(self, part).items()} for part in parts
        }
        for part in ("ways", "tags", "media", "tokens", "cards", "counters", "last_msg_id", *YOUNGER):
            out[part] = getattr(self, part)
        out |= {"aibot": asdict(self.aibot), "robots": self.robots, "model": asdict(self.model)}
        out |= {"broadcasts": broadcast_world.dumped(self.broadcasts)}
        out |= {"crowds": {key: asdict(value) for key, value in self.crowds.items()}}
        version, numbers, gauss = self.dice.getstate()
        return {**out, "kf": asdict(self.kf), "onebot": asdict(self.onebot), "dice": [version, list(numbers), gauss]}

    def load(self, data: dict[str, Any]) -> None:
        """Take a dumped world over."""
        self.guides = {key: Guide(**value) for key, value in data["guides"].items()}
        self.groups = {key: Group(**value) for key, value in data["groups"].items()}
        self.codes = {key: WelcomeCode(**value) for key, value in data["codes"].items()}
        self.orders = {key: loaded(value) for key, value in data.get("orders", {}).items()}  # older files have none
        self.customers = {}
        for key, value in data["customers"].items():
            relations = {userid: Relation(**pair) for userid, pair in value.pop("relations").items()}
            self.customers[key] = Customer(**value, relations=relations)
        for part in ("ways", "tags", "media", "tokens", "cards", "counters", "last_msg_id"):
            setattr(self, part, data[part])
        for part in YOUNGER:
            setattr(self, part, data.get(part, getattr(self, part)))
        if "kf" in data:  # a world saved before there were any
            self.kf = restored(data["kf"])
        self.aibot = aibot_world.restored(data.get("aibot") or {})  # a world saved before there was any
        self.robots = data.get("robots") or self.robots
        self.model = model_world.restored(data.get("model") or {})
        self.broadcasts = broadcast_world.restored(data.get("broadcasts") or {})
        self.crowds = {key: Crowd(**value) for key, value in (data.get("crowds") or {}).items()}
        if "onebot" in data:
            self.onebot = onebot_world.restored(data["onebot"])
        version, numbers, gauss = data["dice"]
        self.dice.setstate((version, tuple(numbers), gauss))  # an id given once is never given again
