"""What the tests of 分销 share: a shop where it is turned on, somebody who promotes, what the ledger says of them."""

from __future__ import annotations

import contextlib
import re
from collections.abc import AsyncIterator
from typing import Any

from tests.scenarios.referring import ask
from tests.shop import Shop, start_shop

TEN = {"rate_bp": 1_000, "refund_days": 7, "min_payout_fen": 100, "require_approval": True}
PLAYS: dict[str, dict[str, Any]] = {"distribution": TEN, "approvals": {}}


@contextlib.asynccontextmanager
async def start_mall(url: str, **rules: Any) -> AsyncIterator[Shop]:
    """A shop whose lina (a guide of S1) follows everybody, ma leads S1, boss may everything."""
    plays = {**PLAYS, "distribution": {**TEN, **rules}}
    async with start_shop(url, plays) as mall:
        for userid, role, store in (("lina", "guide", "S1"), ("ma", "manager", "S1"), ("mo", "manager", "S2"),
                                    ("boss", "admin", ""), ("chief", "admin", "")):  # fmt: skip
            await mall.bot.employs(userid, role, store)
        yield mall


async def promotes(mall: Shop, who: str, by: str = "ma") -> str:
    """Somebody becomes a distributor; their code."""
    await mall.says(who, "申请分销")
    number = mall.one("SELECT max(id) FROM approval WHERE status = 'waiting'")
    await mall.bot.says(f"同意 {number}", by)
    return code_of(mall, who)


def code_of(mall: Shop, who: str) -> str:
    """A distributor's code."""
    return str(mall.one(
        "SELECT d.code FROM distributor d JOIN identity i ON i.member_id = d.member_id WHERE i.external_id = :w", w=who
    ))  # fmt: skip


def promoter(mall: Shop, who: str) -> int:
    """A distributor's id."""
    return int(mall.one(
        "SELECT d.id FROM distributor d JOIN identity i ON i.member_id = d.member_id WHERE i.external_id = :w", w=who
    ))  # fmt: skip


async def brings(mall: Shop, code: str, who: str) -> str:
    """A newcomer adds the guide and says who brought them; what they are told."""
    await mall.bot.joins(who)
    return await mall.says(who, f"填推广码 {code}")


def purse(mall: Shop, who: str) -> tuple[int, int]:
    """(what can be had, what is owed) in fen."""
    member = mall.one("SELECT member_id FROM identity WHERE external_id = :w", w=who)
    rows = mall.bot.rows("SELECT amount FROM balance WHERE account = :a AND asset = 'commission'", a=f"member:{member}")
    debt = f"debt:{member}"
    owed = mall.one(
        "SELECT coalesce(sum(CASE WHEN debit = :d THEN amount ELSE -amount END), 0) FROM transfer "
        "WHERE asset = 'commission' AND (debit = :d OR credit = :d)", d=debt,
    )  # fmt: skip
    return (int(rows[0][0]) if rows else 0), int(owed)


def earned(mall: Shop, order_no: str) -> list[tuple[int, int, int, str]]:
    """(level, promised, stands, state) of an order's commission."""
    rows = mall.bot.rows(
        "SELECT c.level, c.amount_fen, c.kept_fen, c.status FROM commission c JOIN shop_order o ON o.id = c.order_id "
        "WHERE o.order_no = :o ORDER BY c.level", o=order_no,
    )  # fmt: skip
    return [(row[0], row[1], row[2], row[3]) for row in rows]


async def asks_for(mall: Shop, who: str, yuan: str = "") -> int:
    """Somebody asks to be paid; the payout's number."""
    found = re.search(r"提现号 (\d+)", await mall.says(who, f"提现 {yuan}".strip()))
    assert found is not None
    return int(found[1])


async def pays_out(mall: Shop, number: int, reference: str = "T1", **more: Any) -> tuple[int, dict[str, Any]]:
    """Somebody writes down that it has left."""
    return await ask(mall, "distribution/payouts/pay", id=number, reference=reference, **more)
