"""剧本 story: a seeded script of what customers and guides do, one JSON line each; the same seed, the same script.

It knows the sandbox's control plane and nothing of the bot. Steps on one pair of customer and guide keep up to `GAP`
events between them: WeCom counts time in seconds, and nobody adds, deletes and adds again within one.
"""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

GAP = 60  # fewer in short scripts
STATES = ("live-0618", "门店-静安", "抖音-短视频", "朋友推荐", "box-card")
WORDS = ("渠道统计", "帮助", "help", " 渠道 ", "渠道统记", "今天天气不错", "1", "🎉🎉", "a]]>b & <c>", "菜单")
SHARES = (
    ("join", 44), ("twins", 5), ("second", 8), ("leave", 6), ("again", 5), ("dismiss", 4), ("edit", 7), ("say", 15),
    ("unknown", 4), ("enter", 2),
)  # fmt: skip
UNKNOWN = (
    "<Event><![CDATA[brand_new_event]]></Event><Surprise><![CDATA[{n}]]></Surprise>",
    "<Event><![CDATA[change_external_contact]]></Event><ChangeType><![CDATA[never_heard_of]]></ChangeType>"
    "<UserID><![CDATA[nobody]]></UserID><ExternalUserID><![CDATA[wmNobody{n}]]></ExternalUserID>",
    "<Event><![CDATA[change_external_tag]]></Event><Id><![CDATA[et{n}]]></Id><TagType><![CDATA[tag]]></TagType>"
    "<ChangeType><![CDATA[update]]></ChangeType>",
)

Step = dict[str, Any]


@dataclass
class Author:
    """Writes one script. `touched` is the event at which a pair was last touched."""

    seed: int
    dice: random.Random
    guides: list[str]
    gap: int = GAP
    steps: list[Step] = field(default_factory=list)
    customers: int = 0
    together: dict[tuple[str, str], int] = field(default_factory=dict)
    apart: dict[tuple[str, str], int] = field(default_factory=dict)

    def write(self, events: int) -> None:
        """Steps until `events` business events are told."""
        steps, weights = zip(*self.ways().values(), strict=True)
        while self.told < events:
            if not self.dice.choices(steps, weights)[0]():
                self.join()

    def ways(self) -> dict[str, tuple[Callable[[], bool], float]]:
        """Every kind of step with its weight."""
        return {name: (getattr(self, name), float(weight)) for name, weight in SHARES}

    @property
    def told(self) -> int:
        """Business events so far; twins are several."""
        return sum(len(step.get("joins", [1])) for step in self.steps)

    def _step(self, op: str, **fields: Any) -> bool:
        self.steps.append({"n": len(self.steps), "op": op, **fields})
        return True

    def _joining(self) -> Step:
        """A new customer and the guide they scan: by a contact way, by a guide's own code with a state, or without."""
        number, self.customers = self.customers, self.customers + 1
        customer = f"wmchaos{self.seed}n{number:05d}"
        guide = self.dice.choice(self.guides)
        self.together[customer, guide] = len(self.steps)
        unionid = f"ochaos{self.seed}n{number}" if self.dice.random() < 0.3 else None
        return {"customer": customer, "name": f"顾客{number:05d}号", "unionid": unionid, **self._way(guide)}

    def _way(self, guide: str) -> Step:
        kind = self.dice.random()
        if kind < 0.6:
            return {"guide": guide, "way": guide}
        return {"guide": guide, "state": self.dice.choice(STATES) if kind < 0.85 else None}

    def _old(self, pairs: dict[tuple[str, str], int]) -> tuple[str, str] | None:
        ready = [pair for pair, at in pairs.items() if at + self.gap <= len(self.steps)]
        return self.dice.choice(ready) if ready else None

    def join(self) -> bool:
        """A stranger adds a guide."""
        return self._step("join", **self._joining())

    def twins(self) -> bool:
        """Several strangers add guides within the same second."""
        return self._step("twins", joins=[self._joining() for _ in range(self.dice.randint(2, 4))])

    def second(self) -> bool:
        """A customer adds another guide."""
        pair = self._old(self.together)
        if pair is None:
            return False
        met = {guide for customer, guide in [*self.together, *self.apart] if customer == pair[0]}
        others = [guide for guide in self.guides if guide not in met]
        if not others:
            return False
        guide = self.dice.choice(others)
        self.together[pair[0], guide] = len(self.steps)
        return self._step("scan", customer=pair[0], **self._way(guide))

    def _part(self, op: str) -> bool:
        pair = self._old(self.together)
        if pair is None:
            return False
        del self.together[pair]
        self.apart[pair] = len(self.steps)
        return self._step(op, customer=pair[0], guide=pair[1])

    def leave(self) -> bool:
        """The customer deletes the guide."""
        return self._part("leave")

    def dismiss(self) -> bool:
        """The guide deletes the customer."""
        return self._part("dismiss")

    def again(self) -> bool:
        """A customer who left adds the same guide again."""
        pair = self._old(self.apart)
        if pair is None:
            return False
        del self.apart[pair]
        self.together[pair] = len(self.steps)
        return self._step("scan", customer=pair[0], **self._way(pair[1]))

    def edit(self) -> bool:
        """The guide changes the customer's remark."""
        pair = self._old(self.together)
        if pair is None:
            return False
        self.together[pair] = len(self.steps)
        return self._step("edit", customer=pair[0], guide=pair[1], remark=f"备注{len(self.steps)}")

    def say(self) -> bool:
        """A guide writes to the app: a command, a slip, or nonsense."""
        return self._step("say", guide=self.dice.choice(self.guides), text=self.dice.choice(WORDS))

    def enter(self) -> bool:
        """A guide opens the app."""
        return self._step("enter", guide=self.dice.choice(self.guides))

    def unknown(self) -> bool:
        """An event that WeCom may invent tomorrow."""
        return self._step("unknown", body=self.dice.choice(UNKNOWN).format(n=len(self.steps)))


def write(seed: int, events: int, author: type[Author] = Author) -> list[Step]:
    """The script: first the cast (guides, each with a contact way), then the steps that `author` tells."""
    # WeCom lets an app write 30 messages a minute to one person: a cast large enough never meets that limit.
    guides = [f"guide{number:03d}" for number in range(max(6, events // 20))]
    writing = author(seed, random.Random(f"story {seed}"), guides, max(25, min(GAP, events // 6)))
    writing.write(events)
    cast = [{"op": "guide", "userid": userid, "state": STATES[i % len(STATES)]} for i, userid in enumerate(guides)]
    return [*cast, *writing.steps]


def save(steps: Iterable[Step], path: Path) -> None:
    """One JSON line a step."""
    path.write_text("".join(json.dumps(step, ensure_ascii=False) + "\n" for step in steps), encoding="utf-8")
