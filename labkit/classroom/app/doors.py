"""How a request comes to its work: who is asking, may they, is the form from one of our pages. Work runs in a thread, with a
session of the database; what it raises becomes a page or JSON that says what to do."""

import contextlib
import functools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, TypeVar
from urllib.parse import urlencode

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData, UploadFile
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response

from labkit.classroom.app import pages, security
from labkit.classroom.app.desk import Desk
from labkit.classroom.app.room import SIGN_OF_LIFE, Room, Viewer
from labkit.classroom.records import people
from labkit.classroom.records.database import DatabaseAway
from labkit.classroom.records.models import Member, Workshop
from labkit.content import exercises
from labkit.content.exercises import Exercise
from labkit.errors import LabError

AGAIN = "try again; your instructor knows where the classroom runs"
MOST_FIELDS = 200
"""Fields of a form."""


@dataclass
class Ask:
    """A request with what its work needs."""

    request: Request
    room: Room
    session: Session
    workshop: Workshop
    viewer: Viewer | None
    form: dict[str, str]
    files: dict[str, bytes]
    everybody: bool = False
    """Whether every page may show something else afterwards."""

    @property
    def desk(self) -> Desk:
        """What this page asks of the labs."""
        found: Desk = self.request.app.state.desk
        return found

    @property
    def me(self) -> Member:
        """Who asks. Only for doors that let in nobody else."""
        assert self.viewer is not None
        return self.viewer.member

    @property
    def path(self) -> dict[str, Any]:
        return self.request.path_params

    @property
    def names(self) -> bool:
        """Whether this page may name learners: not unless it is asked to."""
        return self.request.query_params.get("names") == "shown"

    def called(self, member: Member) -> str:
        """What this page calls a learner."""
        return member.name if self.names else f"Learner {people.numbers(self.session, self.workshop)[member.id]}"

    def page(self, template: str, status: int = 200, **values: Any) -> Response:
        done = DONE.get(self.request.query_params.get("done", ""), "")
        known = {"hub": self.room.hub, "done": done, "names": self.names, **values}
        return pages.page(template, self.viewer, self.workshop.name, status, **known)

    def note(self, kind: str, what: str = "", member: Member | None = None) -> None:
        """A line of the log, about whoever asks or about this member."""
        about = member or (self.viewer.member if self.viewer else None)
        people.note(self.session, self.workshop, self.room.clock(), kind, what, about, self.address)

    @property
    def address(self) -> str:
        return security.address(self.request)


Work = Callable[[Ask], Response]
T = TypeVar("T")
Endpoint = Callable[[Request], Awaitable[Response]]

DONE = {
    "kept": "Kept.",
    "sent": "Sent.",
    "hint": "The hint is sent. It is on the learner's page.",
    "hints": "The hint is sent. It is on each learner's page.",
}
"""{what a page's address says: what the page then says}: nothing from an address itself is ever shown."""

ANYBODY, LEARNERS, STAFF, INSTRUCTORS = "anybody", "learners", "staff", "instructors"
_MAY: dict[str, Callable[[Viewer], bool]] = {
    LEARNERS: lambda viewer: not viewer.staff,
    STAFF: lambda viewer: viewer.staff,
    INSTRUCTORS: lambda viewer: viewer.instructor,
}


def door(who: str, writes: bool = True, keeps: bool = False, notes: bool = True) -> Callable[[Work], Endpoint]:
    """A page for these people. A GET only reads; a POST needs a form of ours, and is kept as a whole or not at all. Without
    `writes` the work of a POST opens its own transaction, where it is ready to. With `keeps` a GET may write: one that is
    a step of a sign-in, which a forged one gets nothing from. Without `notes` it is no sign of life: an open tab asks too."""

    def made(work: Work) -> Endpoint:
        @functools.wraps(work)
        async def endpoint(request: Request) -> Response:
            room: Room = request.app.state.room
            posted = request.method == "POST"
            form, files = await _form(request) if posted else ({}, {})
            return await run_in_threadpool(
                _answer, work, who, request, room, keeps or (posted and writes), form, files, notes
            )

        endpoint.who = who  # type: ignore[attr-defined]  # tests ask every route for its rule
        return endpoint

    return made


def _answer(
    work: Work,
    who: str,
    request: Request,
    room: Room,
    writes: bool,
    form: dict[str, str],
    files: dict[str, bytes],
    notes: bool,
) -> Response:
    viewer: Viewer | None = None
    workshop, posted, back = "", request.method == "POST", _back(request.url.path)
    try:
        viewer, workshop = whose(room, request.cookies.get(security.COOKIE, ""), notes)
        if who != ANYBODY:
            if viewer is None:
                if posted:
                    raise HTTPException(401, "Sign in first. Nothing was changed.")
                return RedirectResponse("/sign-in", 303)
            if not _MAY[who](viewer):
                raise HTTPException(403, "This page is for other people. Nothing was changed.")
        if posted and not _ours(request, viewer, form):
            raise HTTPException(
                403, "This form is not from this page, or it is too old. Go back, reload, and try again."
            )
        kept = room.database.writing() if writes else room.database.reading()
        with kept as session:
            known = room.workshop(session)
            asking = replace(viewer, member=session.get_one(Member, viewer.member.id)) if viewer else None
            ask = Ask(request, room, session, known, asking, form, files)
            answer = work(ask)
        if posted:
            _looked_at(request, answer)
            room.changed()
            about = request.path_params.get("number") or (viewer.member.id if viewer else None)
            room.woken(None if ask.everybody else about)
        return answer
    except DatabaseAway as error:
        return pages.page("problem.html", viewer, workshop, 503, what=error.public, fix=AGAIN)
    except LabError as error:
        return pages.page("problem.html", viewer, workshop, 409, what=error.what, fix=error.fix, back=back)
    except IntegrityError:  # of two who add the same at once, one comes here
        what = "Somebody else did the same in the same moment. Nothing was changed by you."
        return pages.page(
            "problem.html", viewer, workshop, 409, what=what, fix="look at the page again, then repeat it if needed"
        )
    except HTTPException as error:
        return pages.page("problem.html", viewer, workshop, error.status_code, what=str(error.detail), fix="")


