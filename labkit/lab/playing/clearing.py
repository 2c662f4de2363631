"""Removes what a scope names from a node, the Swarm and the registries. Each function goes on until nothing is left."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import quote

from labkit.edge.facts import registries
from labkit.errors import LabError
from labkit.lab.engine.wire import Wire, WireError
from labkit.lab.playing.scope import Scope

PATIENCE = 20.0
"""Seconds that a machine gets to remove something: a task may take ten to end."""

AGAIN = "labkit reset   (again)"

SAMPLE = "myapp:latest"
"""The image that a lab's workstation starts with."""

OWN_NETWORKS = ("bridge", "host", "none", "docker_gwbridge")
"""Each engine's own networks, and the one that every Swarm node has."""

UNSETTLED = ("assigned", "accepted", "preparing", "ready", "starting")
"""States in which a node may still pull a task's image and create its container."""

Doomed = Iterator[tuple[str, str]]
"""(name, path that deletes it) for each thing to remove."""


def gone(wire: Wire, where: str, doomed: Callable[[], Iterable[tuple[str, str]]], spare: bool = False) -> None:
    """Deletes until nothing is left to remove. It tries again because something that is just ending may still use a thing.

    With `spare`, things that the engine says are in use stay. Raises LabError if something cannot be removed, WireError if
    the machine does not answer.
    """
    deadline = time.monotonic() + PATIENCE
    spared: set[str] = set()
    pause = 0.01
    while found := [(name, path) for name, path in doomed() if path not in spared]:
        refused = ""
        for name, path in found:
            try:
                wire.request("DELETE", path)
            except WireError as error:
                if error.status == 0:
                    raise
                if error.status == 409 and spare:
                    spared.add(path)
                elif error.status != 404:
                    refused = f"{name}: {error}"
        if refused:
            if time.monotonic() > deadline:
                raise LabError(f"{where} could not remove {refused}.", AGAIN)
            time.sleep(pause)
            pause = min(2 * pause, 0.2)


def node(wire: Wire, machine: str, scope: Scope, services: tuple[str, ...] = (), sample: str = "") -> bool:
    """Removes containers, images, networks and volumes, and the containers of these services.

    `sample` is the id of the image that stays, with its one name. Returns whether the machine has it. Raises LabError,
    WireError.
    """

    def containers() -> Doomed:
        for container in wire.get("/containers/json?all=1"):
            name = (container.get("Names") or [container["Id"][:12]])[0].lstrip("/")
            labels = container.get("Labels") or {}
            if scope.takes("containers", name) or labels.get("com.docker.swarm.service.name") in services:
                yield f"the container {name}", f"/containers/{container['Id']}?force=1&v=1"

    def plugins() -> Doomed:
        for plugin in wire.get("/plugins"):
            yield f"the plugin {plugin['Name']}", f"/plugins/{quote(plugin['Name'], safe='')}?force=1"

    def images() -> Doomed:
        for image in wire.get("/images/json?all=1"):
            yield from _image(image, scope, sample)

    def networks() -> Doomed:
        for network in wire.get("/networks"):
            name = network["Name"]
            # The Swarm's networks are the manager's to take away.
            own = network["Scope"] != "local" or name in OWN_NETWORKS
            if not own and scope.takes("networks", name, network.get("Labels")):
                yield f"the network {name}", f"/networks/{network['Id']}"

    def volumes() -> Doomed:
        for volume in wire.get("/volumes")["Volumes"] or []:
            if scope.takes("volumes", volume["Name"], volume.get("Labels")):
                yield f"the volume {volume['Name']}", f"/volumes/{quote(volume['Name'], safe='')}?force=1"

    spare = not scope.machines
    if scope.containers or services:
        gone(wire, machine, containers)
    if scope.machines:
        gone(wire, machine, plugins)
        if wire.get("/system/df?type=build-cache").get("BuildCache"):
            wire.request("POST", "/build/prune?all=1")
    if scope.images:
        gone(wire, machine, images, spare)
    if scope.networks or scope.stacks:
        gone(wire, machine, networks, spare)
    if scope.volumes or scope.stacks:
        gone(wire, machine, volumes, spare)
    return not scope.images or any(SAMPLE in (one.get("RepoTags") or []) for one in wire.get("/images/json"))


def _image(image: dict[str, Any], scope: Scope, sample: str) -> Doomed:
    names = [*(image.get("RepoTags") or []), *(image.get("RepoDigests") or [])]
    names = [name for name in names if "<none>" not in name]
    going = [name for name in names if scope.takes_image(name) and not (image["Id"] == sample and name == SAMPLE)]
    if going == names and image["Id"] != sample and (names or "*" in scope.images):
        yield f"the image {', '.join(names) or image['Id']}", f"/images/{image['Id']}?force=1"
    else:
        for name in going:
            yield f"the image {name}", f"/images/{quote(name, safe='')}?force=1"


def services(wire: Wire, scope: Scope) -> tuple[str, ...]:
    """Removes services and returns their names. Without a Swarm there are none. Raises LabError, WireError."""
    try:
        there = wire.get("/services")
    except WireError as error:
        if error.status == 503:
            return ()
        raise
    going = [one for one in there if scope.takes("services", one["Spec"]["Name"], one["Spec"].get("Labels"))]
    paths = {one["ID"]: (f"the service {one['Spec']['Name']}", f"/services/{one['ID']}") for one in going}
    if paths:
        gone(wire, "The Swarm", lambda: [paths[one["ID"]] for one in wire.get("/services") if one["ID"] in paths])
    return tuple(one["Spec"]["Name"] for one in going)


