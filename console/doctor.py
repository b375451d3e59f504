"""体检 doctor: names what is wrong with a set-up, one line each, with the remedy. It changes nothing."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import ssl
from email.utils import parsedate_to_datetime
from pathlib import Path

import aiohttp
from yarl import URL

from bot.channels.gate import Gate
from bot.clock import SystemClock
from bot.errors import ConfigError, WeComError
from bot.sections import OneBot
from bot.settings import Settings
from bot.texts import Texts
from bot.wecom.client import WeCom
from console.doctor_doors import examine_doors
from console.doctor_model import examine_model
from console.doctor_staff import examine_staff
from console.findings import Finding
from console.menu import client_of, compared, wanted
from storage.engine import Database

SKEW_WARN_S, SKEW_BAD_S = 5, 60
DISK_LOW = 500 * 1024 * 1024
_FIELDS = re.compile(r"<(Encrypt|MsgSignature)><!\[CDATA\[(.*?)\]\]>")
KF_REMEDIES: dict[int | None, str] = {
    48002: "没有接口权限（48002）：在「微信客服 - 可调用接口的应用」里勾上本应用",
    48007: "账号没有分给本应用（48007）：在「微信客服 - 通过API管理微信客服账号」里分配",
    60011: "不在可见范围（60011）：把接待人员加进应用的可见范围",
    60030: "接待人员不在可见范围（60030）：把接待人员加进应用的可见范围",
    84074: "没有权限（84074）：在「微信客服 - 可调用接口的应用」里勾上本应用",
    95017: "微信客服的 API 管理没有打开（95017）：在「微信客服」里打开「通过API管理微信客服账号」",
}
_IP = re.compile(r"from ip: ?([\d.]+)")


async def examine(settings: Settings, callback_url: str = "") -> list[Finding]:
    """Every check in order; later ones are left out when an earlier one makes them senseless."""
    findings = [_corp(settings), _key(settings), *_secrets(settings), *await asyncio.to_thread(_database, settings)]
    if settings.onebot.enabled:
        findings.append(await _onebot(settings.onebot))
    reach, skew = await _reach(settings.wecom.api_base)
    findings.append(reach)
    if reach.ok:
        findings += [skew, *await _platform(settings)]
    findings += await asyncio.to_thread(examine_staff, settings)
    findings += await examine_doors(settings)
    findings += await examine_model(settings)
    if callback_url and _key(settings).ok:
        findings.append(await _callback(settings, callback_url))
    return findings


def _corp(settings: Settings) -> Finding:
    corp_id, agent_id = settings.wecom.corp_id, settings.wecom.app.agent_id
    if not corp_id.startswith("ww"):
        return Finding(False, "企业", "wecom.corp_id 要填企业 ID（ww 开头），在管理后台「我的企业」最下面")
    if not agent_id:
        return Finding(False, "企业", "wecom.app.agent_id 要填自建应用的 AgentId")
    return Finding(True, "企业", f"{corp_id}，应用 {agent_id}")


def _key(settings: Settings) -> Finding:
    key = settings.wecom.app.encoding_aes_key.get_secret_value()
    name = "SIYU_WECOM__APP__ENCODING_AES_KEY"
    if len(key) != 43:
        return Finding(False, "EncodingAESKey", f"{name} 有 {len(key)} 个字符，应为 43 个：重新复制一遍，别多带空格")
    if not re.fullmatch(r"[A-Za-z0-9]{43}", key):
        return Finding(False, "EncodingAESKey", f"{name} 里有字母和数字以外的字符：重新复制一遍")
    return Finding(True, "EncodingAESKey", "43 个字符")


def _secrets(settings: Settings) -> list[Finding]:
    app = settings.wecom.app
    found = []
    for name, value in (("TOKEN", app.token), ("SECRET", app.secret)):
        text = value.get_secret_value()
        if not text:
            found.append(Finding(False, name.title(), f"没有设置 SIYU_WECOM__APP__{name}"))
        elif text != text.strip() or (name == "TOKEN" and not re.fullmatch(r"[A-Za-z0-9]{1,32}", text)):
            found.append(Finding(False, name.title(), f"SIYU_WECOM__APP__{name} 含空格或不该有的字符，或太长"))
        else:
            found.append(Finding(True, name.title(), "已设置"))
    return found


def _database(settings: Settings) -> list[Finding]:
    url = settings.database.url
    if url.startswith("sqlite:///") and not Path(url.removeprefix("sqlite:///")).exists():
        return [Finding(False, "数据库", f"{url} 还没有：运行 python run.py migrate（serve 启动时也会自己做）")]
    try:
        database = Database(url)
        current, head = database.revision()
    except Exception as error:
        return [Finding(False, "数据库", f"连不上：{type(error).__name__}。检查 database.url 和数据库是否在运行")]
    found = [
        Finding(True, "数据库", f"结构是最新的（{head}）")
        if current == head
        else Finding(False, "数据库", f"结构是 {current or '空的'}，最新是 {head}：运行 python run.py migrate")
    ]
    if database.dialect == "sqlite":
        free = shutil.disk_usage(Path(str(database.url.database)).parent).free
        low = free < DISK_LOW
        found.append(
            Finding(not low, "磁盘", f"剩 {free // 1024 // 1024} MB" + ("，太少了：清理后再用" if low else ""))
        )
    database.close()
    return found


async def _onebot(door: OneBot) -> Finding:
    """社群: at least one way in, and a way out; the client's HTTP API is tried where config names one."""
    secret, token = door.secret.get_secret_value(), door.access_token.get_secret_value()
    name = "社群"
    if not secret and not token:
        says = "没有设置 SIYU_ONEBOT__ACCESS_TOKEN（反向 WebSocket）或 SIYU_ONEBOT__SECRET（HTTP 推送）：谁也连不进来"
        return Finding(False, name, says)
    if any(value != value.strip() or 0 < len(value) < 8 for value in (secret, token)):
        return Finding(False, name, "SIYU_ONEBOT__ACCESS_TOKEN 或 __SECRET 含空格或不足 8 位：换一个长的随机串")
    if not token and not door.api_base:
        return Finding(
            False, name, "只有 HTTP 推送，答不出去：设 SIYU_ONEBOT__ACCESS_TOKEN 让客户端连过来，或填 onebot.api_base"
        )
    if door.api_base and (why := await _onebot_api(door.api_base, token)):
        return Finding(False, name, f"onebot.api_base {door.api_base} {why}")
    ways = [
        way for way, there in (("HTTP 推送", secret), ("反向 WebSocket", token), ("HTTP API", door.api_base)) if there
    ]
    return Finding(True, name, "、".join(ways))


