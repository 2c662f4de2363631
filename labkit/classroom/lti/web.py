"""pylti1p3 for ASGI (Starlette): its request, cookies, session and redirect.

pylti1p3 keeps what a login said in a server's session, takes the same message twice, one without an end for ever, and no clock
but its own. Here the browser keeps the login: one cookie for each, named by its state, with the nonce as its value. So nobody
can fill a store with logins, and no two logins mix. A message is taken once: the tool remembers the nonces of those that it
took (`tool`).
"""

from http.cookies import SimpleCookie
from typing import Any

import jwt
from pylti1p3.cookie import CookieService
from pylti1p3.exception import LtiMessageValidationException
from pylti1p3.message_launch import MessageLaunch
from pylti1p3.oidc_login import OIDCLogin
from pylti1p3.redirect import Redirect
from pylti1p3.request import Request as Asked
from pylti1p3.session import SessionService
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

LIFETIME = 300
"""Seconds between a login and its message."""

PREFIX = "__Host-lti-"
"""Browsers take such a cookie only over TLS, from this very host: a neighbour's page cannot plant one."""


class Form(Asked):
    """A request whose form was read: reading it is asynchronous, and pylti1p3 is not."""

    def __init__(self, request: Request, values: dict[str, str]) -> None:
        self.cookies, self._values = request.cookies, values

    @property
    def session(self) -> Any:
        return {}

    def is_secure(self) -> bool:
        return True

    def get_param(self, key: str) -> str:
        return self._values.get(key, "")


async def form(request: Request) -> Form:
    """The values of a POST's form, else of the address. Of equal names the last. Files are left out."""
    found = await request.form() if request.method == "POST" else request.query_params
    return Form(request, {name: value for name, value in found.items() if isinstance(value, str)})


class Cookies(CookieService):
    """Collects the cookies that a response is to set."""

    def __init__(self, asked: Form) -> None:
        self._asked = asked
        self._set: dict[str, tuple[str, int]] = {}

    def get_cookie(self, name: str) -> str | None:
        """pylti1p3 compares a state's cookie with the state itself."""
        return name if self.nonce(name) else None

    def nonce(self, state: str) -> str:
        """The nonce of the login that had this state, in this browser; "" where there was none."""
        return self._asked.cookies.get(PREFIX + state, "")

    def set_cookie(self, name: str, value: str | int, exp: int | None = LIFETIME) -> None:
        self._set[PREFIX + name] = (str(value), LIFETIME if exp is None else exp)

    def forget(self, state: str) -> None:
        self._set[PREFIX + state] = ("", 0)

    def bind(self, nonce: str) -> None:
        """The login's nonce becomes the value of its cookie."""
        self._set = {name: (nonce, lifetime) for name, (_, lifetime) in self._set.items()}

    def update(self, response: Response) -> None:
        """Partitioned, since a platform shows the tool in a frame, and browsers keep other cookies from there. Python's own
        cookies learn that word with 3.14."""
        for name, (nonce, lifetime) in self._set.items():
            cookie = SimpleCookie({name: nonce})
            about = {"path": "/", "max-age": lifetime, "samesite": "None", "secure": True, "httponly": True}
            for word, value in about.items():
                cookie[name][word] = value
            response.headers.append("set-cookie", f"{cookie.output(header='').strip()}; Partitioned")


class Session(SessionService):
    """What pylti1p3 asks of a session, from the cookie."""

    def __init__(self, asked: Form, cookies: Cookies) -> None:
        super().__init__(asked)
        self._asked, self._cookies = asked, cookies

    def save_nonce(self, nonce: str) -> None:
        self._cookies.bind(nonce)

    def check_nonce(self, nonce: str) -> bool:
        return bool(nonce) and self._cookies.nonce(self._asked.get_param("state")) == nonce

    def check_state_is_valid(self, state: str, id_token_hash: str) -> bool:
        """pylti1p3 would take the same message again without its cookie."""
        return False

    def set_state_valid(self, state: str, id_token_hash: str) -> None:
        pass

    def save_launch_data(self, key: str, jwt_body: Any) -> None:
        """The launch is read at once (`launch`), and nothing of it is kept here."""


class Onward(Redirect[Response]):
    def __init__(self, url: str, cookies: Cookies) -> None:
        self._url, self._cookies = url, cookies

    def do_redirect(self) -> Response:
        response = RedirectResponse(self._url, status_code=303)
        self._cookies.update(response)
        return response

    def do_js_redirect(self) -> Response:
        return self.do_redirect()

    def set_redirect_url(self, location: str) -> None:
        self._url = location

    def get_redirect_url(self) -> str:
        return self._url


class Login(OIDCLogin[Form, Any, Session, Cookies, Response]):
    def get_redirect(self, url: str) -> Redirect[Response]:
        return Onward(url, self._cookie_service)


LEEWAY = 60
"""Seconds by which the platform's clock and ours may differ."""

NEEDED = ["iss", "aud", "sub", "exp", "iat", "nonce"]


class Message(MessageLaunch[Form, Any, Session, Cookies]):
    def _get_request_param(self, key: str) -> str:
        return self._request.get_param(key)

    def validate_jwt_signature(self) -> "Message":
        """RS256 only (1EdTech Security Framework 5.1.1), for this client alone, not expired, with everything that is needed."""
        key, algorithm = self.get_public_key()
        if algorithm != "RS256":
            raise LtiMessageValidationException(f"the message is signed with {algorithm}, not RS256")
        client = self.get_client_id()
        try:
            claims = jwt.decode(
                self._get_id_token(),
                key,
                algorithms=["RS256"],
                audience=client,
                issuer=self.get_iss(),
                leeway=LEEWAY,
                options={"require": NEEDED},
            )
        except jwt.InvalidTokenError as error:
            raise LtiMessageValidationException(str(error)) from error
        audience = claims["aud"]
        if isinstance(audience, list) and len(audience) > 1 and claims.get("azp") != client:
            raise LtiMessageValidationException("the message is for several tools, and not said to be for this one")
        return self
