"""规则打标签 tag_walk: every night all rules over all members, window by window of ids: each window is one short turn,
and one that was killed begins again where the last committed one ended. A member who just bought is looked at at once.

A rule never touches what people or WeCom put on; of an exclusive group the first rule that fits wins, and none where
people have put a tag. Play-neutral.
"""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from bot.clock import end_of_day
from bot.events import ApiAnswered
from bot.rfm_sender import SCALE
from bot.turn import Retry, Turn
from scenarios import tag_mirror, tagged
from scenarios.tag_sets import Rules
from storage import member_tags, oneid, rfm, tag_groups, tag_rules, tag_windows, tiers
from storage.rfm import Scale
from storage.tables import TagRule
from storage.tag_rules import BY, RUNNING
from storage.tag_windows import Held

NIGHT, ROUND, MORE, ONE = "tagging.night", "tagging.round", "tagging.more", "tagging.one"
WINDOW = 1_000  # members a turn: other events wait no longer than for one
SOON_S = 60.0  # rules changed one after the other are walked once
AFTER_S = 5.0  # an order is followed by others of its turn: levels, refunds


class Decided(NamedTuple):
    """What becomes of a window: whom each rule tags, keeps longer, lets go; `by` is who had put it there."""

    put: dict[int, list[int]]
    renew: dict[int, list[int]]
    off: dict[tuple[str, str, str], list[int]]  # (group, tag, by)


def decide(
    rules: list[TagRule], fits: dict[int, list[int]], held: list[Held], taken: set[tuple[int, str]],
    exclusive: set[str], ends: dict[int, datetime],
) -> Decided:  # fmt: skip
    """Who gets and who loses what. `rules` are those that have not ended, in order; `taken` what people hold of
    exclusive groups; `ends`: a tag of that rule which ends before is kept longer."""
    chosen: dict[tuple[int, str], int] = {}
    wanted: set[tuple[int, int]] = set()
    for rule in rules:
        for member_id in fits.get(rule.id, []):
            place = member_id, rule.group_name
            if rule.group_name in exclusive and (place in taken or place in chosen):
                continue
            chosen[place] = rule.id
            wanted.add((member_id, rule.id))
    made = Decided(defaultdict(list), defaultdict(list), defaultdict(list))
    by_id = {rule.id: rule for rule in rules}
    for one in held:
        rule_id = int(one.by.removeprefix(BY))
        held_rule = by_id.get(rule_id)
        if not _stays(one, held_rule, wanted, chosen, taken, exclusive):
            made.off[one.group, one.name, one.by].append(one.member_id)
        elif (one.member_id, rule_id) in wanted:
            wanted.discard((one.member_id, rule_id))
            if _soon_over(one, ends.get(rule_id)):
                made.renew[rule_id].append(one.member_id)
    for member_id, rule_id in sorted(wanted):
        made.put[rule_id].append(member_id)
    return made


def _stays(
    one: Held, rule: TagRule | None, wanted: set[tuple[int, int]], chosen: dict[tuple[int, str], int],
    taken: set[tuple[int, str]], exclusive: set[str],
) -> bool:  # fmt: skip
    """A rule's tag stays while its member fits; a paused rule's until another of its exclusive group fits."""
    if rule is None or (rule.group_name, rule.name) != (one.group, one.name):
        return False
    if rule.status == RUNNING:
        return (one.member_id, rule.id) in wanted
    place = one.member_id, one.group
    return one.group not in exclusive or not (place in chosen or place in taken)


def _soon_over(one: Held, ends: datetime | None) -> bool:
    """Kept longer before half its time is over; one that shall end no more, at once."""
    return one.expires_at is not None if ends is None else one.expires_at is None or one.expires_at < ends


# -- a window ----------------------------------------------------------------------------------------------------------


