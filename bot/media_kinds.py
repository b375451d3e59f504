"""类型 kinds of files that are kept, known by what they are, not by what they are called."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterator
from typing import NamedTuple

PICTURES = ("jpeg", "png", "gif", "webp")
FILES = ("pdf", "xlsx", "csv")
LONGEST_SIDE, MOST_PIXELS = 20_000, 100_000_000  # a small file may unfold into a picture that fills the memory
MOST_ENTRIES, MOST_UNPACKED, MOST_RATIO = 2_000, 200 << 20, 200  # the same of a packed one
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_SOF = {0xC0, 0xC1, 0xC2, 0xC3, 0xC5, 0xC6, 0xC7, 0xC9, 0xCA, 0xCB, 0xCD, 0xCE, 0xCF}


class Kind(NamedTuple):
    """What a file is; `width` and `height` are 0 where it is no picture."""

    name: str
    width: int = 0
    height: int = 0


def kind_of(data: bytes, *, picture: bool) -> Kind | None:
    """The kind, None for what is not kept: no picture where one was promised, a script, a page, a bomb."""
    for name, look in _LOOKS.items():
        if picture and name not in PICTURES:
            continue
        size = look(data)
        if size is not None:
            return Kind(name, *size) if name not in PICTURES or _sound(*size) else None
    return None


def _sound(width: int, height: int) -> bool:
    return 0 < width <= LONGEST_SIDE and 0 < height <= LONGEST_SIDE and width * height <= MOST_PIXELS


Size = tuple[int, int]


def _png(data: bytes) -> Size | None:
    if not data.startswith(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"):
        return None
    return int.from_bytes(data[16:20], "big"), int.from_bytes(data[20:24], "big")


def _gif(data: bytes) -> Size | None:
    if not data.startswith((b"GIF87a", b"GIF89a")):
        return None
    return int.from_bytes(data[6:8], "little"), int.from_bytes(data[8:10], "little")


def _jpeg(data: bytes) -> Size | None:
    if not data.startswith(b"\xff\xd8\xff"):
        return None
    return next(_frames(data), (0, 0))


def _frames(data: bytes) -> Iterator[Size]:
    """The sizes that a JPEG's frame headers tell."""
    at = 2
    while at + 9 <= len(data) and data[at] == 0xFF:
        marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
        if marker in _SOF:
            yield int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        at += 1 if marker == 0xFF else 2 + max(length, 2)


def _webp(data: bytes) -> Size | None:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        return None
    part, body = data[12:16], data[20:30]
    if part == b"VP8X":
        return int.from_bytes(body[4:7], "little") + 1, int.from_bytes(body[7:10], "little") + 1
    if part == b"VP8L" and body[:1] == b"\x2f":
        bits = int.from_bytes(body[1:5], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if part == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        return int.from_bytes(body[6:8], "little") & 0x3FFF, int.from_bytes(body[8:10], "little") & 0x3FFF
    return 0, 0


def _pdf(data: bytes) -> Size | None:
    return (0, 0) if data.startswith(b"%PDF-") and b"%%EOF" in data[-1024:] else None


def _xlsx(data: bytes) -> Size | None:
    """A workbook without macros. Only the list of entries is read; nothing is unpacked."""
    if not data.startswith(b"PK\x03\x04"):
        return None
    try:
        entries = zipfile.ZipFile(io.BytesIO(data)).infolist()
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError):
        return None
    names = {entry.filename.lower() for entry in entries}
    unpacked = sum(entry.file_size for entry in entries)
    bomb = len(entries) > MOST_ENTRIES or unpacked > MOST_UNPACKED or unpacked > MOST_RATIO * len(data)
    workbook = {"[content_types].xml", "xl/workbook.xml"} <= names
    return (0, 0) if workbook and not bomb and not any(name.endswith("vbaproject.bin") for name in names) else None


def _csv(data: bytes) -> Size | None:
    """Text in columns. A page or a script that could pass as text begins like one."""
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            text = data.decode(encoding)
        except UnicodeDecodeError:
            continue
        first = text.lstrip().partition("\n")[0]
        columns = any(mark in first for mark in ",\t，")
        return (0, 0) if columns and not _CONTROL.search(text) and not first.startswith(("<", "#!", "%", "{")) else None
    return None


_LOOKS: dict[str, Callable[[bytes], Size | None]] = {
    "jpeg": _jpeg, "png": _png, "gif": _gif, "webp": _webp, "pdf": _pdf, "xlsx": _xlsx, "csv": _csv,
}  # fmt: skip
