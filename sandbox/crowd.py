"""A crowd: many customers of whom nothing is kept but their number. One becomes a person of its own when something
happens to it alone; until then its id and its guide follow from its place."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.world import Customer, World

DIGITS = 8


@dataclass
class Crowd:
    """`count` customers whose ids are `prefix` and a number; they follow `userids` in turn since `createtime`."""

    prefix: str
    count: int
    userids: list[str]
    createtime: int
    state: str = ""

    def id_of(self, place: int) -> str:
        """The customer at a place."""
        return f"{self.prefix}{place:0{DIGITS}d}"

    def place_of(self, external_userid: str) -> int | None:
        """Inverse of `id_of`; None for who is not of this crowd."""
        number = external_userid.removeprefix(self.prefix)
        if len(number) != DIGITS or not number.isdigit() or int(number) >= self.count:
            return None
        return int(number)

    def guide_at(self, place: int) -> str:
        """Who follows the customer at a place."""
        return self.userids[place % len(self.userids)]

    def of(self, userid: str) -> range:
        """The places of a guide's customers."""
        if userid not in self.userids:
            return range(0)
        return range(self.userids.index(userid), self.count, len(self.userids))


def member(world: World, external_userid: str) -> tuple[Crowd, int] | None:
    """A crowd's member who is no person of its own yet."""
    if external_userid in world.customers:
        return None
    for crowd in world.crowds.values():
        if external_userid.startswith(crowd.prefix) and (place := crowd.place_of(external_userid)) is not None:
            return crowd, place
    return None


def guides_of(world: World, external_userid: str) -> list[str]:
    """Who follows a customer, the longest first; nobody for who does not exist."""
    person = world.customers.get(external_userid)
    if person is not None:
        return sorted(person.relations, key=lambda userid: person.relations[userid].createtime)
    found = member(world, external_userid)
    return [found[0].guide_at(found[1])] if found else []


def follows(world: World, userid: str, external_userid: str) -> bool:
    """Whether the two are friends."""
    person = world.customers.get(external_userid)
    if person is not None:
        return userid in person.relations
    found = member(world, external_userid)
    return found is not None and found[0].guide_at(found[1]) == userid


def figure(world: World, external_userid: str) -> Customer | None:
    """A crowd's member as a customer, kept nowhere."""
    from sandbox.world import Customer, Relation

    found = member(world, external_userid)
    if found is None:
        return None
    crowd, place = found
    userid = crowd.guide_at(place)
    relation = Relation(userid, crowd.state, crowd.createtime)
    return Customer(external_userid, f"客户{place}", relations={userid: relation})


Pair = tuple["Customer", str]


def _stretches(world: World, userid: str) -> Iterator[tuple[int, Callable[[int], Customer | None]]]:
    """A guide's customers in stretches of which each place can be looked up."""
    persons = [one for one in world.customers.values() if userid in one.relations]
    yield len(persons), persons.__getitem__
    for crowd in world.crowds.values():
        places = crowd.of(userid)
        yield len(places), partial(_at, world, crowd, places)


def _at(world: World, crowd: Crowd, places: range, place: int) -> Customer | None:
    return figure(world, crowd.id_of(places[place]))


def pairs(world: World, userids: list[str], start: int, limit: int) -> tuple[list[Pair], bool]:
    """A page of (customer, guide) and whether there is more after it. Who became a person of its own leaves a gap where
    it stood in its crowd."""
    found: list[Pair] = []
    passed = 0
    for userid in userids:
        for length, at in _stretches(world, userid):
            wanted = range(max(start - passed, 0), min(start + limit - passed, length))
            found += [(one, userid) for place in wanted if (one := at(place)) is not None]
            passed += length
    return found, passed > start + limit


def customers_of(world: World, userid: str) -> Iterator[str]:
    """Everybody a guide follows: persons first."""
    for customer in world.customers.values():
        if userid in customer.relations:
            yield customer.external_userid
    for crowd in world.crowds.values():
        for place in crowd.of(userid):
            if (external_userid := crowd.id_of(place)) not in world.customers:
                yield external_userid
