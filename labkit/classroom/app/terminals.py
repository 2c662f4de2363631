"""A learner's terminal in the browser, which others see if the learner allows it: to watch, or to type too.

The learner opens it, allows, and ends it. It ends too when the learner has been away for a while: nobody goes on in it alone.
Each permission is a line of the log.
"""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.websockets import WebSocket, WebSocketDisconnect

from labkit.classroom.app import doors, pages, security
from labkit.classroom.app.desk import Desk
from labkit.classroom.app.doors import LEARNERS, STAFF, Allowed, Ask, asks, door, go, the_learner, who_helps, who_learns
from labkit.classroom.app.live import about
from labkit.classroom.app.room import Room, Viewer
from labkit.classroom.broker.shared import May, Seat, Shared
from labkit.classroom.records import people
from labkit.classroom.records.database import DatabaseAway
from labkit.classroom.records.models import Member, Workshop
from labkit.errors import LabError
from labkit.lab.access import Terminal

SHELL = ("bash", "-i")
AWAY = 20.0
"""Seconds without the learner's page after which a terminal ends: time enough to load the page again."""

ASKS = 3.0
"""Seconds between two looks at whether somebody at a terminal is still signed in."""

REFUSED, ENDED = 4403, 4000
"""Codes with which a WebSocket is closed."""

MAY = {May.NOTHING: "neither see it nor type", May.WATCH: "watch", May.TYPE: "watch and type"}

Tell = Callable[[dict[str, Any]], None]


@dataclass
class Table:
    """A terminal that is open."""

    shared: Shared
    learner: str
    machine: str
    size: tuple[int, int]
    """Rows and columns: the learner's."""
    may: dict[str, May] = field(default_factory=dict)
    """{member of the staff: what the learner allows}"""
    seats: dict[Seat, Tell] = field(default_factory=dict)

    @property
    def present(self) -> bool:
        """Whether the learner has it before them."""
        return any(seat.who == self.learner for seat in list(self.seats))

    @property
    def sharing(self) -> list[tuple[str, May]]:
        return [(who, may) for who, may in self.may.items() if may]

    def told(self, who: str) -> dict[str, Any]:
        """What a seat's page has to know."""
        may = May.TYPE if who == self.learner else self.may.get(who, May.NOTHING)
        return {"rows": self.size[0], "columns": self.size[1], "may": int(may)}

    def tell(self) -> None:
        for seat, tell in list(self.seats.items()):
            tell(self.told(seat.who))


class Terminals:
    """All that are open, by the learner's number. Every method may be called by any thread."""

    def __init__(self) -> None:
        self._open: dict[int, Table] = {}
        self._asked: dict[int, list[str]] = {}
        self._opening: set[int] = set()
        self._lock = threading.Lock()

    def of(self, member: int) -> Table | None:
        table = self._open.get(member)
        return None if table is None or table.shared.over else table

    def open(self, member: Member, desk: Desk, machine: str) -> None:
        """Raises LabError where there is no such machine. One that is open stays, if it is on that machine. Only one is opened
        at a time: a machine that hangs must not take the threads of all, and of two that open at once one would never end."""
        if (there := self.of(member.id)) and there.machine == machine:
            return
        with self._lock:
            if member.id in self._opening:
                raise LabError("Your terminal is being opened already.", "wait a moment, then load the page again")
            self._opening.add(member.id)
        try:
            session = desk.labs.session(member.ident, machine, SHELL, Terminal(kind="xterm-256color"))
            shared = Shared(session, member.ident)
            self.end(member.id)
            with self._lock:
                self._open[member.id] = Table(shared, member.ident, machine, (24, 80))
        finally:
            with self._lock:
                self._opening.discard(member.id)

    def end(self, member: int) -> None:
        with self._lock:
            table = self._open.pop(member, None)
        if table:
            table.shared.close()

    def ask(self, member: int, who: str) -> None:
        """Somebody asks this learner to share their terminal."""
        with self._lock:
            there = self._asked.setdefault(member, [])
            if who not in there:
                there.append(who)

    def asked(self, member: int) -> tuple[str, ...]:
        """Who asks, and has no answer yet."""
        return tuple(self._asked.get(member, ()))

    def allow(self, member: int, who: str, may: May) -> None:
        """The learner's answer, also to who has not asked. Typing is a second consent, to who may watch already. Raises
        LabError where no terminal is open, and where typing would be the first consent."""
        table = self.of(member)
        with self._lock:
            if table and may is May.TYPE and not table.may.get(who):
                raise LabError(f"{who} may not see your terminal yet.", "let them watch first, then let them type")
            self._asked[member] = [one for one in self._asked.get(member, []) if one != who]
            if table:
                table.may[who] = may
        if table is None:
            if may is May.NOTHING:
                return
            raise LabError("You have no terminal open.", "open one, then share it")
        table.tell()
        table.shared.allow(table.learner, who, may)

    def forget(self, who: str) -> None:
        """Somebody helps no more: what learners allowed them ends."""
        for member, table in list(self._open.items()):
            if table.may.get(who):
                self.allow(member, who, May.NOTHING)
        with self._lock:
            self._asked = {member: [one for one in there if one != who] for member, there in self._asked.items()}

    def away(self, member: int) -> None:
        """Ends it, if the learner did not come back."""
        if (table := self._open.get(member)) and not table.present:
            self.end(member)

    def close(self) -> None:
        for member in list(self._open):
            self.end(member)


