"""Fakes for the four edges (network, clock, chance, ids stay real) and a bot to talk to in tests."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text

from bot.clock import FrozenClock
from bot.delivery import Delivery
from bot.errors import WeComError
from bot.events import Address, ContactAdded, ContactDeleted, ContactEvent, ContactLeft, TextReceived
from bot.ids import SeededChance
from bot.model.gateway import LLMGateway
from bot.model.sender import ModelSender
from bot.router import load_plays
from bot.sections import Llm, StaffSection
from bot.texts import Texts
from bot.turn import Work
from bot.writer import Writer
from handlers.dispatch import Dispatcher
from handlers.group_assets import CALLS
from storage import staff
from storage.checks import CHECKS
from storage.engine import Database
from storage.outbox import Call
from storage.tables import Staff
from tests.postgres import SCHEMA_FREE

SIGN_UP = {"points": 100, "coupons": [{"template": "满100减20券", "valid_days": 30}], "tag_group": "渠道"}


@dataclass
class FakeWeCom:
    """Scripted answers in, recorded calls out. An answer may be a dict or an error to raise."""

    calls: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    answers: dict[str, list[dict[str, Any] | WeComError]] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    unionids: dict[str, str] = field(default_factory=dict)

    async def __call__(self, payload: dict[str, Any], row: Call) -> dict[str, Any]:
        """One call, as a sender."""
        self.calls.append((row.call, payload))
        scripted = self.answers.get(row.call)
        if scripted:
            answer = scripted.pop(0)
            if isinstance(answer, WeComError):
                raise answer
            return answer
        if row.call == "externalcontact/get":
            return self._profile(payload)
        return {"errcode": 0}

    def _profile(self, payload: dict[str, Any]) -> dict[str, Any]:
        external_userid = payload["external_userid"]
        context = payload.get("context") or {}
        contact = {"external_userid": external_userid, "name": self.names.get(external_userid, "小明🎉")}
        if external_userid in self.unionids:
            contact["unionid"] = self.unionids[external_userid]
        followers = [{"userid": context["userid"], "state": context.get("state")}] if context else []
        return {"errcode": 0, "external_contact": contact, "follow_user": followers}

    def sent(self, call: str) -> list[dict[str, Any]]:
        """The payloads of one kind of call."""
        return [payload for name, payload in self.calls if name == call]

    def said_to(self, userid: str) -> list[str]:
        """What a guide has read."""
        return [p["text"]["content"] for p in self.sent("message/send") if p["touser"] == userid]

    def cards_of(self, userid: str) -> list[dict[str, Any]]:
        """The cards a guide has got."""
        return [p["template_card"] for p in self.sent("message/send") if p["touser"] == userid and "template_card" in p]


@dataclass
class Bot:
    """A running bot without a network."""

    database: Database
    writer: Writer
    clock: FrozenClock
    wecom: FakeWeCom
    delivery: Delivery
    numbers: Any = field(default_factory=itertools.count)

    async def joins(self, external_userid: str, userid: str = "lina", state: str | None = "live", **fields: Any) -> str:
        """A contact adds a guide; the event's key."""
        number = next(self.numbers)
        event = ContactAdded(**{
            "key": f"wecom_app:sha256:{number:064x}", "source": "wecom_app", "at": self.clock.now(),
            "sender": Address("wecom", external_userid), "userid": userid, "external_userid": external_userid,
            "state": state, "welcome_code": f"WC{number}", **fields,
        })  # fmt: skip
        await self.writer.accept(event)
        return event.key

    async def leaves(self, external_userid: str, userid: str = "lina", kind: type[ContactEvent] = ContactLeft) -> None:
        """The contact removes the guide (or, by `kind`, the other way round)."""
        await self.writer.accept(kind(
            key=f"wecom_app:sha256:{next(self.numbers):064x}", source="wecom_app", at=self.clock.now(),
            sender=Address("wecom", external_userid), userid=userid, external_userid=external_userid,
        ))  # fmt: skip

    async def deletes(self, external_userid: str, userid: str = "lina") -> None:
        """The guide removes the contact."""
        await self.leaves(external_userid, userid, ContactDeleted)

    async def says(self, words: str, userid: str = "lina") -> str:
        """A guide writes to the app; what the bot answered, read from the outbox."""
        number = next(self.numbers)
        before = self.count("outbox")
        event = TextReceived(
            key=f"wecom_app:msg:{number}", source="wecom_app", at=self.clock.now(),
            sender=Address("wecom_staff", userid), text=words, msg_id=str(number),
        )  # fmt: skip
        await self.writer.accept(event)
        rows = self.rows("SELECT call, payload FROM outbox ORDER BY id")[before:]
        return "\n".join(json.loads(row[1])["text"]["content"] for row in rows if row[0] == "message/send")

    async def employs(self, userid: str, role: str, store_id: str = "", status: str = "active") -> None:
        """Somebody works here, whatever they were before."""
        person = Staff(userid=userid, name=userid, role=role, store_id=store_id, status=status, made_by="boss",
                       made_at=self.clock.now(), changed_at=self.clock.now())  # fmt: skip
        values = {name: value for name, value in person.model_dump().items() if name != "userid"}

        def write(work: Work) -> None:
            if not staff.rows.change(work.db, values, userid=userid):
                staff.rows.add(work.db, person)

        await self.writer.call(write)

    async def deliver(self) -> None:
        """Carry out everything that is due, until nothing is."""
        await self.delivery.drain()

    def rows(self, sql: str, **values: Any) -> list[Any]:
        """Read the database as it is."""
        with self.database.engine.connect() as connection:
            return list(connection.execute(text(sql), values).all())

    def count(self, table: str, where: str = "1 = 1") -> int:
        """How many rows of a table."""
        return int(self.rows(f'SELECT count(*) FROM "{table}" WHERE {where}')[0][0])

    def points(self, external_userid: str) -> int:
        """A contact's points."""
        found = self.rows(
            "SELECT b.amount FROM identity i JOIN balance b ON b.account = 'member:' || i.member_id "
            "WHERE i.channel = 'wecom' AND i.external_id = :id AND b.asset = 'points'",
            id=external_userid,
        )
        return int(found[0][0]) if found else 0

    def violations(self) -> list[str]:
        """What breaks the invariants of the house."""
        with SCHEMA_FREE.looks(self.database).engine.connect() as connection:
            return [
                f"{check.name}: {row}" for check in CHECKS for row in check.violations(connection, self.clock.now())
            ]


