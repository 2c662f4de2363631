"""The live board: made from the records, made anew when something happens, sent to whoever looks (server-sent events)."""

import asyncio
import contextlib
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from functools import partial

from anyio import CapacityLimiter, to_thread
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from labkit.classroom.app import pages
from labkit.classroom.app.desk import Desk, Shown
from labkit.classroom.app.doors import STAFF, Allowed, Ask, asks, door
from labkit.classroom.app.room import Room
from labkit.classroom.records import judging, people, talk
from labkit.classroom.records.database import DatabaseAway
from labkit.classroom.records.models import Event, Member, Result, Workshop
from labkit.classroom.rules import counting, standing
from labkit.classroom.rules.standing import Board, Seat, Step
from labkit.content import diagnoses, exercises
from labkit.errors import LabError

AT_LEAST, AT_MOST = 0.4, 1.5
"""Seconds between two looks: never more often, so that a busy class costs no more; and never later, because another server may
have written, and because time alone makes somebody stuck."""

OVERLAP = 500
"""So many of the newest results are read again: PostgreSQL gives out numbers before their rows can be seen."""

QUIET = 15.0
"""Seconds after which an idle stream says that it lives."""

ASKS = 3.0
"""Seconds between two questions how all labs stand, while somebody watches: most is told before anybody asks."""

AGAIN = "retry: 500\n\n"
"""A browser whose connection was cut comes back after half a second: by itself it would wait for three."""

PACE = 0.2
"""Seconds between two looks of one person's page."""


def steps(workshop: Workshop) -> tuple[Step, ...]:
    taught = [exercises.load(slug) for slug, _ in workshop.exercises]
    return tuple(
        Step(each.slug, each.title, each.points, tuple((check.id, check.claim) for check in each.checks))
        for each in taught
    )


def seats(session: Session, workshop: Workshop) -> tuple[Seat, ...]:
    """Learners in the roster's order: the number stays the same for the whole workshop."""
    up = talk.hands(session, workshop)
    there = sorted(people.learners(session, workshop), key=lambda one: one.id)
    return tuple(
        Seat(
            one.id,
            number,
            one.name,
            one.section,
            one.signed_in is not None,
            one.seen,
            up[one.id].raised if one.id in up else None,
            up[one.id].said if one.id in up else "",
            one.ident,
        )
        for number, one in enumerate(there, 1)
    )


def title(diagnosis: str) -> str:
    """What a diagnosis says was seen, without the values of one learner."""
    known = diagnoses.catalogue().get(diagnosis)
    return diagnoses.NAME.sub("…", known.seen) if known else diagnosis