def _of(ask: Ask) -> Terminals:
    found: Terminals = ask.request.app.state.terminals
    return found


def _with_terminal(answer: Response) -> Response:
    answer.headers["Content-Security-Policy"] = security.TERMINAL
    return answer


# ── the learner's side ───────────────────────────────────────────────────────────────────────────────────────────────


@door(LEARNERS)
def mine(ask: Ask) -> Response:
    return _with_terminal(
        ask.page(
            "terminal.html",
            member=ask.me,
            mine=True,
            table=_of(ask).of(ask.me.id),
            lab=ask.desk.shown(ask.me.ident) if ask.room.labs else None,
            **_sharing(ask.request, ask.session, ask.workshop, ask.me, ask.viewer),
        )
    )


def _sharing(
    request: Request, session: Session, workshop: Workshop, me: Member, viewer: Viewer | None
) -> dict[str, Any]:
    """Who sees this learner's terminal, and who asks."""
    terminals: Terminals = request.app.state.terminals
    table = terminals.of(me.id)
    return {
        "csrf": viewer.csrf if viewer else "",
        "may": dict(table.may) if table else {},
        "asked": terminals.asked(me.id),
        "staff": _staff(session, workshop, me),
    }


def _staff(session: Session, workshop: Workshop, me: Member) -> list[str]:
    """Who may be let in: the instructors, and the assistants who see this learner."""
    there = people.all_staff(session, workshop)
    return [one.ident for one in there if one.role == people.INSTRUCTOR or one.section in ("", me.section)]


@asks(LEARNERS)
async def my_events(request: Request) -> Response:
    """Who asks to see the learner's terminal, as a stream."""
    room: Room = request.app.state.room

    def html(allowed: Allowed) -> str:
        with room.database.reading() as session:
            me = session.get_one(Member, allowed.about.id)
            values = _sharing(request, session, room.workshop(session), me, allowed.viewer)
            return pages.html("terminal_sharing.html", **values)

    return await about(request, who_learns, html)


@door(LEARNERS, writes=False)
def open_mine(ask: Ask) -> Response:
    machine = ask.form.get("machine", "")
    if machine not in ask.desk.shown(ask.me.ident).machines:
        raise LabError("Your lab has no such machine, or it is not up.", "start your lab first, on My page")
    _of(ask).open(ask.me, ask.desk, machine)
    _note(ask, f"opened on {machine}")
    return go("/me/terminal")


@door(LEARNERS, writes=False)
def end_mine(ask: Ask) -> Response:
    _of(ask).end(ask.me.id)
    _note(ask, "ended")
    return go("/me")


def _note(ask: Ask, what: str) -> None:
    """In a transaction of its own: nobody else waits to write while a lab is asked for something."""
    with ask.room.database.writing() as session:
        workshop, me = ask.room.workshop(session), session.get_one(Member, ask.me.id)
        people.note(session, workshop, ask.room.clock(), "terminal", what, me, ask.address)


@door(LEARNERS)
def allow(ask: Ask) -> Response:
    who, wanted = ask.form.get("who", ""), ask.form.get("may", "")
    may = next((one for one in May if one.name.lower() == wanted), None)
    if who not in _staff(ask.session, ask.workshop, ask.me) or may is None:
        raise LabError("There is nobody of that name to share it with.", "go back, reload, and try again")
    _of(ask).allow(ask.me.id, who, may)
    ask.note("shared", f"{ask.me.ident} lets {who} {MAY[may]}")
    return go("/me/terminal")


# ── the helper's side ────────────────────────────────────────────────────────────────────────────────────────────────


@door(STAFF)
def theirs(ask: Ask) -> Response:
    member = the_learner(ask)
    table = _of(ask).of(member.id)
    may = table.may.get(ask.me.ident, May.NOTHING) if table else May.NOTHING
    values = {**_waiting(ask.request, member, ask.me.ident), "called": ask.called(member)}
    page = ask.page("terminal.html", mine=False, table=table if may else None, lab=None, **values)
    return _with_terminal(page)


def _waiting(request: Request, member: Member, who: str) -> dict[str, Any]:
    terminals: Terminals = request.app.state.terminals
    table = terminals.of(member.id)
    may = table.may.get(who, May.NOTHING) if table else May.NOTHING
    shown = request.query_params.get("names") == "shown"
    return {"member": member, "names": shown, "shares": bool(may), "waits": who in terminals.asked(member.id)}


@asks(STAFF)
async def their_events(request: Request) -> Response:
    """Whether the learner shares their terminal with who asks, as a stream."""

    def html(allowed: Allowed) -> str:
        return pages.html("terminal_waiting.html", **_waiting(request, allowed.about, allowed.viewer.member.ident))

    return await about(request, who_helps, html)


