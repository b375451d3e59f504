"""Health and numbers, and that no route stands unguarded."""

from __future__ import annotations

import pytest
from aiohttp import web

from console.server import refuse_unguarded
from tests.console.conftest import Shop


def test_a_running_bot_is_alive_and_ready(shop: Shop) -> None:
    assert shop.ask("/healthz", token=None).text == "ok"
    ready = shop.ask("/readyz", token=None)

    assert ready.status == 200
    assert ready.json["ready"] is True
    assert {item["check"] for item in ready.json["checks"]} == {"writer", "sending", "schema"}


def test_the_numbers_are_read_by_prometheus(shop: Shop) -> None:
    from prometheus_client.parser import text_string_to_metric_families

    families = {family.name: family for family in text_string_to_metric_families(shop.ask("/metrics", token=None).text)}

    writer = {sample.labels["outcome"]: sample.value for sample in families["siyu_writer"].samples}
    assert writer["events"] >= 3
    accepted = {sample.labels["outcome"]: sample.value for sample in families["siyu_callbacks"].samples}
    assert accepted["accepted"] >= 3


def test_a_callback_without_a_signature_is_refused_and_counted(shop: Shop) -> None:
    assert shop.ask("/wecom/app", token=None, method="POST").status == 400
    assert shop.ask("/wecom/app?msg_signature=x&timestamp=1&nonce=2&echostr=AAAA", token=None).status == 401

    assert 'siyu_callbacks_total{outcome="refused.signature"}' in shop.ask("/metrics", token=None).text


def test_a_path_that_is_not_there_says_so(shop: Shop) -> None:
    assert shop.ask("/nowhere").status == 404
    assert shop.ask("/api/v1/members", method="DELETE").status == 405


def test_a_route_without_a_policy_stops_the_start() -> None:
    async def secret(_request: web.Request) -> web.Response:
        return web.Response()

    app = web.Application()
    app.router.add_get("/secret", secret)

    with pytest.raises(RuntimeError, match="/secret has no policy"):
        refuse_unguarded(app)
