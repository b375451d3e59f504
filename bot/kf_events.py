"""微信客服 KF: what members write and do there, what servicers do, and what WeCom tells of it.

A member's text is a `TextReceived` like any other, with its `open_kfid`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from bot.app_events import MessageReceived
from bot.event_base import Event

# --- the bell, which brings nothing itself ---


@dataclass(frozen=True, slots=True, kw_only=True)
class KfRang(Event):
    """Something is to be pulled; `token` makes the pull cheap for ten minutes."""

    open_kfid: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KfAccountsChanged(Event):
    """Accounts were given to the app, or taken from it."""

    added: tuple[str, ...]
    removed: tuple[str, ...]


# --- what members send, other than text ---


@dataclass(frozen=True, slots=True, kw_only=True)
class KfMessage(MessageReceived):
    """What these messages share; never sent by itself. `msgtype` is WeCom's."""

    msgtype: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KfMediaReceived(KfMessage):
    """image, voice, video, file."""

    media_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KfLocationReceived(KfMessage):
    latitude: float
    longitude: float
    name: str | None = None
    address: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KfLinkReceived(KfMessage):
    url: str
    title: str | None = None
    desc: str | None = None
    pic_url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KfCardReceived(KfMessage):
    """business_card: of a member of staff."""

    userid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KfMiniProgramReceived(KfMessage):
    appid: str
    pagepath: str | None = None
    title: str | None = None
    thumb_media_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KfMenuReceived(KfMessage):
    """msgmenu: `entries` as WeCom lists them."""

    entries: list[dict[str, Any]]
    head_content: str | None = None
    tail_content: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KfProductReceived(KfMessage):
    """channels_shop_product: `sales_price` is in fen."""

    product_id: str
    title: str | None = None
    sales_price: int | None = None
    head_image: str | None = None
    shop_nickname: str | None = None
    shop_head_image: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KfShopOrderReceived(KfMessage):
    """channels_shop_order: what the member shows us, no proof that anything was paid."""

    order_id: str
    product_titles: str | None = None
    price_wording: str | None = None
    state: str | None = None
    image_url: str | None = None
    shop_nickname: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KfMergedReceived(KfMessage):
    """merged_msg: a forwarded chat; each item has send_time, msgtype, sender_name, msg_content (JSON text)."""

    items: list[dict[str, Any]]
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KfChannelsReceived(KfMessage):
    """channels: `sub_type` 1 update, 2 live, 3 card."""

    sub_type: int
    nickname: str | None = None
    title: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KfBareReceived(KfMessage):
    """meeting, calendar, note: WeCom tells the kind only."""


MESSAGES: tuple[type[KfMessage], ...] = (
    KfMediaReceived, KfLocationReceived, KfLinkReceived, KfCardReceived, KfMiniProgramReceived, KfMenuReceived,
    KfProductReceived, KfShopOrderReceived, KfMergedReceived, KfChannelsReceived, KfBareReceived,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class KfServicerWrote(Event):
    """A servicer (接待人员) wrote to a member in the client; `content` is the message's own object."""

    open_kfid: str
    external_userid: str
    msg_id: str
    msgtype: str
    servicer_userid: str | None
    content: dict[str, Any]


# --- what happens to a conversation ---


@dataclass(frozen=True, slots=True, kw_only=True)
class KfEvent(Event):
    """What these events share; never sent by itself."""

    open_kfid: str
    external_userid: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KfSessionEntered(KfEvent):
    """enter_session: a link was opened. `welcome_code` works once and for 20 seconds."""

    scene: str | None = None
    scene_param: str | None = None
    welcome_code: str | None = None
    wechat_channels: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class KfSendFailed(KfEvent):
    """msg_send_fail: one of ours (`fail_msgid`) did not arrive; `fail_type` 0 unknown, 1 account deleted, 2 app closed,
    4 past 48 h, 5 session closed, 6 more than five, 8 corp not verified, 10 refused by the member, 11 no staff logged
    in, 12 type forbidden, 13 safety."""

    fail_msgid: str
    fail_type: int


@dataclass(frozen=True, slots=True, kw_only=True)
class KfSessionChanged(KfEvent):
    """session_status_change: 1 taken from the pool, 2 handed to another, 3 ended, 4 begun again by a servicer."""

    change_type: int
    old_servicer_userid: str | None = None
    new_servicer_userid: str | None = None
    msg_code: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KfServicerStatusChanged(Event):
    """servicer_status_change: 1 on duty, 2 off; `stop_type` 0 stopped, 1 paused."""

    open_kfid: str
    servicer_userid: str
    status: int
    stop_type: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KfRecalled(KfEvent):
    """user_recall_msg (no servicer) and servicer_recall_msg."""

    recall_msgid: str
    servicer_userid: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KfRejectSwitchChanged(Event):
    """reject_customer_msg_switch_change: a servicer refuses (1) a member's messages, or takes them again (0)."""

    servicer_userid: str
    reject_switch: int
    open_kfid: str | None = None
    external_userid: str | None = None


# --- our own ---


@dataclass(frozen=True, slots=True, kw_only=True)
class KfEntered(KfEvent):
    """A member came in by a link of ours: `scene` names the link, `scene_param` is what was appended to it."""

    scene: str
    scene_param: str
