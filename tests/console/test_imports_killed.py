"""导入与断电: whatever is killed when, a file is in the books whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from bot.clock import SystemClock
from console.auditing import audit_lines
from storage.engine import Database
from storage.tables import ImportRow
from tests.files import sqlite_in
from tests.rows import put

ROOT = Path(__file__).parents[2]
ROWS = 6_000


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A file that takes a few seconds."""
    path = tmp_path / "members.csv"
    lines = [f"会员{n},138{n:08d},o{n},{n % 90}" for n in range(ROWS)]
    path.write_text("姓名,手机号,unionid,积分\n" + "\n".join(lines), encoding="utf-8")
    return path


def start(url: str, file: Path) -> subprocess.Popen[str]:
    """The command as a deployer types it."""
    return subprocess.Popen(
        [sys.executable, "run.py", "import", "members", str(file)], cwd=ROOT, text=True, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, env={**os.environ, "SIYU_DATABASE__URL": url, "COLUMNS": "200"},
    )  # fmt: skip


def count(database: Database, table: str, where: str = "1 = 1") -> int:
    """Rows that others can see."""
    with database.engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table} WHERE {where}")).scalar_one())


@pytest.mark.slow
@pytest.mark.chaos
@pytest.mark.parametrize("staged", [0, ROWS // 2, ROWS - 1])
def test_a_kill_leaves_nothing_half_imported(database_url: str, file: Path, staged: int) -> None:
    database = Database(database_url)
    database.migrate()
    process = start(database_url, file)
    while process.poll() is None and count(database, "import_row") <= staged:
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL  # it was not done before

    entered = count(database, "member")
    assert entered in (0, ROWS)
    assert count(database, "import_run", "status = 'done'") == (1 if entered else 0)
    assert count(database, "identity") == 2 * entered

    again = start(database_url, file)
    said, _ = again.communicate(timeout=100)
    assert (again.returncode, f"{ROWS} 行" in said) == (0, True), said
    assert (count(database, "member"), count(database, "identity")) == (ROWS, 2 * ROWS)
    assert count(database, "transfer") == sum(1 for n in range(ROWS) if n % 90)
    assert audit_lines(database)[1] == 0
    database.close()


@pytest.mark.slow
def test_what_a_killed_run_left_is_dropped_by_a_later_one(database_url: str, file: Path) -> None:
    database = Database(database_url)
    database.migrate()
    old = SystemClock().now() - timedelta(hours=2)
    stamp = f"{int(old.timestamp())}000000" if database.dialect == "sqlite" else f"'{old.isoformat()}'"
    with database.engine.begin() as connection:
        connection.exec_driver_sql(f"INSERT INTO import_run VALUES (7, 'members', 'staging', 'cli', {stamp}, NULL)")
        put(connection, ImportRow, run_id=7, line=2, base_id=1, member_id=1, at=old)
        connection.exec_driver_sql("INSERT INTO import_tag VALUES (7, 2, 'a', 'b')")
    file.write_text("手机号\n13800138000\n", encoding="utf-8")
    process = start(database_url, file)
    said, _ = process.communicate(timeout=100)
    assert process.returncode == 0, said
    assert count(database, "import_run", "status = 'dropped' AND id = 7") == 1
    assert count(database, "import_row") == count(database, "import_tag") == 0
    assert count(database, "member") == 1
    database.close()


def test_the_command_names_what_is_wrong(tmp_path: Path) -> None:
    url, wrong = f"sqlite:///{tmp_path / 'x.db'}", tmp_path / "x.csv"
    wrong.write_text("手机号\n138\n", encoding="utf-8")
    process = start(url, wrong)
    said, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "11 位手机号" in said
    assert "什么都没有写入" in said
    database = Database(url)
    assert count(database, "member") == 0
    database.close()


@pytest.mark.parametrize("kind", ["members", "products", "orders"])
def test_a_template_can_be_imported_as_it_is(tmp_path: Path, kind: str) -> None:
    command, env = [sys.executable, "run.py", "import", kind], {
        **os.environ, "SIYU_DATABASE__URL": sqlite_in(tmp_path)}  # fmt: skip
    file = tmp_path / "template.csv"
    file.write_bytes(subprocess.run([*command, "--template"], cwd=ROOT, check=True, capture_output=True).stdout)
    done = subprocess.run([*command, str(file), "--dry-run"], cwd=ROOT, env=env, check=False, capture_output=True)
    assert done.returncode == 0, done.stdout.decode()
