"""视野 sight: whether the speaker may touch somebody or something: their own, their store's, everybody's.

How far the running word or act reaches is `turn.scope`; what is meant is asked for here, for each member, store or
group that was found. What is not seen is answered as what is not there: nobody learns of it by asking.
"""

from __future__ import annotations

from bot.turn import Turn
from storage import staff


def sees(turn: Turn, member_id: int, may: str = "") -> bool:
    """Whether a member is within reach: of the running word or act, or of another permission (`may`)."""
    scope = turn.grants.get(may, "") if may else turn.scope
    if scope == "all" or turn.staff is None:
        return scope == "all"
    if scope and staff.follows(turn.db, turn.staff.userid, member_id):
        return True
    return scope == "store" and staff.store_follows(turn.db, turn.staff.store_id, member_id)


def sees_store(turn: Turn, code: str, may: str = "") -> bool:
    """Whether a store is within reach: one's own, or all."""
    scope = turn.grants.get(may, "") if may else turn.scope
    mine = turn.staff is not None and code != "" and turn.staff.store_id == code
    return scope == "all" or (scope in ("own", "store") and mine)


def sees_staff(turn: Turn, userid: str, may: str = "") -> bool:
    """Whether somebody's tasks, results or groups are within reach: one's own, those of one's store, or all."""
    scope = turn.grants.get(may, "") if may else turn.scope
    if scope == "all" or turn.staff is None:
        return scope == "all"
    if scope and userid.lower() == turn.staff.userid.lower():
        return True
    other = staff.find(turn.db, userid)
    near = other is not None and other.store_id != "" and other.store_id == turn.staff.store_id
    return scope == "store" and near
