"""新品上市: a launch is broadcasts at its moments; approved, held and counted as any other."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from storage import tables
from tests.conftest import NOON
from tests.office import Office, office_of
from tests.rows import put
from tests.shop import Shop, start_shop


def at(hours: int) -> str:
    return (NOON + timedelta(hours=hours)).isoformat()


@pytest.fixture
async def office(database_url: str) -> AsyncIterator[tuple[Office, Shop]]:
    """A product, and everybody as a segment."""
    async with start_shop(database_url, {"purchase": {}, "approvals": {}, "consent": {}}) as mall:
        await mall.product("TEA", 12_800, 50)
        async with office_of(mall.bot) as api:
            status, made = await api.post("segments", {"name": "老客🎉", "rule": {"tiers": ["basic"]}})
            assert status in (200, 201), made
            yield api, mall


def launch(**more: Any) -> dict[str, Any]:
    moments = [{"at": at(24), "text": "预告：$product 明天到，$price 元"}, {"at": at(48), "text": "$product 到了🍵"}]
    return {"name": "秋茶上市", "sku": "TEA", "segment_id": 0, "moments": moments, **more}


async def made(api: Office, **more: Any) -> tuple[int, Any]:
    _, shown = await api.get("segments")
    return await api.post("launches", launch(**{"segment_id": shown["items"][0]["id"], **more}))


async def test_results_count_the_products_orders_of_those_it_reached(office: tuple[Office, Shop]) -> None:
    api, mall = office
    status, body = await made(api)
    assert status == 201, body
    ids = [row[0] for row in mall.bot.rows("SELECT member_id FROM identity WHERE channel = 'wecom' ORDER BY id")]
    with mall.bot.database.engine.begin() as connection:
        for member_id in ids[:2]:
            put(connection, tables.Audience, broadcast_id=body["broadcasts"][0], member_id=member_id, status="sent")
    await mall.passes(hours=26)
    tea = [{"sku": "TEA", "qty": 1}]
    await mall.pays("wm1", "o1", 12_800, items=tea)
    await mall.pays("wm1", "o2", 12_800, items=tea)
    await mall.pays("wm2", "o3", 900, items=[{"sku": "TEA2", "qty": 1}])
    await mall.pays("wm3", "o4", 12_800, items=tea)  # nobody told them
    await mall.refunds("o2", 12_800)
    _, shown = await api.get(f"launches/{body['id']}")
    assert shown["results"] == {"reached": 2, "orders": 1, "buyers": 1, "paid_fen": 12_800}
    with mall.bot.database.engine.begin() as connection:
        connection.execute(text("DELETE FROM audience"))


async def test_a_launch_to_many_needs_a_second_person_for_all_of_it(office: tuple[Office, Shop]) -> None:
    api, mall = office
    wang, chen = [await api.token_of(name, "owner") for name in ("wang", "chen")]
    _, shown = await api.get("segments")
    _, body = await api.post("launches", launch(segment_id=shown["items"][0]["id"]), wang)
    status, answer = await api.post(f"launches/{body['id']}/approve", {}, chen)
    assert (status, answer["status"]) == (200, "approved")
    assert mall.bot.count("broadcast", "status = 'drafted'") == 0


@pytest.mark.parametrize(("more", "field", "why"), [
    ({"sku": "NO"}, "sku", ""), ({"segment_id": 999_999}, "segment_id", "999999"), ({"moments": []}, "moments", ""),
    ({"moments": [{"at": at(-1), "text": "x"}]}, "moments.0.at", ""),
    ({"moments": [{"at": at(24), "text": "x"}, {"at": at(25), "text": "$nam"}]}, "moments.1.text", "nam"),
    ({"moments": [{"at": at(24), "text": "x", "coupon": "没有"}]}, "moments.0.coupon", ""),
    ({"moments": [{"at": at(24), "text": "x", "channel": "sms"}]}, "moments.0.channel", "contact"),
])  # fmt: skip
async def test_what_is_wrong_is_said_by_its_field(
    office: tuple[Office, Shop], more: dict[str, Any], field: str, why: str
) -> None:
    api, mall = office
    status, body = await made(api, **more)
    assert (status, body["error"]["field"]) == (422, field), body
    assert why in body["error"]["message"]
    assert mall.bot.count("launch") == mall.bot.count("broadcast") == 0
