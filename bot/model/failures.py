"""Why the model gave no answer. Nobody waits for a second try: whoever asked answers without the model."""

from __future__ import annotations

import enum

from bot.errors import Action, WeComError

CALL = "model/chat"


@enum.unique
class Failure(enum.IntEnum):
    """What went wrong; the number is the answer event's `errcode`, the name stands in metrics and in `model_call`."""

    OFF = 9001  # no base_url, key or model is configured
    DAY = 9002  # the day's budget has too little left
    MEMBER = 9003  # the member's budget has too little left
    REPEATED = 9004  # the same thing was asked a few times already
    OFTEN = 9005  # one member asks very often: two bots may be talking to each other
    LATE = 9006  # it lay too long before it could be made
    TIMEOUT = 9011
    LIMITED = 9012  # 429
    UNREACHABLE = 9013
    DOWN = 9014  # 5xx
    WRONG_URL = 9015  # a page instead of JSON, or no such path
    REFUSED_KEY = 9016  # 401, 403
    REFUSED = 9017  # 400 and its like: the model's name, or something in the request
    OPEN = 9018  # the breaker: it failed again and again, and is left alone for a while
    NO_CHOICES = 9021
    EMPTY = 9022
    CUT = 9023  # longer than allowed
    FILTERED = 9024  # the vendor's content filter, or the model, declined
    GARBAGE = 9025  # not what the schema asks for


# What says something about the service and not about this one question.
BREAKING = frozenset({
    Failure.TIMEOUT, Failure.LIMITED, Failure.UNREACHABLE, Failure.DOWN, Failure.WRONG_URL, Failure.REFUSED_KEY,
    Failure.REFUSED, Failure.NO_CHOICES, Failure.EMPTY, Failure.GARBAGE,
})  # fmt: skip


# What a moment later may be over.
AGAIN = frozenset({Failure.LIMITED, Failure.DOWN, Failure.UNREACHABLE})


class ModelFailed(WeComError):
    """The model gave no usable answer. `wait_s`: how long the service wants to be left alone."""

    def __init__(self, failure: Failure, why: str = "", tokens: int = 0, tries: int = 0, wait_s: float = 0.0) -> None:
        says = f"{failure.name.lower()} {why}".strip()
        super().__init__(int(failure), says, CALL, action=Action.DROP, wait_s=wait_s)
        self.failure, self.why, self.tokens, self.tries = failure, why, tokens, tries


def name_of(errcode: int | None) -> str:
    """A failure's name by its number; one that delivery gave up itself was late."""
    try:
        return Failure(errcode).name.lower() if errcode is not None else Failure.LATE.name.lower()
    except ValueError:
        return Failure.GARBAGE.name.lower()
