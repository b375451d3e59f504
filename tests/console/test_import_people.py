"""导入会员资料: birthdays, custom fields and consent, once; an old file never undoes what a member said since."""

from __future__ import annotations

from typing import Any

import pytest

from bot.turn import Work
from console.imports import values
from console.imports.values import Wrong
from storage import consent
from storage.consent import OUT, Said
from tests.conftest import NOON
from tests.console.test_imports import take
from tests.fakes import Bot

FILE = """手机号,生日,营销同意,自定义字段
13800138000,1990-2-28,同意,肤质=油；职业=教师
13800138001,02-29,拒绝,
13800138002,,,
"""


def of(bot: Bot, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in bot.rows(sql)]


async def test_a_file_brings_birthdays_fields_and_consent_once(bot: Bot) -> None:
    await take(bot, "members", FILE)
    assert of(bot, "SELECT birthday, birth_year FROM member_profile ORDER BY birthday") == [
        ("02-28", 1990),
        ("02-29", None),
    ]
    assert of(bot, "SELECT name, value FROM member_field ORDER BY name") == [("职业", "教师"), ("肤质", "油")]
    assert of(bot, "SELECT state FROM consent ORDER BY state") == [("in",), ("out",)]
    before = of(bot, "SELECT * FROM consent_act ORDER BY id"), of(bot, "SELECT * FROM touch ORDER BY member_id")

    await take(bot, "members", FILE)
    assert (
        of(bot, "SELECT * FROM consent_act ORDER BY id"),
        of(bot, "SELECT * FROM touch ORDER BY member_id"),
    ) == before


async def test_what_a_member_said_since_stays_and_the_brands_own_fields_follow_the_file(bot: Bot) -> None:
    await take(bot, "members", FILE)
    who = of(bot, "SELECT member_id FROM consent WHERE state = 'in'")[0][0]

    def refuse(work: Work) -> None:
        consent.record(work.db, work.ids, who, Said(OUT, "member", "kf"), "test", work.now)

    await bot.writer.call(refuse)
    await take(
        bot, "members", FILE.replace("1990-2-28", "1991-03-01").replace("肤质=油", "肤质=干").replace("拒绝", "同意")
    )
    assert of(bot, "SELECT state FROM consent") == [("out",), ("out",)]
    assert of(bot, "SELECT birthday FROM member_profile ORDER BY birthday") == [("02-28",), ("02-29",)]
    assert of(bot, "SELECT value FROM member_field ORDER BY name") == [("教师",), ("干",)]

    await take(bot, "members", "手机号,营销同意\n13800138002,同意\n")
    await take(bot, "members", "手机号,营销同意\n13800138002,拒绝\n")
    assert of(bot, "SELECT state, seq FROM consent JOIN touch USING (member_id) WHERE kind = 'in' AND state = 'out'")


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("1990-03-05", ("03-05", 1990)), ("3月5日", ("03-05", None)), ("１９９０年２月９日", ("02-09", 1990)),
        ("2/29", ("02-29", None)), ("", ("", None)), ("2023-02-29", None), ("13-01", None), ("1890-01-01", None),
        ("2030-01-01", None), ("春天", None), ("农历08-15", ("L08-15", None)),
        ("农历1990年闰5月3日", ("LL05-03", 1990)),
        ("阴历 12-30", ("L12-30", None)), ("农历08-31", None), ("闰04-15", None), ("农历13-01", None),
    ],
)  # fmt: skip
def test_a_birthday_however_it_is_written(cell: str, found: tuple[str, int | None] | None) -> None:
    if found is not None:
        assert values.birthday(cell, NOON) == found
    else:
        with pytest.raises(Wrong, match=r"1990-03-05|农历08-15"):
            values.birthday(cell, NOON)


@pytest.mark.parametrize(
    ("read", "cell"), [(values.consent, "也许"), (values.fields, "肤质"), (values.fields, "a=1;a=2")]
)
def test_what_cannot_be_read_says_how_to_write_it(read: Any, cell: str) -> None:
    with pytest.raises(Wrong, match="写"):
        read(cell)
