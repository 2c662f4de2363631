"""What the hub's processes ask the classroom, over HTTPS on this machine."""

import json
from collections.abc import AsyncIterator
from typing import Any

from tornado.httpclient import AsyncHTTPClient, HTTPClientError, HTTPRequest
from tornado.queues import Queue

from labkit.classroom.hub.config import Secrets, Settings
from labkit.errors import LabError

PATIENCE = 15.0


async def ask(settings: Settings, kept: Secrets, path: str, asked: dict[str, Any]) -> dict[str, Any]:
    """The classroom's answer. Raises LabError: what it has refused, or that it does not answer."""
    try:
        answer = await AsyncHTTPClient().fetch(_request(settings, kept, path, asked, request_timeout=PATIENCE))
        told: dict[str, Any] = json.loads(answer.body)
    except HTTPClientError as error:
        raise _refused(error) from error
    except (OSError, ValueError) as error:
        raise _away(error) from error
    return told


async def follow(settings: Settings, kept: Secrets, path: str, asked: dict[str, Any]) -> AsyncIterator[dict[str, Any]]:
    """The lines of JSON that the classroom answers with, as they come. Raises LabError."""
    lines: Queue[bytes | None] = Queue()
    rest = b""

    def came(piece: bytes) -> None:
        nonlocal rest
        *whole, rest = (rest + piece).split(b"\n")
        for line in whole:
            lines.put_nowait(line)

    answer = AsyncHTTPClient().fetch(
        _request(settings, kept, path, asked, request_timeout=0, streaming_callback=came), raise_error=True
    )
    answer.add_done_callback(lambda _: lines.put_nowait(None))
    while (line := await lines.get()) is not None:
        if line:
            yield json.loads(line)
    try:
        answer.result()
    except HTTPClientError as error:
        raise _refused(error) from error
    except OSError as error:
        raise _away(error) from error


def _request(settings: Settings, kept: Secrets, path: str, asked: dict[str, Any], **more: Any) -> HTTPRequest:
    return HTTPRequest(
        settings.classroom + path,
        method="POST",
        headers={"Authorization": f"Bearer {kept.classroom}", "Content-Type": "application/json"},
        body=json.dumps(asked),
        ca_certs=settings.ca,
        connect_timeout=PATIENCE,
        **more,
    )


def _refused(error: HTTPClientError) -> LabError:
    try:
        told = json.loads(error.response.body) if error.response else {}
        return LabError(str(told["message"]), str(told["fix"]))
    except (ValueError, KeyError, TypeError):
        return _away(error)


def _away(error: Exception) -> LabError:
    return LabError(f"The classroom does not answer: {error}.", "wait a moment, then try again")
