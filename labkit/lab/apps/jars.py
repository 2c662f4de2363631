"""Cookies of apps whose pages have none in the browser: kept here for each service, as long as this process runs."""

from email.message import Message
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from typing import cast
from urllib.request import Request

MOST = 50
"""Cookies of one app. If it sets more, all are forgotten."""
LONGEST = 8192
"""The most letters that an app is sent."""


class Jars:
    def __init__(self) -> None:
        self._jars: dict[str, CookieJar] = {}

    def told(self, service: str, target: str) -> str:
        """The cookies with which to ask for a path of this app's; "" for none."""
        asked = _request(service, target)
        self._jar(service).add_cookie_header(asked)
        found = asked.get_header("Cookie", "") or ""
        return found if len(found) <= LONGEST else ""

    def keep(self, service: str, target: str, headers: Message) -> None:
        """What the app has set with its answer for that path."""
        jar = self._jar(service)
        jar.extract_cookies(cast(HTTPResponse, _Answer(headers)), _request(service, target))
        if len(jar) > MOST:
            jar.clear()

    def _jar(self, service: str) -> CookieJar:
        return self._jars.setdefault(service.lower(), CookieJar())


class _Answer:
    def __init__(self, headers: Message) -> None:
        self._headers = headers

    def info(self) -> Message:
        return self._headers


def _request(service: str, target: str) -> Request:
    # https, so that cookies for HTTPS only come along: the browser's connection has it.
    return Request(f"https://{service.lower()}.localhost{target}")
