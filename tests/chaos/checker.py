"""判官 checker: recomputes from zero who should own what, and looks whether it is so.

`python -m tests.chaos.checker WORKDIR DATABASE_URL`: one line a rule, exit 1 when any is violated.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.chaos.evidence import NAME, NOTICE_MARK, RELAY_MARK, Evidence, Pair, Told

SHOWN = 5
PARTING = ("del_external_contact", "del_follow_user")


def inbox_once(e: Evidence) -> Iterator[str]:
    """每个应答过的回调恰好入箱一次: each acknowledged plaintext is in the inbox once, and nothing else is."""
    held = e.counted("SELECT key FROM inbox WHERE source = 'wecom_app'")
    for told in e.accepted():
        if held[told.key] == 0:
            yield f"acknowledged but not stored: {told.key}"
    for key, times in held.items():
        if times != 1:
            yield f"stored {times} times: {key}"
        if key not in e.told:
            yield f"never sent: {key}"


def inbox_done(e: Evidence) -> Iterator[str]:
    """没有失败、死亡或隔离的事件: every event stored is done."""
    for key, status, error in e.rows("SELECT key, status, error FROM inbox WHERE status <> 'done'"):
        yield f"{status}: {key} {error}"


def members_once(e: Evidence) -> Iterator[str]:
    """每位客户恰好一个会员: everyone owed a gift or heard of is one member by one identity; nobody else is any."""
    members = e.members()
    heard = {t.fields["ExternalUserID"] for t in e.accepted() if t.fields.get("ExternalUserID") in e.customers}
    for customer in sorted(e.owed_gifts() | heard):
        if len(members.get(customer, ())) != 1:
            yield f"{customer} is {len(members.get(customer, ()))} members"
    for customer in members:
        if customer not in e.customers:
            yield f"nobody in the script: {customer}"
    identified = Counter(ids[0] for ids in members.values() if ids)
    for member_id, merged_into in e.rows("SELECT id, merged_into FROM member"):
        if merged_into is not None or identified[member_id] != 1:
            yield f"member {member_id} goes by {identified[member_id]} names, merged into {merged_into}"


def unionids(e: Evidence) -> Iterator[str]:
    """unionid 归对人: a unionid stands for the customer whom the script gave it."""
    members = e.members()
    owner = {c["unionid"]: customer for customer, c in e.customers.items() if c["unionid"]}
    for unionid, member_id in e.rows("SELECT external_id, member_id FROM identity WHERE channel = 'unionid'"):
        if members.get(owner.get(unionid, ""), []) != [member_id]:
            yield f"{unionid} stands for member {member_id}"


def _holders(e: Evidence) -> dict[str, int]:
    return {customer: ids[0] for customer, ids in e.members().items() if ids}


def gifts_once(e: Evidence) -> Iterator[str]:
    """新人礼恰好一份: one grant for everyone owed one; for whoever left unheard at most one, if they ever joined."""
    granted = e.counted("""SELECT member_id FROM "grant" WHERE campaign = 'sign_up' AND status = 'granted'""")
    owed, ever = e.owed_gifts(), {told.pair[0] for told in e.joins()}
    for customer, member_id in _holders(e).items():
        least, most = int(customer in owed), int(customer in ever | owed)
        if not least <= granted[member_id] <= most:
            yield f"{customer} got {granted[member_id]} gifts, owed {least}..{most}"
    for member_id in granted.keys() - _holders(e).values():
        yield f"member {member_id} has a gift and no name"


def points_exact(e: Evidence) -> Iterator[str]:
    """积分分毫不差: what everyone holds is the gift's points, in the balance and in the transfers."""
    granted = e.counted("""SELECT member_id FROM "grant" WHERE campaign = 'sign_up' AND status = 'granted'""")
    held = e.counted("SELECT account, amount FROM balance WHERE asset = 'points'")
    moved = e.counted("SELECT credit, amount FROM transfer WHERE asset = 'points'")
    owed = e.owed_gifts()
    for customer, member_id in _holders(e).items():
        due = e.rules["points"] if customer in owed else e.rules["points"] * granted[member_id]
        account = f"member:{member_id}"
        if (held[account], moved[account]) != (due, due):
            yield f"{customer} holds {held[account]}, was given {moved[account]}, should have {due}"


