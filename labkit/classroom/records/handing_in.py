"""Takes an observation that was handed in: whose it is, what it shows, what of it is new."""

import hashlib
import json
import zlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import labkit
from labkit.classroom.records import people
from labkit.classroom.records.database import Database
from labkit.classroom.records.models import Member, Observation, Result, Trace, Workshop
from labkit.classroom.rules import counting, trust
from labkit.content import exercises
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.grading.grade import grade_one
from labkit.grading.report import ExerciseResult, Outcome
from labkit.lab.owner.workshop import Workshop as Key
from labkit.seen import signature
from labkit.seen.observation import Observation as Seen

UNSETTLED = (Outcome.ERROR, Outcome.CONVERGING)
"""A result with these is not kept: the lab broke, or is still moving. The next look says more."""


@dataclass(frozen=True)
class Receipt:
    """What became of it."""

    digest: str
    origin: str
    again: bool
    """It had been handed in before: nothing was added."""
    changed: tuple[tuple[str, int, int], ...]
    """(exercise, earned, points) of each result that is new."""


@dataclass(frozen=True)
class Handed:
    """An observation, and who hands it in: with which pass, and since when they have had it."""

    seen: Seen
    signed: bool
    """By the workshop's key."""
    exercises: tuple[str, ...]
    """What to grade; empty for everything that can be seen in it."""
    member: int
    device: str
    since: datetime | None
    received: datetime
    sent: datetime | None = None


def canonical(seen: Seen) -> bytes:
    """An observation's JSON values in one form."""
    return json.dumps(seen.data(), sort_keys=True, separators=(",", ":")).encode("ascii")


def parse(text: bytes, key: Key) -> tuple[Seen, bool]:
    """The observation, and whether this workshop's key signed it. Raises LabError: also for a signature that does not hold."""
    seen = Seen.parse(text)
    if not seen.signature.value:
        return seen, False
    data = json.loads(text)  # the values as they were written: what was signed
    del data["seal"]
    signature.check(data, key.public)
    return seen, True


def receive(database: Database, workshop: Workshop, key: Key, handed: Handed) -> Receipt:
    """Raises LabError where it is refused, and then nothing is kept but a line in the log."""
    seen, signed = handed.seen, handed.signed
    content = canonical(seen)
    digest = hashlib.sha256(content).hexdigest()
    chosen = graded_here(workshop, seen, handed.exercises)
    results = [grade_one(each, seen) for each in chosen]
    try:
        with database.writing() as session:
            member = session.get_one(Member, handed.member, with_for_update=True)
            return _keep(session, workshop, key, handed, member, (seen, signed, content, digest), results)
    except IntegrityError:  # the same one came twice at the same moment
        return Receipt(digest, counting.OBSERVED if signed else counting.SELF_REPORTED, True, ())
    except NotTaken as refusal:
        with database.writing() as session:
            member = session.get_one(Member, handed.member)
            people.note(session, workshop, handed.received, people.NOT_TAKEN, refusal.logged, member)
        raise


class NotTaken(LabError):
    """The observation is not what it says."""

    def __init__(self, what: str, fix: str = "", logged: str = "") -> None:
        super().__init__(what, fix)
        self.logged = logged or what
        """What the log says, which only instructors read."""


def graded_here(workshop: Workshop, seen: Seen, wanted: tuple[str, ...]) -> list[Exercise]:
    """The workshop's exercises, or those of them that are wanted, for which the observation has all sections. Raises LabError
    for one that the workshop does not have."""
    known = [slug for slug, _ in workshop.exercises]
    if unknown := [slug for slug in wanted if slug not in known]:
        raise LabError(f"This workshop has no exercise {unknown[0][:100]!r}.", f"it has {', '.join(known)}")
    found = [exercises.load(slug) for slug in known if not wanted or slug in wanted]
    return [each for each in found if all(_has(seen, section) for section in each.sees)]


def _has(seen: Seen, section: str) -> bool:
    return getattr(seen, section) is not None or section in seen.unobserved


