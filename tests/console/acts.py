"""Every act of the JSON API, asked for once by somebody with a token of their own, in an order that works.

An act that is missing here fails the tests that walk through it: add a line to `STORY` with what it is asked with.
"""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from sqlalchemy import text

from storage import questions, tables
from tests.conftest import NOON
from tests.handlers.test_group_assets import WAY, known_group
from tests.office import Office, office_of
from tests.rows import put
from tests.scenarios.referring import CONFIG, brought, code_of, row_id
from tests.shop import Shop, start_shop

PLAYS: dict[str, dict[str, Any]] = {
    "points": {}, "coupons": {}, "purchase": {}, "redeem": {}, "referral": {"velocity_per_hour": 5}, "flash_sale": {},
    "approvals": {}, "tagging": {}, "consent": {}, "salon": {}, "tier": {}, "journey": {"on": ["birthday"]},
    "posts": {},
    "distribution": {"velocity_per_hour": 1, "refund_days": 1, "min_payout_fen": 1},
}  # fmt: skip
UNTIL = (NOON + timedelta(days=3)).isoformat()
FREE = {"name": "免单券", "kind": "free_order", "value": 20_000, "valid_days": 30, "stock": 9, "claimable": True}
DRIVE = {"kind": "flash_sale", "name": "秒杀🔥", "starts_at": NOON.isoformat(), "ends_at": UNTIL,
         "config": {"sku": "A", "price_fen": 6_000, "total": 5}}  # fmt: skip
EVERY_WEEK = {"kind": "flash_sale", "name": "晚场🔥", "weekdays": [3], "times": ["20:00"], "minutes": 60,
              "first": "2026-11-11", "last": "2026-11-30",
              "items": [{"sku": "A", "price_fen": 6_000, "total": 2}]}  # fmt: skip
CUP: dict[str, Any] = {"points": 300, "gift_sku": "CUP", "total": 5, "per_member": 2}


@dataclass
class World:
    """A shop with its API; wang asks, chen is the second person, both owners; what was answered so far."""

    mall: Shop
    office: Office
    tokens: dict[str, str] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)

    def id_of(self, act: str, name: str = "id") -> int:
        """The id that an act answered."""
        return int(self.answers[act][name])


Body = dict[str, Any]
Asked = tuple[str, Body]  # the path, the body
Way = Callable[[World], Awaitable[Asked]]


def plainly(path: str, body: Body | None = None) -> Way:
    """Asked for without anything to be done before."""

    async def way(world: World) -> Asked:
        return path, body or {}

    return way


def later(path: str, of: str, body: Body | None = None) -> Way:
    """About what another act has made; `{}` in the path is its id."""

    async def way(world: World) -> Asked:
        return path.format(world.id_of(of)), body or {}

    return way


async def waiting(world: World, path: str) -> Asked:
    """Something that waits for a second person: points that wang wants to give."""
    body = {"external_id": "wm1", "amount": 6_000, "reason": "补偿"}
    _, asked = await world.office.post("points", body, world.tokens["wang"])
    return path.format(**asked), {}


async def free_checkout(world: World) -> Asked:
    await world.mall.says("wm1", "领券 1")
    await world.mall.says("wm1", "买 茶叶礼盒")
    return "checkouts/undo", {"code": world.mall.checkout("wm1")}


async def redeemed(world: World) -> Asked:
    await world.mall.campaign("redeem", **CUP)
    found = re.search(r"券码 ([0-9A-Z-]{19})", await world.mall.says("wm1", "兑换 1"))
    assert found is not None
    return "redemptions/undo", {"code": found[1]}


async def odd_referrals(world: World) -> Asked:
    """Seven newcomers in an hour: the last two wait for a person."""
    await world.mall.campaign("referral", days=90, **CONFIG)
    code = await code_of(world.mall, "wm1")
    for number in range(7):
        await brought(world.mall, f"n{number}", code)
        await world.mall.pays(f"n{number}", f"o{number}", 6_000)
    await world.mall.passes(days=8)
    return f"referrals/{row_id(world.mall, 'n5')}/approve", {}


async def last_referral(world: World) -> Asked:
    return f"referrals/{row_id(world.mall, 'n6')}/reject", {"reason": "同一批号"}


async def join_way(world: World) -> Asked:
    await known_group(world.mall.bot)
    return "join-ways", WAY


