"""How shops sign and what they say: our own HMAC form, Youzan (有赞) message push, WeChat Pay v3 notifications.

Every reader raises `GateError`: 401 for a signature or a time that does not fit, 400 for a body that cannot be read.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import unquote_plus
from zoneinfo import ZoneInfo

from aiohttp import web
from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from bot.channels.gate import GateError
from bot.channels.order_fields import fen_of, moment_of, read_json, refuse_stale, sign, text_of, yuan_to_fen
from bot.event_base import Event
from bot.order_events import OrderPaid, OrderRefunded

SHOP_ZONE = ZoneInfo("Asia/Shanghai")  # Youzan's times carry no zone
BUYER = ("unionid", "openid", "external_userid", "mobile_hash", "mobile_tail")


@dataclass(frozen=True)
class Said:
    """What a push says; `ignored` names why nothing is done about it."""

    event_id: str = ""
    at: datetime | None = None
    paid: dict[str, Any] = field(default_factory=dict)
    refunded: dict[str, Any] = field(default_factory=dict)
    ignored: str = ""

    def events(self, source: str) -> Iterator[Event]:
        """The push as an event of ours."""
        if self.at is None:
            return
        same: dict[str, Any] = {
            "key": f"orders:{source}:{self.event_id}",
            "source": f"orders:{source}",
            "at": self.at,
            "shop": source,
        }
        if self.paid:
            yield OrderPaid(**same, **self.paid)
        if self.refunded:
            yield OrderRefunded(**same, **self.refunded)


class Kind(Protocol):
    """A way of signing and speaking."""

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Said:
        """Check the signature, then read. Raises GateError."""
        ...

    def thank(self) -> web.Response:
        """The answer after which the shop does not push again."""
        ...

    def refuse(self, error: GateError) -> web.Response:
        """The answer to what was not taken."""
        ...


@dataclass(frozen=True)
class Hmac:
    """Our own form: X-Signature is sha256 over timestamp, a dot and the raw body. Two secrets while one is replaced."""

    secrets: tuple[str, ...]

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Said:
        """`order.paid` and `order.refunded`; another type is ignored."""
        stamp, given = headers.get("X-Timestamp", ""), headers.get("X-Signature", "")
        signed = [sign(secret, stamp, body) for secret in self.secrets]
        if not any(hmac.compare_digest(mine.encode(), given.encode()) for mine in signed):
            raise GateError(401, "signature")
        refuse_stale(stamp, now)
        told = read_json(body)
        data = told.get("data")
        if not isinstance(data, dict):
            raise GateError(400, "data")
        event_id, at = text_of(told, "id"), moment_of(told.get("occurred_at"), "occurred_at")
        if told.get("type") == "order.paid":
            return Said(event_id, at, paid=_paid(data))
        if told.get("type") == "order.refunded":
            return Said(event_id, at, refunded=_refunded(data, event_id))
        return Said(ignored="type")

    def thank(self) -> web.Response:
        """200 with a small body."""
        return web.json_response({"ok": True})

    def refuse(self, error: GateError) -> web.Response:
        """The error names the field."""
        return web.json_response({"error": {"code": "refused", "field": error.reason}}, status=error.status)


def _paid(data: dict[str, Any]) -> dict[str, Any]:
    given = data.get("buyer")
    buyer = given if isinstance(given, dict) else {}
    items = data.get("items", [])
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items) or len(items) > 200:
        raise GateError(400, "items")
    return {
        "order_no": text_of(data, "order_no"),
        "buyer": {name: text_of(buyer, name) for name in BUYER if buyer.get(name)},
        "amount_fen": fen_of(data.get("amount_fen"), "amount_fen", 0),
        "items": items,
        "checkout": text_of(data, "checkout") if data.get("checkout") else None,
        "store": text_of(data, "store") if data.get("store") else None,
    }


def _refunded(data: dict[str, Any], event_id: str) -> dict[str, Any]:
    return {
        "order_no": text_of(data, "order_no"),
        "refund_no": text_of(data, "refund_no") if data.get("refund_no") else event_id,
        "amount_fen": fen_of(data.get("amount_fen"), "amount_fen", 1),
    }


@dataclass(frozen=True)
class Youzan:
    """有赞: md5 over client_id, the raw `msg` and client_secret; `msg` is URL-encoded JSON."""

    client_id: str
    secrets: tuple[str, ...]

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Said:
        """`trade_TradePaid`; test pushes and other types are ignored. Amounts come as yuan in text."""
        told = read_json(body)
        message, sign = told.get("msg"), told.get("sign")
        if not isinstance(message, str) or not isinstance(sign, str):
            raise GateError(400, "msg")
        mine = [hashlib.md5(f"{self.client_id}{message}{s}".encode(), usedforsecurity=False).hexdigest()
                for s in self.secrets]  # fmt: skip
        if not any(hmac.compare_digest(one.encode(), sign.encode()) for one in mine):
            raise GateError(401, "signature")
        if told.get("test") or told.get("type") != "trade_TradePaid":
            return Said(ignored="test" if told.get("test") else "type")
        event_id = str(told.get("msg_id") or "") or f"{told.get('type')}:{told.get('id')}:{told.get('version')}"
        return self._order(event_id, read_json(unquote_plus(message)))

    def _order(self, event_id: str, message: dict[str, Any]) -> Said:
        try:
            full = message["full_order_info"]
            info, buyer = full["order_info"], full.get("buyer_info") or {}
            at = datetime.fromisoformat(info["pay_time"]).replace(tzinfo=SHOP_ZONE).astimezone(UTC)
            items = [_youzan_line(line) for line in full["orders"]]
            amount = sum(item["paid_fen"] for item in items)
            openid = str(buyer.get("outer_user_id") or buyer.get("yz_open_id") or "")
            paid = {"order_no": text_of(info, "tid"), "buyer": {"openid": openid} if openid else {},
                    "amount_fen": fen_of(amount, "payment", 0), "items": items}  # fmt: skip
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise GateError(400, "msg") from error
        return Said(event_id, at, paid=paid)

    def thank(self) -> web.Response:
        """Anything else is pushed again."""
        return web.json_response({"code": 0, "msg": "success"})

    def refuse(self, error: GateError) -> web.Response:
        """Pushed again."""
        return web.json_response({"code": error.status, "msg": error.reason}, status=error.status)


def _youzan_line(line: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "sku": str(line.get("outer_sku_id") or line.get("sku_id") or ""),
        "title": str(line["title"]),
        "qty": int(line["num"]),
        "paid_fen": yuan_to_fen(line["payment"]),
    }


@dataclass(frozen=True)
class WeChatPay:
    """微信支付 v3: RSA-SHA256 over time, nonce and raw body; the resource is AES-256-GCM under the APIv3 key.

    `public_key` is the PEM of WeChat Pay's public key, `serial` its name in Wechatpay-Serial.
    """

    public_key: str
    serial: str
    api_v3_key: str

    def read(self, headers: Mapping[str, str], body: bytes, now: datetime) -> Said:
        """TRANSACTION.SUCCESS and REFUND.SUCCESS; other types are ignored."""
        stamp, nonce = headers.get("Wechatpay-Timestamp", ""), headers.get("Wechatpay-Nonce", "")
        if headers.get("Wechatpay-Serial") != self.serial:
            raise GateError(401, "serial")
        try:
            signature = base64.b64decode(headers.get("Wechatpay-Signature", ""), validate=True)
            key = serialization.load_pem_public_key(self.public_key.encode())
            assert isinstance(key, rsa.RSAPublicKey)
            signed = f"{stamp}\n{nonce}\n".encode() + body + b"\n"
            key.verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
        except (binascii.Error, ValueError, InvalidSignature) as error:
            raise GateError(401, "signature") from error
        refuse_stale(stamp, now)
        told = read_json(body)
        event_type = told.get("event_type")
        if event_type not in ("TRANSACTION.SUCCESS", "REFUND.SUCCESS"):
            return Said(ignored="type")
        return self._said(text_of(told, "id"), str(event_type), self._open(told.get("resource")))

    def _open(self, resource: object) -> dict[str, Any]:
        if not isinstance(resource, dict):
            raise GateError(400, "resource")
        try:
            cipher = base64.b64decode(str(resource["ciphertext"]), validate=True)
            related = str(resource.get("associated_data") or "").encode()
            plain = AESGCM(self.api_v3_key.encode()).decrypt(str(resource["nonce"]).encode(), cipher, related)
        except (KeyError, ValueError, InvalidTag) as error:
            raise GateError(400, "resource") from error
        return read_json(plain)

    def _said(self, event_id: str, event_type: str, told: dict[str, Any]) -> Said:
        amount = told.get("amount")
        if not isinstance(amount, dict):
            raise GateError(400, "amount")
        if event_type == "REFUND.SUCCESS":
            refunded = {"order_no": text_of(told, "out_trade_no"), "refund_no": text_of(told, "out_refund_no"),
                        "amount_fen": fen_of(amount.get("refund"), "amount", 1)}  # fmt: skip
            return Said(event_id, moment_of(told.get("success_time"), "success_time"), refunded=refunded)
        openid = (told.get("payer") or {}).get("openid") if isinstance(told.get("payer"), dict) else None
        paid = {"order_no": text_of(told, "out_trade_no"), "buyer": {"openid": str(openid)} if openid else {},
                "amount_fen": fen_of(amount.get("total"), "amount", 0), "items": [],
                "checkout": text_of(told, "attach") if told.get("attach") else None}  # fmt: skip
        return Said(event_id, moment_of(told.get("success_time"), "success_time"), paid=paid)

    def thank(self) -> web.Response:
        """204, nothing to say."""
        return web.Response(status=204)

    def refuse(self, error: GateError) -> web.Response:
        """Told again later."""
        return web.json_response({"code": "FAIL", "message": error.reason}, status=error.status)
