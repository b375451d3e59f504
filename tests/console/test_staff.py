"""Staff and their tokens over the JSON API: whose token it is decides what is done, and in whose name."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from bot.events import DirectoryChanged
from bot.sections import StaffSection
from tests.conftest import NOON
from tests.fakes import Bot, start_bot
from tests.office import TOKEN, Office, office_of


@pytest.fixture
async def office(bot: Bot) -> AsyncIterator[Office]:
    async with office_of(bot) as running:
        yield running


async def test_an_owner_writes_somebody_down_and_changes_them(office: Office) -> None:
    assert (await office.post("stores", {"code": "S1", "name": "一店"}))[0] == 201
    new = {"userid": "LiNa", "name": "李娜🌸", "role": "manager", "store_id": "S1"}

    assert await office.post("staff", new) == (201, {**new, "status": "active"})
    assert (await office.post("staff", {**new, "userid": "lina"}))[0] == 409  # the same to WeCom
    assert (await office.post("staff/LiNa", {"role": "admin", "store_id": ""}))[1]["role"] == "admin"
    (row,) = (await office.get("staff"))[1]["items"]
    assert (row["userid"], row["name"], row["role"], row["store_id"]) == ("LiNa", "李娜🌸", "admin", "")


@pytest.mark.parametrize(
    ("path", "body", "status", "field"),
    [
        ("staff", {"userid": "a b"}, 422, "userid"),
        ("staff", {"userid": "x", "role": "god"}, 422, "role"),
        ("staff", {"userid": "x", "role": "manager"}, 422, "store_id"),
        ("staff", {"userid": "x", "store_id": "S9"}, 422, "store_id"),
        ("staff", {"userid": "x", "status": "active"}, 422, "status"),
        ("staff/nobody", {"role": "guide"}, 404, "userid"),
        ("staff/wang", {}, 422, ""),
        ("staff/wang", {"role": "manager"}, 422, "store_id"),
        ("staff/boss", {"role": "admin"}, 409, "userid"),
        ("tokens", {"userid": "nobody"}, 422, "userid"),
        ("tokens", {"userid": "wang", "expires_at": "2020-01-01T00:00:00Z"}, 422, "expires_at"),
        ("tokens/1/revoke", {}, 404, "id"),
    ],
)
async def test_what_is_wrong_with_staff_is_named(
    database_url: str, path: str, body: dict[str, str], status: int, field: str
) -> None:
    section = StaffSection(owners=["Boss"])
    async with start_bot(database_url, NOON, staff_section=section) as bot, office_of(bot, section) as office:
        await bot.employs("wang", "guide")
        await bot.employs("boss", "guide")
        answer = await office.post(path, body)
    assert (answer[0], answer[1]["error"].get("field", "")) == (status, field)


async def test_a_token_is_shown_once_and_only_its_hash_is_kept(office: Office) -> None:
    await office.bot.employs("wang", "admin")
    _, made = await office.post("tokens", {"userid": "wang", "name": "笔记本"}, key="k")
    token = made["token"]

    again = await office.post("tokens", {"userid": "wang", "name": "笔记本"}, key="k")

    assert again[0] == 409
    assert len(token) > 40
    assert all(token not in str(row) for table in ("inbox", "api_token", "audit_log", "outbox")
               for row in office.bot.rows(f'SELECT * FROM "{table}"'))  # fmt: skip
    assert (await office.get("products", token))[0] == 200
    (shown,) = (await office.get("tokens"))[1]["items"]
    assert shown["last_used_at"] is not None
    assert "hash" not in shown


async def test_what_a_caller_says_of_a_tokens_hash_does_not_count(office: Office) -> None:
    await office.bot.employs("wang", "admin")
    _, made = await office.post("tokens", {"userid": "wang", "hash": "0" * 64})
    assert (await office.get("products", made["token"]))[0] == 200


async def test_a_token_ends_when_it_is_revoked_or_over(office: Office) -> None:
    token = await office.token_of("wang", "admin")
    (known,) = (await office.get("tokens"))[1]["items"]
    assert (await office.get("products", token))[0] == 200
    assert (await office.post(f"tokens/{known['id']}/revoke"))[0] == 200
    assert (await office.get("products", token))[0] == 401
    assert (await office.post("stores", {"code": "S1", "name": "x"}, token))[0] == 401

    until = office.bot.clock.now() + timedelta(hours=1)
    _, short = await office.post("tokens", {"userid": "wang", "expires_at": until.isoformat()})
    assert (await office.get("products", short["token"]))[0] == 200
    office.bot.clock.advance(3600)
    assert (await office.get("products", short["token"]))[0] == 401


async def test_who_is_disabled_is_out_at_the_next_request(office: Office) -> None:
    token = await office.token_of("wang", "admin")
    assert (await office.post("staff/wang", {"status": "disabled"}))[0] == 200
    assert (await office.get("products", token))[0] == 401
    assert (await office.post("tokens", {"userid": "wang"}))[0] == 422

    await office.post("staff/wang", {"status": "active"})

    assert (await office.get("products", token))[0] == 401  # back at work, but with new tokens
    assert (await office.get("products", await office.token_of("wang")))[0] == 200


async def test_nobody_changes_their_own_role(office: Office) -> None:
    token = await office.token_of("chen", "owner")
    assert (await office.post("staff/chen", {"role": "guide"}, token))[0] == 409
    assert (await office.post("staff/chen", {"name": "陈"}, token))[0] == 200


async def test_a_token_speaks_for_its_owner_alone(office: Office) -> None:
    token = await office.token_of("wang", "admin")
    goods = {"sku": "A", "title": "茶", "price_fen": 100}
    assert (await office.post("products", goods, token))[0] == 201

    status, refused = await office.post("products/A", {"price_fen": 120, "by": "chen"}, token)
    assert (status, refused["error"]["code"], refused["error"]["field"]) == (403, "wrong_person", "by")
    assert (await office.post("products/A", {"price_fen": 120}, token))[0] == 200
    assert (await office.post("products/A", {"price_fen": 130, "by": "chen"}))[0] == 200

    rows = office.bot.rows("SELECT action, actor, data LIKE '%api.token%' FROM audit_log ORDER BY id")
    assert [tuple(row) for row in rows[-3:]] == [
        ("product.made", "wang", 0), ("product.changed", "wang", 0), ("product.changed", "chen", 1)
    ]  # fmt: skip


async def test_nobody_gets_the_answer_to_somebody_elses_request(office: Office) -> None:
    wang, chen = await office.token_of("wang", "admin"), await office.token_of("chen", "admin")
    store = {"code": "S1", "name": "一店"}
    assert (await office.post("stores", store, wang, key="k"))[0] == 201
    assert (await office.post("stores", store, wang, key="k"))[0] == 201
    assert (await office.post("stores", store, chen, key="k"))[0] == 409
    assert (await office.post("stores", store, TOKEN, key="k"))[0] == 409


async def test_who_leaves_the_company_is_out_here_as_well(office: Office) -> None:
    token = await office.token_of("wang", "admin")
    await directory(office.bot, "delete_user", UserID="Wang")
    assert (await office.get("products", token))[0] == 401
    assert office.bot.rows("SELECT status FROM staff") == [("disabled",)]
    assert "登记" in await office.bot.says("渠道", "wang")


async def test_who_is_renamed_keeps_their_role_but_not_their_tokens(office: Office) -> None:
    token = await office.token_of("wang", "admin")
    await directory(office.bot, "update_user", UserID="wang", NewUserID="wangfang")
    await directory(office.bot, "update_user", UserID="chen", Name="陈")
    assert (await office.get("products", token))[0] == 401
    assert office.bot.rows("SELECT userid, role FROM staff") == [("wangfang", "admin")]
    assert (await office.get("products", await office.token_of("wangfang")))[0] == 200


async def directory(bot: Bot, change_type: str, **fields: str) -> None:
    """WeCom tells of a change in the directory."""
    number = next(bot.numbers)
    await bot.writer.accept(DirectoryChanged(
        key=f"wecom_app:sha256:{number:064x}", source="wecom_app", at=bot.clock.now(), change_type=change_type,
        fields=fields,
    ))  # fmt: skip