@dataclass
class Live:
    """One room's board. `start` runs `watch` as a task; `look` makes a board at once."""

    room: Room
    desk: Desk
    _held: dict[int, counting.Result] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _seen: object = None
    _told: asyncio.Event = field(default_factory=asyncio.Event)
    _next: asyncio.Event = field(default_factory=asyncio.Event)
    _loop: asyncio.AbstractEventLoop | None = None
    _watchers: int = 0
    _asked: float = 0.0
    _refreshing: asyncio.Task[None] | None = None
    _boards: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(4))
    _people: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(32))
    """Threads of their own: a board waits for no request, and for no lab that hangs."""
    _pages: dict[int, set[asyncio.Event]] = field(default_factory=dict)
    """{member: what wakes each page about them}"""
    _version: int = 0
    _made: dict[tuple[str, bool], tuple[int, str]] = field(default_factory=dict)
    _making: asyncio.Lock = field(default_factory=asyncio.Lock)
    closing: bool = False

    def changed(self) -> None:
        """Something happened that the board may show. Called from any thread."""
        if self._loop and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it ends just now
                self._loop.call_soon_threadsafe(self._told.set)

    def woken(self, member: int | None) -> None:
        """Something happened that pages about this member may show; None: about anybody. Called from any thread."""
        if self._loop and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it ends just now
                self._loop.call_soon_threadsafe(self._wake_pages, member)

    def _wake_pages(self, member: int | None) -> None:
        for number, there in self._pages.items():
            if member in (None, number):
                for one in there:
                    one.set()

    def look(self, section: str = "", asked: Session | None = None) -> Board:
        """With the session of whoever asks, if they have one: who has a connection must not wait for a second one. Raises
        LabError where the database is away."""
        with contextlib.nullcontext(asked) if asked else self.room.database.reading() as session:
            workshop = self.room.workshop(session)
            held = self._results(session, workshop)
            there = [seat for seat in seats(session, workshop) if not section or seat.section == section]
            return standing.board(steps(workshop), there, held, self.room.clock(), title)

    def _results(self, session: Session, workshop: Workshop) -> list[counting.Result]:
        """All results; only the new ones are read."""
        with self._lock:
            after = max(self._held, default=0) - OVERLAP
            wanted = (
                select(Result)
                .join(Member, Member.id == Result.member_id)
                .where(Member.workshop_id == workshop.id, Result.number > after)
            )
            for row in session.scalars(wanted):
                if row.number not in self._held:
                    self._held[row.number] = judging.value(row)
            return counting.latest_gradings(self._held.values())

    def _state(self) -> object:
        """Differs when the records or the board's words may differ."""
        board = self.look()
        with self.room.database.reading() as session:
            wanted = select(func.max(Event.number)).where(Event.workshop_id == self.room.number)
            noted = session.scalar(wanted)
        minute = board.now.replace(second=0, microsecond=0)
        still = tuple(
            replace(row, seat=replace(row.seat, seen=None)) for row in board.rows
        )  # a sign of life alone shows nowhere
        return (minute, noted, still, self.labs(board))

    def labs(self, board: Board) -> dict[int, Shown]:
        """How each learner's lab stands; empty where this classroom has none."""
        if self.room.labs is None:
            return {}
        return {row.seat.learner: self.desk.shown(row.seat.ident) for row in board.rows}

    async def watch(self) -> None:
        """Tells the streams whenever the board differs. Looks only while somebody watches."""
        self._loop = asyncio.get_running_loop()
        while not self.closing:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), AT_MOST)
            self._told.clear()
            if self._watchers:
                if self.room.labs and time.monotonic() - self._asked >= ASKS:
                    self._asked = time.monotonic()
                    self._refreshing = asyncio.create_task(to_thread.run_sync(self.desk.refresh, limiter=self._people))
                await self._compare()
            if not self.closing:
                await asyncio.sleep(AT_LEAST)  # a pace, not a wait: what happens meanwhile is shown together

    async def _compare(self) -> None:
        """Lets the streams go on where the board differs, or where it cannot be made: they say so."""
        try:
            state: object = await to_thread.run_sync(self._state, limiter=self._boards)
        except DatabaseAway as error:
            state = error.public
        except Exception:
            logging.getLogger("labkit").exception("The board could not be made.")
            return
        if state != self._seen:
            self._seen = state
            self._version += 1
            self._next.set()
            self._next = asyncio.Event()

    async def stream(self, seen: Callable[[], Awaitable[str | None]], names: bool) -> AsyncIterator[str]:
        """The board's HTML as events, at once and whenever it differs. `seen` says each time which section may be looked at;
        None ends the stream: whoever looked has signed out."""
        self._watchers += 1
        last = html = ""
        try:
            yield AGAIN
            while not self.closing:
                waits = self._next
                try:
                    section = await seen()
                    if section is None:
                        return
                    html = await self._shared(section, names, fresh=not last)
                except DatabaseAway as error:
                    yield f"event: problem\ndata: {json.dumps(error.public)}\n\n"
                    html = last
                if html != last:
                    last = html
                    yield f"data: {json.dumps(html)}\n\n"
                while not waits.is_set() and not self.closing:
                    with contextlib.suppress(TimeoutError):
                        await asyncio.wait_for(waits.wait(), QUIET)
                        break
                    yield ": still here\n\n"
        finally:
            self._watchers -= 1

    async def _shared(self, section: str, names: bool, fresh: bool) -> str:
        """The same HTML for all who look at the same: 200 boards cost as much as one."""
        async with self._making:
            version, (made, html) = self._version, self._made.get((section, names), (-1, ""))
            if fresh or made != version:
                html = await to_thread.run_sync(self.html, section, names, limiter=self._boards)
                self._made = {key: one for key, one in self._made.items() if one[0] == version}
                self._made[section, names] = (version, html)
            return html

    def html(self, section: str, names: bool) -> str:
        found = self.look(section)
        return pages.html("board_rows.html", board=found, names=names, labs=self.labs(found))

    async def page(
        self, member: int, html: Callable[[], str], may: Callable[[], Awaitable[bool]], every: float = QUIET
    ) -> AsyncIterator[str]:
        """A page about one member as events, where it differs: at once, whenever it is woken, and every so many seconds. It
        ends when whoever looks `may` not any more: they have signed out."""
        woken, last = asyncio.Event(), ""
        self._pages.setdefault(member, set()).add(woken)
        try:
            yield AGAIN
            while not self.closing:
                woken.clear()
                if not await may():
                    return
                try:
                    found = await to_thread.run_sync(html, limiter=self._people)
                except DatabaseAway as error:
                    yield f"event: problem\ndata: {json.dumps(error.public)}\n\n"
                except LabError as error:
                    yield f"event: problem\ndata: {json.dumps(error.what)}\n\n"
                else:
                    yield f"data: {json.dumps(found)}\n\n" if found != last else ": still here\n\n"
                    last = found
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(woken.wait(), every)
                await asyncio.sleep(PACE)
        finally:
            self._pages[member].discard(woken)

    def close(self) -> None:
        """Ends the streams: uvicorn waits for them. Called from any thread."""
        self.closing = True
        if self._loop and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it ends just now
                self._loop.call_soon_threadsafe(self._wake)

    def _wake(self) -> None:
        self._next.set()
        self._told.set()
        self._wake_pages(None)


