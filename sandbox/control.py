"""The control plane under /__sandbox/: what the page and the tests do to the world. Not part of WeCom."""

from __future__ import annotations

import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from datetime import datetime

from aiohttp import web
from aiohttp_sse import sse_response

from sandbox.api_contact_way import make_way
from sandbox.bot_reads import BOT_READS, BotReads, Silent
from sandbox.clock import VirtualClock
from sandbox.faults import Faults
from sandbox.journal import Journal
from sandbox.plain_json import Act, Body, acting, answered, dumps, refusal
from sandbox.shop import Shop
from sandbox.story import Impossible, Story
from sandbox.view import shown, shown_customer
from sandbox.world import World


class Control:
    """Handlers of the control plane."""

    def __init__(
        self,
        world: World,
        clock: VirtualClock,
        faults: Faults,
        journal: Journal,
        story: Story,
        shop: Shop,
        bot: BotReads,
        reset: Callable[[], None],
        dirty: Callable[[], None],
    ) -> None:
        self.world, self.clock, self.faults, self.journal, self.story = world, clock, faults, journal, story
        self.shop, self._bot, self._reset, self._dirty = shop, bot, reset, dirty

    def routes(self) -> list[web.RouteDef]:
        """Every path of the control plane."""
        acts: dict[str, Act] = {
            "customers": self.new_customer,
            "customers/{id}/scan": self.scan,
            "customers/{id}/delete_guide": self.delete_guide,
            "guides": self.new_guide,
            "guides/{id}/delete_customer": self.delete_customer,
            "guides/{id}/edit_customer": self.edit_customer,
            "guides/{id}/say": self.say,
            "guides/{id}/click": self.click,
            "guides/{id}/enter": self.enter,
            "contact_ways": self.new_way,
            "clock": self.move_clock,
            "faults/next": self.next_fault,
            "callback": self.raw_callback,
            "burst": self.burst,
            "flush": self.flush,
            "verify": self.verify,
            "reset": self.reset,
        }
        base = "/__sandbox/"
        return [
            *[web.post(base + path, acting(act, self._dirty)) for path, act in acts.items()],
            web.put(base + "faults", acting(self.put_faults, self._dirty)),
            web.get(base + "faults", self.show_faults),
            web.get(base + "clock", self.show_clock),
            web.get(base + "state", self.state),
            web.get(base + "log", self.log),
            web.get(base + "events", self.events),
            web.get(base + "bot/{name}", self.ask_bot),
        ]

    # -- people --------------------------------------------------------------------------------------------------------

    def new_customer(self, request: web.Request, body: Body) -> Body:
        """{"name","unionid"?,"gender"?,"external_userid"?}."""
        customer = self.story.new_customer(
            str(body.get("name") or ""), body.get("unionid"), int(body.get("gender") or 0), body.get("external_userid")
        )
        return shown_customer(self.world, customer.external_userid)

    def scan(self, request: web.Request, body: Body) -> Body:
        """{"config_id"} or {"userid","state"?}."""
        return self.story.scan(request.match_info["id"], body.get("config_id"), body.get("userid"), body.get("state"))

    def delete_guide(self, request: web.Request, body: Body) -> Body:
        """{"userid"}: the customer removes the guide."""
        return self.story.part(request.match_info["id"], str(body.get("userid") or ""), "del_follow_user")

    def new_guide(self, request: web.Request, body: Body) -> Body:
        """{"userid","name"}."""
        return asdict(self.story.new_guide(str(body.get("userid") or ""), str(body.get("name") or "")))

    def delete_customer(self, request: web.Request, body: Body) -> Body:
        """{"external_userid"}: the guide removes the customer."""
        return self.story.part(str(body.get("external_userid") or ""), request.match_info["id"], "del_external_contact")

    def edit_customer(self, request: web.Request, body: Body) -> Body:
        """{"external_userid","remark"?,"mobiles"?: [eleven digits]}."""
        who, userid = str(body.get("external_userid") or ""), request.match_info["id"]
        return self.story.edit(who, userid, body.get("remark"), body.get("mobiles"))

    def say(self, request: web.Request, body: Body) -> Awaitable[Body]:
        """{"text"}."""
        return self.story.say(request.match_info["id"], str(body.get("text") or ""))

    def click(self, request: web.Request, body: Body) -> Awaitable[Body]:
        """{"key"} or {"task_id","key","response_code"?,"selected"?: {question: [option]}}."""
        return self.story.click(
            request.match_info["id"],
            str(body.get("key") or ""),
            body.get("task_id"),
            body.get("response_code"),
            body.get("selected") or {},
        )

    def enter(self, request: web.Request, body: Body) -> Awaitable[Body]:
        """The guide opens the app."""
        return self.story.enter(request.match_info["id"])

    # -- ways
    # -------------------------------------------------------------------------------------------------

    def new_way(self, request: web.Request, body: Body) -> Body:
        """{"state","remark","user"}: made in the admin's browser, so no callback and no API call."""
        return make_way(self.world, self.clock.time(), body)

    def burst(self, request: web.Request, body: Body) -> Body:
        """{"customers":N,"userid","state"?}: all in one virtual second."""
        joined = self.story.burst(
            int(body.get("customers") or 0), str(body.get("userid") or ""), str(body.get("state") or "")
        )
        return {"joined": len(joined), "external_userids": [item["external_userid"] for item in joined]}

    # -- environment
    # -----------------------------------------------------------------------------------------------------

    def move_clock(self, request: web.Request, body: Body) -> Body:
        """{"advance_s"} or {"now": iso}."""
        try:
            if "now" in body:
                self.clock.set(datetime.fromisoformat(str(body["now"])))
            else:
                self.clock.advance(float(body.get("advance_s") or 0))
        except ValueError:
            raise Impossible("now", "时间要写成 2026-11-11T10:00:00+08:00 这样") from None
        self.journal.add("clock", now=self.clock.iso(), offset_s=self.clock.offset_s)
        return self._clock()

    def put_faults(self, request: web.Request, body: Body) -> Body:
        """Switch faults."""
        self.faults.put(body)
        self.world.silent_after = self.faults.silent_after
        return self.faults.shown()

    def next_fault(self, request: web.Request, body: Body) -> Body:
        """{"path","fault","errcode"?,"times"?}."""
        self.faults.add_next(body)
        return self.faults.shown()

    async def raw_callback(self, request: web.Request, body: Body) -> Body:
        """{"plain","bad_signature"?,"at_s"?}: push any plain text once."""
        plain = str(body.get("plain") or "")
        callback_id = self.story.pusher.next_id()
        forged, at_s = bool(body.get("bad_signature")), body.get("at_s")
        entry = await self.story.pusher.attempt(plain, callback_id, 1, forged=forged, at_s=at_s)
        return {
            "status": entry["status"],
            "reply": entry["reply"],
            "ms": entry["ms"],
            "key": entry["key"],
            "error": entry["error"],
        }

    async def flush(self, request: web.Request, body: Body) -> Body:
        """Send what is held back; wait until nothing is in the air."""
        await self.story.pusher.flush()
        await self.shop.pusher.flush()
        return {"in_flight": self._in_flight()}

    async def verify(self, request: web.Request, body: Body) -> Body:
        """The GET verification of the callback url."""
        return await self.story.pusher.verify()

    def reset(self, request: web.Request, body: Body) -> None:
        """Forget everything."""
        self._reset()

    # -- reading
    # -----------------------------------------------------------------------------------------------------------

    def _in_flight(self) -> int:
        return self.story.pusher.in_flight + self.shop.pusher.in_flight

    def _clock(self) -> Body:
        return {"now": self.clock.iso(), "offset_s": self.clock.offset_s}

    async def show_clock(self, request: web.Request) -> web.Response:
        """The virtual clock; a bot in a demo follows `offset_s`."""
        return answered(self._clock())

    async def show_faults(self, request: web.Request) -> web.Response:
        """Which faults are on."""
        return answered(self.faults.shown())

    async def state(self, request: web.Request) -> web.Response:
        """The whole world for the page."""
        corp = {
            "corp_id": self.world.corp_id,
            "agent_id": self.world.agent_id,
            "callback_url": self.story.pusher.url,
            "verified": self.story.pusher.verified,
            "notice": "这是沙盒，不是企业微信",
        }
        rest = {
            "clock": self._clock(),
            "corp": corp,
            "faults": self.faults.shown(),
            "in_flight": self._in_flight(),
        }
        return answered({**rest, **shown(self.world, self.clock.time())})

    async def log(self, request: web.Request) -> web.Response:
        """?since=SEQ&limit=N."""
        try:
            since, limit = int(request.query.get("since", "0")), int(request.query.get("limit", "500"))
        except ValueError:
            return refusal(422, "since", "since 和 limit 要填整数")
        items = self.journal.since(since, min(max(limit, 1), 5000))
        return answered({"items": items, "next": items[-1]["seq"] if items else since})

    async def events(self, request: web.Request) -> web.StreamResponse:
        """Live entries and changes (SSE)."""
        queue = self.journal.listen()
        try:
            async with sse_response(request) as stream:
                with contextlib.suppress(ConnectionError):  # the page was closed
                    while stream.is_connected():
                        kind, data = await queue.get()
                        await stream.send(dumps(data), event=kind)
                return stream
        finally:
            self.journal.leave(queue)

    async def ask_bot(self, request: web.Request) -> web.Response:
        """The bot's own view, read through its JSON API."""
        name = request.match_info["name"]
        if name not in BOT_READS:
            return refusal(404, "name", f"可以看：{', '.join(BOT_READS)}")
        try:
            status, body = await self._bot.ask(name, request.query)
        except Silent as silent:
            return refusal(502, "bot", str(silent))
        return web.Response(status=status, body=body, content_type="application/json")
