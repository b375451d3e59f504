"""Faults on demand: what goes wrong between WeCom and the bot, by seeded dice or one by one."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

CALLBACK: dict[str, float] = {
    "duplicate": 0.0,
    "copies": 4,
    "lose": 0.0,
    "lose_group": 0.0,  # of customer groups only
    "reorder": 0,
    "late": 0.0,
    "late_s": 3.0,
    "bad_signature": 0.0,
    "twin": 0.0,
}
API: dict[str, float] = {
    "busy": 0.0,
    "http_500": 0.0,
    "timeout_before": 0.0,
    "commit_then_drop": 0.0,
    "slow": 0.0,
    "slow_s": 4.0,
    "rate": 0.0,
    "revoke": 0.0,
    "malformed": 0.0,
    "html": 0.0,
    "timeout_s": 0.5,
    "kf_empty_page": 0.05,  # not a fault: WeCom does so as well
    "kf_undelivered": 0.0,
    "kf_fail_type": 0,
}
SHOP: dict[str, float] = {
    "duplicate": 0.0,
    "copies": 4,
    "lose": 0.0,
    "unheard": 0.0,
    "reorder": 0,
    "late": 0.0,
    "late_s": 60.0,
    "bad_signature": 0.0,
    "refund_500": 0.0,
    "refund_drop": 0.0,
}
ONEBOT: dict[str, float] = {
    "drop": 0.0,
    "duplicate": 0.0,
    "reorder": 0,
    "fail": 0.0,
    "retcode": 100,
    "silent": 0.0,
    "cut_before": 0.0,
    "cut_after": 0.0,
}
CHANCES = ("busy", "http_500", "timeout_before", "commit_then_drop", "slow", "rate", "revoke", "malformed", "html")
NUMBERS = ("copies", "reorder", "late_s", "slow_s", "timeout_s", "kf_fail_type", "retcode")


class WrongFault(Exception):
    """A setting of the faults is wrong; `field` names it."""

    def __init__(self, name: str, why: str) -> None:
        super().__init__(why)
        self.field = name


@dataclass
class Scripted:
    """A fault that strikes the next calls of a path."""

    path: str
    fault: str
    errcode: int | None = None
    times: int = 1


@dataclass
class Faults:
    """Which faults are on, and the dice that decide."""

    seed: int = 1
    callback: dict[str, float] = field(default_factory=lambda: dict(CALLBACK))
    api: dict[str, float] = field(default_factory=lambda: dict(API))
    shop: dict[str, float] = field(default_factory=lambda: dict(SHOP))
    onebot: dict[str, float] = field(default_factory=lambda: dict(ONEBOT))
    api_paths: list[str] = field(default_factory=list)
    untrusted_ip: bool = False
    wrong_secret: bool = False
    silent_after: int = 30
    kf_lenient: bool = False
    kf_unverified: bool = False
    scripted: list[Scripted] = field(default_factory=list)
    dice: random.Random = field(default_factory=lambda: random.Random(1))

    def __post_init__(self) -> None:
        self.dice = random.Random(self.seed)

    def shown(self) -> dict[str, Any]:
        """The settings as JSON."""
        return {
            "seed": self.seed,
            "callback": self.callback,
            "api": self.api,
            "shop": self.shop,
            "onebot": self.onebot,
            "api_paths": self.api_paths,
            "untrusted_ip": self.untrusted_ip,
            "wrong_secret": self.wrong_secret,
            "silent_after": self.silent_after,
            "kf_lenient": self.kf_lenient,
            "kf_unverified": self.kf_unverified,
            "next": [vars(item) for item in self.scripted],
        }

    def put(self, given: dict[str, Any]) -> None:
        """Replace what is given: a group's faults that are not named are off; a group not named stays as it is.

        All or nothing: a wrong setting raises `WrongFault` and leaves every fault as it was.
        """
        for name in given:
            if name not in SETTINGS:
                raise WrongFault(name, f"没有这个设置；可用：{', '.join(SETTINGS)}")
        changes = {name: SETTINGS[name](name, value) for name, value in given.items() if name != "next"}
        vars(self).update(changes)
        if "seed" in changes:
            self.dice = random.Random(self.seed)

    def add_next(self, given: dict[str, Any]) -> None:
        """Script a fault for the next calls of a path."""
        fault = str(given.get("fault", ""))
        if fault not in CHANCES:
            raise WrongFault("fault", f"没有这个故障；可用：{', '.join(CHANCES)}")
        path = _of_kind("path", given.get("path"), str, "接口路径，如 message/send")
        errcode = None if given.get("errcode") is None else _whole("errcode", given["errcode"], None)
        self.scripted.append(Scripted(path, fault, errcode, _whole("times", given.get("times", 1), 1)))

    def strikes(self, path: str) -> Scripted | None:
        """What happens to this call."""
        for item in self.scripted:
            if item.path in ("", path):
                item.times -= 1
                if item.times <= 0:
                    self.scripted.remove(item)
                return item
        if self.api_paths and not path.startswith(tuple(self.api_paths)):
            return None
        roll = self.dice.random()
        for name in CHANCES:
            roll -= self.api[name]
            if roll < 0:
                return Scripted(path, name)
        return None

    def chance(self, name: str) -> bool:
        """Whether something the API may do happens; the dice are thrown only for what can."""
        return self.api[name] > 0 and self.dice.random() < self.api[name]

    def strikes_callback(self, name: str) -> bool:
        """A fault of some callbacks only; the dice are thrown only when it is on."""
        return self.callback[name] > 0 and self.dice.random() < self.callback[name]

    def happens(self, name: str, part: str = "callback") -> bool:
        """Whether a fault of `callback` or `shop` strikes."""
        known: dict[str, float] = getattr(self, part)
        return self.dice.random() < known[name]

    def onebot_happens(self, name: str) -> bool:
        """Whether a fault between the bot and its OneBot client strikes; the dice are thrown only for what can."""
        return self.onebot[name] > 0 and self.dice.random() < self.onebot[name]


def _checked(group: str, known: dict[str, float], given: object) -> dict[str, float]:
    """`given` over the known faults' own values; refuses a name that is none and a number out of its range."""
    for name, value in _of_kind(group, given, dict, "一组故障").items():
        if name not in known:
            raise WrongFault(f"{group}.{name}", f"没有这个故障；可用：{', '.join(known)}")
        top = 100_000 if name in NUMBERS else 1
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= top:
            raise WrongFault(f"{group}.{name}", f"要填 0 到 {top} 之间的数")
    return {**known, **given}  # type: ignore[dict-item]