def beginning(wire: Wire) -> bool:
    """Whether a task of a removed service may still pull an image and start. Raises WireError."""
    try:
        services = {one["ID"] for one in wire.get("/services")}
        # A node that is gone starts nothing more, whatever was last heard of its tasks.
        nodes = {one["ID"] for one in wire.get("/nodes") if one["Status"]["State"] == "ready"}
        orphans = [task for task in wire.get("/tasks") if task["ServiceID"] not in services]
        return any(task["Status"]["State"] in UNSETTLED and task.get("NodeID") in nodes for task in orphans)
    except WireError as error:
        if error.status == 503:  # no Swarm
            return False
        raise


def at_rest(wire: Wire) -> None:
    """Waits until no task of a removed service can still start. Raises LabError, WireError."""
    deadline = time.monotonic() + PATIENCE
    while beginning(wire):
        if time.monotonic() > deadline:
            raise LabError("The Swarm is still starting tasks of services that were removed.", AGAIN)
        time.sleep(0.05)


def swarm(wire: Wire, scope: Scope) -> None:
    """Removes secrets, configs and the Swarm's networks. Raises LabError, WireError."""

    def specified(kind: str) -> Callable[[], Doomed]:
        def doomed() -> Doomed:
            for thing in wire.get(f"/{kind}"):
                if scope.takes(kind, thing["Spec"]["Name"], thing["Spec"].get("Labels")):
                    yield f"the {kind[:-1]} {thing['Spec']['Name']}", f"/{kind}/{thing['ID']}"

        return doomed

    def networks() -> Doomed:
        for network in wire.get("/networks"):
            own = network["Scope"] != "swarm" or network["Ingress"]
            if not own and scope.takes("networks", network["Name"], network.get("Labels")):
                yield f"the network {network['Name']}", f"/networks/{network['Id']}"

    try:
        for kind in ("secrets", "configs"):
            if getattr(scope, kind) or scope.stacks:
                gone(wire, "The Swarm", specified(kind), not scope.machines)
        if scope.networks or scope.stacks:
            gone(wire, "The Swarm", networks, not scope.machines)
    except WireError as error:
        if error.status != 503:  # no Swarm
            raise


def repositories(wire: Wire, scope: Scope) -> None:
    """Removes repositories, except those that come with the lab, and what whole registries keep. Raises WireError."""
    if not (scope.repositories or scope.registries):
        return
    seen = wire.get("/observation?sections=registries,store")
    # A repository whose last tag was deleted still holds manifests: only the store's section tells.
    held = {key: {*registry["repositories"]} for key, registry in seen["registries"]["known"].items()}
    held = {key: names | {*seen["store"]["revisions"].get(key, ())} for key, names in held.items()}
    for key, registry in seen["registries"]["known"].items():  # one may have settings and nothing else
        held[key] |= {*registry.get("private", ()), *registry.get("immutable", ())}
    doomed = [
        [key, repository]
        for key, names in held.items()
        for repository in sorted(names - {*seen["registries"]["known"][key]["seeded"]})
        if scope.takes("repositories", repository.rpartition("/")[2]) or scope.takes("registries", key)
    ]
    if doomed:
        wire.request("POST", "/remove", {"repositories": doomed})
    # Projects, robots, rules and limits too. A registry of the learner's own is none of the edge's.
    if vendors := [key for key in held if key in registries() and scope.takes("registries", key)]:
        wire.request("POST", "/forget", {"registries": vendors})


LIMITED = ("hub",)
"""The registries that have a limit of pulls."""


def limits(wire: Wire) -> None:
    """Gives registries their vendors' limits of pulls again, and begins to count anew. Raises WireError."""
    for key in LIMITED:
        wire.request("POST", "/limit", {"registry": key})


def nodes(wire: Wire, members: dict[str, str] | None = None) -> None:
    """Has every node of the Swarm ready, open for tasks and without labels; and with `members` ({machine: node id}) has it
    know these and no other. Raises LabError where a member never gets ready, WireError."""
    deadline = time.monotonic() + PATIENCE
    while True:
        there = {one["ID"]: one for one in wire.get("/nodes")}
        wanted = set(there if members is None else members.values())
        for key in set(there) - wanted:
            _try(wire, "DELETE", f"/nodes/{key}?force=1")
        changed = [key for key in wanted & set(there) if there[key]["Spec"] != _fresh(there[key])]
        for key in changed:
            _try(wire, "POST", f"/nodes/{key}/update?version={there[key]['Version']['Index']}", _fresh(there[key]))
        late = [key for key in wanted if key not in there or there[key]["Status"]["State"] != "ready"]
        if set(there) == wanted and not changed and (members is None or not late):
            return
        if time.monotonic() > deadline:
            names = ", ".join(machine for machine, key in (members or {}).items() if key in {*changed, *late})
            raise LabError(f"The Swarm's nodes did not get ready: {names or 'one too many is left'}.", AGAIN)
        time.sleep(0.02)


def _fresh(node: dict[str, Any]) -> dict[str, Any]:
    return {"Labels": {}, "Role": node["Spec"]["Role"], "Availability": "active"}


def _try(wire: Wire, method: str, path: str, body: Any = None) -> None:
    """Asks for a change; what changed in between is asked for again by the caller, who looks anew."""
    try:
        wire.request(method, path, body)
    except WireError as error:
        if error.status == 0:
            raise
