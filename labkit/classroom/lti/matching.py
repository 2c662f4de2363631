"""Whom of the roster a platform means, and what taking its list of learners would change. Pure."""

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from labkit.classroom.gradebook import Ids, Learner
from labkit.classroom.rules import entries
from labkit.errors import LabError
from labkit.text import visible


class By(StrEnum):
    """What the platform and the roster both know of a learner."""

    EMAIL = "email"
    SIS = "sis"
    """The school's number of them: the roster's `sis_user`, or its `id`."""
    USERNAME = "username"
    """By which they sign in there: the roster's `username`, `sis_login` or `id`."""
    SUBJECT = "subject"
    """The platform's own number of them: the roster's `subject`, or its `id`."""


WORDS = {
    By.EMAIL: "the e-mail address",
    By.SIS: "the school's number (SIS id)",
    By.USERNAME: "the user name",
    By.SUBJECT: "the platform's own number",
}


@dataclass(frozen=True)
class Known:
    """A learner of the roster."""

    number: int
    learner: Learner
    subject: str = ""
    """By which this platform means them; "" until it has."""


def told(learner: Learner, by: By) -> str:
    """What the platform tells of a learner that the roster may have too; "" where it does not."""
    return {
        By.EMAIL: learner.email,
        By.SIS: learner.ids.sis_user,
        By.USERNAME: learner.ids.username,
        By.SUBJECT: learner.ids.subject,
    }[by].strip()


def _has(known: Known, by: By) -> set[bytes]:
    one = known.learner
    names = {
        By.EMAIL: (one.email,),
        By.SIS: (one.ids.sis_user, one.id),
        By.USERNAME: (one.ids.username, one.ids.sis_login, one.id),
        By.SUBJECT: (one.ids.subject, one.id),
    }
    return {_folded(name) for name in names[by] if name.strip()}


def _folded(text: str) -> bytes:
    """Small ASCII letters alone: other letters may look alike, or become the same, and be another person's."""
    return text.strip().encode(errors="replace").lower()


def find(known: Iterable[Known], learner: Learner, by: By) -> Known | None:
    """The learner of the roster whom the platform means; None where there is none. Raises LabError where that is not clear."""
    known = tuple(known)
    for one in known:
        if one.subject and one.subject == learner.ids.subject:
            return one
    name = told(learner, by)
    if not name:
        raise LabError(
            f"The platform does not tell {WORDS[by]} of {visible(learner.shown)}.",
            "let the tool see it there, or choose what else tells learners apart",
        )
    fitting = [one for one in known if _folded(name) in _has(one, by)]
    if len(fitting) > 1:
        raise LabError(f"Several learners of the roster have {visible(name)}.", "correct the roster")
    if fitting and fitting[0].subject:
        raise LabError(
            f"Somebody else of the platform is {visible(fitting[0].learner.shown)} already.",
            "ask the instructor, who sees both in the log",
        )
    return fitting[0] if fitting else None


def new(learner: Learner, by: By) -> Learner:
    """The learner as the roster gets them: by what told them apart. The platform's own id is kept elsewhere."""
    name = entries.clean(told(learner, by))[: entries.LONGEST]
    ids = {By.SIS: Ids(sis_user=name), By.USERNAME: Ids(username=name)}.get(by, Ids())
    return Learner(id=name, name=cut(learner.name) or name, email=cut(learner.email), ids=ids)


def cut(text: str) -> str:
    """A platform's text as the roster keeps it."""
    return entries.clean(text)[: entries.LONGEST]


@dataclass(frozen=True)
class Change:
    """A learner of the roster whom the platform calls otherwise."""

    known: Known
    name: str
    email: str


@dataclass(frozen=True)
class Plan:
    """What taking the platform's list would change. Nobody is ever removed."""

    added: tuple[tuple[Learner, Learner], ...] = ()
    """(as the roster gets them, as the platform tells them)"""
    changed: tuple[Change, ...] = ()
    met: tuple[tuple[Known, Learner], ...] = ()
    """Who is found on the roster, each with what the platform tells."""
    unclear: tuple[str, ...] = ()
    """A sentence for each who is left out."""
    gone: tuple[Known, ...] = ()
    """Who came from this platform, and is no longer in its list."""
    token: str = field(default="", compare=False)
    """Names exactly this plan."""

    @property
    def fresh(self) -> tuple[tuple[Known, Learner], ...]:
        """Who is on the roster, and meets the platform for the first time."""
        return tuple((known, learner) for known, learner in self.met if not known.subject)


def plan(known: Sequence[Known], listed: Iterable[Learner], by: By) -> Plan:
    added: dict[str, tuple[Learner, Learner]] = {}
    changed, met, unclear = [], {}, []
    taken = {entries.same(one.learner.id) for one in known}
    for learner in listed:
        try:
            found = find(known, learner, by)
        except LabError as error:
            unclear.append(error.what)
            continue
        if found is None:
            one = new(learner, by)
            key = entries.same(one.id)
            if key in taken or key in added:
                unclear.append(f"{visible(one.id)} is there twice.")
            else:
                added[key] = (one, learner)
        elif found.number in met:
            unclear.append(f"{visible(learner.shown)} would be {visible(found.learner.shown)}, who is somebody else.")
        else:
            met[found.number] = (found, learner)
            name, email = cut(learner.name) or found.learner.name, cut(learner.email) or found.learner.email
            if (name, email) != (found.learner.name, found.learner.email):
                changed.append(Change(found, name, email))
    gone = tuple(one for one in known if one.subject and one.number not in met)
    made = Plan(tuple(added.values()), tuple(changed), tuple(met.values()), tuple(unclear), gone)
    return Plan(made.added, made.changed, made.met, made.unclear, made.gone, _token(made))


def _token(made: Plan) -> str:
    named = [
        [(one.id, one.name, one.email, learner.ids.subject) for one, learner in made.added],
        [(one.known.number, one.name, one.email) for one in made.changed],
        [(one.number, one.subject, learner.ids.subject) for one, learner in made.met],
    ]
    return hashlib.sha256(json.dumps(named).encode()).hexdigest()
