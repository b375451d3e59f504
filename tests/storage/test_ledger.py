"""账本: value moves once per key, nobody falls below nothing, and the books always close."""

from __future__ import annotations

import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from storage.db import Db
from storage.engine import Database
from storage.ids import Ids
from storage.ledger import ISSUER, KeyReused, Move, Short, account, balances, debt_account, derived, post
from tests.files import sqlite_in
from tests.storage.conftest import NOW

GIFT = Move("k1", ISSUER, account(1), "points", 100, "gift")


def give(db: Db, ids: Ids, move: Move) -> bool:
    return post(db, ids.next(), move, "test", NOW)


@pytest.mark.parametrize("exact", [False, True])
def test_a_transfer_with_a_known_key_is_made_once(db: Db, ids: Ids, exact: bool) -> None:
    db.exact = exact
    assert give(db, ids, GIFT)
    if exact:  # the fast road may only succeed; this surprise is what the exact one is for
        assert not give(db, ids, GIFT)
    db.commit()

    assert balances(db, 1) == {"points": 100}
    db.commit()


def test_the_same_key_for_another_transfer_is_an_error(db: Db, ids: Ids) -> None:
    db.exact = True
    give(db, ids, GIFT)

    for other in (GIFT._replace(amount=99), GIFT._replace(credit=account(2)), GIFT._replace(asset="fen")):
        with pytest.raises(KeyReused):
            give(db, ids, other)
    db.commit()


def test_nobody_spends_what_they_do_not_have(db: Db, ids: Ids) -> None:
    give(db, ids, GIFT)

    with pytest.raises(Short):
        give(db, ids, Move("k2", account(1), ISSUER, "points", 101, "spend"))

    assert give(db, ids, Move("k3", account(1), ISSUER, "points", 100, "spend"))
    with pytest.raises(Short):
        give(db, ids, Move("k4", account(1), ISSUER, "points", 1, "spend"))
    with pytest.raises(Short):
        give(db, ids, Move("k5", account(2), ISSUER, "points", 1, "an account nobody opened"))
    db.commit()
    assert balances(db, 1) == {"points": 0}
    db.commit()


def test_a_refused_transfer_leaves_no_trace(db: Db, ids: Ids) -> None:
    with pytest.raises(Short):
        give(db, ids, Move("k1", account(1), account(2), "points", 5, "x"))
    db.commit()

    assert derived(db, account(2), "points") == 0
    assert give(db, ids, Move("k1", ISSUER, account(2), "points", 5, "the key is free"))
    db.commit()


def test_a_debt_stands_on_an_account_of_its_own(db: Db, ids: Ids) -> None:
    give(db, ids, Move("d1", debt_account(1), ISSUER, "points", 30, "reversal"))
    db.commit()

    assert balances(db, 1) == {}
    assert derived(db, debt_account(1), "points") == -30
    assert derived(db, ISSUER, "points") == 30
    db.commit()


def test_many_gifts_of_one_batch_are_one_row_with_their_sum(db: Db, ids: Ids) -> None:
    for number in range(50):
        give(db, ids, Move(f"g{number}", ISSUER, account(7), "points", number + 1, "gift"))
    db.commit()

    assert balances(db, 7) == {"points": 1275}
    assert derived(db, account(7), "points") == 1275
    db.commit()


class Books(RuleBasedStateMachine):
    """Any order of gifts, spendings, payments between members and repetitions, in batches committed or rolled back."""

    def __init__(self) -> None:
        super().__init__()
        self.home = tempfile.TemporaryDirectory()
        self.database = Database(sqlite_in(Path(self.home.name)))
        self.db = self.database.writer_db()
        self.ids = Ids(self.db)
        self.held: Counter[str] = Counter()
        self.kept: Counter[str] = Counter()
        self.keys: dict[str, Move] = {}
        self.kept_keys: dict[str, Move] = {}
        self.begin()

    def begin(self) -> None:
        self.db.begin()
        self.db.exact = True

    @rule(key=st.integers(0, 12), debit=st.integers(0, 3), credit=st.integers(0, 3), amount=st.integers(1, 60))
    def move(self, key: int, debit: int, credit: int, amount: int) -> None:
        """Try one; what must happen is known from the plain dictionaries beside it."""
        if debit == credit:
            return
        names = [ISSUER, account(1), account(2), account(3)]
        asked = Move(f"k{key}", names[debit], names[credit], "points", amount, "any")
        expected: Any = True
        if asked.key in self.keys:
            expected = False if self.keys[asked.key] == asked else KeyReused
        elif debit and self.held[asked.debit] < amount:
            expected = Short
        try:
            made: Any = give(self.db, self.ids, asked)
        except (KeyReused, Short) as refused:
            made = type(refused)
        assert made == expected
        if made is True:
            self.keys[asked.key] = asked
            self.held[asked.debit] -= amount
            self.held[asked.credit] += amount

    @rule()
    def commit(self) -> None:
        """All of it stays."""
        self.db.commit()
        self.kept, self.kept_keys = Counter(self.held), dict(self.keys)
        self.begin()

    @rule()
    def rollback(self) -> None:
        """None of it was."""
        self.ids.drop()
        self.db.rollback()
        self.held, self.keys = Counter(self.kept), dict(self.kept_keys)
        self.begin()

    @invariant()
    def balances_are_what_was_moved(self) -> None:
        """The cached balance, the sum of transfers and the plain dictionary agree; nobody is below nothing."""
        for member in (1, 2, 3):
            name = account(member)
            assert balances(self.db, member).get("points", 0) == self.held[name] >= 0
            assert derived(self.db, name, "points") == self.held[name]
        assert derived(self.db, ISSUER, "points") == self.held[ISSUER]

    def teardown(self) -> None:
        """Leave nothing behind."""
        self.db.rollback()
        self.db.close()
        self.database.close()
        self.home.cleanup()


Books.TestCase.settings = settings(max_examples=15, stateful_step_count=30, deadline=None)
TestBooks = Books.TestCase
