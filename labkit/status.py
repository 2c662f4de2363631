"""What `labkit status` shows: a sight of the lab as a value, and the same as text."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from labkit.content import exercises
from labkit.lab.apps.address import Below, Place
from labkit.lab.lab import Instance, Lab
from labkit.lab.looking.sight import Sight
from labkit.lab.plan import JUPYTER
from labkit.seen.lab import SeenLab, Unobserved
from labkit.seen.registries import Registry
from labkit.seen.swarm import Service
from labkit.text import visible

SHOWN = 8
"""The text names this many tags of a repository and counts the rest."""

MENDS = {
    "broken": "labkit up   (it repairs the lab)",
    "expired": "labkit down && labkit up",
    "down": "labkit up",
}


@dataclass(frozen=True)
class Status:
    """A sight of the lab, and where its JupyterLab is ("" if none runs). The text leads to the start page."""

    sight: Sight
    name: str
    """The lab's name, also if it is down."""
    jupyter: str = ""
    engines: tuple[str, ...] = ()
    """Addresses of the engines that answered and do not have the lab. Only if it is down."""
    registries: tuple[Registry, ...] = ()
    services: tuple[Service, ...] = field(default=())
    guest: bool = False
    """Whether a guest sees it. A guest cannot repair the lab."""
    apps: Place | Below | None = None
    """Where services' pages are shown; None if nothing shows them."""

    @property
    def exit_code(self) -> int:
        return {"up": 0, "down": 1}.get(self.sight.state, 2)

    def to_json(self) -> dict[str, Any]:
        sight, lab = self.sight, self.sight.lab
        if lab is None:
            return {"schema": 1, "state": sight.state, "lab": self.name, "engines": list(self.engines)}
        return {
            "schema": 1,
            "state": sight.state,
            "lab": lab.name,
            **lab.access.told(),
            "machines": {part.machine: {"state": part.state, "role": part.role} for part in lab.parts.values()},
            "missing": lab.missing,
            "work": str(lab.work),
            "ends": _ends(lab),
            "jupyter": self.jupyter or None,
            "registries": {registry.key: registry.repositories for registry in self.registries},
            "services": {
                service.name: {
                    "image": service.asked,
                    "replicas": service.replicas,
                    "running": _running(service),
                    "page": self._page(service) or None,
                }
                for service in self.services
            },
            "problems": sight.broken,
        }

    def text(self) -> str:
        lab = self.sight.lab
        if lab is None:
            return f"{visible(self.sight.problem)}\n  → {self._mend()}"
        lines = [f"The lab is {self.sight.state}.{_end(lab)}"]
        lines.append("{:<11} {}".format(*lab.access.where))
        lines += [_machine(part, self.sight) for part in sorted(lab.parts.values(), key=lambda part: part.machine)]
        lines += [f"✗ {name:<12} {reason}" for name, reason in self.sight.broken.items() if name not in lab.parts]
        for registry in self.registries:
            lines.append(f"{registry.title}:")
            lines += [f"  {name}: {_tags(list(tags))}" for name, tags in registry.repositories.items()]
        lines.append("services:" if self.services else "services: none")
        for service in self.services:
            wanted = "?" if service.replicas is None else service.replicas
            lines.append(f"  {service.name}: {_running(service)} of {wanted} run {service.asked}")
            if page := self._page(service):
                lines.append(f"    its page: {page}")
        lines.append(f"JupyterLab: {self._start_page() or 'not running'}")
        lines.append(f"your folder: {lab.work}")
        if self.sight.state in MENDS:
            lines.append(f"  → {self._mend()}")
        return "\n".join(map(visible, lines))

    def _start_page(self) -> str:
        base, mark, token = self.jupyter.partition("?")
        return base and f"{base}/tree/{exercises.FIRST}{mark}{token}"

    def _page(self, service: Service) -> str:
        return self.apps.address(service.name) if self.apps else ""

    def _mend(self) -> str:
        mend = MENDS[self.sight.state]
        return f"ask the lab's owner: {mend}" if self.guest else mend


def of(
    sight: Sight,
    name: str,
    server: str = "",
    engines: tuple[str, ...] = (),
    guest: bool = False,
    apps: Place | Below | None = None,
) -> Status:
    """The status of a sight. `server` is the address of the JupyterLab that runs on this side, `apps` is where it shows
    pages."""
    container = sight.lab.parts.get(JUPYTER) if sight.lab else None
    jupyter = server or (f"http://127.0.0.1:{container.port}/lab" if container else "")
    seen = sight.observation
    if seen is None:
        return Status(sight, name, jupyter, engines, guest=guest)
    held = SeenLab(seen)
    return Status(sight, name, jupyter, (), _registries(held), _services(held), guest, apps)


def _registries(seen: SeenLab) -> tuple[Registry, ...]:
    try:
        return tuple(seen.registries.values())
    except Unobserved:
        return ()


def _services(seen: SeenLab) -> tuple[Service, ...]:
    try:
        return tuple(seen.swarm.services.values())
    except Unobserved:
        return ()


def _running(service: Service) -> int:
    return sum(1 for task in service.tasks if task.state == "running")


def _machine(part: Instance, sight: Sight) -> str:
    reason = sight.broken.get(part.machine, "")
    told = "" if reason == part.state else reason  # the state of what does not run is its reason
    return f"{'✗' if reason else '✓'} {part.machine:<12} {part.state} {told}".rstrip()


def _tags(tags: list[str]) -> str:
    more = f" and {len(tags) - SHOWN} more" if len(tags) > SHOWN else ""
    return ", ".join(tags[:SHOWN]) + more


def _ends(lab: Lab) -> str | None:
    """ISO 8601, UTC; None for a lab without a time limit."""
    deadline = lab.plan.deadline
    return datetime.fromtimestamp(deadline, UTC).isoformat(timespec="seconds") if deadline else None


def _end(lab: Lab) -> str:
    if not lab.plan.deadline:
        return ""
    moment = datetime.fromtimestamp(lab.plan.deadline).astimezone()
    return f" It {'ended' if lab.expired else 'ends'} at {moment:%H:%M on %d %B}."
