"""The live board as values: who works on what, who has been stuck on what and for how long, who is done. Pure."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from labkit.classroom.rules.counting import Result

STUCK = timedelta(minutes=5)
"""So long with the same mistake, and one is stuck."""
IDLE = timedelta(minutes=10)
"""So long without a sign of life, and one is idle."""

PASSED, NOT_YET, BLOCKED = "passed", "not_yet", "blocked"


class State(StrEnum):
    """How a learner stands. The board shows word and sign, never color alone."""

    AWAY = "away"
    IDLE = "idle"
    READING = "reading"
    """Has done nothing yet at the exercise at which they are, nor anything elsewhere for a while."""
    WORKING = "working"
    STUCK = "stuck"
    DONE = "done"


@dataclass(frozen=True)
class Step:
    """An exercise of the workshop: a column of the board."""

    slug: str
    title: str
    points: int
    checks: tuple[tuple[str, str], ...]
    """(id, claim)"""

    @property
    def number(self) -> str:
        return self.slug.partition("-")[0]


@dataclass(frozen=True)
class Seat:
    """A learner, as the board knows them: `number` is what they are called while names are hidden."""

    learner: int
    number: int
    name: str
    section: str = ""
    signed_in: bool = False
    seen: datetime | None = None
    """The last sign of life."""
    hand: datetime | None = None
    """Raised since."""
    said: str = ""
    """What was typed with the raised hand."""
    ident: str = ""
    """What the roster calls them, and their lab is called by."""


@dataclass(frozen=True)
class Cell:
    """How a learner stands with an exercise: `checks` is (id, outcome, diagnosis), empty where nothing was handed in."""

    slug: str
    earned: int = 0
    points: int = 0
    checks: tuple[tuple[str, str, str], ...] = ()
    done: bool = False
    origin: str = ""
    diagnosis: str = ""
    """The mistake that the learner has to get past now."""
    since: datetime | None = None
    """Since when it has been this one."""
    mistake: bool = False
    """Whether it is one: else it is what nobody has done yet."""
    begun: bool = False
    """Whether anything was done here, right or wrong."""


@dataclass(frozen=True)
class Row:
    seat: Seat
    state: State
    here: str
    """The exercise that the learner is at; "" once all are done."""
    cells: tuple[Cell, ...]
    diagnosis: str = ""
    """Why the learner is not further, where a check knows it."""
    since: datetime | None = None
    mistake: bool = False


@dataclass(frozen=True)
class Column:
    """An answer to “may I go on?”: of those who are here, so many are done with this exercise."""

    step: Step
    done: int
    here: int
    """How many are at this exercise."""
    stuck: int
    passed: tuple[int, ...]
    """For each check, how many have passed it."""


@dataclass(frozen=True)
class Frequent:
    """A mistake that people have right now."""

    diagnosis: str
    title: str
    learners: tuple[Seat, ...]
    since: datetime
    """Since when the one who has had it longest has had it."""


@dataclass(frozen=True)
class Board:
    now: datetime
    rows: tuple[Row, ...]
    columns: tuple[Column, ...]
    frequent: tuple[Frequent, ...]
    hands: tuple[Row, ...]
    """Who has raised a hand, the longest first."""

    @property
    def present(self) -> int:
        return sum(row.seat.signed_in for row in self.rows)

    def count(self, state: State) -> int:
        return sum(row.state is state for row in self.rows)


def board(
    steps: Iterable[Step],
    seats: Iterable[Seat],
    results: Iterable[Result],
    now: datetime,
    title: Callable[[str], str] = str,
    undone: Set[str] = frozenset(),
) -> Board:
    """`title` says in words what a diagnosis means; those in `undone` are no mistakes."""
    steps = tuple(steps)
    held: Mapping[tuple[int, str], list[Result]] = defaultdict(list)
    for result in sorted(results, key=lambda one: (one.taken, one.number)):
        held[result.learner, result.exercise].append(result)
    rows = tuple(_row(seat, steps, held, now, undone) for seat in seats)
    waiting = sorted((row for row in rows if row.seat.hand), key=lambda row: row.seat.hand or now)
    return Board(
        now,
        rows,
        tuple(_column(step, at, rows) for at, step in enumerate(steps)),
        _frequent(rows, title),
        tuple(waiting),
    )


def _row(
    seat: Seat,
    steps: tuple[Step, ...],
    held: Mapping[tuple[int, str], list[Result]],
    now: datetime,
    undone: Set[str],
) -> Row:
    cells = tuple(_cell(step, held.get((seat.learner, step.slug), []), undone) for step in steps)
    newest = {cell.slug: held[seat.learner, cell.slug][-1].taken for cell in cells if cell.checks}
    unfinished = [cell for cell in cells if not cell.done]
    begun = [cell for cell in unfinished if cell.slug in newest]
    here = max(begun, key=lambda cell: newest[cell.slug], default=unfinished[0] if unfinished else None)
    since = _held_up(here, newest) if here else None
    seen = max([*newest.values(), *([seat.seen] if seat.seen else [])], default=None)
    if here is None:
        state = State.DONE
    elif seen is None:
        state = State.AWAY
    elif now - seen >= IDLE:
        state = State.IDLE
    elif not here.begun and not _lately([newest[cell.slug] for cell in cells if cell.begun], now):
        state = State.READING
    elif here.mistake and since and now - since >= STUCK:
        state = State.STUCK
    else:
        state = State.WORKING
    return Row(
        seat,
        state,
        here.slug if here else "",
        cells,
        here.diagnosis if here else "",
        since,
        here is not None and here.mistake,
    )


def _lately(done: list[datetime], now: datetime) -> bool:
    return bool(done) and now - max(done) < STUCK


def _held_up(here: Cell, newest: Mapping[str, datetime]) -> datetime | None:
    """Since when a learner has been held up at this exercise. One look at a lab judges all exercises: the mistake of one that
    is still to come was there from the beginning, and counts only from when the learner has got somewhere else."""
    elsewhere = [moment for slug, moment in newest.items() if slug != here.slug]
    return max([here.since, *elsewhere]) if here.since else None


def _cell(step: Step, results: list[Result], undone: Set[str]) -> Cell:
    """`results`: oldest first. An exercise that was done once stays done: a later lab may have been put back."""
    if not results:
        return Cell(step.slug, points=step.points)
    done = next((one for one in results if one.done), None)
    last = done or results[-1]
    begun = any(one.earned or _mistakes(one, undone) for one in results)
    cell = Cell(step.slug, last.earned, last.points, last.checks, done is not None, last.origin, begun=begun)
    mistakes = _mistakes(last, undone)
    stuck = next(iter(mistakes or _mistakes(last, frozenset())), None)
    if done or stuck is None:
        return cell
    since = last.taken
    for one in reversed(results):
        if (stuck[0], NOT_YET, stuck[1]) not in one.checks:
            break
        since = one.taken
    return replace(cell, diagnosis=stuck[1], since=since, mistake=bool(mistakes))


def _mistakes(one: Result, but: Set[str]) -> list[tuple[str, str]]:
    """[(check, diagnosis)] of a result, but those in `but`."""
    return [(check, told) for check, outcome, told in one.checks if outcome == NOT_YET and told and told not in but]


def _column(step: Step, at: int, rows: tuple[Row, ...]) -> Column:
    cells = [row.cells[at] for row in rows]
    passed = [
        sum((id_, PASSED) in {(one, outcome) for one, outcome, _ in cell.checks} for cell in cells)
        for id_, _ in step.checks
    ]
    here = [row for row in rows if row.here == step.slug and row.state is not State.AWAY]
    stuck = sum(row.state is State.STUCK for row in here)
    return Column(step, sum(cell.done for cell in cells), len(here), stuck, tuple(passed))


def _frequent(rows: tuple[Row, ...], title: Callable[[str], str]) -> tuple[Frequent, ...]:
    """The most frequent first; of equal ones the one that somebody has had longest. Who is idle or away does not count, nor
    what is still to be done."""
    with_it: dict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.mistake and row.since and row.state in (State.WORKING, State.STUCK):
            with_it[row.diagnosis].append(row)
    found = [
        Frequent(id_, title(id_), tuple(row.seat for row in held), min(row.since for row in held if row.since))
        for id_, held in with_it.items()
    ]
    return tuple(sorted(found, key=lambda one: (-len(one.learners), one.since, one.diagnosis)))


def ago(since: datetime | None, now: datetime) -> str:
    """How long something has been so, in words."""
    if since is None:
        return ""
    minutes = int((now - since) / timedelta(minutes=1))
    if minutes < 1:
        return "just now"
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h"


def states(board: Board) -> Counter[State]:
    return Counter(row.state for row in board.rows)
