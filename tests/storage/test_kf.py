"""微信客服: the window is counted by the database, whoever writes at the same moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from storage import inbox, kf
from storage.db import Db
from storage.faults import Conflict
from storage.ids import Ids
from storage.inbox import Entry
from tests.storage.conftest import NOW

DESK, WHO = "wkDESK", "wm1"


def talk(db: Db) -> kf.Session:
    return kf.session(db, DESK, WHO)


def test_five_may_be_taken_and_no_sixth(db: Db) -> None:
    kf.heard(db, talk(db), NOW)
    assert [kf.take(db, talk(db), 1, kf.MOST, NOW) for _ in range(6)] == [True] * 5 + [False]


@pytest.mark.parametrize(("count", "most", "there", "fits"), [(3, 5, 2, True), (3, 5, 3, False), (6, 5, 0, False)])
def test_several_are_taken_together_or_not_at_all(db: Db, count: int, most: int, there: int, fits: bool) -> None:
    kf.heard(db, talk(db), NOW)
    for _ in range(there):
        kf.take(db, talk(db), 1, most, NOW)
    assert kf.take(db, talk(db), count, most, NOW) is fits
    assert talk(db).sent == there + (count if fits else 0)


@pytest.mark.parametrize(
    ("state", "takes"), [(kf.NEW, True), (kf.BOT, True), (kf.POOL, False), (kf.HUMAN, False), (kf.ENDED, False)]
)
def test_only_the_bots_own_conversations_take(db: Db, state: int, takes: bool) -> None:
    kf.heard(db, talk(db), NOW)
    kf.set_state(db, talk(db), state, "", NOW)
    assert kf.take(db, talk(db), 1, kf.MOST, NOW) is takes


def test_the_window_is_48_hours(db: Db) -> None:
    kf.heard(db, talk(db), NOW)
    assert kf.take(db, talk(db), 1, kf.MOST, NOW + timedelta(hours=47, minutes=59))
    assert not kf.take(db, talk(db), 1, kf.MOST, NOW + timedelta(hours=48))


def test_an_older_word_opens_nothing(db: Db) -> None:
    kf.heard(db, talk(db), NOW)
    kf.take(db, talk(db), 2, kf.MOST, NOW)
    kf.heard(db, talk(db), NOW - timedelta(seconds=5))
    kf.heard(db, talk(db), NOW)
    assert talk(db).sent == 2


def test_what_was_accepted_after_the_word_counts(db: Db) -> None:
    kf.heard(db, talk(db), NOW)
    for second in (10, 20, 30):
        kf.accepted(db, talk(db), NOW + timedelta(seconds=second))
    kf.heard(db, talk(db), NOW + timedelta(seconds=20))
    assert talk(db).sent == 2


def test_a_word_after_the_end_begins_anew(db: Db) -> None:
    kf.set_state(db, talk(db), kf.ENDED, "", NOW)
    kf.heard(db, talk(db), NOW)
    assert talk(db).state == kf.NEW


def test_a_session_with_people_is_over_after_48_hours(db: Db) -> None:
    kf.set_state(db, talk(db), kf.HUMAN, "lina", NOW)
    kf.heard(db, talk(db), NOW + timedelta(hours=47))
    assert (talk(db).state, talk(db).servicer) == (kf.HUMAN, "lina")
    kf.heard(db, talk(db), NOW + timedelta(hours=48))
    assert (talk(db).state, talk(db).servicer) == (kf.NEW, "")


def test_older_news_of_a_state_changes_nothing(db: Db) -> None:
    assert kf.set_state(db, talk(db), kf.HUMAN, "lina", NOW)
    assert not kf.set_state(db, talk(db), kf.ENDED, "", NOW - timedelta(seconds=1))
    assert talk(db).state == kf.HUMAN


def test_a_row_that_changed_meanwhile_is_read_again(db: Db) -> None:
    old = talk(db)
    kf.heard(db, talk(db), NOW)
    with pytest.raises(Conflict):
        kf.heard(db, old, NOW + timedelta(seconds=1))
    kf.accepted(db, talk(db), NOW)
    with pytest.raises(Conflict):
        kf.accepted(db, old, NOW)


def test_the_table_itself_refuses_a_sixth(db: Db) -> None:
    kf.heard(db, talk(db), NOW)
    with pytest.raises(Exception, match="kf_session_sent") as refused:
        kf.take(db, talk(db), 1, 99, NOW) and kf.take(db, talk(db), 5, 99, NOW)
    assert not isinstance(refused.value, IntegrityError)  # the driver's own, not SQLAlchemy's


def test_two_writers_take_the_last_one_once(writer: Callable[[], Db], db: Db) -> None:
    kf.heard(db, talk(db), NOW)
    kf.take(db, talk(db), 4, kf.MOST, NOW)
    db.commit()
    taken = 0
    for other in (writer(), writer()):
        other.begin()
        taken += kf.take(other, talk(other), 1, kf.MOST, NOW)
        other.commit()
    assert taken == 1


def test_the_newest_bells_token_is_kept(db: Db) -> None:
    kf.meet(db, DESK, NOW)
    kf.rang(db, DESK, "T2", NOW + timedelta(seconds=2))
    kf.rang(db, DESK, "T1", NOW + timedelta(seconds=1))
    kf.meet(db, DESK, NOW + timedelta(days=1))
    account = kf.account(db, DESK)
    assert account is not None
    assert (account.token, account.seen_at) == ("T2", NOW)


def test_an_account_taken_from_us_is_not_pulled(db: Db) -> None:
    kf.meet(db, DESK, NOW)
    kf.activate(db, DESK, active=False)
    assert kf.active_accounts(db) == []
    kf.rang(db, DESK, "T", NOW)
    assert kf.active_accounts(db) == [DESK]


def test_a_cursor_waits_for_its_page(db: Db, ids: Ids) -> None:
    kf.meet(db, DESK, NOW)
    assert not kf.advance(db, DESK, "", "c1", ["k1"])
    entry = Entry(
        ids.next(), "k1", "X", "s", "failed", "{}", "", "{}", 0, None, 1, "why", NOW, NOW + timedelta(seconds=2), None
    )
    inbox.add(db, entry)
    assert kf.advance(db, DESK, "", "c1", ["k1", "k1"])
    assert not kf.advance(db, DESK, "", "c2", [])


def test_a_nudge_comes_once_in_a_while(db: Db) -> None:
    every = timedelta(hours=6)
    assert [kf.nudge(db, talk(db), NOW + timedelta(hours=hours), every) for hours in (0, 1, 6, 7)] == [
        True, False, True, False,
    ]  # fmt: skip
