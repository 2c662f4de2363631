"""The catalogue of known mistakes: what was seen, why it happens, what to look at next. Text by id, apart from code."""

import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Diagnosis:
    """`seen` and `next` make the message; `why` is for who wants to know. {names} are filled in by the check."""

    id: str
    seen: str
    why: str
    next: str

    @property
    def names(self) -> set[str]:
        """The values that its texts are filled with."""
        return set(NAME.findall(self.seen + self.why + self.next))

    def message(self, values: dict[str, Any]) -> str:
        """At most MOST characters: long values are shortened here; expected and found have them whole. Raises KeyError where
        a value is missing."""
        if missing := sorted(self.names - set(values)):
            raise KeyError(f"{self.id} names {{{missing[0]}}}, which the check does not give")
        for room in (100, 80, 60, 40, 20):
            told = f"{_fill(self.seen, values, room)} {_fill(self.next, values, room)}".strip()
            if len(told) < MOST:
                break
        return told

    def reason(self, values: dict[str, Any]) -> str:
        return _fill(self.why, values)


MOST = 300

NAME = re.compile(r"\{([a-z]+)\}")
"""A value's place in a text."""


def _fill(text: str, values: dict[str, Any], room: int = 80) -> str:
    """Fills in {names}. By hand: str.format would read a learner's names as code."""
    return NAME.sub(lambda match: _short(str(values[match[1]]), room), text)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


@functools.cache
def catalogue() -> dict[str, Diagnosis]:
    """Every diagnosis by its id."""
    data = tomllib.loads((Path(__file__).parent / "diagnoses" / "en.toml").read_text())
    return {key: Diagnosis(key, text["seen"], text.get("why", ""), text.get("next", "")) for key, text in data.items()}
