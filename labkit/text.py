"""Makes text from elsewhere safe where it leaves labkit: for a terminal, and as JSON."""

import json
import re
from typing import Any


def visible(text: str) -> str:
    """One line. Anything that could move a cursor, end the line or reverse it is shown as its code point."""
    return "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in text)


def lines(text: str) -> str:
    """The same, for text with several lines."""
    return "\n".join(visible(line) for line in text.split("\n"))


def dumps(data: Any, indent: int | None = None, sort_keys: bool = False) -> str:
    """JSON that people can read and that any file and terminal takes: what is not printable, half a surrogate pair
    too, is written as its escape. Reading it gives the same data."""
    told = json.dumps(data, indent=indent, sort_keys=sort_keys, ensure_ascii=False)
    return _UNPRINTABLE.sub(_escaped, told)


_UNPRINTABLE = re.compile(r"[^\n -~]")
"""Among these the unprintable ones are looked for. A newline in JSON is never part of a text."""


def _escaped(match: re.Match[str]) -> str:
    char = match[0]
    if char.isprintable():
        return char
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else json.dumps(char)[1:-1]
