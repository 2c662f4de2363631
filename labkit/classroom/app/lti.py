"""Learning platforms in the classroom: who comes from there is signed in, marks go there, its list of learners is taken over.

A platform shows the tool in a frame. Only what belongs to signing in may be shown there (`Framed`). The classroom itself opens
in a window of its own: so its session's cookie stays SameSite=Lax, and no page of it can be put into another's page. The price
is one click where the platform uses a frame. A link that opens in a new window there costs none.
"""

import contextlib
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labkit.classroom.app import entrance, pages, security
from labkit.classroom.app.doors import INSTRUCTORS, Ask, door, go
from labkit.classroom.app.room import Room
from labkit.classroom.gradebook import Item
from labkit.classroom.lti import matching, platforms
from labkit.classroom.lti.courier import Courier
from labkit.classroom.lti.launch import INSTRUCTOR, Launch
from labkit.classroom.lti.outbox import Outbox
from labkit.classroom.lti.platforms import Keys, Platform, Registrations
from labkit.classroom.lti.scoring import Pending
from labkit.classroom.lti.services import Services
from labkit.classroom.lti.tool import Choice, Tool
from labkit.classroom.records import courses, judging, people
from labkit.classroom.records.models import Course, Member, Workshop
from labkit.content import exercises
from labkit.errors import LabError
from labkit.text import visible

ENTERING = timedelta(minutes=5)
"""How long the button of a launch opens the classroom."""

MOST = 200
"""Scores that the page lists; more are told as a number."""

KEYS, SCORES = "lti-keys", "lti-scores.db"
"""In the classroom's folder."""


