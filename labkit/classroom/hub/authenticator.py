"""How learners sign in at JupyterHub: by the classroom. It knows codes, links and limits; here nothing can be guessed.

browser  → /hub/labkit/sign-in       keeps a random state in a cookie
         → classroom /jupyter/pass   whoever is signed in there gets a code, once, for a minute
         → /hub/labkit/entered       compares the state, and asks the classroom whose code this is
"""

import hashlib
import hmac
import json
import secrets
from typing import Any

from jupyterhub.auth import Authenticator
from jupyterhub.handlers.base import BaseHandler
from jupyterhub.utils import url_path_join
from tornado import web
from tornado.httputil import url_concat
from traitlets import Any as Whatever

from labkit.classroom.hub import asking
from labkit.classroom.hub.config import INSTRUCTORS, Secrets, Settings
from labkit.errors import LabError

STATE, SERVER = "labkit-state", "labkit-server"
"""Cookies: of a sign-in that has begun, and whose browser it is (proxy.mjs reads that)."""
SIGN_IN, ENTERED = "labkit/sign-in", "labkit/entered"
FIVE_MINUTES = 5 / 24 / 60
"""In days."""


class RosterAuthenticator(Authenticator):  # type: ignore[misc]
    """Lets in whom the classroom names."""

    auto_login = True
    settings = Whatever(help="a Settings").tag(config=True)
    kept = Whatever(help="a Secrets").tag(config=True)

    def login_url(self, base_url: str) -> str:
        return str(url_path_join(base_url, SIGN_IN))

    def get_handlers(self, app: Any) -> list[tuple[str, type[BaseHandler]]]:
        return [(f"/{SIGN_IN}", SignIn), (f"/{ENTERED}", Entered)]

    async def authenticate(self, handler: BaseHandler, data: dict[str, str]) -> dict[str, Any] | None:
        """`data` has the code. None where the classroom refuses it."""
        try:
            told = await asking.ask(self.settings, self.kept, "/api/hub/sign-in", {"code": data["code"]})
        except LabError as error:
            self.log.warning("%s", error)
            return None
        return {"name": told["name"], "groups": told["groups"]}


class _Handler(BaseHandler):  # type: ignore[misc]
    @property
    def known(self) -> tuple[Settings, Secrets]:
        return self.authenticator.settings, self.authenticator.kept


class SignIn(_Handler):
    """Sends the browser to the classroom, under the name by which it knows this machine."""

    async def get(self) -> None:
        settings, _ = self.known
        state = secrets.token_urlsafe(24)
        told = json.dumps({"state": state, "next": self.get_argument("next", "")})
        self.set_secure_cookie(
            STATE, told, expires_days=FIVE_MINUTES, path=self.hub.base_url, secure=True, httponly=True, samesite="Lax"
        )
        place = f"https://{self.request.host_name}:{settings.classroom_port}/jupyter/pass"
        self.redirect(url_concat(place, {"state": state}))


class Entered(_Handler):
    """Back from the classroom."""

    async def get(self) -> None:
        _, kept = self.known
        begun = self.get_secure_cookie(STATE, max_age_days=FIVE_MINUTES)
        self.clear_cookie(STATE, path=self.hub.base_url)
        told = json.loads(begun) if begun else {"state": "", "next": ""}
        if not begun or not hmac.compare_digest(told["state"].encode(), self.get_argument("state", "").encode()):
            raise web.HTTPError(403, "This sign-in was not begun here, or it took too long. Open JupyterLab again.")
        user = await self.login_user({"code": self.get_argument("code", "")})
        if user is None:
            raise web.HTTPError(403, "The classroom does not know this code. Open JupyterLab from your page again.")
        self.set_cookie(SERVER, signed(kept, user.name), path="/user/", secure=True, httponly=True, samesite="Lax")
        first = "admin" if INSTRUCTORS in [group.name for group in user.groups] else "spawn"
        # Not get_next_url: it hands the code on. This refuses places outside.
        self.redirect(self._validate_next_url(told["next"]) or url_path_join(self.hub.base_url, first))


def signed(kept: Secrets, name: str) -> str:
    """The cookie with which the proxy lets a browser to the server of this user."""
    return f"{name}.{hmac.new(kept.guard.encode(), name.encode(), hashlib.sha256).hexdigest()}"
