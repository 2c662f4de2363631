"""What was seen of a lab at one moment: a plain value in sections that can be saved, sent and graded again."""

import hashlib
import json
import math
from typing import Any, get_args, get_type_hints

import msgspec

from labkit.errors import LabError
from labkit.seen import claims, signature, versions
from labkit.seen.claims import Claims, Judged
from labkit.seen.depot import Depot
from labkit.seen.engines import Engine
from labkit.seen.kubernetes import Kubernetes
from labkit.seen.log import Log
from labkit.seen.mirror import Mirror
from labkit.seen.pages import Page
from labkit.seen.person import Person
from labkit.seen.registries import Registries, Store
from labkit.seen.runs import Runs
from labkit.seen.secured import Secured
from labkit.seen.signature import Public, Signature
from labkit.seen.swarm import Swarm
from labkit.text import dumps

SCHEMA = versions.NEWEST


class About(msgspec.Struct, frozen=True, kw_only=True):
    """Which lab was observed, and whose it is."""

    name: str
    person: Person = Person()


class Observation(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section that was not asked for is null. A section that did not answer is null, and `unobserved` says why. In `engines`
    and `pages` each machine counts on its own, as `engines/NAME`."""

    schema: int = SCHEMA
    labkit: str
    """The version of labkit that observed the lab."""
    content: str
    """The content of that labkit (labkit/content/exercises.py: version)."""
    lab: About
    taken: str
    """When the lab was observed: ISO 8601, UTC."""
    unobserved: dict[str, str] = {}
    registries: Registries | None = None
    store: Store | None = None
    engines: dict[str, Engine] | None = None
    sign_ins: dict[str, dict[str, str]] | None = None
    """{place: {registry as docker names it: the account}}, from the docker CLIs' configurations; "here" is the lab's own. The
    account is "" if a credential helper has it, and "?" if it is not one of the lab's accounts. Never the sign-in itself."""
    swarm: Swarm | None = None
    log: Log | None = None
    mirror: Mirror | None = None
    """The registry mirror of a lab that has one (`lab = ["mirror"]` in an exercise)."""
    pages: dict[str, tuple[Page, ...]] | None = None
    """{machine: what the apps of its tasks answer}, for the services that an exercise asks about."""
    runs: Runs | None = None
    """Runs of the learner's workflows, and the last trial of them."""
    secured: Secured | None = None
    """A registry of the learner's own, how sign-ins are kept, and the last trial of deploy.sh."""
    depot: Depot | None = None
    """The registry of a lab that has one to clean up (`lab = ["depot"]` in an exercise), and the last trial of a retention
    script."""
    kubernetes: Kubernetes | None = None
    """The manifests of a lab that has the machine `kubernetes` (`lab = ["kubernetes"]` in an exercise)."""
    answers: dict[str, dict[str, str]] | None = None
    """{exercise: {question: answer}}: what the learner says. "here" in `sign_ins` is the learner's word too."""
    judged: dict[str, dict[str, Judged]] = {}
    """{exercise: {question: what the workshop's owner says about the answer}}, for anyone who does not have the right
    answers."""
    signature: Signature = Signature()
    """Who observed the lab. Left out if there is none, as is `judged`."""

    @classmethod
    def parse(cls, text: str | bytes, signed_by: Public | None = None) -> "Observation":
        """Reads what `labkit observe` printed, in this schema or an older one. With a workshop's key, that workshop must have
        signed it. Raises LabError that says what is wrong."""
        fix = "labkit observe > observation.json   (makes a new one)"
        try:
            data = _json(text)
        except UnicodeDecodeError as error:
            raise LabError("This is not an observation: it is not text.", fix) from error
        except (ValueError, RecursionError) as error:
            raise LabError(f"This is not an observation: {_short(error)}.", fix) from error
        if not isinstance(data, dict) or "schema" not in data:
            raise LabError("This is not an observation: it has no schema number.", fix)
        if not versions.known(data["schema"]):
            schema = _short(data["schema"])
            raise LabError(f"This observation has schema {schema}; this labkit can read 1 to {SCHEMA}.", fix)
        kept = data.pop("seal", None)
        try:
            if signed_by:
                signature.check(data, signed_by)
            value = cls.read(data)
            fitting = kept == seal(data)
        except (msgspec.ValidationError, LookupError, TypeError, ValueError, AttributeError, RecursionError) as error:
            raise LabError(f"This observation is damaged: {_where(error)}.", fix) from error
        except ArithmeticError as error:
            raise LabError("This observation is damaged: a number in it is too large.", fix) from error
        if not fitting:
            raise LabError("This observation was changed after it was made: its seal does not match.", fix)
        return value

    @classmethod
    def read(cls, data: dict[str, Any]) -> "Observation":
        """The observation in this JSON value, upgraded from an older schema if needed. Raises msgspec.ValidationError."""
        return msgspec.convert(versions.upgrade(data), cls)

    def data(self) -> dict[str, Any]:
        """As JSON values."""
        built: dict[str, Any] = msgspec.to_builtins(self)
        if not self.judged:
            del built["judged"]
        if self.signature == Signature():
            del built["signature"]
        return built

    def claiming(self, said: Claims) -> "Observation":
        """The same, with what the learner's side says."""
        seen = msgspec.structs.replace(self, judged=said.judged)
        if said.here is not None:
            seen = msgspec.structs.replace(seen, sign_ins={claims.HERE: said.here, **(seen.sign_ins or {})})
        return seen if said.answers is None else msgspec.structs.replace(seen, answers=said.answers)

    def without(self, claim: str) -> "Observation":
        """The same as if the learner's side had not made this claim, one of claims.SECTIONS."""
        if claim == "answers":
            return msgspec.structs.replace(self, answers=self.answers and {})
        kept = {place: held for place, held in (self.sign_ins or {}).items() if place != claims.HERE}
        return msgspec.structs.replace(self, sign_ins=None if self.sign_ins is None else kept)

    def dump(self) -> str:
        """JSON with a seal over everything: a change by accident or by hand is noticed. A recomputed seal goes undetected; a
        recomputed signature does not."""
        data = self.data()
        return dumps({**data, "seal": seal(data)}, indent=1, sort_keys=True) + "\n"


def sections() -> tuple[str, ...]:
    """The names of the sections, in order: every field that may be null."""
    hints = get_type_hints(Observation)
    return tuple(name for name in Observation.__struct_fields__ if type(None) in get_args(hints[name]))


def seal(data: dict[str, Any]) -> str:
    """A digest of everything but the seal itself."""
    told = json.dumps({key: value for key, value in data.items() if key != "seal"}, sort_keys=True)
    return hashlib.sha256(told.encode(errors="replace")).hexdigest()


def _json(text: str | bytes) -> Any:
    """Strict JSON in UTF-8: each name only once, and only real numbers. Raises ValueError or RecursionError."""
    plain = text if isinstance(text, str) else text.decode()
    return json.loads(plain, object_pairs_hook=_each_once, parse_constant=_finite, parse_float=_finite)


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Some readers take the first of two equal names, others the last. What is signed must mean one thing."""
    data = dict(pairs)
    if len(data) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"it says {_short(twice)} twice")
    return data


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"{_short(text)} is not a number")
    return number


def _short(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= MOST else f"{text[:MOST]}…"


MOST = 100
"""Quote at most this many characters of what is wrong in a file."""


def _where(error: Exception) -> str:
    text = _short(error)
    return text if isinstance(error, msgspec.ValidationError) else f"{type(error).__name__} at {text}"
