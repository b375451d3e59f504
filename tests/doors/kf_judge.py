"""The judge of the KF proof: reads the sandbox's log, its final truth and the database; imports nothing it judges."""

from __future__ import annotations

import base64
import json
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from tests.chaos.evidence import reader

MOST = 5  # messages of ours in a window, as WeCom counts
ASKED = re.compile(r"帮砍 (q\d+n\d+)")
ECHO = re.compile(r"没有找到砍价码 (q\d+n\d+)")
LOG_S = 3 * 86_400


@dataclass
class Verdict:
    """What was seen, and what must not have been: `wrong` is empty when everything is as it must be."""

    figures: dict[str, Any] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def must(self, holds: bool, what: str, seen: Any = "") -> None:
        """Note what does not hold."""
        if not holds:
            self.wrong.append(f"{what}: {str(seen)[:300]}")


def judge(workdir: Path, database_url: str, *, lost_cursors: int) -> Verdict:
    """Look at everything a run has left."""
    truth = json.loads((workdir / "truth.json").read_text(encoding="utf-8"))
    chats = {
        person["external_userid"]: chat["messages"]
        for person in truth["customers"]
        for chat in person["kf"].values()
    }  # fmt: skip
    rows, verdict = reader(database_url), Verdict()
    log = list(_calls(workdir / "sandbox.jsonl"))
    _handled_once(verdict, chats, rows)
    _answered_once_in_order(verdict, chats, rows)
    _never_a_sixth(verdict, chats, log)
    _cursor_lost(verdict, log, lost_cursors)
    return verdict


def _calls(file: Path) -> Iterator[dict[str, Any]]:
    with file.open(encoding="utf-8") as lines:
        for line in lines:
            entry = json.loads(line)
            if entry["type"] == "call":
                yield entry


def _handled_once(verdict: Verdict, chats: dict[str, Any], rows: Any) -> None:
    """Every message stands in the inbox once, done; and what is there was written by somebody."""
    written = {
        f"wecom_kf:msg:{said['msgid']}" for chat in chats.values() for said in chat if said["from"] == "customer"
    }
    kept = Counter(
        row[0] for row in rows("SELECT key FROM inbox WHERE key LIKE 'wecom_kf:msg:%' AND kind = 'TextReceived'")
    )
    undone = rows("SELECT key, status FROM inbox WHERE status <> 'done'")
    verdict.figures |= {"members": len(chats), "messages": len(written), "handled": len(kept)}
    verdict.must(set(kept) == written, "messages lost, or made up", sorted(set(kept) ^ written)[:5])
    verdict.must(max(kept.values(), default=0) <= 1, "kept more than once", kept.most_common(3))
    verdict.must(not undone, "not done", undone[:5])


def _answered_once_in_order(verdict: Verdict, chats: dict[str, Any], rows: Any) -> None:
    """Each message has one effect: an answer, or, where the window is full, a note of what nobody could be told. On
    the phones no answer stands twice, and they stand in the order of the questions."""
    effects: Counter[str] = Counter()
    untold = "SELECT cause FROM audit_log WHERE action = 'member.untold' AND cause LIKE 'wecom_kf:msg:%'"
    own = """SELECT o.cause FROM outbox o JOIN inbox i ON i.key = o.cause JOIN identity d ON d.member_id = o.member_id
             AND d.channel = 'wecom' WHERE o.call = 'kf/send_msg' AND i.kind = 'TextReceived'
             AND i.payload LIKE '%"' || d.external_id || '"%'"""
    effects.update(row[0] for row in rows(own))
    answered, untold_answers, arrived, shuffled, doubled = sum(effects.values()), 0, 0, [], []
    notes: Counter[str] = Counter(row[0] for row in rows(untold))
    for who, chat in chats.items():
        asked = [found[1] for said in chat if said["from"] == "customer" and (found := _code(ASKED, said))]
        shown = [found[1] for said in chat if said["from"] == "bot" and (found := _code(ECHO, said))]
        place = {code: number for number, code in enumerate(asked)}
        arrived += len(shown)
        if len(set(shown)) < len(shown):
            doubled.append((who, [code for code, times in Counter(shown).items() if times > 1]))
        if [place[code] for code in shown] != sorted(place[code] for code in shown):
            shuffled.append((who, shown[:10]))
    for key in [
        f"wecom_kf:msg:{said['msgid']}" for chat in chats.values() for said in chat if said["from"] == "customer"
    ]:
        if not effects[key]:
            untold_answers += 1
            verdict.must(notes[key] >= 1, "neither answered nor noted", key)
        verdict.must(effects[key] <= 1, "answered more than once", key)
    unsent = rows("SELECT status, count(*) FROM outbox WHERE call = 'kf/send_msg' AND status <> 'sent' GROUP BY status")
    verdict.figures |= {"answers": answered, "echoes_on_phones": arrived, "window_full_noted": untold_answers,
                        "answers_not_sent": dict(unsent)}  # fmt: skip
    verdict.must(not doubled, "an answer twice on a phone", doubled[:3])
    verdict.must(not shuffled, "answers out of order", shuffled[:3])
    verdict.must(not unsent, "owed and not sent", unsent)


