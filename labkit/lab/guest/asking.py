"""Asks the owner's service (labkit/lab/owner/service.py)."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec

from labkit.errors import LabError
from labkit.lab import find
from labkit.lab.engine.engines import Say
from labkit.lab.engine.wire import Wire, WireError, tls_context
from labkit.lab.lab import Lab
from labkit.seen import signature
from labkit.seen.claims import Claims
from labkit.seen.observation import Observation
from labkit.work import keeping

FILE = "guest.json"
"""In a guest's folder: the owner's address and the lab's name."""

PATIENCE = 30.0
"""An answer may take this many seconds; a machine that does not answer the owner takes five of them."""

LONGEST = 1024 * 1024
"""The owner accepts at most this many bytes in a request."""


def wire(owner: str, keys: Path, timeout: float | None = PATIENCE) -> Wire:
    """A connection to the owner's service. Raises LabError where the guest's keys are missing."""
    try:
        tls = tls_context(keys)
    except OSError as error:
        raise LabError(
            f"Your keys for the lab are missing: {keys}.", "ask the lab's owner: labkit invite FOLDER"
        ) from error
    return Wire(owner, tls, timeout)


def get(owner: str, keys: Path, path: str, method: str = "GET", body: Any = None) -> Any:
    """Raises LabError if the owner refuses, WireError if the owner does not answer."""
    with wire(owner, keys) as asked:
        try:
            return json.loads(asked.request(method, path, body))
        except WireError as error:
            if error.status:
                raise LabError(f"The lab's owner says: {error}", f"ask the owner: {owner}") from error
            raise


def observe(lab: Lab, owner: str, sections: Sequence[str], said: Claims) -> Observation:
    """What the owner sees of the lab now, with what this side says, under the owner's signature. Raises LabError."""
    body = {"sections": list(sections), "said": msgspec.to_builtins(said)}
    if len(json.dumps(body)) > LONGEST:
        raise LabError(f"Your answers are too long: together they may have {LONGEST:,} bytes.", "shorten your answers")
    try:
        told = get(owner, lab.keys, "/observation", "POST", body)
        seen = Observation.read(told)
    except WireError as error:
        raise silent(owner, error) from error
    except (msgspec.ValidationError, ValueError, KeyError, TypeError) as error:
        raise LabError(
            f"The lab's owner sent an observation that this labkit cannot read: {error}.", "compare labkit --version"
        ) from error
    if seen.signature.value and signature.message(seen.data()) != signature.message(told):
        raise LabError(
            "The lab's owner signs observations in a form that this labkit does not know.", "compare labkit --version"
        )
    return seen


def desk(lab: Lab, owner: str, wish: dict[str, Any]) -> Any:
    """What the registries' desk answers to this wish (operations.py: Wish). Raises LabError."""
    try:
        return get(owner, lab.keys, "/desk", "POST", wish)
    except WireError as error:
        raise silent(owner, error) from error


def reset(lab: Lab, owner: str, slugs: Sequence[str] | None, say: Say) -> Lab:
    """Returns the lab as it is then. Raises LabError."""
    end = _steps(lab, owner, "/reset", {"exercises": slugs}, say)
    if "done" not in end:
        raise LabError(
            end.get("failed", "The connection to the lab's owner ended before the reset was complete."),
            end.get("fix", "labkit reset"),
        )
    return find.current(lab.home)


def trial(lab: Lab, owner: str, slug: str, say: Say, only: Sequence[str]) -> bool:
    """Whether there was anything to try. Raises LabError."""
    end = _steps(lab, owner, "/trial", {"exercise": slug, "only": list(only)}, say)
    if "done" not in end:
        raise LabError(
            end.get("failed", "The connection to the lab's owner ended before your pipeline was tried."),
            end.get("fix", f"labkit check {slug}"),
        )
    return bool(end["done"])


def _steps(lab: Lab, owner: str, path: str, body: dict[str, Any], say: Say) -> dict[str, Any]:
    """Has something long done, and says how far it is. Returns how it ended, empty where nobody said. Raises LabError."""
    end: dict[str, Any] = {}
    with wire(owner, lab.keys, timeout=600) as asked:
        try:
            for step in asked.lines(path, "POST", body):
                if "says" in step:
                    say(step["says"])
                else:
                    end = step
        except WireError as error:
            raise silent(owner, error) from error
    return end


def silent(owner: str, error: Exception) -> LabError:
    return LabError(f"The lab's owner does not answer at {owner}: {error}.", "ask the owner: labkit invite FOLDER")


def address(owner: str) -> tuple[str, int]:
    """Host and port."""
    parts = urlsplit(owner)
    return parts.hostname or "", parts.port or 443


def invitation(folder: Path) -> tuple[str, str]:
    """The owner's address and the lab's name, as `labkit invite` wrote them. Raises LabError."""
    if found := keeping.load(folder / FILE, _invitation, None):
        return found
    raise LabError(
        f"The folder {folder} (LABKIT_GUEST) gives no access to a lab.", f"ask the lab's owner: labkit invite {folder}"
    )


def _invitation(content: bytes) -> tuple[str, str]:
    """Raises one of keeping.ODD."""
    told = json.loads(content)
    owner, name = told["owner"], told["lab"]
    if not (
        isinstance(owner, str) and urlsplit(owner).scheme == "https" and urlsplit(owner).port and isinstance(name, str)
    ):
        raise ValueError
    return owner, name
