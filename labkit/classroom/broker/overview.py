"""All labs of learners on an engine, by their labels: for whoever looks after the server, also while no broker runs."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

from labkit.classroom.broker import naming
from labkit.classroom.broker.naming import Places
from labkit.lab import find
from labkit.lab.engine.engines import Engine
from labkit.lab.plan import KEY, LABEL, LEARNER, Plan
from labkit.paths import Home


@dataclass(frozen=True)
class Listed:
    learner: str
    lab: str
    owner: str
    """Home.owner of the broker: its user, host and folder."""
    machines: dict[str, str]
    ends: float

    def to_json(self) -> dict[str, Any]:
        ends = datetime.fromtimestamp(self.ends, UTC).isoformat(timespec="seconds") if self.ends else None
        return {
            "learner": self.learner,
            "lab": self.lab,
            "owner": self.owner,
            "machines": self.machines,
            "ends": ends,
        }

    def line(self) -> str:
        running = sum(state == "running" for state in self.machines.values())
        return f"{self.lab:<48} {running} of {len(self.machines)} machines run  {self.learner}"


def owner(root: Path) -> str:
    """Whose the labs of the broker in that folder are, in their labels."""
    places = Places(root.absolute())
    return Home("", places.root, Path(), places.cache).owner


def names(engine: Engine, workshop: str, root: Path) -> str:
    """What the names of that workshop's labs begin with, in that folder: as in naming.py, but while there are labs that were
    made before, all are called like those. Raises WireError."""
    whose, before = owner(root), naming.before(workshop)
    there = [one["Labels"] for one in find.owned(engine, "containers", whose)]
    if any(one[LABEL] == naming.lab(before, one.get(LEARNER, "")) for one in there):
        return before
    return naming.of_workshop(workshop, whose)


def labs(engine: Engine) -> tuple[Listed, ...]:
    """Those of graded workshops, by name. Raises WireError."""
    filters = quote(json.dumps({"label": [LABEL, KEY]}))
    with engine.wire() as wire:
        containers = wire.get(f"/containers/json?all=1&filters={filters}")
    grouped: dict[str, list[dict[str, Any]]] = {}
    for one in containers:
        grouped.setdefault(one["Labels"][LABEL], []).append(one)
    return tuple(_listed(name, grouped[name]) for name in sorted(grouped))


def _listed(name: str, containers: list[dict[str, Any]]) -> Listed:
    plan = Plan.from_labels(one["Labels"] for one in containers)
    parts = [find.instance(one) for one in containers]
    return Listed(plan.learner, name, plan.owner, {one.machine: one.state for one in parts}, plan.deadline)
