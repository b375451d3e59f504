"""Of several processes one holds the long connection; when it ends the next one connects, and nobody fights."""

from __future__ import annotations

import aiohttp
import pytest

from tests.chaos.processes import free_port
from tests.doors.house import House, bot_on, sandbox_on, settings_for
from tests.postgres import SCHEMA_FREE, needed, postgres_url


@pytest.mark.pg
async def test_the_connection_goes_with_the_lead() -> None:
    needed()
    port, first_port, second_port = free_port(), free_port(), free_port()
    base = f"http://127.0.0.1:{port}"
    with SCHEMA_FREE.schema() as name:
        async with sandbox_on(port, first_port, "websocket") as sandbox, aiohttp.ClientSession() as session:
            settings = settings_for(postgres_url(name), sandbox, base, "websocket")
            async with bot_on(settings, first_port) as first:
                house = House(sandbox, first, session, base)
                await house.until(lambda: sandbox.aibot.socket.line is not None)
                async with bot_on(settings, second_port) as second:
                    await house.say("帮助")
                    await house.until(house.answers)
                    assert second.doors.line is not None
                    assert second.doors.line.state == "off"

                    await first.leader.stop()
                    await house.until(lambda: second.leader.leading and sandbox.aibot.socket.line is not None)
                    await house.say("帮助")
                    await house.until(lambda: len(house.answers()) == 2)
    told = [entry["frame"].get("body", {}) for entry in sandbox.journal.entries if entry["type"] == "frame"]

    assert not any(body.get("event", {}).get("eventtype") == "disconnected_event" for body in told)
