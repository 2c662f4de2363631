"""What a look at the lab says of it as a whole: down, expired, broken or up. The one place that decides it. Pure."""

from dataclasses import dataclass, field

from labkit.lab.lab import Lab
from labkit.lab.plan import MANAGER
from labkit.seen.observation import Observation

SWARM = "swarm"
APPS = "pages"
EDGE = "edge"
"""The machine that tells of registries, log and store."""


@dataclass(frozen=True)
class Sight:
    """What was seen. `problem` says in words why it is not up; `broken` names each part at fault, and what is wrong with it."""

    state: str
    """down, expired, broken or up"""
    lab: Lab | None = None
    observation: Observation | None = None
    problem: str = ""
    broken: dict[str, str] = field(default_factory=dict)


def state_of(lab: Lab | None, seen: Observation | None = None) -> Sight:
    """The sight of a lab, with what was seen of it where it is there and its time is not over.

    A lab whose time is over is expired, whatever else it is: it is started anew, not repaired."""
    if lab is None:
        return Sight("down", problem="The lab is not running.")
    if lab.expired:
        return Sight("expired", lab, problem="The lab's time is over.", broken=_not_running(lab))
    stopped, gaps = _not_running(lab), _gaps(seen) if seen else {}
    silent = {part: reason for part, reason in gaps.items() if part not in stopped}
    if MANAGER in stopped or MANAGER in silent:
        silent.pop(SWARM, None)  # it is the manager that tells of it
    told = [f"Not running: {', '.join(stopped)}."] if stopped else []
    told += [f"{part}: {reason.rstrip('.')}." for part, reason in silent.items()]
    return Sight("broken" if told else "up", lab, seen, " ".join(told), {**stopped, **silent})


def _not_running(lab: Lab) -> dict[str, str]:
    return {name: lab.parts[name].state if name in lab.parts else "missing" for name in lab.missing}


def _gaps(seen: Observation) -> dict[str, str]:
    """{part of the lab: why it could not be looked at}"""
    gaps = {}
    for section, reason in seen.unobserved.items():
        name, _, machine = section.partition("/")
        if name == APPS:
            continue  # the learner's programs, and no part of the lab
        gaps[machine or (SWARM if name == SWARM else EDGE)] = reason
    return gaps
