"""视野 sight: how far somebody's reads reach: their own members, their store's, everybody."""

from __future__ import annotations

from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, or_, select, true

from console.refusals import Refused
from storage import tables
from storage.follows import OPEN

t: Any = tables


class Sight(NamedTuple):
    """`scope` own, store or all; whose."""

    scope: str
    userid: str = ""
    store_id: str = ""

    def staff(self, column: Any) -> ColumnElement[bool]:
        """Whether a userid is one's own, or of somebody of one's store."""
        if self.scope == "all":
            return true()
        mine: ColumnElement[bool] = column == self.userid
        if self.scope == "store" and self.store_id:
            return or_(mine, column.in_(select(t.Staff.userid).where(t.Staff.store_id == self.store_id)))
        return mine

    def member(self, column: Any) -> ColumnElement[bool]:
        """Whether a member is followed by them."""
        if self.scope == "all":
            return true()
        f = t.Follow
        followed: ColumnElement[bool] = column.in_(
            select(f.member_id).where(f.status.in_(OPEN), self.staff(f.userid))
        )  # fmt: skip
        return followed

    def store(self, column: Any) -> ColumnElement[bool]:
        """Whether a store is one's own."""
        if self.scope == "all":
            return true()
        mine: ColumnElement[bool] = (column == self.store_id) & (column != "")
        return mine

    def whole(self) -> None:
        """What cannot be seen in part is shown to those who see all. Raises Refused."""
        if self.scope != "all":
            raise Refused(403, "forbidden", "这里只能看全部的数据，你的角色只能看自己的一部分")


ALL = Sight("all")
