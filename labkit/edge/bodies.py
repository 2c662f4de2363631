"""The bodies of blobs, which nginx sends and takes and the edge never sees (labkit/lab/image/nginx.conf).

nginx sends the blob that an answer names in X-Accel-Redirect. For each request about an upload it asks the edge first, with
X-Decide and without the body, and hands it over to the store at X-Place; what the edge refused it asks again, without X-Decide,
to be answered.
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

from aiohttp import web

from .shelf import Layer
from .store import PLACE

DECIDE = "X-Decide"
"""The header by which nginx only asks; it lets no client's through."""

LENGTH = "X-Length"
"""The header by which it says then how long the body is."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def blob(request: web.Request, layer: Layer, version: dict[str, str]) -> web.Response:
    """An answer for which nginx sends this blob, or the part of it that the Range header asks for, with the store's own headers
    (distribution 2.8, registry/storage/blobserver.go)."""
    etag = f'"{layer.digest}"'
    headers = {"Docker-Content-Digest": layer.digest, "ETag": etag, "Cache-Control": "max-age=31536000", **version}
    if etag in request.headers.get("If-None-Match", ""):
        return web.Response(status=304, headers=headers)
    # The status is what the log gets to know; nginx sends its own.
    status = 206 if "Range" in request.headers else 200
    headers["X-Accel-Redirect"] = layer.place
    return web.Response(status=status, headers=headers, content_type="application/octet-stream")


def at_once(most: int):
    """A middleware: no more requests than these are worked at at the same time; others wait, and take little memory."""
    free = asyncio.Semaphore(most)

    @web.middleware
    async def waiting(request: web.Request, handler: Handler) -> web.StreamResponse:
        async with free:
            return await handler(request)

    return waiting


@web.middleware
async def decisions(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Where nginx only asks: 204 and the place, or 403, upon which it asks again for the answer."""
    if DECIDE not in request.headers:
        response = await handler(request)
        if PLACE in response.headers:  # it was refused a moment ago: the store was not there
            down = {"code": "UNAVAILABLE", "message": "The store was being started.", "detail": None}
            return web.json_response({"errors": [down]}, status=503)
        return response
    with contextlib.suppress(web.HTTPException):
        response = await handler(request)
        if PLACE in response.headers:
            return response
    return web.Response(status=403)
