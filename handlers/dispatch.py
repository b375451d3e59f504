"""分派 dispatch: which handler takes which kind of event."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from bot import aibot_events, kf_events, onebot_events, order_events, own_events
from bot import events as e
from bot.router import Play
from bot.sections import Broadcasts, Kf, Llm, OneBot, Outreach, StaffSection
from bot.turn import STAFF, Turn
from handlers import (
    admin,
    aibot,
    approving,
    broadcasts,
    contact,
    directory,
    group_chat,
    guide,
    kf,
    member,
    onebot,
    orders,
    policy,
    runtime,
    talk,
)
from handlers.plays import APPROVE_ABOVE_FEN, Plays

Handler = Callable[[Turn, Any, Plays], None]


def text_received(turn: Turn, event: e.TextReceived, plays: Plays) -> None:
    """Somebody wrote: staff in the app, members in 微信客服 and anywhere else."""
    if event.sender is not None and event.sender.channel == STAFF:
        guide.text_received(turn, event, plays)
    elif event.sender is not None and event.open_kfid is not None:
        kf.text_received(turn, event, plays)
    else:
        member.text_received(turn, event, plays)


def card_clicked(turn: Turn, event: e.CardClicked, plays: Plays) -> None:
    """A tap on a card, in the app's chat or at the AI bot."""
    (aibot if event.task_id.startswith(aibot.MENU_CARD) else guide).card_clicked(turn, event, plays)


HANDLERS: dict[type[e.Event], Handler] = {
    e.ContactAdded: contact.added,
    e.ContactHalfAdded: contact.half_added,
    e.ContactDeleted: contact.deleted,
    e.ContactLeft: contact.left,
    e.ContactEdited: contact.edited,
    e.TransferFailed: contact.edited,
    own_events.ContactFound: contact.found,
    own_events.ContactGone: contact.gone,
    e.ApiAnswered: runtime.api_answered,
    e.TimerDue: runtime.timer_due,
    e.GroupChatCreated: group_chat.changed,
    e.GroupChatEdited: group_chat.changed,
    e.GroupChatDismissed: group_chat.dismissed,
    e.GroupMemberJoined: group_chat.member_joined,
    e.GroupMemberLeft: group_chat.member_left,
    own_events.GroupChatSeen: group_chat.seen,
    own_events.BroadcastStep: broadcasts.step,
    order_events.AdminAsked: admin.asked,
    order_events.OrderPaid: orders.paid,
    order_events.OrderRefunded: orders.refunded,
    e.TextReceived: text_received,
    e.AppEntered: guide.entered,
    e.AppSubscribed: guide.entered,
    e.MenuClicked: guide.menu_clicked,
    kf_events.KfRang: kf.rang,
    kf_events.KfAccountsChanged: kf.accounts_changed,
    kf_events.KfSessionEntered: kf.session_entered,
    kf_events.KfSessionChanged: kf.session_changed,
    kf_events.KfServicerWrote: kf.servicer_wrote,
    kf_events.KfSendFailed: kf.send_failed,
    **dict.fromkeys(kf_events.MESSAGES, kf.other_received),
    e.CardClicked: card_clicked,
    e.DirectoryChanged: directory.changed,
    aibot_events.BotEntered: aibot.entered,
    aibot_events.MixedReceived: aibot.mixed_received,
    aibot_events.MediaLinked: aibot.media_received,
    aibot_events.FeedbackReceived: aibot.rated,
    onebot_events.OneBotSaid: onebot.said,
    onebot_events.OneBotJoined: onebot.joined,
    onebot_events.OneBotLeft: onebot.left,
}


# What handlers hear of what a turn has done, before the plays do.
NEWS: dict[type[e.Event], Callable[[Turn, Any, Plays], object]] = {
    own_events.ApprovalAsked: approving.asked,
    own_events.ApprovalDecided: admin.decided,
}


class Dispatcher:
    """Hands an event to its handler; the plays that listen to it run as well. An event nobody takes is kept, not
    refused."""

    def __init__(
        self,
        plays: list[Play],
        kf_door: Kf | None = None,
        *,
        onebot: OneBot | None = None,
        approve_above_fen: int = APPROVE_ABOVE_FEN,
        cards: bool = False,
        confirms: bool | None = None,
        outreach: Outreach | None = None,
        staff: StaffSection | None = None,
        broadcasts: Broadcasts | None = None,
        llm: Llm | None = None,
    ) -> None:
        policy.check(plays, admin.ACTS)
        self._plays = Plays(
            plays,
            kf_door,
            onebot,
            approve_above_fen=approve_above_fen,
            cards=cards,
            confirms=confirms,
            outreach=outreach,
            staff=staff,
        )
        self._broadcasts = broadcasts or Broadcasts()
        self._llm = llm or Llm()

    def contended(self, event: e.Event) -> str:
        """What an event is about, where many want the same at once; "" for all others."""
        if event.sender is None or not isinstance(event, e.TextReceived | onebot_events.OneBotSaid):
            return ""
        audience = talk.GUIDE if event.sender.channel == STAFF else talk.MEMBER
        return self._plays.contended(audience.name, event.text)

    def __call__(self, turn: Turn, event: e.Event) -> None:
        """Run one event's turn."""
        turn.cards, turn.confirms, turn.outreach = self._plays.cards, self._plays.confirms, self._plays.outreach
        turn.hours, turn.llm, turn.broadcasts = self._plays.hours, self._llm, self._broadcasts
        if event.sender is not None and event.sender.channel == STAFF:
            policy.admit(turn, event.sender.external_id, self._plays.staff)
        handler = HANDLERS.get(type(event))
        if handler is not None:
            turn.route.append(f"{handler.__module__.rpartition('.')[2]}.{handler.__name__}")
            handler(turn, event, self._plays)
        self._plays.tell(turn, event)
        while turn.news:
            news = turn.news.pop(0)
            if (hears := NEWS.get(type(news))) is not None:
                hears(turn, news, self._plays)
            self._plays.tell(turn, news)
