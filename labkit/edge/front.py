"""The registries as engines see them: sign-in, tokens, and every other request passed on to the store."""

import base64
import json
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from aiohttp import web
from multidict import CIMultiDict

from .bodies import DECIDE, at_once, blob, decisions
from .grammar import DIGEST, LONGEST_NAME, TAG, UPLOAD, clean, is_digest, is_repository
from .log import AccessLog
from .policy import Policy, parse_scope
from .shelf import Shelf
from .store import PLACE, Store, StoreDown
from .tokens import LIFETIME, Token, Tokens

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

SCHEMA_2 = "application/vnd.docker.distribution.manifest.v2+json"

FORM = "application/x-www-form-urlencoded"


def error(
    status: int, code: str, message: str, headers: dict[str, str] | None = None, detail: Any = None
) -> web.Response:
    """An error in the form of the OCI distribution specification ("Error codes")."""
    body = {"errors": [{"code": code, "message": message, "detail": detail}]}
    return web.json_response(body, status=status, headers={**VERSION, **(headers or {})})


@dataclass
class Front:
    """All registries of the lab behind one address; the Host header says which one is meant."""

    policies: dict[str, Policy]
    accounts: dict[str, str]
    log: AccessLog
    shelf: Shelf
    tokens: Tokens
    store: Store

    def app(self) -> web.Application:
        app = web.Application(client_max_size=0, middlewares=[at_once(32), decisions])
        app.router.add_route("*", "/token", self.token)
        app.router.add_get("/v2/", self.version)
        app.router.add_get("/v2/_catalog", self.catalog)
        app.router.add_route("*", "/v2/{path:.+}", self.forward)
        return app

    def _registry(self, request: web.Request) -> Policy:
        for policy in self.policies.values():
            if policy.answers_to(request.host):
                return policy
        raise web.HTTPNotFound(text=f"{clean(request.host, LONGEST_NAME)} is not a registry of this lab\n")

    def _note(self, request: web.Request, registry: Policy, **entry: Any) -> None:
        if DECIDE in request.headers:
            return  # it is asked again, and noted then
        agent, client = request.headers.get("User-Agent", ""), request.headers.get("X-Real-IP")  # nginx sets it
        self.log.add(registry=registry.key, client=client, agent=agent, **entry)

    async def token(self, request: web.Request) -> web.Response:
        """GET with Basic, as engines ask (distribution, docs/spec/auth/token.md), or POST as OAuth 2 clients do."""
        registry = self._registry(request)
        if request.method not in ("GET", "HEAD", "POST"):
            raise web.HTTPMethodNotAllowed(request.method, ("GET", "POST"))
        if request.method == "POST":
            form = await _form(request)
            scopes, credentials = form.get("scope", []), _of_form(form)
        else:
            scopes, credentials = request.query.getall("scope", []), _basic(request.headers.get("Authorization", ""))
        scopes = [scope for value in scopes for scope in value.split()]
        user = None
        if credentials is not None:
            named, password = credentials
            right = self.accounts.get(named) == password
            user = named if named in self.accounts else UNKNOWN_USER
            if not right or not scopes:
                reason = "" if right else ("wrong-password" if named in self.accounts else "unknown-user")
                self._note(request, registry, action="login", user=user, status=200 if right else 401, reason=reason)
            if not right:
                return web.json_response({"details": "incorrect username or password"}, status=401)
        access: dict[str, set[str]] = {}
        for scope in scopes:
            if parsed := parse_scope(scope):
                name, wanted = parsed
                exists, begun = self.shelf.exists(registry.key, name), self.shelf.begun(registry.key, name)
                if granted := registry.granted(wanted, user, name, exists, begun):
                    access.setdefault(name, set()).update(granted)
        value = self.tokens.issue(Token(registry.service, user, access))
        return web.json_response({"token": value, "access_token": value, "expires_in": LIFETIME})

    def _bearer(self, request: web.Request, registry: Policy) -> Token | None:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        token = self.tokens.read(value.strip()) if scheme.lower() == "bearer" else None
        return token if token and token.service == registry.service else None

    async def version(self, request: web.Request) -> web.Response:
        registry = self._registry(request)
        if self._bearer(request, registry) is None:
            return self._challenge(registry)
        return web.json_response({}, headers=VERSION)

    def _challenge(self, registry: Policy, scope: str = "", problem: str = "") -> web.Response:
        header = {"WWW-Authenticate": registry.challenge(scope, problem)}
        return error(401, "UNAUTHORIZED", "authentication required", header)

    async def catalog(self, request: web.Request) -> web.Response:
        registry = self._registry(request)
        token = self._bearer(request, registry)
        if not registry.catalog or token is None or token.user is None:
            return self._challenge(registry, "registry:catalog:*", "insufficient_scope" if token else "")
        return web.json_response({"repositories": list(self.shelf.repositories(registry.key))}, headers=VERSION)

    async def forward(self, request: web.Request) -> web.StreamResponse:
        registry = self._registry(request)
        # As it was sent: but for a digest's colon, nothing in names, tags and digests is ever encoded.
        match = PATH.fullmatch(COLON.sub(":", request.rel_url.raw_path))
        if match is None:
            return error(404, "UNSUPPORTED", "the operation is unsupported")
        name, kind, rest = match["name"], match["kind"], match["rest"]
        for odd in (_odd(registry, name, kind, rest), _odd_range(request)):
            if odd is not None:  # a response without values of its own is false
                return odd
        action = _action(request.method, kind, rest)
        token = self._bearer(request, registry)
        if token is None or action not in token.access.get(name, set()):
            # A push looks for each layer first, where it may not yet: that is no attempt to pull.
            if token and (kind == "manifests" or action in ("push", "delete")):
                self._refused(request, registry, token, action, name, rest if kind == "manifests" else "")
            return self._challenge(registry, f"repository:{name}:{action}", "insufficient_scope" if token else "")
        if action == "delete" and registry.keeps_tagged and (refusal := self._kept(registry, name, kind, rest)):
            status, code, message, reason = refusal
            named = {"reference": rest} if kind == "manifests" else {"digest": rest}
            noted = {"action": "delete", "user": token.user, "repository": name, "status": status, "reason": reason}
            self._note(request, registry, **noted, **named)
            return error(status, code, message)
        try:
            response = await self._answer(_cleaned(request, kind, token), registry.key, name, kind, rest)
        except StoreDown as down:  # no event of the log: nothing was decided
            return error(503, "UNAVAILABLE", str(down))
        if kind == "blobs" and request.method == "GET" and PLACE not in response.headers:
            self._note(
                request, registry, action="blob", user=token.user, repository=name, digest=rest, status=response.status
            )
        if kind == "manifests" and request.method in ACTIONS:
            self._note(
                request,
                registry,
                action=ACTIONS[request.method],
                user=token.user,
                repository=name,
                reference=rest,
                digest=response.headers.get("Docker-Content-Digest", ""),
                status=response.status,
                reason=self._reason(registry, name, response.status),
            )
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
        return await self.store.pass_on(request, key, name, kind, rest)

    def _reason(self, registry: Policy, name: str, status: int) -> str:
        """Why the store did not do what somebody might ask for."""
        if status < 400:
            return ""
        if status != 404:
            return "refused-by-store"
        return "not-found" if self.shelf.exists(registry.key, name) else "no-such-repository"

    def _kept(self, registry: Policy, name: str, kind: str, rest: str) -> tuple[int, str, str, str] | None:
        """(status, code, message, reason) where the registry does not delete this; as Docker Hub, which answers 403 for what a
        tag leads to (docs.docker.com, Registry API: DeleteImageManifest)."""
        if kind != "manifests":
            return 405, "UNSUPPORTED", "the operation is unsupported", "unsupported"
        tags = self.shelf.tags(registry.key, name)
        if rest in tags or rest in tags.values():
            return 403, "DENIED", "the manifest is still referenced by a tag", "still-tagged"
        return None

    def _refused(
        self, request: web.Request, registry: Policy, token: Token, action: str, name: str, reference: str
    ) -> None:
        exists = self.shelf.exists(registry.key, name)
        if action in registry.allowed(token.user, name, exists, self.shelf.begun(registry.key, name)):
            return  # it is the token that was not asked to allow it
        if action == "pull" and not exists:
            reason = "no-such-repository"
        elif token.user is None:
            reason = "not-signed-in"
        else:
            reason = "foreign-namespace" if "/" in name else "no-namespace"
        self._note(
            request,
            registry,
            action=action,
            user=token.user,
            repository=name,
            reference=reference,
            status=401,
            reason=reason,
        )


