"""What this tool asks platforms for: a token, names and roles, line items, and to take a score. Call it in a thread."""

import json
import time
from collections.abc import Iterable, Mapping
from typing import Any

import requests
from pylti1p3.assignments_grades import AssignmentsGradesService
from pylti1p3.exception import LtiException, LtiServiceException
from pylti1p3.grade import Grade
from pylti1p3.lineitem import LineItem
from pylti1p3.names_roles import NamesRolesProvisioningService
from pylti1p3.service_connector import ServiceConnector, TServiceConnectorResponse

from labkit.classroom.gradebook import Item, Learner
from labkit.classroom.lti import launch as launches
from labkit.classroom.lti import scoring
from labkit.classroom.lti.launch import Course
from labkit.classroom.lti.platforms import Keys, Platform, registration, safe
from labkit.classroom.lti.scoring import Answer, Pending
from labkit.errors import LabError

TIMEOUT = (5.0, 15.0)
"""Seconds to connect, and between two bytes of the answer."""


class Careful(requests.Session):
    """requests waits for ever, follows redirects with the token, and takes passwords from ~/.netrc. This one does not."""

    def __init__(self) -> None:
        super().__init__()
        self.trust_env = False
        self.headers["User-Agent"] = "registry-lab"

    def request(self, *args: Any, **kwargs: Any) -> requests.Response:
        response = super().request(*args, **{"timeout": TIMEOUT, **kwargs, "allow_redirects": False})
        if response.is_redirect:
            raise requests.TooManyRedirects("the platform sends us elsewhere", response=response)
        return response


class Connector(ServiceConnector):
    """Tokens are kept until shortly before they end, for each client: pylti1p3's own key has the issuer only, and Canvas in the
    cloud is one issuer for all schools."""

    def __init__(self, platform: Platform, keys: Keys, session: requests.Session, tokens: dict[str, tuple[str, float]]):
        super().__init__(registration(platform, keys), session)
        self._tokens = tokens
        self._platform = platform

    def _scope_key(self, scopes: Iterable[str]) -> str:
        return " ".join((self._platform.issuer, self._platform.client, *sorted(scopes)))

    def _get_cached_access_token(self, scope_key: str) -> str | None:
        token, until = self._tokens.get(scope_key, ("", 0.0))
        return token if time.monotonic() < until else None

    def _cache_access_token(self, scope_key: str, access_token: str, expires_in: float) -> None:
        self._tokens[scope_key] = (access_token, time.monotonic() + float(expires_in) - 60)

    def forget_tokens(self) -> None:
        """Where the platform does not know them any more."""
        mine = f"{self._platform.issuer} {self._platform.client} "
        for name in [name for name in self._tokens if name.startswith(mine)]:
            del self._tokens[name]

    def make_service_request(self, scopes: Any, url: str, **more: Any) -> TServiceConnectorResponse:
        if not safe(url):
            raise LtiException(f"{url!r} is not an https:// address")
        return super().make_service_request(scopes, url, **more)


class Told(Grade):
    """A score as `scoring.body` has it."""

    def __init__(self, score: dict[str, Any]) -> None:
        self._score = score

    def get_value(self) -> str:
        return json.dumps(self._score, allow_nan=False)


