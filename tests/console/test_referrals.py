"""老带新 over the API: the list, what waits for a person, their decision, and what a campaign has come to."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from console import reads, referral_reads
from console.refusals import Refused
from tests.console.conftest import Shop as Programs
from tests.scenarios.referring import CONFIG, ask, brought, code_of, row_id
from tests.shop import Shop, start_shop


@pytest.fixture
async def club(database_url: str) -> AsyncIterator[Shop]:
    """One inviter's four newcomers: two paid, one refunded afterwards, two wait for a person."""
    async with start_shop(database_url, {"referral": {"velocity_per_hour": 2}}) as mall:
        await mall.passes(days=30)
        await mall.campaign("referral", days=90, **CONFIG)
        code = await code_of(mall, "wm1")
        for number in range(4):
            await brought(mall, f"n{number}", code)
            await mall.pays(f"n{number}", f"o{number}", 6_000)
        await mall.passes(days=8)
        await mall.refunds("o1", 6_000)
        yield mall


def listed(mall: Shop, **query: str) -> list[dict[str, Any]]:
    """What GET /api/v1/referrals gives."""
    with mall.bot.database.engine.connect() as connection:
        items: list[dict[str, Any]] = referral_reads.referrals(connection, query)["items"]
        return items


async def test_the_queue_shows_who_waits_and_why(club: Shop) -> None:
    assert [item["status"] for item in listed(club)] == ["held", "held", "clawed_back", "paid"]
    waiting = listed(club, review="1")
    assert [item["flags"] for item in waiting] == [["velocity"], ["velocity"]]
    assert all(item["review"] for item in waiting)
    assert {item["inviter_name"] for item in waiting} == {"会员1"}
    inviter = str(waiting[0]["inviter_id"])
    assert len(listed(club, inviter=inviter)) == 4
    assert listed(club, inviter="999999", campaign_id=str(waiting[0]["campaign_id"])) == []
    assert len(listed(club, status="paid", campaign_id=str(waiting[0]["campaign_id"]))) == 1

    assert (await ask(club, "referrals/approve", id=row_id(club, "n2"), by="小李"))[0] == 200
    assert [item["invitee_id"] for item in listed(club, review="1")] == [waiting[0]["invitee_id"]]
    with pytest.raises(Refused, match="clawed_back"):
        listed(club, status="lost")


async def test_what_a_campaign_has_come_to(club: Shop) -> None:
    number = club.one("SELECT id FROM campaign")
    with club.bot.database.engine.connect() as connection:
        stats = reads.campaign_stats(connection, {"id": str(number)})
    assert stats == {
        "id": number, "kind": "referral", "status": "published", "inviters": 1, "review": 2, "points": 150,
        "coupons": 0, "instances": {"paid": 1, "clawed_back": 1, "held": 2}, "rewards": {"granted": 2, "reversed": 2},
        "paid_fen": 24_000, "refunded_fen": 6_000,
    }  # fmt: skip


def test_the_routes_are_there_and_guarded(shop: Programs) -> None:
    assert shop.ask("/api/v1/referrals").json == {"items": [], "next": None}
    assert shop.ask("/api/v1/referrals?state=held").json["error"]["field"] == "state"
    assert shop.ask("/api/v1/referrals", token="wrong").status == 401
    for act in ("approve", "reject"):
        assert shop.post(f"/api/v1/referrals/5/{act}", {"by": "小李", "reason": "x"}).status == 404
        assert shop.post(f"/api/v1/referrals/5/{act}", {}, Authorization="Bearer wrong").status == 401


def test_a_campaign_is_published_by_a_program(shop: Programs) -> None:
    now = datetime.now(UTC)
    body = {"kind": "referral", "name": "老带新🎉", "starts_at": now.isoformat(),
            "ends_at": (now + timedelta(days=3)).isoformat(), "config": {**CONFIG, "total": 10}}  # fmt: skip
    made = shop.post("/api/v1/campaigns", body)
    assert (made.status, made.json["worst_fen"]) == (201, 1_500)
    number = made.json["id"]
    assert shop.post(f"/api/v1/campaigns/{number}/publish", {}).status == 200
    stats = shop.ask(f"/api/v1/campaigns/{number}/stats").json
    assert (stats["instances"], stats["points"]) == ({}, 0)
    assert shop.post(f"/api/v1/campaigns/{number}/end", {}).status == 200
