"""JupyterHub's side of the app: the way to it and back for browsers, and what its processes ask.

    GET  /jupyter            to JupyterHub, under the name by which the browser knows this machine
    GET  /jupyter/pass       whoever is signed in here gets a code for JupyterHub, once, for a minute
    GET  /sign-in/hub        to JupyterHub's sign-in (OAuth), for whoever is signed in there and not here
    GET  /sign-in/hub/back   and back
    POST /api/hub/sign-in {"code"}       {"name", "groups"}: whose code this is
    POST /api/hub/may {"name"}           {"learner"}: whether that user gets a JupyterLab here
    POST /api/hub/lab {"name", "folder"} lines of JSON: {"say"} while the lab starts, at last {"address"} or {"message", "fix"}

What is below /api/hub needs the hub's pass as a bearer token.
"""

import hmac
import json
import queue
import secrets
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import msgspec
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from labkit.classroom.app import entrance, security
from labkit.classroom.app.api import Refused, api, parsed
from labkit.classroom.app.doors import ANYBODY, Ask, door
from labkit.classroom.app.room import Room
from labkit.classroom.hub import config, naming
from labkit.classroom.records import people
from labkit.classroom.records.models import Member, Workshop
from labkit.errors import LabError

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
    hub, state = _there(ask), secrets.token_urlsafe(24)
    told = {"client_id": config.CLIENT, "redirect_uri": back(ask.room), "response_type": "code", "state": state}
    host = ask.room.address.rpartition(":")[0]  # where it comes back: the state's cookie has to be there too
    if ask.request.url.netloc != ask.room.address.partition("://")[2]:
        return RedirectResponse(f"{ask.room.address}/sign-in/hub", 303)
    answer = RedirectResponse(f"{host}:{hub.port}/hub/api/oauth2/authorize?{urlencode(told)}", 303)
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
    there = session.scalars(select(Member).where(Member.workshop_id == workshop.id))
    return next((one for one in there if hmac.compare_digest(hub.name(one), name)), None)


# ── what the hub's processes ask ─────────────────────────────────────────────────────────────────────────────────────


class Code(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    code: str


class Named(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str


class LabFor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    folder: str


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
    with room.database.writing() as session:
        workshop = room.workshop(session)
        hub = _hubs(request, room, session, workshop)
        given = parsed(body, Code).code
        found = people.use(session, room.key.key, workshop, JUPYTER, given, room.clock())
        if found is None or found.member_id is None:
            people.note(session, workshop, room.clock(), people.REFUSED, "a wrong or used code for JupyterHub")
            member = None
        else:
            member = session.get_one(Member, found.member_id)
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
        if member is None or member.role != people.LEARNER:
            raise Refused(403, "Only learners of this workshop get a JupyterLab here.")
        ident = member.ident
    if room.labs is None:
        raise Refused(409, "This classroom starts no labs.", "labkit classroom up --labs --hub")
    return ident


@api(the_hub)
def may(room: Room, request: Request, body: bytes) -> Any:
    return {"learner": _learner(room, request, parsed(body, Named).name)}


@api(the_hub)
def lab(room: Room, request: Request, body: bytes) -> Any:
    given = parsed(body, LabFor)
    ident = _learner(room, request, given.name)
    return StreamingResponse(_started(room, ident, given), media_type="application/x-ndjson")


def _started(room: Room, ident: str, given: LabFor) -> Iterator[str]:
    """Starts the lab and writes the guest's access; tells what is being done. The lab is started also if nobody listens."""
    labs = room.labs
    assert labs is not None
    lines: queue.SimpleQueue[dict[str, str] | None] = queue.SimpleQueue()

    def work() -> None:
        try:
            labs.start(ident, lambda text: lines.put({"say": text}))
            lines.put({"address": labs.access(ident, Path(given.folder), given.name)})
        except LabError as error:
            lines.put({"message": error.what, "fix": error.fix})
        except Exception as error:  # whatever it is: the page must not wait for ever
            lines.put({"message": f"The lab could not be started: {error!r}.", "fix": "tell your instructor"})
            raise
        finally:
            lines.put(None)

    threading.Thread(target=work, name="labkit-hub-lab", daemon=True).start()
    while (line := lines.get()) is not None:
        yield json.dumps(line) + "\n"


ROUTES = [
    Route("/jupyter", to_hub),
    Route("/jupyter/pass", hub_pass),
    Route("/sign-in/hub", by_hub),
    Route("/sign-in/hub/back", back_from_hub),
    Route("/api/hub/sign-in", sign_in, methods=["POST"]),
    Route("/api/hub/may", may, methods=["POST"]),
    Route("/api/hub/lab", lab, methods=["POST"]),
]
