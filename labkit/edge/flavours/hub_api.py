"""Docker Hub's own API, at hub.docker.com: signing in, repositories and their settings, tags, access tokens.

Its paths and bodies are those of docs.docker.com, "Docker Hub API"; scripts write them with a slash at the end as well.
"""

import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from ..tokens import Token
from .base import Refusal, View
from .patterns import Unknown, compiled
from .routes import Answer, Call, Reply, Routes, parsed

if TYPE_CHECKING:
    from .hub import Hub

HOST = "hub.docker.com"
ROUTES = Routes(host=HOST, signed=True, tops=("/v2",))

NAME = re.compile(r"[a-z0-9]+(?:[._-][a-z0-9]+)*")
"""A repository's name in its namespace: 2 to 255 letters."""

ADMIN, WRITE, READ, PUBLIC_READ = "repo:admin", "repo:write", "repo:read", "repo:public_read"
SCOPES = {ADMIN: {"pull", "push", "delete"}, WRITE: {"pull", "push"}, READ: {"pull"}, PUBLIC_READ: {"pull"}}
"""What an access token may do, by its scope (Docker Hub API, "Personal Access Tokens"): each has the rights of those below."""

TOKEN = "access-token"  # noqa: S105  (a word)
"""Where a bearer token says by which access token, if by any, it was asked for."""

LONGEST_LABEL = 100
LONGEST_ABOUT = 100
LARGEST_PAGE = 100

ROOTS = ("/v2/namespaces/{namespace}/repositories/{repository}", "/v2/repositories/{namespace}/{repository}")
"""Where a repository is, and where it was in the API before."""


class Full(ValueError):
    """There are too many already."""

    def __init__(self) -> None:
        super().__init__("this stand-in keeps no more of them")


def refused(status: int, message: str) -> Reply:
    return Reply(status, {"detail": message, "message": message})


WHO = refused(401, "authentication required")
FORBIDDEN = refused(403, "access denied")
NONE = refused(404, "object not found")
FULL = refused(403, str(Full()))


def on(method: str, *paths: str) -> Callable[[Answer], Answer]:
    """The same at each of these paths, with and without a slash at the end."""

    def take(answer: Answer) -> Answer:
        for path in paths:
            ROUTES.on(method, f"{path}/?")(answer)
        return answer

    return take


def about(method: str, path: str = "") -> Callable[[Answer], Answer]:
    """The same of a repository."""
    return on(method, *(root + path for root in ROOTS))


# ── signing in ───────────────────────────────────────────────────────────────────────────────────────────────────────


@on("POST", "/v2/users/login")
def login(hub: "Hub", call: Call) -> Reply:
    """The way of old scripts: {"username", "password"} gives {"token"}."""
    return _bearer(hub, call, ("username", "password"), "token")


@on("POST", "/v2/auth/token")
def token(hub: "Hub", call: Call) -> Reply:
    return _bearer(hub, call, ("identifier", "secret"), "access_token")


def _bearer(hub: "Hub", call: Call, fields: tuple[str, str], name: str) -> Reply:
    body = _body(call)
    typed = [body.get(field) for field in fields]
    if not all(isinstance(one, str) for one in typed):
        return refused(400, f"the body has {' and '.join(fields)}")
    said = hub.sign_in(*typed)
    if isinstance(said, Refusal):
        real = "real credential" in said.message or "expired" in said.message
        return refused(401, said.message if real else "Incorrect authentication credentials")
    by = {key for key, known in hub.tokens.items() if said.scope and known["mark"] == said.mark}
    return Reply(200, {name: hub.bearers.issue(Token(HOST, typed[0], {TOKEN: by}))})


def _who(hub: "Hub", call: Call) -> tuple[str | None, str, bool]:
    """Who asks, None for nobody; by which scope; and whether by the password, which alone may do everything."""
    scheme, _, value = call.headers.get("authorization", "").partition(" ")
    said = hub.bearers.read(value.strip()) if scheme.lower() in ("bearer", "jwt") else None
    if said is None or said.service != HOST:
        return None, PUBLIC_READ, False
    if not said.access[TOKEN]:
        return said.user, ADMIN, True
    (key,) = said.access[TOKEN]
    # An access token that was deleted or switched off, or has ended, opens nothing here from then on.
    known = hub.tokens.get(key, {"active": False})
    if not known["active"] or (known["ends"] is not None and known["ends"] <= hub.clock.date()):
        return None, PUBLIC_READ, False
    return said.user, known["scope"], False