def coupons_exact(e: Evidence) -> Iterator[str]:
    """券一张不多一张不少: exactly the configured coupons for each gift."""
    granted = e.counted("""SELECT member_id FROM "grant" WHERE campaign = 'sign_up' AND status = 'granted'""")
    owed, held = e.owed_gifts(), Counter(e.rows("SELECT member_id, template FROM coupon WHERE status = 'active'"))
    for customer, member_id in _holders(e).items():
        for template, count in e.rules["coupons"].items():
            due = count if customer in owed else count * granted[member_id]
            if held[member_id, template] != due:
                yield f"{customer} holds {held[member_id, template]} of {template}, should have {due}"
    configured = {*e.rules["coupons"], *e.rules.get("templates", ())}
    if extra := sum(n for (_, template), n in held.items() if template not in configured):
        yield f"{extra} coupons of templates nobody configured"


def welcome_once(e: Evidence) -> Iterator[str]:
    """欢迎语至多一次: a welcome code is used once and was given with a joining event."""
    given = {told.fields["WelcomeCode"] for told in e.joins() if told.fields.get("WelcomeCode")}
    for code, times in Counter(b["welcome_code"] for b in e.effects("externalcontact/send_welcome_msg")).items():
        if times != 1 or code not in given:
            yield f"{code} delivered {times} times, given: {code in given}"


def _overtaken(join: Told, others: list[Told]) -> bool:
    """A later beginning of the same pair may have been heard first: the earlier one is no news then."""
    assert join.accepted is not None
    return any(int(o.fields["CreateTime"]) > int(join.fields["CreateTime"]) and o.sent < join.accepted for o in others)


def notices_once(e: Evidence) -> Iterator[str]:
    """导购通知恰好一次: one message for each joining event acknowledged; nameless where the name was not to be had."""
    named: Counter[Pair] = Counter()
    unnamed: Counter[str] = Counter()
    names = {c["name"]: customer for customer, c in e.customers.items()}
    for guide, text in e.messages():
        if NOTICE_MARK in text:
            who = NAME.search(text)
            if who:
                named[names[who[0]], guide] += 1
            else:
                unnamed[guide] += 1
    of_pair: dict[Pair, list[Told]] = {}
    for join in e.joins():
        of_pair.setdefault(join.pair, []).append(join)
    missing: Counter[str] = Counter()
    room: Counter[str] = Counter()
    for pair, joins in of_pair.items():
        least = sum(j.accepted is not None and not _overtaken(j, joins) for j in joins)
        missing[pair[1]] += max(0, least - named[pair])
        room[pair[1]] += len(joins) - named[pair]
        if named[pair] > len(joins):
            yield f"{pair} joined {len(joins)} times, told {named[pair]} times"
    for guide in missing.keys() | unnamed.keys():
        if not missing[guide] <= unnamed[guide] <= room[guide]:
            yield f"{guide}: {missing[guide]} joins without a named notice, {unnamed[guide]} nameless ones arrived"


def replies_once(e: Evidence) -> Iterator[str]:
    """每句话恰好一个回答: each text of a guide that was acknowledged is answered once."""
    said = Counter(t.fields["FromUserName"] for t in e.accepted() if t.fields.get("MsgType") == "text")
    unheard = Counter(t.fields["FromUserName"] for t in e.told.values() if t.fields.get("MsgType") == "text")
    answers = Counter(guide for guide, text in e.messages() if NOTICE_MARK not in text and RELAY_MARK not in text)
    for guide in said.keys() | answers.keys():
        if not said[guide] <= answers[guide] <= unheard[guide]:
            yield f"{guide} said {said[guide]} (sent {unheard[guide]}) and was answered {answers[guide]} times"


