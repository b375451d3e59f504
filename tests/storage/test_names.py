"""找名字: any piece of a name is found by a range of an index, by whatever way the name came in."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import text

from console.imports.entering import Importer
from storage import finding, names
from tests.desk import Desk, start_desk


@pytest.mark.parametrize(
    ("name", "found", "not_found"),
    [
        ("小明同学", {"小明同学", "明同学", "同学", "学"}, {"明小"}),
        ("Ａlice 王", {"alice王", "王"}, {"Alice"}),
        ("王", {"王"}, set()),
        (" 　", set(), {""}),
    ],
)
def test_a_name_is_parted(name: str, found: set[str], not_found: set[str]) -> None:
    assert found <= names.parts(name)
    assert not_found.isdisjoint(names.parts(name))


def test_a_long_name_costs_no_more_than_a_line() -> None:
    assert len(names.parts("长" * 10 + "名字很长的一个人" * 20)) <= names.LONGEST


async def seen(desk: Desk, piece: str) -> list[str]:
    """The names that an admin finds."""
    found = await desk.bot.writer.call(lambda work: finding.by_name(work.db, piece, "boss", None, 7))
    return [hit.name for hit in found]


async def test_an_import_lets_people_be_found_and_keeps_the_tails(database_url: str) -> None:
    async with start_desk(database_url) as desk:
        importer = Importer(desk.bot.writer, desk.bot.database, desk.bot.clock)
        lines = "手机号,姓名\n13800138000,欧阳 ABC\n13900139000,王女士\n"
        for _ in range(2):  # a second time changes nothing
            done = await importer.take("members", io.BytesIO(lines.encode()), "boss", lambda *_: None)
            assert done.report.wrong == []

        assert await seen(desk, "欧阳a") == ["欧阳 ABC"]
        assert set(await seen(desk, "王女")) == {"王女士", "王女士🎉"}
        assert sorted(row[0] for row in desk.bot.rows("SELECT tail FROM phone_tail")) == ["8000", "9000"]
        assert not [line for line in desk.bot.violations() if "names" in line]


async def test_a_file_teaches_the_tails_of_who_was_imported_before_there_were_any(database_url: str) -> None:
    async with start_desk(database_url) as desk:
        importer = Importer(desk.bot.writer, desk.bot.database, desk.bot.clock)
        lines = "手机号,姓名\n13800138000,欧阳\n".encode()
        await importer.take("members", io.BytesIO(lines), "boss", lambda *_: None)
        await desk.bot.writer.call(lambda work: names.forget_tail(work.db, _only(desk), "8000"))
        await importer.take("members", io.BytesIO(lines), "boss", lambda *_: None)

        assert [row[0] for row in desk.bot.rows("SELECT tail FROM phone_tail")] == ["8000"]


def _only(desk: Desk) -> int:
    return int(desk.one("SELECT member_id FROM identity WHERE channel = 'phone'"))


async def test_orders_and_remarks_teach_tails_too(database_url: str) -> None:
    async with start_desk(database_url) as desk:
        await desk.pays("wm1", "E1", 100, buyer={"external_userid": "wm1", "mobile_tail": "6688"})
        await desk.pays("wm2", "E2", 100, buyer={"external_userid": "wm2", "mobile_tail": "66x8"})

        assert [tuple(row) for row in desk.bot.rows("SELECT tail, source FROM phone_tail")] == [("6688", "order")]
        assert (await desk.says("查客 6688")).startswith("王女士🎉（尾号 6688）")


async def test_searches_are_ranges_of_indexes(database_url: str) -> None:
    """No search reads a whole table: what stands in the plan is an index or a key."""
    async with start_desk(database_url) as desk:
        with desk.bot.database.engine.connect() as connection:
            if desk.bot.database.dialect == "sqlite":
                for sql in (
                    "SELECT member_id FROM member_name WHERE part >= '晓' AND part < '晔' LIMIT 20",
                    "SELECT member_id FROM phone_tail WHERE tail = '8000'",
                ):
                    plan = connection.execute(text(f"EXPLAIN QUERY PLAN {sql}")).all()
                    assert all("SEARCH" in row[-1] and "PRIMARY KEY" in row[-1] for row in plan), plan
            else:
                connection.execute(text("SET enable_seqscan = off"))
                sql = "SELECT member_id FROM member_name WHERE part >= '晓' AND part < '晔' LIMIT 20"
                plan = connection.execute(text(f"EXPLAIN {sql}")).all()
                assert "member_name_pkey" in str(plan), plan
                assert "Index Cond" in str(plan), plan
