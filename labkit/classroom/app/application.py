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
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from labkit.classroom.app import api, brokers, entrance, instructor, learner, live, pages
from labkit.classroom.app.room import Room
from labkit.classroom.app.security import Guard
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
    Route("/me/{slug}", learner.my_mark),
    Route("/board", live.board),
    Route("/board/events", live.events),
    Route("/board/data", live.board_data),
    Route("/message", instructor.tell_all, methods=["POST"]),
    Route("/marks", instructor.marks),
    Route("/workshop", instructor.workshop),
    Route("/workshop/settings", instructor.settings, methods=["POST"]),
    Route("/workshop/roster", instructor.roster, methods=["POST"]),
    Route("/workshop/code", instructor.code, methods=["POST"]),
    Route("/workshop/links", instructor.links, methods=["POST"]),
    Route("/workshop/assistant", instructor.assistant, methods=["POST"]),
    Route("/learner/{number:int}", instructor.learner),
    Route("/learner/{number:int}/link", instructor.link_for, methods=["POST"]),
    Route("/learner/{number:int}/lower", instructor.lower, methods=["POST"]),
    Route("/learner/{number:int}/message", instructor.tell, methods=["POST"]),
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
    Route("/api/results", api.results, methods=["POST"]),
    Route("/static/panel.css", panel_css),
    Mount("/static", StaticFiles(directory=STATIC)),
]


async def not_found(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    told = "There is no such page." if error.status_code == 404 else str(error.detail)
    return pages.page("problem.html", None, "", error.status_code, what=told, fix="")


def build(room: Room) -> Starlette:
    """The app for one room."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        watching = asyncio.create_task(app.state.live.watch())
        yield
        app.state.live.close()
        await watching

    app = Starlette(
        routes=ROUTES,
        middleware=[Middleware(Guard)],
        exception_handlers={HTTPException: not_found},
        lifespan=lifespan,
    )
    app.state.room = room
    app.state.live = live.Live(room)
    room.changed = app.state.live.changed
    return app
