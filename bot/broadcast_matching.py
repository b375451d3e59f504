"""对群发任务 matching: whether a task in WeCom's list is the one whose answer was lost."""

from __future__ import annotations

from typing import Any


class Wanted:
    """What is looked for: the sender, and the customers (None for groups, which the list of results does not name)."""

    def __init__(self, userid: str, body: dict[str, Any]) -> None:
        self.userid = userid
        names = body.get("external_userid")
        self.receivers = frozenset(names) if names is not None else None


def same_content(listed: dict[str, Any], body: dict[str, Any]) -> bool:
    """Whether a listed task says what `body` says. WeCom may tell media by other names, so of attachments their kinds
    and titles count."""
    text = str((body.get("text") or {}).get("content") or "")
    told = str((listed.get("text") or {}).get("content") or "")
    return text == told and _signs(body) == _signs(listed)


def _signs(content: dict[str, Any]) -> list[tuple[str, str]]:
    """Kind and title of each attachment."""
    found = []
    for item in content.get("attachments") or []:
        kind = str(item.get("msgtype"))
        found.append((kind, str((item.get(kind) or {}).get("title") or "")))
    return found
