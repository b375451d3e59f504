"""入群方式与欢迎语素材: what admins had made at WeCom for customer groups, and how far it is."""

from __future__ import annotations

from storage.rows import Rows
from storage.tables import GroupAsset

JOIN_WAY, WELCOME = "join_way", "welcome"
rows = Rows(GroupAsset)
