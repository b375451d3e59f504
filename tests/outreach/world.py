"""The world: time passes, people refuse, come back, move, leave their guides, turn out to be one; and all the while
the house asks whom it may reach. What asks is the real `scenarios.outreach` on a real database.
"""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bot.event_base import Event
from bot.ids import SeededChance
from bot.sections import Cap, Outreach
from bot.texts import Texts
from bot.turn import Turn
from scenarios import outreach
from storage import consent, follows, members, oneid
from storage.consent import Said
from storage.engine import Database
from storage.ids import Ids
from storage.rows import Rows
from storage.tables import MemberProfile
from tests.outreach.judge import HOUSE, Judge, Terms

ZONES = ("Asia/Urumqi", "America/New_York", "Europe/London", "Australia/Sydney", "Asia/Kolkata", "Pacific/Auckland",
         "America/St_Johns", "UTC")  # fmt: skip
GUIDES = ("lina", "wang", "zhao")
profiles = Rows(MemberProfile)


def hours(quiet: tuple[int, int] | None) -> str:
    """As config.toml writes them."""
    return "-".join(f"{at // 60:02}:{at % 60:02}" for at in quiet) if quiet else ""


class World:
    """A database, its people, the clock, and the judge beside them."""

    def __init__(self, database: Database, people: int, seed: int, blind: str = "") -> None:
        """`blind`: what the house does not look at (caps, quiet, opt_in), to see that the judge does."""
        self.dice, self.blind = random.Random(seed), blind
        self.db, self.now = database.writer_db(), datetime(2026, 3, 1, tzinfo=UTC)
        self.ids, self.texts, self.chance = Ids(self.db), Texts(), SeededChance(seed)
        self.db.begin()
        names = [("wecom", f"wm{n}") for n in range(people)]
        self.everyone = [members.create(self.db, self.ids, name, "test", self.now).id for name in names]
        self.judge = Judge(self.everyone)
        self.links: dict[tuple[int, str], str] = {}  # by what name a guide has somebody
        for one in self.everyone:
            if self.dice.random() < 0.6:
                self._follow(one, self.dice.choice(GUIDES))
        self.db.commit()
        self.asked = 0
        self.new_terms()

    def new_terms(self) -> None:
        """Somebody edits config.toml."""
        dice = self.dice
        quiet = None if dice.random() < 0.15 else (dice.randrange(1440), dice.randrange(1440))
        quiet = None if quiet and quiet[0] == quiet[1] else quiet
        days = sorted(dice.sample((1, 2, 7, 30), dice.randint(0, 3)))
        caps = tuple((length, dice.randint(1, 2 + length // 3)) for length in days)
        self.terms = Terms(dice.random() < 0.3, quiet, caps)
        self.settings = Outreach(
            require_opt_in=self.terms.opt_in and self.blind != "opt_in",
            quiet=hours(None if self.blind == "quiet" else quiet),
            caps=[] if self.blind == "caps" else [Cap(days=length, most=most) for length, most in caps],
        )

    def passes(self) -> None:
        """Minutes or hours go by."""
        self.now += timedelta(minutes=self.dice.choice((3, 40, 90, 400)), seconds=self.dice.randrange(60))

    def turn(self) -> Turn:
        """One event's turn."""
        event = Event(key="t", source="test", at=self.now, sender=None)
        return Turn(self.db, self.ids, self.now, "test", self.texts, self.chance, event, {}, outreach=self.settings)

    def ask(self, count: int) -> None:
        """The house wants to reach so many, and is told whom it may; some of it never arrives."""
        whom = self.dice.sample(self.everyone, min(count, len(self.everyone)))
        userid = self.dice.choice(("",) * 9 + GUIDES)
        self.asked += len(whom)
        source = f"broadcast:{self.asked}"
        self.db.begin()
        stopped = outreach.reach_all(self.turn(), whom, source, userid=userid)
        for one in whom:
            verdict = stopped[one].reason if one in stopped else ""
            self.judge.heard(one, verdict, self.terms, self.now, userid, source)
        lost = [one for one in whom if one not in stopped and self.dice.random() < 0.05]
        outreach.undo(self.turn(), lost, source)
        for one in lost:
            self.judge.undone(one, source)
        self.db.commit()

    def happens(self) -> None:
        """Something happens to somebody."""
        one, what = (
            self.dice.choice(self.everyone),
            self.dice.choice(("says",) * 5 + ("guide",) * 4 + ("moves", "merges")),
        )
        if self.judge.lives[one].gone:
            return
        self.db.begin()
        getattr(self, f"_{what}")(one)
        self.db.commit()

    def _says(self, one: int) -> None:
        state = self.dice.choice((consent.IN, consent.OUT))
        consent.record(self.db, self.ids, one, Said(state, "member", "kf"), "test", self.now)
        self.judge.lives[one].said = state

    def _moves(self, one: int) -> None:
        zone = self.dice.choice(ZONES)
        values: dict[str, Any] = {"zone": zone, "source": "test", "changed_at": self.now}
        if not profiles.change(self.db, values, member_id=one):
            profiles.add(self.db, MemberProfile(member_id=one, birthday=None, birth_year=None, **values))
        self.judge.lives[one].zone = ZoneInfo(zone)

    def _guide(self, one: int) -> None:
        userid = self.dice.choice(GUIDES)
        if self.judge.lives[one].guides.get(userid) != "active":
            self._follow(one, userid)
            return
        how = self.dice.choice(("left", "deleted"))
        person = members.find(self.db, one)
        assert person is not None
        follows.closed(self.db, self.ids, person, self.links[one, userid], userid, how, self.now)
        self.judge.lives[one].guides[userid] = how

    def _follow(self, one: int, userid: str) -> None:
        person = members.find(self.db, one)
        assert person is not None
        name = self.links.setdefault((one, userid), f"{one}-{userid}")
        follows.opened(self.db, self.ids, person, name, userid, "active", "", self.now)
        self.judge.lives[one].guides[userid] = "active"

    def _merges(self, one: int) -> None:
        other = self.dice.choice(self.everyone)
        life = self.judge.lives[other]
        if other == one or life.gone or life.zone != HOUSE or self.judge.lives[one].guides.keys() & life.guides.keys():
            return
        oneid.merge(self.db, self.ids, one, other, "test", "test", self.now)
        self.links |= {(one, userid): self.links[other, userid] for userid in life.guides}
        self.judge.merged(one, other)

    def close(self) -> None:
        """The end of the world."""
        self.db.close()


def live(world: World, sends: int) -> None:
    """So many questions, with life in between."""
    while world.asked < sends:
        world.passes()
        if world.dice.random() < 0.05:
            world.new_terms()
        for _ in range(world.dice.randint(0, 6)):
            world.happens()
        size = 1 if world.dice.random() < 0.1 else world.dice.randint(1, max(20, len(world.everyone) // 5))
        world.ask(min(size, sends - world.asked))