class Services:
    """The platforms' services. May be used by several threads."""

    def __init__(self, platforms: tuple[Platform, ...], keys: Keys, session: requests.Session | None = None) -> None:
        self._platforms = {(one.issuer, one.client): one for one in platforms}
        self._keys, self._session = keys, session or Careful()
        self._tokens: dict[str, tuple[str, float]] = {}

    def _connector(self, issuer: str, client: str) -> Connector:
        """Raises LabError where that platform is not registered."""
        found = self._platforms.get((issuer, client))
        if found is None:
            raise LabError(f"The platform {issuer} is not registered with the client {client}.", "add it to the file")
        return Connector(found, self._keys, self._session, self._tokens)

    def post(self, sent: Pending) -> tuple[Answer, str, float]:
        """Sends a score: what came of it, the problem if there is one, and how many seconds the platform asks us to wait. Never
        raises: what fails here is tried again."""
        connector = None
        try:
            connector = self._connector(sent.key.issuer, sent.key.client)
            service = AssignmentsGradesService(connector, {"scope": [launches.SCORE], "lineitem": sent.key.item})  # type: ignore[list-item]
            service.put_grade(Told(scoring.body(sent)))
        except LtiServiceException as error:
            answer = self._judged(error.response, sent)
            if error.response.status_code == 401 and connector:
                connector.forget_tokens()
            return answer, _problem(error.response), _wait(error.response)
        except requests.JSONDecodeError:
            return Answer.TAKEN, "", 0.0  # with an answer that is no JSON
        except (requests.RequestException, LtiException, LabError, KeyError, TypeError, ValueError) as error:
            return Answer.LATER, _short(f"{type(error).__name__}: {error}"), 0.0
        return Answer.TAKEN, "", 0.0

    def _judged(self, response: requests.Response, sent: Pending) -> Answer:
        """A refused token is the registration's fault, and somebody may mend that: it is not the end of the score."""
        token = self._platforms[sent.key.issuer, sent.key.client].token
        if response.ok or response.url.partition("?")[0] == token.partition("?")[0]:
            return Answer.LATER
        return scoring.judged(response.status_code, response.text[:2000])

    def members(self, course: Course) -> tuple[Learner, ...]:
        """The learners of the course. Raises LabError."""
        if not course.members:
            raise LabError(f"{course.issuer} does not tell names and roles.", "allow the tool to use them there")
        connector = self._connector(course.issuer, course.client)
        service = NamesRolesProvisioningService(connector, {"context_memberships_url": course.members})
        try:
            return launches.people([dict(member) for member in service.get_members()], course.issuer)
        except (LtiException, requests.RequestException, AttributeError, KeyError, TypeError, ValueError) as error:
            raise LabError(
                f"{course.issuer} did not tell names and roles: {_short(str(error))}.", "try again"
            ) from error

    def line_items(
        self, course: Course, items: Iterable[Item], workshop: str, have: Mapping[str, str] | None = None
    ) -> dict[str, str]:
        """{exercise: the URL of its line item}: those that we have and the platform still has, else found by their tag, else
        made where a link leads to the whole workshop: a link for one exercise brings its own. An exercise without points has
        none. Raises LabError."""
        wanted = {item.exercise: item for item in items if item.maximum > 0}
        may = bool(course.items) and launches.LINEITEM in course.scopes
        if not may and not (have and not course.whole):
            raise LabError(
                f"{course.issuer} does not let the tool make line items.",
                "allow it there, or add a link for each exercise",
            )
        if not may:
            return dict(have or {})
        connector = self._connector(course.issuer, course.client)
        service = AssignmentsGradesService(connector, {"scope": [launches.LINEITEM], "lineitems": course.items})  # type: ignore[list-item]
        try:
            there = [(str(one.get("id")), one.get("tag"), one.get("resourceId")) for one in service.get_lineitems()]
            known = {tag: url for url, tag, resource in there if resource == workshop}
            urls = {url for url, _, _ in there}
            made = {}
            for exercise, item in wanted.items():
                held = (have or {}).get(exercise, "")
                url = held if held in urls else known.get(exercise, "")
                if not url and course.whole:
                    url = _new(service, item, workshop)
                if url:
                    made[exercise] = url
            return made
        except (LtiException, requests.RequestException, AttributeError, KeyError, TypeError, ValueError) as error:
            raise LabError(f"{course.issuer} did not make line items: {_short(str(error))}.", "try again") from error


def _new(service: AssignmentsGradesService, item: Item, workshop: str) -> str:
    told = LineItem().set_tag(item.exercise).set_label(item.title or item.exercise)
    told.set_resource_id(workshop).set_score_maximum(item.maximum)
    return str(service.create_lineitem(told).get_id())


def _problem(response: requests.Response) -> str:
    return _short(f"{response.status_code} {response.reason}: {response.text[:300]}")


def _wait(response: requests.Response) -> float:
    """Retry-After in seconds; a date counts as nothing, and our own pauses grow anyway."""
    told = response.headers.get("retry-after", "")
    return float(told) if told.isascii() and told.isdigit() else 0.0


def _short(text: str) -> str:
    return text if len(text) <= 300 else f"{text[:300]}…"
