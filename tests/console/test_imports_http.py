"""导入接口: a file over HTTP, against the bot as a program."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.chaos.processes import API_TOKEN
from tests.console.conftest import Reply, Shop


def send(shop: Shop, kind: str, body: bytes, query: str = "", content_type: str = "text/csv", **headers: str) -> Reply:
    """A POST with a file as its body."""
    url = f"http://127.0.0.1:{shop.world.bot_port}/api/v1/imports/{kind}{query}"
    sent = {"Authorization": f"Bearer {API_TOKEN}", "Content-Type": content_type, **headers}
    return shop._send(url, "POST", sent, body)


def test_a_file_comes_in_once(shop: Shop) -> None:
    body = "手机号,unionid,姓名,积分\n13700000001,oHttp,网上来的,30\n".encode("gb18030")
    dry = send(shop, "members", body, "?dry_run=1").json
    assert (dry["rows"], dry["dry_run"], "new" in dry) == (1, True, False)
    first, again = send(shop, "members", body), send(shop, "members", body)
    assert (first.status, first.json) == (200, {"kind": "members", "rows": 1, "known": 0, "kept": 0,
            "encoding": "gb18030", "dry_run": False, "new": 1, "opened": 1})  # fmt: skip
    assert (again.json["known"], again.json["new"], again.json["opened"]) == (1, 0, 0)
    member = shop.ask("/api/v1/members?external_id=oHttp").json["items"][0]
    assert (member["name"], member["points"]) == ("网上来的", 30)


def test_wrong_rows_come_back_in_the_one_shape(shop: Shop) -> None:
    reply = send(shop, "products", "商品编码,商品名称,售价\nHTTP1,,1.234\nHTTP2,好,5\n".encode())
    error: dict[str, Any] = reply.json["error"]
    assert (reply.status, error["code"], error["count"]) == (422, "wrong_rows", 2)
    assert [(row["line"], row["field"]) for row in error["rows"]] == [(2, "title"), (2, "price")]
    assert all(row["message"] for row in error["rows"])
    fine = send(shop, "products", "商品编码,商品名称,售价\nHTTP2,好,5\n".encode())
    assert fine.json["new"] == 1  # HTTP2 was not written by the file before


@pytest.mark.parametrize(
    ("kind", "body", "query", "content_type", "status", "code"),
    [
        ("coupons", b"x", "", "text/csv", 404, "not_found"),
        ("members", b"", "", "text/csv", 400, "bad_request"),
        ("members", b"x", "?dry=1", "text/csv", 400, "bad_value"),
        ("members", b"x", "?dry_run=maybe", "text/csv", 400, "bad_value"),
        ("members", b"x", "", "multipart/form-data; boundary=x", 400, "bad_request"),
        ("members", b"\x00\x01\xff\xfe", "", "text/csv", 422, "unreadable"),
        ("members", b"x" * (4 * 1024 * 1024 + 1), "", "text/csv", 413, "too_large"),
    ],
)
def test_what_is_no_file_is_refused(
    shop: Shop, kind: str, body: bytes, query: str, content_type: str, status: int, code: str
) -> None:
    reply = send(shop, kind, body, query, content_type)
    assert (reply.status, json.loads(reply.text)["error"]["code"]) == (status, code)


def test_nobody_imports_without_the_token(shop: Shop) -> None:
    assert send(shop, "members", b"x", Authorization="Bearer wrong").status == 401
