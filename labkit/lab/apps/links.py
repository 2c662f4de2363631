"""Leads the links of an app's page to where the page is shown: below a path, while the app believes to be at the root.

Only for convenience: what a page may reach is not decided here, but by the policy in sandbox.py. Whatever a link is not
recognised in stays as it was.
"""

import html
import re
from collections.abc import Callable
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

MOST = 1_000_000
"""Bytes of the longest page or style sheet whose links are led. Longer ones are shown as they are."""

LINKS = {"href", "src", "action", "formaction", "poster", "data", "background", "xlink:href"}
SETS = {"srcset", "imagesrcset"}
"""Attributes with several addresses, each with a size."""

REFRESH = re.compile(r"([\d.]*\s*[;,]\s*(?:url\s*=\s*)?['\"]?)(.*)", re.IGNORECASE | re.DOTALL)

Led = Callable[[str], str]


def leading(prefix: str, host: str) -> Led:
    """What leads one link. `prefix` ends in a slash; `host` is the name and port at which the browser sees the page."""

    def led(link: str) -> str:
        said = link.strip()
        try:
            parts = urlsplit(said)
        except ValueError:
            return link
        if parts.netloc:
            if parts.netloc.lower() != host.lower() or parts.scheme not in ("", "http", "https"):
                return link
            said = said[said.index(parts.netloc) + len(parts.netloc) :] or "/"
        if not said.startswith("/") or said.startswith(prefix):  # an app may heed X-Forwarded-Prefix
            return said if parts.netloc else link
        return prefix + said.lstrip("/")

    return led


def location(target: str, said: str, prefix: str, host: str) -> str:
    """Where a redirect leads, in answer to a request for `target`, a path of the app's: never to another page of the server
    that shows it, however many `..` it has."""
    asked = f"http://{host}"
    try:
        there = urlsplit(urljoin(asked + target, said.strip()))
    except ValueError:
        return prefix
    if there.scheme not in ("http", "https"):
        return prefix
    if there.netloc.lower() != host.lower():
        return there.geturl()
    rest = there._replace(scheme="", netloc="", path=_plain(there.path)).geturl()
    return rest if rest.startswith(prefix) else prefix + rest.lstrip("/")


def _plain(path: str) -> str:
    """The path without dots and empty parts that would lead upwards, also where they are written %2e."""
    kept: list[str] = []
    for part in re.sub(r"%2e", ".", path, flags=re.IGNORECASE).replace("\\", "/").split("/"):
        if part == "..":
            kept = kept[:-1]
        elif part not in ("", "."):
            kept.append(part)
    return "/" + "/".join(kept) + ("/" if kept and path.endswith("/") else "")


def in_style(content: str, led: Led) -> str:
    """A style sheet, or the content of a style attribute."""
    import tinycss2

    if "/" not in content:
        return content
    try:
        tokens = tinycss2.parse_component_value_list(content)
        changed = _lead(tokens, led)
        return str(tinycss2.serialize(tokens)) if changed else content
    except RecursionError:
        return content


def _lead(tokens: list[Any], led: Led, inside: str = "") -> bool:
    """Leads the addresses among these tokens, in place. `inside` is the function, or the rule, that they belong to."""
    changed = False
    for token in tokens:
        if token.type == "url" or (token.type == "string" and inside in ("url", "import")):
            there = led(token.value)
            if there != token.value:
                token.value, changed = there, True
                quoted = '"' + re.sub(r'["\\\n\r\f]', lambda found: f"\\{ord(found[0]):x} ", there) + '"'
                token.representation = quoted if token.type == "string" else f"url({quoted})"
        elif token.type == "function":
            changed |= _lead(token.arguments, led, token.lower_name)
        elif token.type.endswith("block"):
            changed |= _lead(token.content, led)
        if token.type == "at-keyword":
            inside = token.lower_value
        elif token.type == "literal" and token.value == ";" and inside == "import":
            inside = ""
    return changed


def in_page(content: bytes, led: Led) -> bytes:
    """A page of HTML, in any encoding that has ASCII's letters. Only tags with such a link, and style sheets, change."""
    text = content.decode("utf-8", "surrogateescape")
    reader = _Reader(text, led)
    reader.feed(text)
    return reader.whole().encode("utf-8", "surrogateescape")


class _Reader(HTMLParser):
    """Knows of each tag where it stands, so that all the rest stays as it is to the byte."""

    def __init__(self, text: str, led: Led) -> None:
        super().__init__(convert_charrefs=False)
        self._text, self._led = text, led
        self._lines = [0, *(found.end() for found in re.finditer("\n", text))]
        self._changes: list[tuple[int, int, str]] = []
        self._style: int | None = None

    def _at(self) -> int:
        line, column = self.getpos()
        return self._lines[line - 1] + column

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        begins, said = self._at(), self.get_starttag_text() or ""
        refreshes = tag == "meta" and any(name == "http-equiv" and (v or "").lower() == "refresh" for name, v in attrs)
        made = [(name, self._value(name, value, refreshes)) for name, value in attrs]
        if made != attrs:
            words = [name if value is None else f'{name}="{_written(value)}"' for name, value in made]
            closed = " /" if said.endswith("/>") else ""
            self._changes.append((begins, begins + len(said), f"<{tag} {' '.join(words)}{closed}>"))
        if tag == "style":
            self._style = begins + len(said)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self._style = None

    def handle_endtag(self, tag: str) -> None:
        if tag == "style" and self._style is not None:
            begins, ends = self._style, self._at()
            self._changes.append((begins, ends, in_style(self._text[begins:ends], self._led)))
            self._style = None

    def _value(self, name: str, value: str | None, refreshes: bool) -> str | None:
        if value is None:
            return None
        if name in LINKS:
            return self._led(value)
        if name in SETS:
            return re.sub(r"(^|,)(\s*)(\S+)", lambda one: one[1] + one[2] + self._led(one[3]), value)
        if name == "style":
            return in_style(value, self._led)
        if name == "content" and refreshes and (found := REFRESH.fullmatch(value.strip())):
            return found[1] + self._led(found[2])
        return value

    def whole(self) -> str:
        done, parts = 0, []
        for begins, ends, said in self._changes:
            parts += [self._text[done:begins], said]
            done = ends
        return "".join([*parts, self._text[done:]])


def _written(value: str) -> str:
    """In quotes, and in any encoding: other letters than ASCII's as their numbers, bytes of another encoding as they are."""
    escaped = html.escape(value)
    return "".join(c if c < "\x80" or "\udc80" <= c <= "\udcff" else f"&#{ord(c)};" for c in escaped)
