"""导演 driver: plays a script through the sandbox while it lies and loses, and kills the bot at the worst moments.

A seed fixes the script, the faults' dice and the kill plan; the operating system's own order of things is not fixed.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import random
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar

import aiohttp

from tests.chaos import checker, story
from tests.chaos.processes import COUPONS, POINTS, TAG_GROUP, Hands, World

CALLBACK_FAULTS = {"duplicate": 0.75, "copies": 4, "reorder": 12, "lose": 0.02, "late": 0.05, "late_s": 3}
# 45009 closes a call class for a minute in the bot, so it is rare here: a story of two minutes has room for few.
API_FAULTS = {
    "busy": 0.05, "http_500": 0.05, "timeout_before": 0.05, "commit_then_drop": 0.05, "rate": 0.0008, "revoke": 0.03,
    "slow": 0.03, "slow_s": 1.5, "malformed": 0.02, "html": 0.02,
}  # fmt: skip
CALM: dict[str, Any] = {"callback": {}, "api": {}}
AHEAD_S = 150  # both clocks before the last boot: past every pause of a minute, and past "too young to be compared"
DRAIN_WITHIN_S = 120.0
WELCOME_LANE_S = 0.06  # most work happens this soon after an event


@dataclass
class Plan:
    """What to play. `pace`: events a second."""

    world: World
    events: int
    kills: int
    pace: float = 25.0
    driver: type[Driver] | None = None  # the kind of run; a plain one when nothing is said


@dataclass
class Played:
    """What happened."""

    kills: int = 0
    steps: Counter[str] = field(default_factory=Counter)
    drained: bool = False
    left: dict[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    audit: str = ""


class Driver:
    """One run. A kind of run with more in it has an `author` of its own, more `faults`, and fills in the hooks."""

    author: type[story.Author] = story.Author
    faults: ClassVar[dict[str, Any]] = {}
    ahead_s = AHEAD_S
    templates: tuple[str, ...] = ()  # of coupons beyond the gift's
    rules: tuple[checker.Rule, ...] = checker.RULES

    def __init__(self, plan: Plan, hands: Hands) -> None:
        self._plan, self._world, self._hands = plan, plan.world, hands
        self._dice = random.Random(f"driver {plan.world.seed}")
        self._ways: dict[str, str] = {}
        self._known: set[str] = set()
        self._up = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self.played = Played()

    async def run(self) -> Played:
        """Cast, story, calm, drain, evidence."""
        began = time.monotonic()
        script = story.write(self._world.seed, self._plan.events, self.author)
        story.save(script, self._world.workdir / "script.jsonl")
        await self._hands.open_sandbox()
        await self._hands.boot()
        self._up.set()
        for step in script:
            if step["op"] == "guide":
                await self._cast(step)
        await self._furnish()
        faults = {"seed": self._world.seed, "callback": CALLBACK_FAULTS, "api": API_FAULTS, "api_paths": [],
                  **self.faults}  # fmt: skip
        await self._hands.sandbox("PUT", "faults", faults)
        await self._play([step for step in script if step["op"] != "guide"])
        await self._calm()
        await self._drain()
        await self._later()
        await self._evidence()
        self.played.seconds = time.monotonic() - began
        return self.played

    async def _furnish(self) -> None:
        """What a run needs beside its cast."""

    async def _later(self) -> None:
        """What happens after the story when everything is calm."""

    # -- the story ------------------------------------------------------------------------------------------------

    async def _cast(self, step: story.Step) -> None:
        userid, state = step["userid"], step["state"]
        await self._hands.sandbox("POST", "guides", {"userid": userid, "name": f"导购{userid[-3:]}"})
        way = {"state": state, "remark": state, "user": [userid]}
        self._ways[userid] = (await self._hands.sandbox("POST", "contact_ways", way))["config_id"]

    async def _play(self, steps: list[story.Step]) -> None:
        fatal = set(self._dice.sample(range(1, len(steps)), min(self._plan.kills, len(steps) - 1)))
        killer: asyncio.Task[None] | None = None
        for number, step in enumerate(steps):
            self._start(self._act(step))
            if number in fatal:
                if killer is not None:
                    await killer
                killer = asyncio.create_task(self._kill())
            # A dead bot misses events either way; a slower story lets most of them live to their last retry.
            await asyncio.sleep(self._dice.expovariate(self._plan.pace) * (1 if self._up.is_set() else 4))
        if killer is not None:
            await killer
        while self._tasks:
            await asyncio.gather(*self._tasks)

    def _start(self, work: Any) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _act(self, step: story.Step) -> None:
        self.played.steps[step["op"]] += 1
        await getattr(self, f"_{step['op']}")(step)

    async def _join(self, step: story.Step) -> None:
        who = {"external_userid": step["customer"], "name": step["name"]}
        if step["unionid"]:
            who["unionid"] = step["unionid"]
        await self._hands.sandbox("POST", "customers", who)
        self._known.add(step["customer"])
        await self._scan(step)

    async def _twins(self, step: story.Step) -> None:
        await asyncio.gather(*[self._join(join) for join in step["joins"]])

    async def _scan(self, step: story.Step) -> None:
        if "way" in step:
            body = {"config_id": self._ways[step["way"]]}
        else:
            body = {"userid": step["guide"], **({"state": step["state"]} if step["state"] else {})}
        await self._hands.sandbox("POST", f"customers/{step['customer']}/scan", body)

    async def _leave(self, step: story.Step) -> None:
        await self._hands.sandbox("POST", f"customers/{step['customer']}/delete_guide", {"userid": step["guide"]})

    async def _dismiss(self, step: story.Step) -> None:
        body = {"external_userid": step["customer"]}
        await self._hands.sandbox("POST", f"guides/{step['guide']}/delete_customer", body)

    async def _edit(self, step: story.Step) -> None:
        body = {"external_userid": step["customer"], "remark": step["remark"]}
        await self._hands.sandbox("POST", f"guides/{step['guide']}/edit_customer", body)

    async def _say(self, step: story.Step) -> None:
        await self._hands.sandbox("POST", f"guides/{step['guide']}/say", {"text": step["text"]})

    async def _enter(self, step: story.Step) -> None:
        await self._hands.sandbox("POST", f"guides/{step['guide']}/enter", {})

    async def _unknown(self, step: story.Step) -> None:
        plain = (
            "<xml><ToUserName><![CDATA[ww0sandbox000001]]></ToUserName><FromUserName><![CDATA[sys]]></FromUserName>"
            f"<CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[event]]></MsgType>{step['body']}</xml>"
        )
        await self._hands.sandbox("POST", "callback", {"plain": plain})

    # -- death and life -------------------------------------------------------------------------------------------

    async def _kill(self) -> None:
        """Soon after an event, while its turn and its calls are under way; one time in six while it boots, too."""
        await asyncio.sleep(self._dice.choice((self._dice.expovariate(1 / WELCOME_LANE_S), self._dice.random())))
        self._up.clear()
        self._world.bot.end()
        self.played.kills += 1
        if self._dice.random() < 1 / 6:
            self._world.bot.start()
            await asyncio.sleep(self._dice.random() * max(self._world.boots))
            self._world.bot.end()
            self.played.kills += 1
        await self._hands.boot()
        self._up.set()

    async def _calm(self) -> None:
        """Faults off; what is in the air lands; one more death; both clocks go ahead; the last boot compares."""
        await self._hands.sandbox("PUT", "faults", CALM)
        await self._hands.sandbox("POST", "flush")
        self._world.bot.end()
        self.played.kills += 1
        await self._hands.sandbox("POST", "clock", {"advance_s": AHEAD_S})
        self._world.bot.command = self._world.bot_command("serve", ahead_s=AHEAD_S)
        await self._hands.boot()

    async def _drain(self) -> None:
        """Wait until nothing is owed any more, twice in a row."""
        deadline, quiet = time.monotonic() + DRAIN_WITHIN_S, 0
        while time.monotonic() < deadline and quiet < 2:
            await asyncio.sleep(0.5)
            left = {}
            for table, status in (("outbox", "pending"), ("outbox", "leased"), ("inbox", "failed")):
                items = (await self._hands.bot(f"/api/v1/{table}?status={status}&limit=100"))["items"]
                left[f"{table} {status}"] = len(items)
            quiet = quiet + 1 if not any(left.values()) else 0
            self.played.left = left
        self.played.drained = quiet >= 2

    async def _evidence(self) -> None:
        """What the checker needs beside log and database: the sandbox's final truth and the gift's rules."""
        truth = await self._hands.sandbox("GET", "state")
        await self._drain()  # a daily comparison may have begun since the last look
        self._world.bot.end()
        rules = {"points": POINTS, "coupons": COUPONS, "tag_group": TAG_GROUP, "templates": self.templates}
        for name, value in (("truth.json", truth), ("rules.json", rules)):
            (self._world.workdir / name).write_text(json.dumps(value, ensure_ascii=False), encoding="utf-8")
        audit = self._world.run("audit", ahead_s=self.ahead_s)
        lines = [line for line in (audit.stdout + audit.stderr).splitlines() if line.strip()]
        self.played.audit = lines[-1] if lines else f"audit said nothing and ended with {audit.returncode}"


async def play(plan: Plan) -> Played:
    """Migrate an empty database, run the plan, leave nothing running."""
    migrated = plan.world.run("migrate")
    if migrated.returncode:
        raise RuntimeError(f"migrate: {migrated.stdout}{migrated.stderr}")
    timeout = aiohttp.ClientTimeout(total=300)  # `flush` waits for every retry in the air, on a busy machine too
    async with aiohttp.ClientSession(timeout=timeout) as session:
        try:
            return await (plan.driver or Driver)(plan, Hands(plan.world, session)).run()
        finally:
            with contextlib.suppress(Exception):
                await asyncio.to_thread(plan.world.end)


def log_of(workdir: Path) -> Path:
    """The sandbox's evidence."""
    return workdir / "sandbox.jsonl"
