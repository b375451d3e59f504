"""安全解析 a small, fast and safe parser for the XML inside a callback.

A document type can only stand before the root element, so nothing but a byte order mark, blanks and an XML
declaration may come before `<xml`; with it go entity bombs and external entities. Whoever reaches this parser holds
the AES key: the limits are for the day that key leaks.
"""

from __future__ import annotations

import re
from typing import Any
from xml.parsers import expat

MAX_BYTES = 64 * 1024
MAX_DEPTH = 8
MAX_NODES = 64
MAX_ENTRIES = 1000
ENTRY_NODES = 16
"""Lists in WeCom's events have no documented length, but a group chat holds 500 at most. So each entry of a list brings
an allowance of nodes with it, up to 1,000 entries."""
ENTRIES = frozenset({"Item", "item", "ApprovalNode", "NotifyNode"})

# Nearly every callback is flat: one level of unique tags, text or CDATA, no entity, no `<` or `]` inside. Such a one is
# read by two regular expressions at less than half the parser's price; whatever differs in any way goes to the parser.
_VALUE = r"(?:<!\[CDATA\[[^\x00-\x08\x0b-\x1f\ufffe\uffff<\]]*+\]\]>|[^\x00-\x08\x0b-\x1f\ufffe\uffff<&\]]*+)"
_FLAT = re.compile(rf"<xml>[ \n\t]*+((?:<([A-Za-z]\w*+)>{_VALUE}</\2>[ \n\t]*+)++)</xml>[ \n\t]*+", re.ASCII)
_ELEMENT = re.compile(r"<(\w++)>(?:<!\[CDATA\[([^\]]*+)\]\]>|([^<]*+))</\1>", re.ASCII)
_OPENING = re.compile(r"\ufeff?\s*(?:(?=<\?xml\s)<\?xml[^<>]*\?>\s*)?<xml[\s/>]")


class XmlError(ValueError):
    """Not the XML of a callback. The argument is the reason in one word."""


def parse(data: bytes) -> dict[str, Any]:
    """The children of `<xml>`: text as str, nested elements as dict, repeated ones as list. Attributes are ignored.

    Always UTF-8, whatever the declaration says.
    Raises XmlError("size" | "utf8" | "opening" | "depth" | "nodes" | "entries" | "syntax" | "empty").
    """
    if len(data) > MAX_BYTES:
        raise XmlError("size")
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise XmlError("utf8") from error
    return _parse_flat(text) or _parse_tree(text)


def _parse_flat(text: str) -> dict[str, Any] | None:
    """None for what is not flat, or not sure to be XML."""
    flat = _FLAT.fullmatch(text)
    if flat is None:
        return None
    elements = _ELEMENT.findall(flat[1])
    doc = {name: cdata or plain for name, cdata, plain in elements}
    return doc if len(doc) == len(elements) < MAX_NODES else None


def _parse_tree(text: str) -> dict[str, Any]:
    if _OPENING.match(text) is None:
        raise XmlError("opening")
    builder = _Builder()
    parser = expat.ParserCreate()
    parser.buffer_text = True
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.texts.append
    try:
        parser.Parse(text.lstrip("\ufeff \t\r\n"), True)
    except expat.ExpatError as error:
        raise XmlError("syntax") from error
    root = builder.root.get("xml")
    if not isinstance(root, dict):
        raise XmlError("empty")
    return root


class _Builder:
    """Collects what the parser reports. `open` holds the children of each open element, None until the first child."""

    __slots__ = ("allowed", "entries", "nodes", "open", "root", "texts")

    def __init__(self) -> None:
        self.root: dict[str, Any] = {}
        self.open: list[dict[str, Any] | None] = [self.root]
        self.texts: list[str] = []
        self.nodes = 0
        self.entries = 0
        self.allowed = MAX_NODES

    def start(self, name: str, _attributes: dict[str, str]) -> None:
        self.nodes += 1
        if name in ENTRIES:
            self.entries += 1
            self.allowed += ENTRY_NODES
            if self.entries > MAX_ENTRIES:
                raise XmlError("entries")
        if self.nodes > self.allowed:
            raise XmlError("nodes")
        if len(self.open) > MAX_DEPTH:
            raise XmlError("depth")
        self.open.append(None)
        self.texts.clear()

    def end(self, name: str) -> None:
        value: Any = self.open.pop()
        if value is None:
            value = "".join(self.texts)
        self.texts.clear()
        siblings = self.open[-1]
        if siblings is None:
            self.open[-1] = {name: value}
        elif name not in siblings:
            siblings[name] = value
        elif isinstance(siblings[name], list):
            siblings[name].append(value)
        else:
            siblings[name] = [siblings[name], value]
