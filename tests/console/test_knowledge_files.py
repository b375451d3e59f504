"""知识文件: what is written in a table or a document becomes articles; what is wrong is named, and nothing enters."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from typing import Any

import pytest

from console.imports.reading import Unreadable
from console.knowledge import markdown, table
from console.knowledge.taking import Library, Taken, source_of
from storage import shop
from storage.articles import Draft
from storage.tables import Store
from tests.conftest import NOON
from tests.fakes import Bot

FAQ = """问题,答案,相似问,分类,截止日期,编号
怎么退货,"七天内可以退，
联系导购。",能退吗；不想要了,售后,2026-12-31,r1
运费谁出,我们出,,售后,,
"""
DOC = """---
kind: doc
category: 茶
---
# 冲泡

先看水温。

## 水温
- **绿茶**八十度
- [普洱](https://example.com)沸水

### 例外
```
# 不是标题
```
"""


async def take(
    bot: Bot, text: str, source: str = "faq.csv", *, encoding: str = "utf-8", dry_run: bool = False
) -> Taken:
    library = Library(bot.writer, bot.database, bot.clock)
    return await library.take(source, io.BytesIO(text.encode(encoding)), "test", dry_run=dry_run)


def kept(taken: Taken) -> tuple[int, ...]:
    assert taken.kept is not None, taken.report.wrong
    return tuple(taken.kept)


def wrong(taken: Taken) -> list[tuple[int, str]]:
    assert taken.kept is None
    return [(cell.line, cell.field) for cell in taken.report.wrong]


def documents(text: str, name: str = "手册") -> list[Draft]:
    from console.imports.report import Report

    report = Report("knowledge")
    found = [draft for _, draft in markdown.read(io.StringIO(text), report, NOON, name)]
    assert report.wrong == []
    return found


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-8", "gb18030", "utf-16"])
async def test_a_table_is_read_however_excel_wrote_it(bot: Bot, encoding: str) -> None:
    assert kept(await take(bot, FAQ, encoding=encoding)) == (2, 0, 0, 0)
    rows = bot.rows("SELECT key, title, asks, valid_until IS NULL FROM knowledge_article ORDER BY id")
    assert next(tuple(map(str, row)) for row in rows)[:3] == ("r1", "怎么退货", '["能退吗", "不想要了"]')
    assert bot.rows("SELECT text FROM knowledge_chunk ORDER BY id")[0] == ("七天内可以退，\n联系导购。",)


async def test_the_same_file_again_changes_nothing(bot: Bot) -> None:
    await take(bot, FAQ)
    before = bot.rows("SELECT * FROM knowledge_article ORDER BY id")
    assert kept(await take(bot, FAQ)) == (0, 0, 2, 0)
    assert bot.rows("SELECT * FROM knowledge_article ORDER BY id") == before
    assert bot.count("knowledge_version") == 2


async def test_a_check_alone_tells_what_would_be_and_writes_nothing(bot: Bot) -> None:
    await take(bot, FAQ)
    changed = FAQ.replace("我们出", "您出").replace("怎么退货", "怎么退款")
    assert kept(await take(bot, changed, dry_run=True)) == (0, 2, 0, 0)
    assert kept(await take(bot, "问题,答案\n新的,好\n", dry_run=True)) == (1, 0, 0, 2)
    assert bot.count("knowledge_version") == 2


def test_a_day_is_whole() -> None:
    from console.knowledge.drafts import day

    assert day("2026-12-31", after=1) == datetime(2026, 12, 31, 16, tzinfo=UTC)
    assert day("2026年1月2日") == datetime(2026, 1, 1, 16, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("问题,答案\n,好\n长" + "x" * 90 + ",好\n没有答案,\n", [(2, "question"), (3, "question"), (4, "answer")]),
        ("问题,答案\n甲,好\n甲,不好\n", [(3, "key")]),
        ("问题,答案,类型,可见\n甲,好,笑话,谁都行\n", [(2, "kind"), (2, "audience")]),
        ("问题,答案,开始日期,截止日期\n甲,好,46022,明天\n乙,好,2026-12-31,2026-01-01\n",
         [(2, "valid_from"), (2, "valid_until"), (3, "valid_until")]),
        ("问题,答案,门店\n甲,好,store-9\n", [(2, "store")]),
        ("问题,内容,答案\n甲,好,好\n", [(1, "answer")]),
        ("问题,答按\n甲,好\n", [(1, "答按")]),
        ("问题\n甲\n", [(1, "file")]),
        ("问题,答案\n", [(1, "file")]),
        ("问题,答案\n甲,\"没有完\n", [(2, "file")]),
    ],
)  # fmt: skip
async def test_what_is_wrong_is_named_and_nothing_enters(bot: Bot, text: str, named: Any) -> None:
    assert wrong(await take(bot, text + "")) == named
    assert bot.count("knowledge_article") == bot.count("knowledge_chunk") == 0


async def test_a_store_that_is_known_may_be_named(bot: Bot) -> None:
    await bot.writer.call(lambda work: shop.stores.add(work.db, Store(code="S1", name="一店", franchise="")) and None)
    assert kept(await take(bot, "问题,答案,门店\n甲,好,S1\n")) == (1, 0, 0, 0)


async def test_a_script_is_for_staff_whatever_its_line_says(bot: Bot) -> None:
    await take(bot, "场景,话术,类型,可见\n欢迎,您好,话术,全部\n")
    assert bot.rows("SELECT kind, audience FROM knowledge_article") == [("script", "staff")]


def test_a_document_becomes_pieces_under_its_headings() -> None:
    (draft,) = documents(DOC)
    assert (draft.title, draft.kind, draft.category) == ("冲泡", "doc", "茶")
    assert [tuple(section) for section in draft.sections] == [
        ("", "先看水温。"),
        ("水温", "· 绿茶八十度\n· 普洱（https://example.com）沸水"),
        ("水温 · 例外", "# 不是标题"),
    ]


def test_a_document_without_a_first_heading_has_its_files_name() -> None:
    assert [draft.title for draft in documents("只有一段。\n")] == ["手册"]
    assert [draft.title for draft in documents("# 手册\n\n## 一\n甲\n\n# 乙\n乙乙\n")] == ["手册", "乙"]


def test_questions_may_be_written_as_a_document() -> None:
    text = "---\nkind: faq\n---\n# 常见问题\n\n## 怎么退货\n也问：能退吗；不要了\n七天内。\n\n## 运费\n我们出。\n"
    found = documents(text)
    assert [(draft.kind, draft.title, draft.asks) for draft in found] == [
        ("faq", "怎么退货", ("能退吗", "不要了")), ("faq", "运费", ())]  # fmt: skip
    assert found[0].sections[0].text == "七天内。"


def test_a_long_text_becomes_pieces_that_fit_a_message() -> None:
    (draft,) = documents("# 长\n" + "这是一句话。" * 600)
    assert len(draft.sections) > 5
    assert all(len(section.text.encode()) <= 1500 and section.text.endswith("。") for section in draft.sections)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("---\nkind: doc\n# 甲\n乙\n", [(1, "file")]),
        ("---\nknd: doc\n---\n# 甲\n乙\n", [(2, "knd")]),
        ("---\nkind: 诗\n---\n# 甲\n乙\n", [(1, "kind")]),
        ("# 甲\n\n# 乙\n丙\n", [(1, "answer")]),
        ("", [(1, "file")]),
        ("---\nstore: S9\n---\n# 甲\n乙\n", [(4, "store")]),
    ],
)
async def test_what_is_wrong_with_a_document_is_named(bot: Bot, text: str, named: Any) -> None:
    assert wrong(await take(bot, text or "\n", "手册.md")) == named
    assert bot.count("knowledge_article") == 0


def test_a_source_is_a_files_name() -> None:
    assert source_of("目录/退换货.md") == source_of("C:\\x\\退换货.md") == "退换货.md"
    for name in ("faq.xlsx", "", "faq", "x" * 100 + ".csv", "a\nb.csv"):
        with pytest.raises(Unreadable):
            source_of(name)


def test_the_template_can_be_read() -> None:
    from console.imports.report import Report

    report = Report("knowledge")
    assert len(list(table.read(io.StringIO(table.template()), report, NOON))) == 1
    assert report.wrong == []
