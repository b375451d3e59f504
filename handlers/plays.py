"""The enabled plays as handlers see them: who listens to what, and who takes a word."""

from __future__ import annotations

from collections.abc import Mapping

from bot.events import Event
from bot.hours import read_hours
from bot.kf_menu import Choice
from bot.router import Heard, Play, Step, Words, normalize
from bot.sections import Kf, OneBot, Outreach, StaffSection
from bot.turn import Turn

APPROVE_ABOVE_FEN = 1_000_000  # what may cost more needs a second person


class Plays:
    """Lookups over the enabled plays, made once; `kf` is how the door to 微信客服 is set, with `cards` guides are asked
    by cards with buttons, with `confirms` (as `cards` when not said) once more before their words move value."""

    def __init__(
        self,
        plays: list[Play],
        kf: Kf | None = None,
        onebot: OneBot | None = None,
        *,
        approve_above_fen: int = APPROVE_ABOVE_FEN,
        cards: bool = False,
        confirms: bool | None = None,
        outreach: Outreach | None = None,
        staff: StaffSection | None = None,
    ) -> None:
        self.confirms = cards if confirms is None else confirms
        self.staff = staff or StaffSection()
        self.kf, self.onebot, self.approve_above_fen = kf or Kf(), onebot or OneBot(), approve_above_fen
        self.cards, self.outreach = cards, outreach or Outreach()
        self.hours = read_hours(self.kf.hours, self.kf.rest_days)
        self._listeners: dict[type[Event], list[tuple[Play, Step]]] = {}
        self._words: list[tuple[str, str, Words, Play]] = []
        self._menu: list[Words] = []
        self._firsts = [(of, play, step) for play in plays for of, step in play.router.firsts]
        self._others = [(of, play, step) for play in plays for of, step in play.router.others]
        self.campaigns = {play.router.name: play.router.campaign for play in plays if play.router.campaign}
        self.acts = {name: (play, act) for play in plays for name, act in play.router.acts.items()}
        for play in plays:
            for kind, step in play.router.events_taken:
                self._listeners.setdefault(kind, []).append((play, step))
            self._menu += play.router.words_taken
            for words in play.router.words_taken:
                self._words += [(words.audience, normalize(word), words, play) for word in words.words]
        self._words.sort(key=lambda entry: -len(entry[1]))  # the longer word first: 「积分明细」 before 「积分」
        self._hot = [
            (of, word, words.hot, play.router.name) for of, word, words, play in self._words if words.hot is not None
        ]

    def tell(self, turn: Turn, event: Event) -> None:
        """Run the steps of the plays that listen to this kind of event, in the order of config.toml."""
        for play, step in self._listeners.get(type(event), ()):
            play.run(step, turn, event)

    def hear(self, turn: Turn, event: Event, audience: str, text: str) -> Words | None:
        """Let the play that takes these words answer; what it took, None when no play does.

        A word that lacks what must follow it is not run: the caller says what is missing. Nor is one that the speaker
        may not say: the caller has asked before.
        """
        found = self._find(audience, text)
        if found is None:
            return None
        words, play, rest = found
        if not allowed(turn, words):
            raise PermissionError(words.may)
        if rest or words.bare or not words.arg:
            turn.public, turn.scope = words.public, turn.grants.get(words.may, "")
            turn.member_words = [one.words[0] for one in self._menu if one.of_member and _may(turn.grants, one)]
            play.run(words.step, turn, event, *([rest] if words.arg else []))
        return words

    def taking(self, audience: str, text: str) -> Words | None:
        """What would take these words, complete as they are; None when nothing would run."""
        found = self._find(audience, text)
        return found[0] if found and (found[2] or found[0].bare or not found[0].arg) else None

    def contended(self, audience: str, text: str) -> str:
        """The one thing, wanted by many at once, that somebody's words are about; "" when they are about none."""
        said = normalize(text) if self._hot else ""
        for of, word, thing, play in self._hot:
            if of == audience and said.startswith(word):
                return f"{play}:{thing(said[len(word) :].strip())}"
        return ""

    def glued(self, audience: str, text: str) -> bool:
        """Whether words would be taken only because they begin with a known one, with no blank after it."""
        said, found = normalize(text), self._find(audience, text)
        return found is not None and bool(found[2]) and not any(
            said.startswith(f"{word} ") for word in map(normalize, found[0].words)
        )  # fmt: skip

    def beforehand(self, turn: Turn, event: Event, audience: str, heard: Heard) -> bool:
        """Let a play that waits for somebody's own words take them; whether one did."""
        return any(play.run(step, turn, event, heard) for of, play, step in self._firsts if of == audience)

    def otherwise(self, turn: Turn, event: Event, audience: str, heard: Heard) -> bool:
        """Let a play answer what is nobody's word; whether one did."""
        return any(play.run(step, turn, event, heard) for of, play, step in self._others if of == audience)

    def preview(self, turn: Turn, event: Event, audience: str, text: str) -> str | None:
        """What these words would do, as their play says it; "" when it told why they would do nothing, None when it has
        nothing to say."""
        found = self._find(audience, text)
        preview = found[0].preview if found else None
        if found is None or preview is None:
            return None
        words, play, rest = found
        turn.scope, turn.rules = turn.grants.get(words.may, ""), play.rules
        return preview(turn, event, rest)

    def forbidden(self, turn: Turn, audience: str, text: str) -> Words | None:
        """What these words mean, when the speaker may not say it."""
        found = self._find(audience, text)
        return found[0] if found and not allowed(turn, found[0]) else None

    def _find(self, audience: str, text: str) -> tuple[Words, Play, str] | None:
        """The words that are meant, whose they are, and what was said after them."""
        said = normalize(text)
        for of, word, words, play in self._words:
            if of == audience and (said == word or (words.arg and _begins(said, word))):
                rest = said[len(word) :].strip()
                return words, play, _as_typed(text, word, rest) if words.verbatim else rest
        return None

    def menu(self, audience: str, grants: Mapping[str, str]) -> list[Choice]:
        """The first word of what somebody of an audience can begin with, in the plays' order."""
        taken = [words for words in self._menu if words.audience == audience and words.menu and _may(grants, words)]
        return [Choice(words.words[0], words.words[0] + (f" {words.arg}" if words.arg else "")) for words in taken]

    def known_words(self, audience: str, grants: Mapping[str, str]) -> list[str]:
        """Every word that somebody of an audience can say."""
        return [word for of, word, words, _ in self._words if of == audience and _may(grants, words)]


def _begins(said: str, word: str) -> bool:
    """Whether what was said begins with a word; one of a single letter stands apart from what follows, or before
    digits and Latin letters (买tea): before more Chinese it is the beginning of another word."""
    return said.startswith(word) and (len(word) > 1 or said[1].isascii() or not said[1].isalpha())


def _as_typed(text: str, word: str, rest: str) -> str:
    """What follows a word, as it was typed: capitals and full width as they were."""
    typed = " ".join(text.split())
    return typed[len(word) :].strip() if normalize(typed[: len(word)]) == word else rest


def allowed(turn: Turn, words: Words) -> bool:
    """Whether the speaker may say it: members' words are for everybody."""
    return _may(turn.grants, words)


def _may(grants: Mapping[str, str], words: Words) -> bool:
    return not words.may or words.may in grants