# ── repositories ─────────────────────────────────────────────────────────────────────────────────────────────────────


@on("GET", "/v2/namespaces/{namespace}/repositories", "/v2/repositories/{namespace}")
def list_repositories(hub: "Hub", call: Call) -> Reply:
    space = call.parts["namespace"]
    names = sorted({*call.shelf.repositories(hub.key), *hub.repositories})
    seen = [name for name in names if name.startswith(f"{space}/") and _sees(hub, call, name)]
    wanted = call.query.get("name", "")
    return _page(call, [_repository(hub, call, name) for name in seen if wanted in name.partition("/")[2]])


@on("POST", "/v2/namespaces/{namespace}/repositories", "/v2/repositories/{namespace}")
def make_repository(hub: "Hub", call: Call) -> Reply:
    body, space = _body(call), call.parts["namespace"]
    if reply := _without(hub, call, space):
        return reply
    short = body.get("name")
    if not isinstance(short, str) or not NAME.fullmatch(short) or not 2 <= len(short) <= 255:
        return refused(400, "the name has 2 to 255 small letters, figures, and . _ - between them")
    if body.get("namespace", space) != space:
        return refused(400, "the body names another namespace than the path")
    name = f"{space}/{short}"
    if name in hub.repositories or View(call.shelf, hub.key, name).exists:
        return refused(400, "Repository with this name already exists")
    return _changed(hub, call, name, {"private": body.get("is_private", False), **_about(body)}, 201)


@about("GET")
@about("HEAD")
def tell_repository(hub: "Hub", call: Call) -> Reply:
    name = _name(call)
    return Reply(200, _repository(hub, call, name)) if _sees(hub, call, name) else NONE


@about("PATCH")
def change_repository(hub: "Hub", call: Call) -> Reply:
    body = _body(call)
    private = {"private": body["is_private"]} if "is_private" in body else {}
    return _owned(hub, call) or _changed(hub, call, _name(call), {**private, **_about(body)})


@about("POST", "/privacy")
def change_privacy(hub: "Hub", call: Call) -> Reply:
    """As the Hub's page asks."""
    return _owned(hub, call) or _changed(hub, call, _name(call), {"private": _body(call).get("is_private")})


@about("PATCH", "/immutabletags")
def change_immutable(hub: "Hub", call: Call) -> Reply:
    body = _body(call)
    wishes = {"immutable": body.get("immutable_tags"), "rules": body.get("immutable_tags_rules", [])}
    return _owned(hub, call) or _changed(hub, call, _name(call), wishes)


@about("POST", "/immutabletags/verify")
def verify_immutable(hub: "Hub", call: Call) -> Reply:
    """Which tags a pattern means."""
    if reply := _owned(hub, call):
        return reply
    try:
        fits = compiled(str(_body(call).get("regex", "")))
    except Unknown as odd:
        return refused(400, str(odd))
    return Reply(200, {"tags": [tag for tag in call.shelf.tags(hub.key, _name(call)) if fits(tag)]})


def _about(body: dict[str, Any]) -> dict[str, Any]:
    said = body.get("description")
    return {"about": said[:LONGEST_ABOUT]} if isinstance(said, str) else {}


def _changed(hub: "Hub", call: Call, name: str, wishes: dict[str, Any], status: int = 200) -> Reply:
    try:
        hub.change(name, wishes)
    except Full:
        return FULL
    except ValueError as odd:
        return refused(400, str(odd))
    return Reply(status, _repository(hub, call, name))


def _name(call: Call) -> str:
    return f"{call.parts['namespace']}/{call.parts['repository']}"


def _is_there(hub: "Hub", call: Call, name: str) -> bool:
    return name in hub.repositories or View(call.shelf, hub.key, name).exists


