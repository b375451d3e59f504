"""Touches and consent: one numbered history a person, so that no cap is passed and no refusal overlooked."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from threading import Thread
from time import monotonic

import pytest

from storage import consent, members, oneid, shop, touches
from storage.consent import IN, OUT, Said
from storage.db import Db
from storage.faults import is_conflict
from storage.ids import Ids
from storage.rows import Rows
from storage.tables import MemberStats, Order, OrderRefund
from storage.touches import Message, Terms
from tests.storage.conftest import NOW

DAY = NOW.toordinal()
TWO_A_WEEK = Terms(caps=((1, 1), (7, 2)))


def people(db: Db, ids: Ids, count: int) -> list[int]:
    return [members.create(db, ids, ("wecom", f"wm{n}"), "test", NOW).id for n in range(count)]


def take(db: Db, ids: Ids, whom: list[int], *, terms: Terms = TWO_A_WEEK, day: int = DAY, by: str = "b:1") -> set[int]:
    rule = touches.rule_id(db, ids, terms, NOW)
    at = NOW + timedelta(days=day - DAY)
    return touches.take(db, whom, terms, rule, Message("marketing", by, day), 720, at)


def say(db: Db, ids: Ids, member_id: int, state: str) -> bool:
    return consent.record(db, ids, member_id, Said(state, "member", "kf"), "test", NOW)


def test_a_cap_counts_days_with_today_among_them(db: Db, ids: Ids) -> None:
    [one] = people(db, ids, 1)
    taken = [bool(take(db, ids, [one], day=DAY + after)) for after in (0, 0, 1, 2, 6, 7, 7, 8)]
    db.commit()

    # Two in any seven days: the first of them falls out of the window on the eighth.
    assert taken == [True, False, True, False, False, True, False, True]
    db.begin()
    assert [row.seq for row in touches.of_member(db, one)] == [1, 2, 3, 4]
    db.commit()


def test_a_refusal_holds_from_the_next_statement_and_a_return_too(db: Db, ids: Ids) -> None:
    first, second = people(db, ids, 2)
    assert say(db, ids, first, OUT)
    assert not say(db, ids, first, OUT)
    assert take(db, ids, [first, second]) == {second}
    message = Message("marketing", "b:1", DAY)
    assert touches.why(db, [first, second, 9], TWO_A_WEEK, message) == {
        first: "opted_out",
        second: "capped",
        9: "unknown",
    }

    assert say(db, ids, first, IN)
    assert take(db, ids, [first]) == {first}
    assert [row.kind for row in touches.of_member(db, first)] == ["out", "in", "send"]
    assert [act.state for act in consent.acts(db, first)] == ["out", "in"]
    db.commit()


def test_where_consent_is_needed_silence_is_none(db: Db, ids: Ids) -> None:
    first, second = people(db, ids, 2)
    say(db, ids, first, IN)
    asked = Terms(require_opt_in=True)

    assert take(db, ids, [first, second], terms=asked) == {first}
    assert touches.why(db, [second], asked, Message("marketing", "b:1", DAY)) == {second: "no_consent"}
    db.commit()


def test_what_was_never_delivered_counts_no_more(db: Db, ids: Ids) -> None:
    [one] = people(db, ids, 1)
    take(db, ids, [one])
    assert touches.undo(db, "b:1", [one], NOW) == 1
    assert take(db, ids, [one], by="b:2") == {one}
    db.commit()


def at_the_same_moment(first: Db, second: Db, act: Callable[[], object], watcher: Db) -> list[object]:
    """Run `act` on `second`, let `first` commit when it waits for it, and hand back what it returned or raised."""
    came: list[object] = []

    def later() -> None:
        try:
            second.begin()
            came.append(act())
            second.commit()
        except Exception as error:
            came.append(error)
            second.rollback()

    thread = Thread(target=later)
    thread.start()
    if first.dialect == "postgresql":
        pid, deadline = second.connection.info.backend_pid, monotonic() + 20
        while not watcher.connection.execute("SELECT cardinality(pg_blocking_pids($1::int))", [pid]).fetchone()[0]:
            watcher.connection.rollback()
            assert thread.is_alive()
            assert monotonic() < deadline
    first.commit()
    thread.join(20)
    return came


@pytest.mark.parametrize("rival", ["message", "refusal"])
def test_of_two_at_the_same_moment_one_passes(writer: Callable[[], Db], rival: str) -> None:
    first, second = writer(), writer()
    first.begin()
    [one] = people(first, Ids(first), 1)
    touches.rule_id(first, Ids(first), TWO_A_WEEK, NOW)
    first.commit()

    first.begin()
    if rival == "message":
        assert take(first, Ids(first), [one]) == {one}
    else:
        assert say(first, Ids(first), one, OUT)
    came = at_the_same_moment(first, second, lambda: take(second, Ids(second, 1), [one], by="b:2"), writer())
    assert came == [set()]


def test_of_two_words_at_the_same_moment_one_runs_again(writer: Callable[[], Db]) -> None:
    first, second = writer(), writer()
    if first.dialect == "sqlite":
        pytest.skip("a writer alone has the database")
    first.begin()
    [one] = people(first, Ids(first), 1)
    first.commit()
    ids = Ids(second)
    second.begin()
    ids.next()
    second.commit()  # so that no word waits for the other's block of ids
    first.begin()
    say(first, Ids(first), one, OUT)
    [came] = at_the_same_moment(first, second, lambda: say(second, ids, one, IN), writer())
    assert isinstance(came, Exception)
    assert is_conflict(came)


def test_two_who_are_one_share_their_history_and_a_refusal(db: Db, ids: Ids) -> None:
    first, second = people(db, ids, 2)
    assert take(db, ids, [first, second]) == {first, second}
    say(db, ids, second, OUT)
    say(db, ids, first, IN)
    merged = oneid.merge(db, ids, first, second, "test", "test", NOW)

    assert [row.kind for row in touches.of_member(db, first)] == ["send", "in", "send", "out", "out"]
    assert (consent.state_of(db, first), consent.state_of(db, second)) == (OUT, "")
    message = Message("marketing", "b:2", DAY)
    assert touches.why(db, [first, second], TWO_A_WEEK, message) == {first: "opted_out", second: "merged"}

    oneid.undo(db, ids, merged, "test", "test", NOW)
    assert [row.kind for row in touches.of_member(db, second)] == ["send", "out"]
    assert (consent.state_of(db, first), consent.state_of(db, second)) == (OUT, OUT)
    db.commit()


def test_statistics_follow_orders_refunds_and_merges(db: Db, ids: Ids) -> None:
    first, second = people(db, ids, 2)
    orders = [
        shop.enter(db, Order(
            id=ids.next(), source="mall", order_no=f"o{n}", member_id=who, amount_fen=fen, refunded_fen=0, items="[]",
            store="", checkout_id=None, paid_at=NOW + timedelta(days=n), created_at=NOW,
        ))
        for n, (who, fen) in enumerate([(first, 100), (first, 250), (second, 40)])
    ]  # fmt: skip
    merged = oneid.merge(db, ids, first, second, "test", "test", NOW)
    assert stats(db, first) == (3, 390, NOW, NOW + timedelta(days=2))
    assert stats(db, second) is None

    for order, fen in ((orders[0], 100), (orders[1], 50)):
        assert shop.reduce(db, order.id, fen)
        shop.order_refunds.add(db, OrderRefund(
            id=ids.next(), source="mall", refund_no=f"r{order.id}", order_no=order.order_no, amount_fen=fen, applied=1,
            refunded_at=NOW,
        ))  # fmt: skip
    assert stats(db, first) == (2, 240, NOW + timedelta(days=1), NOW + timedelta(days=2))

    oneid.undo(db, ids, merged, "test", "test", NOW)
    assert stats(db, second) == (1, 40, NOW + timedelta(days=2), NOW + timedelta(days=2))
    db.commit()


def stats(db: Db, member_id: int) -> tuple[object, ...] | None:
    row = Rows(MemberStats).one(db, member_id=member_id)
    return (row.orders, row.spend_fen, row.first_paid_at, row.last_paid_at) if row else None
