"""草稿 drafts: what the cells of a table or the parts of a document become, or why they cannot."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from bot.clock import ZONE
from bot.sizes import plain, split_bytes
from console.imports.kinds import Cells
from console.imports.values import DAY, Wrong, code, word
from storage.articles import Draft, Section

LONGEST_TITLE, LONGEST_NAME, LONGEST_ASK = 80, 40, 80
MOST_ASKS, MOST_SECTIONS = 30, 200
PIECE = 1500  # bytes: a piece can be forwarded as one message
KINDS = {"": "faq", "faq": "faq", "问答": "faq", "doc": "doc", "文档": "doc", "script": "script", "话术": "script"}
AUDIENCES = {"": "all", "all": "all", "全部": "all", "会员": "all", "staff": "staff", "员工": "staff", "导购": "staff"}


def of(cells: Cells, sections: list[Section], kind: str = "") -> Draft | None:
    """The article that cells describe; None when some are wrong (`cells.wrong` says which)."""
    title = cells.take("question", word, LONGEST_TITLE, needed="问题或标题")
    kind = kind or cells.take("kind", one_of, KINDS)
    audience = cells.take("audience", one_of, AUDIENCES)
    since, until = cells.take("valid_from", day), cells.take("valid_until", day, after=1)
    draft = {
        "key": cells.take("key", word, LONGEST_TITLE) or title, "kind": kind, "title": title,
        "asks": cells.take("asks", asks), "category": cells.take("category", word, LONGEST_NAME),
        "store": cells.take("store", code, LONGEST_NAME), "valid_from": since, "valid_until": until,
        "audience": "staff" if kind == "script" else audience, "sections": tuple(sections),
    }  # fmt: skip
    if since and until and since >= until:
        cells.refuse("valid_until", "截止日期在开始日期之前")
    return None if cells.wrong else Draft(**draft)


def one_of(cell: str, known: dict[str, str]) -> str:
    """One of the names that a cell may have."""
    found = known.get(cell.strip().lower())
    if found is None:
        raise Wrong(f"只能是 {'、'.join(name for name in known if name and not name.isascii())}")
    return found


def asks(cell: str) -> tuple[str, ...]:
    """Other ways to ask, parted by ；, | or lines."""
    found = tuple(dict.fromkeys(part.strip() for part in re.split(r"[;；|\n]", cell) if part.strip()))
    if len(found) > MOST_ASKS:
        raise Wrong(f"最多 {MOST_ASKS} 种问法，现在 {len(found)} 种")
    for ask in found:
        word(ask, LONGEST_ASK)
    return found


def day(cell: str, after: int = 0) -> datetime | None:
    """The beginning of a day of the shops' (`after` days later); None when the cell is empty."""
    written = " ".join(cell.split())
    if not written:
        return None
    if written.isdigit():
        raise Wrong("这是 Excel 的日期序号：把这一列设成「文本」，写 2026-12-31")
    match = DAY.match(written)
    try:
        numbers = [int(part) for part in match.groups()[:3]] if match else []
        return (datetime(*numbers, tzinfo=ZONE) + timedelta(days=after)).astimezone(UTC)  # type: ignore[misc, arg-type]
    except (ValueError, TypeError, OverflowError):
        raise Wrong("写成 2026-12-31") from None


def said(cell: str) -> str:
    """A text for people: no control characters, no blank lines at its ends."""
    lines = [line.rstrip() for line in plain(cell.replace("\r\n", "\n").replace("\r", "\n")).split("\n")]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def pieces(heading: str, text: str) -> list[Section]:
    """A text in pieces that can each be forwarded as one message."""
    return [Section(heading, part.strip()) for part in split_bytes(text, PIECE) if part.strip()]
