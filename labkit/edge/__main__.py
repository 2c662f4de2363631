"""Starts the edge: the registries on 443 and 5000, the desk on 8443."""

import asyncio
import json
import os
import signal
import ssl
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
from .tokens import Tokens

PKI = Path("/lab/pki")
STORE = Path("/var/lib/registry")
SAMPLE = Path("/lab/sample.json")


def _server(name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(PKI / f"{name}.pem", PKI / f"{name}-key.pem")
    return context


async def main() -> None:
    to_store = ssl.create_default_context(cafile=str(PKI / "store-ca.pem"))
    to_store.load_cert_chain(PKI / "store.pem", PKI / "store-key.pem")
    desk_tls = _server("server")
    desk_tls.load_verify_locations(PKI / "lab-ca.pem")
    desk_tls.verify_mode = ssl.CERT_REQUIRED
    hub_tls = _server("hub")

    config = json.loads(SAMPLE.read_text())
    sample = fingerprint(config["rootfs"]["diff_ids"], config["config"])
    log, shelf, known = AccessLog(STORE / "edge" / "access.jsonl"), Shelf(STORE), policies()
    session = aiohttp.ClientSession(
        "https://store:5000",
        connector=aiohttp.TCPConnector(ssl=to_store, limit=0),
        timeout=aiohttp.ClientTimeout(total=None, sock_connect=10),
        auto_decompress=False,
    )
    front = Front(known, accounts(os.environ.get("LAB_ACCOUNT", "")), log, shelf, Tokens(), Store(session))
    listeners = [
        (front.app(), 443, hub_tls),
        (front.app(), 5000, hub_tls),
        (Desk(known, log, shelf, Reader(), sample).app(), 8443, desk_tls),
    ]
    for app, port, tls in listeners:
        runner = web.AppRunner(app, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "0.0.0.0", port, ssl_context=tls).start()  # noqa: S104  (inside the lab's network)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await session.close()


asyncio.run(main())
