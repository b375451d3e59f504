"""微信客服 as the bot meets it: a platform that keeps the documented rules, and a bot whose members write there."""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot.clock import FrozenClock
from bot.delivery import Delivery
from bot.errors import WeComError
from bot.events import Event
from bot.ids import SeededChance
from bot.kf import Kf
from bot.kf_events import KfRang
from bot.scheduler import Scheduler
from bot.sections import Llm
from bot.wecom.answers import refusal
from tests.conftest import NOON
from tests.fakes import Bot, start_bot

DESK = "wkDESK"
WINDOW_S = 48 * 3600


@dataclass
class Platform:
    """Message logs, windows, states and msgids of one corp, behind the client's `call`."""

    clock: FrozenClock
    log: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    heard: dict[tuple[str, str], float] = field(default_factory=dict)
    sent: dict[tuple[str, str], int] = field(default_factory=dict)
    state: dict[tuple[str, str], int] = field(default_factory=dict)
    servicer: dict[tuple[str, str], str] = field(default_factory=dict)
    servicers: dict[str, int] = field(default_factory=dict)
    pool_open: bool = True
    said: list[dict[str, Any]] = field(default_factory=list)
    msgids: set[str] = field(default_factory=set)
    codes: dict[str, float] = field(default_factory=dict)
    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    scripted: dict[str, list[dict[str, Any] | Exception]] = field(default_factory=dict)
    refused: list[int] = field(default_factory=list)
    numbers: Any = field(default_factory=itertools.count)

    async def call(
        self,
        path: str,
        body: dict[str, Any] | None = None,
        *,
        params: dict[str, str] | None = None,
        timeout_s: float = 10,
    ) -> dict[str, Any]:
        """One request to WeCom."""
        asked = {**(body or {}), **(params or {})}
        self.calls.append((path, asked))
        if self.scripted.get(path):
            answer = self.scripted[path].pop(0)
            if isinstance(answer, Exception):
                raise answer
            return answer
        answered: dict[str, Any] = getattr(self, "_" + path.replace("/", "_"))(asked)
        return {"errcode": 0, **answered}

    def _refuse(self, path: str, errcode: int) -> WeComError:
        self.refused.append(errcode)
        return refusal(path, errcode, "refused")

    def asked(self, path: str) -> list[dict[str, Any]]:
        """What was asked of one path."""
        return [body for name, body in self.calls if name == path]

    def texts(self, who: str) -> list[str]:
        """What a member has read: texts as they are, menus by their entries."""
        return [words(message) for message in self.said if message.get("touser") == who]

    # -- what happens at the other side -------------------------------------------------------------------------------

    def put(self, message: dict[str, Any], desk: str = DESK) -> str:
        """Something enters an account's log; its msgid."""
        msgid = f"m{next(self.numbers)}"
        seconds = int(self.clock.now().timestamp())
        self.log.setdefault(desk, []).append({"msgid": msgid, "send_time": seconds, **message})
        return msgid

    def writes(self, who: str, msgtype: str, content: dict[str, Any] | None, desk: str = DESK) -> str:
        """A member writes: a new window; an ended session begins anew."""
        self.heard[(desk, who)], self.sent[(desk, who)] = self.clock.now().timestamp(), 0
        if self.state.get((desk, who), 0) == 4:
            self.state[(desk, who)] = 0
        body = {} if content is None else {msgtype: content}
        return self.put({"open_kfid": desk, "external_userid": who, "origin": 3, "msgtype": msgtype, **body}, desk)

    def happens(self, event_type: str, desk: str = DESK, **fields: Any) -> str:
        """WeCom tells of an event."""
        event = {"event_type": event_type, "open_kfid": desk, **fields}
        return self.put({"origin": 4, "msgtype": "event", "event": event}, desk)

    # -- paths --------------------------------------------------------------------------------------------------------

    def _kf_sync_msg(self, asked: dict[str, Any]) -> dict[str, Any]:
        log, start = self.log.get(asked["open_kfid"], []), int(asked["cursor"] or 0)
        end = min(len(log), start + asked["limit"])
        return {"msg_list": log[start:end], "next_cursor": str(end), "has_more": int(end < len(log))}

    def _kf_send_msg(self, asked: dict[str, Any]) -> dict[str, Any]:
        pair = (asked["open_kfid"], asked["touser"])
        if asked["msgid"] in self.msgids:
            raise self._refuse("kf/send_msg", 95033)
        if self.state.get(pair, 0) not in (0, 1):
            raise self._refuse("kf/send_msg", 95018)
        if self.clock.now().timestamp() - self.heard.get(pair, 0.0) >= WINDOW_S:
            raise self._refuse("kf/send_msg", 95002)
        if self.sent[pair] >= 5:
            raise self._refuse("kf/send_msg", 95001)
        self.sent[pair] += 1
        self.msgids.add(asked["msgid"])
        self.said.append(asked)
        return {"msgid": asked["msgid"]}

    def _kf_send_msg_on_event(self, asked: dict[str, Any]) -> dict[str, Any]:
        if asked["msgid"] in self.msgids:
            raise self._refuse("kf/send_msg_on_event", 95033)
        if self.codes.pop(asked["code"], 0.0) < self.clock.now().timestamp():
            raise self._refuse("kf/send_msg_on_event", 41050)
        self.msgids.add(asked["msgid"])
        self.said.append(asked)
        return {"msgid": asked["msgid"]}

    def _kf_servicer_list(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"servicer_list": [{"userid": name, "status": status} for name, status in self.servicers.items()]}

    def _kf_service_state_get(self, asked: dict[str, Any]) -> dict[str, Any]:
        pair = (asked["open_kfid"], asked["external_userid"])
        return {"service_state": self.state.get(pair, 0), "servicer_userid": self.servicer.get(pair, "")}

    def _kf_service_state_trans(self, asked: dict[str, Any]) -> dict[str, Any]:
        pair, to = (asked["open_kfid"], asked["external_userid"]), asked["service_state"]
        if (self.state.get(pair, 0), to) not in {(0, 2), (0, 3), (1, 2), (1, 3), (2, 3)}:
            raise self._refuse("kf/service_state/trans", 95016)
        if to == 3 and self.servicers.get(asked["servicer_userid"]) != 0:
            raise self._refuse("kf/service_state/trans", 95014)
        if to == 2 and not self.pool_open:
            raise self._refuse("kf/service_state/trans", 95014)
        self.state[pair], self.servicer[pair] = to, asked.get("servicer_userid", "")
        return {"msg_code": "MC"}

    def _kf_customer_batchget(self, asked: dict[str, Any]) -> dict[str, Any]:
        return {"customer_list": [{"external_userid": who, "nickname": "小美", "avatar": "", "gender": 2}
                                  for who in asked["external_userid_list"]]}  # fmt: skip


