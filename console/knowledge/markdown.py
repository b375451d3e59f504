"""文档 markdown: a document in Markdown becomes articles, its headings the pieces.

Lines `name: value` between two `---` at the top say what holds for all of it (kind, category, audience, store,
valid_from, valid_until). A document has one article for each heading of the first level, with a piece for each heading
below; with kind faq or script each heading of the second level is an article of its own, and a line `也问：…；…` names
other ways to ask for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from typing import TextIO

from console.imports.kinds import Cells
from console.imports.reading import Unreadable
from console.imports.report import Report
from console.knowledge import drafts
from storage.articles import Draft, Section

MARKS = ("kind", "category", "audience", "store", "valid_from", "valid_until")
_HEADING = re.compile(r"(#{1,6})\s+(.+?)\s*#*$")
_FENCE = re.compile(r"\s*(```|~~~)")
_ASKS = re.compile(r"(?:也问|asks)\s*[：:]\s*(.*)", re.IGNORECASE)
_PLAIN = (
    (re.compile(r"!\[([^\]]*)\]\([^)]*\)"), r"\1"),
    (re.compile(r"\[([^\]]+)\]\(([^)\s]+)[^)]*\)"), r"\1（\2）"),
    (re.compile(r"(\*\*|__|`)(.+?)\1"), r"\2"),
    (re.compile(r"^(\s*)[-*+]\s+"), r"\1· "),
    (re.compile(r"^>\s?"), ""),
)


@dataclass
class _Part:
    """What stands under one heading."""

    line: int
    level: int
    heading: str
    lines: list[str] = field(default_factory=list)
    asks: list[str] = field(default_factory=list)

    @property
    def text(self) -> str:
        return drafts.said("\n".join(self.lines))


def read(text: TextIO, report: Report, now: datetime, name: str) -> Iterator[tuple[int, Draft]]:
    """The right articles as drafts with the lines of their headings; `name` stands for a missing first heading."""
    marks, lines = _marks(text.read().splitlines())
    kind = Cells(dict(marks), now).take("kind", drafts.one_of, drafts.KINDS) if "kind" in marks else "doc"
    parts = list(_parts(lines, name))
    for found in _articles(parts, kind or "doc"):
        report.rows += 1
        cells = Cells({**marks, **found.cells}, now)
        if not found.sections:
            cells.refuse("answer", "这个标题下面没有内容：写上，或删掉标题")
        if len(found.sections) > drafts.MOST_SECTIONS:
            cells.refuse("answer", f"一篇最多 {drafts.MOST_SECTIONS} 段：分成几个文件")
        draft = drafts.of(cells, found.sections, kind or "")
        for field_name, value, remedy in cells.wrong:
            report.refuse(1 if field_name in MARKS else found.line, field_name, value, remedy)
        if draft is not None:
            yield found.line, draft


def _marks(lines: list[str]) -> tuple[dict[str, str], list[tuple[int, str]]]:
    """What the top says, and the lines below it with their numbers."""
    numbered = list(enumerate(lines, 1))
    if not lines or lines[0].strip() != "---":
        return {}, numbered
    end = next((at for at, line in numbered[1:] if line.strip() == "---"), 0)
    if not end:
        raise Unreadable("开头的 --- 没有第二个 --- 来结束", 1)
    marks = {}
    for at, line in numbered[1 : end - 1]:
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        mark, colon, value = line.partition(":")
        if not colon or mark.strip() not in MARKS:
            near = get_close_matches(mark.strip(), MARKS, n=1)
            hint = f"是想写 {near[0]} 吗？" if near else f"可以写：{'、'.join(MARKS)}"
            raise Unreadable(f"不认识「{mark.strip()[:20]}」：{hint}", at, mark.strip()[:20])
        marks[mark.strip()] = value.partition(" #")[0].strip().strip("\"'")
    return marks, numbered[end:]


def _parts(lines: list[tuple[int, str]], name: str) -> Iterator[_Part]:
    """Headings with what stands under each; what stands before the first is under `name`."""
    part, fenced = _Part(0, 1, name), False
    for at, line in lines:
        fenced ^= _FENCE.match(line) is not None
        heading = None if fenced else _HEADING.match(line)
        asks = None if fenced else _ASKS.fullmatch(line.strip())
        if heading:
            if part.text or part.line:
                yield part
            part = _Part(at, len(heading[1]), _bare(heading[2]))
        elif asks:
            part.asks.append(asks[1])
        elif not _FENCE.match(line):
            part.lines.append(line if fenced else _bare(line))
    if part.text or part.line:
        yield part


def _bare(line: str) -> str:
    """A line as people read it in a chat."""
    for pattern, instead in _PLAIN:
        line = pattern.sub(instead, line)
    return line


@dataclass
class _Article:
    line: int
    cells: dict[str, str]
    sections: list[Section] = field(default_factory=list)


def _articles(parts: list[_Part], kind: str) -> Iterator[_Article]:
    """Which parts make one article."""
    top = 1 if kind == "doc" else 2
    found: _Article | None = None
    path: list[str] = []
    for part in parts:
        if part.level <= top:
            if found is not None:
                yield found
            found, path = None, []
            if part.level == top or part.text:
                found = _Article(part.line, {"question": part.heading, "asks": "；".join(part.asks)})
                found.sections += drafts.pieces("", part.text)
        elif found is None:
            raise Unreadable(f"「{part.heading[:20]}」之前要有一个 {'#' * top} 标题", part.line)
        else:
            path = [*path[: part.level - top - 1], part.heading]
            found.sections += drafts.pieces(" · ".join(path), part.text)
            found.cells["asks"] = "；".join([found.cells["asks"], *part.asks])
    if found is not None:
        yield found
