"""Marks from what is kept; grading again with today's content; overrulings."""

import contextlib
import hashlib
import json
import sys
import threading
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from labkit.classroom.gradebook import Checked, Gradebook, Ids, Item, Late, Learner, Mark, Origin, Review
from labkit.classroom.records import handing_in, people
from labkit.classroom.records.database import Database
from labkit.classroom.records.models import Member, Newest, Observation, Overruling, Reflection, Result, Workshop
from labkit.classroom.rules import counting
from labkit.content import diagnoses, exercises
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.grading.grade import grade_one
from labkit.grading.report import Outcome
from labkit.seen.observation import Observation as Seen
from labkit.text import visible


def value(row: Result) -> counting.Result:
    """A row as the rules read it."""
    return counting.Result(
        number=row.number,
        learner=row.member_id,
        exercise=row.exercise,
        observation=row.observation,
        origin=row.origin,
        taken=row.taken,
        received=row.received,
        earned=row.earned,
        points=row.points,
        checks=tuple((str(check), str(outcome), str(told)) for check, outcome, told in row.checks),
        content=row.content,
        begun=row.begun,
        last=row.last,
    )


def results(session: Session, workshop: Workshop, member: int | None = None) -> list[counting.Result]:
    """Every result, or one learner's, in the order in which they came."""
    wanted = select(Result).join(Member, Member.id == Result.member_id).where(Member.workshop_id == workshop.id)
    if member is not None:
        wanted = wanted.where(Result.member_id == member)
    return [value(row) for row in session.scalars(wanted.order_by(Result.number))]


def overrulings(session: Session, workshop: Workshop, member: int | None = None) -> list[counting.Overruling]:
    wanted = (
        select(Overruling, Member.name)
        .join(Member, Member.id == Overruling.by_id)
        .where(Member.workshop_id == workshop.id)
        .order_by(Overruling.number)
    )
    if member is not None:
        wanted = wanted.where(Overruling.member_id == member)
    return [
        counting.Overruling(one.number, one.member_id, one.exercise, one.earned, one.reason, by, one.time, one.points)
        for one, by in session.execute(wanted)
    ]


def gradebook(session: Session, workshop: Workshop) -> Gradebook:
    """Everybody's marks as one value: what is shown, exported and sent comes from here."""
    there = people.learners(session, workshop)
    book = _book(workshop, there, results(session, workshop), overrulings(session, workshop))
    return msgspec.structs.replace(book, reviews=_reviews(session, workshop, there))


def book_of(session: Session, workshop: Workshop, member: Member) -> Gradebook:
    """The same, with one learner in it."""
    held, said = results(session, workshop, member.id), overrulings(session, workshop, member.id)
    book = _book(workshop, [member], held, said)
    return msgspec.structs.replace(book, reviews=_reviews(session, workshop, [member]))


def _reviews(session: Session, workshop: Workshop, there: Sequence[Member]) -> tuple[Review, ...]:
    """What was said of the newest text that somebody has marked: a newer one that nobody has read yet takes nothing away."""
    wanted = (
        select(Reflection)
        .join(Member, Member.id == Reflection.member_id)
        .where(Member.workshop_id == workshop.id, Reflection.by_id.is_not(None))
        .order_by(Reflection.number)
    )
    if len(there) == 1:
        wanted = wanted.where(Reflection.member_id == there[0].id)
    idents, taught = {one.id: one.ident for one in there}, dict(workshop.exercises)
    found = {}
    for one in session.scalars(wanted):
        if one.member_id in idents and one.exercise in taught:
            lines = exercises.load(one.exercise).reflection.get("rubric", ())
            found[one.member_id, one.exercise] = Review(
                learner=idents[one.member_id],
                exercise=one.exercise,
                at=one.judged or one.time,
                # by today's words; where the rubric has fewer lines by now, the marks stay
                rubric=tuple((lines[at] if at < len(lines) else "", met) for at, met in enumerate(one.scores or ())),
                feedback=one.feedback,
            )
    return tuple(found.values())


