"""群发的请求体 bodies: attachments of a broadcast as WeCom takes them (92135), refused by field before it would refuse
them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Literal, NamedTuple, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Given(BaseModel):
    """A body that knows its fields."""

    model_config = ConfigDict(extra="forbid")


class Kept(NamedTuple):
    """A file of ours that an attachment names: the field, the code, and as what WeCom gets it."""

    field: str
    code: str
    as_kind: str


class Image(Given):
    """图片: a `media_id` of an upload (three days), the address of a picture that media/uploadimg gave, or the `code`
    of a file that we keep (P12)."""

    media_id: str = Field(default="", max_length=256)
    pic_url: str = Field(default="", max_length=2048)
    code: str = Field(default="", max_length=16)


class Media(Given):
    """视频、文件: a `media_id`, or the `code` of a file that we keep, with the `name` that receivers see."""

    media_id: str = Field(default="", max_length=256)
    code: str = Field(default="", max_length=16)
    name: str = Field(default="", max_length=60, pattern=r"^[^/\\\x00-\x1f\x7f\"]*$")


class Link(Given):
    """图文链接."""

    title: str = Field(min_length=1, max_length=128)
    url: str = Field(min_length=1, max_length=2048, pattern=r"^https?://")
    picurl: str = Field(default="", max_length=2048)
    desc: str = Field(default="", max_length=512)


class MiniProgram(Given):
    """小程序."""

    title: str = Field(min_length=1, max_length=64)
    pic_media_id: str = Field(default="", max_length=256)
    pic_code: str = Field(default="", max_length=16)
    appid: str = Field(min_length=1, max_length=64)
    page: str = Field(min_length=1, max_length=1024)


# Where the thing itself is: one of these, never two.
ONE_OF = {
    "image": ("media_id", "pic_url", "code"), "video": ("media_id", "code"), "file": ("media_id", "code"),
    "miniprogram": ("pic_media_id", "pic_code"),
}  # fmt: skip


class Attachment(Given):
    """One attachment; what `msgtype` names must be there."""

    msgtype: Literal["image", "video", "file", "link", "miniprogram"]
    image: Image | None = None
    video: Media | None = None
    file: Media | None = None
    link: Link | None = None
    miniprogram: MiniProgram | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        kinds = ("image", "video", "file", "link", "miniprogram")
        there = [kind for kind in kinds if getattr(self, kind) is not None]
        if there != [self.msgtype]:
            raise ValueError(f"{self.msgtype}: msgtype {self.msgtype} needs exactly the object of this name")
        body, one_of = getattr(self, self.msgtype), ONE_OF.get(self.msgtype, ())
        if one_of and sum(1 for field in one_of if getattr(body, field)) != 1:
            raise ValueError(f"{self.msgtype}.{one_of[0]}: {self.msgtype} needs exactly one of {', '.join(one_of)}")
        return self

    def kept(self) -> Iterator[Kept]:
        """The file of ours that it names, if it does."""
        body = getattr(self, self.msgtype)
        for field in ("code", "pic_code"):
            if code := getattr(body, field, ""):
                as_kind = self.msgtype if field == "code" else "image"
                yield Kept(f"{self.msgtype}.{field}", code, as_kind)

    def words(self) -> dict[str, str]:
        """What people read of it, by field."""
        body, names = getattr(self, self.msgtype), ("title", "desc", "url", "name")
        return {f"{self.msgtype}.{name}": text for name in names if (text := getattr(body, name, ""))}

    def as_wecom(self) -> dict[str, Any]:
        """As WeCom takes it: what is empty is not said."""
        return self.model_dump(exclude_none=True, exclude_defaults=True) | {"msgtype": self.msgtype}


def listed(attachments: list[Attachment]) -> str:
    """As JSON."""
    return json.dumps([item.as_wecom() for item in attachments], ensure_ascii=False)


def label(attachment: dict[str, Any]) -> str:
    """What a person calls it: a title, the name of a file, the code of one that we keep."""
    body = attachment[attachment["msgtype"]]
    return str(body.get("title") or body.get("name") or body.get("code") or "")
