"""配置的各节 sections: the tables of config.toml with their defaults and what they refuse."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from bot.clock import read_quiet, read_zone
from bot.hours import read_hours
from storage.touches import Terms

FROM_FILE = "_FILE"
SHOP_SECRETS = ("secret", "next_secret")


class Section(BaseModel):
    """A table of config.toml; keys it does not know are refused."""

    model_config = ConfigDict(extra="forbid")


class Server(Section):
    """Where the bot listens, and in which zone its shops are. `clock_url` is for the demo: the sandbox's virtual clock
    is followed."""

    host: str = "127.0.0.1"
    port: int = Field(default=8080, ge=1, le=65535)
    workers: int = Field(default=1, ge=1, le=64)
    clock_url: str = ""
    zone: str = "Asia/Shanghai"

    _known_zone = field_validator("zone")(read_zone)


class DatabaseSection(Section):
    """`sqlite:///path` or `postgresql://user@host/name`."""

    url: str = "sqlite:///data/siyu.db"


class App(Section):
    """The self-built app. `replay_window_s` 0 turns the freshness window off; `cards`: ask guides by cards;
    `confirm`: ask once more before their words move value."""

    agent_id: int = 0
    secret: SecretStr = SecretStr("")
    token: SecretStr = SecretStr("")
    encoding_aes_key: SecretStr = SecretStr("")
    replay_window_s: int = Field(default=600, ge=0)
    cards: bool = True
    confirm: bool = True


class Kf(Section):
    """微信客服. `accounts` are pulled at every start and every night, as are those that ever rang.

    `hours`: when people answer members there ("" = always), but on `rest_days` (1 = Monday).
    """

    enabled: bool = True
    accounts: list[str] = []
    welcome: bool = True
    hours: str = ""
    rest_days: list[int] = []

    @model_validator(mode="after")
    def _are_hours(self) -> Kf:
        read_hours(self.hours, self.rest_days)
        return self


class AiBot(Section):
    """智能机器人. `mode` callback needs token and encoding_aes_key, websocket bot_id and secret; "" = off.

    `name` is what people mention in groups; without it one word after the @ is taken for the name.
    """

    mode: Literal["", "callback", "websocket"] = ""
    name: str = ""
    bot_id: str = ""
    ws_url: str = "wss://openws.work.weixin.qq.com"
    replay_window_s: int = Field(default=600, ge=0)
    secret: SecretStr = SecretStr("")
    token: SecretStr = SecretStr("")
    encoding_aes_key: SecretStr = SecretStr("")


class Media(Section):
    """素材: where files that staff send to the AI bot are kept, and from which hosts they may be fetched.

    `hosts`: names, `*` for one label, `:port` where it is not 443. `networks`: addresses inside which those hosts may
    lie though they are not public, as COS does for machines in Tencent's own cloud. `keep_days`: for how long a file
    stays that nobody sends again and nothing refers to, 0 = for ever.
    """

    folder: str = "data/media"
    hosts: list[str] = ["ww-aibot-img-1258476243.cos.*.myqcloud.com"]
    networks: list[str] = []
    most_mb: int = Field(default=20, ge=1, le=100)
    timeout_s: float = Field(default=20.0, ge=1, le=60)
    keep_days: int = Field(default=180, ge=0, le=3650)

    @field_validator("networks")
    @classmethod
    def _known(cls, given: list[str]) -> list[str]:
        for network in given:
            ip_network(network)
        return given


class Webhook(Section):
    """消息推送: group robots, each a whole address or its key; "" = off. `daily_at` is the shops' hour and minute."""

    alerts: SecretStr = SecretStr("")
    daily: SecretStr = SecretStr("")
    daily_at: str = Field(default="09:07", pattern=r"^([01]\d|2[0-3]):[0-5]\d$")


class WeComSection(Section):
    """The corp and where its API is."""

    corp_id: str = ""
    api_base: str = "https://qyapi.weixin.qq.com"
    app: App = App()
    kf: Kf = Kf()
    aibot: AiBot = AiBot()
    webhook: Webhook = Webhook()


class Api(Section):
    """The JSON API's bearer token; empty = the API is closed."""

    token: SecretStr = SecretStr("")


class StaffSection(Section):
    """Who works here. `owners` are owners by userid whatever the table of staff says; `default_role` is what a userid
    is whom the table does not know, "" = nobody."""

    owners: list[Annotated[str, Field(coerce_numbers_to_str=True, min_length=1)]] = []
    default_role: Literal["", "guide"] = "guide"


class OneBot(Section):
    """社群 of other platforms. `secret` opens HTTP POST, `access_token` the WebSocket; `groups` empty = all groups.

    `name`: what people type after an @ by hand. `api_base`: the client's HTTP API, used while no client is connected.
    """

    enabled: bool = False
    secret: SecretStr = SecretStr("")
    access_token: SecretStr = SecretStr("")
    self_id: str = Field(default="", coerce_numbers_to_str=True)
    groups: list[Annotated[str, Field(coerce_numbers_to_str=True)]] = []
    at_required: bool = True
    name: str = ""
    welcome: bool = True
    welcome_every_s: int = Field(default=60, ge=0, le=86_400)
    api_base: str = ""
    message_format: Literal["array", "string"] = "array"


