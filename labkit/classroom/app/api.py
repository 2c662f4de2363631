"""What programs say to the classroom, as JSON. Who they are says a bearer token.

| request | answer |
|---|---|
| POST /api/join {"code"} | {"token", "learner", "person", "workshop", "exercises"}: for a laptop, with a code from its page |
| GET /api/me | the same without the token, and the marks |
| POST /api/results {"observation": TEXT, "exercises", "sent", "learner"} | {"digest", "origin", "again", "changed"} |

TEXT is what `labkit observe` prints. An observation that the workshop's key signed is *observed*, any other *self-reported*.
`exercises` (slugs) and `sent` (a time) may be left out, and `learner` too but for the broker, which alone hands in for others,
and only what is signed. What is refused is answered with {"message", "fix"}: 400 not readable, 401 an unknown token, 403 not
yours, 409 not taken (it stays so), 413 too large, 503 try again.
"""

import functools
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
from anyio import to_thread
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from labkit.classroom.app import doors, security
from labkit.classroom.app.room import Room
from labkit.classroom.records import handing_in, judging, people
from labkit.classroom.records.models import Member, Pass, Workshop
from labkit.classroom.rules.counting import OBSERVED
from labkit.errors import LabError
from labkit.text import visible

BROKER, LAPTOP = "broker", "laptop"
"""Kinds of passes: of who observes for others, and of a laptop that wants to join."""


MACHINES = (people.DEVICE, BROKER)
"""Those of who hands in."""


class Refused(LabError):
    """With the status of the answer."""

    def __init__(self, status: int, what: str, fix: str = "") -> None:
        self.status = status
        super().__init__(what, fix)


class Join(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str


class Results(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    observation: str
    exercises: tuple[str, ...] = ()
    sent: datetime | None = None
    learner: str = ""


Work = Callable[[Room, Request, bytes], Any]
Known = Callable[[Room, Request], int | None]
"""Whose request it is, by the learner's number; None where it is no learner's. Raises Refused for whoever may not ask."""


def anybody(room: Room, request: Request) -> None:
    """What is in the body says who asks: a code."""


def api(known: Known, in_turn: bool = False) -> Callable[[Work], Callable[[Request], Awaitable[Response]]]:
    """A request of a program. Whose token it is, is known before the body is read: it may have 8 MB. Of those that are taken
    in turn, only a few are worked on at once, and only one of each learner's."""

    def made(work: Work) -> Callable[[Request], Awaitable[Response]]:
        @functools.wraps(work)
        async def endpoint(request: Request) -> Response:
            room: Room = request.app.state.room
            try:
                whose = await run_in_threadpool(known, room, request)
                body = await request.body()
                async with room.turn(whose if in_turn else None):
                    limiter = room.taking if in_turn else None
                    told = await to_thread.run_sync(work, room, request, body, limiter=limiter)
                return told if isinstance(told, Response) else JSONResponse(told)
            except Refused as error:
                return doors.json_error(error, error.status)
            except LabError as error:
                return doors.json_error(error)

        return endpoint

    return made


def parsed(body: bytes, kind: type[Any]) -> Any:
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Refused(400, f"The request is not what it should be: {error}.", "compare labkit --version") from error


def _who(room: Room, request: Request, session: Session) -> tuple[Workshop, Pass, Member | None]:
    """The workshop, the pass that is shown, and whose it is. Raises Refused."""
    token = security.bearer(request)
    found = people.holder(session, room.key.key, room.number, MACHINES, token, room.clock()) if token else None
    if found is None:
        raise _unknown()
    return found


def _unknown() -> Refused:
    return Refused(401, "The classroom does not know this machine.", "join again: labkit classroom join ADDRESS")


def a_machine(room: Room, request: Request) -> int | None:
    """A laptop that has joined, or a broker."""
    token = security.bearer(request)
    with room.database.reading() as session:
        found = people.whose(session, room.key.key, room.number, MACHINES, token, room.clock()) if token else None
    if found is None:
        raise _unknown()
    return found[0]


def a_broker(room: Room, request: Request) -> None:
    with room.database.reading() as session:
        the_broker(room, request, session)


def the_broker(room: Room, request: Request, session: Session) -> Pass:
    """The pass that it shows. Raises Refused."""
    _, found, member = _who(room, request, session)
    if member is not None:
        raise Refused(403, "This is for brokers.")
    return found


@api(anybody)
def join(room: Room, request: Request, body: bytes) -> Any:
    asked, now, address = parsed(body, Join), room.clock(), security.address(request)
    with room.database.writing() as session:
        workshop = room.workshop(session)
        found = people.use(session, room.key.key, workshop, LAPTOP, asked.code, now)
        member = session.get(Member, found.member_id) if found else None
        if member is None:
            people.note(session, workshop, now, people.REFUSED, "a wrong or used code of a laptop", None, address)
            answer = None
        else:
            token = people.issue(session, room.key.key, workshop, people.DEVICE, member, now)
            people.note(session, workshop, now, "joined", "a laptop", member, address)
            answer = {"token": token, **_told(room, workshop, member)}
    if answer is None:
        raise Refused(
            403, "This code has been used, or it has run out.", "make a new one on your page of the classroom"
        )
    room.changed()
    return answer


@api(a_machine)
def me(room: Room, request: Request, body: bytes) -> Any:
    with room.database.reading() as session:
        workshop, _, member = _who(room, request, session)
        if member is None:
            raise Refused(403, "This is for learners' machines.")
        book = judging.book_of(session, workshop, member)
        marks = {item.exercise: judging.points(book, member.ident, item.exercise) for item in book.items}
        return {**_told(room, workshop, member), "marks": marks, "percent": book.total(member.ident).percent}


def _told(room: Room, workshop: Workshop, member: Member) -> dict[str, Any]:
    return {
        "learner": member.ident,
        "person": msgspec.to_builtins(room.key.person(member.ident)),
        "workshop": workshop.name,
        "exercises": [slug for slug, _ in workshop.exercises],
    }


@api(a_machine, in_turn=True)
def results(room: Room, request: Request, body: bytes) -> Any:
    asked = parsed(body, Results)
    seen, signed = handing_in.parse(asked.observation.encode(errors="surrogatepass"), room.key)
    with room.database.reading() as session:
        workshop, by, member = _who(room, request, session)
        if member is None:
            member = _for_another(session, workshop, asked.learner, signed)
        elif asked.learner not in ("", member.ident):
            raise Refused(403, "This machine is another learner's.", "hand in what your own lab shows")
    sent = asked.sent if asked.sent is None or asked.sent.tzinfo else asked.sent.replace(tzinfo=UTC)
    handed = handing_in.Handed(
        seen=seen,
        signed=signed,
        exercises=asked.exercises,
        member=member.id,
        device=by.digest,
        since=by.made,
        received=room.clock(),
        sent=sent,
    )
    receipt = handing_in.receive(room.database, workshop, room.key, handed)
    room.changed()
    room.woken(member.id)
    return {
        "digest": receipt.digest,
        "origin": receipt.origin,
        "again": receipt.again,
        "changed": [{"exercise": slug, "earned": earned, "points": points} for slug, earned, points in receipt.changed],
    }


def _for_another(session: Session, workshop: Workshop, ident: str, signed: bool) -> Member:
    """The learner for whom the broker hands in. Only what is signed: the broker has looked itself."""
    if not signed:
        raise Refused(403, f"The broker hands in what is {OBSERVED}, and this is not signed.")
    found = people.by_ident(session, workshop, ident)
    if found.role in (*people.STAFF, people.FORMER):
        raise Refused(409, f"{visible(ident)} is no learner on the roster.")
    return found
