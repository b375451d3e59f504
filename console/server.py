"""The aiohttp application: callbacks in, API and health out. A route without a policy stops the start."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from bot.channels import wecom_aibot, wecom_app
from bot.runtime import Runtime
from console.api import Api
from console.broadcast_preview import Preview
from console.calendar import Calendar
from console.callers import Callers
from console.health import Health
from console.imports.entering import Importer
from console.imports.http import Imports
from console.knowledge.taking import Library
from console.writes import Writes

# Who may call what: WeCom signs, programs hold a token, a link holds a code that nobody guesses; health is open to the
# machine's own watchers.
POLICY = {
    "/wecom/app": "signature",
    "/wecom/aibot": "signature",
    "/hooks/orders/{source}": "signature",
    "/onebot/v11": "signature",
    "/onebot/v11/ws": "token",
    "/api/v1/": "token",
    "/m/salons/{token}.ics": "link",
    "/healthz": "open",
    "/readyz": "open",
    "/metrics": "open",
}
MAX_BODY = 64 * 1024


def build_app(runtime: Runtime) -> web.Application:
    """The application of one process; the runtime starts and stops with it."""
    app = web.Application(client_max_size=MAX_BODY)
    app.add_routes(wecom_app.routes(runtime.gate, runtime.writer, runtime.clock))
    if runtime.doors.gate is not None:
        name = runtime.settings.wecom.aibot.name
        app.add_routes(wecom_aibot.routes(runtime.doors.gate, runtime.writer, runtime.clock, name=name))
    token = runtime.settings.api.token.get_secret_value()
    library = Library(runtime.writer, runtime.database, runtime.clock)
    imports = Imports(Importer(runtime.writer, runtime.database, runtime.clock), library)
    callers = Callers(runtime.database, runtime.writer, runtime.clock, token, runtime.settings.staff)
    settings = runtime.settings
    preview = Preview(settings.outreach, settings.broadcasts, settings.campaigns.approve_above_fen)
    app.add_routes(Api(runtime.database, callers, Writes(runtime.writer, runtime.clock), imports, preview).routes())
    app.add_routes(Calendar(runtime.database).routes())
    app.add_routes(runtime.order_hooks.routes())
    if runtime.onebot.enabled:
        app.add_routes(runtime.onebot.door.routes())
        app.on_shutdown.append(_hang_up(runtime))
    health = Health(runtime)
    app.add_routes(
        [web.get("/healthz", health.healthz), web.get("/readyz", health.readyz), web.get("/metrics", health.metrics)]
    )
    refuse_unguarded(app)
    return app


def _hang_up(runtime: Runtime) -> Callable[[web.Application], Awaitable[None]]:
    """A WebSocket ends only when told to: the end of the process must not wait for it."""

    async def hang_up(app: web.Application) -> None:
        await runtime.onebot.follow()

    return hang_up


def refuse_unguarded(app: web.Application) -> None:
    """Every route has a policy, or the bot does not start."""
    for resource in app.router.resources():
        path = resource.canonical
        if not any(path == known or (known.endswith("/") and path.startswith(known)) for known in POLICY):
            raise RuntimeError(f"{path} has no policy: say in console/server.py who may call it")
