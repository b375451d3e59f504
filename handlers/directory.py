"""通讯录 the directory: whoever leaves the company is out here as well, and so are their tokens."""

from __future__ import annotations

from bot.events import DirectoryChanged
from bot.turn import Turn
from handlers.plays import Plays
from storage import staff

RULE = "rule:directory"


def changed(turn: Turn, event: DirectoryChanged, plays: Plays) -> None:
    """Who was deleted is disabled; a userid that was changed takes its row along. Tokens end with either."""
    userid, renamed = (str(event.fields.get(name) or "") for name in ("UserID", "NewUserID"))
    if not userid or (event.change_type != "delete_user" and not renamed):
        return
    ended = staff.revoke_all(turn.db, userid, turn.now)
    row = staff.find(turn.db, userid)
    if event.change_type == "delete_user":
        change = {"status": staff.DISABLED} if row is not None and row.status == staff.ACTIVE else {}
    else:
        change = {"userid": renamed} if row is not None and staff.find(turn.db, renamed) is None else {}
    if row is not None and change:
        staff.rows.change(turn.db, {**change, "changed_at": turn.now}, userid=row.userid)
    if change or ended:
        turn.audit(RULE, f"staff.{event.change_type}", f"staff:{userid}", after=change, tokens_ended=ended)
