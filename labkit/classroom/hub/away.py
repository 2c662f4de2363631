"""A learner's JupyterLab on another server than its JupyterHub: how it reaches the Hub.

It asks at a port of this process, on the loopback, and is led from there over TLS to the Hub's proxy: whose certificate must be
of the classroom's own authority, under the classroom's own name, whatever browsers are shown at that port, and whatever else
this machine trusts. JupyterHub itself could not be told so: its programs take an authority only together with a key of their
own, and then want TLS from the browser's side too. A way in this very process ends with it: no other program can take its place
and hear of its token.
"""

import asyncio
import logging
import os
import ssl
import threading
from collections.abc import MutableMapping
from urllib.parse import urlsplit

from labkit import reaching
from labkit.classroom.hub import pipes, workplace

LOG = logging.getLogger(__name__)

PATIENCE = 20.0
"""Seconds for a connection to the Hub."""


class Way:
    """From a port of the loopback to the Hub."""

    def __init__(self, hub: str, ca: str) -> None:
        """`hub`: https://HOST:PORT. Raises ValueError or ssl.SSLError for what is no address, or no authority."""
        place = urlsplit(hub)
        if place.scheme != "https" or not place.hostname:
            raise ValueError(f"{hub} is no address of a JupyterHub")
        self._host, self._port = place.hostname, place.port or 443
        self._tls = ssl.create_default_context(cadata=ca)

    async def listen(self) -> asyncio.Server:
        return await asyncio.start_server(self._lead, "127.0.0.1", 0)

    async def _lead(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        here = pipes.Streams(reader, writer)
        try:
            there = await asyncio.wait_for(
                asyncio.open_connection(self._host, self._port, ssl=self._tls, server_hostname=reaching.NAME), PATIENCE
            )
        except OSError as error:  # TimeoutError and ssl.SSLError too
            LOG.warning("JupyterHub at %s, port %s: %s", self._host, self._port, error or "no answer")
            here.cut()
            return
        await pipes.join(here, pipes.Streams(*there))


def open_way(way: Way) -> int:
    """Leads there from now on, in a thread of its own, until the process ends. Returns the port."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="labkit-hub-way", daemon=True).start()
    server = asyncio.run_coroutine_threadsafe(way.listen(), loop).result()
    return int(server.sockets[0].getsockname()[1])


def tell(environ: MutableMapping[str, str], port: int) -> None:
    """Where JupyterHub's programs find the Hub. What only this module needs is left out for what JupyterLab starts."""
    api = f"http://127.0.0.1:{port}/hub/api"
    environ["JUPYTERHUB_API_URL"] = api
    environ["JUPYTERHUB_ACTIVITY_URL"] = f"{api}/users/{environ[workplace.USER]}/activity"
    for name in (workplace.HUB_AT, workplace.HUB_CA, workplace.SOCKET):
        environ.pop(name, None)


def main() -> None:
    tell(os.environ, open_way(Way(os.environ[workplace.HUB_AT], os.environ[workplace.HUB_CA])))
    from jupyterhub.singleuser import main as serve  # now: it reads the environment when it is imported

    serve()


if __name__ == "__main__":
    main()