def _keep(
    session: Session,
    workshop: Workshop,
    key: Key,
    handed: Handed,
    member: Member,
    what: tuple[Seen, bool, bytes, str],
    results: list[ExerciseResult],
) -> Receipt:
    seen, signed, content, digest = what
    origin = counting.OBSERVED if signed else counting.SELF_REPORTED
    before = session.get(Observation, digest)
    if before is not None and before.member_id == member.id:
        member.seen = handed.received
        return Receipt(digest, before.origin, True, ())
    try:
        taken = trust.taken(seen, _claim(session, key, handed, member, signed))
    except LabError as error:
        raise NotTaken(error.what, error.fix) from error
    traces = trust.traces(seen)
    if not signed and (other := _of_somebody_else(session, workshop, member, traces)):
        told = "This observation shows what happened in another learner's lab."
        raise NotTaken(told, "hand in what your own lab shows", f"{told} The same lines came from {other} before.")
    new = [one for one in results if _is_news(session, member, origin, one)]
    member.seen = handed.received
    member.signed_in = member.signed_in or handed.received
    if not new:
        return Receipt(digest, taken.origin, False, ())
    session.add(
        Observation(
            digest=digest,
            member_id=member.id,
            origin=origin,
            device=handed.device,
            taken=taken.at,
            received=handed.received,
            data=zlib.compress(content),
        )
    )
    session.flush()
    _keep_traces(session, member, traces)
    for one in new:
        session.add(row(member.id, digest, origin, taken.at, handed.received, one))
    session.flush()
    return Receipt(digest, origin, False, tuple((one.slug, one.earned, one.points) for one in new))


def _claim(session: Session, key: Key, handed: Handed, member: Member, signed: bool) -> trust.Claim:
    newest = None
    if not signed and handed.device:
        by_it = select(Observation.taken).where(Observation.member_id == member.id, Observation.device == handed.device)
        newest = session.scalar(by_it.order_by(Observation.taken.desc()).limit(1))
    return trust.Claim(
        learner=member.ident,
        person=key.person(member.ident),
        signed=signed,
        received=handed.received,
        sent=handed.sent,
        since=handed.since,
        newest=newest,
    )


def _of_somebody_else(session: Session, workshop: Workshop, member: Member, traces: frozenset[str]) -> str:
    """The id of another learner from whose lab these lines are, "" if they are nobody else's."""
    if len(traces) < trust.FEWEST:
        return ""
    shared = (
        select(Member.ident, func.count())
        .join(Trace, Trace.member_id == Member.id)
        .where(Trace.line.in_(traces), Member.id != member.id, Member.workshop_id == workshop.id)
        .group_by(Member.ident)
        .order_by(func.count().desc())
        .limit(1)
    )
    most = session.execute(shared).first()
    return most[0] if most and trust.copied(len(traces), most[1]) else ""


def _keep_traces(session: Session, member: Member, traces: frozenset[str]) -> None:
    held = select(Trace.line).where(Trace.line.in_(traces), Trace.member_id == member.id)
    if fresh := traces - set(session.scalars(held)):
        session.execute(insert(Trace), [{"line": one, "member_id": member.id} for one in sorted(fresh)])


def _is_news(session: Session, member: Member, origin: str, result: ExerciseResult) -> bool:
    if any(check.outcome in UNSETTLED for check in result.checks):
        return False
    last = session.scalar(
        select(Result)
        .where(Result.member_id == member.id, Result.exercise == result.slug, Result.origin == origin)
        .order_by(Result.number.desc())
        .limit(1)
    )
    return last is None or last.checks != verdicts(result)


def verdicts(result: ExerciseResult) -> list[list[str]]:
    return [[check.id, check.outcome.value, check.diagnosis] for check in result.checks]


def row(
    member: int, observation: str, origin: str, taken: datetime, received: datetime, result: ExerciseResult
) -> Result:
    """A result as a row of its table, graded with today's content."""
    return Result(
        member_id=member,
        observation=observation,
        exercise=result.slug,
        origin=origin,
        taken=taken,
        received=received,
        labkit=labkit.__version__,
        content=exercises.version(),
        earned=result.earned,
        points=result.points,
        checks=verdicts(result),
    )


def kept(observation: Observation) -> Seen:
    """An observation as it was handed in."""
    data: dict[str, Any] = json.loads(zlib.decompress(observation.data))
    return Seen.read(data)
