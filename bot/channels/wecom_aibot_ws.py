"""长连接 the AI bot's WebSocket mode: an outbound connection, kept up while this process leads.

One connection per bot: a newer one takes over and we are told so. Then we stay away, or two processes would fight for
ever; only a restart, or leading anew, connects again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from dataclasses import dataclass
from typing import Literal

import aiohttp
from loguru import logger

from bot.aibot_events import BotDisconnected
from bot.channels.inlet import Inlet
from bot.channels.intake import Intake
from bot.channels.wecom_aibot_line import LARGEST_FRAME, PING_S, Frame, Line
from bot.channels.wecom_aibot_translate import Arrival, translate
from bot.clock import Clock
from bot.errors import Action, WeComError, WeComUnreachable
from bot.ids import Chance

CALLBACKS = ("aibot_msg_callback", "aibot_event_callback")
WRONG_SECRET = 853000
OPEN_WITHIN_S = 10.0
READY_WITHIN_S = 3.0
STEADY_S = 10.0  # a connection that held this long was a good one
LEAVE_WITHIN_S = 5.0

State = Literal["off", "connecting", "on", "taken_over", "refused"]


@dataclass(frozen=True)
class Backoff:
    """How long to wait before the next connection: doubling from `first_s` up to `longest_s`, with jitter."""

    first_s: float = 1.0
    longest_s: float = 30.0

    def after(self, failures: int, chance: Chance) -> float:
        """Seconds after so many failures in a row."""
        ceiling = min(self.longest_s, self.first_s * 2.0 ** min(max(failures - 1, 0), 16))
        return ceiling * (0.5 + 0.5 * chance.fraction())


class LongConnection:
    """Connects, subscribes, hands over what comes, connects again."""

    def __init__(
        self,
        *,
        url: str,
        bot_id: str,
        secret: str,
        inlet: Inlet,
        clock: Clock,
        chance: Chance,
        name: str = "",
        backoff: Backoff | None = None,
        ping_s: float = PING_S,
    ) -> None:
        self._url, self._bot_id, self._secret, self._name = url, bot_id, secret, name
        self._clock, self._chance = clock, chance
        self._backoff, self._ping_s = backoff or Backoff(), ping_s
        self._line: Line | None = None
        self._ready = asyncio.Event()
        self._running: asyncio.Task[None] | None = None
        self.state: State = "off"
        self.stats: Counter[str] = Counter()
        self._intake = Intake(inlet, self.stats, "aibot")

    async def start(self) -> None:
        """Begin to connect; being taken over before is forgotten."""
        self.state = "connecting"
        self._running = asyncio.create_task(self._run(), name="aibot")

    async def stop(self) -> None:
        """Leave, and store what has come."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None
        await self._intake.settle(LEAVE_WITHIN_S)
        self.state = "off"

    async def ask(self, cmd: str, body: Frame, req_id: str = "") -> Frame:
        """A request over the connection; a short break is waited out. Raises WeComError."""
        if self.state in ("taken_over", "refused"):
            raise WeComError(None, self.state, cmd, action=Action.WAIT, wait_s=60.0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(READY_WITHIN_S):
                await self._ready.wait()
        if self._line is None:
            raise WeComUnreachable(cmd, "not connected", ambiguous=False)
        return await self._line.ask(cmd, body, req_id)

    # -- staying connected ----------------------------------------------------------------------------------------

    async def _run(self) -> None:
        loop, failures = asyncio.get_running_loop(), 0
        timeout = aiohttp.ClientTimeout(total=None, sock_connect=OPEN_WITHIN_S)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            while True:
                began = loop.time()
                why = await self._serve(session)
                if self.state in ("taken_over", "refused"):
                    return
                self.state = "connecting"
                failures = 1 if loop.time() - began > STEADY_S else failures + 1
                wait_s = self._backoff.after(failures, self._chance)
                logger.bind(action="aibot_reconnect").warning("why={} failures={} wait_s={:.1f}", why, failures, wait_s)
                await asyncio.sleep(wait_s)

    async def _serve(self, session: aiohttp.ClientSession) -> str:
        """One connection from its beginning to its end; why it ended."""
        try:
            async with asyncio.timeout(OPEN_WITHIN_S):
                socket = await session.ws_connect(self._url, max_msg_size=LARGEST_FRAME)
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            return f"{type(error).__name__}: {error}"
        line = Line(socket, self._take, self._ping_s)
        listening = asyncio.create_task(line.listen())
        pinging: asyncio.Task[None] | None = None
        try:
            await line.ask("aibot_subscribe", {"bot_id": self._bot_id, "secret": self._secret})
            self._line, self.state = line, "on"
            self._ready.set()
            self.stats["connected"] += 1
            logger.bind(action="aibot_connected").info("subscribed as {}", self._bot_id)
            pinging = asyncio.create_task(line.keep_alive())
            await asyncio.wait({listening, pinging}, return_when=asyncio.FIRST_COMPLETED)
            return "the other side closed" if listening.done() else "pings are not answered"
        except WeComError as error:
            self._refused(error)
            return str(error)
        finally:
            self._line = None
            self._ready.clear()
            await self._let_go(socket, line, [task for task in (listening, pinging) if task is not None])

    async def _let_go(
        self, socket: aiohttp.ClientWebSocketResponse, line: Line, tasks: list[asyncio.Task[None]]
    ) -> None:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        line.drop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await socket.close()

    def _refused(self, error: WeComError) -> None:
        if error.errcode == WRONG_SECRET:
            # Asking again with the same secret cannot help.
            self.state = "refused"
            logger.bind(action="aibot_refused").critical("{}: set bot_id and secret right, then restart", error)

    # -- what comes -----------------------------------------------------------------------------------------------

    async def _take(self, frame: Frame) -> None:
        body = frame.get("body")
        if frame.get("cmd") not in CALLBACKS or type(body) is not dict:
            self.stats["unknown_frames"] += 1
            return
        arrival = Arrival("websocket", self._clock.now(), req_id=frame["req_id"], name=self._name)
        event = translate(body, arrival)
        if type(event) is BotDisconnected:
            self.state = "taken_over"
            self._ready.clear()
            logger.bind(action="aibot_taken_over").critical(
                "another connection of {} took over: this process stays away until it is restarted", self._bot_id
            )
        await self._intake.take(event)