class Llm(Section):
    """The language model: any service that speaks OpenAI's chat completions. All three of base_url, api_key and model,
    or none: without them nothing is asked.

    Tokens are counted in and out, per day of the shops. `mask`: personal data is taken out of what is sent.
    """

    base_url: str = ""
    api_key: SecretStr = SecretStr("")
    model: str = ""
    deadline_s: float = Field(default=8.0, gt=0, le=60)
    daily_tokens: int = Field(default=2_000_000, ge=0)
    member_daily_tokens: int = Field(default=60_000, ge=0)
    mask: bool = True
    temperature: float | None = Field(default=0.2, ge=0, le=2)
    breaker_failures: int = Field(default=5, ge=1, le=100)
    breaker_open_s: float = Field(default=30.0, gt=0, le=3_600)

    @model_validator(mode="after")
    def _whole(self) -> Llm:
        given = {"base_url": self.base_url, "SIYU_LLM__API_KEY": self.api_key.get_secret_value(), "model": self.model}
        missing = [name for name, value in given.items() if not value.strip()]
        if 0 < len(missing) < len(given):
            raise ValueError(f"base_url, api_key and model go together; missing: {', '.join(missing)}")
        if self.base_url and not self.base_url.startswith(("http://", "https://")):
            raise ValueError("base_url begins with http:// or https:// and mostly ends with /v1")
        return self

    @property
    def on(self) -> bool:
        """Whether there is a model to ask."""
        return bool(self.base_url)


class OrderSource(Section):
    """A shop that tells of orders. `refund_url` takes our refunds.

    `kind` hmac: `secret`, and `next_secret` while it is replaced; youzan: `client_id` and `secret`; wechat_pay:
    `serial`, `public_key_file` (PEM) and `secret` (the APIv3 key).
    """

    kind: Literal["hmac", "youzan", "wechat_pay"]
    secret: SecretStr = SecretStr("")
    next_secret: SecretStr = SecretStr("")
    client_id: str = ""
    serial: str = ""
    public_key_file: str = ""
    refund_url: str = ""

    @model_validator(mode="before")
    @classmethod
    def _named_files(cls, given: Any) -> Any:
        """SIYU_ORDERS__X__SECRET_FILE reaches us as a key too; `_from_files` has read it already."""
        files = {f"{name}{FROM_FILE.lower()}" for name in SHOP_SECRETS}
        return {key: value for key, value in given.items() if key not in files} if isinstance(given, dict) else given

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every secret that may sign; empty ones sign nothing."""
        both = (self.secret.get_secret_value(), self.next_secret.get_secret_value())
        return tuple(value for value in both if value)


class Logs(Section):
    """What the log says, and how."""

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    json_lines: bool = False


class Delivery(Section):
    """How many messages one receiver may get; WeCom drops beyond 30 a minute and 1,000 an hour without a word."""

    member_per_minute: int = Field(default=20, ge=1, le=30)
    member_per_hour: int = Field(default=600, ge=1, le=1000)


class Campaigns(Section):
    """A campaign that may cost more than `approve_above_fen`, or without bound, is published by a second person."""

    approve_above_fen: int = Field(default=1_000_000, ge=0)


class Cap(Section):
    """At most `most` marketing messages to a person on `days` days of the shops, today among them."""

    days: int = Field(ge=1, le=366)
    most: int = Field(ge=0, le=1000)


class Outreach(Section):
    """营销触达: who may get marketing, and when. `require_opt_in`: only who said yes; else everyone who did not refuse.

    `quiet` are hours of the member's day ("" = none); `caps` count every campaign together ([] = no limit).
    """

    require_opt_in: bool = False
    quiet: str = "21:00-09:00"
    caps: list[Cap] = [Cap(days=1, most=1), Cap(days=30, most=4)]

    @field_validator("quiet")
    @classmethod
    def _are_hours(cls, typed: str) -> str:
        read_quiet(typed)
        return typed

    @field_validator("caps")
    @classmethod
    def _differ(cls, given: list[Cap]) -> list[Cap]:
        if len({cap.days for cap in given}) < len(given):
            raise ValueError("two caps of the same days: keep the one that is meant")
        return given

    @property
    def terms(self) -> Terms:
        """As the storage counts: quiet hours in minutes, caps by their days."""
        hours = read_quiet(self.quiet)
        quiet = tuple(at.hour * 60 + at.minute for at in hours) if hours else None
        return Terms(self.require_opt_in, quiet, tuple(sorted((cap.days, cap.most) for cap in self.caps)))  # type: ignore[arg-type]


class Broadcasts(Section):
    """群发. Above `approve_above` members a second person approves. `expire_h`: hours in which staff must confirm;
    `remind_h`: hours after which those who have not are reminded. `poll_s`: results are asked for so often at first.
    `app_per_guide`: messages of one broadcast that a guide may be asked to pass on.
    """

    approve_above: int = Field(default=1_000, ge=0)
    expire_h: int = Field(default=72, ge=1, le=720)
    remind_h: list[Annotated[int, Field(ge=1, le=720)]] = [4, 24]
    poll_s: float = Field(default=30.0, ge=1, le=3_600)
    app_per_guide: int = Field(default=50, ge=1, le=500)
