"""Tries what a registration says: are the addresses there, and does the platform know this tool? Nothing is changed there."""

from dataclasses import dataclass

import requests
from pylti1p3.exception import LtiException, LtiServiceException

from labkit.classroom.lti import launch as launches
from labkit.classroom.lti.platforms import Keys, Platform
from labkit.classroom.lti.services import Careful, Connector, problem_of

SCOPES = (launches.SCORE, launches.LINEITEM, launches.MEMBERS)
WORDS = {launches.SCORE: "scores", launches.LINEITEM: "line items", launches.MEMBERS: "names and roles"}


@dataclass(frozen=True)
class Finding:
    """What was tried, and what to do where it did not work."""

    good: bool
    what: str
    fix: str = ""


def check(platform: Platform, keys: Keys, session: requests.Session | None = None) -> list[Finding]:
    """Asks for the platform's keys, its login and a token. Raises LabError where the tool has no key itself."""
    asking = session or Careful()
    return [_keys(platform, asking), _login(platform, asking), *_tokens(platform, keys, asking)]


def _keys(platform: Platform, session: requests.Session) -> Finding:
    fix = "compare `keys` with what the platform calls public keyset URL"
    try:
        answer = session.get(platform.keys)
        told = answer.json() if answer.ok else {}
    except (requests.RequestException, ValueError) as error:
        return Finding(False, f"keys: {_why(error)}", fix)
    found = told.get("keys") if isinstance(told, dict) else None
    if not answer.ok:
        return Finding(False, f"keys: {problem_of(answer)}", fix)
    if not isinstance(found, list) or not any(isinstance(one, dict) and one.get("kty") == "RSA" for one in found):
        return Finding(False, "keys: what is there is no set of keys with an RSA key in it", fix)
    return Finding(True, f"keys: {len(found)} there")


def _login(platform: Platform, session: requests.Session) -> Finding:
    """That a server answers is all that can be seen without a login under way: Moodle says "not found" to such a request."""
    try:
        session.get(platform.login)
    except requests.TooManyRedirects:
        pass  # to a page where people sign in
    except requests.RequestException as error:
        fix = "compare `login` with what the platform calls authentication request URL"
        return Finding(False, f"login: {_why(error)}", fix)
    return Finding(True, "login: a server answers; only a launch shows whether the address is right")


def _tokens(platform: Platform, keys: Keys, session: requests.Session) -> list[Finding]:
    """One token for each service: a platform may allow some of them."""
    found = []
    for scope in SCOPES:
        try:
            Connector(platform, keys, session, {}).get_access_token([scope])
        except LtiServiceException as error:
            fix = "compare `client`, `token` and `audience`; give the platform this tool's keys; allow it there"
            found.append(Finding(False, f"token for {WORDS[scope]}: {problem_of(error.response)}", fix))
        except (LtiException, requests.RequestException, KeyError, TypeError, ValueError) as error:
            fix = "compare `token` with what the platform calls access token URL"
            found.append(Finding(False, f"token for {WORDS[scope]}: {_why(error)}", fix))
        else:
            found.append(Finding(True, f"token for {WORDS[scope]}: given"))
    return found


def _why(error: Exception) -> str:
    told = str(error)
    if "CERTIFICATE_VERIFY_FAILED" in told:
        return "its certificate is not one that this machine trusts"
    return f"{type(error).__name__}: {told[:200]}"