def words(message: dict[str, Any]) -> str:
    """A message as a member reads it."""
    if message["msgtype"] == "text":
        return str(message["text"]["content"])
    menu = message["msgmenu"]
    entries = [entry[entry["type"]]["content"] for entry in menu["list"]]
    return "\n".join([menu.get("head_content", ""), *entries, menu.get("tail_content", "")])


@dataclass
class Desk:
    """A bot behind a KF account."""

    bot: Bot
    kf: Platform
    scheduler: Scheduler

    async def ring(self, desk: str = DESK) -> None:
        """The bell rings."""
        await self.accept(KfRang(
            key=f"wecom_app:sha256:kf{next(self.kf.numbers)}", source="wecom_app", at=self.bot.clock.now(),
            open_kfid=desk, token="TOKEN",
        ))  # fmt: skip

    async def accept(self, event: Event) -> None:
        """An event comes in."""
        await self.bot.writer.accept(event)

    async def hears(self, who: str, text: str, desk: str = DESK) -> list[str]:
        """A member writes a text; what they read since."""
        before = len(self.kf.texts(who))
        self.kf.writes(who, "text", {"content": text}, desk)
        await self.settles(desk)
        return self.kf.texts(who)[before:]

    async def settles(self, desk: str = DESK) -> None:
        """Bell, pull, and everything that follows."""
        await self.ring(desk)
        await self.bot.deliver()

    async def passes(self, **time: float) -> None:
        """Time goes by."""
        self.bot.clock.advance(timedelta(**time).total_seconds())
        await self.scheduler.sweep()

    def session(self, who: str) -> Any:
        """The row of a conversation."""
        return self.bot.rows("SELECT * FROM kf_session WHERE external_userid = :who", who=who)[0]


@contextlib.asynccontextmanager
async def start_desk(
    url: str, plays: dict[str, dict[str, Any]] | None = None, *, cards: bool = False, llm: Llm | None = None
) -> AsyncIterator[Desk]:
    """A bot with the points play behind one account; lina follows wm1."""
    wanted = {"points": {}} if plays is None else plays
    async with start_bot(url, NOON, {"points": 0}, wanted, cards=cards, llm=llm) as bot:
        platform = Platform(bot.clock)
        senders = {**bot.delivery._senders, **Kf(platform, bot.writer, bot.clock).table()}  # type: ignore[arg-type]
        bot.delivery = Delivery(bot.writer, senders, bot.clock, SeededChance(9))
        await bot.joins("wm1")
        await bot.deliver()
        yield Desk(bot, platform, Scheduler(bot.writer, bot.clock))
