"""微信客服 KF: the two callbacks that only say that something is to be pulled, or from where. Document 94670."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from bot.channels.wecom_fields import Doc, Head, Misfit, optional, text
from bot.events import Event
from bot.kf_events import KfAccountsChanged, KfRang


def _rang(head: Head, doc: Doc) -> KfRang:
    return KfRang(**head._asdict(), open_kfid=text(doc, "OpenKfId"), token=optional(doc, "Token") or "")


def _changed(head: Head, doc: Doc) -> KfAccountsChanged:
    added, removed = _repeated(doc, "AuthAddOpenKfId"), _repeated(doc, "AuthDelOpenKfId")
    return KfAccountsChanged(**head._asdict(), added=added, removed=removed)


def _repeated(doc: Doc, name: str) -> tuple[str, ...]:
    """A tag that stands there once for each value; missing or empty is none."""
    found = doc.get(name, [])
    values = found if type(found) is list else [found]
    if not all(type(value) is str for value in values):
        raise Misfit(name)
    return tuple(dict.fromkeys(value for value in values if value))


EVENTS: Mapping[str, Callable[[Head, Doc], Event]] = {
    "kf_msg_or_event": _rang,
    "kf_account_auth_change": _changed,
}
