"""What `labkit status` shows."""

from datetime import UTC, datetime
from typing import Any

from labkit import paths
from labkit.jupyter import server as jupyter
from labkit.lab import find
from labkit.lab import plan as topology
from labkit.lab.engine import engines as engine
from labkit.lab.lab import Lab
from labkit.lab.looking.observe import observe

OWN = " (the lab's own)"


def look() -> dict[str, Any]:
    """The lab's state: down, up, broken (a machine is missing or does not answer) or expired; and what it holds."""
    home = paths.home()
    lab = find.any_engine(home)
    if lab is None:
        return {"schema": 1, "state": "down", "lab": home.name, "engines": [one.url for one in engine.running(home)]}
    state: dict[str, Any] = {
        "schema": 1,
        "state": "broken" if lab.missing else "expired" if lab.expired else "up",
        "lab": lab.name,
        "engine": {"url": lab.engine.url, "own": lab.engine.own},
        "machines": {part.machine: {"state": part.state, "role": part.role} for part in lab.parts.values()},
        "missing": lab.missing,
        "work": str(lab.work),
        "ends": datetime.fromtimestamp(lab.plan.deadline, UTC).isoformat(timespec="seconds")
        if lab.plan.deadline
        else None,
    }
    server, container = jupyter.running(), lab.parts.get(topology.JUPYTER)
    state["jupyter"] = server.url if server else f"http://127.0.0.1:{container.port}/lab" if container else None
    state |= _held(lab)
    return state


def _held(lab: Lab) -> dict[str, Any]:
    seen = observe(lab, ("registries", "engines", "swarm"))
    broken = {
        "edge" if name == "registries" else name.removeprefix("engines/"): why for name, why in seen.unobserved.items()
    }
    registries = seen.registries.known if seen.registries else {}
    services = {
        name: {
            "image": service.image.partition("@")[0],
            "replicas": service.replicas,
            "running": sum(1 for task in service.tasks if task.state == "running"),
        }
        for name, service in (seen.swarm.services if seen.swarm else {}).items()
    }
    held: dict[str, Any] = {
        "registries": {key: registry.repositories for key, registry in registries.items()},
        "titles": {key: registry.title for key, registry in registries.items()},
        "services": services,
        "problems": broken,
    }
    if broken:
        held["state"] = "broken"
    return held


def text(state: dict[str, Any]) -> str:
    """The same for people."""
    if state["state"] == "down":
        return "The lab is not running.\n  → labkit up"
    lines = [f"The lab is {state['state']}." + (f" It ends at {_local(state['ends'])}." if state["ends"] else "")]
    lines.append(f"engine      {state['engine']['url']}{OWN if state['engine']['own'] else ''}")
    for name, one in sorted(state["machines"].items()):
        problem = state["problems"].get(name, "")
        lines.append(
            f"{'✗' if problem or one['state'] != 'running' else '✓'} {name:<12} {one['state']} {problem}".rstrip()
        )
    for name in state["missing"]:
        if name not in state["machines"]:
            lines.append(f"✗ {name:<12} missing")
    for key, repositories in state["registries"].items():
        lines.append(f"{state['titles'][key]}:")
        for name, tags in repositories.items():
            shown = ", ".join(list(tags)[:8]) + (f" and {len(tags) - 8} more" if len(tags) > 8 else "")
            lines.append(f"  {name}: {shown}")
    lines.append("services:" if state["services"] else "services: none")
    for name, one in state["services"].items():
        wanted = "?" if one["replicas"] is None else one["replicas"]
        lines.append(f"  {name}: {one['running']} of {wanted} run {one['image']}")
    if state["problems"].get("swarm"):
        lines.append(f"✗ swarm: {state['problems']['swarm']}")
    lines.append(f"JupyterLab: {state['jupyter'] or 'not running'}")
    lines.append(f"your folder: {state['work']}")
    if state["state"] != "up":
        lines.append(
            "  → labkit up   (it repairs the lab)" if state["state"] == "broken" else "  → labkit down && labkit up"
        )
    return "\n".join(lines)


def _local(moment: str) -> str:
    return f"{datetime.fromisoformat(moment).astimezone():%H:%M on %d %B}"
