"""The server extension: sends the panel's pages to anyone who looks at them, and takes their clicks.

Jupyter Server protects it like its own pages: with its token, and clicks also against forged requests.

    GET  labkit/pages         {file name of a notebook: key of its page}
    GET  labkit/panel.css     how they look
    GET  labkit/pages/KEY     lines of JSON while somebody looks at the page (see page.Page)
    POST labkit/pages/KEY     a click: {"do": what, "arg": on what, "text": what was typed, "printed": [outputs of cells]}
"""

import asyncio
import contextlib
import json
import os
from collections import deque
from typing import Any

from jupyter_server.base.handlers import APIHandler
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.iostream import StreamClosedError

from labkit import paths
from labkit.jupyter import apps
from labkit.jupyter.pages import Pages
from labkit.lab.apps import gate
from labkit.lab.plan import APPS_PORT
from labkit.view import render

ALIVE = 15.0
"""Seconds of silence after which an empty line is sent, to find readers that are gone."""

PATIENCE = "labkit_patience"
"""Setting of the server (ServerApp.tornado_settings): seconds that a reader may take to read what is sent at once."""
PATIENT = 60.0
"""The default."""

LARGEST = 2_000_000
"""The most bytes of a click."""

MOST = 50
"""Messages other than HTML that wait for a slow reader; older ones are dropped."""


class Mailbox:
    """What waits for one reader: which parts the page has, the newest HTML of each part, and the last MOST other messages.
    So a slow reader costs no memory."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._shown: list[dict[str, Any]] = []
        self._parts: dict[str, str] = {}
        self._rest: deque[dict[str, Any]] = deque(maxlen=MOST)
        self._something = asyncio.Event()
        self.closed = False

    def put(self, message: dict[str, Any]) -> None:
        """May be called from any thread."""
        with contextlib.suppress(RuntimeError):  # the server has ended
            self._loop.call_soon_threadsafe(self._put, message)

    def _put(self, message: dict[str, Any]) -> None:
        if "shown" in message:
            self._shown = [message]
        elif "parts" in message:
            self._parts.update(message["parts"])
        else:
            self._rest.append(message)
        self._something.set()

    def close(self) -> None:
        """The reader is gone, so nothing waits any longer."""
        self.closed = True
        self._something.set()

    async def take(self) -> list[dict[str, Any]]:
        """What waits, in the order in which a page needs it; an empty list after ALIVE seconds of silence."""
        try:
            await asyncio.wait_for(self._something.wait(), ALIVE)
        except TimeoutError:
            return []
        self._something.clear()
        told = [*self._shown, *([{"parts": self._parts}] if self._parts else []), *self._rest]
        self._shown, self._parts = [], {}
        self._rest.clear()
        return told


class Listed(APIHandler):
    """Which notebook has which page. JupyterLab asks while it loads, seconds before it shows one."""

    @web.authenticated
    async def get(self) -> None:
        pages: Pages = self.settings["labkit_pages"]
        self.finish(pages.known())
        await asyncio.get_running_loop().run_in_executor(None, pages.expect)  # it waits for a page that is being shown


class Style(APIHandler):
    """The style sheet of the views. Static views include it."""

    @web.authenticated
    def get(self) -> None:
        self.finish(render.css(), set_content_type="text/css; charset=utf-8")


class Told(APIHandler):
    """One page: what it shows, and its clicks."""

    def initialize(self) -> None:
        self.mailbox = Mailbox()

    def on_connection_close(self) -> None:
        self.mailbox.close()

    @property
    def pages(self) -> Pages:
        found: Pages = self.settings["labkit_pages"]
        return found

    def _known(self, key: str) -> str:
        if key not in self.pages.known().values():
            raise web.HTTPError(404, f"no page {key!r}")
        return key

    @web.authenticated
    async def get(self, key: str) -> None:
        key, mailbox, loop = self._known(key), self.mailbox, asyncio.get_running_loop()
        patience = self.settings.get(PATIENCE, PATIENT)
        self.set_header("Content-Type", "application/x-ndjson")
        self.set_header("Cache-Control", "no-store")
        self.set_header("X-Accel-Buffering", "no")  # a proxy in between passes each line on at once
        try:
            await loop.run_in_executor(None, self.pages.open, key, mailbox.put)
            while not mailbox.closed:
                told = await mailbox.take()
                self.write("".join(json.dumps(one) + "\n" for one in told) or "\n")
                await asyncio.wait_for(self.flush(), patience)
        except StreamClosedError:
            pass
        except TimeoutError:  # it is connected and reads nothing: what waits for it is thrown away
            self.detach().close()
        finally:
            await loop.run_in_executor(None, self.pages.close, key, mailbox.put)

    @web.authenticated
    async def post(self, key: str) -> None:
        key = self._known(key)
        if len(self.request.body) > LARGEST:
            raise web.HTTPError(413, f"more than {LARGEST:,} bytes")
        content = self.get_json_body()
        if not isinstance(content, dict):
            raise web.HTTPError(400, "a click is an object")
        self.pages.click(key, content)
        self.set_status(202)
        self.finish()


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "labkit.jupyter.extension"}]


def _shows_beside(server: Any) -> bool:
    """Whether the application that started this server can show the panel beside a notebook. Notebook 7 cannot."""
    return getattr(server.starter_app, "name", "") != "notebook"


def _load_jupyter_server_extension(server: Any) -> None:
    if _shows_beside(server):
        os.environ["LABKIT_PANEL"] = "beside"  # told to the kernels (labkit/jupyter/panel.py)
    application = server.web_app
    application.settings["labkit_pages"] = Pages()
    if os.environ.get(apps.HUB):
        apps.show(application, paths.home())  # the browser is on another machine, and others are on this one
    else:
        gate.start(paths.home(), int(os.environ.get(APPS_PORT) or 0))
    base = application.settings["base_url"]
    application.add_handlers(
        ".*$",
        [
            (url_path_join(base, "labkit/pages"), Listed),
            (url_path_join(base, "labkit/panel.css"), Style),
            (url_path_join(base, r"labkit/pages/([\w-]+)"), Told),
        ],
    )
