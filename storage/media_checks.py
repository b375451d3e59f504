"""素材审计: what is kept was sent by somebody, and nobody sent what is not kept; as queries, part of every audit."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from storage import tables

t: Any = tables


def unsent(_: datetime) -> Select[Any]:
    """Every file has a sender."""
    m, s = t.Media, t.MediaSender
    return select(m.id, m.seq).where(~select(s.media_id).where(s.media_id == m.id).exists())


def unkept(_: datetime) -> Select[Any]:
    """Every sender sent a file that is there."""
    m, s = t.Media, t.MediaSender
    return select(s.media_id, s.userid).where(~select(m.id).where(m.id == s.media_id).exists())


def misnamed(_: datetime) -> Select[Any]:
    """A file lies where its content says."""
    m = t.Media
    return select(m.id, m.path).where(~m.path.endswith(m.sha256.concat(".").concat(m.kind)))


def uploaded(_: datetime) -> Select[Any]:
    """What WeCom has of ours is kept here."""
    m, u = t.Media, t.MediaUpload
    return select(u.media_id, u.kind, u.name).where(~select(m.id).where(m.id == u.media_id).exists())


MEDIA = (
    ("media: each file was sent by somebody", unsent),
    ("media: whoever sent a file sent one that is there", unkept),
    ("media: what was uploaded is kept", uploaded),
    ("media: a file lies where its content says", misnamed),
)