async def made_asset(world: World, path: str, act: str, answer: Body, body: Body) -> Asked:
    """After WeCom has made it."""
    calls = {"join-ways": "externalcontact/groupchat/add_join_way", "group-welcomes": WELCOME_ADD}
    world.mall.bot.wecom.answers.setdefault(calls[act], []).append({"errcode": 0, **answer})
    await world.mall.bot.deliver()
    return path.format(world.id_of(act)), body


async def member_said(world: World) -> Asked:
    member = world.mall.one("SELECT member_id FROM identity WHERE external_id = 'wm2'")
    return f"members/{member}/consent", {"state": "out", "channel": "phone"}


AT = (NOON + timedelta(days=30)).isoformat(), (NOON + timedelta(days=30, hours=2)).isoformat()
TEA = {"title": "茶会", "place": "一店", "starts_at": AT[0], "ends_at": AT[1], "seats": 5}


async def seated(world: World) -> Asked:
    """A member has a seat."""
    await world.mall.says("wm3", f"报名 {world.answers['salons']['no']}")
    return "salons/check-in", {"token": world.mall.one("SELECT token FROM salon_seat")}


async def walked(world: World) -> Asked:
    """When the walk is through."""
    await world.mall.passes(seconds=1)
    return f"tag-rules/{world.id_of('tag-rules')}/end", {}


async def question(world: World) -> Asked:
    """Nothing answered somebody's question, and now there is an article that does."""
    noted = "买错颜色了咋整"
    await world.mall.bot.writer.call(lambda work: questions.note(work.db, work.ids, noted, "member", work.now))
    number = world.mall.one("SELECT id FROM question WHERE text = :text", text=noted)
    return f"questions/{number}/resolve", {"article_id": await article(world)}


async def article(world: World) -> int:
    """An article that came in by a file."""
    headers = {"Authorization": f"Bearer {world.tokens['wang']}"}
    url, faq = "/api/v1/knowledge?source=faq.csv", "问题,答案\n怎么退货🎁,七天内联系导购\n"
    async with world.office.client.post(url, data=faq.encode(), headers=headers) as response:
        assert response.status == 200, await response.text()
    return int(world.mall.one("SELECT id FROM knowledge_article WHERE source = 'faq.csv'"))


async def withdrawn(world: World) -> Asked:
    """It is there, and goes."""
    return f"knowledge/{await article(world)}/remove", {}


async def promoting(world: World) -> Asked:
    """wm4 promotes, and has two customers who seem odd, and one who has bought."""
    world.answers["promoter"] = {"id": await promoter_of(world)}
    return f"distribution/distributors/{world.id_of('promoter')}/assign", {"role": "service", "userid": "mei"}


async def promoter_of(world: World) -> int:
    await world.mall.says("wm4", "申请分销")
    waits = world.mall.one("SELECT id FROM approval WHERE kind = 'distribution.apply' AND status = 'waiting'")
    await world.office.post(f"approvals/{waits}/approve", {}, world.tokens["chen"])
    code = world.mall.one("SELECT code FROM distributor")
    for who in ("d1", "d2", "d3"):
        await world.mall.bot.joins(who)
        await world.mall.says(who, f"填推广码 {code}")
    for number in range(2):
        await world.mall.pays("d1", f"d{number}", 10_000)
    await world.mall.passes(days=2)
    return int(world.mall.one("SELECT id FROM distributor"))


async def odd_customer(world: World, step: str) -> Asked:
    """One who came within the same hour as another."""
    number = world.mall.one("SELECT min(id) FROM distribution_customer WHERE decided_at IS NULL")
    return f"distribution/customers/{number}/{step}", {}


async def wanted(world: World, step: str, **body: Any) -> Asked:
    """Something is asked for."""
    await world.mall.says("wm4", "提现 1")
    number = world.mall.one("SELECT max(id) FROM commission_payout")
    return f"distribution/payouts/{number}/{step}", body


DAILY_POST = {"name": "早安🌞", "text": "早安，$group", "userids": ["lina"], "weekdays": [1, 2, 3, 4, 5],
              "times": ["09:30"], "minutes": 120, "first": "2026-11-11", "last": "2026-12-31"}  # fmt: skip


async def launched(world: World) -> Asked:
    """To the segment that was just made."""
    moment = {"at": AT[0], "text": "$product 上新了🎉"}
    return "launches", {"name": "秋茶", "sku": "A", "segment_id": world.id_of("segments"), "moments": [moment]}


EVENING = {"name": "晚上见", "channel": "contact", "text": "今晚 8 点见"}


