"""Learning platforms in the classroom: who comes from there is signed in, and marks go there. Instructor's pages: `lti_pages`.

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
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Mount, Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from labkit.classroom.app import entrance, lti_pages, pages, security
from labkit.classroom.app.doors import Ask
from labkit.classroom.app.room import Room
from labkit.classroom.gradebook import Item
from labkit.classroom.lti import matching, platforms
from labkit.classroom.lti.courier import Courier
from labkit.classroom.lti.launch import INSTRUCTOR, Launch
from labkit.classroom.lti.outbox import Outbox
from labkit.classroom.lti.platforms import Keys, Platform, Registrations
from labkit.classroom.lti.services import Services
from labkit.classroom.lti.tool import Choice, Tool
from labkit.classroom.records import courses, judging, people
from labkit.classroom.records.models import Course, Member, Workshop
from labkit.errors import LabError
from labkit.text import visible

ENTERING = timedelta(minutes=5)
"""How long the button of a launch opens the classroom."""

KEYS, SCORES = "lti-keys", "lti-scores.db"
"""In the classroom's folder."""


class Lti:
    """The platforms of a room. Raises LabError where its keys or its scores cannot be used."""

    def __init__(self, room: Room, folder: Path, registered: Registrations) -> None:
        self.room, self.platforms = room, registered.platform
        self.address = f"{registered.address.rstrip('/') or room.address}/lti"
        self.keys, self.outbox = Keys(folder / KEYS).made(), Outbox(folder / SCORES)
        self.keys.private()  # says now, and not to the first learner, that others can read it
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
            *lti_pages.ROUTES,
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
            before = request.cookies.get(security.COOKIE, "")
            people.end(session, room.key.key, people.SESSION, before, room.clock())
            return entrance.let_in(ask, session.get_one(Member, found.member_id), "from a learning platform")

    answer = await run_in_threadpool(work)
    room.changed()
    return answer


def open_(room: Room, folder: Path, file: Path) -> Lti:
    """The platforms that this file tells. Raises LabError."""
    return Lti(room, folder, platforms.read(file))
