"""橱窗 showroom: the demo's brand, set up through the JSON API as a shop's own program would, each thing once."""

from __future__ import annotations

import hashlib
import json
import tomllib
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from bot.clock import ZONE

FILE = Path(__file__).with_name("showroom.toml")
ANSWERS = Path(__file__).with_name("showroom_knowledge")
MADE_BY, APPROVED_BY = "王店长", "李经理"  # what may cost much is published by another person than the one who made it
TIMEOUT_S = 15.0


def read(file: Path = FILE) -> dict[str, list[dict[str, Any]]]:
    """Stores, goods, coupon templates, campaigns and salons as bodies of the API; a campaign has `days` besides, its
    length, a salon when it is from today on."""
    return tomllib.loads(file.read_text(encoding="utf-8"))


def campaign_body(item: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A campaign that runs from `now` on."""
    more = {name: value for name, value in item.items() if name != "days"}
    ends_at = now + timedelta(days=item["days"])
    return {**more, "starts_at": now.isoformat(), "ends_at": ends_at.isoformat(), "made_by": MADE_BY}


def salon_body(item: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A salon at a whole hour, `days` from now at `hour` of the shops' day, for `hours`."""
    more = {name: value for name, value in item.items() if name not in ("days", "hour", "hours")}
    day = now.astimezone(ZONE).replace(hour=item["hour"], minute=0, second=0, microsecond=0)
    begins = day + timedelta(days=item["days"])
    return {**more, "starts_at": begins.isoformat(), "ends_at": (begins + timedelta(hours=item["hours"])).isoformat(),
            "by": MADE_BY}  # fmt: skip


def _key(act: str, name: str) -> str:
    """An Idempotency-Key: headers carry ASCII alone, names are Chinese."""
    return f"showroom:{hashlib.sha256(f'{act}:{name}'.encode()).hexdigest()[:32]}"


class Showroom:
    """Sets up what `showroom.toml` names. An Idempotency-Key each: a second time nothing changes."""

    def __init__(self, bot: str, token: str, plays: Collection[str], say: Callable[[str], None]) -> None:
        self._bot, self._token, self._plays, self._say = bot, token, plays, say

    def furnish(self, now: datetime, file: Path = FILE) -> dict[str, int]:
        """How many of each kind are there now; what the bot refuses is said and left out. Raises OSError when the bot
        does not answer."""
        there = read(file)
        made = {
            "stores": sum(self._make("stores", item["code"], item) for item in there["stores"]),
            "products": sum(self._make("products", item["sku"], item) for item in there["products"]),
            "coupon_templates": sum(
                self._make("coupon-templates", item["name"], item) for item in there["coupon_templates"]
            ),
        }
        if "tier" in self._plays and "tiers" in there:
            made["tiers"] = sum(
                self._make("tiers", item["name"], {"rules": item["rules"], "made_by": MADE_BY})
                for item in there["tiers"]
            )
        known = [item for item in there["campaigns"] if item["kind"] in self._plays]
        planned = there["salons"] if "salon" in self._plays else []
        return {
            **made,
            "campaigns": sum(self._open(item, now) for item in known),
            "salons": sum(self._make("salons", item["title"], salon_body(item, now)) for item in planned),
        }

    def teach(self, folder: Path = ANSWERS) -> int:
        """How many answers the knowledge base got, or had, from the files of a folder."""
        count = 0
        for file in sorted(folder.iterdir()):
            path = f"knowledge?source={urllib.parse.quote(file.name)}"
            status, answer = self._send(path, file.read_bytes(), {"Content-Type": "text/plain"})
            if status == 200:
                count += answer["new"] + answer["changed"] + answer["same"]
            else:
                self._say(f"知识「{file.name}」没有导入：{answer['error']['message']}")
        return count

    def _make(self, path: str, name: str, body: dict[str, Any]) -> bool:
        """True when it is there, made now or before."""
        status, answer = self._post(path, _key(path, name), body)
        if status in (200, 201, 409):
            return True
        self._say(f"橱窗里的「{name}」没有摆出来：{answer['error']['message']}")
        return False

    def _open(self, item: dict[str, Any], now: datetime) -> bool:
        """Make and publish a campaign."""
        name = item["name"]
        status, answer = self._post("campaigns", _key("campaigns", name), campaign_body(item, now))
        if status == 201:
            publish = f"campaigns/{answer['id']}/publish"
            status, answer = self._post(publish, _key("publish", name), {"by": APPROVED_BY})
        if status != 200:
            self._say(f"活动「{name}」没有开起来：{answer['error']['message']}")
        return status == 200

    def _post(self, path: str, key: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        headers = {"Content-Type": "application/json", "Idempotency-Key": key}
        return self._send(path, json.dumps(body, ensure_ascii=False).encode(), headers)

    def _send(self, path: str, data: bytes, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        headers = {"Authorization": f"Bearer {self._token}", **headers}
        url = f"{self._bot}/api/v1/{path}"
        request = urllib.request.Request(url, data=data, headers=headers, method="POST")  # noqa: S310 - loopback
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as response:  # noqa: S310 - loopback
                return response.status, json.loads(response.read())
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.loads(error.read())
