"""群发的请求体 bodies: attachments of a broadcast as WeCom takes them (92135), refused by field before it would refuse
them."""

from __future__ import annotations

import json
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class Given(BaseModel):
    """A body that knows its fields."""

    model_config = ConfigDict(extra="forbid")


class Image(Given):
    """图片: a `media_id` of an upload (three days), or the address of a picture that media/uploadimg gave."""

    media_id: str = Field(default="", max_length=256)
    pic_url: str = Field(default="", max_length=2048)


class Media(Given):
    """视频、文件."""

    media_id: str = Field(min_length=1, max_length=256)


class Link(Given):
    """图文链接."""

    title: str = Field(min_length=1, max_length=128)
    url: str = Field(min_length=1, max_length=2048, pattern=r"^https?://")
    picurl: str = Field(default="", max_length=2048)
    desc: str = Field(default="", max_length=512)


class MiniProgram(Given):
    """小程序."""

    title: str = Field(min_length=1, max_length=64)
    pic_media_id: str = Field(min_length=1, max_length=256)
    appid: str = Field(min_length=1, max_length=64)
    page: str = Field(min_length=1, max_length=1024)


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
        if self.image is not None and not (self.image.media_id or self.image.pic_url):
            raise ValueError("image.media_id: an image needs media_id or pic_url")
        return self

    def words(self) -> dict[str, str]:
        """What people read of it, by field."""
        body = getattr(self, self.msgtype)
        return {
            f"{self.msgtype}.{name}": text for name in ("title", "desc", "url") if (text := getattr(body, name, ""))
        }

    def as_wecom(self) -> dict[str, Any]:
        """As WeCom takes it: what is empty is not said."""
        return self.model_dump(exclude_none=True, exclude_defaults=True) | {"msgtype": self.msgtype}


def listed(attachments: list[Attachment]) -> str:
    """As JSON."""
    return json.dumps([item.as_wecom() for item in attachments], ensure_ascii=False)
