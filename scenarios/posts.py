"""社群内容排期 posts: at its time a guide gets what to post in a group, posts it by hand, and says so.

No bot may speak in a customer group, so each posting is a task with the whole text; when its time is over a task that
nobody did is dropped, and counts as forgotten.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from string import Template
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from bot.clock import shown
from bot.events import Address, Event, TimerDue
from bot.kf_menu import Choice
from bot.router import Act, Refusal, Router
from bot.turn import STAFF, Turn
from scenarios import timetables
from scenarios.broadcast_senders import of_sender
from scenarios.timetables import Times
from storage import group_chats, launches, staff, tasks
from storage.tables import Post

router = Router("posts")

DAY, DUE, OVER = "posts_day", "post_due", "post_over"
KIND = "post"
BY = "rule:posts"
KNOWN = frozenset({"group", "guide", "store"})
BYTES_MOST = 1_500  # with the frame around it one message of the app
router.dailies[DAY] = (0, 25)


class NewPost(Times):
    """What to post. `minutes`: how long the guide has for it. `$group`, `$guide` and `$store` are filled in."""

    name: str = Field(min_length=1, max_length=40)
    text: str = Field(min_length=1)
    link: str = Field(default="", max_length=500, pattern=r"^(https://\S+)?$")
    chat_ids: list[str] = Field(default=[], max_length=200)
    userids: list[str] = Field(default=[], max_length=200)
    by: str = Field(default="api", max_length=64)


class Switch(BaseModel):
    """Which one, and who says so."""

    model_config = ConfigDict(extra="forbid")

    id: int
    by: str = Field(default="api", max_length=64)


def create(turn: Turn, given: NewPost) -> dict[str, Any] | Refusal:
    """Plan it; the next days' postings at once."""
    why = _wrong(turn, given)
    if why is not None:
        return why
    coming = timetables.count(given, turn.now)
    if not coming:
        return Refusal(422, "wrong_value", "campaigns/no_session")
    times = Times(**given.model_dump(include={*Times.model_fields}))
    row = launches.posts.add(turn.db, Post(
        id=turn.ids.next(), name=given.name, text=given.text, link=given.link, chat_ids=json.dumps(given.chat_ids),
        userids=json.dumps(given.userids), times=times.model_dump_json(), status="running", made_by=given.by,
        made_at=turn.now,
    ))  # fmt: skip
    turn.audit(given.by, "post.made", f"post:{row.id}", times=coming)
    _plan(turn, row)
    return {"id": row.id, "times": coming}


def _wrong(turn: Turn, given: NewPost) -> Refusal | None:
    _, text = timetables.wrong(given)
    if text:
        return Refusal(422, "wrong_value", text)
    template = Template(given.text)
    if not template.is_valid() or not {*template.get_identifiers()} <= KNOWN:
        return Refusal(422, "wrong_value", "posts/wrong_variable")
    if len(f"{given.text}{given.link}".encode()) > BYTES_MOST:
        return Refusal(422, "wrong_value", "posts/too_long", {"most": BYTES_MOST})
    if not given.chat_ids and not given.userids:
        return Refusal(422, "wrong_value", "posts/nobody")
    for chat_id in given.chat_ids:
        chat = group_chats.find(turn.db, chat_id)
        if chat is None or chat.status != group_chats.ACTIVE:
            return Refusal(422, "wrong_value", "posts/no_group", {"chat_id": chat_id})
    for userid in given.userids:
        person = staff.find(turn.db, userid)
        if person is not None and person.status != staff.ACTIVE:
            return Refusal(422, "wrong_value", "posts/no_guide", {"userid": userid})
    return None


# -- what happens ------------------------------------------------------------------------------------------------------


@router.on(TimerDue)
def due(turn: Turn, event: TimerDue) -> None:
    """A day begins, something is to be posted, its time is over."""
    if event.name == DAY:
        for post in launches.posts.all(turn.db, status="running"):
            _plan(turn, post)
    elif event.name in (DUE, OVER):
        found = launches.posts.one(turn.db, id=event.payload["post_id"])
        assert found is not None
        at = datetime.fromisoformat(event.payload["at"])
        for target in _targets(turn, found):
            key = f"post:{found.id}:{event.payload['at']}:{target[0]}"
            if event.name == OVER:
                tasks.drop(turn.db, key, BY, turn.now)
            elif found.status == "running":
                _give(turn, found, key, at, target)


