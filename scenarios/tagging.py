"""打标签 tagging: guides put tags of the catalogue on members and take off what was put there by hand.

Nothing is half done: a tag that is not understood stops the whole line, and asks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from bot.clock import ZONE, end_of_day
from bot.events import ApiAnswered, CorpTagChanged, Event, TimerDue
from bot.kf_menu import Choice
from bot.order_events import OrderEntered, OrderReduced
from bot.own_events import CorpTagsSeen, MarksSeen
from bot.rfm_sender import SCALE
from bot.router import Router
from bot.tag_senders import LIST
from bot.tag_senders import MAKE as MAKE_THERE
from bot.turn import Turn
from scenarios import finding, tag_acts, tag_catalogue, tag_intake, tag_mirror, tag_walk, tag_words, tagged
from scenarios.tag_intake import BY_PEOPLE
from scenarios.tag_sets import Rules
from scenarios.tag_words import LONGEST, Wish, allowed
from storage import corp_tags, member_tags, oneid, tags
from storage.members import Person

router = Router("tagging")

AT_ONCE = 200
NEAR = 5
SHOWN = 12  # tags of a group that are listed
MAKE = "tag.manage"

router.dailies[tag_walk.NIGHT] = (2, 40)  # before the comparison with WeCom, which then has the new tags to show
router.starts.append(tag_acts.START)


@dataclass
class Meant:
    """What a wish comes to."""

    put: list[tuple[str, str]] = field(default_factory=list)
    off: list[tuple[str, str]] = field(default_factory=list)


@router.words(
    "打标签", "标", audience="guide", arg="谁 +标签", may="member.tag", verbatim=True, of_member=True
)  # fmt: skip
def tag(turn: Turn, event: Event, typed: str) -> None:
    """`打标签 王女士 +羊绒 -沉睡 30天`; without tags, see which there are."""
    who, rest = finding.parted(typed)
    wish = tag_words.read(who, rest)
    person = finding.member(turn, event, who, lambda ref: router.word(tag, wish.again(ref)))
    if person is None:
        return
    if not wish.put and not wish.off:
        _show(turn, event, person)
        return
    meant = _meant(turn, event, person, wish)
    if meant is not None:
        _change(turn, event, person, wish, meant)


def _meant(turn: Turn, event: Event, person: Person, wish: Wish) -> Meant | None:
    """The tags that are meant; None when one of them is not understood: it was asked about."""
    known, meant = tags.known(turn.db), Meant()
    for typed in wish.put:
        found = tag_words.matching(typed, known)
        if len(found) != 1:
            _ask(turn, event, person, wish, typed, found)
            return None
        meant.put += found
    held = member_tags.standing(turn.db, person.id, turn.now)
    for typed in wish.off:
        found = tag_words.matching(typed, sorted({(one.group, one.name) for one in held}))
        if len(found) > 1:
            _ask(turn, event, person, wish, typed, found)
            return None
        if not found or not any((one.group, one.name) == found[0] and one.source in BY_PEOPLE for one in held):
            _say_not_on(turn, event, person, typed, by_rule=bool(found))
            return None
        meant.off += found
    return meant


def _change(turn: Turn, event: Event, person: Person, wish: Wish, meant: Meant) -> None:
    assert event.sender is not None
    by = event.sender.external_id
    until = end_of_day(turn.now, wish.days) if wish.days else None
    for group, name in meant.put:
        tagged.put(turn, person.id, group, name, member_tags.HAND, by, until)
    for group, name in meant.off:
        tagged.take_off(turn, person.id, group, name, *BY_PEOPLE)
    turn.audit(
        by, "member.tagged", f"member:{person.id}", put=["/".join(one) for one in meant.put],
        off=["/".join(one) for one in meant.off], until=until.isoformat() if until else "",
    )  # fmt: skip
    turn.say(
        event.sender, "tagging/done", name=finding.called(turn, person), changes=_changes(turn, meant, until),
        tags=_of(turn, person),
    )  # fmt: skip


def _changes(turn: Turn, meant: Meant, until: datetime | None) -> str:
    if until is None:
        put = [turn.texts.render("tagging/plus", tag=name) for _, name in meant.put]
    else:
        day = f"{until.astimezone(ZONE):%m-%d}"
        put = [turn.texts.render("tagging/plus_until", tag=name, day=day) for _, name in meant.put]
    off = [turn.texts.render("tagging/minus", tag=name) for _, name in meant.off]
    return " ".join(put + off)


def _of(turn: Turn, person: Person) -> str:
    """A member's tags."""
    held = member_tags.of_member(turn.db, person.id, turn.now)
    names = list(dict.fromkeys(name for _, name in held))
    return turn.texts.render("common/comma").join(names) or turn.texts.render("tagging/none")


