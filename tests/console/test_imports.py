"""导入: a file enters whole or not at all, once, and what is wrong with it is named cell by cell."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.order_events import OrderPaid, OrderRefunded
from bot.turn import Work
from console.imports.entering import Done, Importer
from console.imports.reading import Unreadable
from storage import points, shop, stock
from storage.ledger import ISSUER
from storage.members import phone_hash
from storage.tables import Store
from tests.conftest import NOON
from tests.fakes import Bot, start_bot

MEMBERS = """姓名,手机号,unionid,external_userid,等级,标签,积分,入会日期
小明🎉,１３８ 0013-8000,,,gold,渠道/门店；老客,120,2024-03-05
"王,芳",,oUnion,wm2,,,0,2024/3/5 14:30
,+8613900139000,,,,,,
"""
TABLES = ["member", "identity", "member_tag", "transfer", "balance", "points_lot", "product", "stock", "shop_order",
          "outbox", "timer", "reward", "inbox"]  # fmt: skip


async def take(
    bot: Bot, kind: str, text: str, *, encoding: str = "utf-8", dry_run: bool = False, tell: Any = None
) -> Done:
    """Import a text as a file."""
    importer = Importer(bot.writer, bot.database, bot.clock)
    file = io.BytesIO(text.encode(encoding))
    return await importer.take(kind, file, "test", tell or (lambda _stage, _rows: None), dry_run=dry_run)


def books(bot: Bot) -> dict[str, list[Any]]:
    """Everything that an import may change."""
    return {table: sorted(map(repr, bot.rows(f'SELECT * FROM "{table}"'))) for table in TABLES}


def write(bot: Bot, sql: str) -> None:
    """What another process writes."""
    with bot.database.engine.begin() as connection:
        connection.exec_driver_sql(sql)


async def test_members_come_in_with_names_points_and_tags(bot: Bot) -> None:
    done = await take(bot, "members", "\ufeff" + MEMBERS)

    assert (done.report.encoding, done.entered) == ("utf-8-sig", {"new": 3, "opened": 1})
    ming = bot.rows("SELECT member_id FROM identity WHERE channel = 'phone' AND external_id = :hash",
                    hash=phone_hash("13800138000"))[0][0]  # fmt: skip
    assert bot.rows("SELECT name, tier FROM member WHERE id = :id", id=ming) == [("小明🎉", "gold")]
    assert bot.rows("SELECT group_name, name, source FROM member_tag ORDER BY name") == [
        ("导入", "老客", "import"), ("渠道", "门店", "import")]  # fmt: skip
    assert bot.rows("SELECT account, amount FROM balance") == [(f"member:{ming}", 120)]
    assert bot.rows('SELECT "key", debit, credit, amount FROM transfer') == [
        (f"import:opening:{ming}", ISSUER, f"member:{ming}", 120)]  # fmt: skip
    both = bot.rows("SELECT channel, member_id FROM identity WHERE external_id IN ('oUnion', 'wm2')")
    assert len({row[1] for row in both}) == 1
    assert bot.count("import_row") == bot.count("import_tag") == 0  # staging is given back
    assert "13800138000" not in repr(books(bot))


async def test_the_same_file_twice_changes_nothing(bot: Bot) -> None:
    await take(bot, "members", MEMBERS)
    before = books(bot)

    done = await take(bot, "members", MEMBERS)

    assert (done.report.known, done.entered) == (3, {"new": 0, "opened": 0})
    assert books(bot) == before


async def test_who_is_known_gets_what_was_missing(bot: Bot) -> None:
    await bot.joins("wm2")
    await bot.deliver()  # the profile arrives: the member has a name
    text = "external_userid,手机号,姓名,积分,等级\nwm2,13800138000,别的名字,50,gold\n"

    done = await take(bot, "members", text)

    assert (done.report.known, done.entered) == (1, {"new": 0, "opened": 1})
    assert bot.points("wm2") == 150
    assert bot.rows("SELECT name, tier FROM member") == [("小明🎉", "gold")]
    assert bot.count("identity", "channel = 'phone'") == 1
    more = await take(bot, "members", text.replace(",50,", ",70,"))
    assert (more.report.kept, bot.points("wm2")) == (1, 150)  # one opening balance, ever


async def test_an_opening_balance_pays_a_debt_first(bot: Bot) -> None:
    await bot.joins("wm2")
    member_id = bot.rows("SELECT id FROM member")[0][0]
    await bot.writer.call(lambda work: points.take_back(work, member_id, 130, ISSUER, "test:back", "test"))
    await take(bot, "members", "external_userid,积分\nwm2,50\n")
    assert bot.points("wm2") == 20


async def test_excel_in_china_writes_gb18030_and_tabs(bot: Bot) -> None:
    done = await take(
        bot, "members", MEMBERS.replace(",", "\t").replace('"王\t芳"', "王芳").replace("🎉", ""), encoding="gb18030"
    )
    assert (done.report.encoding, done.entered["new"]) == ("gb18030", 3)
    assert bot.count("member", "name = '王芳'") == 1
    done = await take(bot, "members", MEMBERS, encoding="utf-16")
    assert (done.report.encoding, done.report.known) == ("utf-16", 3)


async def test_an_order_of_an_imported_member_finds_them(bot: Bot) -> None:
    await take(bot, "members", MEMBERS)
    await bot.writer.accept(OrderPaid(
        key="o1", source="orders", at=NOON, shop="mall", order_no="n1",
        buyer={"mobile_hash": phone_hash("13800138000").upper()}, amount_fen=100, items=[],
    ))  # fmt: skip
    assert bot.rows("SELECT m.name FROM shop_order o JOIN member m ON m.id = o.member_id") == [("小明🎉",)]
    assert bot.count("member") == 3


async def test_every_wrong_cell_is_named_and_nothing_is_written(bot: Bot) -> None:
    text = "姓名,手机号,unionid,积分,入会日期,标签\n" + "\n".join([
        "好,13800138000,,1,2024-03-05,",
        "短号,1380013800,,1,,",
        "科学,1.38E+10,,1,,",
        "没有身份,,,1,,",
        "负分,13800138001,,-5,,",
        "小数,13800138002,,1.5,,",
        "序号,13800138003,,1,45356,",
        "未来,13800138004,,1,2034-03-05,",
        "不存在的一天,13800138005,,1,2024-02-30,",
        "重复,13800138000,,1,,",
        f"{'长' * 65},13800138006,,1,,",
        "两处错,138,,x,,",
        "空格,,o 1,1,,",
        "坏标签,13800138007,,1,,组/",
    ])  # fmt: skip
    before = books(bot)

    report = (await take(bot, "members", text)).report

    assert [(w.line, w.field) for w in report.wrong] == [
        (3, "phone"), (4, "phone"), (5, "phone"), (6, "points"), (7, "points"), (8, "created_at"), (9, "created_at"),
        (10, "created_at"), (12, "name"), (13, "phone"), (13, "points"), (14, "unionid"), (15, "tags"), (11, "phone"),
    ]  # fmt: skip
    assert all(w.message for w in report.wrong)
    assert report.wrong[1].value == "1.38E+10"
    assert books(bot) == before
    assert bot.count("import_run") == 0


async def test_fifty_wrong_cells_are_named_and_all_are_counted(bot: Bot) -> None:
    report = (await take(bot, "members", "手机号\n" + "138\n" * 70)).report
    assert (len(report.wrong), report.wrong_count, report.rows) == (50, 70, 70)


@pytest.mark.parametrize(
    ("text", "line", "word"),
    [
        ("", 1, "表头"),
        ("\n\n", 1, "表头"),
        ("手机号\n", 1, "没有内容"),
        ("手机号,积份\n13800138000,1\n", 1, "积分"),
        ("手机号,手机\n13800138000,1\n", 1, "同一项"),
        ("手机号;积分\n13800138000;1\n", 1, "不认识"),
        ("手机号,积分\n13800138000,1,5\n", 2, "多出几格"),
        ('手机号,姓名\n13800138000,"没有结束\n', 2, "引号"),
    ],
)
async def test_a_file_that_is_no_table_is_refused(bot: Bot, text: str, line: int, word: str) -> None:
    report = (await take(bot, "members", text)).report
    assert [(w.line, word in w.message) for w in report.wrong] == [(line, True)]


@pytest.mark.parametrize("encoding", ["utf-16-le", "cp1252"])
async def test_what_cannot_be_read_is_refused(bot: Bot, encoding: str) -> None:
    with pytest.raises(Unreadable, match="UTF-8"):
        await take(bot, "members", "name,phone\nJosé ÿÿ\x80ÿ,13800138000\n".replace("\x80", "é"), encoding=encoding)


async def test_one_line_cannot_be_two_members_nor_two_lines_one(bot: Bot) -> None:
    await bot.joins("wm1")
    await bot.joins("wm2")
    await take(bot, "members", "external_userid,手机号\nwm1,13800138000\n")
    before = books(bot)
    torn = (await take(bot, "members", "external_userid,手机号\nwm2,13800138000\n")).report
    same = (await take(bot, "members", "external_userid,手机号\nwm1,\n,13800138000\n")).report
    assert [(w.line, "不同的会员" in w.message) for w in torn.wrong] == [(2, True)]
    assert [(w.line, "第 2 行" in w.message) for w in same.wrong] == [(3, True)]
    assert books(bot) == before


async def test_what_came_between_checking_and_entering_is_seen(bot: Bot) -> None:
    await bot.joins("wm1")
    number = bot.rows("SELECT id FROM member")[0][0]

    def meanwhile(stage: str, _rows: int) -> None:
        if stage == "enter":  # another process learns that this unionid is hers
            write(bot, "INSERT INTO identity (id, channel, external_id, member_id, evidence, created_at) "
                      "SELECT id + 900000000, 'unionid', 'oNew', member_id, evidence, created_at FROM identity "
                      "WHERE external_id = 'wm1'")  # fmt: skip

    done = await take(bot, "members", "unionid,姓名,积分\noNew,小红,7\n", tell=meanwhile)
    assert done.entered == {"new": 0, "opened": 1}
    assert bot.points("wm1") == 107
    assert bot.rows("SELECT id FROM member") == [(number,)]


PRODUCTS = '商品编码,商品名称,类目,售价,成本,库存\nA,茶叶,茶,¥128.50,40,50\nB,杯子,,"1,234.5",,\n'


async def test_products_in_exact_fen(bot: Bot) -> None:
    assert (await take(bot, "products", PRODUCTS)).entered == {"new": 2, "changed": 0}
    assert bot.rows("SELECT sku, title, category, price_fen, cost_fen, counted, status FROM product ORDER BY sku") == [
        ("A", "茶叶", "茶", 12_850, 4_000, 1, "active"), ("B", "杯子", "", 123_450, 0, 0, "active")]  # fmt: skip
    assert bot.rows("SELECT name, remaining FROM stock WHERE name LIKE 'sku:%'") == [("sku:A", 50)]


async def test_a_later_file_changes_prices_never_what_is_left(bot: Bot) -> None:
    await take(bot, "products", PRODUCTS)
    await bot.writer.call(lambda work: stock.take(work.db, "sku:A", 30))
    before = books(bot)
    assert (await take(bot, "products", PRODUCTS)).entered == {"new": 0, "changed": 0}
    assert books(bot) == before

    changed = PRODUCTS.replace("128.50", "99.9").replace("茶叶", "新茶") + "C,碟,,0.01,,\n"
    assert (await take(bot, "products", changed)).entered == {"new": 1, "changed": 1}

    assert bot.rows("SELECT title, price_fen FROM product WHERE sku = 'A'") == [("新茶", 9_990)]
    assert bot.rows("SELECT remaining FROM stock WHERE name = 'sku:A'") == [(20,)]
    assert bot.count("audit_log", "action = 'product.changed'") == 1


ORDERS = """订单号,来源,手机号,unionid,实付金额,付款时间,门店
n1,mall,13800138000,,99.00,2024-03-05 14:30,S1
n2,mall,13800138000,,0,2024-04-05,S9
n3,mall,,oU,12.3,2024-05-05,S9
"""


async def test_history_enters_the_books_and_wakes_nobody(database_url: str) -> None:
    rules = {"points": {"per_yuan": 1, "refund_days": 7, "valid_days": 30}}
    async with start_bot(database_url, NOON, more_plays=rules) as bot:
        await bot.writer.call(
            lambda work: shop.stores.add(work.db, Store(code="S1", name="一店", franchise="")) and None
        )
        quiet = {table: bot.count(table) for table in ("reward", "timer", "outbox", "inbox", "transfer")}

        assert (await take(bot, "orders", ORDERS)).entered == {"new": 3, "refunded": 0}

        assert {table: bot.count(table) for table in quiet} == quiet
        assert bot.rows("SELECT order_no, amount_fen, store FROM shop_order ORDER BY order_no") == [
            ("n1", 9_900, "S1"), ("n2", 0, "S9"), ("n3", 1_230, "S9")]  # fmt: skip
        assert bot.count("member") == 2  # two orders of one phone are one buyer
        assert bot.rows("SELECT subject FROM audit_log WHERE action = 'store.unknown'") == [("store:S9",)]
        paid_at = bot.rows("SELECT paid_at FROM shop_order WHERE order_no = 'n1'")[0][0]
        assert paid_at in (datetime(2024, 3, 5, 6, 30, tzinfo=UTC), 1_709_620_200_000_000)

        def bought(work: Work) -> bool:
            return all(shop.has_bought_before(work.db, row[0]) for row in bot.rows("SELECT id FROM member"))

        assert await bot.writer.call(bought)
        before = books(bot)
        assert (await take(bot, "orders", ORDERS)).entered == {"new": 0, "refunded": 0}
        assert books(bot) == before


async def test_an_order_that_a_shop_told_is_not_told_again(bot: Bot) -> None:
    await bot.writer.accept(OrderPaid(key="o1", source="orders", at=NOON, shop="mall", order_no="n3",
                                      buyer={"external_userid": "wm1"}, amount_fen=5, items=[]))  # fmt: skip
    await bot.writer.accept(OrderRefunded(key="r1", source="orders", at=NOON, shop="mall", order_no="n1",
                                          refund_no="r1", amount_fen=10_000))  # fmt: skip
    assert (await take(bot, "orders", ORDERS)).entered == {"new": 2, "refunded": 1}
    assert bot.rows("SELECT order_no, amount_fen, refunded_fen FROM shop_order ORDER BY order_no") == [
        ("n1", 9_900, 9_900), ("n2", 0, 0), ("n3", 5, 0)]  # fmt: skip
    assert bot.count("identity", "external_id = 'oU'") == 0  # whoever bought n3 is known already


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("n1,,13800138000,,1,2024-03-05,", "source"), (",mall,13800138000,,1,2024-03-05,", "order_no"),
        ("n1,mall,,,1,2024-03-05,", "phone"), ("n1,mall,13800138000,oU,1,2024-03-05,", "phone"),
        ("n1,mall,13800138000,,1.234,2024-03-05,", "amount"), ("n1,mall,13800138000,,,2024-03-05,", "amount"),
        ("n1,mall,13800138000,,1,,", "paid_at"), ("4.2E+27,mall,13800138000,,1,2024-03-05,", "order_no"),
    ],
)  # fmt: skip
async def test_a_wrong_order_is_named(bot: Bot, line: str, field: str) -> None:
    report = (await take(bot, "orders", ORDERS.splitlines()[0] + "\n" + line + "\n")).report
    assert [(w.line, w.field) for w in report.wrong] == [(2, field)]


async def test_a_dry_run_writes_nothing(bot: Bot) -> None:
    before = books(bot)
    done = await take(bot, "members", MEMBERS, dry_run=True)
    assert (done.report.rows, done.report.wrong, done.entered) == (3, [], {})
    assert books(bot) == before
    assert bot.count("import_run") == 0
