"""群发 broadcasts in the app's chat: admins see how far they are and hold them, guides see what waits for a tap."""

from __future__ import annotations

from bot.events import TextReceived
from bot.own_events import ConsentChanged
from bot.router import Router
from bot.turn import Turn
from scenarios import broadcast_senders, broadcasting
from scenarios.sight import sees_staff
from storage import broadcasts
from storage.broadcasts import GROUP
from storage.consent import OUT
from storage.tables import Broadcast

router = Router("broadcasts")
SHOWN = 5
STATUSES = {
    "drafted": "broadcasts/status_drafted", "approved": "broadcasts/status_approved",
    "freezing": "broadcasts/status_freezing", "sending": "broadcasts/status_sending",
    "paused": "broadcasts/status_paused", "stopped": "broadcasts/status_stopped", "done": "broadcasts/status_done",
}  # fmt: skip


def percent(broadcast: Broadcast) -> int:
    """How much of an audience has come to its end, rounded down: 100 means everybody."""
    over = broadcast.sent + broadcast.suppressed + broadcast.failed
    return over * 100 // broadcast.total if broadcast.total else 0


@router.words("我的群发", "待发群发", audience="guide", may="task.read")
def mine(turn: Turn, event: TextReceived) -> None:
    """What waits for the guide's tap."""
    assert event.sender is not None
    waiting = broadcasts.waiting_for(turn.db, event.sender.external_id)
    if not waiting:
        return turn.say(event.sender, "broadcasts/nothing_waits")
    lines = [
        turn.texts.render("broadcasts/waits", name=name, size=size, unit=_unit(turn, channel),
                          hours=int((turn.now - since).total_seconds() // 3600))
        for _, name, channel, size, since in waiting
    ]  # fmt: skip
    turn.say(event.sender, "broadcasts/mine", lines="\n".join(lines))
    return None


@router.words("群发", "群发进度", audience="guide", may="broadcast.compose", arg="编号", bare=True)
def progress(turn: Turn, event: TextReceived, number: str) -> None:
    """One broadcast, or the latest."""
    assert event.sender is not None
    if number:
        broadcast = _named(turn, event, number)
        if broadcast is not None:
            turn.say(
                event.sender, "broadcasts/progress", line=_line(turn, broadcast), reasons=_reasons(turn, broadcast)
            )
        return
    latest = [one for one in broadcasts.rows.all(turn.db, order="-id", limit=50) if _may(turn, one)][:SHOWN]
    if not latest:
        turn.say(event.sender, "broadcasts/none")
        return
    turn.say(event.sender, "broadcasts/list", lines="\n".join(_line(turn, one) for one in latest))


@router.words("群发 暂停", "群发暂停", "暂停群发", audience="guide", may="broadcast.stop", arg="编号", confirm=True)
def pause(turn: Turn, event: TextReceived, number: str) -> None:
    """Make no further tasks."""
    _act(turn, event, number, broadcasting.pause, "broadcasts/paused")


@router.words("群发 继续", "群发继续", "继续群发", audience="guide", may="broadcast.stop", arg="编号", confirm=True)
def resume(turn: Turn, event: TextReceived, number: str) -> None:
    """Go on where it was held."""
    _act(turn, event, number, broadcasting.resume, "broadcasts/resumed")


@router.words("群发 停止", "群发停止", "停止群发", audience="guide", may="broadcast.stop", arg="编号", confirm=True)
def stop(turn: Turn, event: TextReceived, number: str) -> None:
    """For good; tasks that nobody has confirmed are called off."""
    _act(turn, event, number, broadcasting.stop, "broadcasts/stopped")


@router.words("群发 提醒", "群发提醒", "提醒群发", audience="guide", may="broadcast.compose", arg="编号")
def remind(turn: Turn, event: TextReceived, number: str) -> None:
    """Remind whoever has not pressed send."""
    assert event.sender is not None
    broadcast = _named(turn, event, number)
    if broadcast is not None:
        count = broadcasting.remind(turn, broadcast, event.sender.external_id)
        turn.say(event.sender, "broadcasts/reminded", id=broadcast.id, count=count)


@router.on(ConsentChanged)
def refused(turn: Turn, event: ConsentChanged) -> None:
    """Whoever refuses waits in no task any more that nobody has confirmed yet."""
    if event.state == OUT:
        broadcasting.refused(turn, event.member_id)


def _act(turn: Turn, event: TextReceived, number: str, step: broadcasting.Decision, text: str) -> None:
    assert event.sender is not None
    broadcast = _named(turn, event, number)
    if broadcast is None:
        return
    step(turn, broadcast, event.sender.external_id)
    after = broadcasts.rows.one(turn.db, id=broadcast.id) or broadcast
    if after.status == broadcast.status:
        status = turn.texts.render(STATUSES[after.status])
        turn.say(event.sender, "broadcasts/not_now", id=broadcast.id, status=status)
    else:
        out = broadcasts.count_tasks(turn.db, broadcast.id).get("made", 0)
        turn.say(event.sender, text, id=broadcast.id, name=broadcast.name, out=out)


def _named(turn: Turn, event: TextReceived, number: str) -> Broadcast | None:
    """The broadcast that is meant; None when there is none, which is said."""
    assert event.sender is not None
    typed = number.lstrip("#")
    found = broadcasts.rows.one(turn.db, id=int(typed)) if typed.isdecimal() and len(typed) <= 18 else None
    if found is None or not _may(turn, found):
        turn.say(event.sender, "broadcasts/unknown", id=number)
        return None
    return found


def _may(turn: Turn, broadcast: Broadcast) -> bool:
    """Admins see all, managers what their store made."""
    return sees_staff(turn, broadcast.made_by)


def _unit(turn: Turn, channel: str) -> str:
    return turn.texts.render("broadcasts/groups" if channel == GROUP else "broadcasts/customers")


def _line(turn: Turn, broadcast: Broadcast) -> str:
    status = turn.texts.render(STATUSES[broadcast.status])
    tasks = broadcasts.count_tasks(turn.db, broadcast.id)
    confirmed = tasks.get("confirmed", 0) + tasks.get("done", 0)
    return turn.texts.render(
        "broadcasts/line", id=broadcast.id, name=broadcast.name, status=status, percent=percent(broadcast),
        total=broadcast.total, sent=broadcast.sent, failed=broadcast.failed, suppressed=broadcast.suppressed,
        waiting=broadcast.tasked + broadcast.left, confirmed=confirmed, asked=confirmed + tasks.get("made", 0),
    )  # fmt: skip


def _reasons(turn: Turn, broadcast: Broadcast) -> str:
    found = broadcasts.reasons(turn.db, broadcast)
    named = [f"{broadcast_senders.reason(turn, why)} {count}" for why, count in found]
    return turn.texts.render("common/comma").join(named) or turn.texts.render("broadcasts/no_reasons")
