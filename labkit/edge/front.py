"""The registries as engines see them: sign-in, tokens, and every other request passed on to the store."""

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

from .log import AccessLog
from .rules import NAME, Registry, Token, Tokens, parse_scope
from .shelf import Shelf

PATH = re.compile(r"/v2/(?P<name>.+)/(?P<kind>manifests|blobs|tags|referrers)/(?P<rest>[^/].*|)$")
HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "authorization"}
CHUNK = 256 * 1024
VERSION = {"Docker-Distribution-Api-Version": "registry/2.0"}


def error(
    status: int, code: str, message: str, headers: dict[str, str] | None = None, detail: Any = None
) -> web.Response:
    """An error in the form of the OCI distribution specification ("Error codes")."""
    body = {"errors": [{"code": code, "message": message, "detail": detail}]}
    return web.json_response(body, status=status, headers={**VERSION, **(headers or {})})


@dataclass
class Front:
    """All registries of the lab behind one address; the Host header says which one is meant."""

    registries: dict[str, Registry]
    accounts: dict[str, str]
    log: AccessLog
    shelf: Shelf
    tokens: Tokens
    store: aiohttp.ClientSession

    def app(self) -> web.Application:
        app = web.Application(client_max_size=0)
        app.router.add_route("*", "/token", self.token)
        app.router.add_get("/v2/", self.version)
        app.router.add_get("/v2/_catalog", self.catalog)
        app.router.add_route("*", "/v2/{path:.+}", self.forward)
        return app

    def _registry(self, request: web.Request) -> Registry:
        host = request.host.rsplit(":", 1)[0]
        for registry in self.registries.values():
            if host in registry.hosts:
                return registry
        raise web.HTTPNotFound(text=f"{host} is not a registry of this lab\n")

    def _note(self, request: web.Request, registry: Registry, **entry: Any) -> None:
        agent = request.headers.get("User-Agent", "")[:300]
        self.log.add(registry=registry.key, client=request.remote, agent=agent, **entry)

    async def token(self, request: web.Request) -> web.Response:
        """GET with Basic, as engines ask (distribution, docs/spec/auth/token.md), or POST as OAuth 2 clients do."""
        registry = self._registry(request)
        form = await request.post() if request.method == "POST" else request.query
        scopes = [one for value in form.getall("scope", []) for one in str(value).split()]
        named, password = _basic(request.headers.get("Authorization", ""))
        if request.method == "POST":
            named, password = str(form.get("username", "")) or None, str(form.get("password", ""))
        user = None
        if named is not None:
            right = self.accounts.get(named) == password
            if not right or not scopes:
                reason = "" if right else ("wrong password" if named in self.accounts else "unknown user")
                self._note(request, registry, action="login", user=named, status=200 if right else 401, reason=reason)
            if not right:
                return web.json_response({"details": "incorrect username or password"}, status=401)
            user = named
        access = {}
        for scope in scopes:
            if parsed := parse_scope(scope):
                name, wanted = parsed
                granted = wanted & registry.allowed(user, name, self.shelf.exists(registry.key, name))
                # Who may write may also look what is there already, as a push does before it sends a layer.
                access[name] = granted | (wanted if "push" in granted else set())
        value = self.tokens.issue(Token(registry.key, user, access))
        return web.json_response({"token": value, "access_token": value, "expires_in": 300})

    def _bearer(self, request: web.Request, registry: Registry) -> Token | None:
        scheme, _, value = request.headers.get("Authorization", "").partition(" ")
        token = self.tokens.read(value.strip()) if scheme.lower() == "bearer" else None
        return token if token and token.registry == registry.key else None

    async def version(self, request: web.Request) -> web.Response:
        registry = self._registry(request)
        if self._bearer(request, registry) is None:
            return self._challenge(registry)
        return web.json_response({}, headers=VERSION)

    def _challenge(self, registry: Registry, scope: str = "", problem: str = "") -> web.Response:
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
        if not NAME.fullmatch(name):
            return error(400, "NAME_INVALID", "invalid repository name")
        action = "pull" if request.method in ("GET", "HEAD") else "push"
        token = self._bearer(request, registry)
        if token is None or action not in token.access.get(name, set()):
            # A push looks for each layer first, where it may not yet: that is no attempt to pull.
            if token and (kind == "manifests" or action == "push"):
                self._refused(request, registry, token, action, name, rest if kind == "manifests" else "")
            return self._challenge(registry, f"repository:{name}:{action}", "insufficient_scope" if token else "")
        response = await self._pass_on(request, registry, name, kind, rest)
        if kind == "blobs" and request.method == "GET":
            self._note(
                request, registry, action="blob", user=token.user, repository=name, digest=rest, status=response.status
            )
        if kind == "manifests":
            verbs = {"GET": "pull", "HEAD": "head", "PUT": "push", "DELETE": "delete"}
            self._note(
                request,
                registry,
                action=verbs.get(request.method, request.method),
                user=token.user,
                repository=name,
                reference=rest,
                digest=response.headers.get("Docker-Content-Digest", ""),
                status=response.status,
                reason=""
                if response.status < 400
                else "not found"
                if response.status == 404
                else "refused by the store",
            )
        return response

    def _refused(
        self, request: web.Request, registry: Registry, token: Token, action: str, name: str, reference: str
    ) -> None:
        exists = self.shelf.exists(registry.key, name)
        if action == "pull" and not exists:
            reason = "no such repository"
        elif token.user is None:
            reason = "not signed in"
        else:
            reason = "namespace of somebody else" if "/" in name else "no namespace"
        self._note(
            request,
            registry,
            action=action,
            user=token.user,
            repository=name,
            reference=reference,
            digest="",
            status=401,
            reason=reason,
        )

    async def _pass_on(
        self, request: web.Request, registry: Registry, name: str, kind: str, rest: str
    ) -> web.StreamResponse:
        # A list, not a dict: engines send one Accept header for each kind of manifest that they know.
        headers = CIMultiDict((key, value) for key, value in request.headers.items() if key.lower() not in HOP_BY_HOP)
        query = [(key, f"{registry.key}/{value}" if key == "from" else value) for key, value in request.query.items()]
        tail = request.rel_url.raw_path.split(f"/{kind}/", 1)[1] if rest else ""
        body = request.content.iter_chunked(CHUNK) if request.body_exists else None
        async with self.store.request(
            request.method,
            f"/v2/{registry.key}/{name}/{kind}/{tail}",
            params=query,
            headers=headers,
            data=body,
            allow_redirects=False,
        ) as answer:
            kept = {key: value for key, value in answer.headers.items() if key.lower() not in HOP_BY_HOP}
            if "Location" in kept:
                kept["Location"] = kept["Location"].replace(f"/v2/{registry.key}/", "/v2/", 1)
            if "Link" in kept:
                kept["Link"] = kept["Link"].replace(f"/v2/{registry.key}/", "/v2/", 1)
            if request.method != "HEAD" and (answer.status >= 400 or kind == "tags"):
                kept.pop("Content-Length", None)
                return web.Response(status=answer.status, headers=kept, body=_rename(await answer.read(), registry.key))
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            if request.method != "HEAD":
                async for chunk in answer.content.iter_chunked(CHUNK):
                    await response.write(chunk)
            await response.write_eof()
            return response


def _basic(header: str) -> tuple[str | None, str]:
    """User name and password of a Basic header; (None, "") without one."""
    scheme, _, value = header.partition(" ")
    if scheme.lower() != "basic":
        return None, ""
    try:
        user, _, password = base64.b64decode(value).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return user, password


def _rename(body: bytes, key: str) -> bytes:
    """The store's names without the registry's key before them, wherever the body is JSON with a "name"."""
    try:
        data = json.loads(body)
    except ValueError:
        return body

    def strip(value: Any) -> Any:
        if isinstance(value, dict):
            return {
                one: content.removeprefix(f"{key}/") if one == "name" and isinstance(content, str) else strip(content)
                for one, content in value.items()
            }
        return [strip(one) for one in value] if isinstance(value, list) else value

    return json.dumps(strip(data)).encode()