def _ask(
    turn: Turn, event: Event, person: Person, wish: Wish, typed: str, found: list[tuple[str, str]]
) -> None:  # fmt: skip
    """A tag that is several, or none: which is meant, or shall it be made?"""
    assert event.sender is not None
    likely = found or tag_words.near(typed, tags.known(turn.db), NEAR)
    choices = [_choice(turn, person, wish, typed, one) for one in likely[:NEAR]]
    group, name = tag_words.split(typed)
    if not found and typed in wish.put and MAKE in turn.grants and allowed(group or turn.using(Rules).group, name):
        into = group or turn.using(Rules).group
        label = turn.texts.render("tagging/make", group=into, tag=name)
        words = router.word(make, f"{into}/{name} {wish.again(f'#{person.id}', typed, f'{into}/{name}')}")
        choices.append(Choice(words, label, turn.texts.render("tagging/make_short")))
    if choices:
        turn.ask(event.sender, "tagging/which" if found else "tagging/unknown", choices, tag=typed)
    else:
        turn.say(event.sender, "tagging/unknown_none", tag=typed, known=_known(turn), how=_how(turn))


def _choice(turn: Turn, person: Person, wish: Wish, typed: str, one: tuple[str, str]) -> Choice:
    group, name = one
    words = router.word(tag, wish.again(f"#{person.id}", typed, f"{group}/{name}"))
    return Choice(words, turn.texts.render("tagging/choose", group=group, tag=name), name[:10])


def _say_not_on(turn: Turn, event: Event, person: Person, typed: str, *, by_rule: bool) -> None:
    assert event.sender is not None
    if by_rule:
        turn.say(event.sender, "tagging/by_rule", tag=typed)
    else:
        name = finding.called(turn, person)
        turn.say(event.sender, "tagging/not_on", name=name, tag=typed, tags=_of(turn, person))


def _show(turn: Turn, event: Event, person: Person) -> None:
    assert event.sender is not None
    turn.say(
        event.sender, "tagging/mine", name=finding.called(turn, person), tags=_of(turn, person), known=_known(turn),
        ref=f"#{person.id}",
    )  # fmt: skip


def _how(turn: Turn) -> str:
    return turn.texts.render("tagging/how_make" if MAKE in turn.grants else "tagging/how_ask")


def _known(turn: Turn) -> str:
    """The catalogue, a line a group."""
    comma, lines = turn.texts.render("common/comma"), []
    for group, names in tag_words.grouped(tags.known(turn.db)).items():
        listed = names[:SHOWN]
        if len(names) > SHOWN:
            listed = [*listed, turn.texts.render("tagging/more", count=len(names))]
        lines.append(turn.texts.render("tagging/group", group=group, tags=comma.join(listed)))
    return "\n".join(lines) or turn.texts.render("tagging/no_catalogue", how=_how(turn))


@router.words("标签库", "所有标签", audience="guide", may="member.tag", menu=False, public=True)
def catalogue(turn: Turn, event: Event) -> None:
    """Which tags there are."""
    assert event.sender is not None
    turn.say(event.sender, "tagging/catalogue", known=_known(turn))


