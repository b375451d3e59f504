"""路由 router: what a play listens to, declared as data beside its steps."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from pydantic import BaseModel, ValidationError

from bot.errors import ConfigError
from bot.events import Event
from storage.tables import CouponTemplate, Product

if TYPE_CHECKING:
    from bot.turn import Turn

Step = Callable[..., Any]


@dataclass(frozen=True)
class Words:
    """One thing people can say: the first word is the one that help shows; `arg` names what follows it, if anything.

    `bare`: the step also answers the word alone, with "" for what is missing. `menu`: help lists it. `public`: the
    answer may stand in a group (lists of drives); what is somebody's own (codes, balances) may not. `confirm`: it moves
    value on somebody's word, so it is asked once more. `may`: the permission of handlers/policy.py that staff need for
    it; members' words need none. `verbatim`: the step gets what follows as it was typed, not folded to lower case.
    `of_member`: what follows is a member, so whoever shows one offers it. `preview`: what a `confirm` would do, in
    words for the question, or "" when it would do nothing and the speaker was told why. `hot`: which one thing that
    many want at once follows it, in one spelling: turns about the same thing wait for each other before they begin.
    """

    words: tuple[str, ...]
    audience: str
    arg: str | None
    step: Step
    bare: bool = False
    menu: bool = True
    public: bool = False
    confirm: bool = False
    may: str = ""
    verbatim: bool = False
    of_member: bool = False
    preview: Callable[[Turn, Event, str], str] | None = None
    hot: Callable[[str], str] | None = None


class Heard(NamedTuple):
    """What somebody said that is no word of any play: normalized, the known word that is most like it ("" = none),
    every word they could say. `glued`: it begins with a known word, which takes it unless the play answers."""

    said: str
    near: str
    known: tuple[str, ...]
    glued: bool = False


class Problem(NamedTuple):
    """What is wrong with a campaign: the config's field, a text of prompts/ with its values, and how bad it is.

    `block`: refused. `sign`: refused unless two persons sign for it (`override`). `hint`: said in the answer.
    """

    field: str
    text: str
    values: Mapping[str, object] = MappingProxyType({})
    level: Literal["block", "sign", "hint"] = "block"


@dataclass(frozen=True)
class Shelf:
    """What a shop has of all that a campaign names, as its play's linter may see it.

    `products` by sku and `templates` by name: what is not there is missing. `left` by sku: pieces that can still be
    sold; a sku that never runs out has no entry.
    """

    products: Mapping[str, Product] = field(default_factory=dict)
    left: Mapping[str, int] = field(default_factory=dict)
    templates: Mapping[str, CouponTemplate] = field(default_factory=dict)


def _nothing(_: Any) -> dict[str, str]:
    return {}


@dataclass(frozen=True)
class CampaignKind:
    """What a play's campaigns are made of: their config, what is wrong with one, what one can cost.

    `skus` and `templates` say which goods and coupon templates the rules name, by the field that names them (such as
    `{"items.0.sku": "A"}`): they are looked up, and one that is not there is refused before `problems` is asked.
    `worst_fen` is the most that the campaign can cost, -1 = without bound. `timed`: it may come back by a timetable;
    the play hands its timers to scenarios/timetables.py.
    """

    config: type[BaseModel]
    problems: Callable[[Any, Shelf], list[Problem]]
    worst_fen: Callable[[Any, Shelf], int]
    skus: Callable[[Any], Mapping[str, str]] = _nothing
    templates: Callable[[Any], Mapping[str, str]] = _nothing
    timed: bool = False


class Refusal(NamedTuple):
    """Why a play does not do what a program asked: an HTTP status, a code, a text of prompts/ with its values."""

    status: int
    code: str
    text: str
    values: Mapping[str, object] = MappingProxyType({})


@dataclass(frozen=True)
class Act:
    """What programs may ask of a play through the JSON API: the request's body, who answers it, and the permission of
    handlers/policy.py that it needs. Who reaches only a part (own, store) may not ask, unless the act is `scoped`: it
    looks itself whether what is meant is within reach (`scenarios.sight`)."""

    body: type[BaseModel]
    step: Callable[..., dict[str, Any] | Refusal]
    may: str = ""
    scoped: bool = False


@dataclass
class Router:
    """A play's name and what it listens to."""

    name: str
    words_taken: list[Words] = field(default_factory=list)
    events_taken: list[tuple[type[Event], Step]] = field(default_factory=list)
    others: list[tuple[str, Step]] = field(default_factory=list)
    firsts: list[tuple[str, Step]] = field(default_factory=list)
    campaign: CampaignKind | None = None
    acts: dict[str, Act] = field(default_factory=dict)
    dailies: dict[str, tuple[int, int]] = field(default_factory=dict)  # timers of every day: hour and minute, local
    starts: list[str] = field(default_factory=list)  # timers of every start of the bot

    def word(self, step: Step, arg: str = "") -> str:
        """What somebody would type to reach a step of this play."""
        first = next(words.words[0] for words in self.words_taken if words.step is step)
        return f"{first} {arg}" if arg else first

    def on(self, *kinds: type[Event]) -> Callable[[Step], Step]:
        """The decorated step runs for events of these kinds."""

        def register(step: Step) -> Step:
            self.events_taken.extend((kind, step) for kind in kinds)
            return step

        return register

    def beforehand(self, audience: str) -> Callable[[Step], Step]:
        """The decorated step is asked before anybody's words are looked for (a `Heard` without `near`); it says whether
        it took what was said."""

        def register(step: Step) -> Step:
            self.firsts.append((audience, step))
            return step

        return register

    def otherwise(self, audience: str) -> Callable[[Step], Step]:
        """The decorated step is asked when nobody takes what someone of `audience` says (a `Heard`); it says whether it
        answered."""

        def register(step: Step) -> Step:
            self.others.append((audience, step))
            return step

        return register

    def words(
        self,
        *words: str,
        audience: str = "member",
        arg: str | None = None,
        bare: bool = False,
        menu: bool = True,
        public: bool = False,
        confirm: bool = False,
        may: str = "",
        verbatim: bool = False,
        of_member: bool = False,
        preview: Callable[[Turn, Event, str], str] | None = None,
        hot: Callable[[str], str] | None = None,
    ) -> Callable[[Step], Step]:
        """The decorated step runs when someone of `audience` says one of `words`; see `Words`."""

        def register(step: Step) -> Step:
            self.words_taken.append(
                Words(words, audience, arg, step, bare, menu, public, confirm, may, verbatim, of_member, preview, hot)
            )
            return step

        return register


