"""The command line of the knowledge base: `run.py knowledge import|search|remove|questions|reindex`. What a command
needs is imported when it is called."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from bot.errors import ConfigError
from bot.settings import load
from bot.texts import Texts

cli = typer.Typer(add_completion=False, no_args_is_help=True, help="知识库：问答、文档、话术")


def _url() -> str:
    """The database of the settings; wrong ones end here."""
    try:
        return load(Texts()).database.url
    except ConfigError as error:
        typer.secho(f"配置有误 · {error}", fg=typer.colors.RED, err=True)
        raise typer.Exit(2) from None


@cli.command("import")
def import_(
    files: Annotated[list[Path] | None, typer.Argument(help=".csv 问答或话术，.md 文档")] = None,
    dry_run: Annotated[bool, typer.Option(help="只检查，不写入")] = False,
    template: Annotated[bool, typer.Option(help="打印 CSV 的表头和一行样例")] = False,
) -> None:
    """导入知识：整个文件都对才写入；同名文件替换它上一次的内容，文件里没有了的条目会撤下，旧版本都留着。"""
    from console.knowledge import table, terminal

    if template:
        typer.echo(table.template(), nl=False)
        return
    if missing := [str(file) for file in files or () if not file.is_file()]:
        raise typer.BadParameter(f"没有这个文件：{'、'.join(missing)}")
    if not files:
        raise typer.BadParameter("要导入哪些文件？CSV 的样子用 --template 看")
    raise typer.Exit(asyncio.run(terminal.bring_in(_url(), files, dry_run=dry_run)))


@cli.command()
def search(
    text: Annotated[str, typer.Argument(help="会员会怎么问")],
    staff: Annotated[bool, typer.Option(help="像导购一样找，包括话术和内部资料")] = False,
) -> None:
    """命中测试：能找到哪几条，得分多少，缺了哪些字。"""
    from console.knowledge import terminal

    terminal.show_hits(_url(), text, staff=staff)


@cli.command()
def remove(source: Annotated[str, typer.Argument(help="导入时的文件名，例如 faq.csv")]) -> None:
    """撤下一个文件的全部条目；旧版本留着，重新导入就回来。"""
    from console.knowledge import terminal

    raise typer.Exit(asyncio.run(terminal.remove(_url(), source)))


@cli.command()
def questions() -> None:
    """没答上的问题，问得最多的在前。"""
    from console.knowledge import terminal

    terminal.show_questions(_url())


@cli.command()
def reindex() -> None:
    """重建检索：改了 storage/bigrams.toml 之后用。"""
    from console.knowledge import terminal

    raise typer.Exit(asyncio.run(terminal.reindex(_url())))
