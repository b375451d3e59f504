"""The first minute of a newcomer: what is missing is said in plain words, with what to do about it."""

from __future__ import annotations

import ast
import importlib.util
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from tests.house.tree import ROOT


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """A fresh copy in which no environment was made yet."""
    for folder in ("tools", "requirements"):
        shutil.copytree(ROOT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


@pytest.fixture
def bootstrap(monkeypatch: pytest.MonkeyPatch) -> Any:
    """The module itself; it imports its neighbour as a script would."""
    monkeypatch.syspath_prepend(str(ROOT / "tools"))
    spec = importlib.util.spec_from_file_location("bootstrap", ROOT / "tools/bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def run(clone: Path, *words: str, first: str = "") -> subprocess.CompletedProcess[str]:
    """Run bootstrap where no other Python can be found and this one has no ensurepip."""
    crippled = clone / "crippled" / "ensurepip"
    crippled.mkdir(parents=True)
    (crippled / "__init__.py").write_text("raise ImportError('split off by the distribution')\n", encoding="utf-8")
    script = str(clone / "tools/bootstrap.py")
    code = (
        f"import runpy, sys\n{first}\nsys.argv = {[script, *words]!r}\nsys.path.insert(0, {str(clone / 'tools')!r})\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(clone / "crippled"), "PATH": str(clone), "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        [sys.executable, "-c", f"{code}runpy.run_path({script!r}, run_name='__main__')"],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip


def test_a_python_without_venv_is_told_so(clone: Path) -> None:
    result = run(clone, "venv")
    assert result.returncode == 1
    assert "apt install python3-venv" in result.stderr
    assert "缺少 venv" in result.stderr
    assert "Traceback" not in result.stderr
    assert not (clone / ".venv").exists()


def test_an_old_python_is_told_so(clone: Path) -> None:
    result = run(clone, "venv", first="sys.version_info = (3, 8, 1, 'final', 0)")
    assert result.returncode == 1
    assert "是 3.8.1，需要 3.11" in result.stderr
    assert "make run PYTHON=python3.12" in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("file", ["bootstrap.py", "remedies.py"])
def test_an_old_python_can_read_it(file: str) -> None:
    source = (ROOT / "tools" / file).read_text(encoding="utf-8")
    ast.parse(source, feature_version=(3, 6))
    assert "from __future__ import annotations" not in source  # unknown before 3.7


@pytest.mark.parametrize(
    ("log", "says"),
    [
        ("WARNING: Retrying (Retry(total=0)) after connection broken by 'NewConnectionError'", "PIP_INDEX_URL"),
        ("ERROR: No matching distribution found for aiohttp==3.14.5", "PIP_INDEX_URL"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE.", "哈希"),
        ("ERROR: Could not install packages due to an OSError: [Errno 28] No space left on device", "磁盘空间不足"),
        ("error: command 'gcc' failed", "build-essential"),
        ("something nobody foresaw", "install.log"),
    ],
)
def test_what_pip_says_is_translated(bootstrap: Any, log: str, says: str) -> None:
    words = bootstrap.remedies.diagnose(log)
    assert says in words
    assert log in words


def test_a_busy_port_is_named(bootstrap: Any) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        held.listen()
        port = held.getsockname()[1]
        bootstrap.DEMO_PORTS = ((port, "--port"),)
        with pytest.raises(bootstrap.Stop, match=f"端口 {port} 已被占用"):
            bootstrap.check_ports([])
        bootstrap.check_ports(["--port", "1"])


def test_changed_requirements_ask_for_a_new_installation(bootstrap: Any, clone: Path) -> None:
    bootstrap.ROOT = str(clone)
    before = bootstrap.stamp_of(("base", "dev"))
    with (clone / "requirements/base.txt").open("a", encoding="utf-8") as file:
        file.write("# changed\n")
    assert bootstrap.stamp_of(("base", "dev")) != before


def test_an_environment_whose_python_was_replaced_is_not_trusted(bootstrap: Any, tmp_path: Path) -> None:
    stamp = tmp_path / "installed-from"
    bootstrap.STAMP, bootstrap.PYTHON = str(stamp), sys.executable
    stamp.write_text(f"{os.path.realpath(sys.executable)}\ndev abc\n", encoding="utf-8")
    assert bootstrap.installed() == ["dev abc"]
    stamp.write_text("somewhere/else/python3.11\ndev abc\n", encoding="utf-8")
    assert bootstrap.installed() == []


def test_help_names_every_word_and_is_quick(bootstrap: Any) -> None:
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, ROOT / "tools/bootstrap.py", "help"], capture_output=True, check=True, timeout=30
    )
    assert time.monotonic() - began < 1.5
    assert [word for word in bootstrap.WORDS if f"make {word} " not in done.stdout.decode()] == []


def test_an_unknown_word_is_refused(bootstrap: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert bootstrap.main(["tset"]) == 2
    assert "make test" in capsys.readouterr().out
