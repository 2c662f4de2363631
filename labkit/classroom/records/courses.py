"""What is kept of learning platforms: their courses, whom they mean by a member, and where scores go."""

from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime

import msgspec
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from labkit.classroom.gradebook import Gradebook, Ids
from labkit.classroom.lti import launch as launches
from labkit.classroom.lti.matching import Known, Plan
from labkit.classroom.records import judging, people
from labkit.classroom.records.models import (
    Column,
    Course,
    Member,
    Overruling,
    Participant,
    Reflection,
    Result,
    User,
    Workshop,
)
from labkit.content import exercises

LONGEST = 500
"""Characters of a platform's own names."""


def value(row: Course) -> launches.Course:
    return launches.Course(
        issuer=row.issuer,
        client=row.client,
        context=row.context,
        title=row.title,
        items=row.items,
        members=row.members,
        scopes=frozenset(row.scopes),
        whole=row.whole,
    )


def course(session: Session, workshop: Workshop, told: launches.Course, now: datetime) -> Course:
    """The course as it is told now, made if it is new."""
    row = session.scalar(
        select(Course).where(
            Course.workshop_id == workshop.id,
            Course.issuer == told.issuer,
            Course.client == told.client,
            Course.context == told.context,
        )
    )
    if row is None:
        row = Course(workshop_id=workshop.id, issuer=told.issuer, client=told.client, context=told.context, seen=now)
        row.items, row.members, row.whole = "", "", False
        session.add(row)
    row.title, row.seen = told.title[:LONGEST], now
    # A link may be told less than another one; what a course let us do once stays until it says otherwise.
    row.items, row.members = told.items or row.items, told.members or row.members
    row.scopes = sorted(told.scopes) or row.scopes or []
    row.whole = row.whole or told.whole
    session.flush()
    return row


def all_(session: Session, workshop: Workshop) -> list[Course]:
    return list(session.scalars(select(Course).where(Course.workshop_id == workshop.id).order_by(Course.number)))


def columns(session: Session, one: Course) -> dict[str, str]:
    """{exercise: the URL of its line item}"""
    return {row.exercise: row.url for row in session.scalars(select(Column).where(Column.course_number == one.number))}


def set_columns(session: Session, one: Course, urls: Mapping[str, str]) -> None:
    """Exactly these, from now on."""
    if columns(session, one) != dict(urls):
        session.execute(delete(Column).where(Column.course_number == one.number))
        session.add_all(Column(course_number=one.number, exercise=slug, url=url) for slug, url in urls.items())
        session.flush()


def known(session: Session, workshop: Workshop, issuer: str, client: str) -> list[Known]:
    """The roster as a platform's list is compared with it."""
    there = select(User).where(User.workshop_id == workshop.id, User.issuer == issuer, User.client == client)
    subjects = {one.member_id: one.subject for one in session.scalars(there)}
    return [Known(one.id, judging.learner(one), subjects.get(one.id, "")) for one in people.learners(session, workshop)]


def user(session: Session, workshop: Workshop, issuer: str, client: str, subject: str) -> User | None:
    return session.scalar(
        select(User).where(
            User.workshop_id == workshop.id, User.issuer == issuer, User.client == client, User.subject == subject
        )
    )


def meet(session: Session, workshop: Workshop, one: Course, subject: str, member: Member) -> None:
    """The platform means this member, who takes part in the course. Raises IntegrityError where it means another one."""
    there = user(session, workshop, one.issuer, one.client, subject)
    if there is None:
        there = User(
            workshop_id=workshop.id, member_id=member.id, issuer=one.issuer, client=one.client, subject=subject
        )
        session.add(there)
        session.flush()
    there.member_id = member.id
    if session.get(Participant, (one.number, there.number)) is None:
        session.add(Participant(course_number=one.number, user_number=there.number))
    session.flush()


def take(session: Session, workshop: Workshop, one: Course, plan: Plan) -> None:
    """Brings the roster to what the plan says."""
    for fresh, learner in plan.added:
        member = people.add(session, workshop, fresh)
        meet(session, workshop, one, learner.ids.subject, member)
    for change in plan.changed:
        member = session.get_one(Member, change.known.number)
        member.name, member.email = change.name, change.email
    for met, learner in plan.met:
        meet(session, workshop, one, learner.ids.subject, session.get_one(Member, met.number))


def seen_by(session: Session, one: Course, book: Gradebook) -> Gradebook:
    """The gradebook with the learners of this course alone, as its platform knows them."""
    wanted = (
        select(Member.ident, User.subject)
        .join(User, User.member_id == Member.id)
        .join(Participant, Participant.user_number == User.number)
        .where(Participant.course_number == one.number, Member.role == people.LEARNER)
    )
    subjects = {str(ident): str(subject) for ident, subject in session.execute(wanted)}
    learners = tuple(
        msgspec.structs.replace(each, ids=Ids(issuer=one.issuer, subject=subjects[each.id]))
        for each in book.learners
        if each.id in subjects
    )
    marks = tuple(mark for mark in book.marks if mark.learner in subjects)
    reviews = tuple(review for review in book.reviews if review.learner in subjects)
    return msgspec.structs.replace(book, learners=learners, marks=marks, reviews=reviews)


def names(session: Session, workshop: Workshop) -> dict[tuple[str, str, str], Member]:
    """{(issuer, client, subject): member}"""
    wanted = select(User, Member).join(Member, Member.id == User.member_id).where(User.workshop_id == workshop.id)
    return {(one.issuer, one.client, one.subject): member for one, member in session.execute(wanted)}


def participants(session: Session, workshop: Workshop) -> dict[int, int]:
    """{course's number: how many of its people have been here}"""
    wanted = (
        select(Participant.course_number, func.count())
        .join(Course, Course.number == Participant.course_number)
        .where(Course.workshop_id == workshop.id)
        .group_by(Participant.course_number)
    )
    return defaultdict(int, {int(number): int(count) for number, count in session.execute(wanted)})


def moved(session: Session, workshop: Workshop) -> tuple[object, ...]:
    """Changes with everything that a score depends on."""
    counts = [
        session.scalar(select(func.max(what)))
        for what in (Result.number, Overruling.number, Column.number, User.number, Reflection.judged)
    ]
    parts = session.scalar(select(func.count()).select_from(Participant))
    one = workshop
    settings = (one.deadline, one.grace_minutes, one.late_percent, one.attempts, one.self_reported, one.offline_minutes)
    return (*counts, parts, *settings, str(one.exercises), exercises.version())
