"""会员画像的内容 portrait: what a guide reads of a member, line by line, each short enough for a card."""

from __future__ import annotations

from bot.clock import ZONE, shown
from bot.texts import yuan
from bot.turn import Turn
from scenarios import finding, next_offer
from storage import channels, consent, coupons, drives, follows, kf, member_tags, names, points, profiles, shop, staff
from storage.member_tags import Held
from storage.members import Person
from storage.profiles import Born
from storage.tables import Order

TAGS, COUPONS, ORDERS, GUIDES = 8, 3, 2, 3  # shown of each
COUNTED = 200  # orders summed; who has more is shown what these come to
BASIC = "basic"
MOON, LEAP = "L", "LL"
SOURCES = {
    member_tags.CORP: "profile/tag_corp", member_tags.IMPORT: "profile/tag_import", member_tags.RULE: "profile/tag_rule"
}  # fmt: skip


def title(turn: Turn, person: Person) -> str:
    """How a guide knows a member, with what tells people of one name apart."""
    name, tails = finding.called(turn, person), names.tails(turn.db, person.id)
    known = [turn.texts.render("finding/tail", tail=tails[0])] if tails else []
    if person.name and finding.clipped(person.name) != name:
        known.append(turn.texts.render("profile/nickname", nickname=finding.clipped(person.name)))
    if not known:
        return name
    return turn.texts.render("profile/title", name=name, about=_joined(turn, known))


def rows(turn: Turn, person: Person) -> list[tuple[str, str]]:
    """What there is to know, the most useful first: a card shows the first six."""
    orders = shop.orders.all(turn.db, order="-id", limit=COUNTED, member_id=person.id)
    found = [
        ("profile/key_tier", _tier(turn, person)),
        ("profile/key_tags", _tags(turn, person)),
        ("profile/key_orders", _orders(turn, orders)),
        ("profile/key_coupons", _coupons(turn, person)),
        ("profile/key_offer", _offer(turn, person, orders)),
        ("profile/key_follow", _follow(turn, person)),
        ("profile/key_consent", _consent(turn, person)),
        ("profile/key_birthday", birthday(turn, profiles.born(turn.db, person.id))),
        ("profile/key_since", _since(turn, person)),
    ]
    return [(turn.texts.render(key), value) for key, value in found if value]


def _joined(turn: Turn, parts: list[str]) -> str:
    return turn.texts.render("common/comma").join(parts)


def _tier(turn: Turn, person: Person) -> str:
    tier = turn.texts.render("profile/tier_basic") if person.tier == BASIC else person.tier
    held, owed = points.held(turn.db, person.id), points.owed(turn.db, person.id)
    waiting = sum(reward.kept for reward in drives.rewards.all(turn.db, member_id=person.id, status="pending"))
    if owed:
        return turn.texts.render("profile/tier_owed", tier=tier, owed=owed)
    if waiting:
        return turn.texts.render("profile/tier_waiting", tier=tier, points=held, waiting=waiting)
    return turn.texts.render("profile/tier", tier=tier, points=held)


def _tags(turn: Turn, person: Person) -> str:
    """Tags by group; where no person put one on, who did."""
    labels: dict[tuple[str, str], list[Held]] = {}
    for held in member_tags.standing(turn.db, person.id, turn.now):
        labels.setdefault((held.group, held.name), []).append(held)
    groups: dict[str, list[str]] = {}
    for (group, name), rows in list(labels.items())[:TAGS]:
        groups.setdefault(group, []).append(_tag(turn, name, rows))
    shown_ones = [
        turn.texts.render("profile/tag_group", group=group, tags=_joined(turn, names))
        for group, names in groups.items()
    ]
    return turn.texts.render("profile/semicolon").join(shown_ones + ["…"] * (len(labels) > TAGS)) or turn.texts.render(
        "profile/no_tags"
    )