def calls_have_causes(e: Evidence) -> Iterator[str]:
    """没有无缘无故的调用: every call that changed something stands in the outbox, as often as it happened."""
    rows = e.rows("SELECT call, payload FROM outbox")
    owed = Counter(_meaning(call, json.loads(payload)) for call, payload in rows)
    for path in ("message/send", "externalcontact/send_welcome_msg", "externalcontact/mark_tag"):
        idempotent = path.endswith("mark_tag")
        for meaning, times in Counter(_meaning(path, body) for body in e.effects(path)).items():
            if owed[meaning] == 0 or (times > owed[meaning] and not idempotent):
                yield f"happened {times} times, owed {owed[meaning]}: {meaning}"


def _meaning(path: str, body: dict[str, Any]) -> tuple[str, ...]:
    if path == "message/send":
        return path, body["touser"], body["text"]["content"]
    if path == "externalcontact/send_welcome_msg":
        return path, body["welcome_code"], body["text"]["content"]
    return path, str(body.get("external_userid")), str(body.get("userid"))


def outbox_settled(e: Evidence) -> Iterator[str]:
    """没有卡住的投递: nothing is pending, leased or dead, and no message to a guide was given up."""
    for row in e.rows("SELECT id, call, status, error FROM outbox WHERE status IN ('pending', 'leased', 'dead')"):
        yield f"outbox {row}"
    for row in e.rows("SELECT id, call, error FROM outbox WHERE status = 'suppressed' AND call = 'message/send'"):
        yield f"given up: {row}"


def follows_true(e: Evidence) -> Iterator[str]:
    """跟进关系等于真相: whom the bot thinks a guide follows is whom the sandbox says."""
    known = set(e.rows("SELECT external_userid, userid FROM follow WHERE status IN ('active', 'half')"))
    for pair in sorted(known ^ e.related.keys()):
        yield f"{pair} is {'only ours' if pair in known else 'only the truth'}"


def tags_true(e: Evidence) -> Iterator[str]:
    """渠道标签打上: who came by a channel and stayed bears its tag."""
    left = {told.pair for told in e.told.values() if told.fields.get("ChangeType") in PARTING}
    for pair, standing in e.related.items():
        if standing.get("state") and pair not in left and standing["state"] not in standing.get("tags", []):
            yield f"{pair} came by {standing['state']} and bears {standing.get('tags')}"


Rule = Callable[[Evidence], Iterator[str]]
RULES: tuple[Rule, ...] = (
    inbox_once, inbox_done, members_once, unionids, gifts_once, points_exact, coupons_exact, welcome_once, notices_once,
    replies_once, calls_have_causes, outbox_settled, follows_true, tags_true,
)  # fmt: skip


def judge(evidence: Evidence, rules: tuple[Rule, ...] = RULES) -> dict[str, list[str]]:
    """Rule -> what violates it."""
    return {rule.__name__: list(rule(evidence)) for rule in rules}


def welcomed(evidence: Evidence) -> tuple[int, int]:
    """How many of the joins acknowledged with a code were welcomed; under kills this is told, not demanded."""
    acknowledged = [told.fields for told in evidence.joins() if told.accepted is not None]
    codes = {fields["WelcomeCode"] for fields in acknowledged if fields.get("WelcomeCode")}
    sent = {body["welcome_code"] for body in evidence.effects("externalcontact/send_welcome_msg")}
    return len(codes & sent), len(codes)


def report(verdict: dict[str, list[str]]) -> str:
    """One line a rule, some examples, and the sum."""
    lines = []
    for rule, violations in verdict.items():
        lines.append(f"checker: {'ok  ' if not violations else 'FAIL'} {rule} ({len(violations)})")
        lines += [f"    {violation}" for violation in violations[:SHOWN]]
    lines.append(f"checker: {len(verdict)} rules, {sum(map(len, verdict.values()))} violations")
    return "\n".join(lines)


if __name__ == "__main__":
    found = judge(Evidence(Path(sys.argv[1]), sys.argv[2]))
    sys.stdout.write(report(found) + "\n")
    sys.exit(any(found.values()))
