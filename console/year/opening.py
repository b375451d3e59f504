"""开店 opening: stores, goods, coupons, people, levels and answers are set up before the first member comes; campaigns,
salons and broadcasts follow month by month.
"""

from __future__ import annotations

import io
from datetime import timedelta
from typing import Any

from bot.clock import ZONE
from console import showroom
from console.knowledge.taking import Library
from console.year.world import World

MADE_BY, APPROVED_BY = "王店长", "李经理"
PLENTY = 1_000  # a year sells more than a show: so many times the showroom's stock


class Brand:
    """What the shop's own programs ask for."""

    def __init__(self, world: World, brand: dict[str, Any], plays: list[str], members: int) -> None:
        self._world, self._brand, self._plays = world, brand, plays
        self._members = members

    async def open(self) -> None:
        """Everything that is there on the first day."""
        there = showroom.read()
        for item in there["stores"]:
            await self._ask("stores", item)
        for item in there["products"]:
            await self._ask("products", {**item, **({"stock": item["stock"] * PLENTY} if "stock" in item else {})})
        for item in there["coupon_templates"]:
            more = {"stock": max(item["stock"], self._members)} if item.get("claimable") and "stock" in item else {}
            await self._ask("coupon-templates", {**item, **more})
        for guide in self._brand["guides"]:
            body = {"userid": guide["userid"], "name": guide["name"], "role": guide["role"], "store_id": guide["store"]}
            await self._ask("staff", body)
        for item in there["tags"]:
            await self._ask("tags", item)
        if "tier" in self._plays:
            for item in there["tiers"]:
                await self._ask("tiers", {"rules": item["rules"], "made_by": MADE_BY})
        await self._teach()

    async def _teach(self) -> None:
        runtime = self._world.runtime
        library = Library(runtime.writer, runtime.database, runtime.clock)
        for file in sorted(showroom.ANSWERS.iterdir()):
            await library.take(file.name, io.BytesIO(file.read_bytes()), MADE_BY)

    async def month(self, number: int) -> None:
        """The campaigns, salons and the broadcast of a month."""
        for drive in self._brand["drives"]:
            if number % drive["every"] == 0 and drive["kind"] in self._plays:
                await self._run(drive, number)
        if "salon" in self._plays:
            for place, salon in enumerate(self._brand["salons"]):
                await self._plan(salon, 6 + 8 * place)
        if number and "broadcasts" in self._plays:
            posts = self._brand["broadcasts"]
            await self._post(posts[number % len(posts)], number)

    async def _run(self, drive: dict[str, Any], number: int) -> None:
        now = self._world.clock.now()
        body = {
            "kind": drive["kind"], "name": f"{drive['name']} {number + 1}" if number else drive["name"],
            "starts_at": now.isoformat(), "ends_at": (now + timedelta(days=drive["days"])).isoformat(),
            "config": drive["config"], "made_by": MADE_BY,
        }  # fmt: skip
        made = await self._ask("campaigns", body)
        await self._ask("campaigns/publish", {"id": made["id"], "by": APPROVED_BY})

    async def _plan(self, salon: dict[str, Any], days: int) -> None:
        today = self._world.clock.now().astimezone(ZONE).replace(minute=0, second=0, microsecond=0)
        begins = (today + timedelta(days=days)).replace(hour=salon["hour"])
        more = {name: value for name, value in salon.items() if name != "hour"}
        await self._ask("salons", {
            **more, "starts_at": begins.isoformat(), "ends_at": (begins + timedelta(hours=2)).isoformat(),
            "by": MADE_BY,
        })  # fmt: skip

    async def _post(self, post: dict[str, Any], number: int) -> None:
        body = {**post, "name": f"{post['name']} {number + 1}", "made_by": MADE_BY}
        made = await self._ask("broadcasts", body)
        await self._ask("broadcasts/approve", {"id": made["id"], "by": APPROVED_BY})

    async def _ask(self, act: str, body: dict[str, Any]) -> dict[str, Any]:
        status, answer = await self._world.ask(act, body)
        if status >= 300:
            raise RuntimeError(f"{act}: {status} {answer}")
        return answer