def _tag(turn: Turn, name: str, rows: list[Held]) -> str:
    """A tag with its end, if all who put it on gave it one, and with its source, if that is no person here."""
    sources = {row.source for row in rows}
    ends = [row.expires_at for row in rows if row.expires_at is not None]
    said = name
    if len(ends) == len(rows):
        said = turn.texts.render("profile/tag_until", name=name, day=f"{max(ends).astimezone(ZONE):%m-%d}")
    for source, text in SOURCES.items():
        if source in sources and member_tags.HAND not in sources:
            return turn.texts.render(text, name=said)
    return said


def _orders(turn: Turn, orders: list[Order]) -> str:
    if not orders:
        return turn.texts.render("profile/no_orders")
    newest = sorted(orders, key=lambda order: order.paid_at, reverse=True)
    last = [
        turn.texts.render("profile/order", day=f"{order.paid_at.astimezone(ZONE):%m-%d}", amount=yuan(_kept(order)))
        for order in newest[:ORDERS]
    ]
    total = yuan(sum(map(_kept, orders)))
    return turn.texts.render("profile/orders", count=len(orders), amount=total, last=_joined(turn, last))


def _kept(order: Order) -> int:
    """What stayed paid of an order, in fen."""
    return order.amount_fen - order.refunded_fen


def _coupons(turn: Turn, person: Person) -> str:
    usable = coupons.usable(turn.db, person.id, turn.now)
    if not usable:
        return turn.texts.render("profile/no_coupons")
    first = [
        turn.texts.render("profile/coupon", name=one.template, day=f"{one.expires_at.astimezone(ZONE):%m-%d}")
        for one in usable[:COUPONS]
    ]
    return turn.texts.render("profile/coupons", count=len(usable), first=_joined(turn, first))


def _offer(turn: Turn, person: Person, orders: list[Order]) -> str:
    found = next_offer.find(turn, person, orders)
    if found is None:
        return ""
    if found.product is None:
        name = found.template.name if found.template else ""
        return turn.texts.render("profile/offer_hand_out", template=name)
    return turn.texts.render(
        "profile/offer", title=found.product.title, list=yuan(found.product.price_fen), price=yuan(found.price_fen),
        coupons=_joined(turn, list(found.coupons)),
    )  # fmt: skip


def _follow(turn: Turn, person: Person) -> str:
    links = follows.of_member(turn.db, person.id)
    guides = [
        turn.texts.render(
            "profile/guide", guide=staff_name(turn, link.userid), day=f"{link.followed_at.astimezone(ZONE):%m-%d}"
        )
        for link in links[:GUIDES]
    ]
    said = _joined(turn, guides) or turn.texts.render("profile/nobody")
    heard = kf.last_heard(turn.db, person.id)
    return turn.texts.render("profile/follow_heard", guides=said, at=shown(heard)) if heard else said


def _consent(turn: Turn, person: Person) -> str:
    state = consent.state_of(turn.db, person.id)
    texts = {consent.IN: "profile/consent_in", consent.OUT: "profile/consent_out"}
    return turn.texts.render(texts[state]) if state else ""


def _since(turn: Turn, person: Person) -> str:
    links = [link for link in follows.of_member(turn.db, person.id) if link.state]
    if not links or channels.family(links[0].state) == channels.REFERRAL:
        return ""
    day = f"{links[0].followed_at.astimezone(ZONE):%Y-%m-%d}"
    return turn.texts.render("profile/since", day=day, channel=links[0].state)


def staff_name(turn: Turn, userid: str) -> str:
    """A member of staff as colleagues know them."""
    row = staff.rows.one(turn.db, userid=userid)
    return (row.name if row else "") or userid


def birthday(turn: Turn, born: Born | None) -> str:
    """A birthday as people read it; "" for none."""
    if born is None:
        return ""
    month, _, day = born.day.lstrip(MOON).partition("-")
    text = "birthdays/leap" if born.day.startswith(LEAP) else (
        "birthdays/lunar" if born.day.startswith(MOON) else "birthdays/day"
    )  # fmt: skip
    said = turn.texts.render(text, month=int(month), day=int(day))
    return turn.texts.render("birthdays/with_year", year=born.year, day=said) if born.year else said
