"""The command line's side of imports: a bar while it works, a table of what is wrong, one line of what was done."""

from __future__ import annotations

import asyncio
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from bot.clock import SystemClock
from bot.errors import NotStored
from bot.ids import SystemChance
from bot.texts import Texts
from bot.writer import Writer
from console.imports.entering import Done, Importer
from console.imports.reading import Unreadable
from console.imports.report import Report
from handlers.dispatch import Dispatcher
from storage.engine import Database

ACTOR = "cli"
STAGES = {"check": "检查", "stage": "暂存", "enter": "入账"}
COUNTS = {"new": "新增", "changed": "更新", "opened": "期初积分入账", "refunded": "补记退款"}


class Bars:
    """One bar a stage; the first one learns how long the others are."""

    def __init__(self, progress: Progress) -> None:
        self._progress, self._rows = progress, 0
        self._tasks: dict[str, object] = {}

    def __call__(self, stage: str, rows: int) -> None:
        """So many lines have gone through a stage."""
        if stage not in self._tasks:
            self._finish()
            total = self._rows or None
            self._tasks[stage] = self._progress.add_task(STAGES[stage], total=total)
        self._rows = max(self._rows, rows)
        done = 0 if stage == "enter" else rows
        self._progress.update(self._tasks[stage], completed=done)  # type: ignore[arg-type]

    def _finish(self) -> None:
        for task in self._tasks.values():
            self._progress.update(task, completed=self._rows, total=self._rows)  # type: ignore[arg-type]

    def end(self) -> None:
        """Everything is through."""
        self._finish()


async def bring_in(url: str, kind: str, file: Path, dry_run: bool) -> int:
    """Import a file and say what became of it; the exit code. Needs nothing but the database."""
    out, clock = Console(), SystemClock()
    database = Database(url)
    await asyncio.to_thread(database.migrate)
    writer = Writer(database, Dispatcher([]), clock, SystemChance(), Texts())
    writer.start()
    try:
        with file.open("rb") as opened, _bar(out) as progress:
            bars = Bars(progress)
            done = await Importer(writer, database, clock).take(kind, opened, ACTOR, bars, dry_run=dry_run)
            bars.end()
    except Unreadable as error:
        out.print(f"[red]✗[/] {error}")
        return 1
    except NotStored:
        out.print("[red]✗[/] 数据库正忙，写不进去：什么都没有写入，稍后再试")
        return 1
    finally:
        await writer.stop()
        database.close()
    return _tell(out, done, dry_run)


def _bar(out: Console) -> Progress:
    return Progress(
        SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn(),
        console=out, transient=not out.is_terminal,
    )  # fmt: skip


def _tell(out: Console, done: Done, dry_run: bool) -> int:
    report = done.report
    if report.wrong_count:
        out.print(wrong_table(report))
        shown = f"（列出前 {len(report.wrong)} 处）" if report.wrong_count > len(report.wrong) else ""
        out.print(f"[red]✗[/] {report.wrong_count} 处有错{shown}；什么都没有写入，改好后整个文件再导入一次")
        return 1
    read = f"{report.rows} 行（{report.encoding}），其中 {report.known} 行原来就有"
    if report.kept:
        read += f"（{report.kept} 位的期初积分以前入过账、数目不同，没有改动）"
    if dry_run:
        out.print(f"[green]✓[/] {read}；全部正确。只是检查，什么都没有写入")
        return 0
    counts = "，".join(f"{COUNTS[name]} {n}" for name, n in done.entered.items() if n) or "没有变化"
    out.print(f"[green]✓[/] {read}；{counts}；占用写锁 {done.held_s:.2f} 秒")
    return 0


def wrong_table(report: Report) -> Table:
    """What is wrong, cell by cell."""
    table = Table(show_edge=False)
    for title in ("行", "列", "值", "怎么改"):
        table.add_column(title, overflow="fold")
    for wrong in report.wrong:
        table.add_row(str(wrong.line), wrong.field, wrong.value, wrong.message)
    return table
