"""配置 settings: config.toml, overridden by SIYU_SECTION__KEY; secrets come from the environment or from files."""

from __future__ import annotations

import contextlib
import json
import os
import tomllib
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_args

from pydantic import SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from bot.clock import ZONE
from bot.errors import ConfigError
from bot.sections import (
    FROM_FILE,
    SHOP_SECRETS,
    Api,
    Broadcasts,
    Campaigns,
    DatabaseSection,
    Delivery,
    Llm,
    Logs,
    Media,
    OneBot,
    OrderSource,
    Outreach,
    Server,
    StaffSection,
    WeComSection,
)
from bot.texts import Texts

FILE = Path(__file__).parent.parent / "config.toml"
PREFIX = "SIYU_"
SECRETS = (
    ("wecom", "app", "secret"),
    ("wecom", "app", "token"),
    ("wecom", "app", "encoding_aes_key"),
    ("wecom", "aibot", "secret"),
    ("wecom", "aibot", "token"),
    ("wecom", "aibot", "encoding_aes_key"),
    ("wecom", "webhook", "alerts"),
    ("wecom", "webhook", "daily"),
    ("api", "token"),
    ("onebot", "secret"),
    ("onebot", "access_token"),
    ("llm", "api_key"),
)


class Settings(BaseSettings):
    """Everything that can be set. Each play validates its own table of `scenarios`."""

    model_config = SettingsConfigDict(
        extra="forbid",
        env_prefix=PREFIX,
        env_nested_delimiter="__",
        toml_file=FILE,
        nested_model_default_partial_update=True,
    )

    server: Server = Server()
    database: DatabaseSection = DatabaseSection()
    wecom: WeComSection = WeComSection()
    api: Api = Api()
    staff: StaffSection = StaffSection()
    onebot: OneBot = OneBot()
    llm: Llm = Llm()
    media: Media = Media()
    delivery: Delivery = Delivery()
    campaigns: Campaigns = Campaigns()
    outreach: Outreach = Outreach()
    broadcasts: Broadcasts = Broadcasts()
    orders: dict[str, OrderSource] = {}
    logs: Logs = Logs()
    scenarios: dict[str, Any] = {"enabled": []}

    @field_validator("scenarios", mode="before")
    @classmethod
    def _decoded(cls, given: Any) -> Any:
        """The plays' tables have no fields here that would say what a variable holds: what is written as JSON is JSON,
        and names in a row are a list of names."""
        tables = _from_json(given)
        if isinstance(tables, dict) and isinstance(tables.get("enabled"), str):
            tables["enabled"] = [name.strip() for name in tables["enabled"].split(",") if name.strip()]
        return tables

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Secrets from files first, then the environment, then config.toml."""
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def plays(self) -> list[str]:
        """The enabled plays, in order of precedence."""
        enabled = list(self.scenarios.get("enabled", []))
        # The door brings its play: without it nobody there could become the member they are elsewhere.
        return [*enabled, "linking"] if self.onebot.enabled and "linking" not in enabled else enabled

    @property
    def play_tables(self) -> dict[str, dict[str, Any]]:
        """[scenarios.<play>] as configured."""
        return {name: table for name, table in self.scenarios.items() if name != "enabled"}

    @property
    def onebot_secrets(self) -> tuple[SecretStr, SecretStr]:
        """What OneBot clients must know."""
        return self.onebot.secret, self.onebot.access_token

    def secret_values(self) -> list[str]:
        """Every secret, for the log to hide."""
        app = self.wecom.app
        bot, robots = self.wecom.aibot, self.wecom.webhook
        values = (
            *(app.secret, app.token, app.encoding_aes_key, self.api.token),
            *(bot.secret, bot.token, bot.encoding_aes_key, robots.alerts, robots.daily),
            *(*self.onebot_secrets, self.llm.api_key),
        )
        shops = [secret for source in self.orders.values() for secret in source.secrets]
        return [value.get_secret_value() for value in values if value.get_secret_value()] + shops


def _from_json(given: Any) -> Any:
    if isinstance(given, dict):
        return {key: _from_json(value) for key, value in given.items()}
    if isinstance(given, str) and given[:1] in "[{":
        with contextlib.suppress(ValueError):
            return json.loads(given)
    return given


def load(texts: Texts, environ: Mapping[str, str] = os.environ, file: Path = FILE) -> Settings:
    """Read everything once; from then on the shops' days are those of their zone. Raises `ConfigError` with a sentence
    that names the key and the remedy."""
    _refuse_written_secrets(texts, file)
    try:
        settings = Settings(**_from_files(texts, environ))
    except ValidationError as error:
        first = error.errors()[0]
        raise ConfigError(".".join(map(str, first["loc"])), _explain(texts, first)) from None
    ZONE.live_in(settings.server.zone)
    return settings


def _explain(texts: Texts, problem: Any) -> str:
    loc = [str(part) for part in problem["loc"]]
    if problem["type"] == "extra_forbidden":
        near = get_close_matches(loc[-1], _keys_of(loc[:-1]), n=1, cutoff=0.4)
        return texts.render("settings/unknown_near", near=near[0]) if near else texts.render("settings/unknown")
    return texts.render("settings/wrong", why=problem["msg"])


def _keys_of(path: list[str]) -> list[str]:
    model: Any = Settings
    for part in path:
        # A table of tables (orders.<source>) has the same keys whatever its name is.
        model = model.model_fields[part].annotation if hasattr(model, "model_fields") else get_args(model)[1]
    return list(model.model_fields) if hasattr(model, "model_fields") else []


def _refuse_written_secrets(texts: Texts, file: Path) -> None:
    try:
        written: Any = tomllib.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(file.name, texts.render("settings/wrong", why=str(error))) from None
    shops = [("orders", name, key) for name in written.get("orders", {}) for key in SHOP_SECRETS]
    for path in (*SECRETS, *shops):
        here: Any = written
        for part in path:
            here = here.get(part, {}) if isinstance(here, dict) else {}
        if here not in ({}, ""):
            name = PREFIX + "__".join(path).upper()
            raise ConfigError(".".join(path), texts.render("settings/secret_in_file", name=name))


def _shop_files(environ: Mapping[str, str]) -> list[tuple[str, ...]]:
    """The shops' secrets that some SIYU_ORDERS__<SOURCE>__SECRET_FILE names."""
    start = f"{PREFIX}ORDERS__"
    names = [name.removesuffix(FROM_FILE) for name in environ if name.startswith(start) and name.endswith(FROM_FILE)]
    paths = [tuple(name.removeprefix(PREFIX).lower().split("__")) for name in names]
    return [path for path in paths if path[-1] in SHOP_SECRETS]


def _from_files(texts: Texts, environ: Mapping[str, str]) -> dict[str, Any]:
    """SIYU_…_FILE names a file that holds a secret; a file that cannot be read stops the start, loudly."""
    given: dict[str, Any] = {}
    for path in (*SECRETS, *_shop_files(environ)):
        name = PREFIX + "__".join(path).upper() + FROM_FILE
        if name not in environ:
            continue
        try:
            value = Path(environ[name]).read_text(encoding="utf-8").strip()
        except OSError as error:
            raise ConfigError(name, texts.render("settings/unreadable_file", why=error.strerror)) from None
        here = given
        for part in path[:-1]:
            here = here.setdefault(part, {})
        here[path[-1]] = value
    return given
