"""Observations of older schemas, brought to the newest. Plain JSON values in and out.

| schema | since | what it brought |
|---|---|---|
| 1 | 0.1.0 | everything at the top: nodes, edge, manifests, one log with marks in it |
| 2 | 0.2.0 | sections, each of which may be unobserved; registries as data; reasons as ids; fingerprints |
"""

from collections.abc import Callable
from typing import Any

NEWEST = 2

Data = dict[str, Any]


def known(schema: Any) -> bool:
    return isinstance(schema, int) and not isinstance(schema, bool) and 1 <= schema <= NEWEST


def upgrade(data: Data) -> Data:
    """The same observation in the newest schema. Raises KeyError, TypeError or AttributeError if it is damaged."""
    while data["schema"] < NEWEST:
        data = STEPS[data["schema"]](data)
    return data


# What schema 1 left unsaid, since there was only one way.
_HOLDINGS: dict[str, Data] = {
    "hub": {
        "title": "Docker Hub",
        "host": "docker.io",
        "hosts": ["registry-1.docker.io", "index.docker.io", "docker.io", "auth.docker.io"],
        "seeded": ["library/busybox"],
    },
    "private": {"title": "registry.lab:5000", "host": "registry.lab:5000", "hosts": ["registry.lab"], "seeded": []},
}
_REASONS = {
    "namespace of somebody else": "foreign-namespace",
    "refused by the store": "refused-by-store",
}


def _from_1(old: Data) -> Data:
    unobserved: dict[str, str] = {}
    data: Data = {
        "schema": 2,
        "labkit": old["labkit"],
        "content": old["content"],
        "lab": {"name": old["lab"]["name"], "person": old["lab"].get("person", {})},
        "taken": old["taken"],
        "unobserved": unobserved,
        "sign_ins": {place: dict.fromkeys(keys, "") for place, keys in old["sign_ins"].items()},
        "answers": {slug: {str(k): str(v) for k, v in given.items()} for slug, given in old["answers"].items()},
    }
    if "error" in old["edge"]:
        unobserved |= dict.fromkeys(("registries", "log"), old["edge"]["error"])
    else:
        data["registries"] = {
            "known": {
                key: {**_HOLDINGS[key], "repositories": held["repositories"]} for key, held in old["registries"].items()
            },
            "manifests": {digest: _manifest(held) for digest, held in old["manifests"].items()},
            "sample": old["sample"],
        }
        data["log"] = _log(old["log"], old["machines"])
    data["engines"] = {}
    for name, node in old["nodes"].items():
        if "error" in node:
            unobserved[f"engines/{name}"] = node["error"]
        else:
            data["engines"][name] = {
                "images": [_image(image) for image in node["images"]],
                "containers": [_only(held, "name", "image", "state", "service") for held in node["containers"]],
            }
    if "error" in old["swarm"]:
        unobserved["swarm"] = old["swarm"]["error"]
    else:
        data["swarm"] = _swarm(old["swarm"])
    return data


def _only(held: Data, *names: str) -> Data:
    return {name: held[name] for name in names}


def _image(held: Data) -> Data:
    return {**_only(held, "id", "tags", "digests", "labels"), "fingerprint": held["content"]}


def _manifest(held: Data) -> Data:
    names = ("kind", "config", "layers", "size", "labels", "manifests", "created", "artifact_type")
    kept = {name: held[name] for name in names if name in held}
    return {**kept, "fingerprint": held.get("content", "")}


def _log(lines: list[Data], machines: dict[str, str]) -> Data:
    lines = sorted(lines, key=lambda line: int(line["seq"]))
    return {
        "events": [_event(line, machines) for line in lines if line["action"] != "mark"],
        "resets": [_only(line, "seq", "time", "exercises") for line in lines if line["action"] == "mark"],
    }


def _event(line: Data, machines: dict[str, str]) -> Data:
    reason = line.get("reason", "")
    return {
        **_only(line, "seq", "time", "action", "registry", "status", "agent"),
        "machine": machines.get(line["client"], ""),
        "user": line.get("user"),
        "repository": line.get("repository", ""),
        "reference": line.get("reference", ""),
        "digest": line.get("digest", ""),
        "reason": _REASONS.get(reason, reason.replace(" ", "-")),
    }


def _swarm(held: Data) -> Data:
    tasks: dict[str, list[Data]] = {}
    for task in held["tasks"]:
        tasks.setdefault(task["service"], []).append(_task(task))
    return {
        "active": held["active"],
        "members": {name: _only(node, "role", "availability", "state") for name, node in held["nodes"].items()},
        "services": {
            name: _service(service, tasks.get(service["id"], [])) for name, service in held["services"].items()
        },
    }


def _service(held: Data, tasks: list[Data]) -> Data:
    names = ("name", "image", "stack", "mode", "replicas", "constraints", "update_state", "update_message")
    return {**_only(held, *names), "spec": held.get("spec", ""), "tasks": tasks}


def _task(held: Data) -> Data:
    names = ("id", "slot", "node", "image", "desired", "state", "error", "message", "exit_code", "since", "created")
    return {**_only(held, *names), "spec": held.get("spec", "")}


STEPS: dict[int, Callable[[Data], Data]] = {1: _from_1}
"""By the schema that each step starts from."""
