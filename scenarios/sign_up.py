"""注册有礼 sign-up: a new contact becomes a member and gets the join pack, once per person, whatever is repeated or
reordered.

The gift is given in the transaction of the callback itself: it depends on no API. The welcome follows when the
profile is known, or when waiting longer would cost the welcome code's twenty seconds. README draws the states.
"""

from __future__ import annotations

from datetime import timedelta

from pydantic import ConfigDict, Field

from bot.events import Address, ContactAdded, ContactHalfAdded, Event
from bot.own_events import ContactFound, ContactProfiled
from bot.router import Router
from bot.sizes import BYTES
from bot.texts import clip_bytes
from bot.turn import STAFF, Turn
from scenarios import tagged
from scenarios.rewards import Pack, coupon_names, give
from storage import channels, grants, member_tags, stock

router = Router("sign_up")

CAMPAIGN = "sign_up"
ONCE = ""  # the only occurrence there is: once in a lifetime
STOCK = "sign_up:packs"
WELCOME_BYTES = BYTES["welcome"]
WELCOME_LIFE = timedelta(seconds=20)

WELCOMES = {
    ("gift", True): "sign_up/welcome_gift_named",
    ("gift", False): "sign_up/welcome_gift",
    ("back", True): "sign_up/welcome_back_named",
    ("back", False): "sign_up/welcome_back",
    ("none", True): "sign_up/welcome_named",
    ("none", False): "sign_up/welcome",
}
GUIDE_TEXTS = {
    ("gift", False): "sign_up/guide_joined_gift",
    ("back", False): "sign_up/guide_joined_again",
    ("none", False): "sign_up/guide_joined",
    ("gift", True): "sign_up/guide_found_gift",
    ("back", True): "sign_up/guide_found_again",
    ("none", True): "sign_up/guide_found",
}
PACKS = {(True, True): "sign_up/pack_both", (True, False): "sign_up/pack_points", (False, True): "sign_up/pack_coupons"}


class Rules(Pack):
    """[scenarios.sign_up] of config.toml. `pack_total` 0 = as many packs as members."""

    model_config = ConfigDict(extra="forbid")

    pack_total: int = Field(default=0, ge=0)
    notify_guide: bool = True
    tag_group: str = ""
    welcome_image: str = ""


def outcome(granted_by: str | None, cause: str, pack: Pack) -> str:
    """Which welcome is true: the pack came with this very event (`gift`), with an earlier one (`back`), or there is
    none (`none`)."""
    if granted_by is None or not (pack.points or pack.coupons):
        return "none"
    return "gift" if granted_by == cause else "back"


@router.on(ContactAdded, ContactHalfAdded, ContactFound)
def contact_joined(turn: Turn, event: ContactAdded | ContactHalfAdded | ContactFound) -> None:
    """Give the pack to whoever never had it."""
    rules = turn.using(Rules)
    person = turn.ensure_person(Address("wecom", event.external_userid), "wecom callback")
    if grants.used(turn.db, person, CAMPAIGN, ONCE):
        return
    if rules.pack_total and not stock.take_or_open(turn.db, STOCK, rules.pack_total):
        return
    grant_id = grants.claim(turn.db, turn.ids, person, CAMPAIGN, ONCE, event.state or "", turn.cause, turn.now)
    if grant_id is not None:
        give(turn, person, grant_id, rules, "sign_up")


@router.on(ContactProfiled)
def contact_profiled(turn: Turn, event: ContactProfiled) -> None:
    """Welcome the contact, tell the guide, tag by channel."""
    rules = turn.using(Rules)
    person = turn.ensure_person(Address("wecom", event.external_userid), "wecom api")
    kind = outcome(grants.cause_of(turn.db, person.id, CAMPAIGN, ONCE), event.cause, rules)
    given = {"pack": _pack_text(turn, rules)} if kind == "gift" else {}
    if event.welcome_code:
        named = {"name": event.name} if event.name else {}
        text = turn.texts.render(WELCOMES[kind, bool(event.name)], **named, **given)
        _welcome(turn, event, text, rules.welcome_image, person.id)
    if rules.notify_guide and not event.told:
        name = event.name or person.name or turn.texts.render("common/unnamed")
        channel = _channel(turn, event.state or "")
        turn.say(Address(STAFF, event.userid), GUIDE_TEXTS[kind, event.found], name=name, channel=channel, **given)
    if rules.tag_group and event.state:
        _tag(turn, event, rules.tag_group, person.id)


def _pack_text(turn: Turn, pack: Pack) -> str:
    """The pack as people read it."""
    values = {"points": str(pack.points)} if pack.points else {}
    if pack.coupons:
        values["coupons"] = turn.texts.render("common/comma").join(coupon_names(pack))
    return turn.texts.render(PACKS[bool(pack.points), bool(pack.coupons)], **values)


def _welcome(turn: Turn, event: ContactProfiled, text: str, image: str, member_id: int) -> None:
    """One message by the welcome code, while it lives: its seconds count from the joining, not from now."""
    payload = {"welcome_code": event.welcome_code, "text": {"content": clip_bytes(text, WELCOME_BYTES)}, "image": image}
    turn.owe(
        "externalcontact/send_welcome_msg", payload, lane="welcome", subject=f"welcome:{event.welcome_code}",
        member_id=member_id, expires_at=event.joined_at + WELCOME_LIFE,
    )  # fmt: skip


def _tag(turn: Turn, event: ContactProfiled, group: str, member_id: int) -> None:
    """Tag by channel."""
    assert event.state is not None
    tag = _channel(turn, event.state)
    tagged.put(turn, member_id, group, tag, member_tags.RULE, "sign_up")


def _channel(turn: Turn, state: str) -> str:
    """A channel as people read it; members' own QR codes are one."""
    if channels.family(state) == channels.REFERRAL:
        return turn.texts.render("sign_up/by_referral")
    return state or turn.texts.render("common/no_channel")


@router.words("渠道统计", "渠道", audience="guide", may="channel.read", public=True)
def channel_statistics(turn: Turn, event: Event) -> None:
    """How many came by each channel, and what became of them."""
    assert event.sender is not None
    rows, scenes = channels.statistics(turn.db, CAMPAIGN), channels.scenes(turn.db)
    if not rows and not scenes:
        turn.say(event.sender, "sign_up/no_channels")
        return
    lines = [
        turn.texts.render(
            "sign_up/channel_line",
            channel=_channel(turn, row.state),
            joined=row.joined,
            gifts=row.gifts,
            active=row.active,
        )
        for row in rows
    ]
    lines += [turn.texts.render("sign_up/scene_line", **scene._asdict()) for scene in scenes]
    turn.say(event.sender, "sign_up/channels", lines="\n".join(lines))
