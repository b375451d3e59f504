"""写群发 composing: what a broadcast is made of, and what is wrong with it, by field, before anybody approves it."""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

from pydantic import Field

from bot.media_upload import KINDS, misfit
from bot.sizes import BYTES, size
from bot.turn import Turn
from bot.wecom.media import LARGEST, MB
from bot.wecom.msg_template import ATTACHMENTS
from handlers import segments
from handlers.broadcast_bodies import Attachment, Given, listed
from handlers.refusals import read, refuse, refused
from handlers.signing import Override, baited, settle
from scenarios import broadcast_texts
from scenarios.sight import sees_staff
from storage import group_chats, media, shop, staff
from storage.segment_rule import Rule

LATEST = timedelta(days=90)
BY_STAFF = ("contact", "group")  # a member of staff presses send
WRONG = {
    "broken": "broadcasts/variable_broken", "unknown": "broadcasts/variable_unknown",
    "not_here": "broadcasts/variable_not_here",
}  # fmt: skip
ONE_TEXT = {"contact": BYTES["broadcast"], "group": BYTES["broadcast"], "kf": BYTES["text"], "app": BYTES["text"]}


class NewBroadcast(Given):
    """群发. Without `segment_id` and `rule` it goes to everybody; of groups `chat_ids` name some, else all are meant.

    `senders`: userids that may send it, [] = whoever follows the member. `coupon`: a template everybody gets one of.
    """

    name: str = Field(min_length=1, max_length=64)
    channel: str
    text: str = ""
    attachments: list[Attachment] = Field(default=[], max_length=ATTACHMENTS)
    segment_id: int | None = None
    rule: dict[str, Any] | None = None
    chat_ids: list[str] = Field(default_factory=list, max_length=2000)
    senders: list[str] = Field(default_factory=list, max_length=2000)
    scheduled_at: datetime | None = None
    allow_select: bool = False
    coupon: str = ""
    expire_h: int | None = Field(default=None, ge=1, le=720)
    made_by: str = Field(default="api", max_length=64)
    override: Override | None = None


def stay_in_store(turn: Turn, given: NewBroadcast) -> None:
    """A store manager writes to the customers of the store's own staff, by their hands."""
    if turn.scope == "all" or turn.staff is None:
        return
    if given.channel not in BY_STAFF:
        refuse(turn, "channel", "broadcasts/store_channel")
    own = [one.userid for one in staff.rows.all(turn.db, order="userid", store_id=turn.staff.store_id)]
    for userid in given.senders:
        if userid not in own:
            refuse(turn, "senders", "broadcasts/store_senders", userid=userid)
    given.senders = given.senders or own


def check(turn: Turn, given: NewBroadcast) -> list[dict[str, str]]:
    """Refuse what is wrong; what was signed for, and hints, come back as warnings."""
    if given.channel not in ONE_TEXT:
        refuse(turn, "channel", "broadcasts/no_channel", known=turn.texts.render("common/comma").join(ONE_TEXT))
    _check_content(turn, given)
    _check_people(turn, given)
    if given.scheduled_at is not None:
        _check_time(turn, given.scheduled_at)
    if given.coupon and shop.templates.one(turn.db, name=given.coupon) is None:
        refuse(turn, "coupon", "campaigns/no_template")
    ends_at = (given.scheduled_at or turn.now) + timedelta(hours=given.expire_h or turn.broadcasts.expire_h)
    return settle(turn, baited(turn, _words(given)), given.override, given.made_by, ends_at)


def _rule(turn: Turn, given: NewBroadcast, within_store: str) -> str:
    """Whom it is for, written down as it is now: a segment that is changed later changes nothing here. A store
    manager's reaches the store's own members, whoever writes the draft anew."""
    if given.segment_id is None:
        rule, field = read(turn, Rule, given.rule or {}, "rule"), "rule.within_store"
    else:
        segment = segments.seen(turn, given.segment_id)
        if segment is None:
            raise refused(turn, "segment_id", "broadcasts/no_segment", id=given.segment_id)
        rule, field = Rule.model_validate_json(segment.rule), "segment_id"
    if within_store:
        rule = rule.model_copy(update={"within_store": within_store})
    return str(segments.near(turn, rule, field).model_dump_json())


