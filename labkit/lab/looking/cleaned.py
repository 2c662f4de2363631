"""What a machine told, with texts that can be kept and sent."""

from collections.abc import Callable
from typing import Any

from labkit.edge.grammar import clean

LONGEST_NAME = 300
"""Letters of a key."""


def texts(value: Any, change: Callable[[str], str], name: Callable[[str], str]) -> Any:
    """The value with each text in it changed by `change`, and each key by `name`."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, list):
        return [texts(one, change, name) for one in value]
    if isinstance(value, dict):
        return {name(str(key)): texts(one, change, name) for key, one in value.items()}
    return value


def bounded(value: Any, longest: int, longest_name: int = LONGEST_NAME) -> Any:
    """The value with the end of each text, at most so many letters of it, line by line."""
    return texts(
        value,
        lambda text: "\n".join(clean(line, longest) for line in text[-longest:].split("\n")),
        lambda key: clean(key, longest_name),
    )
