"""企业微信的标签库 tag_catalogue: tags made, renamed and deleted by an admin in WeCom are so here too.

A tag renamed there is renamed on every member, some at a time. One deleted there goes from whoever people gave it to,
and nobody can be given it any more; a rule's tag comes back while the rule stands, for to end it is to end the rule.
Play-neutral.
"""

from __future__ import annotations

from bot.events import ApiAnswered, CorpTagChanged
from bot.tag_senders import LIST, MAKE
from bot.turn import Turn
from scenarios import tag_mirror
from storage import corp_marks, corp_tags, member_tags, tag_groups, tag_rules, tags
from storage.corp_marks import Label
from storage.corp_tags import Told

WALK = "tags.walk"
AT_ONCE = 500
BY = "wecom"


def changed(turn: Turn, event: CorpTagChanged) -> None:
    """An admin changed the corp's tags. What became of them is asked for; the order they stand in is not ours."""
    if event.strategy_id is not None or event.change_type == "shuffle":
        return
    of_group = event.tag_type == "tag_group"
    if event.change_type == "delete":
        gone = corp_tags.of_group(turn.db, event.tag_id) if of_group else corp_tags.of_id(turn.db, event.tag_id)
        for row in gone:
            _deleted(turn, row.tag_id, (row.group_name, row.name))
        return
    asked = {"group_id" if of_group else "tag_id": [event.tag_id]}
    turn.owe(LIST, asked, lane=tag_mirror.LANE, subject="corp_tags", answers=True)


def answered(turn: Turn, event: ApiAnswered) -> None:
    """Tags that were asked for, or made for us."""
    if event.ok:
        learn(turn, corp_tags.read(event.answer.get("tag_group") or []))


def learn(turn: Turn, told: list[Told]) -> None:
    """Know tags by their ids; who is called otherwise than before is renamed here."""
    for one in told:
        before = corp_tags.keep(turn.db, one, turn.now)
        label = one.group, one.name
        if before is None:
            _new(turn, label)
        elif (before.group_name, before.name) != label:
            _renamed(turn, (before.group_name, before.name), label)


def seen(turn: Turn, told: list[Told]) -> None:
    """The whole library: what is not in it was deleted."""
    learn(turn, told)
    there = {one.tag_id for one in told}
    for tag_id, label in corp_tags.names(turn.db).items():
        if tag_id not in there:
            _deleted(turn, tag_id, label)


def ensure(turn: Turn, group: str, name: str) -> None:
    """A tag that was made here is made there."""
    if tag_groups.at_wecom(turn.db, group) and not corp_tags.has(turn.db, group, name):
        payload = {"group": group, "tag": name}
        turn.owe(MAKE, payload, lane=tag_mirror.LANE, subject="corp_tags", answers=True)


def _new(turn: Turn, label: Label) -> None:
    """A tag that guides may use here as they do there. Rules' own tags are not for hands."""
    for_hands = tag_groups.at_wecom(turn.db, label[0]) and tag_rules.of_tag(turn.db, *label) is None
    if for_hands and tags.make(turn.db, *label, BY, turn.now):
        turn.audit("rule:wecom", "tag.made", f"tag:{'/'.join(label)}")


def _renamed(turn: Turn, before: Label, after: Label) -> None:
    old = tag_groups.of(turn.db, before[0])
    if old is not None and before[0] != after[0]:
        tag_groups.make(turn.db, after[0], exclusive=bool(old.exclusive), corp=bool(old.corp), by=BY, now=turn.now)
    tags.close(turn.db, *before, turn.now)
    tag_rules.rename(turn.db, before, after, turn.now)
    _new(turn, after)
    turn.audit("rule:wecom", "tag.renamed", f"tag:{'/'.join(after)}", before="/".join(before))
    _walk(turn, "rename", before, after)


def _deleted(turn: Turn, tag_id: str, label: Label) -> None:
    corp_tags.forget(turn.db, tag_id)
    if corp_tags.has(turn.db, *label):
        return  # known by another id as well
    tags.close(turn.db, *label, turn.now)
    turn.audit("rule:wecom", "tag.deleted", f"tag:{'/'.join(label)}")
    _walk(turn, "drop", label, label)


def _walk(turn: Turn, what: str, label: Label, to: Label) -> None:
    payload = {"what": what, "label": list(label), "to": list(to)}
    turn.at(turn.now, WALK, f"{WALK}:{what}:{'/'.join(label)}:{turn.cause}", payload)


def walk(turn: Turn, payload: dict[str, object]) -> None:
    """The next members and contacts of a tag that is called otherwise, or is no more."""
    what, label, to = payload["what"], _label(payload["label"]), _label(payload["to"])
    held = member_tags.some_holders(turn.db, *label, AT_ONCE, by_people=what == "drop")
    marked = corp_marks.some_named(turn.db, label, AT_ONCE) if not held else []
    if what == "rename":
        member_tags.rename(turn.db, label, to, held)
        corp_marks.rename(turn.db, label, to, marked)
    else:
        member_tags.let_go(turn.db, *label, held)
        corp_marks.forget(turn.db, label, marked)
    if held or marked:
        _walk(turn, str(what), label, to)


def _label(given: object) -> Label:
    assert isinstance(given, list)
    return str(given[0]), str(given[1])
