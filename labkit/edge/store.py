"""The store behind the edge: requests are passed on to it, and its answers back, as streams."""

import json
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "authorization"}
CHUNK = 256 * 1024


class Store:
    """CNCF Distribution, which keeps every registry's repositories below the registry's key."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """`session` has the store's address and the certificate that the store asks for."""
        self._session = session

    async def pass_on(self, request: web.Request, key: str, name: str, kind: str, rest: str) -> web.StreamResponse:
        """Asks the store the same about this registry's repository, and answers what it answers."""
        # A list, not a dict: engines send one Accept header for each kind of manifest that they know.
        headers = CIMultiDict(
            (name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP
        )
        query = [(name, f"{key}/{value}" if name == "from" else value) for name, value in request.query.items()]
        tail = request.rel_url.raw_path.split(f"/{kind}/", 1)[1] if rest else ""
        body = request.content.iter_chunked(CHUNK) if request.body_exists else None
        async with self._session.request(
            request.method,
            f"/v2/{key}/{name}/{kind}/{tail}",
            params=query,
            headers=headers,
            data=body,
            allow_redirects=False,
        ) as answer:
            kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
            for header in ("Location", "Link"):
                if header in kept:
                    kept[header] = kept[header].replace(f"/v2/{key}/", "/v2/", 1)
            if request.method != "HEAD" and (answer.status >= 400 or kind == "tags"):
                kept.pop("Content-Length", None)
                return web.Response(status=answer.status, headers=kept, body=_rename(await answer.read(), key))
            response = web.StreamResponse(status=answer.status, headers=kept)
            await response.prepare(request)
            if request.method != "HEAD":
                async for chunk in answer.content.iter_chunked(CHUNK):
                    await response.write(chunk)
            await response.write_eof()
            return response


def _rename(body: bytes, key: str) -> bytes:
    """The store's names without the registry's key before them, wherever the body is JSON with a "name"."""
    try:
        return json.dumps(_stripped(json.loads(body), f"{key}/")).encode()
    except (ValueError, RecursionError):
        return body


def _stripped(value: Any, prefix: str) -> Any:
    if isinstance(value, list):
        return [_stripped(inner, prefix) for inner in value]
    if not isinstance(value, dict):
        return value
    return {
        field: inner.removeprefix(prefix) if field == "name" and isinstance(inner, str) else _stripped(inner, prefix)
        for field, inner in value.items()
    }