def _of_kind(name: str, value: object, kind: type, wanted: str) -> Any:
    if not isinstance(value, kind):
        raise WrongFault(name, f"要填{wanted}")
    return value


def _whole(name: str, value: object, least: int | None) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or (least is not None and value < least):
        raise WrongFault(name, "要填整数" if least is None else f"要填不小于 {least} 的整数")
    return value


def _switch(name: str, value: object) -> bool:
    return bool(_of_kind(name, value, bool, "true 或 false"))


def _paths(name: str, value: object) -> list[str]:
    return [_of_kind(name, path, str, "接口路径的列表") for path in _of_kind(name, value, list, "接口路径的列表")]


SETTINGS: dict[str, Callable[[str, Any], Any]] = {
    "seed": lambda name, value: _whole(name, value, None),
    "callback": lambda name, value: _checked(name, CALLBACK, value or {}),
    "api": lambda name, value: _checked(name, API, value or {}),
    "shop": lambda name, value: _checked(name, SHOP, value or {}),
    "onebot": lambda name, value: _checked(name, ONEBOT, value or {}),
    "api_paths": _paths,
    "untrusted_ip": _switch,
    "wrong_secret": _switch,
    "kf_lenient": _switch,
    "kf_unverified": _switch,
    "silent_after": lambda name, value: _whole(name, value, 0),
    "next": lambda name, value: value,  # shown among the rest; scripted by a word of its own
}
