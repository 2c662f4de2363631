"""The registries as engines see them: sign-in, tokens, and every other request passed on to the store."""

import base64
import re
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from .bodies import DECIDE, at_once, blob, decisions
from .grammar import is_digest, is_repository
from .log import AccessLog
from .policy import Policy, parse_scope
from .shelf import Shelf
from .store import PLACE, UPLOAD, Store, StoreDown
from .tokens import Token, Tokens

PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs|tags|referrers)/(?P<rest>[^/].*|)$")
VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}
UNKNOWN = ("BLOB_UNKNOWN", "blob unknown to registry")
ACTIONS = {"GET": "pull", "HEAD": "head", "PUT": "push", "DELETE": "delete"}
"""What a request for a manifest is in the log, by its method; another is none."""


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
        raise web.HTTPNotFound(text=f"{request.host} is not a registry of this lab\n")

    def _note(self, request: web.Request, registry: Policy, **entry: Any) -> None:
        if DECIDE in request.headers:
            return  # it is asked again, and noted then
        agent, client = request.headers.get("User-Agent", ""), request.headers.get("X-Real-IP")  # nginx sets it
        self.log.add(registry=registry.key, client=client, agent=agent, **entry)

    async def token(self, request: web.Request) -> web.Response:
        """GET with Basic, as engines ask (distribution, docs/spec/auth/token.md), or POST as OAuth 2 clients do."""
        registry = self._registry(request)
        form = await request.post() if request.method == "POST" else request.query
        scopes = [scope for value in form.getall("scope", []) for scope in str(value).split()]
        named, password = _basic(request.headers.get("Authorization", ""))
        if request.method == "POST":
            named, password = str(form.get("username", "")) or None, str(form.get("password", ""))
        user = None
        if named is not None:
            right = self.accounts.get(named) == password
            if not right or not scopes:
                reason = "" if right else ("wrong-password" if named in self.accounts else "unknown-user")
                self._note(request, registry, action="login", user=named, status=200 if right else 401, reason=reason)
            if not right:
                return web.json_response({"details": "incorrect username or password"}, status=401)
            user = named
        access = {}
        for scope in scopes:
            if parsed := parse_scope(scope):
                name, wanted = parsed
                exists, begun = self.shelf.exists(registry.key, name), self.shelf.begun(registry.key, name)
                access[name] = registry.granted(wanted, user, name, exists, begun)
        value = self.tokens.issue(Token(registry.key, user, access))
        return web.json_response({"token": value, "access_token": value, "expires_in": 300})

    def _bearer(self, request: web.Request, registry: Policy) -> Token | None:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        token = self.tokens.read(value.strip()) if scheme.lower() == "bearer" else None
        return token if token and token.registry == registry.key else None

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
        match = PATH.match(request.path)
        if match is None:
            return error(404, "UNSUPPORTED", "the operation is unsupported")
        name, kind, rest = match["name"], match["kind"], match["rest"]
        if not is_repository(name):
            return error(400, "NAME_INVALID", "invalid repository name")
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
            response = await self._answer(request, registry.key, name, kind, rest)
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


def _basic(header: str) -> tuple[str | None, str]:
    """User name and password of a Basic header; (None, "") without one."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None, ""
    try:
        user, _, password = base64.b64decode(value).decode().partition(":")
    except ValueError:
        return "", ""
    return user, password
