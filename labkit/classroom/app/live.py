"""The live board: made from the records, made anew when something happens, sent to whoever looks (server-sent events)."""

import asyncio
import contextlib
import json
import logging
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from anyio import CapacityLimiter, to_thread
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from labkit.classroom.app import pages
from labkit.classroom.app.desk import Desk, Shown
from labkit.classroom.app.doors import STAFF, Allowed, Ask, asks, door
from labkit.classroom.app.hints import hints
from labkit.classroom.app.room import Room
from labkit.classroom.records import judging, people, talk
from labkit.classroom.records.database import DatabaseAway
from labkit.classroom.records.models import Event, Member, Result, Workshop
from labkit.classroom.rules import counting, standing
from labkit.classroom.rules.standing import Board, Row, Seat, Step
from labkit.content import diagnoses, exercises
from labkit.errors import LabError

AT_LEAST, AT_MOST = 0.4, 1.5
"""Seconds between two looks: never more often, so that a busy class costs no more; and never later, because another server may
have written, and because time alone makes somebody stuck."""

REST = 4
"""So many times as long as a look took, none is made: who hands in comes first."""

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
    numbers = people.numbered(there)
    return tuple(
        Seat(
            one.id,
            numbers[one.id],
            one.name,
            one.section,
            one.signed_in is not None,
            one.seen,
            up[one.id].raised if one.id in up else None,
            up[one.id].said if one.id in up else "",
            one.ident,
        )
        for one in there
    )


HAND = "hand"
"""Beside the states: whose hand is raised."""


@dataclass(frozen=True)
class Look:
    """How a board is looked at: all of it is in the page's address."""

    section: str = ""
    names: bool = False
    state: str = ""
    """Only learners of this state, or with a raised hand; "" for all."""
    mistake: str = ""
    """Only learners who have this diagnosis now; "" for all."""

    def query(self, **changed: str | bool) -> str:
        """The address's part that says this, with something changed."""
        told = replace(self, **changed)  # type: ignore[arg-type]  # names of fields
        parts = {"names": "shown" if told.names else "", "section": told.section}
        parts |= {"state": told.state, "mistake": told.mistake}
        return urlencode({name: value for name, value in parts.items() if value})

    def rows(self, board: Board) -> tuple[Row, ...]:
        """The learners who are listed."""
        with_it = {seat.learner for one in board.frequent if one.diagnosis == self.mistake for seat in one.learners}
        return tuple(
            row
            for row in board.rows
            if self.state in ("", row.state.value) or (self.state == HAND and row.seat.hand)
            if not self.mistake or row.seat.learner in with_it
        )


def asked_for(request: Request, section: str) -> Look:
    """What the page's address asks for. What it does not know is not asked for."""
    given = request.query_params
    state, mistake = given.get("state", ""), given.get("mistake", "")
    return Look(
        section=section,
        names=given.get("names") == "shown",
        state=state if state in (HAND, *standing.State) else "",
        mistake=mistake if mistake in diagnoses.catalogue() else "",
    )


@dataclass
class Live:
    """One room's board. `start` runs `watch` as a task; `look` makes a board at once."""

    room: Room
    desk: Desk
    _held: dict[int, counting.Result] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _seen: object = None
    _board: Board | None = None
    """The whole board of the newest look that was a stream's."""
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
    _made: dict[Look, tuple[int, str]] = field(default_factory=dict)
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
            there = [self._alive(seat) for seat in seats(session, workshop) if not section or seat.section == section]
            return standing.board(
                steps(workshop), there, held, self.room.clock(), diagnoses.plainly, diagnoses.undone()
            )

    def _alive(self, seat: Seat) -> Seat:
        """With what was done in the lab as a sign of life, too: who works in a terminal has no page open."""
        if not (active := self.desk.active(seat.ident)):
            return seat
        moment = min(datetime.fromtimestamp(active, UTC), self.room.clock())  # another server's clock may be ahead
        return replace(seat, seen=max(moment, seat.seen or moment))

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
        with self.room.database.reading() as session:
            board = self._board = self.look(asked=session)
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
            begun = time.monotonic()
            if self._watchers:
                if self.room.labs and time.monotonic() - self._asked >= ASKS:
                    self._asked = time.monotonic()
                    self._refreshing = asyncio.create_task(to_thread.run_sync(self.desk.refresh, limiter=self._people))
                await self._compare()
            if not self.closing:
                rest = REST * (time.monotonic() - begun)
                # A pace, not a wait: what happens meanwhile is shown together.
                await asyncio.sleep(max(AT_LEAST, min(rest, AT_MOST)))

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

    async def stream(self, seen: Callable[[], Awaitable[Look | None]]) -> AsyncIterator[str]:
        """The board's HTML as events, at once and whenever it differs. `seen` says each time what may be looked at; None ends
        the stream: whoever looked has signed out."""
        self._watchers += 1
        last = html = ""
        try:
            yield AGAIN
            while not self.closing:
                waits = self._next
                try:
                    look = await seen()
                    if look is None:
                        return
                    html = await self._shared(look, fresh=not last)
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

    async def _shared(self, look: Look, fresh: bool) -> str:
        """The same HTML for all who look at the same: 200 boards cost as much as one."""
        async with self._making:
            version, (made, html) = self._version, self._made.get(look, (-1, ""))
            if fresh or made != version:
                html = await to_thread.run_sync(self.html, look, fresh, limiter=self._boards)
                self._made = {key: one for key, one in self._made.items() if one[0] == version}
                self._made[look] = (version, html)
            return html

    def html(self, look: Look, fresh: bool = True) -> str:
        """A stream that goes on shows what was seen to differ; a fresh one looks for itself."""
        seen = None if fresh or look.section else self._board
        found = seen or self.look(look.section)
        return pages.html("board_rows.html", **self.values(found, look))

    def values(self, found: Board, look: Look) -> dict[str, Any]:
        """What the board's HTML is made from."""
        return {
            "board": found,
            "rows": look.rows(found),
            "look": look,
            "mistake": diagnoses.plainly(look.mistake) if look.mistake else "",
            "names": look.names,
            "labs": self.labs(found),
        }

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
    look = asked_for(ask.request, _section(ask.request, ask.me))
    found = live.look(look.section, ask.session)
    sections = sorted({one.section for one in people.learners(ask.session, ask.workshop, ask.me) if one.section})
    return ask.page(
        "board.html",
        **live.values(found, look),
        sections=sections,
        own=ask.me.section if ask.me.role == people.ASSISTANT else "",
        hints=tuple(hints(ask.workshop)),
    )


@door(STAFF, notes=False)
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

    async def seen() -> Look | None:
        again = await who_watches(request)
        if again.status_code == 503:
            raise DatabaseAway("", "", "it does not answer")
        if not isinstance(again, Allowed):
            return None
        return asked_for(request, _section(request, again.viewer.member))

    live: Live = request.app.state.live
    return StreamingResponse(live.stream(seen), media_type="text/event-stream")


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
