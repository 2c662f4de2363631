"""The catalogue of known mistakes: what was seen, why it happens, what to look at next. Text by id, apart from code."""

import functools
import re
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from labkit import paths
from labkit.errors import LabError


@dataclass(frozen=True)
class Diagnosis:
    """`seen` and `next` make the message; `why` is for readers who want to know more. The check fills in {names}."""

    id: str
    seen: str
    why: str
    next: str
    undone: bool = False
    """Whether it says what nobody has done yet: no mistake, and what a lab shows whose learner has only looked."""

    @property
    def names(self) -> set[str]:
        """The values that its texts are filled with."""
        return set(NAME.findall(self.seen + self.why + self.next))

    def message(self, values: dict[str, Any]) -> str:
        """At most MOST characters: long values are shortened here; expected and found have them in full. Raises KeyError if
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
"""The place of a value in a text."""


def _fill(text: str, values: dict[str, Any], room: int = 80) -> str:
    """Fills in {names}. Not with str.format, which would read a learner's names as code."""
    return NAME.sub(lambda match: _short(str(values[match[1]]), room), text)


def _short(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


OWN = "diagnoses.toml"
"""In an exercise's folder: the diagnoses that only its checks use."""


@functools.cache
def catalogue() -> dict[str, Diagnosis]:
    """Every diagnosis by its id: those that come with labkit, and the exercises' own. Raises LabError if a file cannot be
    read, or if two have the same id."""
    found: dict[str, Diagnosis] = {}
    own = (paths.course() / "exercises").glob(f"*/{OWN}")
    for file in (Path(__file__).parent / "diagnoses" / "en.toml", *sorted(own)):
        for one in _read(file):
            if one.id in found:
                raise LabError(f"{file}: there is already a diagnosis {one.id}.", "choose another id")
            found[one.id] = one
    return found


def plainly(name: str) -> str:
    """What a diagnosis says was seen, without the values of one learner. One that is not known any more is told by its id."""
    known = catalogue().get(name)
    return NAME.sub("…", known.seen) if known else name


@functools.cache
def undone() -> frozenset[str]:
    """The ids of those that are no mistakes: what they name is still to be done."""
    return frozenset(one.id for one in catalogue().values() if one.undone)


def _read(file: Path) -> list[Diagnosis]:
    """Raises LabError."""
    try:
        data = tomllib.loads(file.read_text())
        return [
            Diagnosis(key, text["seen"], text["why"], text["next"], text.get("undone", False) is True)
            for key, text in data.items()
        ]
    except (OSError, tomllib.TOMLDecodeError, KeyError, TypeError) as error:
        what = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise LabError(f"{file} cannot be read: {what}.", "correct the file") from error
