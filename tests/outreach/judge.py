"""The judge: what each person was sent and said, kept in its own way, and what should have been answered.

It shares nothing with what it judges but the words of the reasons: its own clock arithmetic, its own counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

HOUSE = ZoneInfo("Asia/Shanghai")


class Terms(NamedTuple):
    """The rule of the day: `quiet` in minutes of the day, `caps` as (days, most)."""

    opt_in: bool
    quiet: tuple[int, int] | None
    caps: tuple[tuple[int, int], ...]


@dataclass
class Life:
    """What the judge knows of one person."""

    zone: ZoneInfo = HOUSE
    said: str = ""
    guides: dict[str, str] = field(default_factory=dict)
    sent: list[tuple[date, str]] = field(default_factory=list)  # the house's day, what sent it
    gone: bool = False  # merged into another


class Judge:
    """Everybody's life, and the violations found."""

    def __init__(self, people: Sequence[int]) -> None:
        self.lives = {one: Life() for one in people}
        self.wrong: list[str] = []
        self.passed = 0
        self.refused: dict[str, int] = {}

    def expected(self, one: int, terms: Terms, now: datetime, userid: str) -> str:
        """What should be answered: "" = send it."""
        life = self.lives[one]
        if life.gone:
            return "merged"
        if life.said == "out":
            return "opted_out"
        if terms.opt_in and life.said != "in":
            return "no_consent"
        if self._left(life, userid):
            return "left"
        if terms.quiet and self._sleeps(life, terms.quiet, now):
            return "quiet"
        today = now.astimezone(HOUSE).date()
        if any(self._lately(life, today, days) >= most for days, most in terms.caps):
            return "capped"
        return ""

    @staticmethod
    def _left(life: Life, userid: str) -> bool:
        if userid:
            return life.guides.get(userid) != "active"
        return "left" in life.guides.values() and "active" not in life.guides.values()

    @staticmethod
    def _sleeps(life: Life, quiet: tuple[int, int], now: datetime) -> bool:
        local = now.astimezone(life.zone)
        minute, (begins, ends) = local.hour * 60 + local.minute, quiet
        return minute >= begins or minute < ends if begins > ends else begins <= minute < ends

    @staticmethod
    def _lately(life: Life, today: date, days: int) -> int:
        return sum(today - timedelta(days=days - 1) <= day for day, _ in life.sent)

    def heard(self, one: int, verdict: str, terms: Terms, now: datetime, userid: str, source: str) -> None:
        """The answer to one question; what was let through is in their life from now on."""
        expected = self.expected(one, terms, now, userid)
        if verdict != expected:
            self.wrong.append(f"member {one} at {now:%F %T}: {verdict or 'sent'}, not {expected or 'sent'}")
        if verdict:
            self.refused[verdict] = self.refused.get(verdict, 0) + 1
        else:
            self.passed += 1
            self.lives[one].sent.append((now.astimezone(HOUSE).date(), source))

    def undone(self, one: int, source: str) -> None:
        """What a source sent them never arrived."""
        life = self.lives[one]
        life.sent = [entry for entry in life.sent if entry[1] != source]

    def merged(self, survivor: int, absorbed: int) -> None:
        """Two were one person all along."""
        kept, gone = self.lives[survivor], self.lives[absorbed]
        gone.gone = True
        kept.sent += gone.sent
        kept.said = "out" if "out" in (kept.said, gone.said) else kept.said or gone.said
        for userid, state in gone.guides.items():
            if kept.guides.get(userid) != "active":
                kept.guides[userid] = state