@dataclass(frozen=True)
class Play:
    """An enabled play: its router and its rules as configured."""

    router: Router
    rules: Any

    def run(self, step: Step, turn: Turn, event: Event, *args: Any) -> Any:
        """Run one of the play's steps with its rules at hand; what it returns."""
        turn.route.append(f"{self.router.name}.{step.__name__}")
        turn.rules = self.rules
        return step(turn, event, *args)

    def ask(self, act: Act, turn: Turn, body: BaseModel) -> dict[str, Any] | Refusal:
        """Have the play do what a program asked, with its rules at hand."""
        turn.route.append(f"{self.router.name}.{act.step.__name__}")
        turn.rules = self.rules
        return act.step(turn, body)


def normalize(text: str) -> str:
    """What was typed, as we compare it: full-width folded, blanks squeezed, lower case."""
    return " ".join(unicodedata.normalize("NFKC", text).split()).lower()


def load_plays(enabled: list[str], configured: dict[str, dict[str, Any]]) -> list[Play]:
    """The plays of config.toml, in its order of precedence; two that claim one word are refused."""
    plays = []
    for name in enabled:
        try:
            module = import_module(f"scenarios.{name}")
        except ModuleNotFoundError as error:
            if error.name != f"scenarios.{name}":
                raise
            raise ConfigError("scenarios.enabled", f"no play is called {name}: see scenarios/") from None
        plays.append(Play(module.router, _rules(name, getattr(module, "Rules", None), configured.get(name, {}))))
    _refuse_shared_words(plays)
    return plays


def _rules(name: str, model: type[BaseModel] | None, given: dict[str, Any]) -> Any:
    if model is None:
        return None
    try:
        return model(**given)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        own = first["type"] == "value_error"  # our own words, without pydantic's before them
        raise ConfigError(f"scenarios.{name}.{where}", str(first["ctx"]["error"]) if own else first["msg"]) from None


def _refuse_shared_words(plays: list[Play]) -> None:
    owners: dict[tuple[str, str], str] = {}
    for play in plays:
        for words in play.router.words_taken:
            for word in words.words:
                owner = owners.setdefault((words.audience, normalize(word)), play.router.name)
                if owner != play.router.name:
                    raise ConfigError("scenarios.enabled", f"{owner} and {play.router.name} both listen to {word!r}")
