"""新品上市与内容排期: rows of launches, their moments, and of posts."""

from __future__ import annotations

from storage.rows import Rows
from storage.tables import Launch, LaunchMoment, Post

rows = Rows(Launch)
moments = Rows(LaunchMoment)
posts = Rows(Post)
