"""读表 reading: bytes of a file become lines of named fields, whatever Excel made of them.

UTF-8 with or without its mark, UTF-16 with its mark, else GB18030: which one is told. What is none of them is refused,
and so is what could be read as GB18030 but makes no sense.
"""

from __future__ import annotations

import codecs
import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from difflib import get_close_matches
from typing import BinaryIO, TextIO

CHUNK = 1 << 16
WIDEST = 4_000  # symbols of one cell
GUESSES = ("utf-8", "gb18030")
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
DELIMITERS = {",": "逗号", "\t": "制表符"}


class Unreadable(Exception):
    """The file as a whole cannot be read; `line` 0 = no line in particular."""

    def __init__(self, message: str, line: int = 0, field: str = "file") -> None:
        super().__init__(message)
        self.line, self.field = line, field


@dataclass(frozen=True)
class Line:
    """A line of the file by its number (the header is 1), its cells by field."""

    number: int
    cells: dict[str, str]


def encoding_of(file: BinaryIO) -> str:
    """How the file is written. Raises `Unreadable` with the place of the first byte that fits nowhere."""
    head = file.read(4)
    if head.startswith(UTF16):
        return "utf-16"
    failed = 0
    for name in GUESSES:
        file.seek(0)
        try:
            _decode(file, name)
        except UnicodeError as error:
            failed = max(failed, error.start if isinstance(error, UnicodeDecodeError) else 0)
            continue
        return "utf-8-sig" if name == "utf-8" else name
    raise Unreadable("认不出编码：用 Excel 另存为「CSV UTF-8（逗号分隔）」再导入")


def _decode(file: BinaryIO, name: str) -> None:
    decoder = codecs.getincrementaldecoder(name)("strict")
    while chunk := file.read(CHUNK):
        _sensible(decoder.decode(chunk), name)
    decoder.decode(b"", final=True)


def _sensible(text: str, name: str) -> None:
    """GB18030 can read almost anything; what nobody writes shows that it was another encoding."""
    if name == "gb18030" and any(unicodedata.category(symbol) in ("Co", "Cn") for symbol in set(text)):
        raise UnicodeError
    if "\0" in text:
        raise UnicodeError


def open_text(file: BinaryIO, encoding: str) -> io.TextIOWrapper:
    """The file from its beginning, as text."""
    file.seek(0)
    return io.TextIOWrapper(file, encoding=encoding, newline="")


def lines(text: TextIO, known: dict[str, tuple[str, ...]]) -> Iterator[Line]:
    """Every line that is not empty. `known`: fields and the names that a header may have for them.

    Raises `Unreadable` when the header names nothing we know, a field twice, or something unknown.
    """
    first = text.readline(CHUNK)
    delimiter = max(DELIMITERS, key=first.count)
    text.seek(0)
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    try:
        header = _header(next(reader, []), known)
        at = reader.line_num + 1
        for row in reader:
            if any(cell.strip() for cell in row):
                yield Line(at, _cells(header, row, at))
            at = reader.line_num + 1
    except csv.Error as error:
        raise Unreadable(f"这一行不是完整的 CSV（{error}）：多半是引号没有成对", reader.line_num) from None


def _header(row: list[str], known: dict[str, tuple[str, ...]]) -> list[str]:
    """The field of each column, "" for an empty one."""
    by_name = {_plain(name): field for field, names in known.items() for name in (field, *names)}
    found: list[str] = []
    for title in row:
        plain = _plain(title)
        field = by_name.get(plain, "")
        if plain and not field:
            near = get_close_matches(plain, by_name, n=1)
            hint = (
                f"是想写「{near[0]}」吗？" if near else f"可以用：{'、'.join(names[0] for names in known.values())}。"
            )
            raise Unreadable(f"不认识这一列「{title.strip()[:20]}」：{hint}用不到就删掉这一列", 1, title.strip()[:20])
        if field and field in found:
            raise Unreadable(f"「{title.strip()}」和前面的一列是同一项：留一列", 1, field)
        found.append(field)
    if not any(found):
        raise Unreadable("第一行要是表头：用 --template 看样子", 1)
    return found


def _plain(title: str) -> str:
    """A header as it is compared: width, case, blanks and what stands in brackets do not count."""
    folded = unicodedata.normalize("NFKC", title).lower().partition("(")[0]
    return "".join(folded.replace("_", "").replace("*", "").split())


def _cells(header: list[str], row: list[str], at: int) -> dict[str, str]:
    if any(cell.strip() for cell in row[len(header) :]):
        raise Unreadable("这一行比表头多出几格：多半是内容里有没加引号的逗号", at)
    cells = {field: cell.strip().lstrip("'") for field, cell in zip(header, row, strict=False) if field}
    for field, cell in cells.items():
        if len(cell) > WIDEST:
            raise Unreadable(f"「{field}」这一格有 {len(cell)} 个字：多半是引号没有成对", at, field)
    return cells
