"""The command line's side of the knowledge base: what was wrong, what was taken in, what is found."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bot.clock import SystemClock
from bot.errors import NotStored
from bot.ids import SystemChance
from bot.texts import Texts
from bot.writer import Writer
from console.imports.reading import Unreadable
from console.imports.terminal import wrong_table
from console.knowledge import reads
from console.knowledge.taking import Library, Taken, source_of
from handlers.dispatch import Dispatcher
from storage import articles
from storage.articles import Kept
from storage.engine import Database

ACTOR, AT_ONCE = "cli", 200


@asynccontextmanager
async def _writing(url: str) -> AsyncIterator[tuple[Writer, Database]]:
    """A writer alone: nothing of the bot runs."""
    database = Database(url)
    await asyncio.to_thread(database.migrate)
    writer = Writer(database, Dispatcher([]), SystemClock(), SystemChance(), Texts())
    writer.start()
    try:
        yield writer, database
    finally:
        await writer.stop()
        database.close()


async def bring_in(url: str, files: list[Path], *, dry_run: bool) -> int:
    """Take files in one by one and say what became of each; the exit code."""
    out, failed = Console(), False
    if doubled := {file.name for file in files if sum(other.name == file.name for other in files) > 1}:
        out.print(f"[red]✗[/] 文件名相同的会互相替换：{'、'.join(sorted(doubled))}；改一个名字")
        return 1
    async with _writing(url) as (writer, database):
        library = Library(writer, database, SystemClock())
        for file in files:
            try:
                with file.open("rb") as opened:
                    taken = await library.take(source_of(file.name), opened, ACTOR, dry_run=dry_run)
            except (Unreadable, NotStored) as error:
                why = "数据库正忙，写不进去：稍后再试" if isinstance(error, NotStored) else str(error)
                out.print(f"[red]✗[/] {file.name}：{why}；这个文件什么都没有写入")
                failed = True
            else:
                failed |= _tell(out, taken, dry_run)
    return int(failed)


def _tell(out: Console, taken: Taken, dry_run: bool) -> bool:
    """Say what became of one file; True when it was refused."""
    report = taken.report
    if taken.kept is None:
        out.print(wrong_table(report))
        out.print(f"[red]✗[/] {taken.source}：{report.wrong_count} 处有错；什么都没有写入，改好后再导入一次")
        return True
    done = "。只是检查，什么都没有写入" if dry_run else ""
    out.print(f"[green]✓[/] {taken.source}（{report.encoding}）：{_counted(taken.kept)}{done}")
    return False


def _counted(kept: Kept) -> str:
    names = {"new": "新增", "changed": "更新", "same": "没变", "withdrawn": "撤下"}
    return "，".join(f"{names[name]} {n}" for name, n in kept._asdict().items() if n) or "没有变化"


async def remove(url: str, source: str) -> int:
    """Let a source say nothing any more; the exit code."""
    async with _writing(url) as (writer, _):
        kept = await writer.call(lambda work: articles.replace(work.db, work.ids, source, [], ACTOR, work.now))
    if not kept.withdrawn:
        Console().print(f"[red]✗[/] 没有来自「{source}」的条目：文件名要和导入时一样")
        return 1
    Console().print(f"[green]✓[/] 撤下 {kept.withdrawn} 条")
    return 0


async def reindex(url: str) -> int:
    """Read every article again, some at a time; the exit code."""
    after, count = 0, 0
    async with _writing(url) as (writer, _):
        while True:
            last, done = await writer.call(
                lambda work, after=after: articles.read_again(work.db, work.ids, after, AT_ONCE)  # type: ignore[misc]
            )
            count += done
            if not done:
                break
            after = last
    Console().print(f"[green]✓[/] 重建了 {count} 条")
    return 0


def show_hits(url: str, text: str, *, staff: bool) -> None:
    """What a question finds."""
    database = Database(url)
    database.migrate()
    query = {"q": text, "staff": "1" if staff else "0"}
    with database.engine.connect() as connection:
        found = reads.search(connection, query, SystemClock().now())["items"]
    out, table = Console(), Table(show_edge=False)
    for title in ("得分", "条目", "来自", "缺什么"):
        table.add_column(title, overflow="fold")
    for hit in found:
        mark = "[green]✓[/]" if hit["good"] else "[yellow]·[/]"
        table.add_row(f"{mark} {hit['score']:.2f}", hit["name"], hit["source"], hit["why"])
    out.print(table if found else "什么都没有找到")
    database.close()


def show_questions(url: str) -> None:
    """Open questions."""
    database = Database(url)
    database.migrate()
    with database.engine.connect() as connection:
        found = reads.unanswered(connection, {})
    out, table = Console(), Table(show_edge=False)
    for title in ("次数", "问题", "谁问的", "最近一次", "编号"):
        table.add_column(title, overflow="fold")
    names = {"member": "会员", "guide": "导购"}
    for row in found["items"]:
        table.add_row(
            str(row["times"]), row["text"], names.get(row["asked_by"], row["asked_by"]), row["last_at"][:16],
            str(row["id"]),
        )  # fmt: skip
    out.print(table if found["items"] else "没有没答上的问题")
    database.close()