class Lti:
    """The platforms of a room. Raises LabError where its keys or its scores cannot be used."""

    def __init__(self, room: Room, folder: Path, registered: Registrations) -> None:
        self.room, self.platforms = room, registered.platform
        self.address = f"{registered.address.rstrip('/') or room.address}/lti"
        self.keys, self.outbox = Keys(folder / KEYS).made(), Outbox(folder / SCORES)
        self.services = Services(self.platforms, self.keys)
        self.courier = Courier(room.database, room.number, self.outbox, self.services, room.clock)
        self.tool = Tool(self.address, self.platforms, self.keys, self.outbox, lambda: room.clock().timestamp())

    def platform(self, issuer: str, client: str) -> Platform | None:
        return next((one for one in self.platforms if (one.issuer, one.client) == (issuer, client)), None)

    def running(self) -> contextlib.AbstractContextManager[None]:
        """Scores are sent while this is open."""
        return self.courier.running()

    def told(self, changed: Callable[[], None]) -> Callable[[], None]:
        """The same, and marks may have changed, too."""

        def both() -> None:
            changed()
            self.courier.wake()

        return both

    def routes(self) -> list[BaseRoute]:
        inside = [*self.tool.routes(self.launched, self.choice, self.items), Route("/enter", enter, methods=["POST"])]
        return [
            Mount("/lti", routes=inside, middleware=[Middleware(Framed, lti=self)]),
            Route("/lti-status", status),
            Route("/lti-status/again", again, methods=["POST"]),
            Route("/lti-status/roster", preview, methods=["POST"]),
            Route("/lti-status/roster/take", take, methods=["POST"]),
        ]

    def items(self) -> tuple[str, tuple[Item, ...]]:
        """The workshop's name, and what a teacher can make links for."""
        with self.room.database.reading() as session:
            book = judging.gradebook(session, self.room.workshop(session))
        return book.workshop, book.items

    def policy(self, more: str = "") -> str:
        """What a page in a frame may do, and in whose: `more` is where its forms may go, beside here."""
        whose = " ".join(dict.fromkeys(origin for one in self.platforms for origin in one.origins))
        told = re.sub("frame-ancestors [^;]*", f"frame-ancestors {whose}", security.HEADERS["Content-Security-Policy"])
        return told.replace("form-action 'self'", f"form-action 'self' {more}".strip())

    async def choice(self, request: Request, launch: Launch, back: str, choices: Sequence[Choice]) -> Response:
        """A teacher chooses what a link is for."""
        platform = self.platform(launch.issuer, launch.client)
        if platform is None or not platform.takes(launch.context):
            return self._page("problem.html", 403, what=WRONG_COURSE, fix="ask whoever runs this classroom")
        answer = self._page("lti_choose.html", back=back, choices=choices)
        answer.headers["Content-Security-Policy"] = self.policy(platforms.origin(back))
        return answer

    async def launched(self, request: Request, launch: Launch) -> Response:
        """Somebody comes from a platform, whose message was checked."""
        return await run_in_threadpool(self._launched, request, launch)

    def _launched(self, request: Request, launch: Launch) -> Response:
        for _ in range(2):
            # Of two first launches of the same person at the same moment, the second one finds what the first one wrote.
            with contextlib.suppress(IntegrityError), self.room.database.writing() as session:
                answer = self._answer(session, request, launch)
                break
        else:
            return self._page("problem.html", 409, what="Somebody came with this name just now.", fix="try again")
        self.room.changed()
        return answer

    def _answer(self, session: Session, request: Request, launch: Launch) -> Response:
        workshop = self.room.workshop(session)
        ask = Ask(request, self.room, session, workshop, None, {}, {})
        platform = self.platform(launch.issuer, launch.client)
        assert platform is not None  # the message was checked
        try:
            with session.begin_nested():
                member, course = self._whose(session, workshop, platform, launch)
        except LabError as refusal:
            who = f"{launch.name or 'somebody'} ({launch.subject})"
            course_told = f"course {launch.context} ({launch.title})"
            ask.note(people.REFUSED, f"{who} from {platform.name}, {course_told}: {refusal.what}")
            return self._page("problem.html", 403, what=refusal.what, fix=refusal.fix)
        self.courier.revisit(course.number) if launch.teaches else self.courier.wake()
        how = f"from {platform.name}"
        if request.headers.get("sec-fetch-dest") == "document":
            return entrance.let_in(ask, member, how)
        token = people.issue(
            session, self.room.key.key, workshop, people.LINK, member, self.room.clock(), uses=1, lasting=ENTERING
        )
        return self._page("lti_enter.html", workshop=workshop.name, member=member, token=token, platform=platform.name)

    def _whose(self, session: Session, workshop: Workshop, platform: Platform, launch: Launch) -> tuple[Member, Course]:
        """The member who comes, and the course. Raises LabError, for who is nobody here."""
        if not platform.takes(launch.context):
            raise LabError(WRONG_COURSE, "ask whoever runs this classroom")
        course = courses.course(session, workshop, launch.course, self.room.clock())
        if launch.exercise and launch.item and launch.exercise in dict(workshop.exercises):
            columns = courses.columns(session, course)
            courses.set_columns(session, course, columns | {launch.exercise: launch.item})
        if launch.teaches:
            member = self._teacher(session, workshop, platform, launch)
        else:
            member = self._learner(session, workshop, platform, launch)
        courses.meet(session, workshop, course, launch.subject, member)
        return member, course

    def _teacher(self, session: Session, workshop: Workshop, platform: Platform, launch: Launch) -> Member:
        """Raises LabError where the platform's teachers are nobody here."""
        if not platform.teachers:
            raise LabError(
                f"This classroom does not take {platform.name}'s word for who teaches.",
                "sign in with the link of whoever runs it, or have them set: teachers = true",
            )
        role = people.INSTRUCTOR if INSTRUCTOR in launch.roles else people.ASSISTANT
        there = courses.user(session, workshop, launch.issuer, launch.client, launch.subject)
        member = session.get_one(Member, there.member_id) if there else None
        if member is None or member.role not in people.STAFF:
            name = matching.cut(launch.name) or "Teacher"
            member = people.colleague(session, workshop, role, name, platform.name)
        member.role = role
        return member

    def _learner(self, session: Session, workshop: Workshop, platform: Platform, launch: Launch) -> Member:
        """Raises LabError for somebody who is not on the roster, and must be."""
        there = courses.user(session, workshop, launch.issuer, launch.client, launch.subject)
        if there is not None and (once := session.get_one(Member, there.member_id)).role in people.STAFF:
            people.end_all(session, workshop, people.SESSION, self.room.clock(), once)  # they teach no longer
        known = courses.known(session, workshop, launch.issuer, launch.client)
        found = matching.find(known, launch.learner, platform.learner)
        if found is not None:
            return session.get_one(Member, found.number)
        if not platform.enroll:
            raise LabError(
                f"You are not on the roster of this workshop: it has nobody with"
                f" {visible(matching.told(launch.learner, platform.learner))}.",
                "tell your instructor what this page says",
            )
        made = people.add(session, workshop, matching.new(launch.learner, platform.learner))
        people.note(session, workshop, self.room.clock(), "roster", f"added from {platform.name}", made)
        return made

    def _page(self, template: str, status: int = 200, **values: Any) -> Response:
        answer = pages.page(template, None, values.pop("workshop", ""), status, **values)
        answer.headers["Content-Security-Policy"] = self.policy()
        return answer


