"""JupyterHub's side of the app: the way to it and back for browsers, and what its processes ask.

    GET  /jupyter            to JupyterHub, under the name by which the browser knows this machine
    GET  /jupyter/pass       whoever is signed in here gets a code for JupyterHub, once, for a minute
    GET  /sign-in/hub        to JupyterHub's sign-in (OAuth), for whoever is signed in there and not here
    GET  /sign-in/hub/back   and back
    POST /api/hub/sign-in {"code"}       {"name", "groups"}: whose code this is
    POST /api/hub/may {"name"}           {"learner"}: whether that user gets a JupyterLab here
    POST /api/hub/lab {"name"}           lines of JSON: {"say"} while the lab starts, at last {"at"}: the server that it is
                                         on, "" for this one; or {"message", "fix"}
    POST /api/hub/access {"name", "folder"}      {"address", "token"}: writes a guest's access to a lab of this server there;
                                         the token is for app/jupyterlab.py
    POST /api/hub/jupyter {"name", "environment"}   lines as above, at last {"port"}: of this machine's loopback, which leads
                                         to the JupyterLab that was started on the lab's server
    POST /api/hub/jupyter/poll {"name"}  {"runs"}
    POST /api/hub/jupyter/stop {"name"}  lines as above, at last {"stopped": true}
    POST /api/hub/idle {"name", "seconds"} {}: that user's JupyterLab is stopped, as nothing happened in it for so long

What is below /api/hub needs the hub's pass as a bearer token.
"""

import hmac
import json
import queue
import secrets
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from labkit import talking
from labkit.classroom.app import entrance, jupyterlab, security
from labkit.classroom.app.api import Refused, api, parsed
from labkit.classroom.app.doors import ANYBODY, Ask, door
from labkit.classroom.app.room import Room
from labkit.classroom.hub import config, naming
from labkit.classroom.records import people
from labkit.classroom.records.models import Member, Workshop
from labkit.errors import LabError
from labkit.lab.engine.engines import Say

if TYPE_CHECKING:
    from labkit.classroom.hub.elsewhere import Elsewhere

HUB, JUPYTER = "hub", "jupyter"
"""Kinds of passes: the hub's own, and a learner's code for it."""
MINUTE = timedelta(minutes=1)
STATE = "__Host-labkit-hub"
"""A cookie: the state of a sign-in by JupyterHub."""


@dataclass(frozen=True)
class Hub:
    """JupyterHub, as the app knows it."""

    port: int
    """For browsers."""
    api: str
    """http://127.0.0.1:PORT/hub/api"""
    realm: str
    secret: str
    """The classroom's token there (config.Secrets.service)."""

    def name(self, member: Member) -> str:
        """What the member is called there."""
        called = naming.staff if member.role in people.STAFF else naming.learner
        return called(self.realm, member.ident)

    def sign_out(self, answer: Response, member: Member) -> None:
        """Whoever signs out of the classroom leaves JupyterHub too: browsers do not keep cookies of two ports apart."""
        name = self.name(member)
        there = {
            "jupyterhub-hub-login": "/hub/",
            "jupyterhub-session-id": "/",
            "labkit-server": "/user/",
            f"jupyterhub-user-{name}": f"/user/{name}/",
        }
        for cookie, path in there.items():
            answer.delete_cookie(cookie, path=path, secure=True, httponly=True, samesite="lax")


def issue_pass(session: Session, room: Room, workshop: Workshop) -> str:
    """A new pass for the hub's processes. Earlier ones open nothing any more."""
    people.end_all(session, workshop, HUB, room.clock())
    return people.issue(session, room.key.key, workshop, HUB, None, room.clock(), lasting=timedelta(days=365))


def _there(ask: Ask) -> Hub:
    if ask.room.hub is None:
        raise LabError("This classroom has no JupyterHub.", "ask your instructor")
    return ask.room.hub


def _away(ask: Ask, path: str) -> Response:
    """To JupyterHub, at the same host."""
    host = ask.request.url.hostname or ""
    return RedirectResponse(f"https://{f'[{host}]' if ':' in host else host}:{_there(ask).port}{path}", 303)


def _may(member: Member | None) -> Member:
    if member is None or member.role == people.ASSISTANT:
        raise LabError("JupyterLab is for learners, and JupyterHub's page for instructors.", "go back to your page")
    return member


@door(ANYBODY)
def to_hub(ask: Ask) -> Response:
    return _away(ask, "/hub/labkit/sign-in")


@door(ANYBODY, keeps=True)
def hub_pass(ask: Ask) -> Response:
    hub = _there(ask)
    if ask.viewer is None:
        return RedirectResponse("/sign-in", 303)
    member = _may(ask.me)
    code = people.issue(
        ask.session, ask.room.key.key, ask.workshop, JUPYTER, member, ask.room.clock(), uses=1, lasting=MINUTE
    )
    ask.note("jupyter", f"a code for JupyterHub, as {hub.name(member)}")
    state = ask.request.query_params.get("state", "")[:200]
    return _away(ask, "/hub/labkit/entered?" + urlencode({"code": code, "state": state}))