def look(turn: Turn, after: int, upto: int, at: datetime) -> tuple[int, int]:
    """Hold all rules against the members in (after, upto], as of a moment: how many tags were put on and taken off."""
    rules = tag_rules.in_order(turn.db)
    running = {rule.id: rule.rule for rule in rules if rule.status == RUNNING}
    fits = tag_windows.fitting(turn.db, running, after, upto, at) if running else {}
    exclusive = tag_groups.exclusive(turn.db, {rule.group_name for rule in rules})
    made = decide(
        rules, fits, tag_windows.held(turn.db, after, upto), tag_windows.taken(turn.db, after, upto, turn.now),
        exclusive, {rule.id: end_of_day(turn.now, (rule.days + 1) // 2) for rule in rules if rule.days},
    )  # fmt: skip
    by_id = {rule.id: rule for rule in rules}
    tiers.lock(turn.db, {one for rule_id, ids in made.put.items() if by_id[rule_id].group_name in exclusive
                         for one in ids})  # fmt: skip
    taken = tag_windows.taken(turn.db, after, upto, turn.now) if made.put and exclusive else set()
    for rule_id, ids in made.put.items():  # somebody may have put a tag on before the lock
        made.put[rule_id] = [one for one in ids if (one, by_id[rule_id].group_name) not in taken]
    return _write(turn, by_id, made)


def _write(turn: Turn, rules: dict[int, TagRule], made: Decided) -> tuple[int, int]:
    """Take off first: an exclusive group never holds two."""
    touched: dict[str, set[int]] = defaultdict(set)
    for (group, name, by), ids in made.off.items():
        tag_windows.take_off(turn.db, group, name, by, ids)
        touched[group] |= {*ids}
    for rule_id, ids in made.renew.items():
        label, until = _of(turn, rules[rule_id])
        tag_windows.renew(turn.db, *label, f"{BY}{rule_id}", ids, until)
    for rule_id, ids in made.put.items():
        label, until = _of(turn, rules[rule_id])
        for member_id in ids:
            member_tags.add(turn.db, member_id, *label, member_tags.RULE, f"{BY}{rule_id}", turn.now, until)
        touched[label[0]] |= {*ids}
    home = tag_groups.kept_home(turn.db)
    shown = sorted(set().union(*(ids for group, ids in touched.items() if group not in home)))
    if shown:
        tag_mirror.align(turn, shown)
    return sum(map(len, made.put.values())), sum(map(len, made.off.values()))


def _of(turn: Turn, rule: TagRule) -> tuple[tuple[str, str], datetime | None]:
    """A rule's tag, and until when it stays if put on now."""
    until = end_of_day(turn.now, rule.days) if rule.days else None
    if until is not None:
        tagged.ends(turn, until)
    return (rule.group_name, rule.name), until


# -- a night -----------------------------------------------------------------------------------------------------------


def night(turn: Turn, rules: Rules) -> None:
    """Everybody, by today's scale of R, F and M."""
    name = f"{turn.now:%Y-%m-%dT%H:%M}"
    if rules.rfm == rfm.QUINTILES:
        turn.owe(SCALE, {"run": name}, lane="slow", subject=SCALE, answers=True)
        return
    measure(turn, rules)
    begin(turn, name)


def measure(turn: Turn, rules: Rules) -> None:
    """Measure by the thresholds that are set."""
    if rules.rfm == rfm.THRESHOLDS:
        scale = Scale(*map(tuple, (rules.rfm_days, rules.rfm_orders, rules.rfm_fen)))
        if rfm.keep(turn.db, scale, rfm.THRESHOLDS, turn.now):
            turn.audit("rule:tagging", "rfm.scale", "rfm_scale:1", how=rfm.THRESHOLDS, **scale._asdict())


def scaled(turn: Turn, event: ApiAnswered) -> None:
    """The fifths of today's buyers; without them yesterday's scale is as good."""
    told = event.answer.get("scale")
    if event.ok and told:
        scale = Scale(*(tuple(told[name]) for name in "rfm"))
        if rfm.keep(turn.db, scale, rfm.QUINTILES, turn.now):
            turn.audit("rule:tagging", "rfm.scale", "rfm_scale:1", how=rfm.QUINTILES, **scale._asdict())
    begin(turn, event.request["run"])


def begin(turn: Turn, name: str) -> None:
    """Walk over everybody, in the place of a walk that is still on its way."""
    if not tag_rules.ever(turn.db):
        return
    run = tag_rules.begin(turn.db, turn.ids.next(), name, turn.now)
    if run is not None:
        _go_on(turn, run.id, 0)


def soon(turn: Turn) -> None:
    """Rules were made or changed: a walk within a minute or two."""
    at = turn.since(SOON_S).replace(second=0, microsecond=0) + timedelta(minutes=1)
    turn.at(at, ROUND, f"{ROUND}:{at:%Y-%m-%dT%H:%M}", {})


def _go_on(turn: Turn, run_id: int, after: int) -> None:
    turn.at(turn.now, MORE, f"{MORE}:{run_id}:{after}", {"run": run_id, "after": after})


def step(turn: Turn, run_id: int, after: int, most: int = WINDOW) -> None:
    """The next window of a walk, and the one after it; at the end, tags whose time is over go."""
    run = tag_rules.runs.one(turn.db, id=run_id, cursor=after, status=RUNNING)
    if run is None:
        return
    upto = tag_windows.upto(turn.db, after, most)
    if upto is None:
        tag_rules.finish(turn.db, run, turn.now)
        turn.audit("rule:tagging", "tags.walked", f"tag_run:{run.id}", windows=run.windows, put=run.put, off=run.off)
        turn.at(turn.now, tagged.TIMER, f"tags:run:{run.id}", {})
        return
    put, off = look(turn, after, upto, run.began_at)
    if not tag_rules.advance(turn.db, run, upto, put, off):
        raise Retry(f"run {run.id} is not at {after} any more")
    _go_on(turn, run.id, upto)


def bought(turn: Turn, member_id: int) -> None:
    """A member's orders changed: look at them when what follows from it is done."""
    if tag_rules.any_running(turn.db):
        turn.at(turn.since(AFTER_S), ONE, f"{ONE}:{member_id}:{turn.cause}", {"member_id": member_id})


def look_at(turn: Turn, payload: dict[str, Any]) -> None:
    """One member, at once."""
    person = oneid.current(turn.db, payload["member_id"])
    if person is not None:
        look(turn, person.id - 1, person.id, turn.now)
