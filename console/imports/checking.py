"""查表 checking: a whole file is read and checked before a single line of it is written."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import BinaryIO

from sqlalchemy import Connection

from console.imports import reading
from console.imports.kinds import Cells, Kind
from console.imports.looking import LOOKS
from console.imports.reading import Unreadable
from console.imports.report import Checked, Report

AT_ONCE = 500  # lines that are looked up together
LONGEST = 2_000_000  # lines of a file

Progress = Callable[[str, int], None]


class Checker:
    """Reads a file of one kind again and again; every pass sees the same."""

    def __init__(self, kind: Kind, file: BinaryIO, now: datetime) -> None:
        self._kind, self._file, self._now = kind, file, now
        self.encoding = reading.encoding_of(file)

    def check(self, connection: Connection, tell: Progress) -> Report:
        """Everything that is wrong with the file, by itself and against the database. Nothing is written."""
        report = Report(self._kind.name, self.encoding)
        keys: dict[bytes, int] = {}
        people: dict[int, int] = {}
        try:
            for chunk in self._chunks(report):
                for checked in chunk:
                    self._repeated(report, keys, checked)
                self.look_up(connection, chunk, report)
                if self._kind.name == "members":
                    for checked in chunk:
                        self._met_before(report, people, checked)
                report.known += sum(checked.known for checked in chunk)
                tell("check", report.rows)
        except Unreadable as error:
            report.refuse(error.line, error.field, "", str(error))
        if not report.rows and not report.wrong:
            report.refuse(1, "file", "", "只有表头，没有内容：从第二行起填")
        return report

    def right(self) -> Iterator[list[Checked]]:
        """The lines of a file that was found right, some at a time."""
        yield from self._chunks(Report(self._kind.name))

    def _chunks(self, report: Report) -> Iterator[list[Checked]]:
        text = reading.open_text(self._file, self.encoding)
        chunk: list[Checked] = []
        try:
            found = reading.lines(text, self._kind.columns)
            for number, line in enumerate(found):
                if number >= LONGEST:
                    raise Unreadable(f"超过 {LONGEST} 行：分成几个文件", line.number)
                if number == 0:
                    self._complete(set(line.cells))
                report.rows += 1
                cells = Cells(line.cells, self._now)
                read = self._kind.read(cells)
                for name, value, remedy in cells.wrong:
                    report.refuse(line.number, name, value, remedy)
                if not cells.wrong:
                    chunk.append(Checked(line.number, read))
                if len(chunk) >= AT_ONCE:
                    yield chunk
                    chunk = []
            yield chunk
        finally:
            text.detach()  # the file is the caller's

    def _complete(self, there: set[str]) -> None:
        missing = [self._kind.columns[name][0] for name in self._kind.needed if name not in there]
        if missing:
            raise Unreadable(f"表头缺少：{'、'.join(missing)}", 1)

    @staticmethod
    def _repeated(report: Report, keys: dict[bytes, int], checked: Checked) -> None:
        for name, value in checked.read.keys:
            key = hashlib.blake2b(f"{name}:{value}".encode(), digest_size=12).digest()
            first = keys.setdefault(key, checked.line)
            if first != checked.line:
                shown = "" if name == "phone" else value
                report.refuse(checked.line, _field(name), shown, f"和第 {first} 行重复：留一行")

    @staticmethod
    def _met_before(report: Report, people: dict[int, int], checked: Checked) -> None:
        if checked.member_id:
            first = people.setdefault(checked.member_id, checked.line)
            if first != checked.line:
                report.refuse(checked.line, "", "", f"和第 {first} 行是同一位会员（#{checked.member_id}）：并成一行")

    def look_up(self, connection: Connection, chunk: list[Checked], report: Report) -> None:
        """Whom the lines' names stand for, and what of them is in the books already."""
        LOOKS[self._kind.name](connection, chunk, report)


def _field(key: str) -> str:
    return {"wecom": "external_userid", "order": "order_no"}.get(key, key)