def _book(
    workshop: Workshop,
    there: Sequence[Member],
    held: Iterable[counting.Result],
    said: Iterable[counting.Overruling],
    policy: counting.Policy | None = None,
) -> Gradebook:
    """`policy`: the workshop's, if no other is given."""
    taught = {slug: exercises.load(slug) for slug, _ in workshop.exercises}
    items = tuple(
        Item(exercise=slug, title=taught[slug].title, maximum=taught[slug].points, weight=weight)
        for slug, weight in workshop.exercises
    )
    idents, policy = {one.id: one.ident for one in there}, policy or people.policy(workshop)
    of_results, of_words = defaultdict(list), defaultdict(list)
    for one in held:
        of_results[one.learner, one.exercise].append(one)
    for word in said:
        of_words[word.learner, word.exercise].append(word)
    marks = []
    for number, ident in idents.items():
        for slug, exercise in taught.items():
            counted = counting.counting(of_results[number, slug], policy)
            marks += [_mark(ident, exercise, one, at) for one, at in counted]
            if holds := counting.standing(of_words[number, slug]):
                marks.append(_by_hand(ident, exercise, holds))
    return Gradebook(
        workshop=workshop.name,
        learners=tuple(learner(one) for one in there),
        items=items,
        marks=tuple(marks),
        late=Late(deadline=workshop.deadline, grace=60.0 * workshop.grace_minutes, per_day=workshop.late_percent / 100),
        certificate=workshop.certificate_percent / 100 or None,
    )


def tries_left(session: Session, workshop: Workshop, member: Member) -> dict[str, int]:
    """{exercise: how many tries a learner has left}; empty where there is no limit."""
    if not workshop.attempts:
        return {}
    held, policy = results(session, workshop, member.id), people.policy(workshop)
    used = {
        slug: counting.tries((one for one in held if one.exercise == slug), policy) for slug, _ in workshop.exercises
    }
    return {slug: max(0, workshop.attempts - count) for slug, count in used.items()}


def learner(member: Member) -> Learner:
    """Somebody of the roster, as gradebooks know them."""
    ids = msgspec.convert(people.elsewhere(member), Ids)
    return Learner(id=member.ident, name=member.name, email=member.email, section=member.section, ids=ids)


def _mark(ident: str, exercise: Exercise, one: counting.Result, at: datetime) -> Mark:
    known = {check.id: check for check in exercise.checks}
    return Mark(
        learner=ident,
        exercise=exercise.slug,
        points=one.earned,
        maximum=one.points,
        at=at,
        origin=Origin(one.origin),
        observation=one.observation,
        checks=tuple(
            Checked(
                id=id_,
                claim=known[id_].claim,
                outcome=Outcome(outcome),
                points=known[id_].points,
                message=diagnoses.plainly(told) if told else "",
            )
            for id_, outcome, told in one.checks
            if id_ in known
        ),
    )


def _by_hand(ident: str, exercise: Exercise, word: counting.Overruling) -> Mark:
    maximum = exercise.points if word.points is None else word.points
    return Mark(
        learner=ident,
        exercise=exercise.slug,
        points=min(word.earned or 0.0, maximum),
        maximum=maximum,
        at=word.time,
        origin=Origin.OBSERVED,
        overruled=f"{word.reason} ({word.by})",
    )


def overrule(
    session: Session,
    workshop: Workshop,
    member: Member,
    exercise: str,
    earned: float | None,
    reason: str,
    by: Member,
    now: datetime,
) -> None:
    """Raises LabError where there is no reason, or the points are out of range."""
    if exercise not in dict(workshop.exercises):
        raise LabError(f"This workshop has no exercise {visible(exercise)[:100]!r}.", "go back to the board")
    points = exercises.load(exercise).points
    if not reason.strip():
        raise LabError("An overruled mark needs a reason: the learner reads it.", "write a sentence")
    if earned is not None and not 0 <= earned <= points:
        raise LabError(f"{earned:g} is out of range: {exercise} has 0 to {points} points.", "give points in that range")
    said = Overruling(member_id=member.id, exercise=exercise, earned=earned, points=points, time=now)
    said.reason, said.by_id = reason.strip(), by.id
    session.add(said)
    told = "took the overruling back" if earned is None else f"overruled: {earned:g} of {points}"
    people.note(session, workshop, now, "overruled", f"{by.ident} {told} ({exercise})", member)


@dataclass(frozen=True)
class Change:
    """A mark that grading again changes."""

    learner: str
    """The learner's id."""
    exercise: str
    before: float
    after: float


