"""serve, migrate, audit and seed, as their users type them."""

from __future__ import annotations

import pytest

from tests.chaos.processes import World
from tests.console.conftest import Shop


def test_several_workers_on_sqlite_are_refused_with_the_reason(shop: Shop) -> None:
    done = shop.world.run("serve", "--workers", "2")

    assert done.returncode == 2
    assert "SQLite 只有一个写者" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_named(shop: Shop) -> None:
    done = shop.world.run("serve", "--port", str(shop.world.bot_port))

    assert done.returncode == 2
    assert f"端口 {shop.world.bot_port} 打不开" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["TOKEN", "SECRET", "ENCODING_AES_KEY"])
def test_a_secret_that_is_missing_is_named(shop: Shop, name: str) -> None:
    done = shop.world.run("serve", env={f"SIYU_WECOM__APP__{name}": ""})

    assert done.returncode == 2
    assert f"SIYU_WECOM__APP__{name}" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_unknown_key_is_told_its_nearest_name(shop: Shop) -> None:
    done = shop.world.run("serve", env={"SIYU_SERVER__PROT": "1"})

    assert done.returncode == 2
    assert "port" in done.stderr


def test_the_audit_of_a_living_database_is_clean(shop: Shop) -> None:
    done = shop.world.run("audit")

    assert done.returncode == 0, done.stdout
    assert done.stdout.strip().splitlines()[-1].endswith("0 violations")


def test_members_are_planted_by_their_own_events_and_the_same_again_change_nothing(world_alone: World) -> None:
    assert world_alone.run("migrate").returncode == 0
    first, again = (world_alone.run("seed", "--members", "30", "--seed", "5") for _ in range(2))

    assert first.returncode == again.returncode == 0, first.stderr + again.stderr
    assert "30" in first.stdout
    assert world_alone.run("audit").stdout.strip().endswith("0 violations")


def test_a_broken_ledger_fails_the_audit(world_alone: World) -> None:
    import sqlite3
    from contextlib import closing

    world_alone.run("migrate")
    world_alone.run("seed", "--members", "5")
    with closing(sqlite3.connect(world_alone.database_url.removeprefix("sqlite:///"))) as database, database:
        database.execute("UPDATE balance SET amount = amount + 1 WHERE rowid = 1")

    done = world_alone.run("audit")

    assert done.returncode == 1
    assert "balances equal their transfers" in done.stdout
    assert "2 violations" in done.stdout.splitlines()[-1]
