"""What happened in the registries, in words, from the access log. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from labkit.seen.observation import Event, Observation, Unobserved

MOST = 40

NAMES = {"hub": "Docker Hub", "private": "registry.lab:5000"}


@dataclass(frozen=True)
class Line:
    """One thing that somebody did. `action`: login, push, pull, delete or reset."""

    seq: int
    time: float
    action: str
    ok: bool
    text: str
    reason: str = ""

    @property
    def clock(self) -> str:
        """HH:MM:SS, local time."""
        return f"{datetime.fromtimestamp(self.time).astimezone():%H:%M:%S}"


def lines(lab: Observation, most: int = MOST) -> list[Line]:
    """The newest first. Empty where the edge did not answer."""
    try:
        events = lab.events
    except Unobserved:
        return []
    found = [*_pulls(lab, events), *_swarm_pulls(events), *_resets(lab)]
    found += [line for line in map(_line, events) if line]
    return sorted(found, key=lambda line: line.seq, reverse=True)[:most]


def _who(event: Event) -> str:
    return event.user or "somebody who is not signed in"


def _where(event: Event) -> str:
    return f" on {event.machine}" if event.machine else ""


def _name(event: Event) -> str:
    """The image as a person would type it."""
    reference = event.reference or event.digest
    prefix = "" if event.registry == "hub" else f"{NAMES.get(event.registry, event.registry)}/"
    if not reference:
        return prefix + event.repository
    return f"{prefix}{event.repository}{'@' if ':' in reference else ':'}{reference}"


TEXTS = {
    ("login", True): "{user} signed in at {registry}{where}",
    ("login", False): "{registry} refused the sign-in of {user}",
    ("push", True): "{who} pushed {name}{where}",
    ("push", False): "{registry} refused a push to {name} by {who}",
    ("delete", True): "{who} deleted {name}",
    ("pull", False): "{registry} had nothing to pull for {name} ({who}{where})",
    ("head", False): "{registry} had nothing to pull for {name} ({who}{where})",
}
"""What a single line of the log tells by itself, by action and outcome; the others are part of something else."""


def _line(event: Event) -> Line | None:
    text = TEXTS.get((event.action, event.ok))
    if text is None or (event.action in ("pull", "head") and not event.by_person):
        return None
    values = {
        "user": event.user,
        "who": _who(event),
        "registry": NAMES.get(event.registry, event.registry),
        "name": _name(event),
        "where": _where(event),
    }
    return Line(event.seq, event.time, event.action, event.ok, text.format(**values), event.reason)


def _pulls(lab: Observation, events: tuple[Event, ...]) -> Iterator[Line]:
    for key in ("hub", "private"):
        registry = lab.registry(key)
        for repository in {one.repository for one in events if one.registry == key and one.repository}:
            for pull in registry.pulls(repository):
                who = pull.user or "anybody, without a sign-in,"
                yield Line(pull.seq, pull.time, "pull", True, f"{who} pulled {_name(pull)}{_where(pull)}")


def _swarm_pulls(events: tuple[Event, ...]) -> Iterator[Line]:
    for event in events:
        if event.action == "pull" and event.ok and not event.by_person:
            short = event.digest[:19] or event.reference
            text = f"the Swarm pulled {event.repository}@{short}{_where(event)}, to run it"
            yield Line(event.seq, event.time, "pull", True, text)


def _resets(lab: Observation) -> Iterator[Line]:
    for entry in lab.data["log"]:
        if entry["action"] == "mark":
            names = entry["exercises"]
            what = names[0] if len(names) == 1 else "the whole lab"
            yield Line(int(entry["seq"]), float(entry["time"]), "reset", True, f"{what} begins anew")