async def _onebot_api(api_base: str, token: str) -> str:
    """What is wrong with the client's HTTP API; empty when it says who it is."""
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        timeout = aiohttp.ClientTimeout(total=5, connect=3)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.post(f"{api_base.rstrip('/')}/get_login_info", json={}, headers=headers) as response,
        ):
            if response.status in (401, 403):
                return f"不认 access_token（{response.status}）：两边要一样"
            answer = await response.json(content_type=None)
            return (
                "" if isinstance(answer, dict) and answer.get("retcode") == 0 else f"没有登录账号：{str(answer)[:100]}"
            )
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return f"没有回答（{type(error).__name__}）：客户端在运行吗？"


async def _reach(api_base: str) -> tuple[Finding, Finding]:
    """Whether the API's host answers, and how far its clock is from ours."""
    skew = Finding(True, "时钟", "接口没有给出时间，跳过")
    try:
        timeout = aiohttp.ClientTimeout(total=10, connect=3)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(f"{api_base}/cgi-bin/gettoken", allow_redirects=False) as response,
        ):
            date = response.headers.get("Date")
    except aiohttp.ClientConnectorDNSError:
        return Finding(False, "接口", f"{api_base} 的域名解析不了：检查 wecom.api_base 和本机 DNS"), skew
    except (aiohttp.ClientConnectorCertificateError, aiohttp.ClientSSLError, ssl.SSLError):
        return Finding(False, "接口", f"{api_base} 的证书不被信任：检查是否有代理，系统证书是否太旧"), skew
    except aiohttp.ClientConnectorError:
        return Finding(False, "接口", f"{api_base} 拒绝连接：地址或端口不对，或沙盒没有启动"), skew
    except TimeoutError:
        return Finding(False, "接口", f"{api_base} 超时没有回答：检查网络和防火墙"), skew
    except (aiohttp.ClientError, ValueError) as error:
        return Finding(False, "接口", f"{api_base} 不可用：{type(error).__name__}，检查 wecom.api_base 的写法"), skew
    if date:
        skew = _skew(date)
    return Finding(True, "接口", f"{api_base} 有回答"), skew


def _skew(date: str) -> Finding:
    ahead = (SystemClock().now() - parsedate_to_datetime(date)).total_seconds()
    if abs(ahead) > SKEW_BAD_S:
        way = "快" if ahead > 0 else "慢"
        says = f"本机时间比接口{way} {abs(ahead):.0f} 秒：开启时间同步（NTP），否则回调会被当成过期"
        return Finding(False, "时钟", says)
    return Finding(
        True, "时钟", "与接口一致" if abs(ahead) <= SKEW_WARN_S else f"相差 {abs(ahead):.0f} 秒，建议开启时间同步"
    )


