"""The registries as engines see them: sign-in, tokens, and every other request passed on to the store."""

import asyncio
import base64
import contextlib
import json
import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qs, unquote
from weakref import WeakValueDictionary

from aiohttp import web
from multidict import CIMultiDict

from . import discovery
from .bodies import DECIDE, LENGTH, at_once, blob, decisions
from .flavours.base import UNKNOWN_USER as NO_ACCOUNT
from .flavours.base import Account, Asked, Flavour, Refusal, View
from .flavours.routes import LARGEST, Call, parsed
from .grammar import DIGEST, LONGEST_NAME, TAG, UPLOAD, clean, digest_of, is_digest, is_repository
from .log import AccessLog
from .shelf import Shelf
from .store import PLACE, Store, StoreDown
from .summary import LARGEST as LARGEST_MANIFEST
from .tokens import Token, Tokens

PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs|tags|referrers)/(?P<rest>[^/].*|)$")
COLON = re.compile("%3a", re.IGNORECASE)
VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
UNKNOWN = ("BLOB_UNKNOWN", "blob unknown to registry")
ACTIONS = {"GET": "pull", "HEAD": "head", "PUT": "push", "DELETE": "delete"}
"""What a request for a manifest is in the log, by its method; another is none."""

FORMS = {"manifests": (TAG, DIGEST), "blobs": (DIGEST, UPLOAD), "tags": (re.compile("list"),), "referrers": (DIGEST,)}
"""What may stand last in a path, by what comes before it."""

UNKNOWN_USER = "an unknown user"
"""Stands in the log for a name of no account: what was typed there may be a password. No account's name has a blank."""

LARGEST_FORM = 64 * 1024
"""Bytes of the form of a sign-in."""

CHUNK = re.compile("([0-9]{1,15})-([0-9]{1,15})")
"""A part of an upload, in bytes from the first to the last."""

SIGNATURE = 32
"""Bytes before the JSON of an upload's state (distribution, registry/handlers/hmac.go)."""

Credentials = tuple[str, str]
"""User name and password."""

SCHEMA_2 = "application/vnd.docker.distribution.manifest.v2+json"

FORM = "application/x-www-form-urlencoded"


def parse_scope(scope: str) -> tuple[str, set[str]] | None:
    """`repository:NAME:pull,push` as (NAME, actions); None for what is no scope of a repository."""
    kind, _, rest = scope.partition(":")
    name, _, actions = rest.rpartition(":")
    if kind.split("(")[0] != "repository" or not is_repository(name):
        return None
    return name, set(actions.split(","))


def writes(actions: set[str]) -> bool:
    """Whether a push is among the actions of a scope; `*` is all of them."""
    return not actions.isdisjoint({"push", "*"})


def error(
    status: int, code: str, message: str, headers: dict[str, str] | None = None, detail: Any = None
) -> web.Response:
    """An error in the form of the OCI distribution specification ("Error codes")."""
    body = {"errors": [{"code": code, "message": message, "detail": detail}]}
    return web.json_response(body, status=status, headers={**VERSION, **(headers or {})})


def _no_token(refusal: Refusal) -> web.Response:
    """The token server's answer: its own form where it does not know who asks or how they signed in (as auth.docker.io), the
    registry's where a repository is the reason."""
    if refusal.code == "UNAUTHORIZED" and refusal.detail is None:
        return web.json_response({"details": refusal.message}, status=refusal.status)
    return error(refusal.status, refusal.code, refusal.message, detail=refusal.detail)


class Registry:
    """A registry as the front has it: its flavour, and the tokens that it gives out."""

    def __init__(self, flavour: Flavour) -> None:
        self.flavour = flavour
        self.key = flavour.key
        self.tokens = Tokens(flavour.lifetime, flavour.clock.now)

    def token(self, user: str | None, access: dict[str, set[str]]) -> Token:
        return Token(self.flavour.service, user, access)