@door(STAFF)
def ask_for(ask: Ask) -> Response:
    """Asks the learner, who alone decides."""
    member = the_learner(ask)
    _of(ask).ask(member.id, ask.me.ident)
    ask.note("terminal", f"{ask.me.ident} asked to see it", member)
    return go(f"/learner/{member.id}/terminal")


# ── the WebSocket ────────────────────────────────────────────────────────────────────────────────────────────────────
#
# Bytes are the terminal's, in both directions. Text is JSON: from the learner {"rows", "columns"}, to everybody
# {"rows", "columns", "may"}.


@asks(LEARNERS)
async def my_socket(socket: WebSocket) -> None:
    await _serve(socket, None)


@asks(STAFF)
async def their_socket(socket: WebSocket) -> None:
    await _serve(socket, socket.path_params["number"])


async def _serve(socket: WebSocket, number: int | None) -> None:
    state = socket.app.state
    if not security.socket_from_here(socket):
        await socket.close(REFUSED)
        return
    asked = (state.room, socket.cookies.get(security.COOKIE, ""), number)
    found = await run_in_threadpool(_may_sit, *asked)
    await socket.accept()
    if found is None:
        await socket.close(REFUSED, "Sign in first.")
        return
    who, member, ident = found
    terminals: Terminals = state.terminals
    table = terminals.of(member)
    try:
        if table is None:
            raise LabError("No terminal is open.")
        seat = table.shared.join(who)
    except LabError as error:
        await socket.close(REFUSED, error.what[:120])
        return
    loop = asyncio.get_running_loop()

    def say(what: dict[str, Any]) -> None:
        with contextlib.suppress(RuntimeError):  # the server ends just now
            asyncio.run_coroutine_threadsafe(_tell(socket, json.dumps(what)), loop)

    table.seats[seat] = say
    await _tell(socket, json.dumps(table.told(who)))
    stir = (lambda: state.desk.stirred(ident)) if number is None else (lambda: None)
    # What listens is ended by us: uvicorn says nothing to it once this side has closed.
    listening = asyncio.create_task(_listen(socket, table, seat))
    pump = (socket, seat, loop, stir, lambda: loop.call_soon_threadsafe(listening.cancel))
    threading.Thread(target=_pump, args=pump, name="labkit-terminal", daemon=True).start()
    try:
        while not (await asyncio.wait([listening], timeout=ASKS))[0] and await run_in_threadpool(_still, *asked):
            pass
        if not listening.done():
            await socket.close(REFUSED, "You have signed out.")
    finally:
        listening.cancel()
        table.seats.pop(seat, None)
        await run_in_threadpool(seat.leave)
        if number is None and not table.present:
            loop.call_later(AWAY, lambda: loop.run_in_executor(None, terminals.away, member))


async def _listen(socket: WebSocket, table: Table, seat: Seat) -> None:
    while True:
        try:
            message = await socket.receive()
        except (WebSocketDisconnect, RuntimeError):
            return
        if message["type"] == "websocket.disconnect":
            return
        if data := message.get("bytes"):
            with contextlib.suppress(LabError):  # who may only watch types into nothing
                await run_in_threadpool(seat.write, data)
        elif (text := message.get("text")) and seat.who == table.learner and (size := _size(text)):
            table.size = size
            await run_in_threadpool(table.shared.resize, seat.who, *size)
            table.tell()


def _size(text: str) -> tuple[int, int] | None:
    try:
        told = json.loads(text)
        rows, columns = int(told["rows"]), int(told["columns"])
    except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError):
        return None
    return (rows, columns) if 2 <= rows <= 500 and 2 <= columns <= 1000 else None


def _pump(
    socket: WebSocket, seat: Seat, loop: asyncio.AbstractEventLoop, stir: Callable[[], None], end: Callable[[], object]
) -> None:
    """Output to the page, at the page's pace, until the seat ends."""
    with contextlib.suppress(Exception):  # the page has gone, or the server ends
        while data := seat.read():
            asyncio.run_coroutine_threadsafe(socket.send_bytes(data), loop).result()
            stir()
        asyncio.run_coroutine_threadsafe(socket.close(ENDED, "The terminal has ended."), loop).result()
    with contextlib.suppress(RuntimeError):  # the server ends just now
        end()


async def _tell(socket: WebSocket, text: str) -> None:
    with contextlib.suppress(WebSocketDisconnect, RuntimeError):
        await socket.send_text(text)


def _still(room: Room, token: str, number: int | None) -> bool:
    """Whether this session still may: somebody may have signed out."""
    try:
        return _may_sit(room, token, number) is not None
    except DatabaseAway:
        return True


def _may_sit(room: Room, token: str, number: int | None) -> tuple[str, int, str] | None:
    """(who sits down, the learner's number, the learner's id), for a learner at their own terminal or for their helper.
    None for anybody else."""
    viewer, _ = doors.whose(room, token, notes=False)
    if viewer is None or viewer.staff == (number is None):
        return None
    if number is None:
        return viewer.member.ident, viewer.member.id, viewer.member.ident
    with room.database.reading() as session:
        member = people.learner(session, room.workshop(session), viewer.member, number)
        return (viewer.member.ident, member.id, member.ident) if member else None
