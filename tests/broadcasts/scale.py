"""百万群发 scale: one broadcast to very many, a bot that is killed while it freezes, makes tasks and reads results; and
a second one that is stopped. Everything is judged by the database at each death and by the sandbox at the end."""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy import text

from storage.engine import Database
from tests.broadcasts.planting import PREFIX, alone, plant, refuses
from tests.chaos.processes import API_TOKEN, CORP, Hands, World

COUNTS = ("left", "suppressed", "tasked", "sent", "failed")
WAIT_S = 1_800.0
GONE = 50  # customers who left their guide before the tasks were made; as many leave after


class Scene(World):
    """The programs, without a journal on disk, with results asked for every second."""

    def _sandbox_command(self) -> list[str]:
        return [
            sys.executable, "-m", "sandbox", "--port", str(self.sandbox_port), "--bot",
            f"http://127.0.0.1:{self.bot_port}", "--bot-api-token", API_TOKEN, "--corp-id", CORP["corp_id"],
            "--agent-id", CORP["agent_id"], "--secret", CORP["secret"], "--token", CORP["token"],
            "--aes-key", CORP["aes_key"],
        ]  # fmt: skip

    def bot_env(self) -> dict[str, str]:
        """As a deployer would set it."""
        return {
            **super().bot_env(), "SIYU_BROADCASTS__POLL_S": "1", "SIYU_OUTREACH__QUIET": "",
            "SIYU_OUTREACH__CAPS": "[]", "SIYU_LOGS__LEVEL": "WARNING",
        }  # fmt: skip


@dataclass
class Report:
    """What was measured."""

    seconds: dict[str, float] = field(default_factory=dict)
    kills: Counter[str] = field(default_factory=Counter)
    resumes: list[float] = field(default_factory=list)
    peaks_mb: list[float] = field(default_factory=lambda: [0.0])
    own_mb: list[float] = field(default_factory=lambda: [0.0])
    wrong: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    tasks: int = 0
    stop_s: float = 0.0
    cancelled_s: float = 0.0


