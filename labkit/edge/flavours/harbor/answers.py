"""What the answers of Harbor's API have in common: errors, dates, and lists that are told page by page.

Read in goharbor/harbor: src/lib/errors, src/lib/link.go, src/server/v2.0/handler/base.go, and api/v2.0/swagger.yaml (page,
page_size, q).
"""

import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from ..routes import Call, Reply

MOST = 200
"""Projects, robots, and rules or members of one project."""

SIZE, LARGEST = 10, 100
"""Entries of a page where no number is asked for, and at most."""


def refused(status: int, code: str, message: str) -> Reply:
    return Reply(status, {"errors": [{"code": code, "message": message}]})


UNAUTHORIZED = refused(401, "UNAUTHORIZED", "unauthorized: unauthorized")
FORBIDDEN = refused(403, "FORBIDDEN", "forbidden")
FULL = refused(403, "DENIED", "this stand-in keeps no more of them")


def without(call: Call) -> Reply:
    """The answer to one without the right."""
    return UNAUTHORIZED if call.user is None else FORBIDDEN


def wrong(message: str) -> Reply:
    return refused(400, "BAD_REQUEST", message[:300])


def missing(message: str) -> Reply:
    return refused(404, "NOT_FOUND", message[:300])


def date(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime(seconds))


def paged(call: Call, found: list[dict[str, Any]]) -> Reply:
    """A page of these, of those that the query `q` asks for: `key=value`, or `key=~value` for what contains it."""
    try:
        kept = [one for one in found if all(_is(one, *part) for part in asked(call).items())]
        page, size = _number(call.query, "page", 1), _number(call.query, "page_size", SIZE)
    except ValueError as odd:
        return wrong(str(odd))
    if size > LARGEST:
        told = f"validation failure list:\npage_size in query should be less than or equal to {LARGEST}"
        return refused(422, "UNPROCESSABLE_ENTITY", told)
    headers = {"X-Total-Count": str(len(kept))}
    if size <= 0:
        return Reply(200, kept, headers)
    page = max(page, 1)
    beside = [("prev", page - 1)] if page > 1 and (page - 1) * size < len(kept) else []
    beside += [("next", page + 1)] if page * size < len(kept) else []
    if beside:
        headers["Link"] = " , ".join(f'<{_address(call, number, size)}>; rel="{name}"' for name, number in beside)
    return Reply(200, kept[(page - 1) * size : page * size], headers)


def asked(call: Call) -> dict[str, str]:
    """What the query `q` asks for. Raises ValueError for what this stand-in cannot read."""
    text = call.query.get("q", "")
    found = {}
    for part in text.split(",") if text else []:
        key, _, value = part.partition("=")
        if not key or not value:
            raise ValueError('the query string must contain "=" and the key/value cannot be empty')
        if value[0] in "[{(":
            raise ValueError("this stand-in of the lab knows the queries key=value and key=~value only")
        found[key.lower()] = value
    return found


def _is(one: Mapping[str, Any], key: str, value: str) -> bool:
    held = one.get(key)
    if not isinstance(held, (str, int)):
        raise ValueError(f"this stand-in of the lab knows no query by {key} here")
    text = str(held).lower() if isinstance(held, bool) else str(held)
    return value[1:] in text if value.startswith("~") else text == value


def _number(query: Mapping[str, str], name: str, default: int) -> int:
    text = query.get(name, str(default))
    if not text.removeprefix("-").isdecimal() or len(text) > 9:
        raise ValueError(f"{name} in query must be of type int64")
    return int(text)


def _address(call: Call, page: int, size: int) -> str:
    query = sorted({**call.query, "page": str(page), "page_size": str(size)}.items())
    return f"{call.path}?{urlencode(query, safe='=~/')}"
