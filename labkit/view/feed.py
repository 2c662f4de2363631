"""What happened in the registries, in words, from the access log. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from labkit.seen.lab import SeenLab, Unobserved
from labkit.seen.log import Action, Event, Reason
from labkit.seen.registries import Registry

MOST = 40


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


def lines(lab: SeenLab, most: int = MOST) -> list[Line]:
    """The newest first. Empty where the edge did not answer."""
    try:
        found = [*_pulls(lab), *_swarm_pulls(lab), *_resets(lab), *_others(lab)]
    except Unobserved:
        return []
    return sorted(found, key=lambda line: line.seq, reverse=True)[:most]


def _who(event: Event) -> str:
    return event.user or "somebody who is not signed in"


def _where(event: Event) -> str:
    return f" on {event.machine}" if event.machine else ""


def _name(registry: Registry, event: Event) -> str:
    """The image as a person would type it."""
    reference = event.reference or event.digest
    return registry.name(event.repository, *(("", reference) if ":" in reference else (reference, "")))


TEXTS: dict[tuple[str, bool], str] = {
    (Action.LOGIN, True): "{user} signed in at {registry}{where}",
    (Action.LOGIN, False): "{registry} refused the sign-in of {user}",
    (Action.PUSH, True): "{who} pushed {name}{where}",
    (Action.PUSH, False): "{registry} refused a push to {name} by {who}",
    (Action.DELETE, True): "{who} deleted {name}",
    (Action.DELETE, False): "{registry} did not delete {name} for {who}",
    (Action.PULL, False): "{registry} had nothing to pull for {name} ({who}{where})",
    (Action.HEAD, False): "{registry} had nothing to pull for {name} ({who}{where})",
}
"""What a single line of the log tells by itself, by action and outcome; the others are part of something else."""


def _others(lab: SeenLab) -> Iterator[Line]:
    for event in lab.events:
        text, registry = TEXTS.get((event.action, event.ok)), lab.registries.get(event.registry)
        looked = event.action in (Action.PULL, Action.HEAD)
        if text is None or registry is None or (looked and not event.by_person):
            continue
        values = {"user": event.user, "who": _who(event), "registry": registry.title, "where": _where(event)}
        name = _name(registry, event) if event.repository else ""
        yield Line(event.seq, event.time, event.action, event.ok, text.format(**values, name=name), _reason(event))


REASONS: dict[str, str] = {
    Reason.STILL_TAGGED: "a tag leads to it; tags are deleted on the registry's own page",
    Reason.UNSUPPORTED: "this registry does not delete layers by themselves",
}
"""Reasons that take more words than their id."""


def _reason(event: Event) -> str:
    if event.reason in REASONS:
        return REASONS[event.reason]
    return event.reason.replace("-", " ")


def _pulls(lab: SeenLab) -> Iterator[Line]:
    for registry in lab.registries.values():
        events = lab.events_of(registry)
        for repository in {event.repository for event in events if event.repository}:
            for pull in registry.pulls(events, repository):
                who = pull.user or "anybody, without a sign-in,"
                yield Line(pull.seq, pull.time, "pull", True, f"{who} pulled {_name(registry, pull)}{_where(pull)}")


def _swarm_pulls(lab: SeenLab) -> Iterator[Line]:
    for event in lab.events:
        if event.action == Action.PULL and event.ok and not event.by_person:
            short = event.digest[:19] or event.reference
            text = f"the Swarm pulled {event.repository}@{short}{_where(event)}, to run it"
            yield Line(event.seq, event.time, "pull", True, text)


def _resets(lab: SeenLab) -> Iterator[Line]:
    for reset in lab.log.resets:
        what = reset.exercises[0] if len(reset.exercises) == 1 else "the whole lab"
        yield Line(reset.seq, reset.time, "reset", True, f"{what} begins anew")
