"""上限 checks: what WeCom would refuse or cut silently is refused here, naming the field, before anything is sent.

Bytes are UTF-8 bytes. Only limits of WeCom's documents stand here; the numbers of the documents are beside them.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bot.errors import RequestRefused
from bot.sizes import BYTES

Body = dict[str, Any]


@enum.unique
class Unit(enum.Enum):
    """In what a field is measured."""

    BYTES = "bytes"
    CHARS = "characters"
    ITEMS = "items"
    IDS = "ids joined by |"
    NUMBER = "as a number"


@dataclass(frozen=True, slots=True)
class Limit:
    """`field` is a path of keys, `*` for every item of a list. Absent and null fields have no size."""

    field: str
    unit: Unit
    most: int
    least: int = 0

    def broken_by(self, value: Any) -> bool:
        """Whether the value is outside."""
        try:
            return not self.least <= self._size(value) <= self.most
        except (TypeError, ValueError):  # not even of the right kind
            return True

    def _size(self, value: Any) -> int:
        match self.unit:
            case Unit.BYTES:
                return len(str(value).encode("utf-8", "replace"))
            case Unit.CHARS:
                return len(str(value))
            case Unit.ITEMS:
                return len(value)
            case Unit.IDS:
                return len([word for word in str(value).split("|") if word])
            case Unit.NUMBER:
                return int(value)


_BYTES, _CHARS, _ITEMS, _IDS, _NUMBER = Unit.BYTES, Unit.CHARS, Unit.ITEMS, Unit.IDS, Unit.NUMBER

_CARD = (  # message/send and update_template_card, 90236
    Limit("template_card.task_id", _BYTES, BYTES["card_task"]),
    Limit("template_card.horizontal_content_list", _ITEMS, 6),
    Limit("template_card.jump_list", _ITEMS, 3),
    Limit("template_card.vertical_content_list", _ITEMS, 4),
    Limit("template_card.action_menu.action_list", _ITEMS, 3, 1),
    Limit("template_card.button_list", _ITEMS, 6),
    Limit("template_card.button_list.*.key", _BYTES, BYTES["card_key"]),
    Limit("template_card.button_selection.option_list", _ITEMS, 10),
    Limit("template_card.checkbox.option_list", _ITEMS, 20),
    Limit("template_card.select_list", _ITEMS, 3, 1),
)
_CONTACT_WAY = (  # 92228
    Limit("state", _CHARS, 30),
    Limit("remark", _CHARS, 30),
    Limit("user", _ITEMS, 100),
)
_KF_MESSAGE = (
    Limit("msgid", _BYTES, 32),
    Limit("text.content", _BYTES, 2048, 1),
    Limit("msgmenu.head_content", _BYTES, 1024),
    Limit("msgmenu.tail_content", _BYTES, 1024),
    Limit("msgmenu.list", _ITEMS, 50),
    Limit("msgmenu.list.*.click.id", _BYTES, 128),
    Limit("msgmenu.list.*.click.content", _BYTES, 128, 1),
    Limit("msgmenu.list.*.view.url", _BYTES, 2048, 1),
)

_JOIN_WAY = (  # 92229
    Limit("remark", _CHARS, 30),
    Limit("state", _CHARS, 30),
    Limit("room_base_name", _CHARS, 40),
    Limit("chat_id_list", _ITEMS, 5, 1),
)
_GROUP_WELCOME = (Limit("text.content", _BYTES, BYTES["group_welcome"]),)  # 92366

LIMITS: dict[str, tuple[Limit, ...]] = {
    "message/send": (
        Limit("touser", _IDS, 1000),
        Limit("toparty", _IDS, 100),
        Limit("totag", _IDS, 100),
        Limit("text.content", _BYTES, BYTES["text"], 1),
        Limit("markdown.content", _BYTES, BYTES["markdown"], 1),
        Limit("video.title", _BYTES, 128),
        Limit("video.description", _BYTES, 512),
        Limit("textcard.title", _CHARS, 128, 1),
        Limit("textcard.description", _CHARS, 512, 1),
        Limit("textcard.url", _BYTES, 2048, 1),
        Limit("textcard.btntxt", _CHARS, 4),
        Limit("news.articles", _ITEMS, 8, 1),
        Limit("news.articles.*.title", _BYTES, 128, 1),
        Limit("news.articles.*.description", _BYTES, 512),
        Limit("miniprogram_notice.content_item", _ITEMS, 10),
        Limit("duplicate_check_interval", _NUMBER, 14_400),  # seconds
        *_CARD,
    ),
    "message/update_template_card": _CARD,
    "externalcontact/send_welcome_msg": (  # 92137
        Limit("text.content", _BYTES, BYTES["welcome"]),
        Limit("attachments", _ITEMS, 9),
    ),
    "externalcontact/batch/get_by_user": (  # 92994
        Limit("userid_list", _ITEMS, 100, 1),
        Limit("limit", _NUMBER, 100, 1),
    ),
    "externalcontact/remark": (  # 92115
        Limit("remark", _CHARS, 20),
        Limit("description", _CHARS, 150),
        Limit("remark_company", _CHARS, 20),
    ),
    "externalcontact/add_corp_tag": (  # 92117
        Limit("group_name", _CHARS, 30),
        Limit("tag", _ITEMS, 10_000, 1),
        Limit("tag.*.name", _CHARS, 30, 1),
    ),
    "externalcontact/edit_corp_tag": (Limit("name", _CHARS, 30),),
    "externalcontact/mark_tag": (Limit("add_tag", _ITEMS, 3000), Limit("remove_tag", _ITEMS, 3000)),  # 92118
    "externalcontact/add_contact_way": _CONTACT_WAY,
    "externalcontact/update_contact_way": _CONTACT_WAY,
    "externalcontact/list_contact_way": (Limit("limit", _NUMBER, 1000, 1),),
    "kf/sync_msg": (  # 94670
        Limit("cursor", _BYTES, 64),
        Limit("limit", _NUMBER, 1000, 1),
    ),
    "kf/send_msg": _KF_MESSAGE,  # 94677
    "kf/send_msg_on_event": _KF_MESSAGE,  # 95122
    "kf/customer/batchget": (Limit("external_userid_list", _ITEMS, 100, 1),),  # 95159
    "externalcontact/groupchat/list": (  # 92120
        Limit("limit", _NUMBER, 1000, 1),
        Limit("owner_filter.userid_list", _ITEMS, 100),
    ),
    "externalcontact/groupchat/add_join_way": _JOIN_WAY,
    "externalcontact/groupchat/update_join_way": _JOIN_WAY,
    "externalcontact/group_welcome_template/add": _GROUP_WELCOME,
    "externalcontact/group_welcome_template/edit": _GROUP_WELCOME,
    "externalcontact/groupchat/statistic": (  # 92133
        Limit("owner_filter.userid_list", _ITEMS, 100, 1),
        Limit("limit", _NUMBER, 1000, 1),
    ),
    "externalcontact/add_msg_template": (  # 92135
        Limit("external_userid", _ITEMS, 10_000),
        Limit("chat_id_list", _ITEMS, 2_000),
        Limit("text.content", _BYTES, BYTES["broadcast"]),
        Limit("attachments", _ITEMS, 9),
    ),
    "externalcontact/get_groupmsg_list_v2": (Limit("limit", _NUMBER, 100, 1),),  # 93338
    "externalcontact/get_groupmsg_task": (Limit("limit", _NUMBER, 1000, 1),),
    "externalcontact/get_groupmsg_send_result": (Limit("limit", _NUMBER, 1000, 1),),
    "menu/create": (  # 90231
        Limit("button", _ITEMS, 3, 1),
        Limit("button.*.name", _BYTES, BYTES["menu_top"], 1),
        Limit("button.*.key", _BYTES, BYTES["menu_key"]),
        Limit("button.*.sub_button", _ITEMS, 5),
        Limit("button.*.sub_button.*.name", _BYTES, BYTES["menu_sub"], 1),
        Limit("button.*.sub_button.*.key", _BYTES, BYTES["menu_key"]),
    ),
}

# Of each group of fields, one at least must say something.
ONE_OF: dict[str, tuple[tuple[str, ...], ...]] = {
    "message/send": (("touser", "toparty", "totag"), ("msgtype",)),  # 82001
    "message/update_template_card": (("userids", "partyids", "tagids", "atall"), ("response_code",)),
    "externalcontact/send_welcome_msg": (("welcome_code",), ("text", "attachments")),
    "externalcontact/mark_tag": (("userid",), ("external_userid",), ("add_tag", "remove_tag")),
    "externalcontact/remark": (("userid",), ("external_userid",)),
    "externalcontact/add_corp_tag": (("group_id", "group_name"), ("tag",)),
    "externalcontact/edit_corp_tag": (("id",),),
    "externalcontact/del_corp_tag": (("tag_id", "group_id"),),
    "externalcontact/add_contact_way": (("type",), ("scene",)),
    "externalcontact/get_contact_way": (("config_id",),),
    "externalcontact/update_contact_way": (("config_id",),),
    "externalcontact/del_contact_way": (("config_id",),),
    "externalcontact/groupchat/list": (("limit",),),
    "externalcontact/add_msg_template": (("external_userid", "sender", "tag_filter"), ("text", "attachments")),
    "externalcontact/get_groupmsg_task": (("msgid",),),
    "externalcontact/get_groupmsg_send_result": (("msgid",), ("userid",)),
    "externalcontact/remind_groupmsg_send": (("msgid",),),
    "externalcontact/cancel_groupmsg_send": (("msgid",),),
    "kf/sync_msg": (("open_kfid",),),
    "kf/send_msg": (("touser",), ("open_kfid",), ("msgtype",)),
    "kf/send_msg_on_event": (("code",), ("msgtype",)),
    "kf/service_state/get": (("open_kfid",), ("external_userid",)),
    "kf/service_state/trans": (("open_kfid",), ("external_userid",)),
    "externalcontact/groupchat/get": (("chat_id",),),
}


def check(path: str, body: Body) -> None:
    """Raise RequestRefused for the first limit that the body breaks."""
    for fields in ONE_OF.get(path, ()):
        if not any(body.get(field) for field in fields):
            raise RequestRefused(path, " | ".join(fields), "missing")
    for limit in LIMITS.get(path, ()):
        if any(limit.broken_by(value) for value in _values(body, limit.field.split("."))):
            bounds = f"{limit.least} to {limit.most} {limit.unit.value}"
            raise RequestRefused(path, limit.field, bounds)


def _values(value: Any, keys: list[str]) -> Iterator[Any]:
    """Every value at a path of keys."""
    if not keys:
        if value is not None:
            yield value
    elif keys[0] == "*":
        for item in value if isinstance(value, list) else ():
            yield from _values(item, keys[1:])
    elif isinstance(value, dict):
        yield from _values(value.get(keys[0]), keys[1:])
