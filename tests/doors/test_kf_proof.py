"""微信客服 under kills, lies and a lost cursor: a small run of `python -m tests.doors.kf`, and its judge examined."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.processes import World
from tests.doors.kf import LOSSES, Play, prove
from tests.doors.kf_judge import judge

Chat = list[dict[str, Any]]


def drop_question(chat: Chat) -> None:
    chat.pop(next(at for at, said in enumerate(chat) if said["from"] == "customer"))


def double_answer(chat: Chat) -> None:
    chat.append(dict(next(said for said in chat if said["from"] == "bot" and "没有找到" in said["text"])))


def swap_answers(chat: Chat) -> None:
    first, *_, last = (at for at, said in enumerate(chat) if said["from"] == "bot" and "没有找到" in said["text"])
    chat[first], chat[last] = chat[last], chat[first]


def sixth_answer(chat: Chat) -> None:
    chat += [{"from": "bot", "msgid": str(number), "text": "再说一句"} for number in range(6)]


TAMPERINGS: dict[str, Callable[[Chat], None]] = {
    "messages lost, or made up": drop_question, "an answer twice on a phone": double_answer,
    "answers out of order": swap_answers, "a sixth message in a window": sixth_answer,
}  # fmt: skip
BREAKINGS = {
    "messages lost, or made up": "DELETE FROM inbox WHERE id = (SELECT max(id) FROM inbox WHERE kind = 'TextReceived')",
    "not done": "UPDATE inbox SET status = 'failed' WHERE id = (SELECT max(id) FROM inbox)",
    "answered more than once": """UPDATE outbox SET cause = (SELECT min(cause) FROM outbox WHERE call = 'kf/send_msg')
                                  WHERE call = 'kf/send_msg' AND member_id = (SELECT member_id FROM outbox
                                  WHERE call = 'kf/send_msg' ORDER BY cause LIMIT 1)""",
    "owed and not sent": "UPDATE outbox SET status = 'dead' WHERE call = 'kf/send_msg'",
}


@pytest.mark.chaos
@pytest.mark.slow
def test_every_message_is_handled_once_and_the_judge_would_see_otherwise(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'siyu.db'}"
    verdict = prove(Play(World(tmp_path, url, seed=3), messages=100, kills=1, losses=LOSSES[:1]))

    assert verdict.wrong == [], verdict
    assert verdict.figures["kills"] == 2
    assert verdict.figures["offered_again"] > 0

    file = tmp_path / "truth.json"
    truth = file.read_text(encoding="utf-8")
    for what, tamper in TAMPERINGS.items():
        spoilt = json.loads(truth)
        tamper(max((chat["messages"] for one in spoilt["customers"] for chat in one["kf"].values()), key=len))
        file.write_text(json.dumps(spoilt), encoding="utf-8")
        assert what in "\n".join(judge(tmp_path, url, lost_cursors=1).wrong)
    file.write_text(truth, encoding="utf-8")
    for what, sql in BREAKINGS.items():
        with closing(sqlite3.connect(tmp_path / "siyu.db")) as store:
            copy = sqlite3.connect(tmp_path / "broken.db")
            store.backup(copy)
            copy.execute(sql)
            copy.commit()
            copy.close()
        wrong = judge(tmp_path, f"sqlite:///{tmp_path / 'broken.db'}", lost_cursors=1).wrong
        assert what in "\n".join(wrong)
