"""What each file of tests/callbacks must become, and which of its fields it cannot do without."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bot.events import Address

LINA, WM = "lina", "wmAAAsandbox0001"
CONTACT = {"userid": LINA, "external_userid": WM}
GROUP = {"chat_id": "wrBBBsandbox0001"}
VERSIONS = {"last_mem_ver": "9c3f97c2", "cur_mem_ver": "71217227"}
PHOTO, PHOTO_2 = "1b5f7c23b5bf75682a53e7b6d163e185", "4f0b1e6a1d6e54f2a5d1d1a2b3c4d5e6"
EFFECT = datetime(2023, 11, 15, 22, 13, 20, tzinfo=UTC)
LINK = {"link_id": "cawcdeLINK0001"}

EXPECTED: dict[str, tuple[str, dict[str, Any]]] = {
    "text": (
        "TextReceived",
        {"text": "积分 明细", "msg_id": "7300000000000000001", "agent_id": "1000002", "chat": None},
    ),
    "image": ("ImageReceived", {"media_id": "MID-image", "pic_url": "http://p.example/1.jpg"}),
    "voice": ("VoiceReceived", {"media_id": "MID-voice", "format": "amr"}),
    "video": ("VideoReceived", {"media_id": "MID-video", "thumb_media_id": "MID-thumb"}),
    "location": (
        "LocationReceived",
        {"latitude": 31.230416, "longitude": 121.473701, "scale": 15, "label": "上海市黄浦区人民大道 185 号"},
    ),
    "link": (
        "LinkReceived",
        {"title": "新品预告", "description": "周五上架", "url": "https://shop.example/new?a=1&b=2"},
    ),
    "subscribe": ("AppSubscribed", {"agent_id": "1000002"}),
    "unsubscribe": ("AppUnsubscribed", {}),
    "enter_agent": ("AppEntered", {}),
    "location_report": ("LocationReported", {"latitude": 31.230416, "longitude": 121.473701, "precision": 65.0}),
    "click": ("MenuClicked", {"menu_key": "my_day"}),
    "view": ("MenuViewed", {"url": "https://shop.example/guide?from=menu&v=2"}),
    "view_miniprogram": ("MiniProgramViewed", {"page": "pages/index/index"}),
    "scancode_push": (
        "CodeScanned",
        {"scan_result": "https://shop.example/c/8Q2M", "scan_type": "qrcode", "waiting": False},
    ),
    "scancode_waitmsg": ("CodeScanned", {"menu_key": "check_in", "waiting": True}),
    "pic_sysphoto": ("PhotosSent", {"name": "pic_sysphoto", "menu_key": "shelf", "count": 1, "md5s": (PHOTO,)}),
    "pic_photo_or_album": ("PhotosSent", {"name": "pic_photo_or_album", "count": 2, "md5s": (PHOTO, PHOTO_2)}),
    "pic_weixin": ("PhotosSent", {"name": "pic_weixin", "md5s": (PHOTO, PHOTO_2)}),
    "location_select": ("LocationPicked", {"menu_key": "visit", "latitude": 31.2, "scale": 16, "poi_name": "静安店"}),
    "batch_job_result": ("BatchJobFinished", {"job_type": "sync_user", "errcode": 0, "errmsg": "ok"}),
    "change_contact": ("DirectoryChanged", {"change_type": "update_user"}),
    "open_approval_change": ("ApprovalChanged", {}),
    "share_agent_change": ("ShareChanged", {"name": "share_agent_change"}),
    "share_chain_change": ("ShareChanged", {"name": "share_chain_change"}),
    "template_card_event": (
        "CardClicked",
        {
            "task_id": "task-0001",
            "event_key": "submit",
            "card_type": "vote_interaction",
            "response_code": "RC-0001",
            "selected": {"size": ["m", "l"], "colour": ["red"]},
        },
    ),
    "template_card_menu_event": (
        "CardMenuClicked",
        {"task_id": "task-0002", "event_key": "snooze", "response_code": "RC-0002"},
    ),
    "inactive_alert": ("AppActivityChanged", {"name": "inactive_alert", "effect_time": EFFECT}),
    "low_active_alert": ("AppActivityChanged", {"name": "low_active_alert", "effect_time": EFFECT}),
    "close_inactive_agent": ("AppActivityChanged", {"name": "close_inactive_agent", "effect_time": None}),
    "reopen_inactive_agent": ("AppActivityChanged", {"name": "reopen_inactive_agent"}),
    "low_active": ("AppActivityChanged", {"name": "low_active"}),
    "active_restored": ("AppActivityChanged", {"name": "active_restored"}),
    "add_external_contact": ("ContactAdded", {**CONTACT, "state": "live-0618", "welcome_code": "WC-0001"}),
    "add_half_external_contact": ("ContactHalfAdded", {**CONTACT, "state": "live-0618", "welcome_code": "WC-0002"}),
    "edit_external_contact": ("ContactEdited", CONTACT),
    "del_external_contact": ("ContactDeleted", {**CONTACT, "by": "DELETE_BY_TRANSFER"}),
    "del_follow_user": ("ContactLeft", CONTACT),
    "transfer_fail": ("TransferFailed", {**CONTACT, "reason": "customer_refused"}),
    "msg_audit_approved": ("ArchiveAgreed", {**CONTACT, "welcome_code": "WC-0003"}),
    "chat_create": ("GroupChatCreated", GROUP),
    "chat_dismiss": ("GroupChatDismissed", GROUP),
    "chat_add_member": ("GroupMemberJoined", {**GROUP, **VERSIONS, "members": (WM,), "join_scene": 3}),
    "chat_del_member": ("GroupMemberLeft", {**GROUP, **VERSIONS, "members": (WM, "wmAAAsandbox0002"), "quit_scene": 1}),
    "chat_change_owner": ("GroupChatEdited", {**GROUP, "detail": "change_owner"}),
    "chat_change_name": ("GroupChatEdited", {**GROUP, "detail": "change_name"}),
    "chat_change_notice": ("GroupChatEdited", {**GROUP, "detail": "change_notice"}),
    "tag_create": (
        "CorpTagChanged",
        {"tag_id": "etTAG0001", "tag_type": "tag", "change_type": "create", "strategy_id": None},
    ),
    "tag_update": ("CorpTagChanged", {"tag_id": "etTAG0001", "change_type": "update"}),
    "tag_delete": ("CorpTagChanged", {"tag_id": "etGRP0001", "tag_type": "tag_group", "change_type": "delete"}),
    "tag_shuffle": ("CorpTagChanged", {"tag_id": "", "change_type": "shuffle", "strategy_id": "1"}),
    "kf_msg_or_event": (
        "KfRang",
        {"open_kfid": "wkCCCsandbox0001", "token": "ENCApHxnGDNAVNY4AaSJKj4Tb5mwsEMzxhFmHVGcra996NR", "sender": None},
    ),
    "kf_account_auth_change": (
        "KfAccountsChanged",
        {"added": ("wkCCCsandbox0001", "wkCCCsandbox0002"), "removed": ("wkCCCsandbox0003",)},
    ),
    "acquisition_balance_low": ("AcquisitionReceived", {"change_type": "balance_low", "link_id": None, "fields": {}}),
    "acquisition_balance_exhausted": ("AcquisitionReceived", {"change_type": "balance_exhausted"}),
    "acquisition_balance_increased": ("AcquisitionReceived", {"change_type": "balance_increased"}),
    "acquisition_quota_expire_soon": (
        "AcquisitionReceived",
        {"fields": {"ExpireTime": "1701000000", "ExpireQuotaNum": "100"}},
    ),
    "acquisition_link_unavailable": ("AcquisitionReceived", LINK),
    "acquisition_delete_link": ("AcquisitionReceived", LINK),
    "acquisition_open_profile": ("AcquisitionReceived", LINK),
    "acquisition_friend_request": ("AcquisitionReceived", LINK),
    "acquisition_customer_start_chat": ("AcquisitionReceived", {**LINK, "sender": Address("wecom", WM)}),
    "acquisition_message_from_customer": ("AcquisitionReceived", {**LINK, "sender": None}),
}
# Fields without which each kind means nothing; every other field of a kind may be missing.
ENVELOPE = {"CreateTime", "MsgType", "Event"}
NEEDED: dict[str, set[str] | frozenset[str]] = {
    "TextReceived": {"Content", "MsgId", "FromUserName"},
    "ImageReceived": {"MediaId", "MsgId", "FromUserName"},
    "VoiceReceived": {"MediaId", "MsgId", "FromUserName"},
    "VideoReceived": {"MediaId", "MsgId", "FromUserName"},
    "LocationReceived": {"Location_X", "Location_Y", "MsgId", "FromUserName"},
    "LinkReceived": {"Title", "Url", "MsgId", "FromUserName"},
    "AppSubscribed": {"FromUserName"},
    "AppUnsubscribed": {"FromUserName"},
    "AppEntered": {"FromUserName"},
    "LocationReported": {"Latitude", "Longitude", "FromUserName"},
    "MenuClicked": {"EventKey", "FromUserName"},
    "MenuViewed": {"EventKey", "FromUserName"},
    "MiniProgramViewed": {"EventKey", "FromUserName"},
    "CodeScanned": {"EventKey", "ScanCodeInfo", "FromUserName"},
    "PhotosSent": {"EventKey", "SendPicsInfo", "FromUserName"},
    "LocationPicked": {"EventKey", "SendLocationInfo", "FromUserName"},
    "BatchJobFinished": {"BatchJob"},
    "DirectoryChanged": {"ChangeType"},
    "ApprovalChanged": {"ApprovalInfo"},
    "ShareChanged": set(),
    "KfRang": {"OpenKfId"},
    "KfAccountsChanged": set(),
    "CardClicked": {"TaskId", "EventKey", "FromUserName"},
    "CardMenuClicked": {"TaskId", "EventKey", "FromUserName"},
    "AppActivityChanged": set(),
    "GroupChatCreated": {"ChatId", "ChangeType"},
    "GroupChatDismissed": {"ChatId", "ChangeType"},
    "GroupMemberJoined": {"ChatId", "ChangeType", "UpdateDetail"},
    "GroupMemberLeft": {"ChatId", "ChangeType", "UpdateDetail"},
    "GroupChatEdited": {"ChatId", "ChangeType", "UpdateDetail"},
    "CorpTagChanged": {"TagType", "ChangeType"},
    "AcquisitionReceived": {"ChangeType"},
    "TransferFailed": {"UserID", "ExternalUserID", "ChangeType", "FailReason"},
    **dict.fromkeys(
        ("ContactAdded", "ContactHalfAdded", "ContactEdited", "ContactDeleted", "ContactLeft", "ArchiveAgreed"),
        frozenset({"UserID", "ExternalUserID", "ChangeType"}),
    ),
}
