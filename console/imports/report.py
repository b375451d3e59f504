"""结果 report: what was found in a file, and its lines that are right."""

from __future__ import annotations

from dataclasses import dataclass, field

from console.imports.kinds import Read

SHOWN = 50  # wrong cells that are named


@dataclass(frozen=True)
class WrongCell:
    """A cell that has to be put right."""

    line: int
    field: str
    value: str
    message: str


@dataclass
class Report:
    """How the file is written, how many lines, what is wrong with them (the first `SHOWN`), how many were known.

    `kept`: members whose opening balance was entered before, with another amount; it stays.
    """

    kind: str
    encoding: str = ""
    rows: int = 0
    known: int = 0
    kept: int = 0
    wrong: list[WrongCell] = field(default_factory=list)
    wrong_count: int = 0

    def refuse(self, line: int, name: str, value: str, message: str) -> None:
        """One more wrong cell."""
        self.wrong_count += 1
        if len(self.wrong) < SHOWN:
            self.wrong.append(WrongCell(line, name, value, message))


@dataclass
class Checked:
    """A line that is right. `member_id`: whom its names stand for, 0 = nobody yet; `known`: what it is about is in the
    books; `done`: all that it says is, so that it need not be entered."""

    line: int
    read: Read
    member_id: int = 0
    known: bool = False
    done: bool = False
