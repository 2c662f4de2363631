"""What an author writes checks with: `@check`, `fail`, `wait_for`, `passed`.

A check is a pure function of an observation. Its docstring is the claim that the learner reads. It returns when the claim
holds, and raises otherwise; what it returns, if anything, is the evidence.
"""

import inspect
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from labkit.content.scope import Scope

Judge = Callable[[Scope], "Evidence | str | None"]
"""A check's function."""

Missing = Callable[[Scope], str]
"""What a lab lacks for a check, as a sentence."""


class NotYet(Exception):
    """The claim does not hold. Raised by `fail`."""

    def __init__(self, diagnosis: str, expected: Any, found: Any, values: dict[str, Any]) -> None:
        super().__init__(diagnosis)
        self.diagnosis, self.expected, self.found, self.values = diagnosis, expected, found, values


class Converging(Exception):
    """The Swarm is still moving towards the claim. Raised by `wait_for`."""

    def __init__(self, what: str, found: Any, since: str) -> None:
        super().__init__(what)
        self.what, self.found, self.since = what, found, since


@dataclass(frozen=True)
class Evidence:
    """What a passed check saw, and a note that a good tutor would add (a diagnosis id of kind "note")."""

    saw: str
    note: str = ""


@dataclass(frozen=True)
class Check:
    """One claim of an exercise. Its id is its function's name. `needs` names checks of the same exercise that must pass before
    this one can."""

    id: str
    claim: str
    points: int
    hints: tuple[str, ...]
    needs: tuple[str, ...]
    judge: Judge
    line: int
    missing: Missing | None = None
    """Tells why it is not asked for in this lab; None for a check that is asked for in every lab."""

    def __post_init__(self) -> None:
        if not self.claim:
            raise ValueError(f"{self.id} has no docstring: it is the claim that the learner reads")
        if self.points < 1:
            raise ValueError(f"{self.id} has {self.points} points: at least one is needed")


def check(
    points: int = 1,
    *,
    hints: tuple[str, ...] | list[str] | str = (),
    needs: tuple[str, ...] | list[str] = (),
    missing: Missing | None = None,
) -> Callable[[Judge], Check]:
    """Makes a function of an observation a check. `hints` go from where to look to the command's shape. `missing` says in one
    sentence what this lab lacks for it, or "": in a lab that lacks something, its points are not asked for."""

    def make(judge: Judge) -> Check:
        name = judge.__name__
        claim = " ".join((inspect.getdoc(judge) or "").split())
        texts = (hints,) if isinstance(hints, str) else tuple(hints)
        return Check(name, claim, points, texts, tuple(needs), judge, judge.__code__.co_firstlineno, missing)

    return make


PARTS = 3
"""Names of a path that tell which file is meant, on whichever machine it lies."""


def where_it_broke(judge: Judge, error: BaseException) -> str:
    """The line of a check's own file in which this error came up, as "exercises/03-push/checks.py, line 12"."""
    file = judge.__code__.co_filename
    line = judge.__code__.co_firstlineno
    at: BaseException | None = error
    while at:  # where a sentence could not be made of what `fail` said, the place is that of `fail`
        lines = [frame.lineno for frame in traceback.extract_tb(at.__traceback__) if frame.filename == file]
        if lines and lines[-1]:
            line = lines[-1]
            break
        at = at.__context__
    return f"{'/'.join(Path(file).parts[-PARTS:])}, line {line}"


def fail(diagnosis: str, *, expected: Any, found: Any, **values: Any) -> NoReturn:
    """The claim does not hold: `diagnosis` is an id of the catalogue (labkit/content/diagnoses), `values` fill its text."""
    raise NotYet(diagnosis, expected, found, values)


def wait_for(what: str, *, found: Any, since: str = "") -> NoReturn:
    """The claim does not hold yet, and the Swarm is working on it: `what` is still moving, since when (ISO 8601)."""
    raise Converging(what, found, since)


def passed(saw: str, note: str = "") -> Evidence:
    """The claim holds; `saw` is the evidence, `note` the id of a diagnosis that is worth a word all the same."""
    return Evidence(saw, note)
