"""老客 regulars: customers of the demo's brand who were there before the bot: they add their guides by the sandbox's
own doors, and what the shop knew of them comes in by files, as a real shop's would.
"""

from __future__ import annotations

import csv
import io
import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from bot.clock import ZONE
from console import showroom

MEMBERS = ("外部联系人ID", "手机号", "姓名", "等级", "标签", "积分")
ORDERS = ("订单号", "来源", "外部联系人ID", "实付金额", "付款时间", "门店")
KNOWN_WITHIN_S = 15.0
TIMEOUT_S = 15.0


class Regulars:
    """Brings in who `showroom.toml` names; a second time nothing changes."""

    def __init__(self, sandbox: str, bot: str, token: str, say: Callable[[str], None]) -> None:
        self._sandbox, self._bot, self._token, self._say = sandbox, bot, token, say

    def come(self, now: datetime) -> int:
        """Tags, staff, customers; how many customers there are. Raises OSError when somebody does not answer."""
        there = showroom.read()
        for item in there["tags"]:
            self._post(f"{self._bot}/api/v1/tags", item)
        for item in there["staff"]:
            self._post(f"{self._bot}/api/v1/staff", item)
        for one in there["regulars"]:
            self._add(one)
        for one in there["regulars"]:
            self._wait_for(one["external_userid"])
        self._file("members", MEMBERS, [_member(one) for one in there["regulars"]])
        self._file("orders", ORDERS, [row for one in there["regulars"] for row in _orders(one, now)])
        return len(there["regulars"])

    def _add(self, one: dict[str, Any]) -> None:
        """They add their guide, who calls them by a name of their own."""
        who = one["external_userid"]
        person = {"name": one["name"], "external_userid": who}
        if self._post(f"{self._sandbox}/__sandbox/customers", person) == 409:
            return  # the sandbox remembers them
        self._post(f"{self._sandbox}/__sandbox/customers/{who}/scan", {"userid": one["guide"]})
        if one["remark"]:
            remark = {"external_userid": who, "remark": one["remark"]}
            self._post(f"{self._sandbox}/__sandbox/guides/{one['guide']}/edit_customer", remark)

    def _wait_for(self, who: str) -> None:
        """Until the bot knows them by name: what a file says of them then belongs to them."""
        deadline = time.monotonic() + KNOWN_WITHIN_S
        while time.monotonic() < deadline:
            items = self._ask("GET", f"{self._bot}/api/v1/members?external_id={who}")[1]["items"]
            if items and items[0]["name"]:
                return
            time.sleep(0.1)
        self._say(f"机器人还不认识老客 {who}")

    def _file(self, kind: str, header: tuple[str, ...], rows: list[tuple[str, ...]]) -> None:
        """Import a file through the API."""
        text = io.StringIO()
        csv.writer(text).writerows([header, *rows])
        status, answer = self._ask("POST", f"{self._bot}/api/v1/imports/{kind}", text.getvalue().encode())
        if status != 200:
            self._say(f"老客的{kind}没有导进去：{answer['error']['message']}")

    def _post(self, url: str, body: dict[str, Any]) -> int:
        status, answer = self._ask("POST", url, json.dumps(body, ensure_ascii=False).encode())
        if status not in (200, 201, 409):
            self._say(f"老客没有摆好：{answer['error']['message']}")
        return status

    def _ask(self, method: str, url: str, body: bytes | None = None) -> tuple[int, Any]:
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        request = urllib.request.Request(url, data=body, headers=headers, method=method)  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - loopback
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())


def _member(one: dict[str, Any]) -> tuple[str, ...]:
    return (
        one["external_userid"], one["phone"], one["name"], one["tier"], one["tags"], str(one["points"])
    )  # fmt: skip


def _orders(one: dict[str, Any], now: datetime) -> list[tuple[str, ...]]:
    """What they bought before, so many days ago."""
    return [
        (
            f"{one['external_userid']}-{place}", "mall", one["external_userid"], amount,
            f"{(now - timedelta(days=days)).astimezone(ZONE):%Y-%m-%d 10:30}", one["store"],
        )
        for place, (days, amount) in enumerate(one["orders"], 1)
    ]  # fmt: skip
