"""Marks from what is kept; grading again with today's content; overrulings."""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from labkit.classroom.gradebook import Checked, Gradebook, Ids, Item, Late, Learner, Mark, Origin
from labkit.classroom.records import handing_in, people
from labkit.classroom.records.database import Database
from labkit.classroom.records.models import Member, Observation, Overruling, Result, Workshop
from labkit.classroom.rules import counting
from labkit.content import exercises
from labkit.content.exercises import Exercise
from labkit.errors import LabError
from labkit.grading.grade import grade_one
from labkit.grading.report import Outcome
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
        counting.Overruling(one.number, one.member_id, one.exercise, one.earned, one.reason, by, one.time)
        for one, by in session.execute(wanted)
    ]


def gradebook(session: Session, workshop: Workshop) -> Gradebook:
    """Everybody's marks as one value: what is shown, exported and sent comes from here."""
    there = people.learners(session, workshop)
    return _book(workshop, there, results(session, workshop), overrulings(session, workshop))


def book_of(session: Session, workshop: Workshop, member: Member) -> Gradebook:
    """The same, with one learner in it."""
    return _book(workshop, [member], results(session, workshop, member.id), overrulings(session, workshop, member.id))


def _book(
    workshop: Workshop, there: Sequence[Member], held: Iterable[counting.Result], said: Iterable[counting.Overruling]
) -> Gradebook:
    taught = {slug: exercises.load(slug) for slug, _ in workshop.exercises}
    items = tuple(
        Item(exercise=slug, title=taught[slug].title, maximum=taught[slug].points, weight=weight)
        for slug, weight in workshop.exercises
    )
    idents, policy = {one.id: one.ident for one in there}, people.policy(workshop)
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
            Checked(id=id_, claim=known[id_].claim, outcome=Outcome(outcome), points=known[id_].points)
            for id_, outcome, _ in one.checks
            if id_ in known
        ),
    )


def _by_hand(ident: str, exercise: Exercise, word: counting.Overruling) -> Mark:
    points = min(word.earned or 0.0, exercise.points)  # it may have been worth more when this was said
    return Mark(
        learner=ident,
        exercise=exercise.slug,
        points=points,
        maximum=exercise.points,
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
    session.add(
        Overruling(member_id=member.id, exercise=exercise, earned=earned, reason=reason.strip(), by_id=by.id, time=now)
    )
    said = "took the overruling back" if earned is None else f"overruled: {earned:g} of {points}"
    people.note(session, workshop, now, "overruled", f"{by.ident} {said} ({exercise})", member)


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


def regrade(session: Session, workshop: Workshop) -> Regraded:
    """Grades every kept observation again with today's content. Adds nothing."""
    afresh()
    held, said = results(session, workshop), overrulings(session, workshop)
    there = people.learners(session, workshop)
    fresh = _graded_anew(session, held)
    number = max((one.number for one in held), default=0)
    numbered = [value_of(row, number + at) for at, row in enumerate(fresh, 1)]
    before = {one: _points(workshop, one, held, said) for one in there}
    after = {one: _points(workshop, one, [*held, *numbered], said) for one in there}
    changes = tuple(
        Change(one.ident, slug, was, after[one][slug])
        for one in there
        for slug, was in before[one].items()
        if was != after[one][slug]
    )
    told = [[one.learner, one.exercise, one.observation, one.earned, one.checks] for one in numbered]
    token = hashlib.sha256(json.dumps([exercises.version(), told]).encode()).hexdigest()
    return Regraded(exercises.version(), tuple(fresh), changes, token)


def keep(database: Database, workshop: Workshop, found: Regraded, seen: str, by: Member, now: datetime) -> None:
    """Adds what grading again gave: from now on it counts. Raises LabError if it is no longer the list that somebody has seen,
    which `seen` names. Grading takes seconds; nobody who hands in waits for it, because only this writes."""
    if seen != found.token:
        raise LabError("The list has changed since you looked at it.", "read it again, then confirm it")
    told = f"{by.ident} graded {len(found.fresh)} results again with content {found.content}"
    try:
        with database.writing() as session:
            session.add_all(found.fresh)
            people.note(session, workshop, now, "regraded", f"{told}: {len(found.changes)} marks changed", by)
    except IntegrityError as error:
        raise LabError("Somebody else has just graded everything again.", "look at the list again") from error


def _points(
    workshop: Workshop, member: Member, held: Iterable[counting.Result], said: Iterable[counting.Overruling]
) -> dict[str, float]:
    """One learner's points by exercise."""
    mine = [one for one in held if one.learner == member.id]
    book = _book(workshop, [member], mine, [word for word in said if word.learner == member.id])
    return {item.exercise: points(book, member.ident, item.exercise) for item in book.items}


def points(book: Gradebook, ident: str, exercise: str) -> float:
    """What counts, 0 where there is nothing."""
    scored = book.counting(ident, exercise)
    return scored.points if scored else 0.0


def afresh() -> None:
    """Reads the exercises again: a check may have been mended while the classroom runs."""
    exercises.read.cache_clear()
    exercises.version.cache_clear()


def _graded_anew(session: Session, held: list[counting.Result]) -> list[Result]:
    """New rows for what today's content has not graded yet."""
    today = exercises.version()
    have = {(one.observation, one.exercise) for one in held if one.content == today}
    made = []
    for one in counting.latest_gradings(held):
        if (one.observation, one.exercise) in have:
            continue
        kept = session.get_one(Observation, one.observation)
        result = grade_one(exercises.load(one.exercise), handing_in.kept(kept))
        made.append(handing_in.row(one.learner, one.observation, one.origin, one.taken, one.received, result))
    return made


def value_of(row: Result, number: int) -> counting.Result:
    """A row that has no number yet."""
    row_number, row.number = row.number, number
    try:
        return value(row)
    finally:
        row.number = row_number