@dataclass(frozen=True)
class Regraded:
    """What grading everything again with today's content gives. Nothing of it counts until it is kept."""

    content: str
    fresh: tuple[Result, ...]
    """What is graded anew, as rows that are in no database yet."""
    changes: tuple[Change, ...]
    token: str
    """Names exactly these gradings."""
    found: int = 0
    """How many of them no check had recognized when they were handed in."""
    looked: tuple[Newest, ...] = ()
    """What was not a result, and has now been graded, too."""
    left_out: tuple[str, ...] = ()
    """Sentences: what of it could not be used."""


def regrade(session: Session, workshop: Workshop) -> Regraded:
    """Grades every kept observation again with today's content. Adds nothing."""
    afresh()
    held, said = results(session, workshop), overrulings(session, workshop)
    there = people.learners(session, workshop)
    fresh = _graded_anew(session, held)
    number = max((one.number for one in held), default=0)
    more = _overlooked(session, workshop, there, [*held, *_numbered(fresh, number)])
    fresh = sorted((*fresh, *more.fresh), key=lambda one: one.taken)
    numbered = _numbered(fresh, number)
    before, after = (_points(workshop, there, all_, said) for all_ in (held, [*held, *numbered]))
    changes = tuple(
        Change(one.ident, slug, was, after[one][slug])
        for one in there
        for slug, was in before[one].items()
        if was != after[one][slug]
    )
    told = [[one.learner, one.exercise, one.observation, one.earned, one.checks] for one in numbered]
    token = hashlib.sha256(json.dumps([exercises.version(), told]).encode()).hexdigest()
    return Regraded(
        exercises.version(), tuple(fresh), changes, token, len(more.fresh), tuple(more.looked), tuple(more.left_out)
    )


def keep(database: Database, workshop: Workshop, found: Regraded, seen: str, by: Member, now: datetime) -> None:
    """Adds what grading again gave: from now on it counts. Raises LabError if it is no longer the list that somebody has seen,
    which `seen` names. Grading takes seconds; nobody who hands in waits for it, because only this writes."""
    if seen != found.token:
        raise LabError("The list has changed since you looked at it.", "read it again, then confirm it")
    told = f"{by.ident} graded {len(found.fresh)} results again with content {found.content}"
    try:
        with database.writing() as session:
            needed = {one.observation for one in found.fresh}
            if len(_there(session, needed)) < len(needed):
                raise LabError("Newer work has come in since you looked at the list.", "read it again, then confirm it")
            session.add_all(found.fresh)
            for one in found.looked:  # unless a newer one has taken its place
                session.execute(
                    update(Newest)
                    .where(
                        Newest.member_id == one.member_id,
                        Newest.exercise == one.exercise,
                        Newest.observation == one.observation,
                    )
                    .values(content=found.content)
                )
            people.note(session, workshop, now, "regraded", f"{told}: {len(found.changes)} marks changed", by)
    except IntegrityError as error:
        raise LabError("Somebody else has just graded everything again.", "look at the list again") from error


def _there(session: Session, digests: set[str]) -> set[str]:
    """Those of these observations that are still kept."""
    wanted = sorted(digests)
    found: set[str] = set()
    for at in range(0, len(wanted), MOST_AT_ONCE):
        asked = wanted[at : at + MOST_AT_ONCE]
        found |= set(session.scalars(select(Observation.digest).where(Observation.digest.in_(asked))))
    return found


MOST_AT_ONCE = 500
"""Values of one query: SQLite takes some thousands."""


@dataclass(frozen=True)
class _Overlooked:
    fresh: list[Result]
    """Work that no check had recognized, as rows."""
    looked: list[Newest]
    left_out: list[str]


