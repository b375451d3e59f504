"""单元格: what people write in a cell, and what it is."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.imports import values
from console.imports.values import Wrong
from tests.conftest import NOON


@pytest.mark.parametrize(
    ("cell", "fen"),
    [
        ("128.50", 12_850), ("128.5", 12_850), ("128", 12_800), ("0.01", 1), ("¥1,234.5", 123_450),
        ("１２.３元", 1_230),
        (" 99 ", 9_900), ("1,000,000", 100_000_000), ("0.29", 29), ("1.15", 115), ("4.35", 435),
    ],
)  # fmt: skip
def test_yuan_become_fen_exactly(cell: str, fen: int) -> None:
    assert values.fen(cell) == fen


@given(st.integers(min_value=0, max_value=values.MOST_FEN))
def test_every_amount_comes_back_as_it_was(fen: int) -> None:
    assert values.fen(f"{fen // 100}.{fen % 100:02d}") == fen


@pytest.mark.parametrize("cell", ["", "1.234", "-1", "1e3", "12.", ".5", "1,23", "十元", "1 2 3a", "1000000.01", "NaN"])
def test_no_other_amount_is_taken(cell: str) -> None:
    with pytest.raises(Wrong):
        values.fen(cell)


@pytest.mark.parametrize("cell", ["13800138000", "138 0013 8000", "138-0013-8000", "+86 13800138000",
                                  "008613800138000", "１３８００１３８０００", "\t13800138000"])  # fmt: skip
def test_a_phone_number_however_it_is_written(cell: str) -> None:
    assert values.phone(cell) == "13800138000"


@pytest.mark.parametrize(
    ("cell", "moment"),
    [
        ("2024-03-05", datetime(2024, 3, 4, 16, tzinfo=UTC)),
        ("2024/3/5", datetime(2024, 3, 4, 16, tzinfo=UTC)),
        ("2024.03.05", datetime(2024, 3, 4, 16, tzinfo=UTC)),
        ("2024年3月5日", datetime(2024, 3, 4, 16, tzinfo=UTC)),
        ("2024-03-05 14:30", datetime(2024, 3, 5, 6, 30, tzinfo=UTC)),
        ("2024-03-05T14:30:15", datetime(2024, 3, 5, 6, 30, 15, tzinfo=UTC)),
        ("", NOON),
    ],
)
def test_a_day_however_it_is_written(cell: str, moment: datetime) -> None:
    assert values.moment(cell, NOON) == moment


@pytest.mark.parametrize(
    ("read", "cell"),
    [
        (values.phone, "12345678901"), (values.phone, "1380013800"), (values.phone, "1.38E+10"),
        (lambda cell: values.moment(cell, NOON), "05/03/2024"), (lambda cell: values.moment(cell, NOON), "2024-13-01"),
        (lambda cell: values.moment(cell, NOON), "1999-12-31"), (lambda cell: values.moment(cell, NOON), "2024-02-30"),
        (lambda cell: values.moment(cell, NOON), "2024-03-05 25:00"), (lambda cell: values.count(cell, 10), "11"),
        (lambda cell: values.count(cell, 10), "1.0"), (lambda cell: values.count(cell, 10), "二"),
        (lambda cell: values.word(cell, 10), "换\n行"), (lambda cell: values.code(cell, 10), "a b"),
        (values.tags, "组/"), (values.tags, "x" * 31),
    ],
)  # fmt: skip
def test_what_cannot_be_taken_says_how_to_write_it(read: Callable[[str], Any], cell: str) -> None:
    with pytest.raises(Wrong) as wrong:
        read(cell)
    assert str(wrong.value)


def test_tags_with_and_without_a_group() -> None:
    assert values.tags(" 渠道/门店；老客、老客, ") == (("导入", "老客"), ("渠道", "门店"))
    assert values.tags("") == ()
