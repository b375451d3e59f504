"""企业群发: tasks that staff must confirm, what became of each receiver, and how each member of staff behaves."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

OPEN, SENT = 0, 2  # status of a sender's task
NOT_YET, DELIVERED, NO_FRIEND, TOO_MANY = "0", "1", "2", "3"  # status of a receiver

BY_HAND, AT_ONCE, AFTER, FORGETS, REFUSES, PART = "by_hand", "at_once", "after", "forgets", "refuses", "part"
HABITS = (BY_HAND, AT_ONCE, AFTER, FORGETS, REFUSES, PART)
CAPS = ("month", "week", "day")


@dataclass
class Habit:
    """What a member of staff does about a broadcast.

    `by_hand`: waits for somebody to press the button on the page; `after`: confirms after `minutes`; `forgets`:
    confirms only when reminded `wakes_after` times (0: never); `part`: takes `percent` of the receivers where it may
    choose.
    """

    kind: str = BY_HAND
    minutes: float = 0.0
    percent: int = 100
    wakes_after: int = 0


@dataclass
class Share:
    """A sender's part of a task. `outcomes` holds one digit per receiver, in their order."""

    userid: str
    receivers: list[str]
    outcomes: str
    status: int = OPEN
    send_time: int = 0
    refused: bool = False


@dataclass
class Task:
    """A broadcast's task."""

    msgid: str
    chat_type: str
    text: str
    attachments: list[dict[str, Any]]
    made_at: float
    allow_select: bool = False
    cancelled: bool = False
    shares: dict[str, Share] = field(default_factory=dict)
    reminded: list[float] = field(default_factory=list)


@dataclass
class BroadcastWorld:
    """All of it. `got` counts per receiver the days (since 1970, in Shanghai) on which broadcasts arrived.

    `cap`: as many per month as it has days, seven a week, or one a day; results are asked for in vain for `ready_s`.
    """

    tasks: dict[str, Task] = field(default_factory=dict)
    habits: dict[str, Habit] = field(default_factory=dict)
    got: dict[str, list[int]] = field(default_factory=dict)
    cap: str = "month"
    ready_s: float = 2.0

    def open_tasks(self) -> list[Task]:
        """Tasks of which somebody may still confirm a share."""
        waiting = [task for task in self.tasks.values() if not task.cancelled]
        return [task for task in waiting if any(share.status == OPEN for share in task.shares.values())]


def restored(data: dict[str, Any]) -> BroadcastWorld:
    """From what `dumped` made of it; {} of a world saved before there were any."""
    tasks = {}
    for msgid, value in (data.get("tasks") or {}).items():
        shares = {userid: Share(**share) for userid, share in value.pop("shares").items()}
        tasks[msgid] = Task(**value, shares=shares)
    habits = {userid: Habit(**value) for userid, value in (data.get("habits") or {}).items()}
    rest = {name: data[name] for name in ("got", "cap", "ready_s") if name in data}
    return BroadcastWorld(tasks=tasks, habits=habits, **rest)


def dumped(world: BroadcastWorld) -> dict[str, Any]:
    """As JSON."""
    return asdict(world)
