"""What was seen of a lab at one moment: a plain value in sections, that can be kept, sent and graded again."""

import hashlib
import json
from typing import Any, get_args, get_type_hints

import msgspec

from labkit.errors import LabError
from labkit.seen import versions
from labkit.seen.engines import Engine
from labkit.seen.log import Log
from labkit.seen.pages import Page
from labkit.seen.person import Person
from labkit.seen.registries import Registries, Store
from labkit.seen.swarm import Swarm

SCHEMA = versions.NEWEST


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Which lab was looked at, and whose it is."""

    name: str
    person: Person = Person()


class Observation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section that was not asked for is null. One that did not answer is null, and `unobserved` says why; of `engines`
    and `pages` each machine by itself, as `engines/NAME`."""

    schema: int = SCHEMA
    labkit: str
    """The version of labkit that looked."""
    content: str
    """The content that this labkit had (labkit/content/exercises.py: version)."""
    lab: About
    taken: str
    """When it was looked at: ISO 8601, UTC."""
    unobserved: dict[str, str] = {}
    registries: Registries | None = None
    store: Store | None = None
    engines: dict[str, Engine] | None = None
    sign_ins: dict[str, dict[str, str]] | None = None
    """{place: {registry as docker names it: the account}} of what docker CLIs keep; "here" is the lab's own configuration.
    The account is "" where a helper keeps it and "?" where it is none of the lab's. Never the sign-in itself."""
    swarm: Swarm | None = None
    log: Log | None = None
    pages: dict[str, tuple[Page, ...]] | None = None
    """{machine: what the apps of its tasks answer}, of those services that an exercise asks."""
    answers: dict[str, dict[str, str]] | None = None
    """{exercise: {question: answer}}"""

    @classmethod
    def parse(cls, text: str | bytes) -> "Observation":
        """Reads what `labkit observe` printed, in this schema or an older one. Raises LabError that says what is wrong."""
        fix = "labkit observe > observation.json   (makes a new one)"
        try:
            data = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise LabError(f"This is not an observation: {error}.", fix) from error
        if not isinstance(data, dict) or "schema" not in data:
            raise LabError("This is not an observation: it names no schema.", fix)
        if not versions.known(data["schema"]):
            raise LabError(f"This observation has schema {data['schema']!r}, this labkit reads 1 to {SCHEMA}.", fix)
        kept = data.pop("seal", None)
        try:
            value = cls.read(data)
        except (msgspec.ValidationError, KeyError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise LabError(f"This observation is damaged: {_where(error)}.", fix) from error
        if kept != seal(data):
            raise LabError("This observation was changed after it was made: its seal does not fit.", fix)
        return value

    @classmethod
    def read(cls, data: dict[str, Any]) -> "Observation":
        """The observation in this JSON value, upgraded where it is of an older schema. Raises msgspec.ValidationError."""
        return msgspec.convert(versions.upgrade(data), cls)

    def data(self) -> dict[str, Any]:
        """As JSON values."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        return built

    def dump(self) -> str:
        """JSON, with a seal over all of it: a change by accident or by hand is noticed. A recomputed seal goes undetected."""
        data = self.data()
        return json.dumps({**data, "seal": seal(data)}, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def sections() -> tuple[str, ...]:
    """The names of the sections, in order: every field that may be null."""
    hints = get_type_hints(Observation)
    return tuple(name for name in Observation.__struct_fields__ if type(None) in get_args(hints[name]))


def seal(data: dict[str, Any]) -> str:
    """A digest of everything but the seal itself."""
    told = json.dumps({key: value for key, value in data.items() if key != "seal"}, sort_keys=True)
    return hashlib.sha256(told.encode(errors="replace")).hexdigest()


def _where(error: Exception) -> str:
    text = str(error)
    return text if isinstance(error, msgspec.ValidationError) else f"{type(error).__name__} at {text}"
