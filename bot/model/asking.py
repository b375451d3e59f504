"""提问 asking: how a step asks the model. The answer comes back as an `ApiAnswered` of `model/chat`:

    refused = ask(turn, "replies/answer", member=person, about={"kf": …}, question=event.text, facts=facts)
    if refused is not None: answer without the model, now

    @router.on(ApiAnswered)
    def answered(turn, event):
        if event.call == CALL and event.request["prompt"] == "replies/answer":
            about = event.request["about"]                      # yours, never sent
            if event.ok:   value = Answer(**event.answer["value"])
            else:          name_of(event.errcode)               # late, timeout, garbage, …: answer without the model

What comes back is words of the prompt's schema and nothing else; a reply is checked against facts before it is said.
"""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from bot.clock import local_day
from bot.events import ApiAnswered
from bot.model.failures import CALL, Failure, name_of
from bot.model.prompts import Prompt, prompts
from bot.sections import Llm
from bot.turn import Turn, Work
from storage import model_calls
from storage.members import Person
from storage.model_calls import Budgets
from storage.tables import ModelCall

__all__ = ["CALL", "Failure", "ask", "name_of", "reserve", "settle"]

LANE = "model"
GOOD_FOR_S = 60.0  # whoever asked is gone after that
LATELY = timedelta(minutes=10)
SAME_MOST, ANY_MOST = 3, 30  # questions of one member within that time: the same one, any


def ask(
    turn: Turn,
    name: str,
    /,
    *,
    member: Person | None,
    about: dict[str, Any],
    names: Sequence[str] = (),
    good_for_s: float = GOOD_FOR_S,
    **inputs: str,
) -> Failure | None:
    """Owe the model a question; None when it is owed, else why it is not asked at all.

    `inputs` are the prompt's, data from whatever source; `about` comes back with the answer and is not sent; `names`
    are called by placeholders outside, as the member's own name is.
    """
    if not turn.llm.on:
        return Failure.OFF
    prompt = prompts()[name]
    cleaned, member_id = prompt.cleaned(inputs), member.id if member else 0
    digest = _digest(prompt, cleaned)
    if member_id and (looping := _looping(turn, member_id, digest)) is not None:
        return looping
    hidden = [*([member.name] if member and member.name else []), *names]
    payload = {"prompt": name, "version": prompt.front.version, "inputs": cleaned, "about": about, "names": hidden}
    row_id = turn.ids.next()
    refused = reserve(turn, turn.llm, prompt, row_id, member_id, digest, cleaned)
    if refused is None:
        expires_at = turn.since(good_for_s)
        turn.owe(
            CALL, payload, lane=LANE, member_id=member_id or None, expires_at=expires_at, answers=True, row_id=row_id
        )
    return refused


def reserve(
    work: Work, llm: Llm, prompt: Prompt, row_id: int, member_id: int, digest: str, inputs: dict[str, str]
) -> Failure | None:
    """Hold what a call may use in the budgets of its day and its member."""
    call = ModelCall(
        id=row_id, day=local_day(work.now), member_id=member_id, prompt=prompt.front.name,
        version=prompt.front.version, digest=digest, reserved=prompt.estimate(inputs), tokens=0, charged=0, tries=0,
        rung="", outcome="", asked_at=work.now, over_at=None,
    )  # fmt: skip
    short = model_calls.reserve(work.db, call, Budgets(llm.daily_tokens, llm.member_daily_tokens))
    return {"": None, "day": Failure.DAY, "member": Failure.MEMBER}[short]


def settle(turn: Turn, event: ApiAnswered) -> None:
    """The call is over, well or not: the budgets get back what it did not use."""
    model_calls.close(turn.db, event.outbox_id, "ok" if event.ok else name_of(event.errcode), turn.now)


def _looping(turn: Turn, member_id: int, digest: str) -> Failure | None:
    asked = model_calls.lately(turn.db, member_id, turn.now - LATELY)
    if digest and asked.get(digest, 0) >= SAME_MOST:
        return Failure.REPEATED
    return Failure.OFTEN if sum(asked.values()) >= ANY_MOST else None


def _digest(prompt: Prompt, inputs: dict[str, str]) -> str:
    """Of what may not be asked over and over: letters and digits only, so that a dot more is no other question."""
    if not prompt.front.repeats:
        return ""
    said = unicodedata.normalize("NFKC", inputs[prompt.front.repeats]).casefold()
    letters = "".join(char for char in said if char.isalnum())
    return hashlib.sha256(f"{prompt.front.name}:{letters}".encode()).hexdigest()[:32]
