"""The workshop as an LTI tool: its pages, as Starlette routes for an app to mount.

`on_launch` gets each launch that was checked and answers the browser: it signs the person in, and leads on to a page of its
own. Where to is never taken from the message's `target_link_uri`, nor from anything else that a sender chooses.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

import jwt
import requests
from anyio import CapacityLimiter, to_thread
from pylti1p3.deep_link import DeepLink
from pylti1p3.deep_link_resource import DeepLinkResource
from pylti1p3.exception import LtiException, OIDCException, ToolConfException
from pylti1p3.lineitem import LineItem
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from labkit.classroom.gradebook import Item
from labkit.classroom.lti import launch as launches
from labkit.classroom.lti.launch import Launch
from labkit.classroom.lti.outbox import Outbox
from labkit.classroom.lti.platforms import Keys, Platform, Registered, registration, safe
from labkit.classroom.lti.services import Careful
from labkit.classroom.lti.web import LEEWAY, Cookies, Form, Login, Message, Session, form
from labkit.errors import LabError
from labkit.text import visible

OnLaunch = Callable[[Request, Launch], Awaitable[Response]]


@dataclass(frozen=True)
class Choice:
    """What a teacher can make links for."""

    name: str
    answer: str
    """The signed answer (JWT), as a form brings it to the platform."""


OnChoice = Callable[[Request, Launch, str, Sequence[Choice]], Awaitable[Response]]
"""Gets the address too to which the platform wants the answer."""

LARGEST = 256 * 1024
"""Bytes of a message. Moodle's and Canvas's have about 4 kB."""

AT_ONCE = 8
"""Messages that are checked at the same time, in threads of their own: each asks the platform for its keys, before it is known
who sends it. A platform that hangs must not take all threads in which others are served."""

ODD = (LtiException, OIDCException, ToolConfException, jwt.PyJWTError, requests.RequestException)
FORGED = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError, RecursionError)
"""What pylti1p3 raises for messages that are no JWT of an object."""


class Refused(Exception):
    """A message that is not taken: a sentence for people, and the HTTP status."""

    def __init__(self, what: str, status: int = 400) -> None:
        super().__init__(what)
        self.status = status


class Tool:
    """`address` is where the routes can be reached from browsers, as https://lab.example/lti."""

    def __init__(
        self,
        address: str,
        platforms: tuple[Platform, ...],
        keys: Keys,
        outbox: Outbox,
        clock: Callable[[], float],
        session: requests.Session | None = None,
    ) -> None:
        self._address = address.rstrip("/")
        self._platforms, self._keys, self._outbox, self._clock = platforms, keys, outbox, clock
        self._session = session or Careful()
        self._checks = CapacityLimiter(AT_ONCE)

    def routes(
        self, on_launch: OnLaunch, on_choice: OnChoice, items: Callable[[], tuple[str, Sequence[Item]]]
    ) -> list[Route]:
        """`items` tells the workshop and what a teacher can make links for, now."""

        async def launch(request: Request) -> Response:
            asked = await self._form(request)
            cookies = Cookies(asked)
            launched = await to_thread.run_sync(self._checked, asked, cookies, limiter=self._checks)
            if launched.deep is not None:
                back, choices = await run_in_threadpool(self._choices, launched, items)
                response: Response = await on_choice(request, launched, back, choices)
            else:
                response = await on_launch(request, launched)
            cookies.forget(asked.get_param("state"))
            cookies.update(response)
            return response

        return [
            Route("/login", told(self._login), methods=["GET", "POST"]),
            Route("/launch", told(launch), methods=["POST"]),
            Route("/keys", self._keys_page, methods=["GET"]),
        ]

    async def _form(self, request: Request) -> Form:
        size = request.headers.get("content-length", "")
        if request.method == "POST" and not (size.isascii() and size.isdigit() and int(size) <= LARGEST):
            raise Refused(f"A message must say its length, at most {LARGEST} bytes.", 413)
        return await form(request)

    async def _login(self, request: Request) -> Response:
        """The platform says that somebody comes; we ask it who. Its address comes from the registration."""
        asked = await self._form(request)
        cookies = Cookies(asked)
        login = Login(asked, self._registered(), session_service=Session(asked, cookies), cookie_service=cookies)
        response: Response = login.redirect(f"{self._address}/launch")
        return response

    def _checked(self, asked: Form, cookies: Cookies) -> Launch:
        """Raises Refused and what pylti1p3 raises."""
        message = Message(
            asked,
            self._registered(),
            session_service=Session(asked, cookies),
            cookie_service=cookies,
            requests_session=self._session,
        )
        message.validate()
        claims = dict(message.get_launch_data())
        launched = launches.read(claims)
        nonce = f"{launched.issuer} {launched.client} {claims['nonce']}"
        if not self._outbox.use(nonce, self._clock(), float(str(claims["exp"])) + 2 * LEEWAY):
            raise Refused("This message was used before.")
        return launched

    def _registered(self) -> Registered:
        return Registered(self._platforms, self._keys)

    async def _keys_page(self, request: Request) -> Response:
        return JSONResponse(self._keys.published(), headers={"cache-control": "max-age=300"})

    def _choices(self, launched: Launch, items: Callable[[], tuple[str, Sequence[Item]]]) -> tuple[str, list[Choice]]:
        """A teacher makes links: where the answer goes, and one for each exercise, one for the whole workshop, and one for all
        exercises where the platform takes several. They are signed here, so nothing has to be kept between two pages."""
        deep = launched.deep or {}
        back = str(deep.get("deep_link_return_url", ""))
        if not launched.teaches:
            raise Refused("Only a teacher of the course can add links.", 403)
        if not safe(back):
            raise Refused("The platform does not say where to bring the links.")
        platform = self._registered().platform(launched.issuer, launched.client)
        assert platform is not None  # the message was checked
        answer = DeepLink(registration(platform, self._keys), launched.deployment, dict(deep))  # type: ignore[arg-type]
        workshop, found = items()
        each = [self._resource(item, workshop) for item in found]
        choices = [("The whole workshop, with one link", [self._whole(workshop)])]
        if str(deep.get("accept_multiple", "")).lower() == "true":
            choices.append(("All exercises, a link for each", each))
        choices += [(f"{item.exercise} {item.title}", [one]) for item, one in zip(found, each, strict=True)]
        return back, [Choice(name, str(answer.get_response_jwt(resources))) for name, resources in choices]

    def _whole(self, workshop: str) -> DeepLinkResource:
        return DeepLinkResource().set_url(f"{self._address}/launch").set_title(f"Registry Lab: {workshop}")

    def _resource(self, item: Item, workshop: str) -> DeepLinkResource:
        made = DeepLinkResource().set_url(f"{self._address}/launch").set_title(f"{item.exercise} {item.title}".strip())
        made.set_custom_params({"exercise": item.exercise})
        if item.maximum > 0:
            column = LineItem().set_score_maximum(item.maximum).set_label(item.title).set_tag(item.exercise)
            made.set_lineitem(column.set_resource_id(workshop))
        return made


def told(page: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """The page, with a sentence instead of a traceback for every message that is not taken. The sentence is plain text."""

    async def answer(request: Request) -> Response:
        try:
            return await page(request)
        except Refused as refused:
            what, status = str(refused), refused.status
        except LabError as error:
            what, status = str(error), 500
        except (*ODD, *FORGED) as error:
            what, status = f"This sign-in was not taken: {error}. Open the link in your course again.", 400
            if "State not found" in what:
                what += (
                    " If this comes again, your browser keeps no cookies in frames: have the link open in a new window."
                )
        headers = {"x-content-type-options": "nosniff", "cache-control": "no-store"}
        return PlainTextResponse(visible(what)[:400], status, headers)

    return answer
