"""The only file that sees every floor: wires them together and gives them a command line."""

from __future__ import annotations

import asyncio
import gc
import runpy
import sys
from datetime import datetime
from pathlib import Path
from typing import Annotated, NoReturn

gc.disable()  # an import makes a million objects that all stay: to look for garbage among them takes a third of a start

import typer

from bot.errors import ConfigError
from bot.logs import set_up
from bot.router import load_plays
from bot.runtime import Edges, Runtime
from bot.settings import Settings, load
from bot.texts import Texts
from console.knowledge.commands import cli as knowledge
from storage.engine import Database

gc.enable()
gc.freeze()

cli = typer.Typer(
    add_completion=False, no_args_is_help=True, help="企业微信私域社群运营机器人 / a community-operations bot"
)


def fail(sentence: str) -> NoReturn:
    """One plain sentence, exit code 2, no traceback."""
    typer.secho(sentence, fg=typer.colors.RED, err=True)
    raise typer.Exit(2)


def settings_or_exit() -> Settings:
    """The settings, with the log set up; a wrong one ends here."""
    try:
        settings = load(Texts())
    except ConfigError as error:
        fail(f"配置有误 · {error}")
    set_up(settings.logs.level, settings.secret_values(), json_lines=settings.logs.json_lines)
    return settings


def wire(settings: Settings, edges: Edges | None = None) -> Runtime:
    """The whole bot of one process; `edges` when time, chance and WeCom are not the real ones."""
    from handlers.dispatch import Dispatcher

    try:
        texts = Texts()
        plays = load_plays(settings.plays, settings.play_tables)
        limit = settings.campaigns.approve_above_fen
        dispatch = Dispatcher(
            plays,
            settings.wecom.kf,
            onebot=settings.onebot,
            approve_above_fen=limit,
            cards=settings.wecom.app.cards,
            confirms=settings.wecom.app.confirm,
            llm=settings.llm,
            outreach=settings.outreach,
            staff=settings.staff,
            broadcasts=settings.broadcasts,
        )
        dailies = {name: at for play in plays for name, at in play.router.dailies.items()}
        starts = [name for play in plays for name in play.router.starts]
        return Runtime(settings, dispatch, texts, dailies, starts, edges)
    except ConfigError as error:
        fail(f"配置有误 · {error}")
    except ValueError as error:
        fail(f"配置有误 · {error}；运行 python run.py doctor 逐项检查")


@cli.command()
def serve(
    workers: Annotated[int, typer.Option(help="进程数；大于 1 需要 PostgreSQL")] = 0,
    port: Annotated[int, typer.Option(help="端口；默认取配置")] = 0,
) -> None:
    """正式运行。"""
    from console.serving import refuse_to_serve, serve_one, supervise

    settings = settings_or_exit()
    settings.server.port = port or settings.server.port
    count = workers or settings.server.workers
    if reason := refuse_to_serve(settings, count):
        fail(reason)
    if count > 1:
        raise typer.Exit(supervise(count, settings.server.port))
    try:
        asyncio.run(serve_one(wire(settings)))
    except OSError as error:
        fail(f"端口 {settings.server.port} 打不开（{error.strerror or error}）：换一个 --port，或停掉占用它的程序")


@cli.command()
def demo(
    db: Annotated[Path | None, typer.Option(help="SQLite 文件；不给就用临时文件，退出即删")] = None,
    port: Annotated[int, typer.Option(help="机器人的端口；被占用就用下一个空闲的")] = 8080,
    sandbox_port: Annotated[int, typer.Option(help="沙盒的端口；被占用就用下一个空闲的")] = 9100,
    model: Annotated[bool, typer.Option("--model", help="让机器人去问沙盒里的语言模型；默认不用模型")] = False,
) -> None:
    """机器人和沙盒一起启动：不需要企业微信账号、服务器和密钥。"""
    from console.demo import Demo

    raise typer.Exit(Demo(settings_or_exit(), db, port, sandbox_port, model=model).run())


@cli.command()
def migrate() -> None:
    """把数据库升级到最新结构。"""
    database = Database(settings_or_exit().database.url)
    database.migrate()
    typer.echo(f"数据库结构：{database.revision()[0]}")


@cli.command()
def doctor(
    callback_url: Annotated[str, typer.Option(help="正在运行的回调地址，例如 https://…/wecom/app")] = "",
) -> None:
    """逐项检查配置、密钥、数据库、时钟、回调、接口，并给出修法。"""
    from console.doctor import examine

    try:
        settings = load(Texts())
    except ConfigError as error:
        typer.echo(f"✗ 配置：{error}")
        raise typer.Exit(1) from None
    set_up("ERROR", settings.secret_values())
    findings = asyncio.run(examine(settings, callback_url))
    for finding in findings:
        typer.echo(f"{'✓' if finding.ok else '✗'} {finding.name}：{finding.says}")
    raise typer.Exit(0 if all(finding.ok for finding in findings) else 1)


