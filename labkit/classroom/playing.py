"""A simulated class: learners with their mistakes, played from recorded observations against a real classroom.

`recorded.json.xz` ({exercise: {attempt: observation}}) has some of the corpus's recordings; docs/simulated.py makes it. Each
observation is given to a learner: with that learner's values in place of the lesson's, at another time.
"""

import functools
import json
import lzma
import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from labkit.seen.observation import Observation
from labkit.seen.person import Person

FILE = Path(__file__).parent / "recorded.json.xz"

NAMES = (
    "Ada Lovelace", "Grace Hopper", "Katherine Johnson", "Radia Perlman", "Margaret Hamilton", "Barbara Liskov",
    "Frances Allen", "Mary Kenneth Keller", "Hedy Lamarr", "Annie Easley", "Alan Turing", "Edsger Dijkstra", "Donald Knuth",
    "John McCarthy", "Niklaus Wirth", "Tony Hoare", "Robin Milner", "Leslie Lamport", "Dennis Ritchie", "Ken Thompson",
    "李小龙", "Łukasz Żółć", "Zoë Müller", "Анна Петрова", "مريم ميرزاخاني", "Βασιλική Παππά", "Ngô Bảo Châu",
    "Þóra Jónsdóttir", "O'Brien, Seán", "José Núñez",
)  # fmt: skip

LESSON = timedelta(minutes=60)
"""How long the simulated class lasts."""


@dataclass(frozen=True)
class Move:
    """Something that a learner does: a lab with this attempt in it is observed, or a hand is raised."""

    at: timedelta
    learner: int
    """0 is the first one."""
    exercise: str = ""
    attempt: str = ""
    says: str = ""
    """With a raised hand."""


@dataclass(frozen=True)
class Recorded:
    """{exercise: {attempt: observation as JSON}}"""

    attempts: dict[str, dict[str, Any]]

    def right(self, slug: str) -> list[str]:
        return [name for name in self.attempts[slug] if name.startswith("right-")]

    def wrong(self, slug: str) -> list[str]:
        return [name for name in self.attempts[slug] if name.startswith("wrong-")]


@functools.cache
def recorded() -> Recorded:
    return Recorded(json.loads(lzma.decompress(FILE.read_bytes())))


def roster(learners: int) -> bytes:
    """A roster in CSV, in two sections."""
    lines = ["id,name,section"]
    for number in range(learners):
        name = NAMES[number % len(NAMES)] + (f" {number // len(NAMES) + 1}" if number >= len(NAMES) else "")
        lines.append(f'learner{number + 1:03d},"{name}",{"A" if number % 2 else "B"}')
    return "\n".join(lines).encode()


def plan(learners: int, seed: int = 1) -> list[Move]:
    """What they do and when, in order: most make a mistake or two and mend them; some get stuck, some stop, some are fast."""
    moves: list[Move] = []
    for number in range(learners):
        moves += _of_one(number, random.Random(f"{seed}-{number}"))  # noqa: S311  (a play)
    return sorted(moves, key=lambda move: (move.at, move.learner))


def _of_one(number: int, dice: random.Random) -> Iterator[Move]:
    held = recorded()
    pace = dice.uniform(0.6, 1.7)
    stops_at = dice.choice([*held.attempts] + [""] * 12)  # goes away there
    stuck_at = dice.choice([*held.attempts] + [""] * 7)
    at = timedelta(seconds=dice.uniform(5, 240))
    for slug in held.attempts:
        mistakes = dice.choices((0, 1, 2, 3), (3, 5, 3, 1))[0]
        wrong = dice.sample(held.wrong(slug), min(mistakes or (slug == stuck_at), len(held.wrong(slug))))
        for name in wrong:
            yield Move(at, number, slug, name)
            at += timedelta(minutes=dice.uniform(0.7, 3) * pace)
        if slug == stuck_at:
            yield Move(
                at, number, says=dice.choice(("It says denied. Why?", "My tag is not there", "", "I am lost here"))
            )
            at += timedelta(minutes=dice.uniform(12, 30))
        if slug == stops_at:
            return
        yield Move(at, number, slug, dice.choice(held.right(slug)))
        at += timedelta(minutes=dice.uniform(2, 7) * pace)
        if at > LESSON:
            return


def observation(move: Move, whose: Person, taken: datetime) -> Observation:
    """The recorded observation as if it were this learner's, taken at that time."""
    data = recorded().attempts[move.exercise][move.attempt]
    data = json.loads(whose.personal(json.dumps(data)))
    data["lab"] = {
        "name": f"demo-{move.learner + 1}",
        "person": {
            "learner": whose.learner,
            "username": whose.username,
            "version": whose.version,
            "secret": whose.secret,
        },
    }
    data["taken"] = taken.isoformat()
    if log := data.get("log"):
        lines = [*log["events"], *log["resets"]]
        shift = taken.timestamp() - max((line["time"] for line in lines), default=0.0) - 0.001 * (move.learner + 1)
        for line in lines:
            line["time"] = round(line["time"] + shift, 6)
    return Observation.read(data)
