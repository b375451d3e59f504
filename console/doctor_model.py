"""体检 the doctor's line for the language model: it is asked a real question."""

from __future__ import annotations

from bot.clock import SystemClock
from bot.ids import SystemChance
from bot.model.failures import Failure, ModelFailed
from bot.model.gateway import LLMGateway
from bot.model.ping import ping
from bot.settings import Settings
from bot.texts import Texts
from console.findings import Finding

NAME = "语言模型"
REMEDIES = {
    Failure.TIMEOUT: "在 llm.deadline_s 秒内没有回答：检查网络，或换一个快一点的模型",
    Failure.LIMITED: "被限流或余额不足（429/402）：到服务商那里看额度",
    Failure.UNREACHABLE: "连不上：检查 llm.base_url、DNS 和出网防火墙",
    Failure.DOWN: "服务出错（5xx）：稍后再试，或看服务商的公告",
    Failure.WRONG_URL: "那个地址后面不是接口（没有这个路径，或回的是网页）：llm.base_url 多半要以 /v1 结尾",
    Failure.REFUSED_KEY: "密钥不对或没有权限（401/403）：检查 SIYU_LLM__API_KEY",
    Failure.REFUSED: "请求被拒绝（400）：多半是 llm.model 的名字不对",
    Failure.NO_CHOICES: "回答里没有内容（choices 为空）：多半是余额或账号的问题",
    Failure.EMPTY: "回答是空的：换一个模型",
    Failure.CUT: "回答被截断：换一个不先想很久的模型",
    Failure.FILTERED: "被服务商的内容过滤拦下",
    Failure.GARBAGE: "答的不是要求的 JSON：换一个会按格式回答的模型",
}


async def examine_model(settings: Settings) -> list[Finding]:
    """One real question; nothing where no model is configured."""
    if not settings.llm.on:
        return []
    clock = SystemClock()
    gateway = LLMGateway(settings.llm, clock, SystemChance(), Texts())
    began = clock.monotonic()
    try:
        reply = await ping(gateway)
    except ModelFailed as error:
        says = REMEDIES.get(error.failure, error.failure.name.lower())
        return [Finding(False, NAME, f"{settings.llm.base_url} {says}" + (f"。它说：{error.why}" if error.why else ""))]
    finally:
        await gateway.close()
    took = clock.monotonic() - began
    says = f"{settings.llm.model} 有回答，{took:.1f} 秒，{reply.tokens} token，用 {reply.rung.value} 提问"
    return [Finding(True, NAME, says)]
