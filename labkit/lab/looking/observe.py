"""Looks at a lab once, everything side by side, and returns what is there as a plain value. The only reader."""

import hashlib
import io
import json
import tarfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from labkit.content import exercises
from labkit.edge.shelf import fingerprint as content
from labkit.errors import LabError
from labkit.lab import contexts, find
from labkit.lab.engine.wire import Wire, WireError
from labkit.lab.find import Lab, Part
from labkit.lab.lifecycle.swarm import hostname
from labkit.seen import observation
from labkit.seen.observation import Observation
from labkit.work import answers

PATIENCE = 5.0
"""Seconds after which a machine counts as not answering."""


def observe(lab: Lab | None = None) -> Observation:
    """What the lab holds now. A machine that does not answer is told as such, under "error". Raises LabError where no lab
    runs."""
    lab = lab or find.current()
    nodes = [part.machine for part in lab.nodes]
    with ThreadPoolExecutor(2 * len(nodes) + 2) as pool:
        edge = pool.submit(_told, lambda: _edge(lab))
        swarm = pool.submit(_told, lambda: _swarm(lab))
        seen = {name: pool.submit(_told, lambda name=name: _node(lab, name)) for name in nodes}  # type: ignore[misc]
        configs = {name: pool.submit(_node_config, lab, lab.parts[name]) for name in nodes}
        held = edge.result()
        data = {
            "schema": observation.SCHEMA,
            "labkit": lab.version,
            "content": exercises.version(),
            "lab": {"name": lab.name, "engine": "own" if lab.engine.own else "in use", "person": asdict(lab.person)},
            "taken": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "machines": {part.address: part.machine for part in lab.parts.values() if part.address},
            "sign_ins": {"here": sign_ins(contexts.config()), **{name: one.result() for name, one in configs.items()}},
            "nodes": {name: one.result() for name, one in seen.items()},
            "swarm": swarm.result(),
            "edge": {"error": held["error"]} if "error" in held else {},
            "registries": held.get("registries", {}),
            "manifests": held.get("manifests", {}),
            "log": held.get("log", []),
            "sample": held.get("sample", ""),
            "answers": answers.load(lab.work),
        }
    return Observation(data)


