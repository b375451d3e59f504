"""微信客服 KF: pulling what members wrote, and the calls by which the bot speaks there and hands over to people.

A bell brings nothing: the pull does. Each page is stored together with its cursor, so a process that dies between two
pages goes on where the store ends. Source: developer.work.weixin.qq.com documents 94670, 94677, 95122, 94669.
"""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from functools import partial
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from loguru import logger

from bot.channels.wecom_kf import translate
from bot.clock import Clock
from bot.errors import Action, NotStored, WeComError, WeComUnreachable
from bot.senders import Sender
from bot.turn import Work
from bot.writer import Writer
from storage import kf, outbox
from storage.outbox import Call

if TYPE_CHECKING:
    from bot.wecom.client import WeCom

SYNC, SEND, ON_EVENT = "kf/sync_msg", kf.SEND, "kf/send_msg_on_event"
HAND_OVER, STATE, PROFILE = "kf/hand_over", "kf/service_state/get", "kf/customer/batchget"
TRANS = "kf/service_state/trans"
LANE = "kf"
PAGE = 100  # a page is one transaction; a thousand, the most WeCom gives, would keep everybody else waiting
TOKEN_LIFE = timedelta(minutes=10)
STALE_TOKEN, BAD_CURSOR, ACCEPTED_BEFORE = 95007, 50100, 95033
NOT_HIS = {95014, 95019, 60030, 60111, 40003}  # that servicer cannot take it: not one, paused, out of scope, unknown
SETTLED = {95013, 95016, 95018}  # the session is in another state than we believe


def owe_pull(work: Work, open_kfid: str) -> None:
    """Pull an account; one pull that has not begun is enough for all bells."""
    subject = f"kf:{open_kfid}"
    if not outbox.is_waiting(work.db, subject):
        work.owe(SYNC, {"open_kfid": open_kfid}, lane=LANE, subject=subject)


def owe_pulls(accounts: list[str], work: Work) -> None:
    """Pull every account known by config or by a bell: bells get lost."""
    for open_kfid in accounts:
        kf.meet(work.db, open_kfid, work.now)
    for open_kfid in sorted({*accounts, *kf.active_accounts(work.db)}):
        owe_pull(work, open_kfid)


def msgid(row: Call) -> str:
    """Our key at WeCom for an outbox row: the same at every try, another one for every row of every database."""
    seen = sha256(f"{row.id}:{row.created_at.timestamp()}:{row.cause}:{row.payload}".encode()).hexdigest()
    return f"{row.id:x}-{seen}"[:32]


def row_of(fail_msgid: str) -> int | None:
    """Which outbox row a msgid may be of."""
    head, _, _ = fail_msgid.partition("-")
    try:
        return int(head, 16)
    except ValueError:
        return None


