"""退订与订阅 consent: a member's word stops marketing at once, another brings it back. What they wrote to a person of
the shop, not to us, counts as well.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from bot.events import Event, TextReceived
from bot.onebot_events import OneBotSaid
from bot.own_events import ConsentChanged
from bot.router import Act, Heard, Refusal, Router, normalize
from bot.turn import STAFF, Turn
from scenarios import sight
from storage import consent, oneid
from storage.consent import IN, MARKETING, OUT, Said

router = Router("consent")

SENT = "prompts/consent/"


class Entered(BaseModel):
    """What a member said by another way (on the phone, on paper): `channel` says which, `text_version` what they had
    read, `by` who enters it."""

    model_config = ConfigDict(extra="forbid")

    id: int
    state: Literal["in", "out"]
    channel: str = Field(min_length=1, max_length=40)
    text_version: str = Field(default="", max_length=80)
    by: str = Field(default="api", max_length=64)


@router.words("退订", "TD", "退订营销", "取消订阅", "回复TD", "回TD", "TD退订", "回复退订", menu=False)
def opt_out(turn: Turn, event: Event) -> None:
    """No marketing from this very message on."""
    _answer(turn, event, OUT)


@router.words("恢复订阅", "订阅", "重新订阅", menu=False)
def opt_in(turn: Turn, event: Event) -> None:
    """Marketing is welcome again."""
    _answer(turn, event, IN)


def meant(text: str) -> str:
    """`in` or `out` when a text says nothing else: signs and blanks around it do not count. "" otherwise."""
    said = "".join(symbol for symbol in normalize(text) if symbol.isalnum())
    words = {OUT: opt_out, IN: opt_in}
    return next((state for state, step in words.items() if said in _words(step)), "")


def _words(step: Any) -> set[str]:
    return {normalize(word) for taken in router.words_taken if taken.step is step for word in taken.words}


@router.beforehand("member")
def loosely(turn: Turn, event: Event, heard: Heard) -> bool:
    """「退订！」 is meant as it would be without the sign."""
    state = meant(heard.said)
    if state:
        turn.public = False  # in a group only they read the answer
        _answer(turn, event, state)
    return bool(state)


@router.on(TextReceived, OneBotSaid)
def overheard(turn: Turn, event: TextReceived) -> None:
    """A person of the shop has the conversation, or it was written before we were there: it counts all the same, and
    whoever is talking answers."""
    if event.sender is None or event.sender.channel == STAFF:
        return
    state = meant(event.text)
    person = turn.person(event.sender) if state else None
    if person is not None:
        record(turn, person.id, Said(state, "member", _door(event)))


def _answer(turn: Turn, event: Event, state: str) -> None:
    assert event.sender is not None
    person = turn.ensure_person(event.sender, "word")
    read = f"{SENT}out.md" if state == IN else ""  # how to come back stands where the leaving was confirmed
    news = record(turn, person.id, Said(state, "member", _door(event), read))
    values = {"often": _often(turn)} if news and state == IN else {}
    turn.say(event.sender, TEXTS[state, news], **values)


TEXTS = {
    (OUT, True): "consent/out",
    (OUT, False): "consent/out_already",
    (IN, True): "consent/in",
    (IN, False): "consent/in_already",
}


def _often(turn: Turn) -> str:
    """How often they will hear from us, by the shortest cap."""
    caps = turn.outreach.terms.caps
    if not caps:
        return turn.texts.render("consent/often_free")
    days, most = caps[0]
    return turn.texts.render("consent/often", days=days, most=most)


def _door(event: Event) -> str:
    return "kf" if getattr(event, "open_kfid", None) else event.source


def record(turn: Turn, member_id: int, said: Said) -> bool:
    """Keep it and let the plays know: what is on its way is called back. False when they stood there already."""
    if not consent.record(turn.db, turn.ids, member_id, said, turn.cause, turn.now):
        return False
    turn.audit(said.by, f"consent.{said.state}", f"member:{member_id}", topic=said.topic, channel=said.channel)
    turn.announce(ConsentChanged(
        key=turn.cause, source="consent", at=turn.now, member_id=member_id, topic=said.topic, state=said.state,
    ))  # fmt: skip
    return True


def enter(turn: Turn, body: Entered) -> dict[str, Any] | Refusal:
    """What somebody said elsewhere, entered by staff."""
    person = oneid.current(turn.db, body.id)
    if person is None or not sight.sees(turn, person.id):
        return Refusal(404, "not_found", "consent/no_member")
    news = record(turn, person.id, Said(body.state, body.by, body.channel, body.text_version))
    return {"member_id": person.id, "topic": MARKETING, "state": body.state, "changed": news}


router.acts = {"members/consent": Act(Entered, enter, may="consent.manage", scoped=True)}
