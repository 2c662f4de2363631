"""The store behind the edge: requests are passed on to it, and its answers back, as streams."""

import asyncio
import json
from typing import Any

import aiohttp
from aiohttp import web
from multidict import CIMultiDict

HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "authorization"}
CHUNK = 256 * 1024

PATIENCE = 2.5
"""Seconds that a store which is being started may take."""

ANSWER = aiohttp.ClientTimeout(total=1.5)
"""In which it must answer whether it works. Both together are less than the five seconds that labkit waits for the edge."""

PAUSE = 0.02


class StoreDown(Exception):
    """The store does not answer, or only that it cannot work. Says so in a sentence."""


class Store:
    """CNCF Distribution, which keeps every registry's repositories below the registry's key."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        """`session` has the store's address."""
        self._session = session

    async def ask(self) -> None:
        """Asks the store for something that it has to look into its folder for. Raises StoreDown."""
        try:
            async with await self._send("GET", "/v2/_catalog", params={"n": "1"}, timeout=ANSWER) as answer:
                if answer.status != 200:
                    raise StoreDown(f"The store answers with {answer.status}: {(await answer.text()).strip()}")
        except TimeoutError:
            raise StoreDown("The store does not answer.") from None

    async def pass_on(self, request: web.Request, key: str, name: str, kind: str, rest: str) -> web.StreamResponse:
        """Asks the store the same about this registry's repository, and answers what it answers. Raises StoreDown."""
        # A list, not a dict: engines send one Accept header for each kind of manifest that they know.
        headers = CIMultiDict(
            (name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP
        )
        query = [(name, f"{key}/{value}" if name == "from" else value) for name, value in request.query.items()]
        body = request.content.iter_chunked(CHUNK) if request.body_exists else None
        async with await self._send(
            request.method,
            f"/v2/{key}/{name}/{kind}/{rest}",
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

    async def _send(self, method: str, path: str, **what: Any) -> aiohttp.ClientResponse:
        """Sends a request. One that finds nobody waits for the store's start: nothing of its body was read by then."""
        time = asyncio.get_running_loop().time
        deadline = time() + PATIENCE
        while True:
            try:
                return await self._session.request(method, path, **what)
            except aiohttp.ClientConnectorError as error:
                if time() > deadline:
                    raise StoreDown("The store does not run.") from error
                await asyncio.sleep(PAUSE)
            except aiohttp.ClientConnectionError as error:
                raise StoreDown("The store ended before it answered.") from error


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
        field: inner.removeprefix(prefix)
        if field.lower() == "name" and isinstance(inner, str)
        else _stripped(inner, prefix)
        for field, inner in value.items()
    }