@cli.command()
def menu(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只打印，不改企业微信")] = False,
    delete: Annotated[bool, typer.Option("--delete", help="撤掉应用菜单")] = False,
) -> None:
    """把开着的玩法给导购的指令放进应用菜单（最多 3×5 个）。"""
    from console.menu import client_of, drawn, put_up, wanted

    settings = settings_or_exit()
    try:
        made = wanted(settings, Texts())
    except ConfigError as error:
        fail(f"配置有误 · {error}")
    if not delete:
        typer.echo(drawn(made))
    if dry_run:
        return
    if reason := asyncio.run(put_up(client_of(settings), [] if delete else made.buttons)):
        fail(f"企业微信没有收下：{reason}；运行 python run.py doctor 逐项检查")
    typer.echo("应用菜单撤掉了" if delete else "应用菜单换好了；导购重新进入应用就能看到")


@cli.command()
def audit(
    since: Annotated[str, typer.Option(help="从前记下的链头 序号:哈希；核对它还在审计链里")] = "",
    export: Annotated[Path | None, typer.Option(help="把审计链写到文件，一行一条 JSON，不核对")] = None,
) -> None:
    """核对账本、审计链等全部不变量。"""
    from console import auditing

    database = Database(settings_or_exit().database.url)
    known = auditing.read_head(since)
    if since and known is None:
        fail(f"看不懂 {since}：写成 序号:哈希，就是 python run.py audit 打印的 audit chain: head 后面那一串")
    if export is not None:
        typer.echo(f"{auditing.export(database, export)} 条写到了 {export}")
        return
    lines, violations = auditing.audit_lines(database, known)
    typer.echo("\n".join(lines))
    raise typer.Exit(1 if violations else 0)


@cli.command(context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def bench(
    context: typer.Context,
    name: Annotated[
        str, typer.Argument(help="callbacks、channels、growth、promotions、timers、tiers 等：看 bench/README.md")
    ] = "callbacks",
) -> None:
    """性能测量：结果是同一次运行里的比值。"""
    if not (Path(__file__).parent / "bench" / f"{name}.py").exists():
        fail(f"没有叫 {name} 的测量：看 bench/README.md")
    sys.argv = [f"bench.{name}", *context.args]
    runpy.run_module(f"bench.{name}", run_name="__main__")


@cli.command()
def seed(
    members: Annotated[
        int | None, typer.Option(help="多少位会员：默认 200，一年默认 10000", min=1, max=1_000_000)
    ] = None,
    number: Annotated[int, typer.Option("--seed", help="同一个数得到同一批人、同样的一年")] = 1,
    year: Annotated[
        bool, typer.Option("--year", help="过完一整年：入会、下单、退款、活动、沙龙、旅程……要空库")
    ] = False,
    days: Annotated[int, typer.Option(help="一年过几天", min=1, max=366)] = 365,
    first: Annotated[
        datetime | None, typer.Option("--from", help="从哪天过起；默认过到昨天", formats=["%Y-%m-%d"])
    ] = None,
    zone: Annotated[str, typer.Option(help="门店时区；默认取 server.zone")] = "",
) -> None:
    """写入演示会员：每位都走真实的添加事件和新人礼；--year 让机器人按虚拟时钟过完一年。"""
    settings = settings_or_exit()
    if not year:
        from console.seeding import plant

        typer.echo(asyncio.run(plant(wire(settings), members or 200, number)))
        return
    from console.year import command

    command.live_it(settings, wire, command.Wanted(members or 10_000, number, days, first, zone), fail)


@cli.command("import")
def import_(
    kind: Annotated[str, typer.Argument(help="members、products、orders")],
    file: Annotated[Path | None, typer.Argument(help="CSV 文件：UTF-8 或 GB18030，逗号或制表符分隔")] = None,
    dry_run: Annotated[bool, typer.Option(help="只检查，不写入")] = False,
    template: Annotated[bool, typer.Option(help="打印表头和一行样例")] = False,
) -> None:
    """导入会员、商品、历史订单：整个文件都对才写入，一次写完；同一个文件再导入一次不会有变化。"""
    from console.imports.kinds import KINDS

    if kind not in KINDS:
        fail(f"不能导入 {kind}：可以是 {'、'.join(KINDS)}")
    if template:
        typer.echo(KINDS[kind].template, nl=False)
        return
    if file is None or not file.is_file():
        fail(f"没有这个文件：{file or '（没有写文件名）'}；表头的样子用 --template 看")
    from console.imports.terminal import bring_in

    raise typer.Exit(asyncio.run(bring_in(settings_or_exit().database.url, kind, file, dry_run)))


cli.add_typer(knowledge, name="knowledge")


if __name__ == "__main__":
    cli()
