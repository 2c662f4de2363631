"""What happened in the registries, in words, from the access log. Pure."""

from collections.abc import Iterator, Sequence
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
    registry: str = ""
    """The registry's key."""
    machine: str = ""
    digest: str = ""
    for_swarm: bool = False
    """Whether the Swarm caused it for a task, and not a person."""

    @property
    def clock(self) -> str:
        """HH:MM:SS, local time."""
        return f"{datetime.fromtimestamp(self.time).astimezone():%H:%M:%S}"


def lines(lab: SeenLab, most: int = MOST) -> list[Line]:
    """The newest first. Empty if the edge did not answer."""
    try:
        found = [*_pulls(lab), *_swarm_pulls(lab), *_resets(lab), *_others(lab)]
    except Unobserved:
        return []
    return sorted(found, key=lambda line: line.seq, reverse=True)[:most]


def _you(lab: SeenLab, event: Event) -> bool:
    """Whether the learner did it: on a machine of the lab, with their own account or without one."""
    return bool(event.machine) and event.by_person and event.user in (None, lab.person.username)


def _who(lab: SeenLab, event: Event) -> str:
    return "you" if _you(lab, event) else event.user or "someone not signed in"


def _whose(lab: SeenLab, event: Event) -> str:
    return "your" if _you(lab, event) else f"{event.user}'s" if event.user else "an anonymous"


def _sentence(text: str) -> str:
    """Capitalises "you" only: an account's name stays as it is."""
    return f"You{text[3:]}" if text.startswith("you ") else text


def _where(event: Event) -> str:
    return f" on {event.machine}" if event.machine else ""


def _name(registry: Registry, event: Event) -> str:
    """The image as a person would type it."""
    reference = event.reference or event.digest
    return registry.name(event.repository, *(("", reference) if ":" in reference else (reference, "")))


TEXTS: dict[tuple[str, bool], str] = {
    (Action.LOGIN, True): "{who} signed in at {registry}{where}",
    (Action.LOGIN, False): "{registry} refused the sign-in of {user}",
    (Action.PUSH, True): "{who} pushed {name}{where}",
    (Action.PUSH, False): "{registry} refused {whose} push to {name}",
    (Action.DELETE, True): "{who} deleted {name}",
    (Action.DELETE, False): "{registry} refused to delete {name} for {who}",
    (Action.PULL, False): "{who} tried to pull {name}{where}",
    (Action.HEAD, False): "{who} tried to pull {name}{where}",
}
"""What a single line of the log says by itself, by action and outcome. Other lines are part of something else."""


def _line(event: Event, action: str, text: str, reason: str = "", for_swarm: bool = False) -> Line:
    whence = {"registry": event.registry, "machine": event.machine, "digest": event.digest}
    return Line(event.seq, event.time, action, event.ok, text, reason, for_swarm=for_swarm, **whence)


def _others(lab: SeenLab) -> Iterator[Line]:
    for event in lab.events:
        text, registry = TEXTS.get((event.action, event.ok)), lab.registries.get(event.registry)
        looked = event.action in (Action.PULL, Action.HEAD)
        if text is None or registry is None or (looked and not event.by_person):
            continue
        if event.action == Action.HEAD and _asked_again(lab.events, event):
            continue
        values = {"user": event.user, "who": _who(lab, event), "whose": _whose(lab, event)}
        name = _name(registry, event) if event.repository else ""
        told = _sentence(text.format(**values, registry=registry.title, where=_where(event), name=name))
        yield _line(event, Action.PULL if looked else event.action, told, _reason(event))


def _asked_again(events: Sequence[Event], head: Event) -> bool:
    """Whether the same pull was refused again right after: an engine asks for the digest first, then for the manifest."""
    later = (one for one in events if one.seq > head.seq and one.machine == head.machine)
    following = next(later, None)
    return following is not None and _asked(following) == (Action.PULL, *_asked(head)[1:])


def _asked(event: Event) -> tuple[object, ...]:
    return (event.action, event.registry, event.user, event.repository, event.reference, event.ok)


REASONS: dict[str, str] = {
    Reason.NOT_FOUND: "the registry has no such image or tag",
    Reason.NO_SUCH_REPOSITORY: "the registry has no such repository",
    Reason.FOREIGN_NAMESPACE: "the name begins with another account",
    Reason.NO_NAMESPACE: "the name begins with no account",
    Reason.NO_SUCH_PROJECT: "the registry has no such project",
    Reason.EXPIRED: "the password or token has expired",
    Reason.FEWER_RIGHTS: "this account or token does not have this right",
    Reason.IMMUTABLE: "this tag is immutable",
    Reason.LOCKED: "somebody has locked it",
    Reason.PRIVATE: "the repository is private",
    Reason.RATE_LIMIT: "the pull limit is used up",
    Reason.STILL_TAGGED: "a tag points to it; delete tags on the registry's own page",
    Reason.UNSUPPORTED: "this registry does not do that",
    Reason.REFUSED_BY_STORE: "the registry's storage refused it",
    Reason.QUOTA: "the project's quota is used up",
}
"""Reasons that need more words than their id."""


def _reason(event: Event) -> str:
    if event.reason in REASONS:
        return REASONS[event.reason]
    return event.reason.replace("-", " ")


def _pulls(lab: SeenLab) -> Iterator[Line]:
    for registry in lab.registries.values():
        events = lab.events_of(registry)
        for repository in {event.repository for event in events if event.repository}:
            for pull in registry.pulls(events, repository):
                text = f"{_who(lab, pull)} pulled {_name(registry, pull)}{_where(pull)}"
                yield _line(pull, Action.PULL, _sentence(text))


def _swarm_pulls(lab: SeenLab) -> Iterator[Line]:
    for event in lab.events:
        if event.action == Action.PULL and event.ok and not event.by_person:
            image = f"{event.repository}@{event.digest[:19] or event.reference}"
            text = f"{event.machine or 'a machine'} pulled {image} to run a task"
            yield _line(event, Action.PULL, text, for_swarm=True)


def _resets(lab: SeenLab) -> Iterator[Line]:
    for reset in lab.log.resets:
        what = reset.exercises[0] if len(reset.exercises) == 1 else "the whole lab"
        yield Line(reset.seq, reset.time, "reset", True, f"{what} was reset")
