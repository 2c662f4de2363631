"""The app: which address leads where."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from labkit.classroom.app import (
    api,
    brokers,
    entrance,
    exports,
    helping,
    hub,
    instructor,
    jupyterlab,
    learner,
    live,
    pages,
    terminals,
)
from labkit.classroom.app.desk import Desk
from labkit.classroom.app.room import Room
from labkit.classroom.app.security import HEADERS, Guard
from labkit.view import render

STATIC = Path(__file__).parent / "static"


async def panel_css(request: Request) -> Response:
    """The style of the view's parts, as in the panel."""
    return Response(render.css(), media_type="text/css")


ROUTES = [
    Route("/", entrance.home),
    Route("/sign-in", entrance.sign_in),
    Route("/sign-in", entrance.sign_in_with_code, methods=["POST"]),
    Route("/join/{token}", entrance.link),
    Route("/join/{token}", entrance.sign_in_with_link, methods=["POST"]),
    Route("/me/sign-out", entrance.learner_out, methods=["POST"]),
    Route("/sign-out", entrance.staff_out, methods=["POST"]),
    Route("/ca.pem", entrance.authority),
    Route("/me", learner.me),
    Route("/me/hand", learner.raise_hand, methods=["POST"]),
    Route("/me/hand/lower", learner.lower_hand, methods=["POST"]),
    Route("/me/reflection", learner.reflect, methods=["POST"]),
    Route("/me/laptop", learner.laptop, methods=["POST"]),
    Route("/me/events", learner.events),
    Route("/me/lab/start", learner.start_lab, methods=["POST"]),
    Route("/me/lab/reset", learner.reset_lab, methods=["POST"]),
    Route("/me/lab/look", learner.look, methods=["POST"]),
    Route("/me/terminal", terminals.mine),
    Route("/me/terminal", terminals.open_mine, methods=["POST"]),
    Route("/me/terminal/allow", terminals.allow, methods=["POST"]),
    Route("/me/terminal/end", terminals.end_mine, methods=["POST"]),
    Route("/me/terminal/events", terminals.my_events),
    WebSocketRoute("/me/terminal/socket", terminals.my_socket),
    Route("/me/{slug}", learner.my_mark),
    Route("/board", live.board),
    Route("/board/events", live.events),
    Route("/board/data", live.board_data),
    Route("/message", instructor.tell_all, methods=["POST"]),
    Route("/hint", helping.hint_all, methods=["POST"]),
    Route("/marks", instructor.marks),
    Route("/workshop", instructor.workshop),
    Route("/workshop/settings", instructor.settings, methods=["POST"]),
    Route("/workshop/roster", instructor.roster, methods=["POST"]),
    Route("/workshop/code", instructor.code, methods=["POST"]),
    Route("/workshop/links", instructor.links, methods=["POST"]),
    Route("/workshop/assistant", instructor.assistant, methods=["POST"]),
    Route("/workshop/assistant/remove", instructor.remove_assistant, methods=["POST"]),
    Route("/workshop/try", instructor.try_out, methods=["POST"]),
    Route("/learner/{number:int}", instructor.learner),
    Route("/learner/{number:int}/link", instructor.link_for, methods=["POST"]),
    Route("/learner/{number:int}/sign-out", instructor.sign_out, methods=["POST"]),
    Route("/learner/{number:int}/lower", instructor.lower, methods=["POST"]),
    Route("/learner/{number:int}/message", instructor.tell, methods=["POST"]),
    Route("/learner/{number:int}/events", helping.events),
    Route("/learner/{number:int}/look", helping.look, methods=["POST"]),
    Route("/learner/{number:int}/hint", helping.hint, methods=["POST"]),
    Route("/learner/{number:int}/lab", helping.lab, methods=["POST"]),
    Route("/learner/{number:int}/terminal", terminals.theirs),
    Route("/learner/{number:int}/terminal", terminals.ask_for, methods=["POST"]),
    Route("/learner/{number:int}/terminal/events", terminals.their_events),
    WebSocketRoute("/learner/{number:int}/terminal/socket", terminals.their_socket),
    Route("/learner/{number:int}/{slug}", instructor.mark),
    Route("/learner/{number:int}/{slug}/overrule", instructor.overrule, methods=["POST"]),
    Route("/learner/{number:int}/{slug}/reflection", instructor.rubric, methods=["POST"]),
    Route("/observation/{digest}", instructor.observation),
    Route("/regrade", instructor.regrade),
    Route("/regrade", instructor.keep_regraded, methods=["POST"]),
    Route("/log", instructor.log),
    Route("/api/join", api.join, methods=["POST"]),
    Route("/api/me", api.me),
    Route("/api/brokers", brokers.join, methods=["POST"]),
    Route("/api/brokers/token", brokers.renew, methods=["POST"]),
    Route("/api/help", jupyterlab.events),
    Route("/api/hand", jupyterlab.hand, methods=["POST"]),
    Route("/api/results", api.results, methods=["POST"]),
    *exports.ROUTES,
    Route("/static/panel.css", panel_css),
    Mount("/static", StaticFiles(directory=STATIC)),
]


async def not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = "There is no such page." if error.status_code == 404 else str(error.detail)
    return pages.page("problem.html", None, "", error.status_code, what=told, fix="")


async def broken(request: Request, error: Exception) -> Response:
    """A mistake of ours: the log has it, the page does not. It is answered outside of the guard, so with its headers."""
    told = "The classroom made a mistake. Nothing was changed."
    answer = pages.page("problem.html", None, "", 500, what=told, fix="try again, and tell your instructor if it stays")
    answer.headers.update(HEADERS)
    return answer


def build(room: Room) -> Starlette:
    """The app for one room."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(app.state.live.watch())
        with room.lti.running() if room.lti else contextlib.nullcontext():
            yield
        app.state.live.close()
        await asyncio.to_thread(app.state.terminals.close)
        await watching

    app = Starlette(
        routes=[*(hub.ROUTES if room.hub else ()), *ROUTES, *(room.lti.routes() if room.lti else ())],
        middleware=[Middleware(Guard)],
        exception_handlers={HTTPException: not_found, Exception: broken},
        lifespan=lifespan,
    )
    app.router.redirect_slashes = False  # a redirect would be written from the request's own Host
    app.state.room = room
    app.state.desk = room.desk or Desk(room)
    app.state.live = live.Live(room, app.state.desk)
    app.state.terminals = terminals.Terminals()
    room.changed, room.woken = app.state.live.changed, app.state.live.woken
    if room.lti:
        room.changed = room.lti.told(room.changed)
    return app
