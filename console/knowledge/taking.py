"""入库 taking: a file of knowledge is checked whole, then its source says in one transaction what the file says."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePath
from typing import Any, BinaryIO, TextIO

from sqlalchemy import select

from bot.clock import Clock
from bot.writer import Writer
from console.imports import reading
from console.imports.reading import Unreadable
from console.imports.report import Report
from console.knowledge import markdown, table
from storage import articles, tables
from storage.articles import Draft, Kept
from storage.engine import Database

t: Any = tables
TABLES, DOCUMENTS = (".csv", ".tsv"), (".md", ".markdown")
MOST_ARTICLES = 2_000  # of one file: they enter in one transaction, which everybody else waits for
LONGEST_SOURCE = 80


@dataclass
class Taken:
    """What was found in a file and, unless it was refused, what became of its source (or would become)."""

    source: str
    report: Report
    kept: Kept | None = None


class Library:
    """Takes files in through the writer."""

    def __init__(self, writer: Writer, database: Database, clock: Clock) -> None:
        self._writer, self._database, self._clock = writer, database, clock

    async def take(self, source: str, file: BinaryIO, by: str, *, dry_run: bool = False) -> Taken:
        """Check a file and let its source say what it says. Raises `Unreadable` for what is no text."""
        report, drafts = await asyncio.to_thread(self._check, source, file)
        if report.wrong_count:
            return Taken(source, report)
        if dry_run:
            kept = await self._writer.call(lambda work: articles.compared(work.db, source, drafts).kept)
        else:
            kept = await self._writer.call(
                lambda work: articles.replace(work.db, work.ids, source, drafts, by, work.now)
            )  # fmt: skip
        return Taken(source, report, kept)

    def _check(self, source: str, file: BinaryIO) -> tuple[Report, list[Draft]]:
        report = Report("knowledge", reading.encoding_of(file))
        text = reading.open_text(file, report.encoding)
        seen: dict[str, int] = {}
        drafts: list[Draft] = []
        try:
            for line, draft in reader(source, text, report, self._clock.now()):
                first = seen.setdefault(draft.key, line)
                if first != line:
                    report.refuse(line, "key", draft.key[:40], f"和第 {first} 行的编号（或标题）相同：换一个，或留一行")
                drafts.append(draft)
                if len(drafts) > MOST_ARTICLES:
                    raise Unreadable(f"超过 {MOST_ARTICLES} 条：分成几个文件", line)
            self._unknown_stores(report, seen, drafts)
        except Unreadable as error:
            report.refuse(error.line, error.field, "", str(error))
        finally:
            text.detach()  # the file is the caller's
        if not drafts and not report.wrong_count:
            report.refuse(1, "file", "", "没有内容：表格从第二行起填，文档要有标题和正文")
        return report, drafts

    def _unknown_stores(self, report: Report, lines: dict[str, int], drafts: list[Draft]) -> None:
        named = {draft.store for draft in drafts} - {""}
        with closing(self._database.engine.connect()) as connection:
            known = {row[0] for row in connection.execute(select(t.Store.code).where(t.Store.code.in_(named)))}
        for draft in drafts:
            if draft.store and draft.store not in known:
                report.refuse(lines[draft.key], "store", draft.store[:40], "没有这家门店：填门店编码，或留空")


def source_of(name: str) -> str:
    """What a file's name makes of it: the source by which it replaces itself. Raises `Unreadable`."""
    path = PurePath(name.replace("\\", "/"))
    if path.suffix.lower() not in TABLES + DOCUMENTS:
        raise Unreadable(
            f"不认识这种文件：要 {'、'.join(TABLES + DOCUMENTS)}，现在是「{path.name[-20:]}」", field="source"
        )
    if len(path.name) > LONGEST_SOURCE or not path.name.isprintable():
        raise Unreadable(f"文件名最长 {LONGEST_SOURCE} 个字，没有看不见的符号", field="source")
    return path.name


def reader(source: str, text: TextIO, report: Report, now: datetime) -> Iterator[tuple[int, Draft]]:
    """The articles of a file with their lines; what is wrong goes into the report."""
    path = PurePath(source)
    if path.suffix.lower() in TABLES:
        return table.read(text, report, now)
    return markdown.read(text, report, now, path.stem)
