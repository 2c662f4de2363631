"""Several brokers, each with an engine of its own: a learner is placed where there is room, and those of a broker that died are
placed anew. What a lab held on a dead engine is lost; the learner's folder, and what was observed, are not there and stay.
"""

import math
import threading
import time
from collections.abc import Callable, Collection, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Protocol

from labkit.classroom.broker import planning
from labkit.classroom.broker.planning import Place
from labkit.classroom.broker.standing import Standing, State
from labkit.errors import LabError
from labkit.lab.engine.engines import Say


class Member(Protocol):
    """What a fleet asks of a broker. One that is dead answers `all` with labs whose state is unknown, or raises LabError."""

    def all(self) -> tuple[Standing, ...]: ...

    def start(self, learner: str, say: Say = ...) -> Standing: ...

    @property
    def alive(self) -> bool: ...


class Fleet:
    """The brokers by name, and how many labs fit at each. Every method may be called by any thread."""

    def __init__(self, members: Mapping[str, Member], rooms: Mapping[str, int]) -> None:
        self._members, self._rooms = dict(members), dict(rooms)
        self._at: dict[str, str] = {}
        """{learner: member}: where their lab was last seen, or is being started."""
        self._placed: dict[str, float] = {}
        """{learner: when that was; infinity while it is being started}. An answer from before says nothing of it."""
        self._placing = threading.Lock()

    def places(self) -> tuple[Place, ...]:
        """Every member as it is now, all asked at the same time. One that does not answer has the learners that it had."""
        asked = time.monotonic()
        with ThreadPoolExecutor(max(1, len(self._members))) as pool:
            answers = dict(zip(self._members, pool.map(_ask, self._members.values()), strict=True))
        with self._placing:
            for name, there in answers.items():
                if there is None:
                    continue
                for learner in there:
                    self._at.setdefault(learner, name)
                gone = {who for who, at in self._at.items() if at == name} - there
                for learner in gone:
                    if self._placed.get(learner, 0.0) < asked:
                        del self._at[learner]
            return self._now({name for name, there in answers.items() if there is not None})

    def _now(self, alive: Collection[str]) -> tuple[Place, ...]:
        return tuple(
            Place(name, room, frozenset(who for who, at in self._at.items() if at == name), name in alive)
            for name, room in self._rooms.items()
        )

    def start(self, learner: str, say: Say = lambda _: None) -> Standing:
        """Starts the learner's lab where it is, or where most room is left. Raises LabError."""
        alive = {one.name for one in self.places() if one.alive}
        with self._placing:
            name = planning.place(learner, self._now(alive))  # those that others have placed meanwhile count too
            self._begin(learner, name)
        return self._start(learner, name, say)

    def _begin(self, learner: str, name: str) -> None:
        self._at[learner] = name
        self._placed[learner] = math.inf

    def _start(self, learner: str, name: str, say: Say = lambda _: None) -> Standing:
        try:
            return self._members[name].start(learner, say)
        finally:
            with self._placing:
                self._placed[learner] = time.monotonic()

    def of(self, learner: str) -> Member:
        """The broker that has the learner's lab. Raises LabError."""
        for one in self.places():
            if learner in one.learners:
                if not one.alive:
                    raise LabError(f"The server {one.name} with {learner}'s lab does not answer.", "place it anew")
                return self._members[one.name]
        raise LabError(f"{learner} has no lab.", "start it")

    def place_anew(
        self, told: Callable[[str, str], None] = lambda *_: None
    ) -> tuple[dict[str, Standing], tuple[str, ...]]:
        """Starts new labs for the learners of members that do not answer: {learner: how the new lab stands}, and those who have
        none yet, for want of room or because the start failed. `told` is called with (learner, member) before each."""
        to, left = planning.moved(self.places())
        started: dict[str, Standing] = {}

        def move(learner: str) -> None:
            with self._placing:
                before = self._at[learner]
                self._begin(learner, to[learner])
            told(learner, to[learner])
            try:
                started[learner] = self._start(learner, to[learner])
            except LabError:
                with self._placing:
                    self._at[learner] = before

        with ThreadPoolExecutor(max(1, len(to))) as pool:
            list(pool.map(move, to))
        return started, tuple(sorted({*to, *left} - set(started)))


def _ask(member: Member) -> frozenset[str] | None:
    """Whose labs it has; None if it does not answer."""
    try:
        if not member.alive:
            return None
        told = member.all()
    except LabError:
        return None
    if any(one.state is State.UNKNOWN for one in told):
        return None
    return frozenset(one.learner for one in told if one.state is not State.ABSENT)
