"""What a learner's lab is called, and where it lies. Only values."""

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from labkit.errors import LabError

WORKSHOP = re.compile(r"[a-z][a-z0-9-]{0,23}")
LONGEST = 200
"""Characters that a learner's name may have."""

STEM, DIGITS = 16, 12
"""Characters of a lab's name that are for people, and hexadecimal digits that keep it apart from all others."""


def check_workshop(name: str) -> str:
    """The name, if it can begin the names of labs. Raises LabError."""
    if not WORKSHOP.fullmatch(name):
        raise LabError(
            f"{name!r} can't be the name of a workshop's labs.",
            "use at most 24 small letters, digits and hyphens, with a letter first: spring-2027",
        )
    return name


def of_workshop(name: str, owner: str) -> str:
    """What the names of a workshop's labs begin with: letters of its own name for people, and digits that keep it apart from
    one of the same name in another folder, as `owner` (Home.owner) does."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower())[:12].strip("-") or "w"
    stem = plain if plain[0].isalpha() else f"w-{plain}"
    return f"{stem}-{hashlib.sha256(f'{name} {owner}'.encode()).hexdigest()[:8]}"


def before(name: str) -> str:
    """The same as it was before there were such digits: labs of then keep their names."""
    if WORKSHOP.fullmatch(name):
        return name
    plain = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:12].strip("-")
    return f"w-{plain}-{hashlib.sha256(name.encode()).hexdigest()[:8]}"


def check_learner(learner: str) -> str:
    """The learner's name, if a lab can have it. It is part of no path and no command: only its `lab` is. Raises LabError."""
    if not learner.strip() or len(learner) > LONGEST or not learner.isprintable():
        raise LabError(
            f"{learner[:LONGEST]!r} is not a valid learner's name.",
            f"use 1 to {LONGEST} printable characters",
        )
    return learner


def lab(workshop: str, learner: str) -> str:
    """The name of that learner's lab: small letters, digits and hyphens, whatever the learner's name holds. The digits come
    from a hash of the whole name and keep two learners apart; the letters are for people who look at `docker ps`."""
    plain = unicodedata.normalize("NFKD", learner).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "-", plain)[:STEM].strip("-") or "learner"
    return f"{workshop}-{stem}-{hashlib.sha256(learner.encode()).hexdigest()[:DIGITS]}"


@dataclass(frozen=True)
class Places:
    """The folders of a broker. Only its user can open them."""

    root: Path

    def state(self, lab: str) -> Path:
        """The owner's keys of that lab, and what the broker notes of it."""
        return self.root / "labs" / lab

    @property
    def cache(self) -> Path:
        """The locks of labs that start or end."""
        return self.root / "locks"

    @property
    def lock(self) -> Path:
        """Held while a broker runs."""
        return self.root / "broker.lock"