def _overlooked(
    session: Session, workshop: Workshop, there: Sequence[Member], held: Sequence[counting.Result]
) -> _Overlooked:
    """What the newest looks show that changed no result then, and that today's content finds better than all results: a check
    was broken while somebody did the right thing. What is not better adds nothing, so nobody loses anything by it."""
    today = exercises.version()
    wanted = (
        select(Newest, Observation)
        .join(Observation, Observation.digest == Newest.observation)
        .join(Member, Member.id == Newest.member_id)
        .where(Member.workshop_id == workshop.id, Newest.content != today)
        .order_by(Observation.taken, Newest.member_id, Newest.exercise)
    )
    have = {(one.observation, one.exercise) for one in held}
    of_results: dict[tuple[int, str, str], list[counting.Result]] = defaultdict(list)
    for one in held:
        of_results[one.learner, one.exercise, one.origin].append(one)
    people_, taught, found = {one.id: one for one in there}, dict(workshop.exercises), _Overlooked([], [], [])
    seen: dict[str, Seen] = {}
    for newest, kept in session.execute(wanted):
        member = people_.get(newest.member_id)
        if member is None or newest.exercise not in taught or (kept.digest, newest.exercise) in have:
            continue
        try:
            seen[kept.digest] = seen.get(kept.digest) or handing_in.vouched(workshop, member, kept)
        except LabError as error:
            found.left_out.append(f"{member.ident}, {newest.exercise}: {error.what}")
            continue
        found.looked.append(newest)
        result = grade_one(exercises.load(newest.exercise), seen[kept.digest])
        made = handing_in.row(kept, seen[kept.digest], result, today)
        mine = of_results[member.id, newest.exercise, kept.origin]
        if not handing_in.settled(result) or not _better(workshop, member, mine, value_of(made, sys.maxsize)):
            continue
        found.fresh.append(made)
        mine.append(value_of(made, sys.maxsize))
    return found


@dataclass(frozen=True)
class Look:
    """A look at a lab that changed no result, and what it would be worth today."""

    observation: Observation
    earned: int
    points: int


def looks(session: Session, workshop: Workshop, member: Member, exercise: str) -> list[Look]:
    """The newest looks at a learner's lab that are no results of this exercise, graded with today's content; the newest first.
    One that cannot be vouched for any more is left out."""
    result = select(Result.number).where(Result.observation == Newest.observation, Result.exercise == exercise).exists()
    wanted = (
        select(Observation)
        .join(Newest, Newest.observation == Observation.digest)
        .where(Newest.member_id == member.id, Newest.exercise == exercise, ~result)
        .order_by(Observation.taken.desc())
    )
    found = []
    for one in session.scalars(wanted):
        with contextlib.suppress(LabError):
            graded = grade_one(exercises.load(exercise), handing_in.vouched(workshop, member, one))
            found.append(Look(one, graded.earned, graded.points))
    return found


def _better(workshop: Workshop, member: Member, mine: list[counting.Result], one: counting.Result) -> bool:
    """Whether it would be worth more than these of the same origin, if all of them may count."""
    lenient = counting.Policy(offline=people.policy(workshop).offline)
    books = [_book(workshop, [member], held, (), lenient) for held in (mine, [*mine, one])]
    was, now = (points(book, member.ident, one.exercise) for book in books)
    return now > was


def _numbered(fresh: Iterable[Result], after: int) -> list[counting.Result]:
    return [value_of(row, after + at) for at, row in enumerate(fresh, 1)]


def _points(
    workshop: Workshop,
    there: Sequence[Member],
    held: Iterable[counting.Result],
    said: Iterable[counting.Overruling],
) -> dict[Member, dict[str, float]]:
    """Everybody's points by exercise."""
    book = _book(workshop, there, held, said)
    return {one: {item.exercise: points(book, one.ident, item.exercise) for item in book.items} for one in there}


def points(book: Gradebook, ident: str, exercise: str) -> float:
    """What counts, 0 where there is nothing."""
    scored = book.counting(ident, exercise)
    return scored.points if scored else 0.0


def afresh() -> bool:
    """Reads the exercises again where their files have changed: a check may have been mended while the classroom runs. Says
    whether they have."""
    with _AFRESH:
        now = exercises.stamp()
        if _STAMP and _STAMP[0] == now:
            return False
        _STAMP[:] = [now]
        for cached in (exercises.read, exercises.version, diagnoses.catalogue, diagnoses.undone):
            cached.cache_clear()
        return True


_STAMP: list[object] = []
"""Of the files as they were last read."""
_AFRESH = threading.Lock()


def _graded_anew(session: Session, held: list[counting.Result]) -> list[Result]:
    """New rows for what today's content has not graded yet."""
    today = exercises.version()
    have = {(one.observation, one.exercise) for one in held if one.content == today}
    made = []
    for one in counting.latest_gradings(held):
        if (one.observation, one.exercise) in have:
            continue
        kept = session.get_one(Observation, one.observation)
        seen = handing_in.kept(kept)
        made.append(handing_in.row(kept, seen, grade_one(exercises.load(one.exercise), seen), today))
    return made


def value_of(row: Result, number: int) -> counting.Result:
    """A row that has no number yet."""
    row_number, row.number = row.number, number
    try:
        return value(row)
    finally:
        row.number = row_number
