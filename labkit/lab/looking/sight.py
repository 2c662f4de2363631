"""What a look at the lab says about it as a whole: down, expired, broken or up. This is decided only here. Pure."""

from dataclasses import dataclass, field

from labkit.lab import limit
from labkit.lab.lab import Lab
from labkit.lab.plan import MANAGER
from labkit.seen.observation import Observation

SWARM = "swarm"
APPS = "pages"
EDGE = "edge"
"""The machine that reports registries, log and store."""


@dataclass(frozen=True)
class Sight:
    """What was seen. `problem` says in words why it is not up; `broken` names each faulty part, and what is wrong with it."""

    state: str
    """down, expired, broken or up"""
    lab: Lab | None = None
    observation: Observation | None = None
    problem: str = ""
    broken: dict[str, str] = field(default_factory=dict)


def state_of(lab: Lab | None, seen: Observation | None = None, ended: float = 0) -> Sight:
    """The sight of a lab, with what was seen if it exists and its time is not over. `ended` is when the time of a lab that
    is gone ended. A lab whose time is over is expired, whatever else it is: it is started again, not repaired.

    A lab whose time is over is expired, whatever else it is: it is started anew, not repaired."""
    if lab is None:
        return Sight("down", problem=limit.told(ended) if ended else "The lab is not running.")
    if lab.expired:
        return Sight("expired", lab, problem=limit.told(lab.plan.deadline), broken=_not_running(lab))
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
    """{part of the lab: why it could not be observed}"""
    gaps = {}
    for section, reason in seen.unobserved.items():
        name, _, machine = section.partition("/")
        if name == APPS:
            continue  # the learner's programs, and no part of the lab
        gaps[machine or (SWARM if name == SWARM else EDGE)] = reason
    return gaps
