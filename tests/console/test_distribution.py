"""合规报告: every path that paid somebody, sums that are the ledger's, what was paid to whom in which month; and
who sees which distributors."""

from __future__ import annotations

import csv
import io
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import pytest

from bot.turn import Work
from storage.ledger import COMMISSION, ISSUER, Move, account
from tests.office import TOKEN, Office, office_of
from tests.scenarios.distributing import asks_for, brings, code_of, promoter, promotes, start_mall
from tests.shop import Shop

SPAN = "from=2026-11-01&to=2027-02-01"


@dataclass
class Firm:
    """A shop with two levels, and its API."""

    mall: Shop
    office: Office


@pytest.fixture
async def firm(database_url: str) -> AsyncIterator[Firm]:
    """wm1 had brought mid, who promotes; three customers bought, some gave back, some was paid out."""
    async with start_mall(database_url, levels=2, second_rate_bp=300) as mall, office_of(mall.bot) as office:
        await brings(mall, await promotes(mall, "wm1"), "mid")
        await brings(mall, await promotes(mall, "mid"), "new1")
        await brings(mall, code_of(mall, "wm1"), "new2")
        await mall.pays("new1", "=1+1", 10_000, items=[{"sku": "A", "qty": 1, "price_fen": 12_000}])
        await mall.pays("new2", "o2", 20_000)
        await mall.pays("new1", "o3", 9_999)
        await mall.refunds("o3", 3_333)
        await mall.passes(days=8)
        number = await asks_for(mall, "mid", "9")
        await office.post(f"distribution/payouts/{number}/pay", {"reference": "B-1"})
        await mall.refunds("=1+1", 10_000)
        await mall.passes(days=30)
        number = await asks_for(mall, "wm1", "12")
        await office.post(f"distribution/payouts/{number}/pay", {"reference": "B-2"})
        yield Firm(mall, office)


async def test_every_path_is_told_and_the_sums_are_the_ledgers(firm: Firm) -> None:
    status, body = await firm.office.get(f"distribution/report?{SPAN}")

    assert status == 200
    found = {
        path["order_no"]: [(one["level"], one["code"], one["amount_fen"], one["kept_fen"], one["status"])
                           for one in path["levels"]]
        for path in body["paths"]
    }  # fmt: skip
    top, mid = code_of(firm.mall, "wm1"), code_of(firm.mall, "mid")
    assert found == {
        "=1+1": [(1, mid, 1_000, 0, "clawed_back"), (2, top, 300, 0, "clawed_back")],
        "o2": [(1, top, 2_000, 2_000, "available")],
        "o3": [(1, mid, 999, 666, "available"), (2, top, 299, 199, "available")],
    }
    assert body["totals"] == {"promised_fen": 4_598, "kept_fen": 2_865, "taken_back_fen": 1_733, "paid_fen": 2_100}
    assert body["ledger"] == body["totals"]
    assert body["equal"] is True
    proof = {name: value for name, value in body["proof"].items() if name != "ways"}
    assert proof == {"deepest": 2, "longer_than_two": 0, "paid_without_an_order": 0, "other_ways": 0}
    members = [one["member_id"] for one in body["months"]]
    assert [(one["month"], one["paid_yuan"], one["references"]) for one in body["months"]] == [
        ("2026-11", "9", ["B-1"]), ("2026-12", "12", ["B-2"])
    ]  # fmt: skip
    assert len(set(members)) == 2


async def test_a_span_leaves_out_what_is_not_in_it(firm: Firm) -> None:
    _, body = await firm.office.get("distribution/report?from=2026-12-01&to=2027-01-01")
    assert body["paths"] == []
    assert body["totals"] == {"promised_fen": 0, "kept_fen": 0, "taken_back_fen": 0, "paid_fen": 1_200}
    assert body["equal"] is True
    for bad in ("from=2026-12-01", "from=2026-12-01&to=2026-11-01", "from=x&to=2026-12-01"):
        status, answer = await firm.office.get(f"distribution/report?{bad}")
        assert (status, answer["error"]["code"]) == (400, "bad_value"), bad


