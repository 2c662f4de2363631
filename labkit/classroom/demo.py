"""Plays the simulated class against a running classroom, over HTTPS as brokers, laptops and browsers talk to it."""

import re
import shutil
import tempfile
import threading
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from labkit.classroom import playing, queue
from labkit.classroom.app.api import LAPTOP
from labkit.classroom.app.room import Room, now
from labkit.classroom.opening import Opened
from labkit.classroom.playing import Move
from labkit.classroom.records import people
from labkit.errors import LabError

if TYPE_CHECKING:
    import httpx

EVERY_LAPTOP = 6
"""One learner of so many works on a laptop of their own: self-reported."""


@dataclass
class Clock:
    """A clock that runs faster, so that an hour's class is played in minutes; `real` makes it run as others do."""

    speed: float
    _began: datetime = field(default_factory=now)
    _from: datetime | None = None

    def __call__(self) -> datetime:
        moment = now()
        begun = self._from or self._began
        return begun + (moment - self._began) * self.speed

    def real(self) -> None:
        self._from, self._began, self.speed = self(), now(), 1.0


@dataclass
class Played:
    """What was handed in so far."""

    results: int = 0
    laptops: int = 0
    hands: int = 0
    problems: list[str] = field(default_factory=list)


@dataclass
class Class:
    """The learners of a demonstration, each by the door that they use."""

    opened: Opened
    clock: Clock
    idents: list[str]
    stop: threading.Event = field(default_factory=threading.Event)
    played: Played = field(default_factory=Played)
    _folder: Path = field(default_factory=lambda: Path(tempfile.mkdtemp(prefix="labkit-demo-")))

    @property
    def room(self) -> Room:
        return self.opened.room

    def play(self, moves: list[Move]) -> Played:
        """Until the last move, or until `stop` is set."""
        import httpx

        begin = self.clock()
        try:
            with self._client() as client:
                for move in moves:
                    if not self._until(begin + move.at):
                        break
                    try:
                        self._move(client, move)
                    except (LabError, httpx.HTTPError) as error:
                        self.played.problems.append(str(error))
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)
        return self.played

    def _client(self) -> "httpx.Client":
        import ssl

        import httpx

        tls = ssl.create_default_context(cadata=self.room.ca.decode())
        return httpx.Client(base_url=self.room.address, verify=tls, trust_env=False, timeout=30)

    def _until(self, moment: datetime) -> bool:
        """Waits; False where it is to stop."""
        while (left := (moment - self.clock()) / timedelta(seconds=1) / self.clock.speed) > 0:
            if self.stop.wait(min(left, 1.0)):
                return False
        return not self.stop.is_set()

    def _move(self, client: "httpx.Client", move: Move) -> None:
        if move.exercise:
            seen = playing.observation(move, self.room.key.person(self.idents[move.learner]), self.clock())
            if move.learner % EVERY_LAPTOP == EVERY_LAPTOP - 1:
                self._laptop(move, seen.dump())
            else:
                self._broker(client, move, self.room.key.signed(seen).dump())
        else:
            self._hand(client, move)

    def _broker(self, client: "httpx.Client", move: Move, text: str) -> None:
        token = (self.opened.folder / "broker.token").read_text()
        asked = {"observation": text, "exercises": [move.exercise], "learner": self.idents[move.learner]}
        answer = client.post("/api/results", json=asked, headers={"Authorization": f"Bearer {token}"})
        if answer.status_code != 200:
            raise LabError(f"{move.exercise}, {move.attempt}: {answer.text[:200]}")
        self.played.results += 1

    def _laptop(self, move: Move, text: str) -> None:
        """Joins first, with a code as the learner's page makes one; then by the laptop's own queue."""
        work = self._folder / self.idents[move.learner]
        if not (work / queue.PLACE).exists():
            queue.join(work, self.room.address, f"{self._pass(move, LAPTOP)}.{self.room.fingerprint}")
        queue.put(work, text, (move.exercise,))
        sent = queue.send(work, self.clock)
        if sent.refused or sent.left:
            raise LabError(f"{move.exercise}, {move.attempt}: {[*sent.refused, sent.away]}")
        self.played.results += 1
        self.played.laptops += 1

    def _hand(self, client: "httpx.Client", move: Move) -> None:
        """Signs in with a link, as a browser does, and raises a hand."""
        client.cookies.clear()
        client.post(f"/join/{self._pass(move, people.LINK)}")
        form = re.search(r'name="csrf" value="([0-9a-f]+)"', client.get("/me").text)
        if form is None:
            raise LabError("A learner of the demonstration could not sign in.")
        client.post("/me/hand", data={"csrf": form[1], "said": move.says})
        client.cookies.clear()
        self.played.hands += 1

    def _pass(self, move: Move, kind: str) -> str:
        with self.room.database.writing() as session:
            workshop = self.room.workshop(session)
            member = people.by_ident(session, workshop, self.idents[move.learner])
            return people.issue(session, self.room.key.key, workshop, kind, member, self.clock(), uses=1)
