"""订单 webhooks: signatures of three kinds, freshness, fields named when wrong, stored before answered."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from bot.channels.order_fields import WINDOW, yuan_to_fen
from bot.channels.order_kinds import Hmac, Kind, WeChatPay, Youzan
from bot.channels.orders import OrderHooks
from bot.clock import FrozenClock
from bot.errors import NotStored
from bot.events import Event
from bot.order_events import OrderPaid, OrderRefunded

NOW = datetime(2026, 11, 11, 4, 0, tzinfo=UTC)
STAMP = str(int(NOW.timestamp()))
KEY = "k" * 32
RSA = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = (
    RSA.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo).decode()
)


class Taken:
    """An inlet that keeps what it gets."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.full = False

    async def accept(self, event: Event) -> str | None:
        """Keep it, or refuse like a database without room."""
        if self.full:
            raise NotStored
        self.events.append(event)
        return None

    async def quarantine(self, event: Event, reason: str) -> None:
        """Orders are never quarantined: a stale one is refused."""
        raise AssertionError


class Mall:
    """The hooks behind a socket."""

    def __init__(self, client: TestClient[web.Request, web.Application], taken: Taken) -> None:
        self.client, self.taken = client, taken

    async def push(self, source: str, body: bytes, headers: dict[str, str]) -> tuple[int, str]:
        """One push; status and answer."""
        async with self.client.post(f"/hooks/orders/{source}", data=body, headers=headers) as response:
            return response.status, await response.text()

    async def signed(self, told: Any, secret: str = "s1", stamp: str = STAMP) -> tuple[int, str]:
        """A push in our own form."""
        body = told if isinstance(told, bytes) else json.dumps(told).encode()
        sign = hmac.new(secret.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
        return await self.push("mall", body, {"X-Timestamp": stamp, "X-Signature": f"sha256={sign}"})


@pytest.fixture
async def mall() -> AsyncIterator[Mall]:
    """Three sources, one of each kind."""
    taken = Taken()
    kinds: dict[str, Kind] = {
        "mall": Hmac(("s1", "s2")),
        "yz": Youzan("yz1", ("ys",)),
        "pay": WeChatPay(PEM, "PUB1", KEY),
    }
    app = web.Application()
    app.add_routes(OrderHooks(kinds, taken, FrozenClock(NOW)).routes())
    async with TestClient(TestServer(app)) as client:
        yield Mall(client, taken)


def order(**data: Any) -> dict[str, Any]:
    """A paid order in our own form."""
    return {
        "id": "evt_1", "type": "order.paid", "occurred_at": "2026-11-11T12:00:00+08:00",
        "data": {"order_no": "n1", "buyer": {"unionid": "o1"}, "amount_fen": 9900, "items": [{"sku": "A"}], **data},
    }  # fmt: skip


async def test_a_paid_order(mall: Mall) -> None:
    assert (await mall.signed(order(checkout="AB12-CD34")))[0] == 200
    (event,) = mall.taken.events
    assert isinstance(event, OrderPaid)
    assert (event.key, event.shop, event.order_no, event.amount_fen) == ("orders:mall:evt_1", "mall", "n1", 9900)
    assert (event.buyer, event.checkout, event.at) == ({"unionid": "o1"}, "AB12-CD34", NOW)


async def test_a_refund_names_itself_by_its_event(mall: Mall) -> None:
    told = {**order(), "type": "order.refunded"}
    assert (await mall.signed(told, "s2"))[0] == 200
    (event,) = mall.taken.events
    assert isinstance(event, OrderRefunded)
    assert (event.refund_no, event.amount_fen) == ("evt_1", 9900)


@pytest.mark.parametrize(
    ("told", "field"),
    [
        *[(order(amount_fen=wrong), "amount_fen") for wrong in (-1, 99.0, True, "99", 10**12)],
        (order(order_no=""), "order_no"),
        (order(order_no="x" * 129), "order_no"), (order(order_no="a\nb"), "order_no"), (order(items={}), "items"),
        (order(buyer={"unionid": 5}), "unionid"), ({**order(), "occurred_at": "yesterday"}, "occurred_at"),
        ({**order(), "occurred_at": "2026-11-11T12:00:00"}, "occurred_at"), ({**order(), "id": ""}, "id"),
        ({**order(), "data": []}, "data"), (b"[]", "json"), (b"{", "json"), (b"\xff", "json"),
    ],
)  # fmt: skip
async def test_a_wrong_field_is_named_and_nothing_is_stored(mall: Mall, told: Any, field: str) -> None:
    status, answer = await mall.signed(told)
    assert status == 400
    assert json.loads(answer)["error"]["field"] == field
    assert mall.taken.events == []


async def test_a_wrong_signature_or_an_old_time_is_not_let_in(mall: Mall) -> None:
    assert (await mall.signed(order(), "wrong"))[0] == 401
    assert (await mall.signed(order(), stamp=str(int(STAMP) - 301)))[0] == 401
    assert (await mall.signed(order(), stamp=str(int(STAMP) + 301)))[0] == 401
    assert (await mall.signed(order(), stamp="soon"))[0] == 400
    assert (await mall.push("mall", b"{}", {}))[0] == 401
    assert (await mall.push("nobody", b"{}", {}))[0] == 404
    assert mall.taken.events == []


async def test_a_body_over_the_cap_is_not_read(mall: Mall) -> None:
    assert (await mall.signed(b"x" * 70_000))[0] == 413


async def test_what_is_not_stored_is_not_thanked_for(mall: Mall) -> None:
    mall.taken.full = True
    assert (await mall.signed(order()))[0] == 503


async def test_other_types_are_thanked_for_and_ignored(mall: Mall) -> None:
    assert (await mall.signed({**order(), "type": "order.shipped"}))[0] == 200
    assert mall.taken.events == []


def youzan(secret: str = "ys", **more: Any) -> bytes:
    """A push of a paid trade."""
    message = quote(json.dumps({"full_order_info": {
        "order_info": {"tid": "E1", "pay_time": "2026-11-11 12:00:00"},
        "orders": [{"title": "茶", "num": 1, "payment": "99.00"}, {"title": "杯", "num": 2, "payment": "0.5"}],
        "buyer_info": {"outer_user_id": "oid"},
    }}))  # fmt: skip
    sign = hashlib.md5(f"yz1{message}{secret}".encode(), usedforsecurity=False).hexdigest()
    return json.dumps(
        {"msg": message, "sign": sign, "type": "trade_TradePaid", "msg_id": "m-1", "test": False} | more
    ).encode()


async def test_youzan(mall: Mall) -> None:
    status, answer = await mall.push("yz", youzan(), {})
    assert (status, json.loads(answer)["code"]) == (200, 0)
    (event,) = mall.taken.events
    assert isinstance(event, OrderPaid)
    assert (event.order_no, event.amount_fen, event.at, event.buyer) == ("E1", 9950, NOW, {"openid": "oid"})
    assert (await mall.push("yz", youzan("bad"), {}))[0] == 401
    assert (await mall.push("yz", youzan(test=True), {}))[0] == 200
    assert (await mall.push("yz", youzan(type="trade_TradeClose"), {}))[0] == 200
    assert (await mall.push("yz", b'{"msg": 5}', {}))[0] == 400
    assert len(mall.taken.events) == 1


def pay(event_type: str = "TRANSACTION.SUCCESS", stamp: str = STAMP, **more: Any) -> tuple[bytes, dict[str, str]]:
    """A notification of WeChat Pay: body and headers."""
    told = {"out_trade_no": "n9", "transaction_id": "4200", "success_time": "2026-11-11T12:00:00+08:00",
            "payer": {"openid": "oid"}, "amount": {"total": 500, "refund": 200}, "out_refund_no": "r9",
            **more}  # fmt: skip
    cipher = AESGCM(KEY.encode()).encrypt(b"123456789012", json.dumps(told).encode(), b"transaction")
    resource = {
        "ciphertext": base64.b64encode(cipher).decode(),
        "nonce": "123456789012",
        "associated_data": "transaction",
    }
    body = json.dumps({"id": "EV-1", "event_type": event_type, "resource": resource}).encode()
    signature = RSA.sign(f"{stamp}\nnn\n".encode() + body + b"\n", padding.PKCS1v15(), hashes.SHA256())
    return body, {"Wechatpay-Serial": "PUB1", "Wechatpay-Signature": base64.b64encode(signature).decode(),
                  "Wechatpay-Timestamp": stamp, "Wechatpay-Nonce": "nn"}  # fmt: skip


async def test_wechat_pay(mall: Mall) -> None:
    assert await mall.push("pay", *pay(attach="AB12-CD34")) == (204, "")
    assert (await mall.push("pay", *pay("REFUND.SUCCESS")))[0] == 204
    paid, refunded = mall.taken.events
    assert isinstance(paid, OrderPaid)
    assert (paid.order_no, paid.amount_fen, paid.checkout, paid.buyer) == ("n9", 500, "AB12-CD34", {"openid": "oid"})
    assert isinstance(refunded, OrderRefunded)
    assert (refunded.refund_no, refunded.amount_fen) == ("r9", 200)


async def test_wechat_pay_lets_nobody_else_in(mall: Mall) -> None:
    body, headers = pay()
    assert (await mall.push("pay", body + b" ", headers))[0] == 401
    assert (await mall.push("pay", body, {**headers, "Wechatpay-Serial": "PUB2"}))[0] == 401
    assert (await mall.push("pay", body, {**headers, "Wechatpay-Signature": "%%"}))[0] == 401
    assert (await mall.push("pay", *pay(stamp=str(int(STAMP) - 400))))[0] == 401
    assert (await mall.push("pay", *pay(amount=7)))[0] == 400
    assert mall.taken.events == []


@pytest.mark.parametrize(("text", "fen"), [("99.00", 9900), ("0.5", 50), ("7", 700), ("0.01", 1), ("1.230", 123)])
def test_yuan_are_read_without_a_float(text: str, fen: int) -> None:
    assert yuan_to_fen(text) == fen


@pytest.mark.parametrize("text", ["", "-1", "1.234", "1,5", "1e3", None, "1.2.3"])
def test_what_is_no_amount_is_refused(text: object) -> None:
    with pytest.raises(ValueError, match="amount"):
        yuan_to_fen(text)


@given(st.integers(0, 10**9))
def test_every_amount_comes_back(fen: int) -> None:
    assert yuan_to_fen(f"{fen // 100}.{fen % 100:02d}") == fen


def test_the_window_is_five_minutes() -> None:
    assert timedelta(minutes=5) == WINDOW
