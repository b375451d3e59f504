"""微信客服 accounts, their sessions and their logs: what WeCom keeps of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

NEW, BOT, POOL, HUMAN, ENDED = range(5)  # service_state: not handled, bot, in the pool, human, ended or not begun
SESSION_S = 48 * 3600
LOG_S = 3 * 86_400
BELL_S = 600
PER_TURN = 5  # messages the API may send per message of the customer
CODE_S = {"welcome": 20, "pool": SESSION_S, "taken": SESSION_S, "ended": 20}
CODE_STATE = {"pool": POOL, "taken": HUMAN, "ended": ENDED}  # the session must still be there; a welcome needs no state
OFF = 1


@dataclass
class Session:
    """One customer with one account, and what that customer's phone shows of it."""

    external_userid: str
    state: int = ENDED
    servicer_userid: str = ""
    spoke_at: float | None = None
    alive_at: float = 0.0
    sent: int = 0
    welcomed_at: float | None = None
    entered_at: float | None = None
    scene: str = ""
    scene_param: str = ""
    refuses: bool = False
    messages: list[dict[str, Any]] = field(default_factory=list)

    def age(self, now: float) -> Session:
        """A session that nobody kept alive for 48 hours is over; no event tells of it."""
        if self.state != ENDED and now - self.alive_at > SESSION_S:
            self.move(ENDED)
        return self

    def move(self, state: int, servicer_userid: str = "") -> None:
        """Change the state; only a human's session has a servicer."""
        self.state, self.servicer_userid = state, servicer_userid if state == HUMAN else ""

    def heard(self, now: float) -> None:
        """The customer wrote: five more answers, 48 more hours, and a new session if there was none."""
        self.age(now)
        self.spoke_at = self.alive_at = now
        self.sent = 0
        if self.state == ENDED:
            self.move(NEW)

    def show(self, at: str, sender: str, msgid: str, msgtype: str, body: dict[str, Any]) -> None:
        """A message on the customer's phone; `sender` is customer, bot or servicer."""
        line = {"at": at, "from": sender, "msgtype": msgtype, "body": body, "msgid": msgid}
        text = {"text": body.get("content"), "msgmenu": body.get("head_content")}.get(msgtype)
        self.messages.append({**line, "text": text} if text else line)

    def may_welcome(self, now: float) -> bool:
        """No welcome in 48 hours, and the customer never wrote."""
        rested = self.welcomed_at is None or now - self.welcomed_at > SESSION_S
        return rested and self.spoke_at is None


@dataclass
class EventCode:
    """Pays for one message by send_msg_on_event; `kind` is one of CODE_S."""

    kind: str
    open_kfid: str
    external_userid: str
    made_at: float
    used: bool = False


@dataclass
class Account:
    """A KF account. `log` is what sync_msg reads: {"seq","at","msg"}, oldest first."""

    open_kfid: str
    name: str
    media_id: str = ""
    servicers: dict[str, dict[str, int]] = field(default_factory=dict)
    departments: list[int] = field(default_factory=list)
    ways: dict[str, str] = field(default_factory=dict)
    sessions: dict[str, Session] = field(default_factory=dict)
    log: list[dict[str, Any]] = field(default_factory=list)
    last_seq: int = 0
    hollow: int = -1  # the position that was last answered by an empty page
    spent: dict[str, float] = field(default_factory=dict)  # msgids the API was given
    unbidden: list[float] = field(default_factory=list)  # when it was read without a bell's token

    def session(self, external_userid: str, now: float) -> Session:
        """The customer's session as it stands now; one that never began is ended."""
        return self.sessions.setdefault(external_userid, Session(external_userid)).age(now)

    @property
    def avatar(self) -> str:
        """Where its picture would be."""
        return f"https://wework.qpic.cn/sandbox/{self.open_kfid}"


@dataclass
class Kf:
    """All of it: accounts by open_kfid, bells by token [open_kfid, at], codes by themselves."""

    accounts: dict[str, Account] = field(default_factory=dict)
    bells: dict[str, tuple[str, float]] = field(default_factory=dict)
    codes: dict[str, EventCode] = field(default_factory=dict)


def restored(data: dict[str, Any]) -> Kf:
    """From what `asdict` made of it."""
    accounts = {}
    for key, value in data["accounts"].items():
        sessions = {name: Session(**session) for name, session in value["sessions"].items()}
        accounts[key] = Account(**{**value, "sessions": sessions})
    bells = {token: (open_kfid, at) for token, (open_kfid, at) in data["bells"].items()}
    return Kf(accounts, bells, {key: EventCode(**value) for key, value in data["codes"].items()})