def _sees(hub: "Hub", call: Call, name: str) -> bool:
    """Whether who asks is told of this repository."""
    user, scope, _ = _who(hub, call)
    hidden = hub.setting(name)["private"] and (user != name.partition("/")[0] or scope == PUBLIC_READ)
    return _is_there(hub, call, name) and not hidden


def _without(hub: "Hub", call: Call, space: str) -> Reply | None:
    """Why who asks may not change what is in this namespace; None for who may."""
    user, scope, _ = _who(hub, call)
    if user is None:
        return WHO
    return None if user == space and scope == ADMIN else FORBIDDEN


def _owned(hub: "Hub", call: Call) -> Reply | None:
    """The same of a repository, which must be there."""
    name = _name(call)
    reply = _without(hub, call, call.parts["namespace"])
    if reply is not None and reply is not WHO and not _sees(hub, call, name):
        return NONE
    return reply or (None if _is_there(hub, call, name) else NONE)


def _repository(hub: "Hub", call: Call, name: str) -> dict[str, Any]:
    user, scope, _ = _who(hub, call)
    space, _, short = name.partition("/")
    said, mine = hub.setting(name), user == space
    return {
        "user": space,
        "name": short,
        "namespace": space,
        "repository_type": "image",
        "status": 1,
        "status_description": "active",
        "description": said["about"],
        "is_private": said["private"],
        "date_registered": _date(said["made"]) if said["made"] else None,
        "permissions": {
            "read": True,
            "write": mine and scope in (ADMIN, WRITE),
            "admin": mine and scope == ADMIN,
        },
        "immutable_tags_settings": {"enabled": said["immutable"], "rules": said["rules"]},
    }


# ── tags ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


@about("GET", "/tags")
@about("HEAD", "/tags")
def list_tags(hub: "Hub", call: Call) -> Reply:
    name = _name(call)
    if not _sees(hub, call, name):
        return NONE
    return _page(call, [{"name": tag, "digest": led} for tag, led in call.shelf.tags(hub.key, name).items()])


@about("GET", "/tags/{tag}")
@about("HEAD", "/tags/{tag}")
def tell_tag(hub: "Hub", call: Call) -> Reply:
    name, tag = _name(call), call.parts["tag"]
    led = call.shelf.tags(hub.key, name).get(tag)
    return Reply(200, {"name": tag, "digest": led}) if led and _sees(hub, call, name) else NONE


@about("DELETE", "/tags/{tag}")
def delete_tag(hub: "Hub", call: Call) -> Reply:
    """As the Hub's page does. The manifest stays, without this name."""
    name, tag = _name(call), call.parts["tag"]
    if reply := _owned(hub, call):
        return reply
    if tag not in call.shelf.tags(hub.key, name) or name in hub.facts.seeded:
        return NONE
    if hub.is_immutable(name, tag):
        return refused(403, "This tag is immutable and cannot be deleted")
    call.shelf.untag(hub.key, name, tag)
    return Reply(204)


# ── access tokens ────────────────────────────────────────────────────────────────────────────────────────────────────


@on("POST", "/v2/access-tokens")
def make_token(hub: "Hub", call: Call) -> Reply:
    owner, reply = _whole(hub, call)
    if reply:
        return reply
    try:
        key, secret = hub.give(owner, *_wishes(_body(call), hub.clock.date()))
    except Full:
        return FULL
    except ValueError as odd:
        return refused(400, str(odd))
    return Reply(201, {**_token(key, hub.tokens[key]), "token": secret})


def _wishes(body: dict[str, Any], now: float) -> tuple[str, str, float | None]:
    """The label, the scope and the end of an access token that is asked for. Raises ValueError."""
    label, scopes, date = body.get("token_label"), body.get("scopes"), body.get("expires_at")
    if not isinstance(label, str) or not 1 <= len(label) <= LONGEST_LABEL:
        raise ValueError(f"token_label has 1 to {LONGEST_LABEL} letters")
    if not isinstance(scopes, list) or not scopes or not all(scope in list(SCOPES) for scope in scopes):
        raise ValueError(f"scopes are some of {', '.join(SCOPES)}")
    try:
        ends = None if date is None else _moment(date)
    except (ValueError, TypeError, OverflowError):
        raise ValueError("expires_at is a date and time, as 2027-10-28T18:30:19Z") from None
    if ends is not None and ends <= now:
        raise ValueError("expires_at is in the past")
    # Of several scopes the highest counts: each has the rights of those below.
    return label, min(scopes, key=list(SCOPES).index), ends