async def _platform(settings: Settings) -> list[Finding]:
    """The secret, the trusted IP, the app itself."""
    app = settings.wecom.app
    client = client_of(settings)
    found: list[Finding] = []
    try:
        found.append(await _try(client, "凭证", "gettoken 通过", "getcallbackip"))
        if found[-1].ok:
            found.append(await _try(client, "应用", "AgentId 有效", "agent/get", {"agentid": str(app.agent_id)}))
            found.append(await _try(client, "客户联系", "有权限", "externalcontact/get_follow_user_list"))
            found.append(await _menu(client, settings))
            if settings.wecom.kf.enabled:
                found.append(await _kf(client, settings.wecom.kf.accounts))
    finally:
        await client.close()
    return found


async def _menu(client: WeCom, settings: Settings) -> Finding:
    try:
        ok, says = compared(wanted(settings, Texts()), await client.menu.get())
    except (WeComError, ConfigError) as error:
        return Finding(False, "菜单", _remedy(error) if isinstance(error, WeComError) else str(error))
    return Finding(ok, "菜单", says)


async def _kf(client: WeCom, wanted: list[str]) -> Finding:
    """微信客服 is a door that may stay shut: what is missing is a fault only when accounts are configured."""
    name = "微信客服"
    try:
        answer = await client.call("kf/account/list", {"offset": 0, "limit": 100})
    except WeComError as error:
        says = KF_REMEDIES.get(error.errcode, f"{error}")
        return Finding(not wanted, name, says if wanted else f"没有接通，不用可以不管：{says}")
    there = {entry.get("open_kfid"): entry.get("manage_privilege", True) for entry in answer.get("account_list") or []}
    for open_kfid in wanted:
        if open_kfid not in there:
            return Finding(False, name, f"wecom.kf.accounts 里的 {open_kfid} 不在本应用的账号列表里：检查有没有抄错")
        if not there[open_kfid]:
            says = f"{open_kfid} 不归本应用管：在「微信客服 - 通过API管理微信客服账号」里把它分配给本应用"
            return Finding(False, name, says)
    return Finding(True, name, f"{len(there)} 个账号" if there else "有权限，还没有客服账号")


async def _try(client: WeCom, name: str, good: str, path: str, params: dict[str, str] | None = None) -> Finding:
    try:
        await client.call(path, params=params)
    except WeComError as error:
        return Finding(False, name, _remedy(error))
    return Finding(True, name, good)


def _remedy(error: WeComError) -> str:
    ip = _IP.search(f"{error.errmsg} {error.hint}")
    remedies: dict[int | None, str] = {
        40001: "Secret 不对（40001）：在应用详情页重新复制，注意不是通讯录或客户联系的 Secret",
        40013: "企业 ID 不对（40013）：检查 wecom.corp_id",
        40056: "AgentId 不对（40056）：检查 wecom.app.agent_id",
        60020: f"IP 不可信（60020）：把 {ip[1] if ip else '服务器的出口 IP'} 加进应用的「企业可信 IP」，一分钟后生效",
        48002: "没有接口权限（48002）：在「客户联系 - 可调用接口的应用」里勾上本应用",
        84074: "没有客户联系权限（84074）：把导购加进「客户联系 - 使用范围」",
        60011: "不在可见范围（60011）：调整应用的可见范围",
    }
    return remedies.get(error.errcode, f"{error}")


async def _callback(settings: Settings, url: str) -> Finding:
    """Play WeCom's URL verification against a running bot with the token and key configured here."""
    app = settings.wecom.app
    gate = Gate(
        token=app.token.get_secret_value(),
        encoding_aes_key=app.encoding_aes_key.get_secret_value(),
        receive_id=settings.wecom.corp_id,
    )
    plain, timestamp, nonce = secrets.token_hex(8), str(int(SystemClock().now().timestamp())), secrets.token_hex(6)
    sealed = dict(_FIELDS.findall(gate.seal(plain, timestamp, nonce)))
    query = {
        "msg_signature": sealed["MsgSignature"],
        "timestamp": timestamp,
        "nonce": nonce,
        "echostr": sealed["Encrypt"],
    }
    try:
        timeout = aiohttp.ClientTimeout(total=5)
        async with (
            aiohttp.ClientSession(timeout=timeout) as session,
            session.get(URL(url).with_query(query), allow_redirects=False) as response,
        ):
            status, body = response.status, await response.text()
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return Finding(False, "回调", f"{url} 连不上（{type(error).__name__}）：机器人在运行吗？反向代理转发了吗？")
    if status == 401:
        return Finding(
            False, "回调", "签名或接收方不符（401）：那边的 Token 或企业 ID 和这里的不一样，差一个字符也不行"
        )
    if status == 400:
        return Finding(False, "回调", "解不开（400）：那边的 EncodingAESKey 和这里的不一样")
    if status != 200 or body != plain:
        return Finding(
            False, "回调", f"回答不对（HTTP {status}）：这个地址后面不是机器人的 /wecom/app，或被中间层改写了"
        )
    return Finding(True, "回调", f"{url} 验证通过")
