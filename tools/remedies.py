"""What bootstrap says to people: help, and for everything that may be missing what to do about it.

Chinese first, English below. Only syntax that old Pythons read.
"""

ROOM_MB = 500  # a full environment takes about 300 MB; pip unpacks beside it

HELP = """\
make run     演示：机器人 + 企业微信沙箱，无需企微账号      demo: the bot and a stand-in for WeCom, no account needed
make test    全部测试                                       all tests
make check   格式、静态检查、类型、依赖方向、测试           format, lint, types, import rules, tests
make lint    同上，不跑测试                                 the same without the tests
make bench   性能测量                                       measurements
make venv    只建环境 .venv                                 the environment only
make lock    重新锁定 requirements/*.txt（需要 uv）         lock requirements again (needs uv)
参数 arguments: make test ARGS="-k ledger"     Windows: py tools\\bootstrap.py run
"""

TOO_OLD = """\
Python 版本太旧：%(path)s 是 %(version)s，需要 3.11 或更新。请安装，或指定一个：make run PYTHON=python3.12
Python is too old: %(path)s is %(version)s, 3.11 or newer is needed. Install one, or name it:
  make run PYTHON=python3.12"""

NO_VENV = """\
这个 Python（%(path)s）缺少 venv/ensurepip 模块。Debian/Ubuntu 请执行：sudo apt install python3-venv
This Python (%(path)s) has no venv/ensurepip module. On Debian/Ubuntu: sudo apt install python3-venv"""

VENV_FAILED = """\
无法创建 .venv，原因见上。
Could not create .venv; the reason is above."""

DISK_FULL = """\
磁盘空间不足，请清出至少 %(room)d MB 后重试。
The disk is full: free at least %(room)d MB and try again.""" % {"room": ROOM_MB}

WRONG_HASH = """\
下载的文件与锁定的哈希不符，已拒绝安装。请换一个镜像：export PIP_INDEX_URL=<镜像的 simple 地址>
A downloaded file does not match its pinned hash and was refused: choose another index with PIP_INDEX_URL."""

NO_INDEX = """\
连不上 Python 软件源。请设置可用的镜像后重试：export PIP_INDEX_URL=<镜像的 simple 地址>（代理：HTTPS_PROXY）
No package index can be reached: set PIP_INDEX_URL to one that you reach (proxy: HTTPS_PROXY) and retry."""

NO_COMPILER = """\
本平台没有现成的二进制包，需要编译器：Debian/Ubuntu 请装 build-essential 与 python3-dev。
There is no ready-made wheel for this platform: install a compiler (Debian: build-essential, python3-dev)."""

UNKNOWN = """\
依赖安装失败，完整日志在 .venv/install.log。
Installing failed; the whole log is in .venv/install.log."""

PORT_BUSY = """\
端口 %(port)d 已被占用：请先停掉占用它的程序，或换端口：make run ARGS="%(option)s 端口号"
Port %(port)d is busy: stop the program that holds it, or choose another: make run ARGS="%(option)s NUMBER\""""

NO_UV = """\
锁定依赖需要 uv：pip install uv
Locking needs uv: pip install uv"""

# What pip prints -> what it means. First match wins.
_DIAGNOSES = (
    (("No space left on device", "Errno 28"), DISK_FULL),
    (("DO NOT MATCH THE HASHES",), WRONG_HASH),
    (("Connection", "Max retries", "resolution", "timed out", "SSLError", "ProxyError", "No matching dist"), NO_INDEX),
    (("gcc", "Microsoft Visual C++", "Failed building wheel", "Failed to build"), NO_COMPILER),
)


def diagnose(log):
    # type: (str) -> str
    """Why pip failed, in plain words, with its own last lines below."""
    lines = log.splitlines()
    tail = "\n".join("    " + line for line in [line for line in lines if "ERROR" in line][-3:] or lines[-6:])
    for marks, words in _DIAGNOSES:
        if any(mark in log for mark in marks):
            return words + "\n" + tail
    return UNKNOWN + "\n" + tail
