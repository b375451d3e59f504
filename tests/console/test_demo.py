"""演示: `run.py demo` as a newcomer starts it: furnished, orders and refunds going the whole way round."""

from __future__ import annotations

import json
import re
import signal
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.processes import API_TOKEN, Program, free_port

pytestmark = pytest.mark.slow


class Running:
    """A demo that is ready."""

    def __init__(self, sandbox: str, bot: str, output: str) -> None:
        self.sandbox, self.bot_url, self.output = sandbox, bot, output

    def ask(self, path: str, body: Any = None) -> Any:
        """A word on the sandbox's control plane."""
        return _ask(f"{self.sandbox}/__sandbox/{path}", body)

    def bot(self, path: str) -> Any:
        """The items of a read of the bot's API."""
        return _ask(f"{self.bot_url}/api/v1/{path}", None)["items"]

    def until(self, look: Callable[[], Any], enough: Callable[[Any], Any]) -> Any:
        """What `look` sees once it is `enough`."""
        deadline = time.monotonic() + 20
        while not enough(seen := look()):
            assert time.monotonic() < deadline, seen
            time.sleep(0.05)
        return seen


def _ask(url: str, body: Any) -> Any:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Authorization": f"Bearer {API_TOKEN}"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310 - loopback
        return json.loads(response.read())


@contextmanager
def demo(home: Path) -> Iterator[Running]:
    """The demo on a database of this folder."""
    command = [sys.executable, "run.py", "demo", "--db", str(home / "demo.db"), "--port", str(free_port()),
               "--sandbox-port", str(free_port())]  # fmt: skip
    program = Program(command, {"PYTHONUNBUFFERED": "1"}, home / "demo.out")
    program.log.write_text("", encoding="utf-8")
    program.start()
    try:
        deadline = time.monotonic() + 60
        while "Ctrl-C" not in (output := program.log.read_text(encoding="utf-8")):
            assert program.ended is None, output
            assert time.monotonic() < deadline, output
            time.sleep(0.1)
        sandbox, bot = (re.findall(rf"{name} +(http://[\d.:]+)", output)[-1] for name in ("沙盒页面", "机器人"))
        yield Running(sandbox, bot, output)
    finally:
        program.end(signal.SIGTERM)


def test_orders_and_refunds_go_the_whole_way_and_a_second_start_changes_nothing(tmp_path: Path) -> None:
    names = ("products", "coupon-templates", "campaigns")
    with demo(tmp_path) as first:
        made = {name: first.bot(f"{name}?limit=200") for name in names}
        assert [len(made[name]) for name in names] == [9, 7, 9]
        assert "9 件商品 · 7 种券 · 9 个活动 · 2 场沙龙" in first.output
        assert any(below["key"] == "群数据" for top in first.ask("state")["menu"] for below in top["sub_button"])
        order, wrong = _shopping(first)
        before = first.ask("state")["orders"]
        assert "4 位老客" in first.output
        people = {one["id"]: one["tags"] for one in first.bot("members?limit=200")}
        assert len(people) == 5
    (tmp_path / "demo.out").unlink()
    with demo(tmp_path) as second:
        assert {name: second.bot(f"{name}?limit=200") for name in names} == made
        assert second.ask("state")["orders"] == before
        assert {one["id"]: one["tags"] for one in second.bot("members?limit=200")} == people
        assert second.ask(f"shop/orders/{order}/refund", {})["refunded_fen"] == 9_900
        second.until(lambda: _of(second, order), lambda one: one["pushes"][-1]["state"] == "stored")
        assert wrong in {one["order_no"] for one in second.ask("state")["orders"]}


def _shopping(running: Running) -> tuple[str, str]:
    """A customer joins and buys; an order under a code that nobody knows is sent back by the bot. Their numbers."""
    state = running.ask("state")
    customer = state["customers"][0]["external_userid"]
    running.ask(f"customers/{customer}/scan", {"config_id": state["contact_ways"][0]["config_id"]})
    bought = running.ask("shop/orders", {"external_userid": customer, "amount_fen": 9_900})["order_no"]
    wrong = {"external_userid": customer, "amount_fen": 500, "checkout": "0000-0000"}
    unknown = running.ask("shop/orders", wrong)["order_no"]

    back = running.until(lambda: _of(running, unknown), lambda one: one["refunded_fen"] == 500)
    assert list(back["asked"].values()) == ["unknown"]
    running.until(lambda: running.ask("state")["in_flight"], lambda waiting: waiting == 0)
    pushes = [push for one in running.ask("state")["orders"] for push in one["pushes"]]
    assert {push["state"] for push in pushes} == {"stored"}
    for push in pushes:
        (row,) = running.bot(f"inbox?key=orders:mall:{push['id']}")
        assert row["status"] == "done", row
    coupons = running.bot(f"members?external_id={customer}")[0]["coupons"]
    assert [coupon["template"] for coupon in coupons] == ["满100减20券"]
    return bought, unknown


def _of(running: Running, order_no: str) -> Any:
    return next(one for one in running.ask("state")["orders"] if one["order_no"] == order_no)