class Kf:
    """The senders of 微信客服's calls."""

    def __init__(self, client: WeCom, writer: Writer, clock: Clock) -> None:
        self._client, self._writer, self._clock = client, writer, clock
        self.stats: Counter[str] = Counter()

    def table(self) -> dict[str, Sender]:
        """Every call by name."""
        return {
            SYNC: self.sync, SEND: self.send, ON_EVENT: self.send_on_event, HAND_OVER: self.hand_over,
            STATE: self.state, PROFILE: self.profile,
        }  # fmt: skip

    # -- pulling --------------------------------------------------------------------------------------------------

    async def sync(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Everything an account holds for us, page by page."""
        open_kfid = payload["open_kfid"]
        try:
            return await self._pull(open_kfid)
        except NotStored as error:
            raise WeComUnreachable(SYNC, "not stored", ambiguous=False) from error

    async def _pull(self, open_kfid: str) -> dict[str, Any]:
        account = await self._writer.call(lambda work: kf.account(work.db, open_kfid))
        if account is None:
            return {}
        fresh = self._clock.now() - account.token_at < TOKEN_LIFE
        token, cursor, pulled = account.token if fresh else "", account.cursor, 0
        while True:
            try:
                answer = await self._client.call(SYNC, _question(open_kfid, cursor, token))
            except WeComError as error:
                if error.errcode == STALE_TOKEN and token:
                    token = ""
                    continue
                if error.errcode == BAD_CURSOR and cursor:
                    logger.bind(action="kf_cursor_lost").warning("open_kfid={}: from the oldest again", open_kfid)
                    cursor = await self._restart(open_kfid, cursor)
                    continue
                raise
            cursor = await self._store(open_kfid, cursor, answer)
            pulled += len(answer.get("msg_list") or [])
            if answer.get("has_more") != 1:
                return {"pulled": pulled}

    async def _store(self, open_kfid: str, held: str, answer: dict[str, Any]) -> str:
        """Put a page and its cursor away; the cursor to go on with."""
        now = self._clock.now()
        events = [translate(message, received_at=now) for message in answer.get("msg_list") or []]
        cursor = str(answer.get("next_cursor") or held)
        if cursor == held and answer.get("has_more") == 1:
            raise WeComUnreachable(SYNC, "the same cursor again", ambiguous=False)
        keys = [event.key for event in events]
        if not await self._writer.accept_page(events, partial(_advance, open_kfid, held, cursor, keys)):
            raise WeComUnreachable(SYNC, "the cursor stays behind", ambiguous=False)
        self.stats["pages"] += 1
        self.stats["messages"] += len(events)
        return cursor

    async def _restart(self, open_kfid: str, held: str) -> str:
        await self._writer.call(partial(_advance, open_kfid, held, "", []))
        return ""

    # -- speaking -------------------------------------------------------------------------------------------------

    async def send(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """A message to a member. One that WeCom accepted before is sent; one it will not take is not waited with."""
        return await self._once(SEND, payload["message"], row)

    async def send_on_event(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """The message that an event's code allows, once: the welcome within 20 seconds."""
        return await self._once(ON_EVENT, payload["message"], row)

    async def _once(self, path: str, message: dict[str, Any], row: Call) -> dict[str, Any]:
        try:
            return await self._client.call(path, {**message, "msgid": msgid(row)})
        except WeComError as error:
            if error.errcode == ACCEPTED_BEFORE:
                return {"errcode": 0, "msgid": msgid(row)}
            if error.action is Action.CONFIG:  # a member does not wait until an admin has set it right
                logger.bind(action="kf_refused").critical("{}", error)
                error.action = Action.DROP
            raise

    # -- people ---------------------------------------------------------------------------------------------------

    async def hand_over(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Give a session to people: to the guide who follows the member if on duty here, else to the pool.

        Answers the state that the session is in then.
        """
        pair = {name: payload[name] for name in ("open_kfid", "external_userid")}
        guide = payload.get("guide")
        try:
            if guide and await self._on_duty(payload["open_kfid"], guide):
                try:
                    return await self._trans(pair, kf.HUMAN, guide)
                except WeComError as error:
                    if error.errcode not in NOT_HIS:
                        raise
            return await self._trans(pair, kf.POOL, "")
        except WeComError as error:
            if error.errcode in SETTLED:
                found = await self.state(pair, row)
                if found.get("service_state") not in (kf.NEW, kf.BOT):
                    return found
            raise

    async def _trans(self, pair: dict[str, Any], state: int, servicer: str) -> dict[str, Any]:
        body = {**pair, "service_state": state, **({"servicer_userid": servicer} if servicer else {})}
        answer = await self._client.call(TRANS, body)
        return {**answer, "service_state": state, "servicer_userid": servicer}

    async def _on_duty(self, open_kfid: str, userid: str) -> bool:
        answer = await self._client.call("kf/servicer/list", params={"open_kfid": open_kfid})
        servicers = answer.get("servicer_list") or []
        return any(entry.get("userid") == userid and entry.get("status") == 0 for entry in servicers)

    async def state(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """Who has a session: {"service_state", "servicer_userid"}."""
        pair = {name: payload[name] for name in ("open_kfid", "external_userid")}
        return await self._client.call(STATE, pair)

    async def profile(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """A member's nickname and, where there is one, unionid; known of who wrote within 48 hours."""
        body = {"external_userid_list": [payload["external_userid"]], "need_enter_session_context": 0}
        return await self._client.call(PROFILE, body)


def _question(open_kfid: str, cursor: str, token: str) -> dict[str, Any]:
    body: dict[str, Any] = {"open_kfid": open_kfid, "cursor": cursor, "limit": PAGE, "voice_format": 0}
    return {**body, "token": token} if token else body


def _advance(open_kfid: str, held: str, cursor: str, keys: list[str], work: Work) -> bool:
    return kf.advance(work.db, open_kfid, held, cursor, keys)
