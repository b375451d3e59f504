"""Make .venv from the hash-pinned requirements, say in plain words what is missing, then start the work.

Only the standard library, and syntax that old Pythons read: it must be able to SAY that a Python is too old.
On Windows, where there is no make: `py tools/bootstrap.py run`.
"""

import hashlib
import os
import shutil
import socket
import subprocess
import sys

import remedies

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, *(["Scripts", "python.exe"] if os.name == "nt" else ["bin", "python"]))
STAMP = os.path.join(VENV, "installed-from")
LOG = os.path.join(VENV, "install.log")
MINIMUM = (3, 11)
OTHER_PYTHONS = ("python3.13", "python3.12", "python3.11", "python3.14")
DEMO_PORTS = ((8080, "--port"), (9100, "--sandbox-port"))

# Each word: which requirements it needs, and what it starts in the environment (None: nothing).
WORDS = {
    "venv": (("base", "dev"), None),
    "run": (("base",), ["run.py", "demo"]),
    "test": (("base", "dev"), ["-m", "pytest", "-n", "auto"]),
    "check": (("base", "dev"), ["tools/lint.py", "--then-test"]),
    "lint": (("base", "dev"), ["tools/lint.py"]),
    "bench": (("base", "dev"), ["run.py", "bench"]),
    "lock": ((), ["tools/lock.py"]),  # must work when what is locked cannot be installed
}


class Stop(Exception):
    """What is missing and what to do about it, in Chinese and English."""


def good_python(name):
    # type: (str) -> bool
    """Whether this interpreter is new enough and can make environments with pip."""
    code = "import sys, venv, ensurepip; sys.exit(sys.version_info[:2] < (%d, %d))" % MINIMUM
    try:
        return subprocess.call([name, "-c", code], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0
    except OSError:
        return False


def find_python():
    # type: () -> str
    """The interpreter to build .venv with: this one, or a newer one beside it."""
    if good_python(sys.executable):
        return sys.executable
    for name in OTHER_PYTHONS:
        found = shutil.which(name)
        if found and good_python(found):
            return found
    facts = {"path": sys.executable, "version": "%d.%d.%d" % tuple(sys.version_info[:3])}
    raise Stop((remedies.TOO_OLD if tuple(sys.version_info[:2]) < MINIMUM else remedies.NO_VENV) % facts)


def stamp_of(names):
    # type: (tuple[str, ...]) -> str
    """What an environment made from these files is stamped with."""
    digest = hashlib.sha256()
    for name in names:
        with open(os.path.join(ROOT, "requirements", name + ".txt"), "rb") as file:
            digest.update(file.read())
    return "%s %s" % (names[-1], digest.hexdigest())


def installed():
    # type: () -> list[str]
    """The stamps of .venv; none when its interpreter is gone or was replaced, which breaks it silently."""
    try:
        with open(STAMP) as file:
            interpreter, *stamps = file.read().splitlines()
    except (OSError, ValueError):
        return []
    return stamps if os.path.exists(PYTHON) and interpreter == os.path.realpath(PYTHON) else []


def install(names):
    # type: (tuple[str, ...]) -> None
    """Bring .venv up to date; when it is, this costs a few milliseconds."""
    have = installed()
    # Everything in base is in dev at the same version, so an environment for tests also serves the demo.
    if stamp_of(names) in have or stamp_of(("base", "dev")) in have:
        return
    if shutil.disk_usage(ROOT).free < remedies.ROOM_MB << 20:
        raise Stop(remedies.DISK_FULL)
    if not good_python(PYTHON):
        python = find_python()
        print("正在创建 .venv …  creating .venv ...", flush=True)
        if subprocess.call([python, "-m", "venv", "--clear", VENV]) != 0:
            raise Stop(remedies.VENV_FAILED)
    print("正在安装依赖（只有第一次需要，请稍候）…  installing, the first time only ...", flush=True)
    # The files are complete, so there is nothing to resolve: --no-deps saves a quarter of the time.
    options = ["--require-hashes", "--no-deps", "--disable-pip-version-check", "--no-input", "--retries", "2"]
    path = os.path.join(ROOT, "requirements", names[-1] + ".txt")
    with open(LOG, "wb") as log:
        code = subprocess.call([PYTHON, "-m", "pip", "install", *options, "-r", path], stdout=log, stderr=log)
    if code != 0:
        with open(LOG, encoding="utf-8", errors="replace") as text:
            raise Stop(remedies.diagnose(text.read()))
    with open(STAMP, "w") as file:
        file.write("\n".join([os.path.realpath(PYTHON), stamp_of(names)]) + "\n")


def check_ports(arguments):
    # type: (list[str]) -> None
    """The demo's two ports must be free: say so before anything starts."""
    for port, option in DEMO_PORTS:
        if option in arguments:
            continue
        with socket.socket() as probe:
            probe.settimeout(0.5)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                raise Stop(remedies.PORT_BUSY % {"port": port, "option": option})


def start(arguments):
    # type: (list[str]) -> int
    """Hand over to the work itself: it gets the terminal and the signals."""
    os.chdir(ROOT)
    sys.stdout.flush()
    python = PYTHON if os.path.exists(PYTHON) else sys.executable
    if os.name != "nt":
        os.execv(python, [python, *arguments])  # noqa: S606 - our own interpreter, no shell
    return subprocess.call([python, *arguments])


def main(arguments):
    # type: (list[str]) -> int
    """One word says what to do; the rest is handed on."""
    word, rest = (arguments[0], arguments[1:]) if arguments else ("help", [])
    if word not in WORDS:
        print(remedies.HELP)
        return 0 if word == "help" else 2
    names, work = WORDS[word]
    if names:
        install(names)
    if word == "run":
        check_ports(rest)
    return start(work + rest) if work else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Stop as stop:
        sys.exit("\n%s\n" % stop)
    except OSError as error:
        sys.exit("\n%s\n" % (remedies.DISK_FULL if error.errno == 28 else error))
    except KeyboardInterrupt:
        sys.exit(130)