async def test_money_that_came_without_an_order_is_told(firm: Firm) -> None:
    """A bonus for heads, and a fee: the report sees both, and that its sums are not the ledger's."""
    member = firm.mall.one("SELECT member_id FROM distributor WHERE code = :c", c=code_of(firm.mall, "wm1"))

    def pay(work: Work) -> None:
        work.move(Move("heads:1", ISSUER, account(member), COMMISSION, 500, "heads"))
        work.move(Move("fee:1", account(member), "fees", COMMISSION, 500, "fee"))

    await firm.mall.bot.writer.call(pay)
    _, body = await firm.office.get(f"distribution/report?{SPAN}")
    assert (body["proof"]["paid_without_an_order"], body["proof"]["other_ways"]) == (1, 1)
    assert any("what was given" in line for line in firm.mall.bot.violations())

    def back(work: Work) -> None:
        work.move(Move("fee:2", "fees", ISSUER, COMMISSION, 500, "back"))

    await firm.mall.bot.writer.call(back)


async def test_the_file_has_a_line_an_order_that_no_spreadsheet_runs(firm: Firm) -> None:
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with firm.office.client.get(f"/api/v1/distribution/report.csv?{SPAN}", headers=headers) as response:
        text = await response.text("utf-8-sig")
        assert response.content_type == "text/csv"
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["order_no"] for row in rows] == ["'=1+1", "o2", "o3"]
    assert [row["levels"] for row in rows] == ["2", "1", "2"]
    assert rows[1]["level2_code"] == ""
    sums = sum(int(row[f"level{level}_kept_fen"] or 0) for row in rows for level in (1, 2))
    assert sums == 2_865


async def test_a_manager_sees_those_whom_their_store_serves(firm: Firm) -> None:
    mo = await firm.office.token_of("mo")
    ma = await firm.office.token_of("ma")
    lina = await firm.office.token_of("lina")
    for path in ("distributors", "changes", "customers", "commissions", "payouts"):
        assert (await firm.office.get(f"distribution/{path}", mo))[1]["items"] == [], path
        assert (await firm.office.get(f"distribution/{path}", ma))[1]["items"] != [], path
        assert (await firm.office.get(f"distribution/{path}", lina))[1]["items"] != [], path
    assert (await firm.office.get(f"distribution/report?{SPAN}", ma))[0] == 403
    number = promoter(firm.mall, "mid")
    body = {"role": "customer", "userid": "mo"}
    assert (await firm.office.post(f"distribution/distributors/{number}/assign", body, ma))[0] == 422
    assert (await firm.office.post(f"distribution/distributors/{number}/suspend", {}, mo))[0] == 404
    assert (await firm.office.post(f"distribution/distributors/{number}/suspend", {}, lina))[0] == 403
    assert (await firm.office.post(f"distribution/distributors/{number}/suspend", {}, ma))[0] == 200


async def test_what_programs_read_of_a_distributor(firm: Firm) -> None:
    _, body = await firm.office.get("distribution/distributors?status=active")
    mid = next(one for one in body["items"] if one["code"] == code_of(firm.mall, "mid"))
    sums: dict[str, Any] = {name: value for name, value in mid.items() if name.endswith("_fen")}
    # 666 ripened and 1,000; 900 were paid; then 1,000 were taken back: 234 are owed
    assert sums == {"pending_fen": 0, "available_fen": 0, "requested_fen": 0, "paid_fen": 900, "owed_fen": 234}
    _, body = await firm.office.get("distribution/commissions?order_no=o3")
    second, first = body["items"]
    assert [line["kept_fen"] for line in first["lines"]] == [666]
    assert (second["level"], second["via_id"], second["lines"][0]["rate_bp"]) == (2, first["distributor_id"], 300)
    assert (await firm.office.get("distribution/payouts?status=lost"))[0] == 400
    assert [one["reference"] for one in (await firm.office.get("distribution/payouts?status=paid"))[1]["items"]] == [
        "B-2", "B-1"
    ]  # fmt: skip
