"""The page's files, read as text: no way to make markup of words, no stranger's address, no request without a route."""

from __future__ import annotations

import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import pytest

from sandbox.app import Options, Sandbox
from sandbox.bot_reads import BOT_READS
from sandbox.faults import API, CALLBACK, SHOP
from tests.sandbox.conftest import Desk

PAGE = Path(__file__).parents[2] / "sandbox" / "page"
SCRIPTS = sorted(PAGE.rglob("*.js"))
HTML = (PAGE / "page.html").read_text(encoding="utf-8")
JAVASCRIPT = {path.name: path.read_text(encoding="utf-8") for path in SCRIPTS}
BASE = "/__sandbox/"
# Each would turn a customer's name into markup or a string into code.
DANGEROUS = re.compile(
    r"innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|createContextualFragment|DOMParser|srcdoc|document\.write"
    r"|\beval\b|\bnew\s+Function\b|\bFunction\(|set(?:Timeout|Interval)\(\s*['\"`]|javascript:|\bimport\("
    r"|setAttribute\(\s*['\"`]on|\.on[a-z]+\s*=[^=]"
)
ASKED = re.compile(r"""\bask\(\s*(?:'([^']*)'|`([^`]*)`)(?:\s*,\s*'([A-Z]+)')?""")
FETCHED = re.compile(r"""(?:\bfetch|\bnew EventSource)\(\s*'([^']*)'(?!\s*\+)""")


class Markup(HTMLParser):
    """Every element of the page with its attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.feed(HTML)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep it."""
        self.elements.append((tag, dict(attrs)))


def requests() -> set[tuple[str, str]]:
    """(method, path) of every request the scripts make; whatever is put in at run time is a star."""
    found = set()
    for text in JAVASCRIPT.values():
        for plain, template, method in ASKED.findall(text):
            found.add((method or "GET", BASE + re.sub(r"\$\{[^}]*\}", "*", plain or template).split("?")[0]))
        found |= {("GET", path) for path in FETCHED.findall(text)}
    return found


def routes() -> set[tuple[str, str]]:
    """(method, path) of every route the sandbox has."""
    return {
        (route.method, route.resource.canonical)
        for route in Sandbox(Options()).app().router.routes()
        if route.resource is not None
    }


def served(method: str, path: str) -> bool:
    """Whether a route takes this request."""
    return any(
        method == known and re.fullmatch(re.sub(r"\{[^}]*\}", "[^/]+", canonical), path)
        for known, canonical in routes()
    )  # fmt: skip


@pytest.mark.parametrize("name", JAVASCRIPT)
def test_no_script_makes_markup_or_code_of_words(name: str) -> None:
    assert DANGEROUS.findall(JAVASCRIPT[name]) == []


@pytest.mark.parametrize(
    "line",
    ["a.innerHTML = x", "a.outerHTML=x", "a.insertAdjacentHTML('beforeend', x)", "eval(x)", "a.onclick = f",
     "setTimeout('x()', 1)", "new Function(x)", "a.setAttribute('onclick', x)", "location = 'javascript:x'"],
)  # fmt: skip
def test_the_search_would_find_each_of_these(line: str) -> None:
    assert DANGEROUS.search(line)


def test_no_element_carries_code_or_a_style_of_its_own() -> None:
    elements = Markup().elements
    assert len(elements) > 40
    for tag, attributes in elements:
        assert [name for name in attributes if name.startswith("on") or name in ("style", "srcdoc")] == [], tag
        assert "javascript:" not in str(attributes.values())
        assert tag != "script" or attributes.get("src"), "a script inside the page"


def test_nothing_comes_from_or_goes_to_another_host() -> None:
    texts = {**JAVASCRIPT, "page.html": HTML, "page.css": (PAGE / "page.css").read_text(encoding="utf-8")}
    for name, text in texts.items():
        addresses = re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s'\"`)]*", text)
        assert set(addresses) <= {"http://www.w3.org/2000/svg"}, name
        assert "@import" not in text


