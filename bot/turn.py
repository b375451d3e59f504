"""回合 turn: what a step may use: the database, the event, who is speaking, the time, and ways to say and to owe."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, TypeVar

from bot import card_asking, onebot_reach, reach
from bot.door import Door
from bot.events import Address, Event
from bot.hours import Hours
from bot.ids import Chance
from bot.kf_menu import Choice, msgmenu
from bot.onebot_events import CHANNEL as ONEBOT
from bot.sections import Broadcasts, Llm, Outreach
from bot.sizes import BYTES
from bot.texts import Texts, numbered, split_bytes
from storage import audit_log, dialogues, follows, members, outbox, timers
from storage.db import Db
from storage.faults import Conflict
from storage.ids import Ids
from storage.ledger import Move, post
from storage.members import Person
from storage.staff import Speaker

TEXT_LIMIT = BYTES["text"]
STAFF = "wecom_staff"
CHOICE_LIFE_S = 3_600.0  # how long a number means what it meant when it was shown
NO_MODEL = Llm()
_MARK = "\ue000"  # stands for the menu while a text is parted around it

RulesT = TypeVar("RulesT")

_dumps = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), check_circular=False).encode


_NOTHING: Mapping[str, str] = MappingProxyType({})


def _nothing() -> Mapping[str, str]:
    return _NOTHING


class Retry(Conflict):
    """A guarded write found that another process was faster: run the turn again from its beginning."""


@dataclass(slots=True)
class Work:
    """A piece of one transaction: what runtime jobs and turns have in common."""

    db: Db
    ids: Ids
    now: datetime
    cause: str
    texts: Texts
    chance: Chance

    def owe(
        self,
        call: str,
        payload: dict[str, Any],
        *,
        lane: str = "default",
        subject: str = "",
        member_id: int | None = None,
        expires_at: datetime | None = None,
        answers: bool = False,
        not_before: datetime | None = None,
        row_id: int | None = None,
    ) -> int:
        """Owe the outside a call, made after the commit, in order within `subject`, dropped after `expires_at`.

        With `answers` the outcome comes back as an `ApiAnswered` event. Returns the row's id: a new one, or `row_id`.
        """
        row_id = self.ids.next() if row_id is None else row_id
        row = outbox.Call(
            id=row_id,
            call=call,
            lane=lane,
            subject=subject,
            payload=_dumps(payload),
            answers=1 if answers else 0,
            status="pending",
            attempts=0,
            faults=0,
            cause=self.cause,
            member_id=member_id,
            error=None,
            created_at=self.now,
            not_before=not_before or self.now,
            expires_at=expires_at,
            lease_until=None,
            done_at=None,
        )
        outbox.add(self.db, row)
        return row_id

    def at(
        self, due_at: datetime, name: str, key: str, payload: dict[str, Any], *, late_by: datetime | None = None
    ) -> None:
        """Let a `TimerDue` event happen at `due_at`; `key` is unique, after `late_by` it is cancelled instead."""
        timers.add(self.db, self.ids.next(), key, name, payload, due_at, self.now, late_by)

    def audit(self, actor: str, action: str, subject: str, **data: Any) -> None:
        """Record an act for whoever asks later."""
        audit_log.add(self.db, self.ids.next(), actor, action, subject, data, self.cause, self.now)

    def move(self, move: Move) -> bool:
        """Move value through the ledger's door; False when its key was used for the same transfer before."""
        return post(self.db, self.ids.next(), move, self.cause, self.now)