@on("GET", "/v2/access-tokens")
def list_tokens(hub: "Hub", call: Call) -> Reply:
    owner, reply = _whole(hub, call)
    mine = [_token(key, said) for key, said in hub.tokens.items() if said["owner"] == owner]
    reply = reply or _page(call, mine)
    active = {"active_count": sum(one["is_active"] for one in mine)} if reply.status == 200 else {}
    return Reply(reply.status, {**reply.body, **active})


@on("GET", "/v2/access-tokens/{uuid}")
def tell_token(hub: "Hub", call: Call) -> Reply:
    said, reply = _mine(hub, call)
    return reply or Reply(200, _token(call.parts["uuid"], said))


@on("PATCH", "/v2/access-tokens/{uuid}")
def change_token(hub: "Hub", call: Call) -> Reply:
    said, reply = _mine(hub, call)
    if reply:
        return reply
    body = _body(call)
    label, active = body.get("token_label", said["label"]), body.get("is_active", said["active"])
    if not isinstance(label, str) or not 1 <= len(label) <= LONGEST_LABEL or type(active) is not bool:
        return refused(400, "the body has a token_label, or is_active, true or false")
    said |= {"label": label, "active": active}
    hub.kept.save()
    return Reply(200, _token(call.parts["uuid"], said))


@on("DELETE", "/v2/access-tokens/{uuid}")
def delete_token(hub: "Hub", call: Call) -> Reply:
    _, reply = _mine(hub, call)
    if reply:
        return reply
    del hub.tokens[call.parts["uuid"]]
    hub.kept.save()
    return Reply(204)


def _whole(hub: "Hub", call: Call) -> tuple[str, Reply | None]:
    """Who signed in with the password; with an access token nobody looks after access tokens."""
    user, _, whole = _who(hub, call)
    if user is None:
        return "", WHO
    return user, None if whole else FORBIDDEN


def _mine(hub: "Hub", call: Call) -> tuple[dict[str, Any], Reply | None]:
    owner, reply = _whole(hub, call)
    said = hub.tokens.get(call.parts["uuid"], {})
    return said, reply or (None if said.get("owner") == owner else NONE)


def _token(key: str, said: dict[str, Any]) -> dict[str, Any]:
    """What is told of it: never the token itself."""
    return {
        "uuid": key,
        "created_at": _date(said["made"]),
        "expires_at": None if said["ends"] is None else _date(said["ends"]),
        "generated_by": "manual",
        "is_active": said["active"],
        "token": "",
        "token_label": said["label"],
        "scopes": [said["scope"]],
    }


# ── forms ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def _body(call: Call) -> dict[str, Any]:
    """The body as JSON, whatever the request calls it: curl -d calls it a form."""
    said = parsed(call.sent) if call.sent else call.body
    return said if isinstance(said, dict) else {}


def _date(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime(seconds))


def _moment(text: str) -> float:
    """Seconds since 1970. Raises ValueError, TypeError, OverflowError."""
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _page(call: Call, found: list[dict[str, Any]]) -> Reply:
    """A part of a list, by ?page= and ?page_size=."""
    try:
        page, size = int(call.query.get("page", "1")), int(call.query.get("page_size", "10"))
    except ValueError:
        page = size = 0
    if not (0 < page < 10**6 and 0 < size <= LARGEST_PAGE):
        return refused(400, f"page counts from 1, page_size is 1 to {LARGEST_PAGE}")

    def link(number: int) -> str | None:
        there = 0 < number <= -(-len(found) // size)
        return f"https://{HOST}{call.path}?page={number}&page_size={size}" if there else None

    shown = found[(page - 1) * size : page * size]
    return Reply(200, {"count": len(found), "next": link(page + 1), "previous": link(page - 1), "results": shown})
