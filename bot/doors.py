"""各门 doors: the AI bot and the group robots of one process. What is not configured is not there."""

from __future__ import annotations

from loguru import logger

from bot import webhook
from bot.aibot_senders import AiBotSenders
from bot.channels.gate import Gate
from bot.channels.wecom_aibot_ws import LongConnection
from bot.clock import Clock
from bot.ids import Chance
from bot.limits import HOUR, MINUTE, Rate
from bot.media import MediaKeeper
from bot.media_link import Guard
from bot.media_sweep import SWEEP, SWEEP_AT, MediaSweep
from bot.sections import AiBot, Webhook
from bot.senders import Sender, WeComSenders
from bot.settings import Settings
from bot.watch import Watch
from bot.wecom.tokenless import Tokenless
from bot.writer import Writer

AIBOT_RATES = (Rate(30, MINUTE), Rate(1_000, HOUR))  # replies and pushes to one chat, as document 101463 has it
DAILY = "webhook.daily"


class Doors:
    """What runtime and server take from here: senders, rates, daily jobs, a gate, parts to start and stop."""

    def __init__(self, settings: Settings, writer: Writer, clock: Clock, chance: Chance, app: WeComSenders) -> None:
        bot, api_base = settings.wecom.aibot, settings.wecom.api_base
        self._poster = Tokenless()
        self.gate = _gate(bot) if bot.mode == "callback" else None
        self.line = _line(bot, writer, clock, chance) if bot.mode == "websocket" else None
        keys = robots(settings.wecom.webhook)
        self._watch = Watch(writer) if "alerts" in keys else None
        self.senders: dict[str, Sender] = {}
        self.rates = {"aibot": AIBOT_RATES, "webhook": (webhook.RATE,)}
        if bot.mode:
            self.senders |= AiBotSenders(self.line, self._poster, app, api_base).table()
            guard = Guard(settings.media.hosts, settings.media.networks, api_base)
            self.senders |= MediaKeeper(settings.media, guard, bot.encoding_aes_key.get_secret_value()).table()
        self.senders |= MediaSweep(settings.media, writer, clock).table()
        if keys:
            self.senders[webhook.SEND] = webhook.WebhookSender(keys, api_base, self._poster).send
        self.dailies = {SWEEP: SWEEP_AT}
        if "daily" in keys:
            self.dailies[DAILY] = _clock_time(settings.wecom.webhook.daily_at)

    async def start(self) -> None:
        """This process leads: connect, watch."""
        if self.line is not None:
            await self.line.start()
        if self._watch is not None:
            await self._watch.start()

    async def stop(self) -> None:
        """Another process leads."""
        if self._watch is not None:
            await self._watch.stop()
        if self.line is not None:
            await self.line.stop()

    async def close(self) -> None:
        """The process ends."""
        await self._poster.close()


def robots(configured: Webhook) -> dict[str, str]:
    """Robot -> key, of those that are configured rightly."""
    given = {"alerts": configured.alerts.get_secret_value(), "daily": configured.daily.get_secret_value()}
    keys = {name: key for name, value in given.items() if value and (key := webhook.key_of(value)) is not None}
    for name, value in given.items():
        if value and name not in keys:
            logger.bind(action="webhook_unusable").error("wecom.webhook.{} is neither an address nor a key", name)
    return keys


def _gate(bot: AiBot) -> Gate:
    return Gate(
        token=bot.token.get_secret_value(),
        encoding_aes_key=bot.encoding_aes_key.get_secret_value(),
        receive_id="",  # an AI bot of one's own corp has none (document 101033)
        replay_window_s=bot.replay_window_s,
    )


def _line(bot: AiBot, writer: Writer, clock: Clock, chance: Chance) -> LongConnection:
    return LongConnection(
        url=bot.ws_url,
        bot_id=bot.bot_id,
        secret=bot.secret.get_secret_value(),
        inlet=writer,
        clock=clock,
        chance=chance,
        name=bot.name,
    )


def _clock_time(text: str) -> tuple[int, int]:
    hour, _, minute = text.partition(":")
    return int(hour), int(minute)
