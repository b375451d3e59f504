"""体检 the doctor's lines about staff: who is an owner, whom strangers are taken for, whether the API is open."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from sqlalchemy import func, select

from bot.settings import Settings
from console.findings import Finding
from storage import tables
from storage.engine import Database

t: Any = tables
SHORTEST_TOKEN = 16


def examine_staff(settings: Settings) -> list[Finding]:
    """One line for people, one for the token of the settings."""
    return [_people(settings), _token(settings)]


def _people(settings: Settings) -> Finding:
    section = settings.staff
    strangers = "没有登记的成员当作导购" if section.default_role else "没有登记的成员什么都不能做"
    counted = _counted(settings.database.url)
    if not section.owners and not counted.get("owner"):
        return Finding(True, "员工", f"还没有负责人：把你的 userid 填进 staff.owners；{strangers}")
    roles = "、".join(f"{role} {count} 位" for role, count in sorted(counted.items()))
    return Finding(True, "员工", f"staff.owners {len(section.owners)} 位；登记了 {roles or '0 位'}；{strangers}")


def _counted(url: str) -> dict[str, int]:
    """Active staff by role; nothing where the table cannot be read, which other lines of the report are about."""
    s = t.Staff
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return {}  # looking would make the file
    try:
        database = Database(url)
        with database.engine.connect() as connection:
            found = connection.execute(select(s.role, func.count()).where(s.status == "active").group_by(s.role)).all()
        database.close()
    except Exception:
        return {}
    return {row[0]: row[1] for row in found}


def _token(settings: Settings) -> Finding:
    token = settings.api.token.get_secret_value()
    if not token:
        return Finding(True, "接口", "没有设置 SIYU_API__TOKEN，JSON 接口不开放")
    if len(token) < SHORTEST_TOKEN:
        why = f"SIYU_API__TOKEN 只有 {len(token)} 个字符，谁都能试出来：换成 openssl rand -hex 32 的输出"
        return Finding(False, "接口", why)
    return Finding(True, "接口", "开放；SIYU_API__TOKEN 是负责人的，别人各用各的令牌（POST /api/v1/tokens）")
