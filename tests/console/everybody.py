"""A shop where everybody who works there has a token, and something of each kind that is theirs."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.settings import Settings
from handlers import policy
from storage import tables
from tests.conftest import NOON
from tests.office import Office, office_of
from tests.rows import put
from tests.shop import Shop, start_shop

# Who they are: role and store. lina asks for what is lina's, bo's (of her store) and mei's (of another store).
STAFF = {"lina": ("guide", "S1"), "bo": ("guide", "S1"), "mei": ("guide", "S2"), "ma": ("manager", "S1"),
         "mo": ("manager", "S2"), "ada": ("admin", ""), "oz": ("owner", "")}  # fmt: skip
OBJECTS = ("lina", "bo", "mei", "ma")  # each has a member, a checkout, a referral, a group, something that waits
DRAFT = {"name": "x", "text": "x", "channel": "contact", "status": "drafted", "rule": "{}", "topic": "marketing",
         "attachments": "[]", "senders": "[]", "chat_ids": "[]", "expire_h": 24}  # fmt: skip
SEGMENT = 900_400
TEA = {"title": "茶会", "status": "open", "seats": 1, "ends_at": NOON + timedelta(days=9), "who": "{}", "remind": "[]",
       "follow": "{}", "starts_at": NOON + timedelta(days=8), "zone": "Asia/Shanghai", "version": 1}  # fmt: skip
REFUSED = {"member": 401, "disabled": 401}
OFF = ("distribution",)  # plays that are off until a word turns them on


def every_play() -> list[str]:
    """As config.toml has them, and those that it leaves off."""
    return [*Settings().plays, *OFF]


def reach(userid: str, may: str) -> str:
    """How far somebody's permission goes, by the table."""
    return str(policy.grants(STAFF[userid][0]).get(may, ""))


def sees(userid: str, owner: str, may: str) -> bool:
    """Whether somebody sees what is `owner`'s, by the table."""
    scope = reach(userid, may)
    near = scope == "store" and STAFF[owner][1] == STAFF[userid][1] != ""
    return scope == "all" or (scope != "" and owner == userid) or near


def sees_store(userid: str, owner: str, may: str) -> bool:
    """The same of what is a store's: whoever works there."""
    scope = reach(userid, may)
    return scope == "all" or (scope != "" and STAFF[owner][1] == STAFF[userid][1])


@dataclass
class World:
    """Everybody with a token, and what belongs to whom."""

    mall: Shop
    office: Office
    tokens: dict[str, str] = field(default_factory=dict)
    members: dict[str, int] = field(default_factory=dict)
    waits: dict[str, int] = field(default_factory=dict)
    broadcasts: dict[str, int] = field(default_factory=dict)
    salons: dict[str, int] = field(default_factory=dict)
    segments: dict[str, int] = field(default_factory=dict)
    promoters: dict[str, int] = field(default_factory=dict)


@contextlib.asynccontextmanager
async def world_of(database_url: str) -> AsyncIterator[World]:
    """Every play is enabled, so that every word and every act is there."""
    settings = Settings()
    plays = {play: settings.play_tables.get(play, {}) for play in every_play() if play != "sign_up"}
    async with start_shop(database_url, plays, {"points": 5}) as mall, office_of(mall.bot) as office:
        world = World(mall, office)
        for place, (userid, (role, store_id)) in enumerate(STAFF.items()):
            world.tokens[userid] = await office.token_of(userid, role, store_id)
            if userid in OBJECTS:
                await mall.bot.joins(f"wm-{userid}", userid)
                world.members[userid] = mall.one(
                    "SELECT member_id FROM identity WHERE external_id = :x", x=f"wm-{userid}"
                )
                world.waits[userid], world.broadcasts[userid] = 900_000 + place, 900_200 + place
                world.salons[userid], world.promoters[userid] = 900_300 + place, 900_500 + place
                world.segments[userid] = 900_600 + place
        world.tokens["disabled"] = await office.token_of("gone", "owner")
        await mall.bot.employs("gone", "owner", status="disabled")
        world.tokens["member"] = "siyu_somebody-without-a-token"
        _furnish(world)
        yield world
        _clear(world)