def _told(look: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """What was seen, or why it could not be: a broken machine must not hide what the others hold."""
    try:
        return look()
    except LabError as error:
        return {"error": error.what}
    except (WireError, ValueError, KeyError) as error:
        return {"error": f"{type(error).__name__}: {error}"}


def _edge(lab: Lab) -> dict[str, Any]:
    with lab.wire("edge", PATIENCE) as wire:
        held: dict[str, Any] = wire.get("/observation")
    return held


def _node(lab: Lab, name: str) -> dict[str, Any]:
    with lab.wire(name, PATIENCE) as wire:
        return {
            "images": [_image(wire, one) for one in wire.get("/images/json")],
            "containers": [_container(one) for one in wire.get("/containers/json?all=1")],
        }


def _image(wire: Wire, image: dict[str, Any]) -> dict[str, Any]:
    details = wire.get(f"/images/{image['Id']}/json")
    return {
        "id": image["Id"],
        "tags": sorted(image.get("RepoTags") or []),
        "digests": sorted(image.get("RepoDigests") or []),
        "created": image["Created"],
        "size": image["Size"],
        "labels": image.get("Labels") or {},
        "content": content(details["RootFS"].get("Layers") or [], details["Config"]),
    }


def _container(container: dict[str, Any]) -> dict[str, Any]:
    labels = container.get("Labels") or {}
    return {
        "name": container["Names"][0].lstrip("/") if container.get("Names") else "",
        "image": container["Image"],
        "image_id": container["ImageID"],
        "state": container["State"],
        "status": container["Status"],
        "service": labels.get("com.docker.swarm.service.name", ""),
    }


def _swarm(lab: Lab) -> dict[str, Any]:
    with lab.wire("workstation", PATIENCE) as wire:
        try:
            nodes = {one["ID"]: one for one in wire.get("/nodes")}
        except WireError as error:
            if error.status == 503:  # "This node is not a swarm manager"
                return {"active": False, "nodes": {}, "services": {}, "tasks": []}
            raise
        services = {one["ID"]: _service(one) for one in wire.get("/services?status=true")}
        tasks = [_task(one, nodes) for one in wire.get("/tasks") if one["ServiceID"] in services]
    return {
        "active": True,
        "nodes": {hostname(one): _member(one) for one in nodes.values()},
        "services": {one["name"]: one for one in services.values()},
        "tasks": sorted(tasks, key=lambda task: (task["service"], task["slot"], task["created"])),
    }


def _member(node: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": node["ID"],
        "role": node["Spec"]["Role"],
        "availability": node["Spec"]["Availability"],
        "state": node["Status"]["State"],
    }


def _service(service: dict[str, Any]) -> dict[str, Any]:
    spec = service["Spec"]
    mode = spec["Mode"]
    container = spec["TaskTemplate"].get("ContainerSpec", {})
    return {
        "id": service["ID"],
        "name": spec["Name"],
        "image": container.get("Image", ""),
        "stack": (spec.get("Labels") or {}).get("com.docker.stack.namespace", ""),
        "mode": next(iter(mode), ""),
        "replicas": mode.get("Replicated", {}).get("Replicas"),
        "constraints": spec["TaskTemplate"].get("Placement", {}).get("Constraints") or [],
        "spec": _spec(spec["TaskTemplate"]),
        "command": container.get("Command") or [],
        "args": container.get("Args") or [],
        "version": service["Version"]["Index"],
        "created": service["CreatedAt"],
        "updated": service["UpdatedAt"],
        "update_state": (service.get("UpdateStatus") or {}).get("State", ""),
        "update_message": (service.get("UpdateStatus") or {}).get("Message", ""),
        "desired": (service.get("ServiceStatus") or {}).get("DesiredTasks"),
    }


def _task(task: dict[str, Any], nodes: dict[str, Any]) -> dict[str, Any]:
    status = task["Status"]
    node = nodes.get(task.get("NodeID", ""))
    return {
        "id": task["ID"],
        "service": task["ServiceID"],
        "slot": task.get("Slot") or 0,
        "node": hostname(node) if node else "",
        "image": task["Spec"].get("ContainerSpec", {}).get("Image", ""),
        "spec": _spec(task["Spec"]),
        "desired": task["DesiredState"],
        "state": status["State"],
        "message": status.get("Message", ""),
        "error": status.get("Err", ""),
        "exit_code": (status.get("ContainerStatus") or {}).get("ExitCode"),
        "created": task["CreatedAt"],
        "since": status["Timestamp"],
    }


SPEC = ("ContainerSpec", "Resources", "RestartPolicy", "LogDriver", "ForceUpdate")
"""What a task is made from. Where it may run is no part of it: the Swarm keeps a task whose node still fits (swarmkit,
updater.go: isTaskDirty). A service names its runtime, its tasks do not."""


def _spec(template: dict[str, Any]) -> str:
    """What a task is made from, in short. A task of another spec than its service's is one of before an update."""
    told = json.dumps([template.get(key) for key in SPEC], sort_keys=True)
    return hashlib.sha256(told.encode()).hexdigest()[:12]


def sign_ins(config: dict[str, Any]) -> list[str]:
    """The registries for which a docker CLI's config.json keeps a sign-in; never the sign-in itself."""
    auths = config.get("auths")
    helpers = config.get("credHelpers")
    helpers = helpers if isinstance(helpers, dict) else {}
    kept = []
    for key, entry in (auths if isinstance(auths, dict) else {}).items():
        filled = isinstance(entry, dict) and any(entry.get(field) for field in ("auth", "identitytoken", "username"))
        if filled or ((config.get("credsStore") or key in helpers) and not key.startswith("nobody.")):
            kept.append(key)
    return sorted({*kept, *helpers})


def _node_config(lab: Lab, part: Part) -> list[str]:
    """Sign-ins made in a shell on the machine itself, which keeps its own config.json."""
    if part.state != "running":
        return []
    try:
        with lab.engine.wire(PATIENCE) as wire:
            content = wire.request("GET", f"/containers/{part.id}/archive?path=/root/.docker/config.json")
        with tarfile.open(fileobj=io.BytesIO(content)) as archive:
            file = archive.extractfile(archive.next() or "")
            config = json.load(file) if file else {}
    except (WireError, tarfile.TarError, ValueError, KeyError):
        return []
    return sign_ins(config) if isinstance(config, dict) else []
