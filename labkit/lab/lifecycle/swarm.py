"""The lab's Swarm: created, joined, and repaired after whatever a learner or an accident did to it."""

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from labkit.errors import LabError
from labkit.lab.engine.wire import Wire, WireError
from labkit.lab.plan import MANAGER

if TYPE_CHECKING:
    from labkit.lab.lifecycle.site import Site

PATIENCE = 30.0


@dataclass(frozen=True)
class Manager:
    wire: Wire
    address: str
    token: str
    nodes: frozenset[str]
    """IDs of the nodes that the manager knew when it was asked."""


def manage(site: "Site") -> None:
    """Makes the workstation the manager of a Swarm, unless it is one. Raises LabError."""
    wire, address = site.wires[MANAGER], site.instances[MANAGER].address
    body = {
        "ListenAddr": "0.0.0.0:2377",
        "AdvertiseAddr": address,
        "DefaultAddrPool": ["10.204.0.0/16"],
        "SubnetSize": 24,
    }
    # Most engines are new: trying is cheaper than asking, for which an engine starts runc and docker-init.
    try:
        wire.request("POST", "/swarm/init", body)
    except WireError:
        state = _state(wire)
        if state["LocalNodeState"] != "active" or not state["ControlAvailable"]:
            if state["LocalNodeState"] != "inactive":
                wire.request("POST", "/swarm/leave?force=1")
            _retry(lambda: wire.request("POST", "/swarm/init", body))
    swarm = _retry(lambda: wire.get("/swarm"))
    nodes = frozenset(node["ID"] for node in wire.get("/nodes"))
    site.manager = Manager(wire, address, swarm["JoinTokens"]["Worker"], nodes)


def join(site: "Site", machine: str) -> None:
    """Makes this machine a worker of the manager's Swarm, unless it is one. Raises LabError."""
    wire, manager = site.wires[machine], site.manager
    assert manager is not None
    body = {
        "ListenAddr": "0.0.0.0:2377",
        "AdvertiseAddr": site.instances[machine].address,
        "RemoteAddrs": [f"{manager.address}:2377"],
        "JoinToken": manager.token,
    }
    try:
        wire.request("POST", "/swarm/join", body)
    except WireError:
        state = _state(wire)
        if state["LocalNodeState"] == "active" and state["NodeID"] in manager.nodes:
            return
        if state["LocalNodeState"] != "inactive":
            wire.request("POST", "/swarm/leave?force=1")
            _until_left(site, wire)
        _retry(lambda: wire.request("POST", "/swarm/join", body))


def _until_left(site: "Site", wire: Wire) -> None:
    """Waits, but not forever, until the engine has removed the old Swarm's networks. It does that after it has left, and would
    remove the new Swarm's with them."""
    deadline = time.monotonic() + LEAVING
    while time.monotonic() < deadline:
        if not any(network["Scope"] == "swarm" for network in wire.get("/networks")):
            return
        site.pause(0.05)


LEAVING = 5.0


def tidy(site: "Site") -> None:
    """Waits until every machine is a ready node, removes nodes that are gone for good, and activates those that were drained or
    paused."""
    manager, machines = site.manager, {machine.name for machine in site.plan.nodes}
    assert manager is not None
    deadline = time.monotonic() + PATIENCE
    nodes = manager.wire.get("/nodes")
    while not machines <= {hostname(node) for node in nodes if node["Status"]["State"] == "ready"}:
        if time.monotonic() > deadline:
            raise LabError("Not every machine joined the Swarm.", "labkit down && labkit up")
        site.pause(0.02)
        nodes = manager.wire.get("/nodes")
    for node in nodes:
        if node["Status"]["State"] == "down":
            with contextlib.suppress(WireError):
                manager.wire.request("DELETE", f"/nodes/{node['ID']}?force=1")
        elif node["Spec"]["Availability"] != "active":
            spec = {**node["Spec"], "Availability": "active"}
            with contextlib.suppress(WireError):
                manager.wire.request("POST", f"/nodes/{node['ID']}/update?version={node['Version']['Index']}", spec)


def hostname(node: dict[str, Any]) -> str:
    """A node's host name, or its ID if it has just joined and has not reported the name yet."""
    return str(node["Description"].get("Hostname") or node["ID"][:12])


def _state(wire: Wire) -> dict[str, Any]:
    """The engine's own view of its membership, once it is stable."""
    deadline = time.monotonic() + PATIENCE
    while True:
        state: dict[str, Any] = wire.get("/info")["Swarm"]
        if state["LocalNodeState"] != "pending" or time.monotonic() > deadline:
            return state
        time.sleep(0.05)


def _retry(call: Any) -> Any:
    """Calls until it works: right after a start or a leave, an engine says for a moment that it is not ready."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return call()
        except WireError as error:
            if time.monotonic() > deadline or error.status not in (0, 500, 503):
                raise LabError(f"The Swarm could not be set up: {error}.", "labkit down && labkit up") from error
            time.sleep(0.1)