def _rows(world: World) -> list[tuple[Any, dict[str, Any]]]:
    """One thing of each kind that somebody may or may not see; kept off the flows, and taken away in the end."""
    newcomer = world.mall.one("SELECT member_id FROM identity WHERE external_id = 'wm1'")
    live = {"id": SEGMENT, "name": "直播间", "rule": '{"channels": ["live"]}'}
    rows: list[tuple[Any, dict[str, Any]]] = [(tables.Segment, live)]
    for place, userid in enumerate(OBJECTS):
        mine = {"id": 900_100 + place, "member_id": world.members[userid], "store": STAFF[userid][1]}
        used = {"status": "redeemed", "used_at": NOON, "closed_at": NOON, "order_id": mine["id"], "bearer": "brand"}
        brought = {"inviter_id": mine["member_id"], "invitee_id": newcomer, "level": 1, "status": "rejected"}
        waits = {
            "id": world.waits[userid],
            "key": userid,
            "kind": "x",
            "store_id": mine["store"],
            "made_by": userid,
            "may": "coupon.approve",
            "payload": "{}",
            "status": "waiting",
            "expires_at": NOON.replace(year=2099),
        }
        rows += [
            (tables.Checkout, {**mine, "code": userid, "status": "released", "items": "[]", "coupons": "[]"}),
            (tables.Order, {**mine, "order_no": userid, "amount_fen": 1}),
            (tables.Coupon, {**mine, "code": userid, **used}),
            (tables.JourneyRun, {**mine, "key": userid, "name": "x", "status": "stopped"}),
            (tables.TierChange, {**mine, "after": "银卡", "why": "merge"}),
            (tables.Referral, {"id": mine["id"], "campaign_id": mine["id"], **brought}),
            (tables.GroupChat, {"chat_id": f"wr-{userid}", "owner": userid, "status": "active"}),
            (tables.Approval, waits),
            (tables.Salon, {**mine, "id": world.salons[userid], "no": place + 900, "check_code": userid, **TEA}),
            (tables.Segment, {"id": world.segments[userid], "name": userid, "rule": "{}", "made_by": userid}),
            (tables.GuideTask, {**mine, "key": userid, "userid": userid, "kind": "x", "status": "open"}),
            (tables.MemberNote, mine),
            (tables.Handout, {**mine, "userid": userid, "status": "asked"}),
            (tables.Media, {"id": mine["id"], "seq": mine["id"], "sha256": userid, "kind": "png", "size": 1}),
            (tables.MediaSender, {"media_id": mine["id"], "userid": userid}),
            *_promoter(world, userid, mine),
            (tables.Broadcast, {"id": world.broadcasts[userid], "made_by": userid, **DRAFT}),
        ]
    return rows


def _promoter(world: World, userid: str, mine: dict[str, Any]) -> list[tuple[Any, dict[str, Any]]]:
    """Somebody whom they serve, who has a customer, and a payout that was made."""
    row_id = world.promoters[userid]
    of = {"id": row_id, "distributor_id": row_id, "member_id": mine["member_id"]}
    served = {"customer_manager": userid, "service_manager": "ada"}
    waits = {**of, "member_id": row_id, "open_member": row_id, "flags": "velocity", "protected_until": NOON}
    earns = {"order_id": mine["id"], "level": 1, "net_fen": 1, "amount_fen": 1, "status": "cancelled"}
    return [
        (tables.Distributor, {**of, "code": userid, "status": "active", **served}),
        *[(tables.DistributorChange, {**of, "id": row_id + place * 10, "what": what, "after": who})
          for place, (what, who) in enumerate((("customer", userid), ("service", "ada")))],
        (tables.DistributionCustomer, waits),
        (tables.Member, {"id": row_id, "tier": "basic"}),
        (tables.Commission, {**of, **earns, "customer_id": row_id, "binding_id": row_id}),
        (tables.CommissionLine, {"commission_id": row_id, "rate_bp": 1, "net_fen": 1, "amount_fen": 1}),
        (tables.Payout, {**of, "asked_fen": 1, "amount_fen": 1, "status": "rejected", "decided_at": NOON}),
    ]  # fmt: skip


def _furnish(world: World) -> None:
    with world.mall.bot.database.engine.begin() as connection:
        for model, values in _rows(world):
            put(connection, model, **values)


def _clear(world: World) -> None:
    with world.mall.bot.database.engine.begin() as connection:
        for model, values in _rows(world):
            key = next(iter(model.__table__.primary_key.columns))
            connection.execute(model.__table__.delete().where(key == values[key.name]))
        for table in ("broadcast", "salon"):  # those that somebody made on the way as well
            connection.exec_driver_sql(f"DELETE FROM {table}")
        connection.exec_driver_sql("DELETE FROM stock WHERE substr(name, 1, 6) = 'salon:'")
