"""健康 health: /healthz (alive), /readyz (able to work), /metrics (Prometheus)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from aiohttp import web
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select

from bot.runtime import Runtime
from storage.tables import Inbox, Outbox


class Health:
    """The three routes over one runtime."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._registry = CollectorRegistry()
        self._registry.register(Numbers(runtime))

    async def healthz(self, request: web.Request) -> web.Response:
        """The event loop answers."""
        return web.Response(text="ok")

    async def readyz(self, request: web.Request) -> web.Response:
        """Every part that must work, one line each."""
        checks = {"writer": self._runtime.writer.alive, "sending": self._runtime.delivery.halted is None}
        why = {"sending": self._runtime.delivery.halted or ""}
        try:
            current, head = await asyncio.to_thread(self._runtime.database.revision)
            checks["schema"] = current == head
            why["schema"] = f"{current} != {head}: run.py migrate"
        except Exception as error:
            checks["database"] = False
            why["database"] = type(error).__name__
        ready = all(checks.values())
        items = [{"check": name, "ok": ok, **({} if ok else {"why": why.get(name, "")})} for name, ok in checks.items()]
        body = {"ready": ready, "leading": self._runtime.leader.leading, "checks": items}
        return web.json_response(body, status=200 if ready else 503)

    async def metrics(self, request: web.Request) -> web.Response:
        """Counters and backlogs."""
        text = await asyncio.to_thread(generate_latest, self._registry)
        return web.Response(body=text, headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"})


class Numbers(Collector):
    """Reads the parts' own counters when asked; nothing is counted twice."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    def collect(self) -> Iterable[Metric]:
        """Every number there is."""
        runtime = self._runtime
        sources = {
            "callbacks": runtime.gate.stats,
            "writer": runtime.writer.stats,
            "delivery": runtime.delivery.stats,
            "timers": runtime.scheduler.stats,
            "reconcile": runtime.reconcile.stats,
            "onebot": runtime.onebot.stats,
            "model": runtime.model.stats,
        }
        for name, stats in sources.items():
            family = CounterMetricFamily(f"siyu_{name}", f"What {name} did, by outcome", labels=["outcome"])
            for outcome, count in sorted(dict(stats).items()):
                family.add_metric([outcome], count)
            yield family
        waiting = GaugeMetricFamily("siyu_writer_waiting", "Jobs waiting for the writer")
        waiting.add_metric([], runtime.writer.backlog)
        yield waiting
        connected = GaugeMetricFamily("siyu_onebot_connected", "OneBot accounts that can speak now")
        connected.add_metric([], len(runtime.onebot.lines.connected))
        yield connected
        yield _breaker(runtime)
        backlog = GaugeMetricFamily("siyu_backlog", "Rows that wait or need a person", labels=["table", "status"])
        with runtime.database.engine.connect() as connection:
            box = Outbox.__table__  # type: ignore[attr-defined]
            open_rows = select(box.c.status, func.count()).where(box.c.done_at.is_(None)).group_by(box.c.status)
            dead = select(box.c.status, func.count()).where(box.c.error.is_not(None), box.c.status == "dead")
            events = Inbox.__table__  # type: ignore[attr-defined]
            troubled = select(events.c.status, func.count()).where(events.c.error.is_not(None))
            for table, query in (
                ("outbox", open_rows),
                ("outbox", dead.group_by(box.c.status)),
                ("inbox", troubled.group_by(events.c.status)),
            ):
                for status, count in connection.execute(query):
                    backlog.add_metric([table, status], count)
        yield backlog


def _breaker(runtime: Runtime) -> Metric:
    family = GaugeMetricFamily("siyu_model_breaker", "1 for the state that the model's breaker is in", labels=["state"])
    for state in ("closed", "open", "half-open"):
        family.add_metric([state], int(runtime.model.breaker.state == state))
    return family
