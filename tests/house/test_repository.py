"""House rules of the whole repository: no secrets, no addresses of registries, no paths of one machine, full locks."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

from tests.house.tree import ROOT, name, tracked

TEXTS = [p for p in tracked() if p.suffix not in {".png", ".ico", ".woff2", ".db"} and p.name != "LICENSE"]
# Written in pieces, so that this file does not accuse itself.
FORBIDDEN = {
    "registry address": r"pypi\.(or"
    r"g|tuna)|python"
    r"hosted\.org|mirrors\.(ali"
    r"yun|cloud\.ten"
    r"cent)|registry\.np"
    r"mjs",
    "private key": r"-----BEGIN [A-Z ]*PRIVATE" r" KEY-----",
    "model key": r"\bsk-[A-Za-z0-9]{20,}",
    "cloud key": r"\bAKI" r"A[0-9A-Z]{16}\b|\bAKI" r"D[0-9A-Za-z]{32}\b|\bLTA" r"I[0-9A-Za-z]{16,}",
    "login in an address": r"://[^/\s:@'\"{}<>$]+:[^/\s:@'\"{}<>$]{3,}@(?!127\.0\.0\.1|localhost|db\b|host\b|HOST\b|主机)",
    "home or work folder of one machine": r"(?<![\w.])/(?:home/[a-z]+|Users/[A-Za-z]+|root/|work/)",
    "unfinished": r"\bTO" r"DO\b|\bFIX" r"ME\b|\bXX" r"X\b",
    "no real part": r"raise NotImplemented" r"Error|lorem ip" r"sum",
}


@pytest.mark.parametrize("what", FORBIDDEN)
def test_no_file_contains(what: str) -> None:
    pattern = re.compile(FORBIDDEN[what])
    found = [
        f"{name(p)}:{number}: {line.strip()[:80]}"
        for p in TEXTS
        for number, line in enumerate(p.read_text(encoding="utf-8", errors="replace").splitlines(), 1)
        if pattern.search(line)
    ]
    assert found == []


def test_corp_ids_are_invented() -> None:
    # A real corp id is ww + 16 hex digits; ours are spelled so that nobody's corp is in a test by accident.
    real = re.compile(r"\bww[0-9a-f]{16}\b")
    known = {"ww1436e0e65a779aee", "wx5823bf96d3bd56c7"}  # from WeCom's own published samples
    found = {match for p in TEXTS for match in real.findall(p.read_text(encoding="utf-8", errors="replace"))}
    assert found - known == set()


def pins(path: Path) -> dict[str, tuple[str, int]]:
    """Package -> version and number of hashes."""
    found: dict[str, tuple[str, int]] = {}
    for block in re.split(r"\n(?=\S)", path.read_text(encoding="utf-8")):
        if match := re.match(r"([A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(\S+)", block):
            found[match[1].lower()] = (match[2], len(re.findall(r"--hash=sha256:[0-9a-f]{64}", block)))
    return found


LOCKS = sorted((ROOT / "requirements").glob("*.txt"))


@pytest.mark.parametrize("lock", LOCKS, ids=lambda p: p.stem)
def test_locks_are_full_and_nameless(lock: Path) -> None:
    text = lock.read_text(encoding="utf-8")
    assert "://" not in text
    assert not re.search(r"^-", text, re.MULTILINE)
    assert len(pins(lock)) == len(re.findall(r"^[A-Za-z0-9]", text, re.MULTILINE)) > 10
    assert [package for package, (_, hashes) in pins(lock).items() if hashes == 0] == []


def test_locks_agree_with_each_other() -> None:
    base = pins(ROOT / "requirements/base.txt")
    for other in (pins(ROOT / "requirements/pg.txt"), pins(ROOT / "requirements/dev.txt")):
        assert {package: other.get(package) for package in base} == base


def test_locks_satisfy_the_ranges() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    wanted = {
        "base": project["project"]["dependencies"],
        "pg": project["project"]["optional-dependencies"]["pg"],
        "dev": project["dependency-groups"]["dev"],
    }
    for lock, ranges in wanted.items():
        have = pins(ROOT / f"requirements/{lock}.txt")
        for requirement in map(Requirement, ranges):
            assert requirement.specifier.contains(Version(have[requirement.name.lower()][0])), f"{lock}: {requirement}"


def test_what_is_installed_fits_together() -> None:
    # bootstrap installs without resolving: the lock must be complete on this platform.
    check = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True, check=False)
    assert check.returncode == 0, check.stdout