async def broadcast_under_way(world: World) -> Asked:
    """Its task waits for lina's tap."""
    number = world.id_of("broadcasts")
    with world.mall.bot.database.engine.begin() as connection:
        connection.execute(text("UPDATE broadcast SET status = 'sending', frozen_at = made_at WHERE id = :id"),
                           {"id": number})  # fmt: skip
        put(connection, tables.BroadcastTask, broadcast_id=number, id=900_000, status="made", userid="lina", size=1)
    return f"broadcasts/{number}/pause", {}


WELCOME_ADD = "externalcontact/group_welcome_template/add"
MADE = {"join-ways": {"config_id": "CFG"}, "group-welcomes": {"template_id": "TPL"}}
HELLO = {"name": "新人", "text": "欢迎🎉"}

# act -> (who asks, how). The order counts: what is changed was made before.
STORY: dict[str, tuple[str, Way]] = {
    "stores": ("wang", plainly("stores", {"code": "S1", "name": "一店"})),
    "stores/change": ("wang", plainly("stores/S1", {"name": "徐汇店"})),
    "products": ("wang", plainly("products", {"sku": "A", "title": "茶叶礼盒", "price_fen": 10_000, "stock": 50})),
    "products/change": ("wang", plainly("products/A", {"price_fen": 9_000, "restock": 5, "title": "茶叶礼盒🎁"})),
    "coupon-templates": ("wang", plainly("coupon-templates", FREE)),
    "campaigns": ("wang", plainly("campaigns", DRIVE)),
    "campaigns/publish": ("wang", later("campaigns/{}/publish", "campaigns")),
    "campaigns/pause": ("wang", later("campaigns/{}/pause", "campaigns")),
    "campaigns/end": ("wang", later("campaigns/{}/end", "campaigns")),
    "timetables": ("wang", plainly("timetables", EVERY_WEEK)),
    **{f"timetables/{step}": ("wang", later(f"timetables/{{}}/{step}", "timetables"))
       for step in ("publish", "pause", "end")},
    "points": ("wang", plainly("points", {"external_id": "wm1", "amount": 900, "reason": "补发"})),
    "points/approve": ("chen", lambda world: waiting(world, "points/{id}/approve")),
    "approvals/approve": ("chen", lambda world: waiting(world, "approvals/{approval}/approve")),
    "approvals/reject": ("chen", lambda world: waiting(world, "approvals/{approval}/reject")),
    "checkouts/undo": ("wang", free_checkout),
    "redemptions/undo": ("wang", redeemed),
    "referrals/approve": ("wang", odd_referrals),
    "referrals/reject": ("wang", last_referral),
    "join-ways": ("wang", join_way),
    "join-ways/update": (
        "wang", lambda w: made_asset(w, "join-ways/{}/update", "join-ways", MADE["join-ways"], {**WAY, "name": "侧门"})
    ),
    "join-ways/delete": ("wang", later("join-ways/{}/delete", "join-ways")),
    "group-welcomes": ("wang", plainly("group-welcomes", HELLO)),
    "group-welcomes/update": (
        "wang",
        lambda w: made_asset(
            w, "group-welcomes/{}/update", "group-welcomes", MADE["group-welcomes"], {**HELLO, "text": "你好"}
        ),
    ),
    "group-welcomes/delete": ("wang", later("group-welcomes/{}/delete", "group-welcomes")),
    "staff": ("wang", plainly("staff", {"userid": "lina", "name": "李娜"})),
    "staff/change": ("wang", plainly("staff/lina", {"role": "manager", "store_id": "S1"})),
    "tokens": ("wang", plainly("tokens", {"userid": "lina", "name": "收银机"})),
    "tokens/revoke": ("wang", later("tokens/{}/revoke", "tokens")),
    "tiers": ("wang", plainly("tiers", {"rules": {"levels": [{"name": "银卡🥈", "at_least": 100_000}]}})),
    "tags": ("wang", plainly("tags", {"group": "喜好", "name": "茶🍵"})),
    "tag-groups": ("wang", plainly("tag-groups", {"name": "活跃🔥", "exclusive": True})),
    "tag-rules": ("wang", plainly("tag-rules", {"group": "活跃🔥", "name": "买过", "rule": {"orders": {"least": 1}}})),
    "tag-rules/change": ("wang", later("tag-rules/{}/change", "tag-rules", {"rule": {"orders": {"least": 2}}})),
    "tag-rules/pause": ("wang", later("tag-rules/{}/pause", "tag-rules")),
    "tag-rules/resume": ("wang", later("tag-rules/{}/resume", "tag-rules")),
    "tag-rules/run": ("wang", plainly("tag-rules/run")),
    "tag-rules/end": ("wang", walked),
    "members/consent": ("wang", member_said),
    **{f"journeys/{step}": ("wang", plainly(f"journeys/{step}", {"name": "birthday"}))
       for step in ("pause", "resume", "stop")},
    "segments": ("wang", plainly("segments", {"name": "直播间🎉", "rule": {"channels": ["live"]}})),
    "segments/change": ("wang", later("segments/{}/change", "segments", {"name": "直播"})),
    "launches": ("wang", launched),
    "launches/approve": ("wang", later("launches/{}/approve", "launches")),
    "launches/stop": ("wang", later("launches/{}/stop", "launches")),
    "posts": ("wang", plainly("posts", DAILY_POST)),
    **{f"posts/{step}": ("wang", later(f"posts/{{}}/{step}", "posts")) for step in ("pause", "resume", "stop")},
    "segments/archive": ("wang", later("segments/{}/archive", "segments")),
    "salons": ("wang", plainly("salons", TEA)),
    "salons/change": ("wang", later("salons/{}/change", "salons", {"intro": "带上杯子"})),
    "salons/check-in": ("wang", seated),
    "salons/cancel": ("wang", later("salons/{}/cancel", "salons", {"reason": "下雨"})),
    "distribution/distributors/assign": ("wang", promoting),
    "distribution/distributors/suspend": ("wang", later("distribution/distributors/{}/suspend", "promoter")),
    "distribution/distributors/resume": ("wang", later("distribution/distributors/{}/resume", "promoter")),
    "distribution/hand-over": ("wang", plainly("distribution/hand-over", {"old": "lina", "new": "mei"})),
    "distribution/customers/approve": ("wang", lambda world: odd_customer(world, "approve")),
    "distribution/customers/reject": ("wang", lambda world: odd_customer(world, "reject")),
    "distribution/payouts/pay": ("wang", lambda world: wanted(world, "pay", reference="B🏦1")),
    "distribution/payouts/reject": ("wang", lambda world: wanted(world, "reject", reason="信息不全")),
    "distribution/distributors/terminate": (
        "wang", later("distribution/distributors/{}/terminate", "promoter", {"reason": "违规"})
    ),
    "questions/resolve": ("wang", question),
    "knowledge/remove": ("wang", withdrawn),
    "broadcasts": ("wang", plainly("broadcasts", EVENING)),
    "broadcasts/change": ("wang", later("broadcasts/{}/change", "broadcasts", {**EVENING, "text": "今晚 9 点见🎉"})),
    "broadcasts/test": ("wang", later("broadcasts/{}/test", "broadcasts", {"userids": ["lina"]})),
    "broadcasts/approve": ("wang", later("broadcasts/{}/approve", "broadcasts")),
    "broadcasts/pause": ("wang", broadcast_under_way),
    "broadcasts/resume": ("wang", later("broadcasts/{}/resume", "broadcasts")),
    "broadcasts/remind": ("wang", later("broadcasts/{}/remind", "broadcasts")),
    "broadcasts/refresh": ("wang", later("broadcasts/{}/refresh", "broadcasts")),
    "broadcasts/stop": ("wang", later("broadcasts/{}/stop", "broadcasts")),
}  # fmt: skip