def whose(room: Room, token: str, notes: bool = True) -> tuple[Viewer | None, str]:
    """Whose session this is, and the workshop's name. With `notes` it is a sign of life."""
    moment = room.clock()
    with room.database.reading() as session:
        workshop = room.workshop(session)
        found = people.look_up(session, room.key.key, workshop, people.SESSION, token, moment) if token else None
        if found is None or found.member_id is None:
            return None, workshop.name
        member = session.get_one(Member, found.member_id)
        if member.role == people.FORMER:
            return None, workshop.name
        session.expunge_all()
    if notes and (member.seen is None or moment - member.seen > SIGN_OF_LIFE):
        with contextlib.suppress(DatabaseAway):  # a full disk keeps nobody from reading
            with room.database.writing() as session:
                session.get_one(Member, member.id).seen = moment
            room.changed()
    return Viewer(member, token, room.csrf(token)), workshop.name


KEPT = ("names", "section", "state", "mistake")
"""What of a page's address says how it is looked at."""


def _looked_at(request: Request, answer: Response) -> None:
    """After a form, the page is looked at as before: what the form's address says goes on to the page that it leads to."""
    told = {name: value for name in KEPT if (value := request.query_params.get(name))}
    if told and isinstance(answer, RedirectResponse):
        place = answer.headers["location"]
        answer.headers["location"] = f"{place}{'&' if '?' in place else '?'}{urlencode(told)}"


def _ours(request: Request, viewer: Viewer | None, form: dict[str, str]) -> bool:
    import hmac

    if not security.from_here(request):
        return False
    return viewer is None or hmac.compare_digest(form.get("csrf", "").encode(), viewer.csrf.encode())


async def _form(request: Request) -> tuple[dict[str, str], dict[str, bytes]]:
    fields: dict[str, str] = {}
    files: dict[str, bytes] = {}
    given: FormData
    async with request.form(max_files=1, max_fields=MOST_FIELDS, max_part_size=security.LARGEST_ELSE) as given:
        for name, value in given.multi_items():
            if isinstance(value, UploadFile):
                files[name] = await value.read()  # its name is not looked at: nothing is written under it
            else:
                fields[_whole(name)] = _whole(value)
    return fields, files


def _whole(text: str) -> str:
    """A form may say in which encoding it is, and so bring half characters, which no database and no page can hold."""
    return text.encode(errors="replace").decode()


def asks(who: str) -> Callable[[T], T]:
    """For what asks such a door itself before it begins: a stream, a WebSocket. It says whom it lets in, as a door does."""

    def made(endpoint: T) -> T:
        endpoint.who = who  # type: ignore[attr-defined]
        return endpoint

    return made


class Allowed(Response):
    """A door's answer to what goes on after it, such as a stream: this person may."""

    def __init__(self, viewer: Viewer, about: Member | None = None) -> None:
        super().__init__()
        self.viewer, self.about = viewer, about or viewer.member


def the_learner(ask: Ask) -> Member:
    """The learner of this address. Those of another section are as if they were not there."""
    found = people.learner(ask.session, ask.workshop, ask.me, ask.path["number"])
    if found is None:
        raise HTTPException(404, "There is no such learner, or they are in another section.")
    return found


@door(LEARNERS, notes=False)
def who_learns(ask: Ask) -> Response:
    """Allowed, for a learner: what follows is about them."""
    assert ask.viewer is not None
    return Allowed(ask.viewer)


@door(STAFF, notes=False)
def who_helps(ask: Ask) -> Response:
    """Allowed, for whoever may see the learner of this address: what follows is about that learner."""
    assert ask.viewer is not None
    member = the_learner(ask)
    ask.session.expunge(member)
    return Allowed(ask.viewer, member)


def the_exercise(ask: Ask) -> Exercise:
    if ask.path["slug"] not in dict(ask.workshop.exercises):
        raise HTTPException(404, "This workshop has no such exercise.")
    return exercises.load(ask.path["slug"])


def go(path: str, done: str = "") -> Response:
    """After a form: the page that shows what became of it. `done`, one of DONE, is said on it where nothing else would."""
    return RedirectResponse(f"{path}?done={done}" if done else path, 303)


def _back(path: str) -> str:
    """The page whose form was sent to this path: of /workshop/settings it is /workshop."""
    parts = path.strip("/").split("/")
    many = 2 if parts[0] == "learner" else 1
    known = parts[0] in ("workshop", "learner", "me", "regrade") and len(parts) > many
    return "/" + "/".join(parts[:many]) if known else "/"


def json_error(error: LabError, status: int = 409) -> Response:
    if isinstance(error, DatabaseAway):
        return JSONResponse({"message": error.public, "fix": AGAIN}, 503)
    return JSONResponse({"message": error.what, "fix": error.fix}, status)
