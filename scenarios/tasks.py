"""今日任务 tasks: what a guide should do today, made from what happened, each once: a new contact, a checkout nobody
paid, somebody who wanted a person, coupons that end soon. Others add theirs through `storage.tasks`.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from pydantic import ConfigDict

from bot.clock import end_of_day, shown
from bot.events import Address, Event, TimerDue
from bot.kf_menu import Choice
from bot.order_events import CheckoutPaid, CheckoutReleased
from bot.own_events import ContactProfiled, HandoverWanted
from bot.router import Router
from bot.turn import STAFF, Turn
from scenarios import task_causes
from storage import tasks
from storage.tables import GuideTask

router = Router("tasks")

DAY, MORNING = "tasks_day", "tasks_morning"
SHOWN = 6  # as many as a card has buttons
GUIDES_AT_ONCE = 100
EARLY = timedelta(hours=3)  # a bot that was down all morning tells nobody in the evening
router.dailies[DAY] = (8, 40)


class Rules(task_causes.Causes):
    """[scenarios.tasks] of config.toml. `morning`: tell guides at 08:40 what there is to do."""

    model_config = ConfigDict(extra="forbid")

    morning: bool = True


@router.words("今日任务", "任务", audience="guide", may="task.read")
def mine(turn: Turn, event: Event) -> None:
    """What there is to do, the longest overdue first."""
    assert event.sender is not None
    _list(turn, event.sender)


def _list(turn: Turn, to: Address) -> None:
    before = end_of_day(turn.now, 1)
    found = _standing(turn, to.external_id, before)
    if not found:
        done = tasks.count_done(turn.db, to.external_id, end_of_day(turn.now, -1))
        if done:
            turn.say(to, "tasks/none_done", done=done)
        else:
            turn.say(to, "tasks/none")
        return
    choices = [
        Choice(router.word(done_with, f"#{task.id}"), _line(turn, task), turn.texts.render("tasks/short", number=place))
        for place, task in enumerate(found, 1)
    ]
    turn.ask(to, "tasks/mine", choices, head=_head(turn, to.external_id, before, found))


def _standing(turn: Turn, userid: str, before: datetime) -> list[GuideTask]:
    """The first open tasks; those whose cause is over are dropped as they are met."""
    while True:
        found = tasks.open_of(turn.db, userid, before, SHOWN)
        stale = [task for task in found if task_causes.is_over(turn, task)]
        for task in stale:
            tasks.drop(turn.db, task.key, "rule:tasks", turn.now)
        if not stale:
            return found


def _head(turn: Turn, userid: str, before: datetime, found: list[GuideTask]) -> str:
    count, over = tasks.count_open(turn.db, userid, before), tasks.count_open(turn.db, userid, turn.now)
    if count > len(found) and over:
        return turn.texts.render("tasks/head_more_over", count=count, over=over, shown=len(found))
    if count > len(found):
        return turn.texts.render("tasks/head_more", count=count, shown=len(found))
    if over:
        return turn.texts.render("tasks/head_over", count=count, over=over)
    return turn.texts.render("tasks/head", count=count)


def _line(turn: Turn, task: GuideTask) -> str:
    text = "tasks/line_over" if task.due_at <= turn.now else "tasks/line"
    return turn.texts.render(text, text=task.text, day=shown(task.due_at))


@router.words("完成", "做完", audience="guide", arg="序号", bare=True, may="task.read", menu=False)
def done_with(turn: Turn, event: Event, typed: str) -> None:
    """One is done; the numbers of the list stay what they were."""
    assert event.sender is not None
    task = tasks.rows.one(turn.db, id=int(typed[1:])) if typed[:1] == "#" and typed[1:].isdigit() else None
    if task is None or task.userid != event.sender.external_id:
        if typed:
            turn.say(event.sender, "tasks/unknown")
        else:
            _list(turn, event.sender)
    elif not tasks.done(turn.db, task.id, event.sender.external_id, turn.now):
        turn.say(event.sender, "tasks/done_before", text=task.text)
    elif left := tasks.count_open(turn.db, task.userid, end_of_day(turn.now, 1)):
        turn.say(event.sender, "tasks/done", text=task.text, left=left)
    else:
        turn.say(event.sender, "tasks/done_all", text=task.text)


@router.on(ContactProfiled)
def contact_profiled(turn: Turn, event: ContactProfiled) -> None:
    """A new contact wants a word from a person."""
    task_causes.greet(turn, event, turn.using(Rules))


@router.on(HandoverWanted)
def handover_wanted(turn: Turn, event: HandoverWanted) -> None:
    """Somebody asked for a person and nobody was there."""
    task_causes.wanted(turn, event, turn.using(Rules))


@router.on(CheckoutReleased)
def not_paid(turn: Turn, event: CheckoutReleased) -> None:
    """Somebody wanted to buy and did not pay."""
    task_causes.unpaid(turn, event, turn.using(Rules))


@router.on(CheckoutPaid)
def paid(turn: Turn, event: CheckoutPaid) -> None:
    """They bought after all: nobody needs to ask."""
    task_causes.paid(turn, event)


@router.on(TimerDue)
def day_begins(turn: Turn, event: TimerDue) -> None:
    """Coupons that end soon, page by page; then each guide hears what there is to do."""
    if event.name == DAY:
        following = task_causes.expiring_page(turn, event, turn.using(Rules))
        due = event.payload.get("due", event.at.isoformat())
        name, payload = (DAY, {**following, "due": due}) if following else (MORNING, {"after": ""})
        early = turn.now - datetime.fromisoformat(due) < EARLY
        if following or (turn.using(Rules).morning and early):
            turn.at(turn.since(1), name, f"{name}:more:{turn.cause}", payload)
    elif event.name == MORNING:
        _tell(turn, event.payload["after"])


def _tell(turn: Turn, after: str) -> None:
    """Some guides at once, in the order of their userids."""
    guides = tasks.busy(turn.db, end_of_day(turn.now, 1), after, GUIDES_AT_ONCE)
    for userid in guides:
        _list(turn, Address(STAFF, userid))
    if len(guides) == GUIDES_AT_ONCE:
        turn.at(turn.since(1), MORNING, f"{MORNING}:more:{turn.cause}", {"after": guides[-1]})
