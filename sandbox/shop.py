"""商城: a stand-in for a shop's own system. It books paid orders, pays money back, and takes the bot's refund requests.

The shop knows the buyer, the goods and the checkout code that the buyer brought along; what a code costs it asks of
the bot. Nothing here is WeCom's.
"""

from __future__ import annotations

import hmac
import json
import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta, timezone

from aiohttp import web

from sandbox.bot_reads import BotReads, Silent
from sandbox.clock import VirtualClock
from sandbox.crypto import sign_order
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.order_input import fen_of, items_of, text_of
from sandbox.order_pushes import OrderPusher
from sandbox.orders import Order, Push, shown_order
from sandbox.plain_json import Body, acting, dumps
from sandbox.story import Impossible
from sandbox.world import World

WINDOW_S = 300
SHOP_ZONE = timezone(timedelta(hours=8))  # order numbers begin with the shop's day
BUYER = ("external_userid", "unionid", "mobile_hash")
TAIL = "mobile_tail"  # the last four digits, beside a name


class Shop:
    """Orders and refunds."""

    def __init__(
        self,
        world: World,
        clock: VirtualClock,
        faults: Faults,
        journal: Journal,
        pusher: OrderPusher,
        bot: BotReads,
        secret: str,
        changed: Callable[[], None],
    ) -> None:
        self.world, self.pusher, self._changed = world, pusher, changed
        self._clock, self._faults, self._journal, self._bot, self._secret = clock, faults, journal, bot, secret

    def routes(self) -> list[web.RouteDef]:
        """The shop's till on the control plane, and where the bot asks for refunds."""
        return [
            web.post("/__sandbox/shop/orders", acting(self.new_order, self._changed)),
            web.post("/__sandbox/shop/orders/{order_no}/refund", acting(self.refund, self._changed)),
            web.post("/shop/refunds", self.refund_asked),
        ]

    # -- the till -----------------------------------------------------------------------------------------------------

    async def new_order(self, request: web.Request, body: Body) -> Body:
        """{"external_userid"|"unionid"|"mobile_hash","mobile_tail"?,"checkout"?,"amount_fen"?,"items"?,"order_no"?,"store"?}."""
        buyer = self._buyer(body)
        code, items = text_of(body, "checkout"), items_of(body.get("items"))
        held: Body = {}
        if code and body.get("amount_fen") is None:
            held = await self._checkout(code)
        if body.get("amount_fen") is not None:
            amount = fen_of(body["amount_fen"], 0)
        elif held:
            amount = int(held["price_fen"])
        elif items:
            amount = fen_of(sum(item["qty"] * item["price_fen"] for item in items), 0)
        else:
            raise Impossible("amount_fen", "要有 checkout（下单码）、items（买什么）或 amount_fen（付了多少）之一")
        order_no = text_of(body, "order_no") or self._number("E")
        if order_no in self.world.orders:
            raise Impossible("order_no", "这个订单号已经有了", 409)
        items = items or held.get("items", [])
        code, store = str(held.get("code", code)), text_of(body, "store")
        order = Order(order_no, buyer, amount, items, code, store, self._clock.iso())
        self.world.orders[order_no] = order
        self._tell(order, "order.paid", order.paid())
        return shown_order(order)

    def _buyer(self, body: Body) -> dict[str, str]:
        buyer = {name: text for name in BUYER if (text := text_of(body, name))}
        if not buyer:
            raise Impossible("external_userid", "要说是谁买的：external_userid、unionid 或 mobile_hash")
        if tail := text_of(body, TAIL):
            buyer[TAIL] = tail
        if "external_userid" in buyer and buyer["external_userid"] not in self.world.customers:
            raise Impossible("external_userid", "没有这个客户", 404)
        return buyer

    async def _checkout(self, code: str) -> Body:
        """What the bot says about a checkout code."""
        try:
            status, answer = await self._bot.ask("checkouts", {"code": code, "limit": "1"})
        except Silent as silent:
            raise Impossible("checkout", str(silent), 502) from None
        if status != 200:
            raise Impossible("checkout", f"问不到这个下单码的价钱：机器人回答了 {status}", 502)
        found = json.loads(answer)["items"]
        if not found:
            raise Impossible("checkout", "机器人没有这个下单码：看看有没有抄错", 404)
        first: Body = found[0]
        return first

    def refund(self, request: web.Request, body: Body) -> Body:
        """{"amount_fen"?,"refund_no"?}: everything that is left, unless told how much."""
        order = self.world.orders.get(request.match_info["order_no"])
        if order is None:
            raise Impossible("order_no", "没有这张订单", 404)
        refund_no = text_of(body, "refund_no") or self._number("R")
        amount = body.get("amount_fen")
        if amount is None:
            amount = order.refunds.get(refund_no, order.left_fen)
        self._pay_back(order, refund_no, fen_of(amount, 0))
        return {**shown_order(order), "refund_no": refund_no}

    def _pay_back(self, order: Order, refund_no: str, amount_fen: int) -> None:
        """Once per refund number; never more than was paid."""
        owner = next((one for one in self.world.orders.values() if refund_no in one.refunds), None)
        if owner is order and order.refunds[refund_no] == amount_fen:
            return
        if owner is not None:
            raise Impossible("refund_no", "这个退款号已经退过别的订单或别的金额", 409)
        if not order.left_fen:
            raise Impossible("amount_fen", "这张订单已经没有可退的钱", 409)
        if not 1 <= amount_fen <= order.left_fen:
            raise Impossible("amount_fen", f"这张订单还能退 1 到 {order.left_fen} 分", 409)
        order.refunds[refund_no] = amount_fen
        self._tell(order, "order.refunded", order.refunded(refund_no))

    def _tell(self, order: Order, kind: str, data: Body) -> None:
        self.pusher.emit(order, Push(self.world.new_id("evt_", 16), kind, self._clock.iso(), data))

    def _number(self, letter: str) -> str:
        """A new order or refund number."""
        day = datetime.fromtimestamp(self._clock.time(), SHOP_ZONE)
        return f"{letter}{day:%Y%m%d}{self.world.dice.randrange(10**10):010d}"

    # -- what the bot asks --------------------------------------------------------------------------------------------

    async def refund_asked(self, request: web.Request) -> web.Response:
        """The bot wants money back for a buyer: signed as pushes are, once per refund_no however often it asks."""
        raw, began = await request.read(), time.perf_counter()
        fault = next((name for name in ("refund_500", "refund_drop") if self._faults.happens(name, "shop")), None)
        said: Body = {}
        if fault == "refund_500":
            status, reply = 500, _error("fault", "故障：商城出错了")
        else:
            try:
                said = self._opened(request.headers, raw)
                status, reply = 200, self._do(said)
            except Impossible as error:
                status, reply = error.status, _error(error.field, str(error))
        self._journal.add(
            "order",
            id="",
            order_no=str(said.get("order_no", "")),
            event="refund.asked",
            attempt=1,
            headers={name: request.headers.get(name, "") for name in ("X-Timestamp", "X-Signature")},
            body=said or raw.decode(errors="replace")[:2000],
            status=status,
            reply=dumps(reply),
            ms=round((time.perf_counter() - began) * 1000, 2),
            error=None,
            key="",
            forged=False,
            fault=fault,
        )
        self._changed()
        if fault == "refund_drop" and request.transport is not None:
            request.transport.abort()  # it is done, and the bot does not hear of it
        return web.json_response(reply, status=status, dumps=dumps)

    def _opened(self, headers: Mapping[str, str], raw: bytes) -> Body:
        """A request with a good signature, made within five minutes."""
        stamp, given = headers.get("X-Timestamp", ""), headers.get("X-Signature", "")
        if not hmac.compare_digest(sign_order(self._secret, stamp, raw).encode(), given.encode()):
            raise Impossible("X-Signature", "签名不对", 401)
        if not (stamp.isascii() and stamp.isdigit() and abs(self._clock.time() - int(stamp)) <= WINDOW_S):
            raise Impossible("X-Timestamp", "签名的时间与现在差得太远", 401)
        try:
            said = json.loads(raw)
        except ValueError:
            said = None
        if not isinstance(said, dict):
            raise Impossible("body", "请求体要是 JSON 对象", 400)
        return said

    def _do(self, said: Body) -> Body:
        order = self.world.orders.get(text_of(said, "order_no"))
        if order is None:
            raise Impossible("order_no", "没有这张订单", 404)
        refund_no, amount = text_of(said, "refund_no"), fen_of(said.get("amount_fen"), 1)
        if not refund_no:
            raise Impossible("refund_no", "要有退款号")
        self._pay_back(order, refund_no, amount)
        order.asked.setdefault(refund_no, str(said.get("reason") or ""))
        return {"ok": True, "refund_no": refund_no}


def _error(name: str, message: str) -> Body:
    return {"error": {"code": "sandbox", "message": message, "field": name}}
