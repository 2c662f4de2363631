"""The pages of deployed apps below JupyterLab's own address, for a browser on another machine
(docs/decisions/0050-the-apps-page-from-another-machine.md).

    any method   labkit/app/MARK/SERVICE/PATH   what one of the service's tasks answers for /PATH

A sandboxed page sends no cookies, so nobody is signed in here: the mark in the address is what lets somebody in. It is another
one each time that JupyterLab starts.
"""

import asyncio
import contextlib
import html
import logging
import os
import re
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException, HTTPResponse
from typing import Any, TypeVar

from jupyter_server.auth.decorator import allow_unauthenticated
from jupyter_server.utils import url_path_join
from tornado import web
from tornado.iostream import StreamClosedError

from labkit.errors import LabError
from labkit.lab.apps import address, links, sandbox
from labkit.lab.apps.address import Below
from labkit.lab.apps.gate import AT_ONCE, LARGEST, PAGE, PATIENCE
from labkit.lab.apps.jars import Jars
from labkit.lab.apps.way import Answer, Way
from labkit.paths import Home
from labkit.text import visible

HUB = "JUPYTERHUB_SERVICE_PREFIX"
"""Set where JupyterHub started this JupyterLab: its base path."""

BELOW = "labkit/app/"

SHOWN = "labkit_apps"
"""Setting of the server: a Shown."""

STYLES, PAGES = ("text/css",), ("text/html",)

T = TypeVar("T")


class Shown:
    """What all requests share."""

    def __init__(self, place: Below, way: Way) -> None:
        self.place, self.way, self.jars = place, way, Jars()
        self.turns = asyncio.Semaphore(AT_ONCE)
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="labkit-apps")

    async def run(self, work: Callable[..., T], *words: Any) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._pool, work, *words)


def show(application: Any, home: Home) -> None:
    """Shows pages from now on. Shows none if the place cannot be recorded: nobody would know their addresses."""
    base = url_path_join(application.settings["base_url"], BELOW)
    place = Below(os.getpid(), base, secrets.token_urlsafe(32))
    with contextlib.suppress(OSError):
        address.write(home, place)
        application.settings[SHOWN] = Shown(place, Way(home))
        application.add_handlers(".*$", [(re.escape(base) + "([^/]*)/?([^/]*)(/.*)?", AppPage)])