# ── JupyterHub's sign-in ─────────────────────────────────────────────────────────────────────────────────────────────


@door(ANYBODY)
def by_hub(ask: Ask) -> Response:
    state = secrets.token_urlsafe(24)
    told = {"client_id": config.CLIENT, "redirect_uri": back(ask.room), "response_type": "code", "state": state}
    here = ask.request.url.netloc
    if here != ask.room.address.partition("://")[2]:  # the state's cookie has to be where it comes back
        return RedirectResponse(f"{ask.room.address}/sign-in/hub", 303)
    answer = _away(ask, f"/hub/api/oauth2/authorize?{urlencode(told)}")
    answer.set_cookie(STATE, state, max_age=300, secure=True, httponly=True, samesite="lax", path="/")
    return answer


@door(ANYBODY, keeps=True)
def back_from_hub(ask: Ask) -> Response:
    hub, given = _there(ask), ask.request.query_params
    state = ask.request.cookies.get(STATE, "")
    if not state or not hmac.compare_digest(state.encode(), given.get("state", "").encode()):
        raise LabError("This sign-in was not begun here, or it took too long.", "sign in again")
    name = _user(hub, ask.room, given.get("code", ""))
    member = _member(ask.session, ask.workshop, hub, name)
    if member is None:
        ask.note(people.REFUSED, f"JupyterHub's user {name[:100]} is not on the roster")
        raise LabError("You are not on this workshop's roster.", "ask your instructor")
    answer = entrance.let_in(ask, member, "with JupyterHub")
    answer.delete_cookie(STATE, secure=True, httponly=True, samesite="lax", path="/")
    return answer


def back(room: Room) -> str:
    return f"{room.address}/sign-in/hub/back"


def _user(hub: Hub, room: Room, code: str) -> str:
    """The name of whoever has signed in, as JupyterHub says. Raises LabError."""
    from jupyterhub.services.auth import HubOAuth
    from tornado.web import HTTPError

    auth = HubOAuth(
        oauth_client_id=config.CLIENT,
        api_token=hub.secret,
        api_url=hub.api,
        oauth_redirect_uri=back(room),
        access_scopes={config.MAY},
        cache_max_age=0,
    )
    try:
        found = auth.user_for_token(auth.token_for_code(code, sync=True), use_cache=False, sync=True)
    except HTTPError as error:
        raise LabError("JupyterHub does not confirm this sign-in.", "sign in again") from error
    if not found or not auth.check_scopes({config.MAY}, found):
        raise LabError("JupyterHub does not confirm this sign-in.", "sign in again")
    return str(found["name"])


def _member(session: Session, workshop: Workshop, hub: Hub, name: str) -> Member | None:
    """None for nobody, and where two would be the same user: each of them would have the other's files."""
    there = session.scalars(select(Member).where(Member.workshop_id == workshop.id))
    called = [one for one in there if hub.name(one) == name]
    return called[0] if len(called) == 1 else None


# ── what the hub's processes ask ─────────────────────────────────────────────────────────────────────────────────────


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str


