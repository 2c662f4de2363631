"""Takes an observation that was handed in: whose it is, what it shows, what of it is new."""

import hashlib
import json
import zlib
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Row, delete, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

import labkit
from labkit.classroom.records import people, talk
from labkit.classroom.records.database import Database, only_writer
from labkit.classroom.records.models import Member, Newest, Observation, Result, Trace, Workshop
from labkit.classroom.rules import counting, trust
from labkit.content import exercises
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.grading.grade import grade_one
from labkit.grading.report import ExerciseResult, Outcome
from labkit.lab.owner.workshop import Workshop as Key
from labkit.seen import signature
from labkit.seen.observation import Observation as Seen
from labkit.seen.observation import sections
from labkit.seen.signature import Public

UNSETTLED = (Outcome.ERROR, Outcome.CONVERGING)
"""A result with these is not kept: the lab broke, or is still moving. The next look says more."""

SIGN_OF_LIFE = timedelta(minutes=1)
"""What is handed in without news is noted as a sign of life at most so often."""


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


def state(seen: Seen) -> str:
    """Names what the lab held, whenever it was looked at, and by whom."""
    held = [seen.unobserved, seen.judged, *(getattr(seen, section) for section in sections())]
    # As ASCII: a learner's text may hold half characters, which have no bytes.
    told = json.dumps(msgspec.to_builtins(held), sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(told.encode("ascii")).hexdigest()


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
    graded = _Graded.of(workshop, handed)
    try:
        with database.writing() as session:
            return _keep(session, workshop, key, handed, graded)
    except IntegrityError:  # the same one came twice at the same moment
        return Receipt(graded.digest, counting.OBSERVED if handed.signed else counting.SELF_REPORTED, True, ())
    except NotTaken as refusal:
        with database.writing() as session:
            member = session.get_one(Member, handed.member)
            people.note(session, workshop, handed.received, people.NOT_TAKEN, refusal.logged, member)
        raise


@dataclass(frozen=True)
class _Graded:
    """What is worked out before the database is asked: nobody waits for it there."""

    content: bytes
    digest: str
    state: str
    by: str
    """The content that graded."""
    results: list[ExerciseResult]

    @classmethod
    def of(cls, workshop: Workshop, handed: Handed) -> "_Graded":
        """Raises LabError."""
        seen = handed.seen
        content = canonical(seen)
        by = (
            exercises.version()
        )  # before they are read: what is mended meanwhile is graded again, and nothing is left out
        results = [grade_one(each, seen) for each in graded_here(workshop, seen, handed.exercises)]
        return cls(content, hashlib.sha256(content).hexdigest(), state(seen), by, results)


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


def settled(result: ExerciseResult) -> bool:
    """Whether it says how the learner stands."""
    return not any(check.outcome in UNSETTLED for check in result.checks)


def _whole(seen: Seen, result: ExerciseResult) -> bool:
    """Whether a check that is mended could judge it: the lab stood still, and all that the exercise asks for answered. So
    it is where a check itself broke."""
    if any(check.outcome is Outcome.CONVERGING for check in result.checks):
        return False
    missing = {part.partition("/")[0] for part in seen.unobserved}
    return missing.isdisjoint(exercises.load(result.slug).sees)


def _has(seen: Seen, section: str) -> bool:
    return getattr(seen, section) is not None or section in seen.unobserved


def _keep(
    session: Session,
    workshop: Workshop,
    key: Key,
    handed: Handed,
    graded: _Graded,
) -> Receipt:
    seen, signed, digest = handed.seen, handed.signed, graded.digest
    origin = counting.OBSERVED if signed else counting.SELF_REPORTED
    # What one learner hands in is taken one after the other: nothing is asked in the same breath, as it would be seen as it was
    # before the wait.
    member = session.get_one(Member, handed.member, with_for_update=True)
    before = session.get(Observation, digest)
    if before is not None and before.member_id == member.id:
        _note_life(member, handed.received)
        return Receipt(digest, before.origin, True, ())
    try:
        taken = trust.taken(seen, _claim(session, key, handed, member, signed))
    except LabError as error:
        raise NotTaken(error.what, error.fix) from error
    traces = trust.traces(seen)
    if not signed:  # what is signed is no copy
        only_writer(session, Trace)  # of a copy and what it was made from, one is the first
        if other := _of_somebody_else(session, workshop, member, traces):
            told = "This observation shows what happened in another learner's lab."
            raise NotTaken(told, "hand in what your own lab shows", f"{told} The same lines came from {other} before.")
    looks = [one for one in graded.results if _whole(seen, one)]
    judged = [one for one in graded.results if settled(one)]
    new = _news(session, member, origin, taken.at, judged, seen if workshop.attempts else None)
    done = counting.done_at(origin, taken.at, handed.received, people.policy(workshop))
    row_of = Observation(
        digest=digest,
        member_id=member.id,
        origin=origin,
        device=handed.device,
        taken=taken.at,
        received=handed.received,
        state=graded.state,
    )
    moved = _Moved.of(session, workshop, row_of, done, looks, new)
    _note_life(member, handed.received, bool(new))
    _keep_texts(session, workshop, member, seen, handed.received, origin)
    if not new and not moved.exercises:
        return Receipt(digest, origin, False, ())
    row_of.data = zlib.compress(graded.content)
    session.add(row_of)
    session.flush()
    session.add_all(row(row_of, seen, one, graded.by) for one in new)
    _keep_traces(session, member, traces)
    moved.keep(session, graded.by)
    return Receipt(digest, origin, False, tuple((one.slug, one.earned, one.points) for one in new))


@dataclass(frozen=True)
class _Moved:
    """Of which exercises an observation is the newest look from now on, in its place: before the deadline, or after it."""

    observation: Observation
    late: bool
    exercises: tuple[str, ...]
    before: dict[str, str]
    """{exercise: the digest of the one that was there}"""

    @classmethod
    def of(
        cls,
        session: Session,
        workshop: Workshop,
        observation: Observation,
        done: datetime,
        looks: list[ExerciseResult],
        new: list[ExerciseResult],
    ) -> "_Moved":
        """Of two that hold the same the earlier one stays, unless the later one is a result: so nothing is written while
        nothing happens, and what a learner had in time stays in time."""
        end = workshop.deadline and workshop.deadline + timedelta(minutes=workshop.grace_minutes)
        late = bool(end and done > end)
        wanted = (
            select(Newest.exercise, Newest.observation, Observation.taken, Observation.state)
            .join(Observation, Observation.digest == Newest.observation)
            .where(
                Newest.member_id == observation.member_id, Newest.origin == observation.origin, Newest.late.is_(late)
            )
        )
        held = {one.exercise: one for one in session.execute(wanted)} if looks else {}
        fresh = {one.slug for one in new}

        def moves(slug: str) -> bool:
            there = held.get(slug)
            if there is None:
                return True
            return there.taken <= observation.taken and (slug in fresh or there.state != observation.state)

        moved = tuple(one.slug for one in looks if moves(one.slug))
        return cls(observation, late, moved, {slug: held[slug].observation for slug in moved if slug in held})

    def keep(self, session: Session, by: str) -> None:
        """What was there before goes, unless something else still needs it. `by`: the content that graded."""
        one = self.observation
        told = {"observation": one.digest, "content": by}
        place = {"member_id": one.member_id, "origin": one.origin, "late": self.late}
        if self.before:
            there = update(Newest).filter_by(**place).where(Newest.exercise.in_(self.before))
            session.execute(there.values(told).execution_options(synchronize_session=False))
        if fresh := [{**place, **told, "exercise": slug} for slug in self.exercises if slug not in self.before]:
            session.execute(insert(Newest), fresh)
        # Asked for by digest, one table after the other: a database that has seen few rows yet would read whole tables for it.
        replaced = set(self.before.values())
        for needs in (Result.observation, Newest.observation):
            if replaced:
                replaced -= set(session.scalars(select(needs).where(needs.in_(replaced))))
        if replaced:
            unneeded = delete(Observation).where(Observation.digest.in_(replaced))
            session.execute(unneeded.execution_options(synchronize_session=False))


def _note_life(member: Member, now: datetime, news: bool = False) -> None:
    """A sign of life: with news at once, and otherwise only now and then, as each is a write."""
    if news or member.seen is None or abs(now - member.seen) >= SIGN_OF_LIFE:
        member.seen = now
    if member.signed_in is None:
        member.signed_in = now


def _keep_texts(session: Session, workshop: Workshop, member: Member, seen: Seen, now: datetime, origin: str) -> None:
    """What was written in JupyterLab for an instructor to read."""
    given = seen.answers or {}
    for slug, _ in workshop.exercises:
        text = given.get(slug, {}).get("reflection", "")[: talk.LONGEST]
        if text and exercises.load(slug).reflection:
            talk.reflect(session, member, slug, text, now, origin)


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


_BEFORE = select(Result.exercise, Result.taken, Result.checks, Result.begun, Result.last)
"""What a result is compared by."""
_Before = Row[tuple[str, datetime, list[Any], int, int]]


def _news(
    session: Session,
    member: Member,
    origin: str,
    taken: datetime,
    results: list[ExerciseResult],
    seen: Seen | None,
) -> list[ExerciseResult]:
    """Those that differ from the result before them: of those that have come, and, if they come late, of those that are
    older. With what was `seen`, where tries are limited, also in what was reset."""
    last = _last(session, member, origin, [one.slug for one in results])

    def differs(one: ExerciseResult) -> bool:
        before = last.get(one.slug)
        if before is not None and before.taken > taken and not _differs(before, seen, one):
            mine = (Result.member_id == member.id, Result.exercise == one.slug, Result.origin == origin)
            earlier = _BEFORE.where(*mine, Result.taken <= taken)
            before = session.execute(earlier.order_by(Result.taken.desc(), Result.number.desc()).limit(1)).first()
        return before is None or _differs(before, seen, one)

    return [one for one in results if differs(one)]


def _differs(before: _Before, seen: Seen | None, one: ExerciseResult) -> bool:
    """Also where a reset, or a lab that was made anew, brought nothing else: what comes after is compared with this one, and
    a mistake of then is not explained by that reset."""
    if seen is not None and seen.log is not None:
        begun, last = _lines(seen, one.slug)
        if begun != before.begun or last < before.last:
            return True
    return bool(before.checks != verdicts(one))


def _last(session: Session, member: Member, origin: str, slugs: list[str]) -> dict[str, _Before]:
    """{exercise: the result of the observation that came last}, and of its gradings the newest: grading again adds rows for
    older ones."""
    mine = (Result.member_id == member.id, Result.origin == origin, Result.exercise.in_(slugs))
    came = func.min(Result.number).over(partition_by=(Result.exercise, Result.observation))
    rows = select(Result.number, Result.exercise, came.label("came")).where(*mine).subquery()
    place = func.row_number().over(partition_by=rows.c.exercise, order_by=(rows.c.came.desc(), rows.c.number.desc()))
    ordered = select(rows.c.number, place.label("place")).subquery()
    newest = _BEFORE.join(ordered, ordered.c.number == Result.number).where(ordered.c.place == 1)
    return {one.exercise: one for one in session.execute(newest)} if slugs else {}


def verdicts(result: ExerciseResult) -> list[list[str]]:
    return [[check.id, check.outcome.value, check.diagnosis] for check in result.checks]


def row(observation: Observation, seen: Seen, result: ExerciseResult, content: str) -> Result:
    """A result of this observation as a row of its table, graded with this content."""
    begun, last = _lines(seen, result.slug)
    return Result(
        member_id=observation.member_id,
        observation=observation.digest,
        exercise=result.slug,
        origin=observation.origin,
        taken=observation.taken,
        received=observation.received,
        labkit=labkit.__version__,
        content=content,
        earned=result.earned,
        points=result.points,
        checks=verdicts(result),
        begun=begun,
        last=last,
    )


def _lines(seen: Seen, slug: str) -> tuple[int, int]:
    """The numbers of the access log's line at which the exercise was last reset, and of its last line; 0 for none."""
    log = seen.log
    if log is None:
        return 0, 0
    return log.begun(slug), max((*(one.seq for one in log.events), *(one.seq for one in log.resets)), default=0)


def kept(observation: Observation) -> Seen:
    """An observation as it was handed in."""
    data: dict[str, Any] = json.loads(zlib.decompress(observation.data))
    return Seen.read(data)


def vouched(workshop: Workshop, member: Member, observation: Observation) -> Seen:
    """The same, where it still is what was handed in: this learner's, and signed by this workshop if it is called observed.
    Raises LabError."""
    content = zlib.decompress(observation.data)
    if hashlib.sha256(content).hexdigest() != observation.digest:
        raise LabError("This observation was changed after it was handed in.", "restore the database from a copy")
    data: dict[str, Any] = json.loads(content)
    if observation.origin == counting.OBSERVED:
        signature.check(data, Public(workshop=workshop.name, public=workshop.public))
    seen = Seen.read(data)
    if seen.lab.person.learner != member.ident:
        raise LabError(f"This observation is not from {member.ident}'s lab.", "restore the database from a copy")
    return seen