@dataclass(slots=True)
class Turn(Work):
    """One event being handled. `people` is shared by the batch: who is known by which address (None = nobody).

    `replies` (texts), `asked` (questions as cards) and `card` answer whoever asked by the event's own door; `bot.aibot`
    lets them out. With `cards` guides are asked by cards with buttons where the choices fit one, with `confirms` words
    that move value are asked once more. `outreach`: who may get marketing. `broadcasts`: how mass
    messages go. `hours`: when people answer members, None =
    always. `llm`: whether there is a model to ask; see bot.model.asking. `staff` is the member of staff who speaks or
    whose token asks, None otherwise; `grants` is what they may and how far (own, store, all), `scope` how far the
    permission reaches that the running word or act needs, `member_words` what they may say of a member. The handlers
    set them.
    """

    event: Event
    people: dict[members.Key, Person | None]
    rules: Any = None
    route: list[str] = field(default_factory=list)
    answer: str | None = None
    made: list[Person] = field(default_factory=list)
    news: list[Event] = field(default_factory=list)
    cards: bool = False
    confirms: bool = False
    llm: Llm = field(default_factory=lambda: NO_MODEL)
    hours: Hours | None = None
    outreach: Outreach = field(default_factory=Outreach)
    broadcasts: Broadcasts = field(default_factory=Broadcasts)
    replies: list[str] = field(default_factory=list)
    card: dict[str, Any] | None = None
    asked: list[card_asking.Asked] = field(default_factory=list)
    stamp: str = ""  # what stands on a card that was tapped, once its words are done
    public: bool = True  # a whole group may read what is said now
    staff: Speaker | None = None
    grants: Mapping[str, str] = field(default_factory=_nothing)
    scope: str = ""
    member_words: Sequence[str] = ()
    signer: str = ""  # the second person, while what was held for them is done
    audits: int = 0
    pointed: bool = False  # the group hears already that the answer went to the asker alone

    def audit(self, actor: str, action: str, subject: str, **data: Any) -> None:
        """Record an act for whoever asks later; what the owner's token did in somebody's name says so."""
        self.audits += 1
        declared = {"via": "api.token"} if self.staff is not None and not self.staff.userid else {}
        audit_log.add(self.db, self.ids.next(), actor, action, subject, data | declared, self.cause, self.now)

    @property
    def actor(self) -> str:
        """Who is behind this turn, for the audit: a userid, or `api` for the owner's token."""
        return (self.staff.userid if self.staff else "") or "api"

    @property
    def door(self) -> Door | None:
        """Where the question came in, when its answer leaves by the same way."""
        return getattr(self.event, "door", None)

    def using(self, model: type[RulesT]) -> RulesT:
        """The rules of the play that is running."""
        if not isinstance(self.rules, model):
            raise TypeError(f"the running play has no {model.__name__}")
        return self.rules

    def person(self, address: Address) -> Person | None:
        """The member known by an address."""
        key = (address.channel, address.external_id)
        if key not in self.people:
            self.people[key] = members.of(self.db, [key]).get(key)
        return self.people[key]

    def ensure_person(self, address: Address, evidence: str) -> Person:
        """The member known by an address, made now when there is none."""
        person = self.person(address)
        if person is None:
            key = (address.channel, address.external_id)
            person = self.people[key] = members.create(self.db, self.ids, key, evidence, self.now)
            self.made.append(person)
        return person

    def announce(self, event: Event) -> None:
        """Let the plays hear of what this turn did, after the step that did it."""
        self.news.append(event)

    def forget_people(self) -> None:
        """Two members became one: whoever was read before in this batch is read again."""
        self.people.clear()

    def say(self, to: Address, text: str, /, **values: object) -> None:
        """Tell someone a text of prompts/; split on sentence ends where the channel's limit asks for it."""
        self._speak(to, self.texts.render(text, **values), None)

    def ask(self, to: Address, text: str, choices: Sequence[Choice], /, **values: object) -> None:
        """Say a text with numbered choices (its `$choices`): buttons, where the channel has them. A number said within
        the hour means what it means here."""
        self.offer(to, choices)
        content = self.texts.render(text, choices=numbered(choice.label for choice in choices), **values)
        if to.channel == STAFF and card_asking.by_card(self, to, content, text, choices, values):
            return
        self._speak(to, content, self.menu(text, choices, **values))

    def sheet(
        self, to: Address, text: str, rows: Sequence[tuple[str, str]], choices: Sequence[Choice], /, **values: object
    ) -> None:
        """Show staff lines of two columns (the text's `$rows`) and what they may do about them (its `$choices`)."""
        self.offer(to, choices)
        lines = "\n".join(self.texts.render("common/row", key=key, value=value) for key, value in rows)
        content = self.texts.render(text, rows=lines, choices=numbered(one.label for one in choices), **values)
        if not card_asking.by_card(self, to, content, text, choices, values, rows):
            self._speak(to, content, None)

    def put(self, to: Address, text: str, choices: Sequence[Choice], /, **values: object) -> None:
        """Show staff what nobody asked for: buttons, or the words of each choice (its `$choices`). Numbers keep the
        meaning that they had."""
        lines = [self.texts.render("common/word_line", label=one.label, words=one.words) for one in choices]
        content = self.texts.render(text, choices="\n".join(lines), **values)
        if not card_asking.by_card(self, to, content, text, choices, values):
            self._speak(to, content, None)

    def offer(self, to: Address, choices: Sequence[Choice]) -> None:
        """Remember what the numbers shown to someone mean, from now on."""
        dialogues.offer(self.db, *to, [choice.words for choice in choices], self.since(CHOICE_LIFE_S))

    def menu(self, text: str, choices: Sequence[Choice], /, **values: object) -> dict[str, Any] | None:
        """A text with choices as KF's msgmenu; None when it does not fit one."""
        head, _, tail = self.texts.render(text, **values, choices=_MARK).partition(_MARK)
        return msgmenu(head.strip(), choices, tail.strip())

    def tell(self, member_id: int, text: str, /, **values: object) -> bool:
        """Let a member know, by whatever way reaches them; False when somebody has to pass it on."""
        content = self.texts.render(text, **values)
        said = reach.by_kf(self, member_id, content, None, reach.NEWS)
        if not said:
            self.relay(member_id, content)
        return bool(said)

    def _speak(self, to: Address, content: str, menu: dict[str, Any] | None) -> None:
        if to.channel == STAFF:
            if self.door is not None and to == self.event.sender and (self.public or not self.door["group"]):
                self.replies.append(content)
            else:
                self._point_away(to)
                self.to_staff(to.external_id, content)
            return
        if to.channel == ONEBOT:
            onebot_reach.speak(self, to, content)
            return
        person = self.person(to)
        if person is not None and not reach.by_kf(self, person.id, content, menu, reach.most(self, to)):
            self.relay(person.id, content)

    def _point_away(self, to: Address) -> None:
        """What is somebody's own is not read out to a whole group: it hears that the answer went to the asker alone."""
        if self.door is not None and to == self.event.sender and not self.pointed:
            self.pointed = True
            self.replies.append(self.texts.render("aibot/alone"))

    def relay(self, member_id: int, content: str) -> None:
        """No channel of ours is open to the member: the guide who follows them passes it on. Without one their chat in
        a community group's platform takes it, or it is recorded as untold."""
        userid = follows.guide_of(self.db, member_id)
        if userid is None:
            if onebot_reach.pass_on(self, member_id, content):
                return
            self.audit("rule:reach", "member.untold", f"member:{member_id}", text=content)
            return
        person = members.find(self.db, member_id)
        name = (person.name if person else "") or self.texts.render("common/unnamed")
        self.to_staff(userid, self.texts.render("common/relay", name=name, text=content))

    def to_staff(self, userid: str, content: str) -> None:
        """Write to a guide in the app's chat, in parts where it must be."""
        for part in split_bytes(content, TEXT_LIMIT):
            payload = {"touser": userid, "msgtype": "text", "text": {"content": part}}
            self.owe("message/send", payload, subject=f"staff:{userid}")

    def reply(self, text: str, /, **values: object) -> None:
        """Answer in the callback's own response (passive reply): the fastest way, and only one."""
        self.answer = self.texts.render(text, **values)

    def since(self, seconds: float) -> datetime:
        """`seconds` from now."""
        return self.now + timedelta(seconds=seconds)