@router.words("建标签", audience="guide", arg="组/名字", may=MAKE, verbatim=True, menu=False)
def make(turn: Turn, event: Event, typed: str) -> None:
    """`建标签 偏好/羊绒`; with a wish behind it (a choice says so), that is done as well."""
    assert event.sender is not None
    first, _, rest = typed.strip().partition(" ")
    group, name = tag_words.split(first)
    group = group or turn.using(Rules).group
    if not allowed(group, name):
        turn.say(event.sender, "tagging/bad_name", most=LONGEST)
        return
    new = tags.make(turn.db, group, name, event.sender.external_id, turn.now)
    if new:
        tag_catalogue.ensure(turn, group, name)
        turn.audit(event.sender.external_id, "tag.made", f"tag:{group}/{name}")
    if rest:
        tag(turn, event, rest)
    else:
        turn.say(event.sender, "tagging/made" if new else "tagging/made_before", group=group, tag=name)


@router.words("停用标签", audience="guide", arg="组/名字", may=MAKE, verbatim=True, menu=False)
def close(turn: Turn, event: Event, typed: str) -> None:
    """Let nobody put a tag on anybody any more."""
    assert event.sender is not None
    found = tag_words.matching(typed, tags.known(turn.db))
    if len(found) != 1 or not tags.close(turn.db, *found[0], turn.now):
        turn.say(event.sender, "tagging/not_closed", tag=typed)
        return
    group, name = found[0]
    turn.audit(event.sender.external_id, "tag.closed", f"tag:{group}/{name}")
    count = member_tags.holders(turn.db, group, name, turn.now)
    turn.say(event.sender, "tagging/closed", group=group, tag=name, count=count)


@router.on(TimerDue)
def time_came(turn: Turn, event: TimerDue) -> None:
    """Tags whose time is over, the walk of the rules, what else was left for later."""
    if event.name == tagged.TIMER:
        if tagged.end_over(turn, AT_ONCE) == AT_ONCE:
            turn.at(turn.since(1), tagged.TIMER, f"tags:more:{turn.cause}", {})
    elif event.name == oneid.MERGED:
        _merged(turn, event.payload["member_id"])
    else:
        tag_acts.due(turn, event, turn.using(Rules))


def _merged(turn: Turn, member_id: int) -> None:
    """Two members are one: WeCom shows what either had."""
    person = oneid.current(turn.db, member_id)
    if person is not None:
        tag_mirror.align(turn, [person.id])


@router.on(OrderEntered, OrderReduced)
def order_changed(turn: Turn, event: OrderEntered | OrderReduced) -> None:
    """Who bought may belong elsewhere now."""
    tag_walk.bought(turn, event.member_id)


@router.on(ApiAnswered)
def answered(turn: Turn, event: ApiAnswered) -> None:
    """WeCom told of a contact or showed its tags; the scale of RFM was measured."""
    heard = HEARS.get(event.call)
    if heard is not None:
        heard(turn, event)


HEARS: dict[str, Callable[[Turn, ApiAnswered], None]] = {
    "externalcontact/get": tag_intake.profiled, LIST: tag_catalogue.answered,
    MAKE_THERE: tag_catalogue.answered, SCALE: tag_walk.scaled,
}  # fmt: skip


@router.on(CorpTagChanged)
def catalogue_changed(turn: Turn, event: CorpTagChanged) -> None:
    """An admin made, renamed or deleted a tag in WeCom."""
    tag_catalogue.changed(turn, event)


@router.on(CorpTagsSeen)
def catalogue_seen(turn: Turn, event: CorpTagsSeen) -> None:
    """The nightly comparison found the library otherwise than we know it."""
    tag_catalogue.seen(turn, corp_tags.read(event.tag_group))


@router.on(MarksSeen)
def marks_seen(turn: Turn, event: MarksSeen) -> None:
    """The nightly comparison found contacts otherwise than they should be."""
    tag_intake.compared(turn, event)


router.acts = dict(tag_acts.ACTS)
