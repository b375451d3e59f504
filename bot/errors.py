"""One family of errors: a class's docstring is its default message; one bit, `permanent`, decides retry or give up."""

from __future__ import annotations

import enum


class BotError(Exception):
    """Something went wrong in the bot."""

    def __init__(self, message: str = "") -> None:
        super().__init__(message or (type(self).__doc__ or "").strip())


class ConfigError(BotError):
    """A setting is wrong: `field` names it, `remedy` says what to do."""

    def __init__(self, field: str, remedy: str) -> None:
        super().__init__(f"{field}: {remedy}")
        self.field, self.remedy = field, remedy


class NotStored(BotError):
    """The database did not take the work; whoever sent it must send it again."""


@enum.unique
class Action(enum.Enum):
    """What to do about a failed call."""

    RETRY = "retry"
    WAIT = "wait"
    SLOW = "slow"
    DROP = "drop"
    STOP = "stop"
    CONFIG = "config"
    BUG = "bug"


class WeComError(BotError):
    """WeCom refused a call."""

    def __init__(
        self,
        errcode: int | None,
        errmsg: str = "",
        path: str = "",
        *,
        action: Action = Action.BUG,
        wait_s: float = 0.0,
        hint: str = "",
        blames: bool = False,
    ) -> None:
        super().__init__(f"{path}: {errcode} {errmsg}")
        self.errcode, self.errmsg, self.path, self.action = errcode, errmsg, path, action
        # `hint` differs in every answer, so it stays out of the message: two failures of one cause read alike.
        self.wait_s, self.hint = wait_s, hint
        self.blames = blames  # this try counts in the row's faults: such tries are few

    @property
    def permanent(self) -> bool:
        """Whether trying again cannot help."""
        return self.action in (Action.DROP, Action.BUG, Action.CONFIG, Action.STOP)


class WeComUnreachable(WeComError):
    """No usable answer came. `ambiguous`: the request may have been carried out all the same."""

    def __init__(self, path: str, why: str, *, ambiguous: bool) -> None:
        super().__init__(None, why, path, action=Action.RETRY)
        self.ambiguous = ambiguous


class RequestRefused(WeComError):
    """We did not send a request that WeCom would have refused: `field` broke `limit`."""

    def __init__(self, path: str, field: str, limit: str) -> None:
        super().__init__(None, f"{field}: {limit}", path, action=Action.BUG)
        self.field, self.limit = field, limit
