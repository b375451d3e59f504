"""证据 evidence: the script, the sandbox's log, its final truth and the database, read with nothing of ours."""

from __future__ import annotations

import hashlib
import json
import re
import sqlite3
from collections import Counter, defaultdict
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit
from xml.etree import ElementTree

JOINING = ("add_external_contact", "add_half_external_contact")
NAME = re.compile(r"顾客\d{5}号")
RELAY_MARK = "请转告"  # words to a member whom only their guide can reach
NOTICE_MARK = "（渠道："  # every notice to a guide names the channel; no answer to a guide's words does
RELATED = ("active", "half")

Pair = tuple[str, str]  # (customer, guide)


@dataclass
class Told:
    """One distinct plaintext: the line of the log that first sent (or lost) it and the one that first had it
    acknowledged."""

    key: str
    fields: dict[str, str]
    sent: int
    accepted: int | None = None
    seconds: float = 0.0  # from the event's first sending to its acknowledgement

    @property
    def joining(self) -> bool:
        """Whether a customer joins a guide by it."""
        return self.fields.get("ChangeType") in JOINING and bool(self.fields.get("ExternalUserID"))

    @property
    def pair(self) -> Pair:
        """Of a customer event."""
        return self.fields["ExternalUserID"], self.fields["UserID"]


@dataclass
class Evidence:
    """Everything the rules look at."""

    workdir: Path
    database_url: str
    customers: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)
    calls: list[dict[str, Any]] = field(default_factory=list)
    deliveries: int = 0
    related: dict[Pair, dict[str, Any]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for step in self._lines("script.jsonl"):
            for join in step.get("joins", [step]):
                if "name" in join:
                    self.customers[join["customer"]] = join
        for line, entry in enumerate(self._lines("sandbox.jsonl")):
            self._hear(line, entry)
        self.truth = json.loads((self.workdir / "truth.json").read_text(encoding="utf-8"))
        for customer in self.truth["customers"]:
            for guide in customer["guides"]:
                if guide.get("status", "active") in RELATED:
                    self.related[customer["external_userid"], guide["userid"]] = guide
        self.rules = json.loads((self.workdir / "rules.json").read_text(encoding="utf-8"))
        self.rows = reader(self.database_url)

    def _lines(self, name: str) -> list[dict[str, Any]]:
        with (self.workdir / name).open(encoding="utf-8") as lines:
            return [json.loads(line) for line in lines]

    def _hear(self, line: int, entry: dict[str, Any]) -> None:
        if entry["type"] == "call":
            self.calls.append(entry)
        elif entry["type"] == "callback":
            self._hear_callback(line, entry)
        elif entry["type"] == "fault" and entry["fault"] == "lose":
            # It happened, though no callback told of it: the comparison may find it later.
            key, fields = _key(entry["plain"])
            self.told.setdefault(key, Told(key, fields, line))

    def _hear_callback(self, line: int, entry: dict[str, Any]) -> None:
        self.deliveries += 1
        plain = entry["plain"]
        key, fields = _key(plain)
        told = self.told.setdefault(key, Told(key, fields, line))
        if entry["status"] == 200 and told.accepted is None:
            told.accepted = line

    # -- what the log says ----------------------------------------------------------------------------------------

    def accepted(self) -> list[Told]:
        """Every distinct plaintext that the bot said it has."""
        return [told for told in self.told.values() if told.accepted is not None]

    def joins(self) -> list[Told]:
        """Every distinct joining event that was sent at least once."""
        return [told for told in self.told.values() if told.joining]

    def effects(self, path: str) -> list[dict[str, Any]]:
        """Bodies of the calls that changed the world."""
        return [call["body"] for call in self.calls if call["path"] == path and call["effect"] == "delivered"]

    def messages(self) -> list[tuple[str, str]]:
        """(guide, text) of every message that arrived."""
        return [(body["touser"], body["text"]["content"]) for body in self.effects("message/send")]

    def owed_gifts(self) -> set[str]:
        """Customers whose joining was acknowledged, or who are somebody's customer in the end."""
        joined = {told.pair[0] for told in self.joins() if told.accepted is not None}
        return joined | {customer for customer, _ in self.related}

    # -- what the database says -----------------------------------------------------------------------------------

    def members(self) -> dict[str, list[int]]:
        """Customer -> members who go by that name."""
        found: dict[str, list[int]] = defaultdict(list)
        for external_id, member_id in self.rows("SELECT external_id, member_id FROM identity WHERE channel = 'wecom'"):
            found[external_id].append(member_id)
        return found

    def counted(self, sql: str) -> Counter[Any]:
        """First column of each row -> how often, or the sum of the second column where there is one."""
        counts: Counter[Any] = Counter()
        for row in self.rows(sql):
            counts[row[0]] += row[1] if len(row) > 1 else 1
        return counts


def _key(plain: str) -> tuple[str, dict[str, str]]:
    fields = {child.tag: child.text or "" for child in ElementTree.fromstring(plain)}  # noqa: S314 - the sandbox wrote it
    if fields.get("MsgId"):
        return f"wecom_app:msg:{fields['MsgId']}", fields
    return f"wecom_app:sha256:{hashlib.sha256(plain.encode()).hexdigest()}", fields


def reader(url: str) -> Callable[[str], list[Any]]:
    """A function from SQL to rows, on either database; one short connection each, so none is left open."""
    if url.startswith("sqlite:///"):
        path = url.removeprefix("sqlite:///")

        def lite(sql: str) -> list[Any]:
            with closing(sqlite3.connect(path)) as connection:
                return connection.execute(sql).fetchall()

        return lite
    import psycopg

    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    dsn = parts._replace(scheme="postgresql", query="").geturl()

    def post(sql: str) -> list[Any]:
        with psycopg.connect(dsn, **options, autocommit=True) as connection:  # type: ignore[arg-type]
            return connection.execute(sql).fetchall()

    return post