class Front:
    """All registries of the lab behind one address; the Host header says which one is meant."""

    def __init__(self, flavours: Mapping[str, Flavour], log: AccessLog, shelf: Shelf, store: Store) -> None:
        self.registries = {key: Registry(flavour) for key, flavour in flavours.items()}
        self.log, self.shelf, self.store = log, shelf, store
        self._turns: WeakValueDictionary[tuple[str, str], asyncio.Lock] = WeakValueDictionary()

    def app(self) -> web.Application:
        app = web.Application(client_max_size=0, middlewares=[at_once(32), decisions])
        app.router.add_get("/v2/", self.version)
        app.router.add_get("/v2/_catalog", self.catalog)
        app.router.add_route("*", "/{path:.*}", self.rest)
        return app

    def _registry(self, request: web.Request) -> Registry:
        for registry in self.registries.values():
            if registry.flavour.facts.answers_to(request.host):
                if not registry.flavour.serves and not registry.flavour.routes.holds(request.rel_url.raw_path):
                    raise web.HTTPNotFound
                return registry
        raise web.HTTPNotFound(text=f"{clean(request.host, LONGEST_NAME)} is not a registry of this lab\n")

    def _view(self, registry: Registry, name: str, kind: str = "", rest: str = "") -> View:
        """Of what lies in another vendor's registry, only what anybody may pull there is seen here."""
        flavour = registry.flavour
        key = flavour.holder(self.shelf, name, kind, rest)
        other = self.registries[key].flavour
        if other.facts.maker != flavour.facts.maker and "pull" not in other.allowed(None, View(self.shelf, key, name)):
            key = registry.key
        return View(self.shelf, key, name, flavour.others.get(name, ""))

    def _note(self, request: web.Request, registry: Registry, **entry: Any) -> None:
        if DECIDE in request.headers:
            return  # it is asked again, and noted then
        agent, client = request.headers.get("User-Agent", ""), request.headers.get("X-Real-IP")  # nginx sets it
        self.log.add(registry=registry.key, client=client, agent=agent, **entry)

    async def rest(self, request: web.Request) -> web.StreamResponse:
        """What is no fixed path of the specification."""
        registry = self._registry(request)
        path = request.rel_url.raw_path
        if path == registry.flavour.token_path:
            return await self.token(request, registry)
        if registry.flavour.routes.holds(path, request.host):
            return await self.own(request, registry)
        if path.startswith("/v2/"):
            return await self.forward(request, registry)
        raise web.HTTPNotFound

    async def token(self, request: web.Request, registry: Registry) -> web.Response:
        """GET with Basic, as engines ask (distribution, docs/spec/auth/token.md), or POST as OAuth 2 clients do."""
        if request.method not in ("GET", "HEAD", "POST"):
            raise web.HTTPMethodNotAllowed(request.method, ("GET", "POST"))
        if request.method == "POST":
            form = await _form(request)
            scopes, credentials = form.get("scope", []), _of_form(form, registry.flavour.refreshes)
        else:
            scopes, credentials = request.query.getall("scope", []), _basic(request.headers.get("Authorization", ""))
        scopes = [scope for value in scopes for scope in value.split()]
        user, account = None, None
        if credentials is not None:
            said = self._sign_in(request, registry, credentials, noted=not scopes)
            if isinstance(said, Refusal):
                return _no_token(said)
            user, account = credentials[0], said
        access: dict[str, set[str]] = {}
        told = [scope for value in scopes if (scope := parse_scope(value))]
        pushes = any(writes(wanted) for _, wanted in told)
        for name, wanted in told:
            view = self._view(registry, name)
            withheld = registry.flavour.withheld(wanted, account, view)
            if withheld and pushes and not writes(wanted):
                continue  # only layers would be mounted from there: without them a push sends its own
            if withheld:
                asked = Asked(view, "push" if writes(wanted) else "pull", "manifests", "", user, user is not None)
                self._note_refusal(request, registry, asked, withheld)
                return _no_token(withheld)
            if granted := registry.flavour.granted(wanted, user, view):
                access.setdefault(name, set()).update(granted)
        value = registry.tokens.issue(registry.token(user, access))
        return web.json_response({"token": value, "access_token": value, "expires_in": registry.tokens.lifetime})

    def _sign_in(
        self, request: web.Request, registry: Registry, credentials: Credentials, *, noted: bool
    ) -> Account | Refusal:
        """Who it is, or why not. A sign-in that fails is noted, one that succeeds where it is asked for by itself."""
        named, secret = credentials
        said = registry.flavour.sign_in(named, secret)
        refusal = said if isinstance(said, Refusal) else None
        if refusal or noted:
            user = named if not refusal or refusal.reason != NO_ACCOUNT else UNKNOWN_USER
            status, reason = (refusal.status, refusal.reason) if refusal else (200, "")
            self._note(request, registry, action="login", user=user, status=status, reason=reason)
        return said

    def _signed(self, request: web.Request, registry: Registry, *names: str, noted: bool = False) -> Token | Refusal:
        """What the request may do with these repositories, by its token, or by itself where the registry takes that; else why
        it is not taken for anybody's. `noted`: it is a sign-in by itself."""
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic" and registry.flavour.takes_basic:
            named, secret = _basic(request.headers["Authorization"]) or ("", "")
            said = self._sign_in(request, registry, (named, secret), noted=noted)
            if isinstance(said, Refusal):
                return said
            user = named
            access = {name: registry.flavour.allowed(user, self._view(registry, name)) for name in names}
            return registry.token(user, access)
        token = registry.tokens.read(value.strip()) if scheme.lower() == "bearer" else None
        return token if token and token.service == registry.flavour.service else registry.flavour.unsigned

    async def version(self, request: web.Request) -> web.Response:
        registry = self._registry(request)
        if registry.flavour.routes.holds(request.rel_url.raw_path, request.host):
            return await self.own(request, registry)
        signed = self._signed(request, registry, noted=True)
        if isinstance(signed, Refusal):
            return self._refusal(request, registry, signed)
        return web.json_response({}, headers=VERSION)

    def _refusal(self, request: web.Request, registry: Registry, refusal: Refusal, scope: str = "") -> web.Response:
        """The answer that a refusal is."""
        header = {}
        if refusal.status == 401:
            sent = request.headers.get("Authorization", "")
            header["WWW-Authenticate"] = registry.flavour.challenge(scope, refusal.problem, sent)
        return error(refusal.status, refusal.code, refusal.message, header, refusal.detail)

    async def catalog(self, request: web.Request) -> web.Response:
        registry = self._registry(request)
        if registry.flavour.routes.holds(request.rel_url.raw_path, request.host):
            return await self.own(request, registry)
        token = self._signed(request, registry)
        if isinstance(token, Refusal):
            return self._refusal(request, registry, token, "registry:catalog:*")
        if token.user is None or not registry.flavour.may_list(token.user):
            told = replace(registry.flavour.unsigned, problem="insufficient_scope")
            return self._refusal(request, registry, told, "registry:catalog:*")
        names = registry.flavour.listed(token.user, self.shelf.repositories(registry.key))
        return web.json_response({"repositories": list(names)}, headers=VERSION)

    async def own(self, request: web.Request, registry: Registry) -> web.Response:
        """The vendor's own API."""
        path, routes = request.rel_url.raw_path, registry.flavour.routes
        credentials, user = _basic(request.headers.get("Authorization", "")), None
        if credentials is not None and not routes.signed:
            said = self._sign_in(request, registry, credentials, noted=False)
            if isinstance(said, Refusal):
                return error(said.status, said.code, said.message)
            user = credentials[0]
        found = routes.find(request.method, path)
        if found is None:
            return error(404, "NOT_FOUND", "this stand-in does not know this path of the vendor's API")
        answer, parts = found
        sent = await _body(request, LARGEST)
        body = _fields(sent) if request.content_type == FORM else parsed(sent)
        decoded = {name: unquote(value) for name, value in parts.items()}
        headers = {name.lower(): value for name, value in request.headers.items()}
        call = Call(request.method, path, decoded, dict(request.query), body, user, self.shelf, headers, sent)
        reply = answer(registry.flavour, call)
        if isinstance(reply.body, bytes):
            return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
        told = None if reply.body is None else json.dumps(reply.body).encode()
        return web.Response(status=reply.status, headers=reply.headers, body=told, content_type="application/json")

    async def forward(self, request: web.Request, registry: Registry) -> web.StreamResponse:
        # As it was sent: but for a digest's colon, nothing in names, tags and digests is ever encoded.
        match = PATH.fullmatch(COLON.sub(":", request.rel_url.raw_path))
        if match is None:
            return error(404, "UNSUPPORTED", "the operation is unsupported")
        name, kind, rest = match["name"], match["kind"], match["rest"]
        for odd in (_odd(registry, name, kind, rest), _odd_range(request)):
            if odd is not None:  # a response without values of its own is false
                return odd
        action = _action(request.method, kind, rest)
        sources = [source for source in request.query.getall("from", []) if is_repository(source)]
        signed = self._signed(request, registry, name, *sources)
        if isinstance(signed, Refusal) and signed is not registry.flavour.unsigned:
            return self._refusal(request, registry, signed, f"repository:{name}:{action}")
        token = signed if isinstance(signed, Token) else None
        user = token.user if token else None
        view, client = self._view(registry, name, kind, rest), request.headers.get("X-Real-IP", "")
        size, digest = _brought(request, kind)
        asked = Asked(
            view,
            action,
            kind,
            rest,
            user,
            token is not None,
            client,
            request.method == "HEAD",
            size=size,
            digest=digest,
        )
        async with self._turn(asked):
            refusal = await self._refused(request, registry, asked, token)
            if token is None or refusal is not None:  # a response without values of its own is false
                return self._refusal(request, registry, registry.flavour.unsigned) if refusal is None else refusal
            return await self._served(request, registry, asked, token)

    def _turn(self, asked: Asked) -> contextlib.AbstractAsyncContextManager[Any]:
        """Who changes a repository's manifests does so alone: between what a rule looks at and what the store then does,
        nobody else moves a tag."""
        if asked.kind != "manifests" or asked.action == "pull":
            return contextlib.nullcontext()
        return self._turns.setdefault((asked.view.key, asked.view.place), asyncio.Lock())

    async def _refused(
        self, request: web.Request, registry: Registry, asked: Asked, token: Token | None
    ) -> web.Response | None:
        """The answer that the registry gives instead of what is asked for, None where it does it."""
        flavour, name = registry.flavour, asked.view.name
        if refusal := flavour.misnamed(name):
            self._note_refusal(request, registry, asked, refusal)
            return self._refusal(request, registry, refusal)
        if token is None or asked.action not in token.access.get(name, set()):
            refusal = flavour.denied(asked)
            # A push looks for each layer first, where it may not yet: that is no attempt to pull.
            if token and refusal.reason and (asked.kind == "manifests" or asked.action in ("push", "delete")):
                self._note_refusal(request, registry, asked, refusal)
            return self._refusal(request, registry, refusal, f"repository:{name}:{asked.action}")
        refusal = flavour.forbids(asked)
        if refusal and refusal.unless and digest_of(await _body(request, LARGEST_MANIFEST)) == refusal.unless:
            return self._there(request, registry, asked, refusal.unless)
        if refusal := refusal or flavour.begins(asked):
            self._note_refusal(request, registry, asked, refusal)
            answer = self._refusal(request, registry, refusal)
            answer.headers.update(flavour.headers(asked))
            return answer
        return None

    def _there(self, request: web.Request, registry: Registry, asked: Asked, digest: str) -> web.Response:
        """The answer to a push of a manifest that lies there already, under this very tag: nothing is left to do."""
        told = {"user": asked.user, "repository": asked.view.name, "reference": asked.rest, "digest": digest}
        self._note(request, registry, action="push", status=201, **told)
        headers = {"Docker-Content-Digest": digest, "Location": f"/v2/{asked.view.name}/manifests/{digest}", **VERSION}
        subject = self.shelf.subject(digest)
        return web.Response(status=201, headers={**headers, **({"OCI-Subject": subject} if subject else {})})

    def _note_refusal(self, request: web.Request, registry: Registry, asked: Asked, refusal: Refusal) -> None:
        named = {"reference": asked.rest} if asked.kind == "manifests" else {}
        if asked.action == "delete" and asked.kind == "blobs":
            named = {"digest": asked.rest}
        told = {"action": asked.action, "user": asked.user, "repository": asked.view.name, **named}
        self._note(request, registry, status=refusal.status, reason=refusal.reason, **told)

    async def _served(self, request: web.Request, registry: Registry, asked: Asked, token: Token) -> web.StreamResponse:
        """What is allowed is done, and noted."""
        name, kind, rest, user = asked.view.name, asked.kind, asked.rest, asked.user
        try:
            response = await self._answer(_cleaned(request, kind, token), asked.view.key, asked.view.place, kind, rest)
        except StoreDown as down:  # no event of the log: nothing was decided
            return error(503, "UNAVAILABLE", str(down))
        if kind == "blobs" and request.method == "GET" and PLACE not in response.headers:
            self._note(
                request, registry, action="blob", user=user, repository=name, digest=rest, status=response.status
            )
        if kind == "manifests" and request.method in ACTIONS:
            response.headers.update(registry.flavour.headers(asked))
            self._note(
                request,
                registry,
                action=ACTIONS[request.method],
                user=user,
                repository=name,
                reference=rest,
                digest=response.headers.get("Docker-Content-Digest", ""),
                status=response.status,
                reason=self._reason(asked.view.key, asked.view.place, response.status),
            )
            if response.status == 404 and not asked.view.has(rest) and (told := registry.flavour.missing(asked)):
                return self._refusal(request, registry, told)
        return response

    async def _answer(self, request: web.Request, key: str, name: str, kind: str, rest: str) -> web.Response:
        """What is answered to a request that is allowed. Nothing of it is sent before it is noted. Raises StoreDown."""
        if kind == "blobs" and UPLOAD.fullmatch(rest):
            return await self.store.place(request, key, name, rest)
        if DECIDE in request.headers:
            raise web.HTTPNotFound  # to nginx it looked like an upload
        if kind == "blobs" and request.method in ("GET", "HEAD") and is_digest(rest):
            layer = self.shelf.layer(key, name, rest)
            return blob(request, layer, VERSION) if layer else error(404, *UNKNOWN, detail=rest)
        if kind == "tags" and request.method in ("GET", "HEAD"):
            return await self._tags(request, key, name)
        if kind == "referrers":
            return await self._referrers(request, key, name, rest)
        response = await self.store.pass_on(request, key, name, kind, rest)
        pushed = kind == "manifests" and request.method == "PUT" and response.status == 201
        if pushed and (subject := self.shelf.subject(response.headers.get("Docker-Content-Digest", ""))):
            response.headers["OCI-Subject"] = subject
        return response

    async def _tags(self, request: web.Request, key: str, name: str) -> web.Response:
        if not self.shelf.is_there(key, name):
            return error(404, "NAME_UNKNOWN", "repository name not known to registry", detail={"name": name})
        try:
            asked = request.query.get("n", ""), request.query.get("last", "")
            told, more = discovery.tags(name, await asyncio.to_thread(self.shelf.tags, key, name), *asked)
        except ValueError as odd:
            return error(400, "PAGINATION_NUMBER_INVALID", "invalid number of results requested", detail=str(odd))
        return _page(told, f"/v2/{name}/tags/list", more, "application/json")

    async def _referrers(self, request: web.Request, key: str, name: str, digest: str) -> web.Response:
        if request.method not in ("GET", "HEAD"):
            return error(405, "UNSUPPORTED", "the operation is unsupported")
        # A plus sign that was not encoded is read as a space, and no media type has one.
        kind, last = request.query.get("artifactType", "").replace(" ", "+"), request.query.get("last", "")
        found = await asyncio.to_thread(self.shelf.referrers, key, name, digest)
        told, more = await asyncio.to_thread(discovery.referrers, found, kind, last)
        response = _page(told, f"/v2/{name}/referrers/{digest}", more, discovery.INDEX)
        if kind:
            response.headers["OCI-Filters-Applied"] = "artifactType"
        return response

    def _reason(self, key: str, name: str, status: int) -> str:
        """Why the store did not do what somebody might ask for."""
        if status < 400:
            return ""
        if status != 404:
            return "refused-by-store"
        return "not-found" if self.shelf.exists(key, name) else "no-such-repository"


def _page(told: dict[str, Any], path: str, more: str, kind: str) -> web.Response:
    """A part of a list; `more` is the query of the next one, "" for none."""
    link = {"Link": f'<{path}?{more}>; rel="next"'} if more else {}
    return web.Response(body=json.dumps(told).encode(), headers={**VERSION, **link}, content_type=kind)


def _action(method: str, kind: str, rest: str) -> str:
    """What a token must allow: pull, push or delete. To give up an upload is part of a push."""
    if method in ("GET", "HEAD"):
        return "pull"
    return "delete" if method == "DELETE" and not (kind == "blobs" and rest.startswith("uploads/")) else "push"


def _basic(header: str) -> Credentials | None:
    """What a Basic header says; None without one."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, _, password = base64.b64decode(value).decode().partition(":")
    except ValueError:
        return "", ""
    return user, password


async def _body(request: web.Request, most: int) -> bytes:
    """The body, read no further than so many bytes. Raises an error of HTTP for a longer one."""
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > most:
            raise web.HTTPRequestEntityTooLarge(most, len(body))
    return bytes(body)


async def _form(request: web.Request) -> dict[str, list[str]]:
    """The form that the body is, read no further than LARGEST_FORM. Raises an error of HTTP for what is none."""
    if request.content_type != FORM:
        raise web.HTTPUnsupportedMediaType(text=f"the body is {FORM}\n")
    try:
        return _values(await _body(request, LARGEST_FORM))
    except ValueError:
        raise web.HTTPBadRequest(text=f"the body is no {FORM}\n") from None


def _values(form: bytes) -> dict[str, list[str]]:
    """The values of each field of a form. Raises ValueError for what is none."""
    return parse_qs(form.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)


def _fields(body: bytes) -> dict[str, str]:
    """The fields of a form, of each the last value; none of what is no form."""
    try:
        return {name: values[-1] for name, values in _values(body).items()}
    except ValueError:
        return {}


def _of_form(form: dict[str, list[str]], refreshes: str) -> Credentials | None:
    """Who signs in by the form of OAuth 2 (RFC 6749, sections 4.3 and 6); None where nobody does."""
    if refreshes and (token := form.get("refresh_token", [""])[0]):
        return refreshes, token
    user, password = form.get("username", [""])[0], form.get("password", [""])[0]
    return (user, password) if user else None


def _odd(registry: Registry, name: str, kind: str, rest: str) -> web.Response | None:
    """Refuses a path in which a name or what comes last has no form that there is."""
    if not is_repository(name) or len(registry.key) + 1 + len(name) > LONGEST_NAME:
        return error(400, "NAME_INVALID", "invalid repository name")
    if any(form.fullmatch(rest) for form in FORMS[kind]):
        return None
    if not rest or kind == "tags":
        return error(404, "UNSUPPORTED", "the operation is unsupported")
    if kind == "manifests" and ":" not in rest:
        return error(400, "MANIFEST_INVALID", "invalid tag")
    if kind == "blobs" and rest.startswith("uploads/"):
        return error(404, "BLOB_UPLOAD_UNKNOWN", "blob upload unknown to registry")
    return error(400, "DIGEST_INVALID", "invalid digest")


def _odd_range(request: web.Request) -> web.Response | None:
    """Refuses a part of an upload that says it is in a range which does not go on where the upload ends (specification,
    "Pushing a blob in chunks"). Distribution 2.8 does not look."""
    said = request.headers.get("Content-Range")
    if said is None or request.method not in ("PATCH", "PUT"):
        return None
    found = CHUNK.fullmatch(said)
    if found and int(found[1]) <= int(found[2]) and _sent(request.query.get("_state", "")) in (None, int(found[1])):
        return None
    return error(416, "BLOB_UPLOAD_INVALID", "this range does not go on where the upload ends")


def _sent(state: str) -> int | None:
    """How many bytes of an upload came before, as the state says that the store gave its client with the address; None for
    what is no state, which the store refuses itself."""
    try:
        told = json.loads(base64.urlsafe_b64decode(state + "=" * (-len(state) % 4))[SIGNATURE:])
        return int(told["Offset"])
    except (ValueError, KeyError, TypeError):
        return None


def _brought(request: web.Request, kind: str) -> tuple[int, str]:
    """How many bytes the request would add, and the digest of the upload that it finishes, "" for none."""
    if request.method not in ("POST", "PUT"):
        return 0, ""
    # nginx asks without the body, and says how long it is.
    length = request.headers.get(LENGTH, "") if DECIDE in request.headers else str(request.content_length or 0)
    size = int(length) if length.isdecimal() and len(length) < 20 else 0
    if kind != "blobs":
        return size, ""
    return size + (_sent(request.query.get("_state", "")) or 0), request.query.get("digest", "")


def _cleaned(request: web.Request, kind: str, token: Token) -> web.Request:
    """The request without what would have the store do more than was asked and allowed."""
    if kind == "blobs" and request.method in ("GET", "HEAD"):
        return request
    headers, url = CIMultiDict(request.headers), request.rel_url
    if kind == "manifests":
        # Else Distribution makes an old manifest, of schema 1, from the one that it has: with its own name in it, and signed.
        headers.add("Accept", SCHEMA_2)
    if kind == "blobs":
        # It reads a form in the body before it reads the address, where what is asked for was looked at.
        headers["Content-Type"] = "application/octet-stream"
        sources = url.query.getall("from", [])
        if not all("pull" in token.access.get(source, set()) for source in sources):
            url = url.without_query_params("from", "mount")  # an upload as any other, as on Docker Hub
    return request.clone(headers=headers, rel_url=url)