def _plan(turn: Turn, post: Post) -> None:
    """Timers of the next days, each once by its key; one that comes too late is not given out."""
    for starts_at, ends_at in timetables.sessions(
        Times.model_validate_json(post.times), turn.now, turn.now + timetables.AHEAD
    ):
        at = starts_at.isoformat()
        payload = {"post_id": post.id, "at": at}
        turn.at(starts_at, DUE, f"post:{post.id}:{at}:due", payload, late_by=ends_at)
        turn.at(ends_at, OVER, f"post:{post.id}:{at}:over", payload)


def _targets(turn: Turn, post: Post) -> list[tuple[str, str, str]]:
    """(group or guide, who posts, the group's name) for each posting."""
    chats = [(one, group_chats.find(turn.db, one)) for one in json.loads(post.chat_ids)]
    found = [(one, chat.owner, chat.name) for one, chat in chats if chat is not None and chat.owner]
    return found + [(userid, userid, "") for userid in json.loads(post.userids)]


def _give(turn: Turn, post: Post, key: str, at: datetime, target: tuple[str, str, str]) -> None:
    """The task, and the text to copy."""
    _, userid, name = target
    where = name or turn.texts.render("posts/any_group")
    until = at + timedelta(minutes=Times.model_validate_json(post.times).minutes)
    task = tasks.add(turn.db, turn.ids, userid, KIND, turn.texts.render("posts/task", name=post.name, where=where),
                     until, key, BY, turn.now)  # fmt: skip
    if task is None:
        return
    text = Template(post.text).safe_substitute({**of_sender(turn, userid), "group": where})
    content = f"{text}\n{post.link}".rstrip()
    choices = [Choice(router.word(posted, f"#{task}"), turn.texts.render("posts/did"))]
    turn.put(Address(STAFF, userid), "posts/due", choices, name=post.name, where=where, text=content,
             until=shown(until))  # fmt: skip


@router.words("已发", audience="guide", arg="编号", may="task.read", menu=False)
def posted(turn: Turn, event: Event, typed: str) -> None:
    """It is in the group."""
    assert event.sender is not None
    number = typed.removeprefix("#")
    task = tasks.rows.one(turn.db, id=int(number)) if number.isdecimal() and len(number) <= 18 else None
    if task is None or task.kind != KIND or task.userid != event.sender.external_id:
        turn.say(event.sender, "posts/unknown")
    elif tasks.done(turn.db, task.id, event.sender.external_id, turn.now):
        turn.say(event.sender, "posts/thanks", text=task.text)
    else:
        turn.say(event.sender, "posts/done_before" if task.status == "done" else "posts/too_late", text=task.text)


# -- what programs ask -------------------------------------------------------------------------------------------------


def _switch(status: str, *before: str) -> Any:
    def act(turn: Turn, given: Switch) -> dict[str, Any] | Refusal:
        """Hold it, go on, or end it for good; what was given out stays to be done."""
        post = launches.posts.one(turn.db, id=given.id)
        if post is None:
            return Refusal(404, "not_found", "posts/no_such")
        if post.status != status:
            if post.status not in before:
                return Refusal(409, "wrong_state", "admin/wrong_state", {"status": post.status})
            launches.posts.change(turn.db, {"status": status}, id=post.id, status=post.status)
            turn.audit(given.by, f"post.{status}", f"post:{post.id}")
            if status == "running":
                post.status = status
                _plan(turn, post)
        return {"id": post.id, "status": status}

    act.__name__ = status
    return act


router.acts = {
    "posts": Act(NewPost, create, may="group.manage"),
    "posts/pause": Act(Switch, _switch("paused", "running"), may="group.manage"),
    "posts/resume": Act(Switch, _switch("running", "paused"), may="group.manage"),
    "posts/stop": Act(Switch, _switch("stopped", "running", "paused"), may="group.manage"),
}