def _action(method: str, kind: str, rest: str) -> str:
    """What a token must allow: pull, push or delete. To give up an upload is part of a push."""
    if method in ("GET", "HEAD"):
        return "pull"
    return "delete" if method == "DELETE" and not (kind == "blobs" and rest.startswith("uploads/")) else "push"


Credentials = tuple[str, str]
"""User name and password."""


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


async def _form(request: web.Request) -> dict[str, list[str]]:
    """The form that the body is, read no further than LARGEST_FORM. Raises an error of HTTP for what is none."""
    if request.content_type != FORM:
        raise web.HTTPUnsupportedMediaType(text=f"the body is {FORM}\n")
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > LARGEST_FORM:
            raise web.HTTPRequestEntityTooLarge(LARGEST_FORM, len(body))
    try:
        return parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=100)
    except ValueError:
        raise web.HTTPBadRequest(text=f"the body is no {FORM}\n") from None


def _of_form(form: dict[str, list[str]]) -> Credentials | None:
    """Who signs in by the form of OAuth 2 (RFC 6749, section 4.3); None where nobody does."""
    user, password = form.get("username", [""])[0], form.get("password", [""])[0]
    return (user, password) if user else None


def _odd(registry: Policy, name: str, kind: str, rest: str) -> web.Response | None:
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