def test_every_request_of_the_scripts_has_a_route_of_its_method() -> None:
    asked = requests()
    assert len(asked) > 15
    assert {("PUT", BASE + "faults"), ("GET", BASE + "events"), ("POST", BASE + "customers/*/scan")} <= asked
    assert sorted(request for request in asked if not served(*request)) == []


def test_no_request_escapes_the_search() -> None:
    text = "\n".join(JAVASCRIPT.values())
    found = [len(ASKED.findall(text)), len(FETCHED.findall(text))]

    # `ask` itself is written once and fetches what it is given.
    assert found == [len(re.findall(r"\bask\(", text)) - 1, len(re.findall(r"\bfetch\(|EventSource\(", text)) - 1]
    assert "XMLHttpRequest" not in text
    assert "sendBeacon" not in text
    assert "WebSocket" not in text


def test_a_path_or_method_that_is_not_there_would_be_noticed() -> None:
    assert not served("GET", BASE + "flush")
    assert not served("POST", BASE + "customers/*/nothing")


def test_the_page_reads_of_the_bot_only_what_the_sandbox_passes_on() -> None:
    read = {path.removeprefix(BASE + "bot/") for _, path in requests() if path.startswith(BASE + "bot/")}
    assert read
    assert read <= set(BOT_READS)


def test_the_page_names_only_faults_that_there_are() -> None:
    named = re.findall(r"\['(callback|api|shop)', '(\w+)', '[^']+'\]", JAVASCRIPT["world.js"])
    assert len(named) > 10
    assert {name for group, name in named} <= {*CALLBACK, *API, *SHOP}
    assert all(name in {"callback": CALLBACK, "api": API, "shop": SHOP}[group] for group, name in named)


def test_every_element_a_script_looks_for_is_in_the_page_once() -> None:
    ids = [attributes["id"] for _, attributes in Markup().elements if "id" in attributes]
    wanted = {name for text in JAVASCRIPT.values() for name in re.findall(r"\$\('([^']+)'\)", text)}
    assert len(wanted) > 10
    assert wanted <= set(ids)
    assert len(ids) == len(set(ids))


def test_every_module_a_script_imports_exports_what_is_asked_of_it() -> None:
    for name, text in JAVASCRIPT.items():
        for names, module in re.findall(r"import \{([^}]+)\} from '\./([^']+)'", text):
            exported = re.findall(r"export (?:async )?(?:function|const|let) ([\w$]+)", JAVASCRIPT[module])
            assert {part.strip() for part in names.split(",")} <= set(exported), f"{name} from {module}"


async def test_the_page_says_in_title_banner_state_and_header_that_it_is_not_wecom(desk: Desk) -> None:
    async with desk.client.get("/") as response:
        text = await response.text()
        assert response.headers["X-Sandbox"] == "not WeCom"
    for tag in ("title", "p"):
        assert re.search(rf"<{tag}[^>]*>[^<]*不是企业微信", text), tag
    assert "不是企业微信" in (await desk.do("state", method="GET"))["corp"]["notice"]


async def test_everything_the_page_loads_is_served_under_a_strict_policy(desk: Desk) -> None:
    async with desk.client.get("/") as response:
        policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    loaded = [
        value for _, attributes in Markup().elements for name, value in attributes.items() if name in ("src", "href")
    ]
    loaded += [f"{BASE}static/{name}" for name in JAVASCRIPT]
    for address in [address for address in loaded if address and not address.startswith("data:")]:
        async with desk.client.get(address) as response:
            assert response.status == 200, address


@pytest.mark.skipif(shutil.which("node") is None, reason="node is not installed: nobody here can read JavaScript")
@pytest.mark.parametrize("name", JAVASCRIPT)
def test_node_can_read_every_script_as_a_module(name: str) -> None:
    command = ["node", "--input-type=module", "--check", "-"]
    done = subprocess.run(command, input=JAVASCRIPT[name], capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr
