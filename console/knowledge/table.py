"""表格 table: a CSV with one question and its answer, or one script, a line."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import TextIO

from console.imports import reading
from console.imports.kinds import Cells
from console.imports.reading import Unreadable
from console.imports.report import Report
from console.knowledge import drafts
from storage.articles import Draft

COLUMNS = {
    "question": ("问题", "标题", "场景", "标准问", "title", "q"),
    "answer": ("答案", "回答", "内容", "话术", "a"),
    "asks": ("相似问", "其他问法", "相似问法"),
    "kind": ("类型", "种类"),
    "category": ("分类", "类目"),
    "audience": ("可见", "谁能看"),
    "store": ("门店", "门店编码"),
    "valid_from": ("开始日期", "生效日期"),
    "valid_until": ("截止日期", "有效期至", "失效日期"),
    "key": ("编号", "id"),
}
EXAMPLE = (
    "收到破损怎么办",
    "签收当天拍照发给导购，我们补发。",
    "杯子碎了；快递压坏了",
    "问答",
    "售后",
    "全部",
    "",
    "",
    "",
    "",
)


def template() -> str:
    """A header and an example line."""
    return ",".join(names[0] for names in COLUMNS.values()) + "\n" + ",".join(EXAMPLE) + "\n"


def read(text: TextIO, report: Report, now: datetime) -> Iterator[tuple[int, Draft]]:
    """The right lines as drafts with their numbers; the wrong ones go into the report. Raises `Unreadable`."""
    for at, line in enumerate(reading.lines(text, COLUMNS)):
        if not at and (missing := [COLUMNS[name][0] for name in ("question", "answer") if name not in line.cells]):
            raise Unreadable(f"表头缺少：{'、'.join(missing)}", 1)
        report.rows += 1
        cells = Cells(line.cells, now)
        answer = drafts.said(line.cells.get("answer", ""))
        if not answer:
            cells.refuse("answer", "必填：怎么回答")
        draft = drafts.of(cells, drafts.pieces("", answer))
        for name, value, remedy in cells.wrong:
            report.refuse(line.number, name, value, remedy)
        if draft is not None:
            yield line.number, draft
