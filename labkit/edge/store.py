"""The store behind the edge: requests are passed on to it, and its answers back. Bodies of blobs go past here (bodies.py)."""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeVar

import aiohttp
from aiohttp import web
from multidict import CIMultiDict
from yarl import URL

T = TypeVar("T")

HOP_BY_HOP = {"connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "host", "authorization"}
CHUNK = 64 * 1024

PLACE = "X-Place"
"""The header of an answer that tells nginx where in the store a request belongs."""

AT_ONCE = 4
"""Answers that are in memory whole at the same time."""

PATIENCE = 2.5
"""Seconds that a store which is being started may take."""

ANSWER = aiohttp.ClientTimeout(total=1.5)
"""In which it must answer whether it works. Both together are less than the five seconds that labkit waits for the edge."""

PAUSE = 0.02


class StoreDown(Exception):
    """The store, or another part, does not answer, or only that it cannot work. Says so in a sentence."""


class Part:
    """A program behind the edge, on whose work the edge's own depends."""

    def __init__(self, session: aiohttp.ClientSession, name: str) -> None:
        """`session` has the part's address, `name` begins a sentence."""
        self._session, self._name = session, name

    async def ask(self) -> None:
        """Asks whether it works. Raises StoreDown."""
        (await self._send("GET", "/", timeout=ANSWER)).release()

    async def _send(self, method: str, path: str, **what: Any) -> aiohttp.ClientResponse:
        """Sends a request. One that finds nobody waits for the part's start: nothing of its body was read by then."""
        try:
            return await self._reach(lambda: self._session.request(method, path, **what), aiohttp.ClientConnectorError)
        except TimeoutError as error:
            raise StoreDown(f"{self._name} does not answer.") from error
        except aiohttp.ClientConnectionError as error:
            raise StoreDown(f"{self._name} ended before it answered.") from error

    async def _reach(self, call: Callable[[], Awaitable[T]], nobody: type[Exception]) -> T:
        """Calls, until somebody is there. Raises StoreDown."""
        time = asyncio.get_running_loop().time
        deadline = time() + PATIENCE
        while True:
            try:
                return await call()
            except nobody as error:
                if time() > deadline:
                    raise StoreDown(f"{self._name} does not run.") from error
            await asyncio.sleep(PAUSE)


class Store(Part):
    """CNCF Distribution, which keeps every registry's repositories below the registry's key."""

    def __init__(self, session: aiohttp.ClientSession, socket: str) -> None:
        """`session` has the store's address, which is this socket's path."""
        super().__init__(session, "The store")
        self._socket = socket
        self._room = asyncio.Semaphore(AT_ONCE)

    async def ask(self) -> None:
        """Asks the store for something that it has to look into its folder for. Raises StoreDown."""
        async with await self._send("GET", "/v2/_catalog", params={"n": "1"}, timeout=ANSWER) as answer:
            if answer.status != 200:
                raise StoreDown(f"The store answers with {answer.status}: {(await answer.text()).strip()}")

    async def place(self, request: web.Request, key: str, name: str, rest: str) -> web.Response:
        """An answer by which nginx hands this request about an upload over to the store. Waits for a store that is being
        started. Raises StoreDown."""
        # Whether it takes calls, not how soon it answers: under load that may take a while.
        _, writer = await self._reach(lambda: asyncio.open_unix_connection(self._socket), OSError)
        writer.close()
        place = URL(f"/v2/{key}/{name}/blobs/{rest}").with_query(_query(request, key))
        return web.Response(status=204, headers={PLACE: str(place)})

    async def pass_on(self, request: web.Request, key: str, name: str, kind: str, rest: str) -> web.Response:
        """Asks the store the same about this registry's repository. Returns its answer, of which nothing is sent yet. Raises
        StoreDown."""
        # A list, not a dict: engines send one Accept header for each kind of manifest that they know.
        headers = CIMultiDict(
            (name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP
        )
        answer = await self._send(
            request.method,
            f"/v2/{key}/{name}/{kind}/{rest}",
            params=_query(request, key),
            headers=headers,
            data=request.content.iter_chunked(CHUNK) if request.body_exists else None,
            allow_redirects=False,
        )
        kept = {name: value for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP}
        for header in ("Location", "Link"):
            if header in kept:
                kept[header] = kept[header].replace(f"/v2/{key}/", "/v2/", 1)
        if request.method == "HEAD" or answer.status in (204, 304):
            answer.release()
            return web.Response(status=answer.status, headers=kept)
        if answer.status >= 400 or kind == "tags":
            kept.pop("Content-Length", None)
            async with self._room, answer:
                return web.Response(status=answer.status, headers=kept, body=_rename(await answer.read(), key))
        return web.Response(status=answer.status, headers=kept, body=_chunks(answer))


class Parts:
    """All of them, of which each must work."""

    def __init__(self, *parts: Part) -> None:
        self._parts = parts

    async def ask(self) -> None:
        """Raises StoreDown for the first that does not work."""
        await asyncio.gather(*(part.ask() for part in self._parts))


def _query(request: web.Request, key: str) -> list[tuple[str, str]]:
    return [(name, f"{key}/{value}" if name == "from" else value) for name, value in request.query.items()]


async def _chunks(answer: aiohttp.ClientResponse) -> AsyncIterator[bytes]:
    async with answer:
        async for chunk in answer.content.iter_chunked(CHUNK):
            yield chunk


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
