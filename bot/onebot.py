"""OneBot 发送 speaking through OneBot v11: one kind of outbox row, sent over the connected client or its HTTP API.

A text of ours moves no value, so what may have been said is said once more at most, and what certainly was not said
is tried three times. Without a client rows wait. Source: github.com/botuniverse/onebot-11, api/public.md.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import aiohttp

from bot.channels.gate import GateError
from bot.channels.onebot import OneBotDoor
from bot.channels.onebot_cq import Segment, at, render, text
from bot.channels.onebot_frame import Frame, load
from bot.channels.onebot_line import Lines, NoAnswer, NotSent
from bot.channels.onebot_translate import Ear
from bot.clock import Clock
from bot.errors import Action, WeComError
from bot.limits import HOUR, MINUTE, Buckets, Rate
from bot.onebot_reach import SEND
from bot.sections import OneBot
from bot.writer import Writer
from storage.outbox import Call

WITHIN_S = 10.0
BREAK_S = 4.0  # clients dial again after three seconds
MOST_LINES = 20
MOST_FAILURES, MOST_UNKNOWN = 3, 2
LONGEST_WAIT_S = 15.0
RATES = (Rate(20, MINUTE), Rate(300, HOUR))  # a chat: platforms lock accounts that flood; they publish no figure
BAD_REQUEST, UNAUTHORIZED, FORBIDDEN, UNKNOWN_ACTION = 1400, 1401, 1403, 1404
_HTTP = {401: UNAUTHORIZED, 403: FORBIDDEN, 404: UNKNOWN_ACTION}


class OneBotSender:
    """Makes `onebot/send` rows happen."""

    def __init__(
        self, settings: OneBot, lines: Lines, clock: Clock, *, within_s: float = WITHIN_S, break_s: float = BREAK_S
    ) -> None:
        self._settings, self._lines, self._clock = settings, lines, clock
        self._within_s, self._break_s = within_s, break_s
        self._buckets = Buckets(*RATES)
        self._session: aiohttp.ClientSession | None = None
        self.stats: Counter[str] = Counter()

    async def send(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """One message. Raises WeComError as delivery understands it."""
        self._keep_pace(row.subject)
        action, params = action_of(payload, self._settings.message_format)
        try:
            sent = judge(await self._ask(payload["self_id"], action, params), row)
        except NotSent as error:
            self.stats["waiting"] += 1
            raise _wait(str(error), min(LONGEST_WAIT_S, float(row.attempts))) from error
        except NoAnswer as error:
            self.stats["unknown"] += 1
            raise _unknown(str(error), row) from error
        self.stats["async" if sent.get("async") else "sent"] += 1
        if sent.get("message_id") is not None:
            self._lines.remember(payload["self_id"], str(sent["message_id"]))
        return sent

    def _keep_pace(self, subject: str) -> None:
        seconds = self._clock.now().timestamp()
        wait_s = self._buckets.wait(subject, seconds)
        if wait_s > 0:
            raise _wait("rate limit of the chat", wait_s)
        self._buckets.hit(subject, seconds)
        self._buckets.forget_idle(seconds)

    async def _ask(self, self_id: str, action: str, params: dict[str, Any]) -> Frame:
        """Over the client's connection, or its HTTP API while it has none. Raises NotSent and NoAnswer."""
        for _ in range(MOST_LINES):
            line = await self._lines.await_speaker(self_id, 0.0 if self._settings.api_base else self._break_s)
            if line is None:
                break
            try:
                return await line.ask(action, params, self._within_s)
            except NotSent:  # the connection ended while others were speaking: the next one is as good
                continue
        if self._settings.api_base:
            return await self._post(action, params)
        raise NotSent("no client is connected")

    async def _post(self, action: str, params: dict[str, Any]) -> Frame:
        """The client's HTTP API, where config names one."""
        if self._session is None:
            self._session = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=self._within_s, connect=3))
        token = self._settings.access_token.get_secret_value()
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{self._settings.api_base.rstrip('/')}/{action}"
        try:
            async with self._session.post(url, json=params, headers=headers, allow_redirects=False) as response:
                if response.status in _HTTP:
                    return {"status": "failed", "retcode": _HTTP[response.status], "data": None}
                return load(await response.read())
        except GateError as error:  # something else answers there
            raise NoAnswer(f"HTTP {response.status}") from error
        except aiohttp.ClientConnectorError as error:
            raise NotSent(type(error).__name__) from error
        except (aiohttp.ClientError, TimeoutError) as error:
            raise NoAnswer(type(error).__name__) from error

    async def close(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()


def action_of(payload: dict[str, Any], message_format: str) -> tuple[str, dict[str, Any]]:
    """The action and its params. Words stay words: a CQ code in somebody's name is text to whoever reads it."""
    segments = [text(payload["text"])]
    if payload.get("at"):
        segments = [at(payload["at"]), text(f"\n{payload['text']}")]
    message: Any = render(segments) if message_format == "string" else [_plain(segment) for segment in segments]
    if "group_id" in payload:
        return "send_group_msg", {"group_id": _number(payload["group_id"]), "message": message}
    params = {"user_id": _number(payload["user_id"]), "message": message}
    if payload.get("via_group"):  # a stranger is reached through the group that both are in
        params["group_id"] = _number(payload["via_group"])
    return "send_private_msg", params


def _plain(segment: Segment) -> dict[str, Any]:
    return {"type": segment.kind, "data": segment.data}


def _number(value: str) -> int | str:
    return int(value) if value.isascii() and value.isdigit() else value


def judge(answer: Frame, row: Call) -> dict[str, Any]:
    """What an answer means: its data; async = accepted, and nobody will tell more. Raises WeComError or NoAnswer.

    `retcode` is 0 ok, 1 async, 14xx a mistake in the request (as HTTP's 4xx); every other is the client's own.
    """
    status, retcode = answer.get("status"), answer.get("retcode")
    given = answer.get("data")
    data: dict[str, Any] = given if isinstance(given, dict) else {}
    if status == "ok" or retcode == 0:
        return {"errcode": 0, **data}
    if status == "async" or retcode == 1:
        return {"errcode": 0, "async": True}
    if status != "failed" or isinstance(retcode, bool) or not isinstance(retcode, int):
        raise NoAnswer("an answer of another shape")
    why = str(answer.get("message") or answer.get("wording") or answer.get("msg") or "")[:200]
    if retcode in (BAD_REQUEST, UNKNOWN_ACTION):
        raise WeComError(retcode, why, SEND, action=Action.BUG)
    if retcode in (UNAUTHORIZED, FORBIDDEN):
        raise _wait(f"{retcode} {why}: the access token is wrong", MINUTE)
    again = Action.RETRY if row.faults + 1 < MOST_FAILURES else Action.DROP
    raise WeComError(retcode, why, SEND, action=again, blames=True)


def _wait(why: str, wait_s: float) -> WeComError:
    return WeComError(None, why, SEND, action=Action.WAIT, wait_s=max(wait_s, 0.2))


def _unknown(why: str, row: Call) -> WeComError:
    again = Action.RETRY if row.faults + 1 < MOST_UNKNOWN else Action.DROP
    return WeComError(None, f"outcome unknown: {why}", SEND, action=again, blames=True)


class OneBotChannel:
    """Everything of OneBot in one process: the door, the connections, the sender."""

    def __init__(self, settings: OneBot, writer: Writer, clock: Clock) -> None:
        self.enabled = settings.enabled
        self.lines = Lines()
        ear = Ear(settings.self_id, frozenset(settings.groups), settings.at_required, settings.name, self.lines.ours)
        self.door = OneBotDoor(
            secret=settings.secret.get_secret_value(), access_token=settings.access_token.get_secret_value(),
            ear=ear, inlet=writer, clock=clock, lines=self.lines,
        )  # fmt: skip
        self.sender = OneBotSender(settings, self.lines, clock)

    @property
    def stats(self) -> Counter[str]:
        """What came, what went, by outcome."""
        return self.door.stats + Counter({f"send.{name}": count for name, count in self.sender.stats.items()})

    def lead(self) -> None:
        """This process sends: clients may dial it."""
        self.lines.open = True

    async def follow(self) -> None:
        """Another process sends: clients dial again and find it."""
        await self.lines.close("another process leads")

    async def close(self) -> None:
        """The process ends."""
        await self.follow()
        await self.door.settle()
        await self.sender.close()