def _section(request: Request, me: Member) -> str:
    """The section that an assistant sees, or the one that is asked for."""
    own = me.section if me.role == people.ASSISTANT else ""
    return own or request.query_params.get("section", "")


def _names(request: Request) -> bool:
    return request.query_params.get("names") == "shown"


async def about(
    request: Request,
    allow: Callable[[Request], Awaitable[Response]],
    html: Callable[[Allowed], str],
    every: float = QUIET,
) -> Response:
    """A page about one learner as a stream, for whomever this door lets in, and as long as it does."""
    allowed = await allow(request)
    if not isinstance(allowed, Allowed):
        return allowed

    async def may() -> bool:
        again = await allow(request)
        return isinstance(again, Allowed) or again.status_code == 503  # the database is away: the page says so

    live: Live = request.app.state.live
    page = live.page(allowed.about.id, partial(html, allowed), may, every)
    return StreamingResponse(page, media_type="text/event-stream")


@door(STAFF)
def board(ask: Ask) -> Response:
    live: Live = ask.request.app.state.live
    section, names = _section(ask.request, ask.me), _names(ask.request)
    found = live.look(section, ask.session)
    sections = sorted({one.section for one in people.learners(ask.session, ask.workshop, ask.me) if one.section})
    return ask.page(
        "board.html",
        board=found,
        labs=live.labs(found),
        names=names,
        section=section,
        sections=sections,
        instructor=ask.me.role == people.INSTRUCTOR,
    )


@door(STAFF)
def who_watches(ask: Ask) -> Response:
    """Allowed, for whoever may see a board."""
    assert ask.viewer is not None
    return Allowed(ask.viewer)


@asks(STAFF)
async def events(request: Request) -> Response:
    """The stream, for whoever may see the board."""
    allowed = await who_watches(request)
    if not isinstance(allowed, Allowed):
        return allowed

    async def seen() -> str | None:
        again = await who_watches(request)
        if again.status_code == 503:
            raise DatabaseAway("", "", "it does not answer")
        return _section(request, again.viewer.member) if isinstance(again, Allowed) else None

    live: Live = request.app.state.live
    return StreamingResponse(live.stream(seen, _names(request)), media_type="text/event-stream")


@door(STAFF)
def board_data(ask: Ask) -> Response:
    """The board's figures as JSON, without names: for programs, and for tests of how soon it is told."""
    live: Live = ask.request.app.state.live
    found = live.look(_section(ask.request, ask.me), ask.session)
    told = {
        "learners": len(found.rows),
        "present": found.present,
        "states": {state.value: found.count(state) for state in standing.State},
        "done": {column.step.slug: column.done for column in found.columns},
        "diagnoses": [[one.diagnosis, len(one.learners)] for one in found.frequent],
    }
    return Response(json.dumps(told), media_type="application/json")
