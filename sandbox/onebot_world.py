"""社群 the world of another platform: one account of the bot, one community group, people who may also be customers."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass
class Person:
    """An account there. `temp`: lets people of a common group write in private; friends always may."""

    user_id: int
    nickname: str
    role: str = "member"
    friend: bool = False
    temp: bool = True
    external_userid: str = ""
    private: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class OneBotWorld:
    """What an OneBot implementation sees. `connected` and `mode` are the wire's, for the page."""

    self_id: int = 10001
    nickname: str = "社群小助手"
    group_id: int = 777001
    group_name: str = "品牌粉丝群"
    people: dict[str, Person] = field(default_factory=dict)
    members: list[int] = field(default_factory=list)
    chat: list[dict[str, Any]] = field(default_factory=list)
    messages: dict[str, dict[str, Any]] = field(default_factory=dict)
    last_message: int = 0
    last_person: int = 20000
    connected: bool = False
    mode: str = ""

    def add(self, nickname: str, **more: Any) -> Person:
        """A new account."""
        self.last_person += 1
        person = self.people[str(self.last_person)] = Person(self.last_person, nickname, **more)
        return person

    def name(self, user_id: object) -> str:
        """What the group calls somebody."""
        if str(user_id) == str(self.self_id):
            return self.nickname
        found = self.people.get(str(user_id))
        return found.nickname if found else str(user_id)

    def keep(self, message: dict[str, Any], where: list[dict[str, Any]]) -> dict[str, Any]:
        """A message that is now there, in a chat and by its id."""
        self.last_message += 1
        message = {"message_id": self.last_message, **message}
        self.messages[str(self.last_message)] = message
        where.append(message)
        return message


def restored(data: dict[str, Any]) -> OneBotWorld:
    """A dumped world; the same message is in its chat and by its id."""
    world = OneBotWorld(**{**data, "people": {key: Person(**value) for key, value in data["people"].items()}})
    chats = [world.chat, *[person.private for person in world.people.values()]]
    world.messages = {str(message["message_id"]): message for chat in chats for message in chat}
    return world


def shown_onebot(there: OneBotWorld) -> dict[str, Any]:
    """The community as the page sees it."""
    return {name: value for name, value in asdict(there).items() if name not in ("messages", "last_message")}
