"""单元格 values: one cell becomes one value, or a `Wrong` that says how to write it. No float ever."""

from __future__ import annotations

import re
import unicodedata
from datetime import UTC, datetime
from functools import lru_cache

from bot import birthdays
from bot.clock import ZONE

MOST_FEN = 100_000_000
SCIENTIFIC = re.compile(r"^\d(\.\d+)?E\+?\d+$", re.IGNORECASE)
CONTROL, BLANK = re.compile(r"[\x00-\x1f\x7f-\x9f]"), re.compile(r"\s")
MOBILE = re.compile(r"^1[3-9]\d{9}$")
AMOUNT = re.compile(r"^(\d{1,9})(?:\.(\d{1,2}))?$")
DAY = re.compile(r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?(?:[ T](\d{1,2}):(\d{2})(?::(\d{2}))?)?$")


class Wrong(ValueError):
    """A cell that cannot be taken; its words are the remedy."""


def _plain(cell: str) -> str:
    return (cell if cell.isascii() else unicodedata.normalize("NFKC", cell)).strip()


def word(cell: str, most: int, *, needed: str = "") -> str:
    """A name or a code as it stands."""
    if needed and not cell:
        raise Wrong(f"必填：{needed}")
    if len(cell) > most:
        raise Wrong(f"最长 {most} 个字，现在 {len(cell)} 个：写短一点")
    if CONTROL.search(cell):
        raise Wrong("里面有换行或看不见的符号：删掉")
    return cell


def code(cell: str, most: int, *, needed: str = "") -> str:
    """An identifier: no blanks inside, and nothing that Excel turned into a number."""
    plain = word(_plain(cell), most, needed=needed)
    if SCIENTIFIC.match(plain):
        raise Wrong("被 Excel 变成了科学计数：把这一列设成「文本」再填一次")
    if BLANK.search(plain):
        raise Wrong("中间有空格：删掉")
    return plain


def phone(cell: str) -> str:
    """11 digits of a mobile number; "" stays so."""
    plain = _plain(cell)
    if SCIENTIFIC.match(plain):
        raise Wrong("被 Excel 变成了科学计数：把这一列设成「文本」再填一次")
    digits = re.sub(r"^(\+|00)86", "", re.sub(r"[\s\-()]", "", plain))
    if digits and not MOBILE.match(digits):
        raise Wrong("要 11 位手机号，1 开头，例如 13800138000")
    return digits


def fen(cell: str, *, least: int = 0, needed: bool = True) -> int:
    """Yuan with at most two decimals, exactly as fen."""
    plain = re.sub(r"[¥￥元\s]", "", _plain(cell))
    if not plain:
        if needed:
            raise Wrong("必填：写元，最多两位小数，例如 128.50")
        return 0
    if re.fullmatch(r"\d{1,3}(,\d{3})+(\.\d{1,2})?", plain):
        plain = plain.replace(",", "")
    match = AMOUNT.match(plain)
    if match is None:
        raise Wrong("写元，最多两位小数，不带别的符号，例如 128.50")
    value = int(match[1]) * 100 + int((match[2] or "").ljust(2, "0"))
    if not least <= value <= MOST_FEN:
        raise Wrong(f"要在 {least / 100:g} 到 {MOST_FEN // 100} 元之间")
    return value


def count(cell: str, most: int) -> int | None:
    """A whole number that is not negative; None when the cell is empty."""
    plain = _plain(cell).replace(",", "")
    if not plain:
        return None
    if not plain.isascii() or not plain.isdigit() or len(plain) > 12 or int(plain) > most:
        raise Wrong(f"要 0 到 {most} 的整数")
    return int(plain)


@lru_cache(maxsize=4096)  # a file names few days
def moment(cell: str, now: datetime, *, needed: str = "") -> datetime:
    """A day of the shops', with a time or without; now when the cell is empty."""
    plain = " ".join(_plain(cell).split())
    if not plain:
        if needed:
            raise Wrong(f"必填：{needed}")
        return now
    if plain.isdigit():
        raise Wrong("这是 Excel 的日期序号：把这一列设成「文本」，写 2026-03-05")
    match = DAY.match(plain)
    try:
        parts = [int(part or 0) for part in match.groups()] if match else []
        found = datetime(*parts[:6], tzinfo=ZONE).astimezone(UTC)  # type: ignore[misc, arg-type]
    except (ValueError, TypeError, IndexError):
        raise Wrong("写成 2026-03-05 或 2026-03-05 14:30") from None
    if found > now:
        raise Wrong("比现在还晚：年份是不是写错了？")
    if found.year < 2000:
        raise Wrong("早于 2000 年：年份是不是写错了？")
    return found


@lru_cache(maxsize=4096)
def tags(cell: str) -> tuple[tuple[str, str], ...]:
    """`组/标签；标签`: (group, name) pairs; a tag without a group is of the group 导入."""
    found = []
    for part in re.split(r"[;；、|,，]", cell):
        if not (typed := part.strip()):
            continue
        group, _, name = typed.rpartition("/")
        if not name or len(name) > 30 or len(group) > 30:
            raise Wrong("写成「组/标签」，多个用；隔开，每个最长 30 个字")
        found.append((group or "导入", name))
    return tuple(sorted(set(found)))


BY_THE_MOON = "农历写成「农历08-15」，闰月写成「农历闰04-15」，每月最多三十天"
NO_BIRTHDAY = {
    birthdays.FORM: f"写成 1990-03-05，不知道哪年就写 03-05；{BY_THE_MOON}",
    birthdays.YEAR: "出生的年份不对：写成 1990-03-05，不知道哪年就写 03-05",
    birthdays.MOON: BY_THE_MOON,
}
YES, NO = ("同意", "是", "订阅", "y", "yes", "1", "in"), ("拒绝", "否", "退订", "不同意", "n", "no", "0", "out")


def birthday(cell: str, now: datetime) -> tuple[str, int | None]:
    """(MM-DD, year when it was given), by the moon as storage/lunar.py keeps it; ("", None) for an empty cell."""
    written = _plain(cell).strip()
    if not written:
        return "", None
    try:
        return birthdays.read(written, now)
    except birthdays.Unread as error:
        raise Wrong(NO_BIRTHDAY[str(error)]) from None


def consent(cell: str) -> str:
    """`in` for 同意, `out` for 拒绝, "" for an empty cell."""
    plain = _plain(cell).strip().lower()
    if not plain:
        return ""
    if plain not in YES + NO:
        raise Wrong("写「同意」或「拒绝」；没有表示过就空着")
    return "in" if plain in YES else "out"


@lru_cache(maxsize=4096)
def fields(cell: str) -> tuple[tuple[str, str], ...]:
    """`肤质=油；职业=教师`: (name, value) pairs, each name once."""
    found: dict[str, str] = {}
    for part in re.split(r"[;；|]", cell):
        if not (typed := part.strip()):
            continue
        name, sign, value = (piece.strip() for piece in typed.replace("＝", "=").partition("="))
        if not (name and sign and value) or len(name) > 30 or len(value) > 64 or name in found:
            raise Wrong("写成「名称=值」，多项用；隔开，名称不重复、最长 30 个字，值最长 64 个字")
        found[name] = value
    return tuple(sorted(found.items()))