@dataclass
class Drill:
    """One run."""

    scene: Scene
    members: int
    kills: int
    guides: int
    report: Report = field(default_factory=Report)
    broadcast_id: int = 0
    sent_before: int = 0

    async def run(self) -> Report:
        """All of it."""
        timeout = aiohttp.ClientTimeout(total=120)
        async with aiohttp.ClientSession(timeout=timeout) as session:
            self.hands = Hands(self.scene, session)
            try:
                await self._prepare()
                await self._broadcast()
                await self._stopped()
                self._measure()
            finally:
                self.scene.end()
        return self.report

    async def _prepare(self) -> None:
        began = time.monotonic()
        await asyncio.to_thread(plant, self.scene.database_url, self.members, self.guides)
        self.database = Database(self.scene.database_url)
        await self.hands.open_sandbox()
        await self.hands.sandbox("POST", "crowds", {"prefix": PREFIX, "count": self.members, "guides": self.guides})
        await self.hands.sandbox("POST", "broadcasts/rules", {"ready_s": 0.0})
        await self.hands.sandbox("PUT", "faults", {"callback": {"lose": 1.0}})
        await self._leave(0)
        await self.hands.boot()
        self.report.seconds["prepare"] = time.monotonic() - began

    async def _leave(self, start: int) -> None:
        """Some leave their guide, and the callback is lost."""
        step = self.members // (2 * GONE)
        for number in range(start * step, self.members, 2 * step):
            guide = f"{PREFIX.lower()}-{number % self.guides:04d}"
            await self.hands.sandbox("POST", f"customers/{PREFIX}{number:08d}/delete_guide", {"userid": guide})

    # -- the broadcast that goes through ------------------------------------------------------------------------------

    async def _broadcast(self) -> None:
        self.broadcast_id = await self._launch("百万人")
        share = self.kills // 3
        began = time.monotonic()
        await self._phase("freeze", share, lambda shown: shown["numbers"]["total"] / self.members, self._frozen)
        began = self._took("freeze", began)
        made = lambda shown: shown["confirmed"]["of"] / self.guides  # noqa: E731 - a rule of one line
        await self._phase("tasks", self.kills - 2 * share, made, self._all_made)
        began = self._took("tasks", began)
        await self._leave(1)
        await self.hands.sandbox("POST", "guides/*/habit", {"kind": "at_once"})
        await self.hands.bot_post(f"broadcasts/{self.broadcast_id}/refresh", {})
        await self._phase("results", share, lambda shown: shown["numbers"]["sent"] / self.members, self._done)
        self._took("results", began)
        await self._judge()

    def _took(self, what: str, began: float) -> float:
        self.report.seconds[what] = time.monotonic() - began
        return time.monotonic()

    async def _launch(self, name: str) -> int:
        body = {"name": name, "channel": "contact", "text": "会员日今晚 8 点开始", "made_by": "lina"}
        broadcast_id = int((await self.hands.bot_post("broadcasts", body))["id"])
        await self.hands.bot_post(f"broadcasts/{broadcast_id}/approve", {"by": "boss"})
        return broadcast_id

    @staticmethod
    def _frozen(shown: dict[str, Any]) -> bool:
        return bool(shown["status"] == "sending")

    @staticmethod
    def _all_made(shown: dict[str, Any]) -> bool:
        return not shown["numbers"]["left"] and not shown["confirmed"]["making"] and shown["confirmed"]["of"] > 0

    @staticmethod
    def _done(shown: dict[str, Any]) -> bool:
        return bool(shown["status"] == "done")

    async def _phase(self, name: str, kills: int, progress: Any, over: Any) -> None:
        """Watch until it is over; kill the bot whenever it has come a little further."""
        deadline, marks = time.monotonic() + WAIT_S, [(k + 1) / (kills + 1) for k in range(kills)]
        while time.monotonic() < deadline:
            shown = await self._shown()
            self._measure()
            self._check(shown)
            if marks and progress(shown) >= marks[0]:
                marks.pop(0)
                await self._kill(name)
                continue
            if over(shown):
                for _ in marks:  # what went by faster than it could be watched is killed at its end
                    await self._kill(name)
                return
            await asyncio.sleep(0.25)
        raise RuntimeError(f"{name} is not over after {WAIT_S:.0f} s: {await self._shown()}")

    async def _shown(self) -> dict[str, Any]:
        shown: dict[str, Any] = await self.hands.bot(f"/api/v1/broadcasts/{self.broadcast_id}")
        return shown

    def _check(self, shown: dict[str, Any]) -> None:
        """The numbers of every moment make up the audience, and what is sent stays sent."""
        numbers = shown["numbers"]
        if sum(numbers[name] for name in COUNTS) != numbers["total"]:
            self.report.wrong.append(f"numbers differ: {numbers}")
        if numbers["sent"] < self.sent_before:
            self.report.wrong.append(f"sent fell from {self.sent_before} to {numbers['sent']}")
        self.sent_before = numbers["sent"]

    async def _kill(self, phase: str) -> None:
        """Kill it, judge what it left, start it again."""
        self._measure()
        self.scene.bot.end()
        self.report.kills[phase] += 1
        await asyncio.to_thread(self._audit_rows)
        began = time.monotonic()
        await self.hands.boot()
        self.report.resumes.append(time.monotonic() - began)

    def _measure(self) -> None:
        """The most memory that the process ever held, and what of it is its own now: the rest are pages of the database
        file and of programs, which the system shares and takes back."""
        process = self.scene.bot.process
        if process is not None:
            with contextlib.suppress(OSError):
                status = Path(f"/proc/{process.pid}/status").read_text(encoding="utf-8")
                sizes = {line.split(":")[0]: line.split() for line in status.splitlines() if "kB" in line}
                for kept, name in ((self.report.peaks_mb, "VmHWM"), (self.report.own_mb, "RssAnon")):
                    kept[0] = max(kept[0], int(sizes[name][1]) / 1024)

    def _audit_rows(self) -> None:
        """The rows themselves against the broadcast's own counts, and nobody in two tasks."""
        with self.database.engine.connect() as connection:
            rows = connection.execute(
                text("SELECT status, count(*) FROM audience WHERE broadcast_id = :of GROUP BY status"),
                {"of": self.broadcast_id},
            )
            found = {row[0]: row[1] for row in rows}
            kept = connection.execute(
                text('SELECT total, "left", suppressed, tasked, sent, failed FROM broadcast WHERE id = :of'),
                {"of": self.broadcast_id},
            ).one()
        counted = {name: found.get(name, 0) for name in COUNTS}
        if tuple(counted.values()) != tuple(kept[1:]) or sum(counted.values()) != kept[0]:
            self.report.wrong.append(f"rows {counted} are not what is kept {tuple(kept)}")

    # -- the truth on the other side ----------------------------------------------------------------------------------

    async def _judge(self) -> None:
        """Each customer in at most one task; the bot's numbers are the sandbox's."""
        shown = await self._shown()
        self.report.numbers = shown["numbers"]
        await asyncio.to_thread(self._audit_rows)
        truth: Counter[int] = Counter()
        places = bytearray(self.members)
        for msgid, userid in await self._tasks():
            self.report.tasks += 1
            async for page in self._results(msgid, userid):
                for row in page:
                    truth[row["status"]] += 1
                    places[int(row["external_userid"].removeprefix(PREFIX))] += 1
        if max(places) > 1:
            self.report.wrong.append(f"{sum(1 for place in places if place > 1)} customers are in two tasks")
        left_out = sum(1 for number in range(self.members) if refuses(number) or alone(number))
        expected = {"total": self.members, "suppressed": left_out, "left": 0, "tasked": 0, "sent": truth[1]}
        wrong = {name: shown["numbers"][name] for name, value in expected.items() if shown["numbers"][name] != value}
        if wrong or truth[1] < self.members - left_out - 4 * GONE:
            self.report.wrong.append(f"{wrong} should be {expected}, the sandbox says {dict(truth)}")

    async def _tasks(self) -> list[tuple[str, str]]:
        """Every task of the sandbox with its sender."""
        now = int(time.time())
        asked = {"chat_type": "single", "start_time": now - 86_400, "end_time": now + 60, "limit": 100}
        found, cursor = [], ""
        while True:
            page = await self._api("externalcontact/get_groupmsg_list_v2", {**asked, "cursor": cursor})
            for item in page["group_msg_list"]:
                listed = await self._api("externalcontact/get_groupmsg_task", {"msgid": item["msgid"]})
                found += [(item["msgid"], task["userid"]) for task in listed["task_list"]]
            cursor = page["next_cursor"]
            if not cursor:
                return found

    async def _results(self, msgid: str, userid: str) -> Any:
        cursor = ""
        while True:
            asked = {"msgid": msgid, "userid": userid, "limit": 1000, "cursor": cursor}
            page = await self._api("externalcontact/get_groupmsg_send_result", asked)
            yield page["send_list"]
            cursor = page["next_cursor"]
            if not cursor:
                return

    async def _api(self, path: str, body: dict[str, Any]) -> Any:
        base = f"http://127.0.0.1:{self.scene.sandbox_port}/cgi-bin"
        secret = {"corpid": CORP["corp_id"], "corpsecret": CORP["secret"]}
        async with self.hands.session.get(f"{base}/gettoken", params=secret) as answer:
            token = (await answer.json())["access_token"]
        async with self.hands.session.post(f"{base}/{path}", params={"access_token": token}, json=body) as answer:
            told = await answer.json()
            if told["errcode"]:
                raise RuntimeError(f"{path}: {told}")
            return told

    # -- the one that is stopped --------------------------------------------------------------------------------------

    async def _stopped(self) -> None:
        """Stop while tasks are being made: how long until the last one, and until all are called off."""
        await self.hands.sandbox("POST", "guides/*/habit", {"kind": "by_hand"})
        self.broadcast_id, self.sent_before = await self._launch("要停的"), 0
        while (await self._shown())["confirmed"]["of"] < max(1, self.guides // 3):
            await asyncio.sleep(0.02)
        stopped_at = time.time()
        await self.hands.bot_post(f"broadcasts/{self.broadcast_id}/stop", {"by": "boss"})
        while not self._over(await self._shown()):
            self._measure()
            await asyncio.sleep(0.1)
        shown = (await self.hands.sandbox("GET", "state"))["broadcasts"]["tasks"]
        mine = [task for task in shown if any(share["status"] == 0 for share in task["shares"])]
        self.report.stop_s = max([0.0, *[task["made_at"] - stopped_at for task in mine]])
        self.report.cancelled_s = time.time() - stopped_at
        if any(not task["cancelled"] for task in mine):
            self.report.wrong.append("a task of the stopped broadcast could still be sent")
        numbers = (await self._shown())["numbers"]
        if numbers["sent"] or numbers["suppressed"] + numbers["failed"] != self.members:
            self.report.wrong.append(f"after the stop: {numbers}")
        await asyncio.to_thread(self._audit_rows)

    @staticmethod
    def _over(shown: dict[str, Any]) -> bool:
        numbers = shown["numbers"]
        return shown["status"] == "stopped" and not numbers["left"] and not numbers["tasked"]