def _words(given: NewBroadcast) -> dict[str, str]:
    found = {"text": given.text}
    for number, item in enumerate(given.attachments):
        found |= {f"attachments.{number}.{name}": text for name, text in item.words().items()}
    return found


def _check_content(turn: Turn, given: NewBroadcast) -> None:
    if not given.text.strip() and not given.attachments:
        refuse(turn, "text", "broadcasts/empty")
    most = ONE_TEXT[given.channel]
    if size(given.text) > most:
        refuse(turn, "text", "admin/too_long", most=most, now=size(given.text))
    if given.channel not in BY_STAFF:
        if given.attachments:
            refuse(turn, "attachments", "broadcasts/no_attachments")
        if given.senders:
            refuse(turn, "senders", "broadcasts/no_senders")
    for number, item in enumerate(given.attachments):
        for kept in item.kept():
            _check_media(turn, f"attachments.{number}.{kept.field}", kept.code, kept.as_kind)
    wrong = broadcast_texts.check(given.text, given.channel)
    if wrong is not None:
        known = turn.texts.render("common/comma").join(f"${name}" for name in broadcast_texts.MAY[given.channel])
        near = turn.texts.render("broadcasts/near", word=wrong.near) if wrong.near else ""
        raise refused(turn, "text", WRONG[wrong.why], word=wrong.word, near=near, known=known)


def _check_media(turn: Turn, field: str, code: str, as_kind: str) -> None:
    """A file of ours that is named: it is there, somebody within reach sent it, and WeCom takes such a one."""
    found = media.by_code(turn.db, code)
    if found is None or not any(sees_staff(turn, who, "media.read") for who in media.sent_by(turn.db, found.id)):
        refuse(turn, field, "broadcasts/no_media", code=code)
        return
    why = misfit(found.kind, found.size, as_kind)
    if why == "kind":
        known = turn.texts.render("common/comma").join(KINDS[as_kind]) or turn.texts.render("broadcasts/no_kind")
        refuse(turn, field, "broadcasts/media_kind", code=code, kind=found.kind, as_kind=as_kind, known=known)
    elif why:
        most = LARGEST[as_kind] // MB
        refuse(turn, field, "broadcasts/media_size", code=code, size=found.size, as_kind=as_kind, most=most)


def _check_people(turn: Turn, given: NewBroadcast) -> None:
    if given.segment_id is not None and given.rule is not None:
        refuse(turn, "rule", "broadcasts/one_audience")
    if given.channel != "group":
        if given.chat_ids:
            refuse(turn, "chat_ids", "broadcasts/not_groups")
        return
    for field in ("segment_id", "rule", "coupon", "allow_select"):
        if getattr(given, field):
            refuse(turn, field, "broadcasts/not_for_groups", name=field)
    for chat_id in given.chat_ids:
        chat = group_chats.find(turn.db, chat_id)
        if chat is None or chat.status != group_chats.ACTIVE:
            refuse(turn, "chat_ids", "admin/no_group", chat_id=chat_id)


def _check_time(turn: Turn, at: datetime) -> None:
    if at.tzinfo is None:
        refuse(turn, "scheduled_at", "admin/no_zone")
    if at <= turn.now:
        refuse(turn, "scheduled_at", "admin/past")
    if at > turn.now + LATEST:
        refuse(turn, "scheduled_at", "broadcasts/too_far", days=LATEST.days)


def columns(turn: Turn, given: NewBroadcast, within_store: str = "") -> dict[str, Any]:
    """What the row keeps of it; `within_store`: whose members it was for before."""
    return {
        "name": given.name, "channel": given.channel, "text": given.text, "attachments": listed(given.attachments),
        "segment_id": given.segment_id, "rule": _rule(turn, given, within_store), "senders": json.dumps(given.senders),
        "scheduled_at": given.scheduled_at, "chat_ids": json.dumps(given.chat_ids), "coupon": given.coupon,
        "allow_select": int(given.allow_select), "expire_h": given.expire_h or turn.broadcasts.expire_h,
        "changed_at": turn.now,
    }  # fmt: skip
