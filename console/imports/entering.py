"""入账 entering: checked lines are staged by short transactions, then enter the books in one.

Whoever looks sees either nothing of a file or all of it, whatever is killed when. The one transaction moves rows from
table to table inside the database, so that a bot on the same SQLite file waits for as short a time as can be.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, BinaryIO

from bot.clock import Clock
from bot.turn import Work
from bot.writer import Writer
from console.imports import books
from console.imports.checking import Checker, Progress
from console.imports.kinds import KINDS
from console.imports.report import Checked, Report
from storage import imports
from storage.engine import Database
from storage.tables import ImportRow, ImportRun

STALE = timedelta(hours=1)
DROPPED_AT_ONCE = 5_000
EMPTY: dict[str, Any] = {
    "unionid": "", "wecom": "", "phone": "", "name": "", "tier": "", "code": "", "source": "", "place": "",
    "amount": 0, "cost_fen": 0, "stock": None, "tail": "", "sought": "", "birthday": "",
    "birth_year": None, "consent": "",
}  # fmt: skip


@dataclass
class Done:
    """What became of a file: the report, and (unless it was refused or only checked) what entered the books."""

    report: Report
    entered: dict[str, int] = field(default_factory=dict)
    held_s: float = 0.0  # how long the one transaction took


class Importer:
    """Takes files in through the writer."""

    def __init__(self, writer: Writer, database: Database, clock: Clock) -> None:
        self._writer, self._database, self._clock = writer, database, clock

    async def take(self, kind: str, file: BinaryIO, made_by: str, tell: Progress, *, dry_run: bool = False) -> Done:
        """Check a file, and enter it when it is right. Raises `Unreadable` for what is no text."""
        checker = await asyncio.to_thread(Checker, KINDS[kind], file, self._clock.now())
        report = await asyncio.to_thread(self._check, checker, tell)
        if report.wrong_count or dry_run:
            return Done(report)
        run_id = await self._stage(kind, checker, made_by, tell)
        tell("enter", report.rows)
        started = self._clock.monotonic()
        outcome = await self._writer.call(lambda work: books.enter(work, run_id, kind))
        held_s = self._clock.monotonic() - started
        await self._forget(run_id)
        if isinstance(outcome, list):
            for line in outcome:
                report.refuse(line, "", "", "检查之后，这一行的身份变成了别的会员的：再导入一次，看新的提示")
            return Done(report, held_s=held_s)
        return Done(report, outcome, held_s)

    def _check(self, checker: Checker, tell: Progress) -> Report:
        with self._database.engine.connect() as connection:
            return checker.check(connection, tell)

    async def _stage(self, kind: str, checker: Checker, made_by: str, tell: Progress) -> int:
        """Put the lines where nobody looks; the run's id."""
        await self._forget_stale()
        run_id = await self._writer.call(lambda work: _open_run(work, kind, made_by))
        buyers: dict[tuple[str, ...], int] = {}
        done = 0
        chunks = checker.right()
        while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
            await asyncio.to_thread(self._look_up, checker, chunk)
            await self._writer.call(lambda work, chunk=chunk: _stage(work, run_id, kind, chunk, buyers))  # type: ignore[misc]
            done += len(chunk)
            tell("stage", done)
        return run_id

    def _look_up(self, checker: Checker, chunk: list[Checked]) -> None:
        with self._database.engine.connect() as connection:
            checker.look_up(connection, chunk, Report(""))

    async def _forget(self, run_id: int) -> None:
        """Give back what staging took, a little at a time."""
        while await self._writer.call(lambda work: imports.drop(work.db, run_id, DROPPED_AT_ONCE)):
            pass

    async def _forget_stale(self) -> None:
        """Runs that were killed before they were done."""
        before = self._clock.now() - STALE
        stale = await self._writer.call(
            lambda work: imports.runs.all(work.db, status="staging", made_at__lt=before)
        )  # fmt: skip
        for run in stale:
            await self._forget(run.id)
            await self._writer.call(
                lambda work, run=run: imports.runs.change(work.db, {"status": "dropped"}, id=run.id, status="staging")  # type: ignore[misc]
            )


def _open_run(work: Work, kind: str, made_by: str) -> int:
    row = ImportRun(
        id=work.ids.next(), kind=kind, status="staging", made_by=made_by, made_at=work.now, done_at=None
    )  # fmt: skip
    imports.runs.add(work.db, row)
    return row.id


def _stage(work: Work, run_id: int, kind: str, chunk: list[Checked], buyers: dict[tuple[str, ...], int]) -> None:
    """Keep lines with the ids that they will have. `buyers`: members whom earlier lines of the file will make."""
    if not chunk:
        return
    base_id = work.ids.span(imports.WIDTH * len(chunk))
    for checked in chunk:
        if checked.done:
            continue
        values = {**EMPTY, "at": work.now, **checked.read.row}
        who = tuple(values[channel] for channel in imports.CHANNELS)
        member_id = checked.member_id or (buyers.setdefault(who, base_id) if kind == "orders" else base_id)
        row = ImportRow(run_id=run_id, line=checked.line, base_id=base_id, member_id=member_id, **values)
        imports.stage(work.db, row, checked.read.tags, checked.read.fields)
        base_id += imports.WIDTH
