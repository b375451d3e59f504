"""知识库命令: what a deployer types."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from console.knowledge.commands import cli


def run(home: Path, *words: str) -> tuple[int, str]:
    env = {"SIYU_DATABASE__URL": f"sqlite:///{home / 'k.db'}", "COLUMNS": "200", "TERM": "dumb"}
    done = CliRunner(env=env).invoke(cli, words)
    return done.exit_code, done.output


def test_files_come_in_are_found_and_go(tmp_path: Path) -> None:
    faq, wrong = tmp_path / "faq.csv", tmp_path / "wrong.csv"
    faq.write_text("\ufeff问题,答案\n怎么退货,七天内联系导购\n", encoding="utf-8")
    wrong.write_text("问题,答案\n怎么退货,\n", encoding="utf-8")

    code, said = run(tmp_path, "import", str(wrong), str(faq))
    assert code == 1
    assert "wrong.csv：1 处有错" in said
    assert "faq.csv（utf-8-sig）：新增 1" in said
    assert "怎么退货" in run(tmp_path, "search", "請問怎麼退貨")[1]
    assert "没有没答上的问题" in run(tmp_path, "questions")[1]
    assert "重建了 1 条" in run(tmp_path, "reindex")[1]
    assert run(tmp_path, "remove", "faq.csv")[0] == 0
    assert run(tmp_path, "remove", "faq.csv")[0] == 1
    assert run(tmp_path, "import", str(tmp_path / "none.csv"))[0] == 2
