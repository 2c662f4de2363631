"""Starts the edge: the registries' front on a socket, nginx before it (443, 5000, 8081 to 8083), the store behind it, and the
desk (8443)."""

import asyncio
import contextlib
import json
import os
import signal
import ssl
import sys
from pathlib import Path

import aiohttp
from aiohttp import web

from .desk import Desk
from .flavours import flavours
from .front import Front
from .log import AccessLog
from .reader import Reader
from .shelf import Shelf
from .store import Part, Parts, Store
from .summary import fingerprint
from .supervisor import keep_all_running
from .uploads import Uploads, keep_purged

PKI = Path("/lab/pki")
STORE = Path("/var/lib/registry")
SOCKET = "/run/store/store.sock"
"""Where the store listens, and nowhere else (labkit/lab/image/store.yml)."""

FRONT = Path("/run/edge/edge.sock")
"""Where the registries' front listens, and nowhere else: for nginx (labkit/lab/image/nginx.conf)."""

SERVES = "http://127.0.0.1:8080"
"""Where nginx says that it serves."""

PROGRAMS = {
    "The store": ("docker-registry", "serve", "/lab/store.yml"),
    "The registries' door": ("nginx", "-e", "stderr", "-c", "/lab/nginx.conf"),
}
SAMPLE = Path("/lab/sample.json")

BACKLOG = 2048
"""As many requests as nginx can have open: a socket whose queue is full refuses at once."""

AT_ONCE = 64
"""Requests to the store at the same time; others wait."""


def _session(url: str, connector: aiohttp.BaseConnector) -> aiohttp.ClientSession:
    patience = aiohttp.ClientTimeout(total=None, sock_connect=10)
    return aiohttp.ClientSession(url, connector=connector, timeout=patience, auto_decompress=False)


async def _runner(app: web.Application) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    return runner


async def main() -> None:
    serving = asyncio.create_task(keep_all_running(PROGRAMS))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    desk_tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    desk_tls.load_cert_chain(PKI / "server.pem", PKI / "server-key.pem")
    desk_tls.load_verify_locations(PKI / "lab-ca.pem")
    desk_tls.verify_mode = ssl.CERT_REQUIRED

    config = json.loads(SAMPLE.read_text())
    sample = fingerprint(config["rootfs"]["diff_ids"], config["config"])
    log, shelf = AccessLog(STORE / "edge" / "access.jsonl"), Shelf(STORE)
    known = flavours(STORE / "edge" / "kept", os.environ.get("LAB_ACCOUNT", ""))
    async with (
        _session("http://store", aiohttp.UnixConnector(SOCKET, limit=AT_ONCE)) as behind,
        _session(SERVES, aiohttp.TCPConnector()) as before,
    ):
        store, door = Store(behind, SOCKET), Part(before, "The registries' door")
        front = Front(known, log, shelf, store)
        desk = Desk(known, log, shelf, Reader(), sample, Parts(store, door))
        await web.UnixSite(await _runner(front.app()), FRONT, backlog=BACKLOG).start()
        FRONT.chmod(0o660)  # for nginx, which is of its group
        await web.TCPSite(await _runner(desk.app()), "0.0.0.0", 8443, ssl_context=desk_tls).start()  # noqa: S104  (inside the lab's network)
        purging = asyncio.create_task(keep_purged(Uploads(STORE)))
        with contextlib.suppress(asyncio.CancelledError):
            sys.exit(await serving)
        purging.cancel()


asyncio.run(main())
