"""What the tests of 老带新 share: codes, newcomers, what became of them."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime
from typing import Any

from bot.order_events import AdminAsked
from tests.shop import Shop

NOW = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
CONFIG: dict[str, Any] = {"inviter": {"points": 100}, "invitee": {"points": 50}, "least_fen": 5_000, "hold_days": 7}


async def code_of(mall: Shop, who: str) -> str:
    """A member's code, as the bot tells it."""
    found = re.search(r"你的邀请码 (\S{4}-\S{4})", await mall.says(who, "推荐有礼"))
    assert found is not None
    return found[1]


async def brought(mall: Shop, who: str, code: str) -> str:
    """A newcomer adds a guide by a member's QR code; the state of their referral."""
    await mall.bot.joins(who, state=f"ref:{code}")
    return state(mall, who)[0]


def state(mall: Shop, who: str, level: int = 1) -> tuple[str, str]:
    """Status and reason of a newcomer's referral; ("none", "") when there is none."""
    rows = mall.bot.rows(
        "SELECT r.status, r.reason FROM referral r JOIN identity i ON i.member_id = r.invitee_id "
        "WHERE i.channel = 'wecom' AND i.external_id = :who AND r.level = :level ORDER BY r.id", who=who, level=level,
    )  # fmt: skip
    return (rows[-1][0], rows[-1][1]) if rows else ("none", "")


def parent(mall: Shop, who: str) -> Any:
    """Who brought somebody, by external id."""
    rows = mall.bot.rows(
        "SELECT p.external_id FROM member m JOIN identity i ON i.member_id = m.id AND i.channel = 'wecom' "
        "JOIN identity p ON p.member_id = m.referrer_id AND p.channel = 'wecom' WHERE i.external_id = :who", who=who,
    )  # fmt: skip
    return rows[0][0] if rows else None


def row_id(mall: Shop, who: str) -> int:
    """The id of a newcomer's referral."""
    return int(mall.one(
        "SELECT r.id FROM referral r JOIN identity i ON i.member_id = r.invitee_id WHERE i.external_id = :who "
        "AND r.level = 1", who=who,
    ))  # fmt: skip


async def ask(mall: Shop, act: str, **body: Any) -> tuple[int, dict[str, Any]]:
    """An act of the API."""
    event = AdminAsked(key=f"api:{next(mall.bot.numbers)}", source="api", at=mall.bot.clock.now(), act=act, body=body)
    answer = json.loads(await mall.bot.writer.accept(event) or "")
    return answer["status"], answer["body"]


async def template(mall: Shop, name: str, **more: Any) -> None:
    """A coupon template."""
    body = {"name": name, "kind": "free_order", "value": 3_000, "valid_days": 30, "stock": 100, **more}
    assert (await ask(mall, "coupon-templates", **body))[0] == 201


LADDER: list[dict[str, Any]] = [{"count": 2, "pack": {"points": 1_000}}, {"count": 3, "pack": {"points": 5_000}}]
