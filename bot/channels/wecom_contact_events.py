"""客户联系事件 contact, group chat, tag and acquisition events: from fields to our events. Their sender is `sys`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from bot.channels.wecom_fields import CONTACT, Doc, Head, Misfit, optional, optional_number, text, texts
from bot.events import (
    AcquisitionReceived,
    Address,
    ArchiveAgreed,
    ContactAdded,
    ContactDeleted,
    ContactEdited,
    ContactEvent,
    ContactHalfAdded,
    ContactLeft,
    CorpTagChanged,
    Event,
    GroupChatCreated,
    GroupChatDismissed,
    GroupChatEdited,
    GroupMemberJoined,
    GroupMemberLeft,
    TransferFailed,
)

_ENVELOPE = frozenset({"ToUserName", "FromUserName", "CreateTime", "MsgType", "Event", "ChangeType", "AgentID"})
_GROUP_DETAILS = frozenset({"change_owner", "change_name", "change_notice"})


def own_fields(doc: Doc) -> dict[str, Any]:
    """The event's own tags, without the envelope that all events share."""
    return {name: value for name, value in doc.items() if name not in _ENVELOPE}


def _welcome(doc: Doc) -> dict[str, str | None]:
    return {"state": optional(doc, "State"), "welcome_code": optional(doc, "WelcomeCode")}


_CONTACT_CHANGES: Mapping[str, tuple[type[ContactEvent], Callable[[Doc], dict[str, Any]]]] = {
    "add_external_contact": (ContactAdded, _welcome),
    "add_half_external_contact": (ContactHalfAdded, _welcome),
    "edit_external_contact": (ContactEdited, lambda _: {}),
    "del_external_contact": (ContactDeleted, lambda doc: {"by": optional(doc, "Source")}),
    "del_follow_user": (ContactLeft, lambda _: {}),
    "transfer_fail": (TransferFailed, lambda doc: {"reason": text(doc, "FailReason")}),
    "msg_audit_approved": (ArchiveAgreed, lambda doc: {"welcome_code": optional(doc, "WelcomeCode")}),
}


def _contact(head: Head, doc: Doc) -> Event:
    cls, more = _CONTACT_CHANGES[text(doc, "ChangeType")]
    external_userid = text(doc, "ExternalUserID")
    return cls(
        key=head.key,
        source=head.source,
        at=head.at,
        sender=Address(CONTACT, external_userid),
        userid=text(doc, "UserID"),
        external_userid=external_userid,
        **more(doc),
    )


def _group_chat(head: Head, doc: Doc) -> Event:
    # What happened to a group is nobody's message: sender None, even where FromUserName names a member.
    base: dict[str, Any] = {"key": head.key, "source": head.source, "at": head.at, "chat_id": text(doc, "ChatId")}
    change = text(doc, "ChangeType")
    if change == "create":
        return GroupChatCreated(**base)
    if change == "dismiss":
        return GroupChatDismissed(**base)
    if change != "update":
        raise Misfit("ChangeType")
    detail = text(doc, "UpdateDetail")
    if detail in _GROUP_DETAILS:
        return GroupChatEdited(**base, detail=detail)
    base["members"] = texts(doc, "MemChangeList", "Item")
    base["last_mem_ver"], base["cur_mem_ver"] = optional(doc, "LastMemVer"), optional(doc, "CurMemVer")
    # WeCom's own example carries both scenes at once: only the one that fits the detail counts.
    if detail == "add_member":
        return GroupMemberJoined(**base, join_scene=optional_number(doc, "JoinScene"))
    if detail == "del_member":
        return GroupMemberLeft(**base, quit_scene=optional_number(doc, "QuitScene"))
    raise Misfit("UpdateDetail")


def _corp_tag(head: Head, doc: Doc) -> Event:
    change_type = text(doc, "ChangeType")
    tag_id = optional(doc, "Id") or ""
    if not tag_id and change_type != "shuffle":
        raise Misfit("Id")
    return CorpTagChanged(
        **head._asdict(),
        tag_id=tag_id,
        tag_type=text(doc, "TagType"),
        change_type=change_type,
        strategy_id=optional(doc, "StrategyId"),
    )


def _acquisition(head: Head, doc: Doc) -> Event:
    external_userid = optional(doc, "ExternalUserID")
    if external_userid is not None:
        head = head.contact(external_userid)
    return AcquisitionReceived(
        **head._asdict(),
        change_type=text(doc, "ChangeType"),
        link_id=optional(doc, "LinkId"),
        fields=own_fields(doc),
    )


EVENTS: Mapping[str, Callable[[Head, Doc], Event]] = {
    "change_external_contact": _contact,
    "change_external_chat": _group_chat,
    "change_external_tag": _corp_tag,
    "customer_acquisition": _acquisition,
}