@contextlib.asynccontextmanager
async def world_of(database_url: str) -> AsyncIterator[World]:
    """The shop before the story begins."""
    async with start_shop(database_url, PLAYS) as mall, office_of(mall.bot) as office:
        world = World(mall, office)
        await mall.product("CUP", 3_000, 5)
        for name in ("wang", "chen"):
            world.tokens[name] = await office.token_of(name, "owner")
        yield world
        with mall.bot.database.engine.begin() as connection:
            for table in ("launch_moment", "broadcast_task", "broadcast"):  # one was set under way by hand
                connection.execute(text(f"DELETE FROM {table}"))


def audit_of(world: World, key: str) -> list[tuple[str, str]]:
    """(actor, action) of the audit rows that a request caused, those of rules left out."""
    rows = world.mall.bot.rows(
        "SELECT actor, action FROM audit_log WHERE cause LIKE :key AND actor NOT LIKE 'rule:%' ORDER BY id",
        key=f"api:%:{key}",
    )
    return [(row[0], row[1]) for row in rows]


def refused(answer: tuple[int, Any]) -> str:
    """The field that an answer refuses, with its status; "" when it is no refusal."""
    status, body = answer
    return f"{status} {body['error'].get('field', '')}" if "error" in body else ""


def as_text(body: Any) -> str:
    """An answer for a failing test to show."""
    return json.dumps(body, ensure_ascii=False)