WRONG_COURSE = "This classroom is not for this course."


@dataclass
class Framed:
    """Lets the platforms' pages show what is in here in a frame: whatever it says, a sentence of refusal too."""

    app: ASGIApp
    lti: Lti

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def framed(message: Message) -> None:
            if message["type"] == "http.response.start":
                names = {name.lower() for name, _ in message["headers"]}
                if b"content-security-policy" not in names:
                    told = (b"content-security-policy", self.lti.policy().encode("ascii"))
                    message = {**message, "headers": [*message["headers"], told]}
            await send(message)

        await self.app(scope, receive, framed)


async def enter(request: Request) -> Response:
    """From the button in the platform's frame into a window of its own. Whoever was signed in there before is not any more: the
    token says who comes, so no other form's is needed."""
    room: Room = request.app.state.room
    async with request.form(max_files=0, max_fields=5) as form:
        token = str(form.get("token", ""))

    def work() -> Response:
        with room.database.writing() as session:
            workshop = room.workshop(session)
            ask = Ask(request, room, session, workshop, None, {}, {})
            found = None
            if security.from_here(request):
                found = people.use(session, room.key.key, workshop, people.LINK, token, room.clock())
            if found is None or found.member_id is None:
                ask.note(people.REFUSED, "a wrong or used button of a learning platform")
                what = "This button has been used, or it is too old."
                return ask.page("problem.html", 403, what=what, fix="open the link in your course again")
            return entrance.let_in(ask, session.get_one(Member, found.member_id), "from a learning platform")

    answer = await run_in_threadpool(work)
    room.changed()
    return answer


# ── the instructor's page ────────────────────────────────────────────────────────────────────────────────────────────


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


def _lti(ask: Ask) -> Lti:
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


def _courses(ask: Ask, lti: Lti) -> list[tuple[Course, str, int, dict[str, str]]]:
    counts = courses.participants(ask.session, ask.workshop)
    found = []
    for one in courses.all_(ask.session, ask.workshop):
        platform = lti.platform(one.issuer, one.client)
        name = platform.name if platform else one.issuer
        found.append((one, name, counts[one.number], courses.columns(ask.session, one)))
    return found


def _lines(ask: Ask, lti: Lti, shown: list[tuple[Course, str, int, dict[str, str]]]) -> list[Line]:
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


def open_(room: Room, folder: Path, file: Path) -> Lti:
    """The platforms that this file tells. Raises LabError."""
    return Lti(room, folder, platforms.read(file))