def _code(pattern: re.Pattern[str], said: dict[str, Any]) -> re.Match[str] | None:
    return pattern.match(str(said.get("text") or ""))


def _never_a_sixth(verdict: Verdict, chats: dict[str, Any], log: list[dict[str, Any]]) -> None:
    """By the sandbox's own count: it refused nothing for number or age, and no phone shows six in a row."""
    fullest = 0
    for chat in chats.values():
        run = 0
        for said in chat:
            run = run + 1 if said["from"] == "bot" else 0
            fullest = max(fullest, run)
    sent = [call for call in log if call["path"] == "kf/send_msg" and not call["fault"]]
    refused = Counter(call["reply"].get("errcode") for call in sent)
    outcomes = {code: times for code, times in refused.items() if code}
    verdict.figures |= {"fullest_window": fullest, "send_msg_refusals": outcomes}
    verdict.must(fullest <= MOST, "a sixth message in a window", fullest)
    verdict.must(fullest >= MOST - 1, "the windows were never put to the test", fullest)
    verdict.must(not set(outcomes) - {95033, 40014, 42001}, "WeCom refused", outcomes)


def _cursor_lost(verdict: Verdict, log: list[dict[str, Any]], lost_cursors: int) -> None:
    """After each loss the log was offered from its oldest on: what of it was no older than three days."""
    pulls = [call for call in log if call["path"] == "kf/sync_msg" and not call["fault"]]
    pages = [call for call in pulls if call["reply"].get("errcode") == 0]
    offered = [message["msgid"] for call in pages for message in call["reply"]["msg_list"]]
    restarts = [call for call in pages if not _seq(call["body"].get("cursor")) and call["reply"]["msg_list"]]
    oldest = [_seconds(call["vat"]) - call["reply"]["msg_list"][0]["send_time"] for call in restarts]
    asked = Counter(call["body"].get("cursor") for call in pages if call["reply"]["msg_list"])
    verdict.figures |= {
        "pages": len(pages), "pages_asked_again": sum(asked.values()) - len(asked),
        "cursors_refused": sum(call["reply"].get("errcode") == 50100 for call in pulls),
        "from_the_oldest": len(restarts), "offered": len(offered), "offered_again": len(offered) - len(set(offered)),
        "oldest_offered_h": [round(age / 3600) for age in oldest],
    }  # fmt: skip
    verdict.must(len(restarts) > lost_cursors, "the pull never began at the oldest again", len(restarts))
    verdict.must(verdict.figures["cursors_refused"] >= 1, "no cursor was refused")
    verdict.must(max(oldest, default=0) <= LOG_S, "older than the log is", oldest)
    verdict.must(verdict.figures["offered_again"] >= verdict.figures["messages"] // 5, "too little was offered again")


def _seq(cursor: str | None) -> int:
    """Where a cursor of the sandbox stands; an empty page moves it no further than the beginning."""
    return int(base64.urlsafe_b64decode(cursor).split(b".")[0]) if cursor else 0


def _seconds(moment: str) -> float:
    return datetime.fromisoformat(moment).timestamp()
