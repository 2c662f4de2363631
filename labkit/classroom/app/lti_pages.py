"""The instructor's pages about learning platforms: what scores wait or were refused, which courses lead here, their rosters."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sqlalchemy.exc import IntegrityError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Route

from labkit.classroom.app.doors import INSTRUCTORS, Ask, door, go
from labkit.classroom.lti import matching
from labkit.classroom.lti.scoring import Pending
from labkit.classroom.records import courses, people
from labkit.classroom.records.models import Course
from labkit.content import exercises
from labkit.errors import LabError

if TYPE_CHECKING:
    from labkit.classroom.app.lti import Lti

MOST = 200
"""Scores that the page lists; more are told as a number."""


@dataclass(frozen=True)
class There:
    """A course, as the page shows it."""

    course: Course
    platform: str
    people: int
    columns: dict[str, str]
    problem: str


@dataclass(frozen=True)
class Line:
    """A score, as the page shows it."""

    score: Pending
    exercise: str
    name: str
    course: str


def _lti(ask: Ask) -> "Lti":
    assert ask.room.lti is not None  # the routes are there only with it
    return ask.room.lti


@door(INSTRUCTORS)
def status(ask: Ask) -> Response:
    return _status(ask)


def _status(ask: Ask, **more: Any) -> Response:
    lti = _lti(ask)
    shown, problems = _courses(ask, lti), lti.courier.problems()
    lines = _lines(ask, lti, shown)
    waiting = [one for one in lines if one.score.open]
    refused = [one for one in lines if one.score.stuck]
    return ask.page(
        "lti_status.html",
        lti=lti,
        there=[There(one, name, count, columns, problems.get(one.number, "")) for one, name, count, columns in shown],
        waiting=waiting[:MOST],
        refused=refused[:MOST],
        counts={
            "waiting": len(waiting),
            "refused": len(refused),
            "sent": sum(not one.score.open and not one.score.stuck for one in lines),
        },
        problem=lti.courier.problem,
        wanted=sum(exercises.load(slug).points > 0 for slug, _ in ask.workshop.exercises),
        now=ask.room.clock(),
        **more,
    )


def _courses(ask: Ask, lti: "Lti") -> list[tuple[Course, str, int, dict[str, str]]]:
    counts = courses.participants(ask.session, ask.workshop)
    found = []
    for one in courses.all_(ask.session, ask.workshop):
        platform = lti.platform(one.issuer, one.client)
        name = platform.name if platform else one.issuer
        found.append((one, name, counts[one.number], courses.columns(ask.session, one)))
    return found


def _lines(ask: Ask, lti: "Lti", shown: list[tuple[Course, str, int, dict[str, str]]]) -> list[Line]:
    where = {url: (slug, one.title or one.context) for one, _, _, columns in shown for slug, url in columns.items()}
    names = courses.names(ask.session, ask.workshop)
    lines = []
    for score in lti.outbox.all():
        exercise, course = where.get(score.key.item, ("", ""))
        member = names.get((score.key.issuer, score.key.client, score.key.user))
        lines.append(Line(score, exercise or score.key.item, member.name if member else score.key.user, course))
    return sorted(lines, key=lambda one: (one.name, one.exercise))


@door(INSTRUCTORS)
def again(ask: Ask) -> Response:
    count = _lti(ask).courier.again()
    ask.note("scores", f"{ask.me.ident} sends all {count} scores again")
    return go("/lti-status")


@door(INSTRUCTORS, writes=False)
def preview(ask: Ask) -> Response:
    """What taking the platform's list would change. Nothing is changed yet."""
    course, plan = _plan(ask)
    return ask.page("lti_roster.html", course=course, plan=plan)


@door(INSTRUCTORS, writes=False)
def take(ask: Ask) -> Response:
    course, plan = _plan(ask)
    if plan.token != ask.form.get("token"):
        raise LabError("The platform's list or the roster has changed since you looked.", "look at it again")
    try:
        with ask.room.database.writing() as session:
            workshop = ask.room.workshop(session)
            courses.take(session, workshop, session.get_one(Course, course.number), plan)
            told = f"{len(plan.added)} added, {len(plan.changed)} changed from {course.title or course.context}"
            people.note(session, workshop, ask.room.clock(), "roster", f"{ask.me.ident}: {told}", ask.me)
    except IntegrityError as error:
        raise LabError("The roster has changed just now.", "look at it again") from error
    return go("/lti-status")


def _plan(ask: Ask) -> tuple[Course, matching.Plan]:
    """Raises LabError where the platform does not tell."""
    lti, number = _lti(ask), ask.form.get("course", "")
    course = next((one for one in courses.all_(ask.session, ask.workshop) if str(one.number) == number), None)
    platform = lti.platform(course.issuer, course.client) if course else None
    if course is None or platform is None:
        raise HTTPException(404, "There is no such course, or its platform is no longer registered.")
    listed = lti.services.members(courses.value(course))
    known = courses.known(ask.session, ask.workshop, course.issuer, course.client)
    return course, matching.plan(known, listed, platform.learner)


ROUTES = [
    Route("/lti-status", status),
    Route("/lti-status/again", again, methods=["POST"]),
    Route("/lti-status/roster", preview, methods=["POST"]),
    Route("/lti-status/roster/take", take, methods=["POST"]),
]
