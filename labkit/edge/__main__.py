"""Starts the edge: the registries on 443 and 5000, the desk on 8443, and behind them the store, on a socket of its own."""

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

from .accounts import accounts
from .desk import Desk
from .front import Front
from .log import AccessLog
from .policy import policies
from .reader import Reader
from .shelf import Shelf
from .store import Store
from .summary import fingerprint
from .supervisor import keep_running
from .tokens import Tokens

PKI = Path("/lab/pki")
STORE = Path("/var/lib/registry")
SOCKET = "/run/store/store.sock"
"""Where the store listens, and nowhere else (labkit/lab/image/store.yml)."""

SERVE = ("docker-registry", "serve", "/lab/store.yml")
SAMPLE = Path("/lab/sample.json")


def _server(name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PKI / f"{name}.pem", PKI / f"{name}-key.pem")
    return context


async def main() -> None:
    serving = asyncio.create_task(keep_running(SERVE))
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, serving.cancel)
    desk_tls = _server("server")
    desk_tls.load_verify_locations(PKI / "lab-ca.pem")
    desk_tls.verify_mode = ssl.CERT_REQUIRED
    hub_tls = _server("hub")

    config = json.loads(SAMPLE.read_text())
    sample = fingerprint(config["rootfs"]["diff_ids"], config["config"])
    log, shelf, known = AccessLog(STORE / "edge" / "access.jsonl"), Shelf(STORE), policies()
    session = aiohttp.ClientSession(
        "http://store",
        connector=aiohttp.UnixConnector(SOCKET, limit=0),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
        auto_decompress=False,
    )
    store = Store(session)
    front = Front(known, accounts(os.environ.get("LAB_ACCOUNT", "")), log, shelf, Tokens(), store)
    listeners = [
        (front.app(), 443, hub_tls),
        (front.app(), 5000, hub_tls),
        (Desk(known, log, shelf, Reader(), sample, store).app(), 8443, desk_tls),
    ]
    for app, port, tls in listeners:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "0.0.0.0", port, ssl_context=tls).start()  # noqa: S104  (inside the lab's network)
    with contextlib.suppress(asyncio.CancelledError):
        sys.exit(f"The store does not run: {await serving}.")
    await session.close()


asyncio.run(main())