@contextlib.asynccontextmanager
async def start_bot(
    url: str,
    at: datetime,
    rules: dict[str, Any] | None = None,
    more_plays: dict[str, dict[str, Any]] | None = None,
    *,
    cards: bool = False,
    staff_section: StaffSection | None = None,
    llm: Llm | None = None,
    seed: int = 7,
) -> AsyncIterator[Bot]:
    """Wire a bot as run.py does, with fakes at the edges; the invariants are checked when it ends.

    `rules` are those of the sign-up play, `more_plays` others with theirs; `llm` is a model to ask, `seed`
    is where codes come from.
    """
    database, clock, wecom = Database(url), FrozenClock(at), FakeWeCom()
    database.migrate()
    plays = load_plays(
        ["sign_up", *(more_plays or {})], {"sign_up": SIGN_UP if rules is None else rules, **(more_plays or {})}
    )
    dispatch = Dispatcher(plays, cards=cards, staff=staff_section, llm=llm)
    writer = Writer(database, dispatch, clock, SeededChance(seed), Texts())
    writer.start()
    gateway = LLMGateway(llm or Llm(), clock, SeededChance(10), Texts())
    senders: dict[str, Any] = dict.fromkeys(
        ["message/send", "externalcontact/get", "externalcontact/send_welcome_msg", "externalcontact/mark_tag",
         "externalcontact/add_corp_tag", "externalcontact/get_corp_tag_list",
         "externalcontact/groupchat/get", "externalcontact/add_contact_way", "reconcile", "order/refund",
         "message/update_template_card", "onebot/send", *CALLS], wecom,
    )  # fmt: skip
    senders |= ModelSender(llm or Llm(), gateway, writer).table()
    running = Bot(database, writer, clock, wecom, Delivery(writer, senders, clock, SeededChance(8)))
    try:
        yield running
        broken = running.violations()
        assert not broken, broken
    finally:
        await gateway.close()
        await writer.stop()
        database.close()
