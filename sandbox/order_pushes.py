"""推送 of orders to the bot's webhook: signed, five seconds each, again and again until the bot says 2xx.

Pauses are virtual: a clock moved ahead brings the next attempt at once. A real shop keeps its pushes too, so what
was not stored when the sandbox stopped is told again when it starts.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import time
from collections.abc import Callable, Iterable
from typing import Any

import aiohttp

from sandbox.clock import VirtualClock
from sandbox.crypto import sign_order
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.orders import Order, Push

TIMEOUT_S = 5.0
PAUSES_S = (1.0, 2.0, 5.0, 15.0, 60.0, 300.0)
LOOK_EVERY_S = 0.1
AT_ONCE = 32


class OrderPusher:
    """Tells the bot of orders."""

    def __init__(
        self,
        url: str,
        source: str,
        secret: str,
        clock: VirtualClock,
        faults: Faults,
        journal: Journal,
        changed: Callable[[], None],
    ) -> None:
        self.url, self._source, self._secret = url, source, secret
        self._clock, self._faults, self._journal, self._changed = clock, faults, journal, changed
        self._gate = asyncio.Semaphore(AT_ONCE)
        self._session: aiohttp.ClientSession | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._looking: asyncio.Task[None] | None = None
        self._waiting: dict[str, tuple[Order, Push]] = {}
        self._in_air: set[str] = set()
        self._held: list[str] = []

    async def open(self, orders: Iterable[Order]) -> None:
        """Get ready to send; go on with what was never stored."""
        self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=TIMEOUT_S))
        for order in orders:
            self._waiting |= {push.id: (order, push) for push in order.pushes if push.state == "waiting"}
        self._looking = asyncio.create_task(self._look_often())

    async def close(self) -> None:
        """Stop sending."""
        tasks = [*self._tasks, *([self._looking] if self._looking else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._session is not None:
            await self._session.close()

    def forget(self) -> None:
        """The orders are no more: nothing is told of them."""
        self._waiting.clear()
        self._held.clear()

    @property
    def in_flight(self) -> int:
        """Pushes that are not stored yet, and copies in the air."""
        return len(self._waiting) + len(self._tasks) - len(self._in_air)

    # -- when a push leaves -------------------------------------------------------------------------------------------

    def emit(self, order: Order, push: Push) -> None:
        """Something happened to an order: the bot is told, as the faults allow."""
        faults, dice = self._faults, self._faults.dice
        late = faults.happens("late", "shop")
        push.due = self._clock.time() + (faults.shop["late_s"] if late else 0.0)
        order.pushes.append(push)
        self._waiting[push.id] = (order, push)
        if faults.happens("bad_signature", "shop"):
            self._go(self._attempt(order, push, forged=True))
        if faults.happens("duplicate", "shop"):
            for _ in range(dice.randint(1, max(1, int(faults.shop["copies"]) - 1))):
                self._go(self._attempt(order, push))
        window = int(faults.shop["reorder"])
        if window > 1:
            self._held.append(push.id)
            if len(self._held) >= window:
                self._release()
        elif not late:
            self._depart(push.id)

    def _release(self) -> None:
        """What was held leaves in another order."""
        held, self._held = self._held, []
        self._faults.dice.shuffle(held)
        for push_id in held:
            self._depart(push_id)

    def _depart(self, push_id: str) -> None:
        if push_id in self._waiting and push_id not in self._in_air:
            self._in_air.add(push_id)
            self._go(self._deliver(*self._waiting[push_id]))

    def _go(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _look_often(self) -> None:
        while True:
            now = self._clock.time()
            for push_id, (_, push) in list(self._waiting.items()):
                if push_id not in self._held and self._is_due(push, now):
                    self._depart(push_id)
            await asyncio.sleep(LOOK_EVERY_S)

    def _is_due(self, push: Push, now: float) -> bool:
        """A clock that was set back would let a push wait for days: further off than any pause is due as well."""
        return push.due <= now or push.due > now + max(PAUSES_S[-1], self._faults.shop["late_s"])

    async def flush(self) -> None:
        """Try everything that waits once more, then wait until nothing is in the air."""
        self._release()
        for push_id in list(self._waiting):
            self._depart(push_id)
        while self._tasks:
            await asyncio.wait(self._tasks)

    # -- one push -----------------------------------------------------------------------------------------------------

    async def _deliver(self, order: Order, push: Push) -> None:
        try:
            await self._attempt(order, push)
        finally:
            self._in_air.discard(push.id)
        push.due = self._clock.time() + PAUSES_S[min(push.attempts, len(PAUSES_S)) - 1]

    async def _attempt(self, order: Order, push: Push, *, forged: bool = False) -> None:
        """One push, journalled; 2xx ends it, unless the answer was lost on its way back."""
        async with self._gate:
            number = 0 if forged else push.attempts + 1
            push.attempts = max(push.attempts, number)
            entry = await self._send(order, push, number, forged)
        if not forged:
            self._note(push, entry)

    def _note(self, push: Push, entry: dict[str, Any]) -> None:
        status = entry["status"]
        if status is not None and 200 <= status < 300:
            push.state, push.answer = "stored", str(status)
            self._waiting.pop(push.id, None)
        elif push.state == "waiting":  # a copy that came too late changes nothing
            push.answer = str(status or entry["error"])
        self._changed()

    async def _send(self, order: Order, push: Push, number: int, forged: bool) -> dict[str, Any]:
        told = {"id": push.id, "type": push.type, "occurred_at": push.occurred_at, "data": push.data}
        raw, stamp = json.dumps(told, ensure_ascii=False).encode(), str(int(self._clock.time()))
        signature = f"sha256={secrets.token_hex(32)}" if forged else sign_order(self._secret, stamp, raw)
        headers = {"X-Timestamp": stamp, "X-Signature": signature, "Content-Type": "application/json"}
        fault = next((name for name in ("lose", "unheard") if not forged and self._faults.happens(name, "shop")), None)
        status, reply, error, began = None, "", None, time.perf_counter()
        if fault != "lose":
            status, reply, error = await self._post(raw, headers)
        if fault:
            status, reply, error = None, "", fault
        return self._journal.add(
            "order",
            id=push.id,
            order_no=order.order_no,
            event=push.type,
            attempt=number,
            headers=headers,
            body=told,
            status=status,
            reply=reply,
            ms=round((time.perf_counter() - began) * 1000, 2),
            error=error,
            key=f"orders:{self._source}:{push.id}",
            forged=forged,
            fault=fault,
        )

    async def _post(self, raw: bytes, headers: dict[str, str]) -> tuple[int | None, str, str | None]:
        assert self._session is not None
        try:
            async with self._session.post(self.url, data=raw, headers=headers, allow_redirects=False) as response:
                return response.status, await response.text(), None
        except (aiohttp.ClientError, TimeoutError) as failed:
            return None, "", type(failed).__name__
