"""Where labkit, and nobody else, asks the edge what the registries hold, and has them cleaned for a reset."""

import asyncio
import json
from dataclasses import dataclass
from typing import Any

from aiohttp import web

from .log import AccessLog
from .rules import Registry
from .shelf import Shelf


@dataclass
class Desk:
    registries: dict[str, Registry]
    log: AccessLog
    shelf: Shelf
    sample: str
    """The sample app's content (shelf.content)."""

    def app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/_ping", self.ping)
        app.router.add_get("/observation", self.observation)
        app.router.add_get("/events", self.events)
        app.router.add_post("/mark", self.mark)
        app.router.add_post("/remove", self.remove)
        return app

    async def ping(self, _: web.Request) -> web.Response:
        return web.Response(text="OK")

    async def observation(self, _: web.Request) -> web.Response:
        return web.json_response(await asyncio.to_thread(self._observe))

    def _observe(self) -> dict[str, Any]:
        log = list(self.log.entries)
        repositories = {key: self.shelf.repositories(key) for key in self.registries}
        digests = {digest for one in repositories.values() for tags in one.values() for digest in tags.values()}
        return {
            "registries": {
                key: {"title": self.registries[key].title, "repositories": one} for key, one in repositories.items()
            },
            "manifests": self.shelf.manifests(digests),
            "log": log,
            "sample": self.sample,
        }

    async def events(self, request: web.Request) -> web.StreamResponse:
        """The access log as it grows, a JSON line an entry, until the reader goes."""
        response = web.StreamResponse(headers={"Content-Type": "application/jsonl"})
        await response.prepare(request)
        async for entry in self.log.follow():
            await response.write(json.dumps(entry).encode() + b"\n")
        return response

    async def mark(self, request: web.Request) -> web.Response:
        """Writes into the log that these exercises start anew here: {"exercises": [slug, …]}."""
        body = await request.json()
        return web.json_response(self.log.add(action="mark", exercises=[str(one) for one in body["exercises"]]))

    async def remove(self, request: web.Request) -> web.Response:
        """Removes repositories: {"repositories": [[registry, name], …]}."""
        for registry, name in (await request.json())["repositories"]:
            if registry in self.registries:
                await asyncio.to_thread(self.shelf.remove, registry, name)
        return web.json_response({})