class Access(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    folder: str


class Idle(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    seconds: int


class JupyterFor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    environment: dict[str, str]
    """There are secrets in it."""


def _hubs(request: Request, room: Room, session: Session, workshop: Workshop) -> Hub:
    """Only the hub may ask this. Raises Refused."""
    token = security.bearer(request)
    if room.hub is None or not people.look_up(session, room.key.key, workshop, HUB, token, room.clock()):
        raise Refused(401, "This is only for the classroom's JupyterHub.", "labkit classroom up --hub")
    return room.hub


def the_hub(room: Room, request: Request) -> None:
    with room.database.reading() as session:
        _hubs(request, room, session, room.workshop(session))


@api(the_hub)
def sign_in(room: Room, request: Request, body: bytes) -> Any:
    given = parsed(body, Code).code
    with room.database.writing() as session:
        workshop = room.workshop(session)
        hub = _hubs(request, room, session, workshop)
        found = people.use(session, room.key.key, workshop, JUPYTER, given, room.clock())
        if found is None or found.member_id is None:
            people.note(session, workshop, room.clock(), people.REFUSED, "a wrong or used code for JupyterHub")
            member = None
        else:
            member = session.get_one(Member, found.member_id)
            if _member(session, workshop, hub, hub.name(member)) is None:
                people.note(session, workshop, room.clock(), people.REFUSED, "two would be one user", member)
                member = None
            else:
                people.note(session, workshop, room.clock(), "jupyter", "signed in at JupyterHub", member)
                groups = [config.INSTRUCTORS] if member.role == people.INSTRUCTOR else []
                told = {"name": hub.name(member), "groups": groups}
    if member is None:
        raise Refused(403, "This code is not right, or it has been used.", "open JupyterLab from your page again")
    return told


def _learner(room: Room, request: Request, name: str) -> str:
    """The id of the learner who has this user's name. Raises Refused."""
    with room.database.reading() as session:
        workshop = room.workshop(session)
        member = _member(session, workshop, _hubs(request, room, session, workshop), name)
        if member is None or member.role in people.STAFF:
            raise Refused(403, "Only learners of this workshop get a JupyterLab here.")
        ident = member.ident
    if room.labs is None:
        raise Refused(409, "This classroom has no server with labs.", "labkit classroom up --labs --hub")
    return ident


@api(the_hub)
def may(room: Room, request: Request, body: bytes) -> Any:
    return {"learner": _learner(room, request, parsed(body, Named).name)}


@api(the_hub)
def idle(room: Room, request: Request, body: bytes) -> Any:
    given = parsed(body, Idle)
    with room.database.writing() as session:
        workshop = room.workshop(session)
        member = _member(session, workshop, _hubs(request, room, session, workshop), given.name)
        if member is not None:
            told = f"JupyterLab is stopped: {config.why_stopped(given.seconds)}"
            people.note(session, workshop, room.clock(), "jupyter", told, member)
    return {}


@api(the_hub)
def lab(room: Room, request: Request, body: bytes) -> Any:
    ident = _learner(room, request, parsed(body, Named).name)
    labs = room.labs
    assert labs is not None

    def started(say: Say) -> dict[str, Any]:
        labs.start(ident, say)
        return {"at": room.elsewhere.at(ident) if room.elsewhere else ""}

    return _lines("The lab could not be started", started)


@api(the_hub)
def access(room: Room, request: Request, body: bytes) -> Any:
    given = parsed(body, Access)
    ident = _learner(room, request, given.name)
    assert room.labs is not None
    try:
        if room.elsewhere and (at := room.elsewhere.at(ident)):
            raise LabError(f"Your lab is on the server {at} now.", "open JupyterLab again")
        address = room.labs.access(ident, Path(given.folder), given.name)
    except LabError as error:
        raise Refused(409, error.what, error.fix) from error
    return {"address": address, "token": _pass(room, ident)}


def _pass(room: Room, ident: str) -> str:
    with room.database.writing() as session:
        workshop = room.workshop(session)
        return jupyterlab.issue_pass(session, room, workshop, people.by_ident(session, workshop, ident))


@api(the_hub)
def jupyter(room: Room, request: Request, body: bytes) -> Any:
    given = parsed(body, JupyterFor)
    ident = _learner(room, request, given.name)
    elsewhere, port = _elsewhere(room), room.hub.port if room.hub else 0
    there = talking.Place(room.address, _pass(room, ident), room.ca.decode())
    environment = given.environment | talking.variables(there)
    return _lines(
        "JupyterLab could not be started",
        lambda say: {"port": elsewhere.start(ident, environment, port, say)},
    )


@api(the_hub)
def poll(room: Room, request: Request, body: bytes) -> Any:
    return {"runs": _elsewhere(room).runs(_learner(room, request, parsed(body, Named).name))}


@api(the_hub)
def stop(room: Room, request: Request, body: bytes) -> Any:
    ident, elsewhere = _learner(room, request, parsed(body, Named).name), _elsewhere(room)

    def stopped(say: Say) -> dict[str, Any]:
        elsewhere.stop(ident)
        return {"stopped": True}

    return _lines("JupyterLab could not be stopped", stopped)


def _elsewhere(room: Room) -> "Elsewhere":
    """Raises Refused."""
    if room.elsewhere is None:
        raise Refused(409, "This classroom has no other servers.", "labkit classroom up --hub")
    return room.elsewhere


def _lines(failed: str, work: Callable[[Say], dict[str, Any]]) -> Response:
    """Does it, and tells meanwhile what is being done. It is done also if nobody listens."""
    lines: queue.SimpleQueue[dict[str, Any] | None] = queue.SimpleQueue()

    def do() -> None:
        try:
            lines.put(work(lambda text: lines.put({"say": text})))
        except LabError as error:
            lines.put({"message": error.what, "fix": error.fix})
        except Exception as error:  # whatever it is: the page must not wait for ever
            lines.put({"message": f"{failed}: {error!r}.", "fix": "tell your instructor"})
            raise
        finally:
            lines.put(None)

    def told() -> Iterator[str]:
        threading.Thread(target=do, name="labkit-hub-lab", daemon=True).start()
        while (line := lines.get()) is not None:
            yield json.dumps(line) + "\n"

    return StreamingResponse(told(), media_type="application/x-ndjson")


ROUTES = [
    Route("/jupyter", to_hub),
    Route("/jupyter/pass", hub_pass),
    Route("/sign-in/hub", by_hub),
    Route("/sign-in/hub/back", back_from_hub),
    Route("/api/hub/sign-in", sign_in, methods=["POST"]),
    Route("/api/hub/may", may, methods=["POST"]),
    Route("/api/hub/lab", lab, methods=["POST"]),
    Route("/api/hub/idle", idle, methods=["POST"]),
    Route("/api/hub/access", access, methods=["POST"]),
    Route("/api/hub/jupyter", jupyter, methods=["POST"]),
    Route("/api/hub/jupyter/poll", poll, methods=["POST"]),
    Route("/api/hub/jupyter/stop", stop, methods=["POST"]),
]
