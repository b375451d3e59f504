"""The code table as data."""

from __future__ import annotations

import pytest

from bot.errors import Action, WeComError
from bot.wecom.answers import refusal
from bot.wecom.codes import CODES, verdict


@pytest.mark.parametrize(
    ("action", "codes"),
    [
        (Action.RETRY, [-1, 40014, 42001, 41096, 45035, 50100]),
        (Action.WAIT, [45009]),
        (Action.SLOW, [45033, 45036]),
        (Action.STOP, [40001, 40013]),
        (Action.DROP, [40003, 60111, 40096, 41050, 41051, 60140, 81013, 84061, 90501, 49008]),
        (Action.CONFIG, [40056, 48002, 48001, 48006, 60031, 50001, 60011, 60021, 60030, 60020, 84074, 701008]),
        (Action.BUG, [40007, 40145, 40008, 41001, 40058, 40063, 45002, 82001, 42014, 42018, 42030]),
    ],
)  # fmt: skip
def test_each_code_has_its_action(action: Action, codes: list[int]) -> None:
    assert {code: verdict(code).action for code in codes} == dict.fromkeys(codes, action)


def test_an_unknown_code_is_not_repeated_blindly() -> None:
    error = refusal("message/send", 987654, "something new")
    assert (error.action, error.permanent) == (Action.BUG, True)


def test_only_what_may_help_is_tried_again() -> None:
    again = {Action.RETRY, Action.WAIT, Action.SLOW}
    assert {WeComError(code, action=act).permanent == (act not in again) for code, (act, _) in CODES.items()} == {True}


def test_zero_is_no_error() -> None:
    assert 0 not in CODES


@pytest.mark.parametrize(
    ("errmsg", "message", "hint"),
    [
        ("access_token expired, hint: [17_28_abc], from ip: 1.2.3.4, more info at https://x?e=42001",
         "access_token expired", "17_28_abc from ip: 1.2.3.4"),
        ("invalid parameter, hint: [17_ab], Warning: wrong json format.", "invalid parameter", "17_ab"),
        ("ok", "ok", ""),
        ("", "", ""),
    ],
)  # fmt: skip
def test_the_hint_is_taken_apart(errmsg: str, message: str, hint: str) -> None:
    error = refusal("message/send", 42001, errmsg)
    assert (error.errmsg, error.hint) == (message, hint)
