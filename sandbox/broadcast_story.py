"""What staff do about broadcasts: confirm them, all or a part, at once or later, or not at all."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sandbox.broadcast_world import (
    AFTER,
    AT_ONCE,
    CAPS,
    DELIVERED,
    FORGETS,
    HABITS,
    NO_FRIEND,
    NOT_YET,
    OPEN,
    PART,
    SENT,
    TOO_MANY,
    Habit,
    Share,
    Task,
)
from sandbox.crowd import Crowd, follows
from sandbox.story import Impossible, Story
from sandbox.world import Customer, Group, World

ZONE = ZoneInfo("Asia/Shanghai")
EPOCH = date(1970, 1, 1)
LARGEST_CROWD = 5_000_000


def settle(world: World, now: float) -> None:
    """Let everybody do what they would have done by now."""
    for task in world.broadcasts.open_tasks():
        for share in task.shares.values():
            due = _due(world, task, share)
            if share.status == OPEN and due is not None and due <= now:
                habit = world.broadcasts.habits.get(share.userid, Habit())
                confirm(world, task, share, due, habit.percent if habit.kind == PART else 100)


def _due(world: World, task: Task, share: Share) -> float | None:
    """When the sender confirms by habit; None: not by themselves."""
    habit = world.broadcasts.habits.get(share.userid, Habit())
    if share.refused:
        return None
    if habit.kind in (AT_ONCE, PART):
        return task.made_at
    if habit.kind == AFTER:
        return task.made_at + habit.minutes * 60
    if habit.kind == FORGETS and 0 < habit.wakes_after <= len(task.reminded):
        return task.reminded[habit.wakes_after - 1]
    return None


def confirm(world: World, task: Task, share: Share, now: float, percent: int = 100) -> None:
    """The sender presses 发送: everybody is tried once. Who may not choose sends to all."""
    chosen = len(share.receivers)
    if task.allow_select:
        chosen = (chosen * min(max(percent, 0), 100) + 99) // 100
    day = _day(now)
    since = _period_began(world.broadcasts.cap, day)
    most = _most(world.broadcasts.cap, day)
    outcomes = []
    for receiver in share.receivers[:chosen]:
        outcome = _outcome(world, task, share.userid, receiver, since, most)
        if outcome == DELIVERED:
            world.broadcasts.got.setdefault(receiver, []).append(day)
            _show(world, task, share.userid, receiver, now)
        outcomes.append(outcome)
    share.outcomes = "".join(outcomes) + NOT_YET * (len(share.receivers) - chosen)
    share.status, share.send_time = SENT, int(now)
    for outcome, count in Counter(outcomes).items():
        name = {DELIVERED: "broadcast_delivered", NO_FRIEND: "broadcast_no_friend"}.get(outcome, "broadcast_capped")
        world.counters[name] = world.counters.get(name, 0) + count


def _outcome(world: World, task: Task, userid: str, receiver: str, since: int, most: int) -> str:
    if task.chat_type == "group":
        group = world.groups.get(receiver)
        reachable = group is not None and not group.dismissed and group.owner == userid
    else:
        reachable = follows(world, userid, receiver)
    if not reachable:
        return NO_FRIEND
    got = world.broadcasts.got.get(receiver)
    return TOO_MANY if got and sum(1 for day in got if day >= since) >= most else DELIVERED


def _show(world: World, task: Task, userid: str, receiver: str, now: float) -> None:
    """On the receiver's phone; a crowd has none."""
    at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds")
    shown = {"at": at, "userid": userid, "from": "guide", "text": task.text, "attachments": task.attachments}
    place: Customer | Group | None = world.groups.get(receiver) or world.customers.get(receiver)
    if isinstance(place, Group):
        place.posts.append(shown)
    elif place is not None:
        place.chats.append({**shown, "broadcast": task.msgid})


def _day(now: float) -> int:
    return (datetime.fromtimestamp(now, ZONE).date() - EPOCH).days


def _period_began(cap: str, day: int) -> int:
    """The first day that counts in the cap."""
    today = EPOCH + timedelta(days=day)
    begins = {"month": today.replace(day=1), "week": today - timedelta(days=today.weekday()), "day": today}
    return (begins[cap] - EPOCH).days


def _most(cap: str, day: int) -> int:
    today = EPOCH + timedelta(days=day)
    first = today.replace(day=1)
    days = ((first + timedelta(days=32)).replace(day=1) - first).days
    return {"month": days, "week": 7, "day": 1}[cap]


class BroadcastStory:
    """What the page and the tests do."""

    def __init__(self, story: Story) -> None:
        self._story, self.world, self._clock = story, story.world, story.clock

    def settle(self) -> None:
        """What is due happens."""
        settle(self.world, self._clock.time())

    def press(self, userid: str, msgid: str, percent: int, *, send: bool) -> dict[str, Any]:
        """A member of staff sends a task's messages, or decides not to."""
        task = self.world.broadcasts.tasks.get(msgid)
        share = task.shares.get(self._story.find_guide(userid).userid) if task else None
        if task is None or share is None:
            raise Impossible("msgid", "没有这条群发任务", 404)
        self.settle()
        if task.cancelled:
            raise Impossible("msgid", "管理员已停止这条群发", 409)
        if share.status == SENT:
            raise Impossible("msgid", "这条群发已经发过了", 409)
        if send:
            confirm(self.world, task, share, self._clock.time(), percent)
        share.refused = not send
        return {"status": share.status, "outcomes": Counter(share.outcomes)}

    def habit(self, userid: str, fields: dict[str, Any]) -> dict[str, Any]:
        """How a member of staff (or everybody, `*`) behaves from now on."""
        habit = Habit(**fields)
        if habit.kind not in HABITS:
            raise Impossible("kind", f"可以是：{'、'.join(HABITS)}")
        everybody = list(self.world.guides) if userid == "*" else [self._story.find_guide(userid).userid]
        for one in everybody:
            self.world.broadcasts.habits[one] = Habit(**fields)
        self.settle()
        return {"userids": everybody, **vars(habit)}

    def rules(self, fields: dict[str, Any]) -> dict[str, Any]:
        """How many broadcasts a receiver may get, and how long results are not there."""
        broadcasts = self.world.broadcasts
        if (cap := fields.get("cap", broadcasts.cap)) not in CAPS:
            raise Impossible("cap", f"可以是：{'、'.join(CAPS)}")
        broadcasts.cap, broadcasts.ready_s = cap, float(fields.get("ready_s", broadcasts.ready_s))
        return {"cap": broadcasts.cap, "ready_s": broadcasts.ready_s}

    def gather(self, prefix: str, count: int, guides: int, state: str) -> dict[str, Any]:
        """A crowd with guides of its own; it raises no callbacks: it has always been there."""
        if not prefix.isalnum() or not prefix.isascii() or prefix in self.world.crowds:
            raise Impossible("prefix", "要填没用过的英文、数字")
        if not 1 <= guides <= count <= LARGEST_CROWD:
            raise Impossible("count", f"要有 1 到 {LARGEST_CROWD} 人，导购不多于客户")
        userids = [f"{prefix.lower()}-{number:04d}" for number in range(guides)]
        for number, userid in enumerate(userids):
            self._story.new_guide(userid, f"导购{number + 1}")
        began = int(self._clock.time()) - 86_400
        crowd = self.world.crowds[prefix] = Crowd(prefix, count, userids, began, state)
        return {"userids": userids, "first": crowd.id_of(0), "last": crowd.id_of(count - 1)}