@web.stream_request_body
class AppPage(web.RequestHandler):
    """One request. It is judged before its body is read."""

    shown: Shown
    service = prefix = target = host = ""

    def initialize(self) -> None:
        self.shown = self.settings[SHOWN]
        self._body, self._left = bytearray(), False
        self._answer: Answer | None = None

    def set_default_headers(self) -> None:
        for name, value in sandbox.OURS.items():
            self.set_header(name, value)
        self.clear_header("Server")

    def check_xsrf_cookie(self) -> None:
        """There are no cookies, and so nobody whose clicks could be forged."""

    def _log(self) -> None:
        """An address in a log would let its readers in."""

    def log_exception(self, *error: Any) -> None:
        if not isinstance(error[1], web.HTTPError):
            logging.getLogger("labkit").error("An app's page", exc_info=error)

    def prepare(self) -> None:
        # Tornado closes the connection of what is answered before its body was read, and does not say so: JupyterHub's proxy
        # would send the next request there.
        self.set_header("Connection", "close")
        self._judge()
        if not self._finished:
            self.clear_header("Connection")

    def _judge(self) -> None:
        place, (mark, service, path) = self.shown.place, self.path_args
        self.service, self.prefix = service, f"{place.base}{mark}/{service}/"
        # As it was sent: whatever has another way to write this address is not let in.
        raw, self.host = self.request.uri or "", self.request.host
        if not place.address(service) or not place.opens(mark, service) or not f"{raw}/".startswith(self.prefix):
            return self._say(
                404, "Nothing is shown here", "An app’s page has another address now.", "open it in the panel"
            )
        if not path:
            return self.redirect(self.prefix)
        self.target = raw[len(self.prefix) - 1 :]
        if not sandbox.HOSTS.fullmatch(self.host):
            return self._say(400, "No page", "The host name in this request is none.", "")
        if "Service-Worker" in self.request.headers:
            return self._say(403, "No page", "An app can have no service worker here.", "")
        size = self.request.headers.get("Content-Length", "0")
        if "Transfer-Encoding" in self.request.headers or not re.fullmatch("[0-9]{1,9}", size) or int(size) > LARGEST:
            told = f"Your request is longer than {LARGEST:,} bytes, or does not say how long it is."
            return self._say(413, "No page", told, "")
        if self.request.method == "OPTIONS" and "Access-Control-Request-Method" in self.request.headers:
            self.set_status(204)  # the page asks whether it may ask itself
            self.finish()
        return None

    def data_received(self, chunk: bytes) -> None:
        if not self._finished:
            self._body += chunk

    def on_connection_close(self) -> None:
        self._left = True
        if self._answer:
            self._answer.close()

    @allow_unauthenticated
    async def get(self, *_: str) -> None:
        try:
            await self._pass_on()
        except LabError as error:
            self._say(502, "No page", error.what, error.fix)
        except (StreamClosedError, HTTPException, OSError, TimeoutError):  # one of both sides broke off in the middle
            with contextlib.suppress(Exception):
                self.detach().close()

    head = post = put = patch = delete = options = get

    def _say(self, status: int, title: str, what: str, fix: str) -> None:
        then = f"<p>Next: <code>{html.escape(visible(fix))}</code></p>" if fix else ""
        self.set_status(status)
        self.set_header("Content-Type", "text/html; charset=utf-8")
        self.finish(PAGE.format(title=title, body=f"<p>{html.escape(visible(what))}</p>{then}"))

    def write_error(self, status_code: int, **_: Any) -> None:
        self._say(status_code, "No page", "This cannot be answered.", "")

    async def _pass_on(self) -> None:
        """Raises LabError if the app's answer has not begun."""
        shown = self.shown
        try:
            await asyncio.wait_for(shown.turns.acquire(), PATIENCE)
        except TimeoutError:
            told = f"{AT_ONCE} other requests are still waiting for their apps."
            raise LabError(told, "load this page again") from None
        try:
            self._answer = await shown.run(shown.way.ask, self.service, self._request())
            try:
                if not self._left:
                    said = await shown.run(sandbox.answered, self._answer.pieces(), self.request.method or "GET")
                    await self._tell(said, self._answer.place)
            finally:
                self._answer.close()
        finally:
            shown.turns.release()

    def _request(self) -> bytes:
        cookies = self.shown.jars.told(self.service, self.target)
        method, seen = self.request.method or "GET", (self.request.protocol, self.host, self.prefix)
        return sandbox.asked(method, self.target, self.request.headers.get_all(), seen, cookies, bytes(self._body))

    async def _tell(self, said: HTTPResponse, place: str) -> None:
        shown, headers = self.shown, said.headers
        shown.jars.keep(self.service, self.target, headers)
        self.set_status(said.status)
        self.clear_header("Content-Type")
        for name, value in sandbox.kept(headers):
            self.set_header(name, value)
        for name, value in sandbox.ALWAYS.items():
            self.set_header(name, value)
        self.set_header("Content-Security-Policy", sandbox.policy(self.host, self.prefix))
        self.set_header("X-Answered-By", visible(place))
        if there := headers.get("Location"):
            self.set_header("Location", links.location(self.target, there, self.prefix, self.host))
        led = links.leading(self.prefix, self.host)
        kind = headers.get_content_type() if "Content-Type" in headers else ""
        if kind in (*STYLES, *PAGES) and said.status != 206 and "Content-Encoding" not in headers:
            begun = await shown.run(said.read, links.MOST)
            more = await shown.run(said.read, 1)
            if not more:
                change = links.in_page if kind in PAGES else _style
                begun = await shown.run(change, begun, led)
            self.write(begun + more)
        while part := await shown.run(said.read1, 65536):
            self.write(part)
            await asyncio.wait_for(self.flush(), PATIENCE)
        self.finish()


def _style(content: bytes, led: links.Led) -> bytes:
    return links.in_style(content.decode("utf-8", "surrogateescape"), led).encode("utf-8", "surrogateescape")
